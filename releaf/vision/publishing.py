"""From two trained parts to one published classifier: exported, joined, calibrated, measured on validation pictures.

Reading it back is in `published`; figures on pictures that nothing here saw are the report's, in `evaluation`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from releaf.progress import Progress, silent
from releaf.vision.calibration import ENOUGH, PHOTOGRAPH, Calibration, calibrate
from releaf.vision.checkpoint import VisionCheckpoint
from releaf.vision.data import LABELS, MISSING, Labels, Pixels, encode_labels, load_pixels
from releaf.vision.descriptor_model import DescriptorModel
from releaf.vision.export import CALIBRATION_LIMIT, INT8_FILE, NETWORK_FILE, Exported, export
from releaf.vision.novelty import Novelty, fit_novelty
from releaf.vision.onnx_network import OnnxNetwork
from releaf.vision.predictor import Predictor, Seen
from releaf.vision.published import describe

# Share of validation pictures that int8 may answer worse; beyond it the float network is served.
INT8_LOSS = 0.005


# Training pictures that what is seen is compared with: all of them would double the time that publishing takes.
FAMILIAR = 1500


class Others(NamedTuple):
    """Pictures of other things, (N, H, W, 3) uint8, and what kind each is of."""

    pixels: Pixels
    kinds: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PublishedClassifier:
    """What was published: the predictor as it will be opened, and how it came about.

    int8_loss: the largest loss of accuracy of the int8 network against the float one, over sources and labels, on
    validation pictures. served: the ONNX file that is served. validation: what the predictor makes of them.
    """

    predictor: Predictor
    exported: Exported
    calibration: Calibration
    int8_loss: float
    served: str
    validation: Seen

    def metrics(self) -> dict[str, float]:
        """Return the figures that gates and people look at."""
        return {
            "onnx_parity": self.exported.parity.logits,
            "int8_accuracy_loss": self.int8_loss,
            "served_accuracy_loss": self.int8_loss if self.served == INT8_FILE else 0.0,
            **{f"validation_ece_{label}": value for label, value in self.calibration.ece_after.items()},
        }


def publish(
    checkpoint: VisionCheckpoint,
    descriptors: DescriptorModel,
    images: pl.DataFrame,
    others: Others,
    directory: Path,
    *,
    progress: Progress = silent,
) -> PublishedClassifier:
    """Write the classifier's files into `directory`, which must exist, and return it opened.

    Training pictures set the ranges of int8 and what is familiar; validation pictures decide whether int8 is served and
    fit the weights and, with `others`, the threshold of what is novel; test pictures are not touched. Raises InputError
    for a picture that cannot be decoded.
    """
    train, validation = (images.filter(pl.col("split") == split) for split in ("train", "validation"))
    size, names = checkpoint.settings.image_size, checkpoint.names
    exported = export(checkpoint, directory, load_pixels(_some(train, CALIBRATION_LIMIT), size))
    descriptors.save(directory)
    labels, sources = encode_labels(validation, names), validation["source"].to_list()
    whole = Predictor(names, size, OnnxNetwork(exported.network), descriptors, {})
    small = Predictor(names, size, OnnxNetwork(exported.int8), descriptors, {})
    pictures = whole.open_all(validation["path"].to_list(), progress)
    by_network = {NETWORK_FILE: whole.see(pictures), INT8_FILE: small.see(pictures)}
    loss = accuracy_loss(by_network[NETWORK_FILE], by_network[INT8_FILE], labels, sources)
    served, network = (INT8_FILE, small.network) if loss <= INT8_LOSS else (NETWORK_FILE, whole.network)
    seen = by_network[served]
    calibration = calibrate(seen.evidence, labels, sources, names)
    describe(directory, names, size, served, calibration.weights)
    joined = Predictor(names, size, network, descriptors, calibration.weights)
    novelty = _novelty(joined, _some(train, FAMILIAR), seen, sources, others, progress)
    novelty.save(directory)
    predictor = replace(joined, novelty=novelty)
    return PublishedClassifier(predictor, exported, calibration, loss, served, seen)


def _novelty(
    joined: Predictor, train: pl.DataFrame, validation: Seen, sources: list[str], others: Others, progress: Progress
) -> Novelty:
    labels = encode_labels(train, joined.names)
    # A rendered picture looks unlike a photograph of the same thing, so each source has classes of its own.
    finest = np.argmax(labels != MISSING, axis=1)
    kinds = [
        f"{source} {column} {labels[row, column]}"
        for row, (source, column) in enumerate(zip(train["source"], finest.tolist(), strict=True))
    ]
    classes = np.unique(kinds, return_inverse=True)[1].astype(np.int64)
    known = joined.see(joined.open_all(train["path"].to_list(), progress))
    strange = joined.see(joined.take_all(list(others.pixels), progress))
    return fit_novelty(
        joined.observed(known),
        classes,
        joined.observed(validation),
        joined.observed(strange),
        others.kinds,
        weights=_importance(sources),
        widths=known.widths,
        k=min(10, train.height),
    )


def _importance(sources: list[str]) -> npt.NDArray[np.float64]:
    """Return how much each validation picture counts for the threshold: as in `calibrate`, photographs where enough."""
    photographs = np.array(sources) == PHOTOGRAPH
    return np.asarray(photographs if photographs.sum() >= ENOUGH else np.ones(len(sources)), dtype=np.float64)


def _some(images: pl.DataFrame, most: int) -> pl.DataFrame:
    """Return at most `most` rows, spread over all of them."""
    rows = np.unique(np.linspace(0, images.height - 1, min(images.height, most)).round().astype(np.int64))
    return images.select(pl.all().gather(rows.tolist()))


def accuracy_loss(whole: Seen, small: Seen, labels: Labels, sources: list[str]) -> float:
    """Return the largest loss of accuracy of one network against another, over sources and labels."""
    losses = [0.0]
    for source in sorted(set(sources)):
        own = np.array(sources) == source
        for column, label in enumerate(LABELS):
            rows = np.flatnonzero(own & (labels[:, column] != MISSING))
            if len(rows):
                right = [
                    float((seen.evidence.network[label][rows].argmax(axis=1) == labels[rows, column]).mean())
                    for seen in (whole, small)
                ]
                losses.append(right[0] - right[1])
    return max(losses)
