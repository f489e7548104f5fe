"""A classifier on Fisher vectors: kernel ridge regression onto each label, all of it closed form.

What it brings beside the network is told in docs/experiments.md: on few photographs it is the stronger of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import linalg

from releaf.errors import ArtifactError, DataError
from releaf.parallel import each
from releaf.progress import Progress
from releaf.vision.data import LABELS, MISSING, Labels, Pixels
from releaf.vision.descriptors import Descriptors, describe
from releaf.vision.fisher import FisherEncoder, Vocabulary, fit_encoder, joined
from releaf.vision.preprocessing import DETAIL, bounded, open_picture
from releaf.vision.settings import DescriptorSettings

FILE = "descriptors.safetensors"
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DescriptorModel:
    """An encoder of pictures and, for each label that training knew, a linear map onto its classes.

    weights: (width, classes) and biases: (classes,) by label, float32.
    """

    encoder: FisherEncoder
    weights: dict[str, Floats]
    biases: dict[str, Floats]

    def vector(self, picture: Pixels) -> Floats:
        """Return the Fisher vector (width,) of an (H, W, 3) uint8 RGB picture."""
        return self.encoder.encode(describe(picture))

    def scores(self, vectors: Floats) -> dict[str, Floats]:
        """Return (N, classes) scores of each label for (N, width) vectors; near 1 for the class, near 0 for others."""
        return {label: vectors @ weights + self.biases[label] for label, weights in self.weights.items()}

    def save(self, directory: Path) -> None:
        """Write `descriptors.safetensors` into `directory`, which must exist."""
        arrays = {**self.encoder.gradient.arrays("gradient"), **self.encoder.colour.arrays("colour")}
        arrays |= {f"weights.{label}": values for label, values in self.weights.items()}
        arrays |= {f"bias.{label}": values for label, values in self.biases.items()}
        save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, directory / FILE)

    @classmethod
    def load(cls, directory: Path) -> DescriptorModel:
        """Read what `save` wrote; raises ArtifactError for a file that is missing, damaged or lacks a part."""
        file = directory / FILE
        try:
            arrays = load_file(file)
            encoder = FisherEncoder(Vocabulary.of_arrays(arrays, "gradient"), Vocabulary.of_arrays(arrays, "colour"))
        except (OSError, SafetensorError) as error:
            raise ArtifactError(f"{file} cannot be read: {error}; build it again") from error
        except KeyError as error:
            raise ArtifactError(f"{file} lacks {error}; build it again") from error
        labels = [label for label in LABELS if f"weights.{label}" in arrays]
        return cls(
            encoder,
            {label: arrays[f"weights.{label}"] for label in labels},
            {label: arrays[f"bias.{label}"] for label in labels},
        )


def train_descriptors(
    paths: Sequence[str], labels: Labels, classes: Mapping[str, int], settings: DescriptorSettings, progress: Progress
) -> DescriptorModel:
    """Fit vocabularies and ridge to pictures and labels (N, 4); closed form, so nothing to stop early or resume.

    Raises DataError for fewer than two pictures, InputError for one that cannot be decoded.
    """
    if len(paths) < 2:
        raise DataError(f"the classifier on local descriptors needs 2 training pictures; found {len(paths)}")
    rows = _evenly(len(paths), settings.limit)
    some = rows[_evenly(len(rows), settings.pictures)]
    sample = joined(each(lambda row: _sampled(paths[row], row, settings), some.tolist(), progress, "sampling patches"))
    encoder = fit_encoder(
        sample,
        words=settings.words,
        gradient_axes=settings.gradient_axes,
        colour_axes=settings.colour_axes,
        seed=settings.seed,
    )
    vectors = np.stack(
        each(lambda row: encoder.encode(describe(_bounded(paths[row]))), rows.tolist(), progress, "describing pictures")
    )
    weights, biases = fit_ridge(vectors, labels[rows], classes, settings.penalty)
    return DescriptorModel(encoder, weights, biases)


def fit_ridge(
    vectors: Floats, labels: Labels, classes: Mapping[str, int], penalty: float
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return weights (width, classes) and biases (classes,) of every label that some picture has.

    For each label, over its pictures: W = Xᵀ (XXᵀ + λI)⁻¹ (Y − ȳ), Y one-hot and λ `penalty` times the mean of XXᵀ's
    diagonal (Saunders, Gammerman and Vovk 1998).
    """
    weights: dict[str, Floats] = {}
    biases: dict[str, Floats] = {}
    kernel = vectors @ vectors.T
    # Labels that the same pictures have share the costly part.
    for label_set in _labels_by_pictures(labels):
        known = np.flatnonzero(labels[:, label_set[0]] != MISSING)
        targets = [np.eye(classes[LABELS[column]])[labels[known, column]] for column in label_set]
        means = [target.mean(axis=0) for target in targets]
        inner = kernel[np.ix_(known, known)].astype(np.float64)
        inner[np.diag_indices_from(inner)] += penalty * np.trace(inner) / len(known)
        centred = np.concatenate([target - mean for target, mean in zip(targets, means, strict=True)], axis=1)
        solved = linalg.solve(inner, centred, assume_a="pos", overwrite_a=True, overwrite_b=True)
        maps = np.asarray(vectors[known].T @ solved.astype(np.float32), dtype=np.float32)
        ends = np.cumsum([len(mean) for mean in means])[:-1]
        for column, own, mean in zip(label_set, np.split(maps, ends, axis=1), means, strict=True):
            weights[LABELS[column]], biases[LABELS[column]] = own, mean.astype(np.float32)
    return weights, biases


def _labels_by_pictures(labels: Labels) -> list[list[int]]:
    """Return the columns of labels that occur, those known of the same pictures together."""
    found: dict[bytes, list[int]] = {}
    for column in range(labels.shape[1]):
        known = labels[:, column] != MISSING
        if known.any():
            found.setdefault(known.tobytes(), []).append(column)
    return list(found.values())


def _evenly(count: int, most: int) -> npt.NDArray[np.int64]:
    """Return at most `most` of `count` positions, spread over all of them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _sampled(path: str, row: int, settings: DescriptorSettings) -> Descriptors:
    found = describe(_bounded(path))
    count = len(found.place)
    drawn = np.random.default_rng([settings.seed, row]).choice(count, min(count, settings.patches), replace=False)
    return Descriptors(*(values[drawn] for values in found))


def _bounded(path: str) -> Pixels:
    return bounded(open_picture(Path(path), DETAIL))
