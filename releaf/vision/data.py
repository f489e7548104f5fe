"""Tables of images as arrays: labels, decoded pixels, and the order in which training sees them.

Pixels are decoded once, kept as one memory-mapped file, and named by what they were made from. Which images exist and
how they are split is decided before; random changes are in `augmentation`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from releaf.artifacts import content_hash, staged_directory
from releaf.errors import DataError, InputError, UnknownNameError
from releaf.parallel import each
from releaf.progress import Progress, silent
from releaf.taxonomy import Taxonomy
from releaf.vision.preprocessing import VERSION, preprocess

LABELS = ("item", "material", "family", "bin")
MISSING = -1
_MOST_REPEATS = 4

Labels = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ClassNames:
    """Ids of each label in class order, and the family index of each material: what a checkpoint must agree with."""

    item: tuple[str, ...]
    material: tuple[str, ...]
    family: tuple[str, ...]
    bin: tuple[str, ...]
    family_of_material: tuple[int, ...]

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> ClassNames:
        """Return the names of `taxonomy`."""
        return cls(
            taxonomy.item_ids,
            taxonomy.material_ids,
            taxonomy.family_ids,
            taxonomy.bin_ids,
            taxonomy.family_of_material,
        )

    @classmethod
    def read(cls, described: Mapping[str, Any]) -> ClassNames:
        """Return the names that a JSON object holds; raises TypeError where it is no such object."""
        return cls(**{key: tuple(value) for key, value in described.items()})

    def require(self, wanted: ClassNames, place: Path) -> None:
        """Raise InputError, naming the classes that differ, unless the model at `place` was trained for `wanted`."""
        for label in LABELS:
            mine, theirs = self.ids(label), wanted.ids(label)
            if mine == theirs:
                continue
            gone, new = sorted(set(mine) - set(theirs)), sorted(set(theirs) - set(mine))
            difference = f"only in the checkpoint: {gone or 'none'}; only in the taxonomy: {new or 'none'}"
            if not gone and not new:
                difference = f"the order differs: {', '.join(mine)}"
            raise InputError(f"{place} was trained for another taxonomy ({label}: {difference}); train it again")
        if self.family_of_material != wanted.family_of_material:
            families = zip(self.material, self.family_of_material, wanted.family_of_material, strict=True)
            moved = [name for name, old, new in families if old != new]
            raise InputError(f"{place} was trained for another taxonomy (family of {', '.join(moved)}); train it again")

    def ids(self, label: str) -> tuple[str, ...]:
        """Return the ids of `item`, `material`, `family` or `bin`."""
        known: dict[str, tuple[str, ...]] = {name: getattr(self, name) for name in LABELS}
        return known[label]

    @property
    def counts(self) -> dict[str, int]:
        """Number of classes of each label."""
        return {label: len(self.ids(label)) for label in LABELS}


def encode_labels(images: pl.DataFrame, names: ClassNames) -> Labels:
    """Return (N, 4) class indices in the order item, material, family, bin; -1 where the table has null.

    A known material gives its family. Raises UnknownNameError for an id that is no class, and DataError for a family
    that contradicts the material.
    """
    columns = [_encode(images[label].to_list(), names.ids(label), label) for label in LABELS]
    labels = np.stack(columns, axis=1)
    material, family = labels[:, 1], labels[:, 2]
    implied = np.append(np.array(names.family_of_material, dtype=np.int64), MISSING)[material]
    wrong = np.flatnonzero((implied != MISSING) & (family != MISSING) & (family != implied))
    if len(wrong):
        row = images.row(int(wrong[0]), named=True)
        raise DataError(f"{row['path']}: material {row['material']!r} is not of the family {row['family']!r}")
    labels[:, 2] = np.where(implied != MISSING, implied, family)
    return labels


def _encode(values: Sequence[str | None], ids: tuple[str, ...], label: str) -> Labels:
    index = {name: position for position, name in enumerate(ids)}
    for value in values:
        if value is not None and value not in index:
            raise UnknownNameError(label, value, ids, "the table of images")
    return np.array([MISSING if value is None else index[value] for value in values], dtype=np.int64)


def load_pixels(images: pl.DataFrame, size: int, *, cache: Path | None = None, progress: Progress = silent) -> Pixels:
    """Return the preprocessed pixels of every row, (N, size, size, 3) uint8 in table order.

    With `cache`, a folder, they are decoded once and memory-mapped from then on; the file's name is the hash of the
    images' content, the size and the version of the preprocessing. Raises InputError for a row that cannot be decoded.
    """
    if cache is None or images.is_empty():
        pixels = np.empty((images.height, size, size, 3), dtype=np.uint8)
        _decode(images["path"].to_list(), pixels, progress)
        return pixels
    key = content_hash([VERSION, size, images["sha256"].to_list()])[:32]
    file = cache / f"pixels-{key}.npy"
    if not file.is_file():
        with staged_directory(cache) as staging:
            fresh = staging / file.name
            shape = (images.height, size, size, 3)
            mapped = np.lib.format.open_memmap(fresh, mode="w+", dtype=np.uint8, shape=shape)
            _decode(images["path"].to_list(), mapped, progress)
            mapped.flush()
            fresh.replace(file)
    loaded: Pixels = np.load(file, mmap_mode="r", allow_pickle=False)
    return loaded


def _decode(paths: list[str], into: Pixels, progress: Progress) -> None:
    def one(index: int) -> None:
        into[index] = preprocess(Path(paths[index]), into.shape[1])

    each(one, range(len(paths)), progress, "decoding images")


def sampling_weights(labels: Labels, sources: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the probability of drawing each image, counted from the table: weight_c = N / count_c in each source.

    An image's class is its finest label: item, else material, else family, else bin. Classes are balanced within a
    source ("photograph", "rendered"), and sources are drawn equally often, however many pictures were rendered; but a
    source is never drawn more than four times over in an epoch, so that a handful of photographs is not learned by
    heart. Sums to 1.
    """
    finest = np.argmax(labels != MISSING, axis=1)
    classes = labels[np.arange(len(labels)), finest]
    keys = list(zip(sources, finest.tolist(), classes.tolist(), strict=True))
    counts = Counter(keys)
    kinds = Counter(source for source, _, _ in counts)
    shares = _source_shares(Counter(sources))
    weights = np.array([shares[key[0]] / (kinds[key[0]] * counts[key]) for key in keys])
    probabilities: npt.NDArray[np.float64] = weights / weights.sum()
    return probabilities


