"""What was retrieved for a question, as an answerer sees it, and the ports to retrieval that the caller fills."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from releaf.sentences import split_sentences

FloatArray = npt.NDArray[np.float32]
Embed = Callable[[Sequence[str]], FloatArray]
"""From texts to one vector each (N, D), of length 1."""


@dataclass(frozen=True)
class Passage:
    """A piece of a document: `document` is the document's id, `title` its title."""

    document: str
    title: str
    text: str

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Its sentences in order."""
        return tuple(split_sentences(self.text))


@dataclass(frozen=True)
class Retrieved:
    """What retrieval gave for a question: passages, best first, and how likely they answer it (None if not known)."""

    passages: tuple[Passage, ...]
    answerable: float | None = None


Retrieve = Callable[[Sequence[str]], Sequence[Retrieved]]
"""From questions to what was found for each."""


class Vectors:
    """Vectors of texts, each text encoded once however often it is asked for."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._known: dict[str, FloatArray] = {}

    def of(self, texts: Sequence[str]) -> FloatArray:
        """Vectors (N, D) of texts, in their order; D is 0 for no text."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing:
            self._known.update(zip(missing, self._embed(missing), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else np.zeros((0, 0), dtype=np.float32)
