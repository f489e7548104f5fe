"""Answers about pictures: the classes of each head with probabilities, or a clear refusal.

Here: files in, named answers out, in order, timed. The arithmetic is in `prediction`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from releaf.errors import InputError
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision.checkpoint import VisionCheckpoint, load
from releaf.vision.data import LABELS, Pixels
from releaf.vision.prediction import BATCH_SIZE, Probabilities, label_probabilities, predict_logits
from releaf.vision.preprocessing import MAX_PIXELS, preprocess

_WARM_UP = 5


@dataclass(frozen=True)
class Score:
    """A class and its calibrated probability."""

    id: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What a picture shows: the most probable classes of each kind, best first, and the time it took.

    `family` sums the probabilities of its materials. `milliseconds` is this picture's decoding and its share of the
    batch's computation.
    """

    name: str
    item: tuple[Score, ...]
    material: tuple[Score, ...]
    family: tuple[Score, ...]
    bin: tuple[Score, ...]
    milliseconds: float


@dataclass(frozen=True)
class Refusal:
    """A picture that could not be read, and why, in words for the person who sent it."""

    name: str
    reason: str


class Classifier:
    """A checkpoint ready to answer on one device; safe to share between threads."""

    def __init__(self, checkpoint: VisionCheckpoint, hardware: Hardware, *, max_pixels: int = MAX_PIXELS) -> None:
        self.checkpoint = checkpoint
        self._hardware = hardware
        self._max_pixels = max_pixels
        self._model = checkpoint.model.to(hardware.device).eval()
        self.warm_up()

    @classmethod
    def load(cls, directory: Path, hardware: Hardware, taxonomy: Taxonomy | None = None) -> Classifier:
        """Open a saved checkpoint; see `checkpoint.load` for what is refused."""
        return cls(load(directory, taxonomy), hardware)

    def warm_up(self) -> None:
        """Run five passes over nothing, so that no person waits for lazy initialization."""
        size = self.checkpoint.settings.image_size
        for _ in range(_WARM_UP):
            predict_logits(self._model, np.zeros((1, size, size, 3), dtype=np.uint8), self._hardware)
        self._synchronize()

    def classify(self, images: Sequence[Path | bytes], top_k: int = 3) -> list[Prediction | Refusal]:
        """Answer for each picture, a path or the bytes of a file, in the order given.

        A picture that cannot be read gives a Refusal and leaves the others alone. Raises InputError for top_k below 1.
        """
        if top_k < 1:
            raise InputError(f"top_k must be at least 1, not {top_k}")
        answers: list[Prediction | Refusal] = []
        for start in range(0, len(images), BATCH_SIZE):
            answers += self._batch(images[start : start + BATCH_SIZE], start, top_k)
        return answers

    def _batch(self, images: Sequence[Path | bytes], start: int, top_k: int) -> list[Prediction | Refusal]:
        answers: dict[int, Prediction | Refusal] = {}
        decoded: dict[int, tuple[Pixels, float]] = {}
        for index, image in enumerate(images):
            began = time.perf_counter()
            try:
                pixels = preprocess(image, self.checkpoint.settings.image_size, max_pixels=self._max_pixels)
            except InputError as error:
                answers[index] = Refusal(_name(image, start + index), str(error))
                continue
            decoded[index] = pixels, time.perf_counter() - began
        if decoded:
            self._synchronize()
            began = time.perf_counter()
            probabilities = self._probabilities(np.stack([pixels for pixels, _ in decoded.values()]))
            share = (time.perf_counter() - began) / len(decoded)
            for row, (index, (_, seconds)) in enumerate(decoded.items()):
                name = _name(images[index], start + index)
                best = {label: self._best(probabilities[label][row], label, top_k) for label in LABELS}
                answers[index] = Prediction(name, **best, milliseconds=1000 * (seconds + share))
        return [answers[index] for index in range(len(images))]

    def _probabilities(self, pixels: Pixels) -> dict[str, Probabilities]:
        logits = predict_logits(self._model, pixels, self._hardware)
        self._synchronize()
        return label_probabilities(logits, self.checkpoint.names, self.checkpoint.temperatures)

    def _best(self, row: Probabilities, label: str, top_k: int) -> tuple[Score, ...]:
        ids = self.checkpoint.names.ids(label)
        order = np.argsort(-row, kind="stable")[:top_k]
        return tuple(Score(ids[index], float(row[index])) for index in order)

    def _synchronize(self) -> None:
        # Devices compute behind the program's back: without this a clock would stop too early.
        if self._hardware.device == "cuda":
            torch.cuda.synchronize()
        elif self._hardware.device == "mps":
            torch.mps.synchronize()


def _name(image: Path | bytes, index: int) -> str:
    return f"image {index + 1}" if isinstance(image, bytes) else str(image)