def _source_shares(sizes: Counter[str]) -> dict[str, float]:
    """Return how much of an epoch each source gets; smaller sources first, what they cannot fill goes to the rest."""
    total, left = sum(sizes.values()), 1.0
    shares: dict[str, float] = {}
    for position, (source, size) in enumerate(sorted(sizes.items(), key=lambda entry: (entry[1], entry[0]))):
        shares[source] = min(left / (len(sizes) - position), _MOST_REPEATS * size / total)
        left -= shares[source]
    return shares


def epoch_order(weights: npt.NDArray[np.float64], seed: int, epoch: int) -> Labels:
    """Return the N row indices of an epoch, drawn by `weights`; depends on nothing but its arguments.

    Systematic sampling (Madow and Madow 1944): row i is drawn floor(N·w_i) or ceil(N·w_i) times, so a balanced table is
    seen whole once an epoch, where independent draws would leave out a third of it.
    """
    n = len(weights)
    rng = np.random.default_rng([seed, epoch])
    shuffled = rng.permutation(n)
    edges = np.cumsum(weights[shuffled])
    points = (np.arange(n) + rng.random()) / n * edges[-1]
    drawn = shuffled[np.minimum(np.searchsorted(edges, points, side="right"), n - 1)]
    return rng.permutation(drawn).astype(np.int64)
