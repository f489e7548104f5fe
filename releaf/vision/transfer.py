"""Across sources: what a classifier that saw only rendered pictures makes of photographs, and the other way round.

Both are trained by the recipe that is used otherwise, on one source each. Families alone are measured: the one label
that both sources know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from releaf.metrics.classification import confusion_matrix, macro_f1
from releaf.progress import Progress, silent
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision.calibration import calibrate
from releaf.vision.data import LABELS, MISSING, ClassNames, encode_labels
from releaf.vision.descriptor_model import train_descriptors
from releaf.vision.predictor import Predictor, Seen
from releaf.vision.settings import DescriptorSettings, VisionSettings

SOURCES = ("photograph", "rendered")
LABEL = "family"
_COLUMN = LABELS.index(LABEL)
# What training, choosing the epoch and measuring need at least, in pictures.
_SMALLEST = {"train": 2, "validation": 1, "test": 1}


@dataclass(frozen=True)
class TransferFigures:
    """What a classifier trained on one source reaches on `n` test pictures of a source, its own or the other."""

    trained_on: str
    tested_on: str
    label: str
    n: int
    accuracy: float
    macro_f1: float


def transfer(
    images: pl.DataFrame,
    taxonomy: Taxonomy,
    vision: VisionSettings,
    descriptors: DescriptorSettings,
    hardware: Hardware,
    *,
    cache: Path | None = None,
    state_dir: Path | None = None,
    progress: Progress = silent,
) -> list[TransferFigures]:
    """Train on each source alone and measure it on the test pictures of both: four rows, or none without both sources.

    Network, local descriptors and the weights that join them see training and validation pictures of their own source
    only. Counted are test pictures of a family that both sources have among their training pictures: one that training
    never saw cannot be named. A source that lacks pictures of such a family in some split is missing, and gives [].
    `cache` and `state_dir` are as in `training.train`; raises what that raises.
    """
    names = ClassNames.of(taxonomy)
    shared = _shared_families(images, names)
    test = {source: _of_families(_rows(images, source, "test"), shared, names) for source in SOURCES}
    if not shared or any(not table.height for table in test.values()):
        return []
    for source in SOURCES:
        if any(_rows(images, source, split).height < least for split, least in _SMALLEST.items()):
            return []
    found: list[TransferFigures] = []
    for source in SOURCES:
        state = None if state_dir is None else state_dir / source
        own = images.filter(pl.col("source") == source)
        predictor = train_on(own, taxonomy, vision, descriptors, hardware, cache=cache, state=state, progress=progress)
        found += [_measured(predictor, source, other, test[other], progress) for other in SOURCES]
    return found


def train_on(
    images: pl.DataFrame,
    taxonomy: Taxonomy,
    vision: VisionSettings,
    descriptors: DescriptorSettings,
    hardware: Hardware,
    *,
    cache: Path | None = None,
    state: Path | None = None,
    progress: Progress = silent,
) -> Predictor:
    """Return a classifier trained on the rows whose split is `train` and joined on those of `validation`."""
    from releaf.vision.prediction import TorchNetwork
    from releaf.vision.training import train

    trained = train(images, taxonomy, vision, hardware, cache=cache, state_dir=state, progress=progress)
    names, learned = trained.checkpoint.names, images.filter(pl.col("split") == "train")
    local = train_descriptors(
        learned["path"].to_list(), encode_labels(learned, names), names.counts, descriptors, progress
    )
    network = TorchNetwork(trained.checkpoint.model, hardware)
    unweighted = Predictor(names=names, image_size=vision.image_size, network=network, descriptors=local, weights={})
    held_out = images.filter(pl.col("split") == "validation")
    seen = _see(unweighted, held_out["path"].to_list(), progress)
    calibration = calibrate(seen.evidence, encode_labels(held_out, names), held_out["source"].to_list(), names)
    return replace(unweighted, weights=calibration.weights)


def _measured(
    predictor: Predictor, trained_on: str, tested_on: str, test: pl.DataFrame, progress: Progress
) -> TransferFigures:
    seen = _see(predictor, test["path"].to_list(), progress)
    predicted = predictor.probabilities(seen)[LABEL].argmax(axis=1)
    truth = encode_labels(test, predictor.names)[:, _COLUMN]
    confusion = confusion_matrix(predicted, truth, len(predictor.names.ids(LABEL)))
    return TransferFigures(
        trained_on, tested_on, LABEL, test.height, float((predicted == truth).mean()), macro_f1(confusion)
    )


def _see(predictor: Predictor, paths: Sequence[str], progress: Progress) -> Seen:
    return predictor.see(predictor.open_all(paths, progress))


def _rows(images: pl.DataFrame, source: str, split: str) -> pl.DataFrame:
    return images.filter((pl.col("source") == source) & (pl.col("split") == split))


def _shared_families(images: pl.DataFrame, names: ClassNames) -> set[int]:
    """Return the families that both sources have among their training pictures."""
    known = [set(encode_labels(_rows(images, source, "train"), names)[:, _COLUMN].tolist()) for source in SOURCES]
    return set.intersection(*known) - {MISSING}


def _of_families(images: pl.DataFrame, families: set[int], names: ClassNames) -> pl.DataFrame:
    return images.filter(pl.Series(np.isin(encode_labels(images, names)[:, _COLUMN], list(families)), dtype=pl.Boolean))
