"""Figures of merit for language models: perplexity, token accuracy, bits per byte, ROUGE-L.

Plain functions of numbers, arrays and strings. What produces them (a model, a tokenizer) lives elsewhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from releaf.errors import InputError

IGNORED = -100
"""Label of a position that counts neither in the loss nor in the accuracy (PyTorch's `ignore_index`)."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class RougeL:
    """Precision, recall and F1 of the longest common subsequence, each in 0–1."""

    precision: float
    recall: float
    f1: float


def perplexity(mean_loss: float) -> float:
    """Exp of a mean cross-entropy in nats per token: how many equally likely tokens the model hesitates between.

    Infinite where the exponential leaves the range of a float. Raises `InputError` for a negative loss or NaN.
    """
    if math.isnan(mean_loss) or mean_loss < 0:
        raise InputError(f"a mean cross-entropy of {mean_loss} has no perplexity; it must be at least 0")
    try:
        return math.exp(mean_loss)
    except OverflowError:
        return math.inf


def bits_per_byte(total_loss: float, size: int) -> float:
    """Cross-entropy of a text in bits per UTF-8 byte, which unlike perplexity compares across tokenizers.

    `total_loss` is the summed loss in nats over all tokens of a text of `size` bytes.
    Raises `InputError` for an empty text.
    """
    if size < 1:
        raise InputError(f"bits per byte of a text of {size} bytes is undefined; give some text")
    return total_loss / (size * math.log(2))


def token_accuracy(predicted: NDArray[np.integer], labels: NDArray[np.integer]) -> float:
    """Share of positions where `predicted` equals `labels`, not counting labels of `IGNORED`.

    Both have one shape, and `predicted[i]` is the guess for `labels[i]` (already shifted).
    Raises `InputError` for different shapes or when no label counts.
    """
    if predicted.shape != labels.shape:
        raise InputError(f"predictions of shape {predicted.shape} do not match labels of shape {labels.shape}")
    counted = labels != IGNORED
    if not counted.any():
        raise InputError("no label counts, so there is no token accuracy; every position is masked")
    return float((predicted[counted] == labels[counted]).mean())


def rouge_l(candidate: str, reference: str) -> RougeL:
    """ROUGE-L of a text against one reference, over lower-case words (runs of letters and digits).

    With L the length of the longest common subsequence, P = L / |candidate|, R = L / |reference| and
    F = 2PR / (P + R) (Lin 2004, "ROUGE", equations 2–4 with β = 1). A text without words scores 0.
    """
    ours, theirs = _WORD.findall(candidate.lower()), _WORD.findall(reference.lower())
    common = longest_common_subsequence(ours, theirs)
    if common == 0:
        return RougeL(0.0, 0.0, 0.0)
    precision, recall = common / len(ours), common / len(theirs)
    return RougeL(precision, recall, 2 * precision * recall / (precision + recall))


def longest_common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest sequence that is in both in order, gaps allowed; O(|first|·|second|) time."""
    row = [0] * (len(second) + 1)
    for left in first:
        diagonal = 0
        for column, right in enumerate(second, start=1):
            above = row[column]
            row[column] = diagonal + 1 if left == right else max(above, row[column - 1])
            diagonal = above
    return row[-1]
