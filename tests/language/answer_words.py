"""Vectors that count words, so that cosines can be worked out by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from releaf.language.passages import Passage, Retrieved

WIDTH = 512


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Counts of words, each in a place of its own as far as they fit, of length 1."""
    rows = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in re.findall(r"\w+", text.lower()):
            row[sum(ord(letter) * (31**at) for at, letter in enumerate(word)) % WIDTH] += 1
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)


def passage(text: str, document: str = "jars", title: str = "Jars") -> Passage:
    return Passage(document, title, text)


def retrieved(*texts: str) -> Retrieved:
    return Retrieved(tuple(passage(text, f"doc{place}") for place, text in enumerate(texts)))
