"""How the vision model learns: what it brings to the one training loop, and the whole recipe around it.

Here: batches, validation figures, the recipe from table to checkpoint. The loop itself is
`releaf.training.loop`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from releaf.errors import DataError
from releaf.progress import Progress, silent
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.training.loop import History, Optimization, fit
from releaf.training.prefetch import ahead, one_core_left
from releaf.vision.augmentation import Augmentation, augment
from releaf.vision.checkpoint import VisionCheckpoint
from releaf.vision.data import (
    LABELS,
    MISSING,
    ClassNames,
    Labels,
    Pixels,
    encode_labels,
    epoch_order,
    load_pixels,
    sampling_weights,
)
from releaf.vision.losses import Targets, family_membership, multi_head_loss
from releaf.vision.model import build_model
from releaf.vision.prediction import channels_last, predict_logits
from releaf.vision.preprocessing import normalize, to_tensor
from releaf.vision.probabilities import label_log_probabilities
from releaf.vision.settings import VisionSettings


@dataclass(frozen=True, eq=False)
class Batch:
    """Augmented, normalized pixels (B, 3, H, W) and the labels that go with them."""

    pixels: Tensor
    targets: Targets


@dataclass(frozen=True, eq=False)
class Examples:
    """Decoded images of one split: pixels (N, H, W, 3) uint8, labels (N, 4) and the source of each."""

    pixels: Pixels
    labels: Labels
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class TrainedVision:
    """A checkpoint and the curves of its training."""

    checkpoint: VisionCheckpoint
    history: History


class VisionTask:
    """What the vision model brings to the training loop.

    Validation reports the loss, and the accuracy of every label that occurs, for each source apart. `validation_score`
    picks the best epoch: the mean over a source's labels, then over sources, so that photographs, which know one label,
    weigh as much as rendered images, which know four.
    """

    monitor = "validation_score"
    maximize = True

    def __init__(
        self, train: Examples, validation: Examples, names: ClassNames, settings: VisionSettings, hardware: Hardware
    ) -> None:
        if len(train) < 2 or not len(validation):
            raise DataError(
                f"training needs 2 images and validation 1; found {len(train)} and {len(validation)}: import more "
                "pictures, or render some (rendering.per_item)"
            )
        if (train.labels == MISSING).all():
            raise DataError(f"none of {len(train)} training images has a label; look at the import's quarantine")
        self._train = train
        self._validation = validation
        self._names = names
        self._settings = settings
        self._hardware = hardware
        self._weights = sampling_weights(train.labels, train.sources)
        self._membership = family_membership(names.family_of_material, len(names.family))

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Return the epoch's batches; order and augmentation depend on the seed and `epoch` alone.

        On a CPU they are made ahead in a thread; elsewhere the device makes them while the CPU goes on.
        """
        made = self._made(epoch)
        return ahead(made) if self._hardware.device == "cpu" else made

    def _made(self, epoch: int) -> Iterator[Batch]:
        device, seed = self._hardware.device, self._settings.seed
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        for rows in _pieces(epoch_order(self._weights, seed, epoch), self._settings.batch_size):
            pixels = augment(to_tensor(self._train.pixels[rows]).to(device), Augmentation(), generator)
            yield Batch(channels_last(normalize(pixels)), _targets(self._train.labels[rows], device))

    def steps_per_epoch(self) -> int:
        """Return the number of batches an epoch has."""
        return sum(1 for _ in _pieces(np.arange(len(self._train)), self._settings.batch_size))

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the batch's weighted loss over the three heads."""
        membership = self._membership.to(batch.pixels.device)
        return multi_head_loss(model(batch.pixels), batch.targets, membership, self._settings.label_smoothing)

    def samples(self, batch: Batch) -> int:
        """Return the number of images in the batch."""
        return len(batch.pixels)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return loss, accuracies named `<source>_<label>_accuracy`, and `validation_score`."""
        logits = predict_logits(model, self._validation.pixels, self._hardware)
        labels, sources = self._validation.labels, np.array(self._validation.sources)
        smoothing = self._settings.label_smoothing
        loss = multi_head_loss(logits, _targets(labels, "cpu"), self._membership, smoothing)
        scores = label_log_probabilities(logits, self._names)
        right = {label: scores[label].argmax(axis=1) == labels[:, k] for k, label in enumerate(LABELS)}
        accuracies: dict[str, float] = {}
        means: list[float] = []
        for source in sorted(set(self._validation.sources)):
            known = {label: (sources == source) & (labels[:, k] != MISSING) for k, label in enumerate(LABELS)}
            found = {label: float(right[label][rows].mean()) for label, rows in known.items() if rows.any()}
            accuracies |= {f"{source}_{label}_accuracy": value for label, value in found.items()}
            means += [sum(found.values()) / len(found)] if found else []
        score = sum(means) / max(1, len(means))
        return {"validation_loss": float(loss), "validation_score": score, **accuracies}


def train(
    images: pl.DataFrame,
    taxonomy: Taxonomy,
    settings: VisionSettings,
    hardware: Hardware,
    *,
    cache: Path | None = None,
    state_dir: Path | None = None,
    progress: Progress = silent,
) -> TrainedVision:
    """Train on the rows whose split is `train`, choose the epoch on those of `validation`, touch no others.

    `cache` keeps decoded pixels between runs, `state_dir` lets a killed run go on; both are folders. Raises DataError
    when a split is too small, InputError for an image that cannot be decoded, TrainingError for a loss that is no
    number.
    """
    names = ClassNames.of(taxonomy)
    if "photograph" in images.filter(pl.col("split") == "train")["source"]:
        settings = settings.with_photographs()
    parts = {
        split: _examples(images.filter(pl.col("split") == split), names, settings.image_size, cache, progress)
        for split in ("train", "validation")
    }
    model = build_model(settings, names.counts)
    precise = hardware.for_training(settings.native_bf16)
    task = VisionTask(parts["train"], parts["validation"], names, settings, precise)
    with one_core_left():
        history = fit(model, task, optimization(settings), precise, state_dir=state_dir, progress=progress)
    return TrainedVision(VisionCheckpoint(model, names, settings), history)


def optimization(settings: VisionSettings) -> Optimization:
    """Return what the training loop needs to know of `settings`."""
    return Optimization(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_epochs=settings.warmup_epochs,
        patience=settings.patience,
        seed=settings.seed,
        ema_decay=settings.ema_decay,
    )


def _examples(images: pl.DataFrame, names: ClassNames, size: int, cache: Path | None, progress: Progress) -> Examples:
    pixels = load_pixels(images, size, cache=cache, progress=progress)
    return Examples(pixels, encode_labels(images, names), tuple(images["source"]))


def _pieces(order: Labels, size: int) -> Iterator[Labels]:
    """Cut an order into batches of `size`; a last single image joins the batch before it: one has no variance."""
    ends = list(range(size, len(order), size))
    if ends and len(order) - ends[-1] == 1:
        ends.pop()
    yield from np.split(order, ends)


def _targets(labels: Labels, device: str) -> Targets:
    return Targets(*torch.from_numpy(labels.T.copy()).to(device))
