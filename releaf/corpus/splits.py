"""Which rows may train and which only measure: near-duplicate pictures, contradictions, and splits.

Near-duplicate texts are found in `duplicates`; reading and checking datasets happens elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from PIL import Image

from releaf.corpus.duplicates import groups
from releaf.corpus.validation import Quarantine, Validated
from releaf.errors import InputError

SPLITS = ("train", "validation", "test")
LABELS = ("item", "material", "family", "bin")
MAX_DISTANCE = 3
"""Differing bits up to which two pictures count as one. On the 2,021 pictures of TrashNet this finds all 7 pairs that
its description names and joins at most 5 pictures; 4 would join 10, and 6 would join 24 unlike ones."""

_GRID = 6
_BLOCK = 1024


def perceptual_hash(image: Image.Image) -> int:
    """A hash of at most 64 bits in which alike pictures differ in few bits.

    The picture becomes 6×6 grey cells; each bit says whether a cell is brighter than its left or its upper neighbour
    (30 bits each; a difference hash in both directions). With one direction alone, plain sheets of paper and cardboard
    collide. Transparent parts count as white.
    """
    small = _grey(image).resize((_GRID, _GRID), Image.Resampling.LANCZOS)
    cells = np.asarray(small, dtype=np.float32)
    bits = np.concatenate([(cells[:, 1:] > cells[:, :-1]).ravel(), (cells[1:] > cells[:-1]).ravel()])
    return int("".join("1" if bit else "0" for bit in bits), 2)


def _grey(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image)
        image = white
    if image.mode.startswith(("I", "F")):  # 16 bits and more a pixel: `L` would clip them
        return image.convert("F")
    return image.convert("L")


def near_duplicate_groups(hashes: Sequence[int], max_distance: int = MAX_DISTANCE) -> list[int]:
    """For each hash the index of the first one that a chain of hashes at most `max_distance` bits apart joins it to."""
    return groups(len(hashes), _close_pairs(np.array(hashes, dtype=np.uint64), max_distance))


def _close_pairs(hashes: npt.NDArray[np.uint64], max_distance: int) -> Iterator[tuple[int, int]]:
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        distance = np.bitwise_count(block[:, None] ^ hashes[None, start:])
        for left, right in np.argwhere(np.triu(distance <= max_distance, k=1)):
            yield start + int(left), start + int(right)


def group_images(images: pl.DataFrame, hashes: Sequence[int], *, max_distance: int = MAX_DISTANCE) -> pl.DataFrame:
    """Add the column `group`: 16 hex digits of the smallest sha256 among a picture's near duplicates."""
    first = near_duplicate_groups(hashes, max_distance)
    return (
        images.with_columns(pl.Series("_first", first, dtype=pl.Int64))
        .with_columns(pl.col("sha256").min().over("_first").str.head(16).alias("group"))
        .drop("_first")
    )


def straddling_pairs(images: pl.DataFrame, max_distance: int = MAX_DISTANCE) -> int:
    """How many pairs of near duplicates lie in two splits, found from the pictures' hashes anew, whatever their groups.

    Pictures without a perceptual hash count where their bytes are the same.
    """
    bare = images.filter(pl.col("perceptual_hash").is_null()).group_by("sha256").agg(pl.col("split").n_unique())
    hashed = images.filter(pl.col("perceptual_hash").is_not_null())
    hashes = np.array([int(value, 16) for value in hashed["perceptual_hash"]], dtype=np.uint64)
    splits = hashed["split"].to_list()
    close = sum(1 for left, right in _close_pairs(hashes, max_distance) if splits[left] != splits[right])
    same: int = bare.filter(pl.col("split") > 1).height
    return same + close


def drop_contradictions(images: pl.DataFrame) -> Validated:
    """Take out pictures of the same bytes (`sha256`) that carry different labels: neither label can be trusted.

    A head that one of them leaves unlabelled is no difference. The kept rows keep their order.
    """
    distinct = [pl.col(label).drop_nulls().n_unique().over("sha256").alias(f"_{label}") for label in LABELS]
    marked = images.with_columns(distinct)
    contradicts = pl.any_horizontal([pl.col(f"_{label}") > 1 for label in LABELS])
    quarantine = Quarantine("images")
    twins: dict[str, list[str]] = {}
    bad = images.filter(marked.select(contradicts).to_series())
    for row in bad.iter_rows(named=True):
        twins.setdefault(row["sha256"], []).append(row["id"])
    for row in bad.iter_rows(named=True):
        others = ", ".join(name for name in twins[row["sha256"]] if name != row["id"])
        labels = ", ".join(f"{label} {row[label]}" for label in LABELS if row[label] is not None)
        quarantine.add(row["id"], None, f"the same picture carries other labels as {others}", labels)
    kept = images.filter(~marked.select(contradicts).to_series())
    return Validated(kept, quarantine.frame(), images.height)


def assign_splits(
    frame: pl.DataFrame,
    *,
    by: str,
    group: str,
    key: str = "sha256",
    shares: tuple[float, float, float] = (0.7, 0.15, 0.15),
) -> pl.DataFrame:
    """Add the column `split` (train, validation, test), the same for the same rows in any order.

    Rows of one `group` stay together; a group belongs to the label (column `by`) of its row with the smallest `key`, a
    content hash. Within a label, groups are sorted by that hash and cut at the shares, so that each split's size is
    right to within half the group that stands on the cut, and a row added later moves few others. Raises `InputError`
    for shares that are negative or do not add to 1.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise InputError(f"shares are {shares}; they must not be negative and add to 1")
    first = pl.col(key).sort_by(key).first()
    groups_ = frame.group_by(group).agg(
        first.alias("_key"),
        pl.col(by).sort_by(key, by).first().alias("_stratum"),
        pl.len().cast(pl.Int64).alias("_size"),
    )
    middle = (pl.col("_size").cum_sum() - pl.col("_size") / 2) / pl.col("_size").sum()
    placed = groups_.sort("_key", group).with_columns(middle.over("_stratum").alias("_middle"))
    train, validation = shares[0], shares[0] + shares[1]
    split = (
        pl.when(pl.col("_middle") < train)
        .then(pl.lit(SPLITS[0]))
        .when(pl.col("_middle") < validation)
        .then(pl.lit(SPLITS[1]))
        .otherwise(pl.lit(SPLITS[2]))
    )
    named = placed.select(pl.col(group), split.alias("split"))
    return frame.drop("split", strict=False).join(named, on=group, how="left", maintain_order="left", nulls_equal=True)
