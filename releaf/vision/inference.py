"""Answers about pictures: the classes of each head with probabilities, or a clear refusal.

Here: files in, named answers out, in order, timed. The arithmetic is in `predictor`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from releaf.errors import InputError, UnknownNameError
from releaf.parallel import single_threaded_products
from releaf.vision.data import LABELS
from releaf.vision.explanation import class_scorer, overlay, saliency
from releaf.vision.predictor import Picture, Predictor
from releaf.vision.preprocessing import MAX_PIXELS, open_picture, square
from releaf.vision.probabilities import Probabilities

BATCH_SIZE = 64
EXPLAINED_SIDE = 1024  # longest side of an explanation in pixels: its map is far coarser
_WARM_UP = 5


@dataclass(frozen=True)
class Score:
    """A class and its calibrated probability."""

    id: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What a picture shows: the most probable classes of each kind, best first, and the time it took.

    `family` sums the probabilities of its materials. `known` is False for a picture unlike all that training saw: its
    labels are then the least bad of wrong ones. `milliseconds` is this picture's decoding and its share of the
    batch's computation.
    """

    name: str
    item: tuple[Score, ...]
    material: tuple[Score, ...]
    family: tuple[Score, ...]
    bin: tuple[Score, ...]
    known: bool
    milliseconds: float


@dataclass(frozen=True)
class Refusal:
    """A picture that could not be read, and why, in words for the person who sent it."""

    name: str
    reason: str


class Classifier:
    """A predictor ready to answer; safe to share between threads."""

    def __init__(self, predictor: Predictor, *, max_pixels: int = MAX_PIXELS) -> None:
        self.predictor = predictor
        self._max_pixels = max_pixels
        self.warm_up()

    def warm_up(self) -> None:
        """Run five passes over nothing, so that no person waits for lazy initialization."""
        size = self.predictor.image_size
        blank = io.BytesIO()
        Image.new("RGB", (size, size)).save(blank, "PNG")
        for _ in range(_WARM_UP):
            self.predictor.probabilities(self.predictor.see([self.predictor.open(blank.getvalue())]))

    def classify(self, images: Sequence[Path | bytes], top_k: int = 3) -> list[Prediction | Refusal]:
        """Answer for each picture, a path or the bytes of a file, in the order given.

        A picture that cannot be read gives a Refusal and leaves the others alone. Raises InputError for top_k below 1.
        """
        if top_k < 1:
            raise InputError(f"top_k must be at least 1, not {top_k}")
        answers: list[Prediction | Refusal] = []
        with single_threaded_products():
            for start in range(0, len(images), BATCH_SIZE):
                answers += self._batch(images[start : start + BATCH_SIZE], start, top_k)
        return answers

    def explain(self, image: Path | bytes, item: str) -> Image.Image:
        """Return the picture with a map laid over it: what spoke for `item` to the network (see `explanation`).

        Raises InputError for a picture that cannot be read and UnknownNameError for no item of the taxonomy.
        """
        names = self.predictor.names
        if item not in names.item:
            raise UnknownNameError("item", item, names.item, "the classifier")
        decoded = open_picture(image, self.predictor.image_size, max_pixels=self._max_pixels)
        scorer = class_scorer(self.predictor.network, names, "item", names.item.index(item))
        found = saliency(scorer, square(decoded, self.predictor.image_size))
        decoded.thumbnail((EXPLAINED_SIDE, EXPLAINED_SIDE))
        return overlay(decoded, found)

    def _batch(self, images: Sequence[Path | bytes], start: int, top_k: int) -> list[Prediction | Refusal]:
        answers: dict[int, Prediction | Refusal] = {}
        opened: dict[int, tuple[Picture, float]] = {}
        for index, image in enumerate(images):
            began = time.perf_counter()
            try:
                picture = self.predictor.open(image, max_pixels=self._max_pixels)
            except InputError as error:
                answers[index] = Refusal(_name(image, start + index), str(error))
                continue
            opened[index] = picture, time.perf_counter() - began
        if opened:
            began = time.perf_counter()
            seen = self.predictor.see([picture for picture, _ in opened.values()])
            probabilities = self.predictor.probabilities(seen)
            novel = self.predictor.novel(seen)
            share = (time.perf_counter() - began) / len(opened)
            for row, (index, (_, seconds)) in enumerate(opened.items()):
                name = _name(images[index], start + index)
                best = {label: self._best(probabilities[label][row], label, top_k) for label in LABELS}
                answers[index] = Prediction(
                    name, **best, known=not bool(novel[row]), milliseconds=1000 * (seconds + share)
                )
        return [answers[index] for index in range(len(images))]

    def _best(self, row: Probabilities, label: str, top_k: int) -> tuple[Score, ...]:
        ids = self.predictor.names.ids(label)
        order = np.argsort(-row, kind="stable")[:top_k]
        return tuple(Score(ids[index], float(row[index])) for index in order)


def _name(image: Path | bytes, index: int) -> str:
    return f"image {index + 1}" if isinstance(image, bytes) else str(image)
