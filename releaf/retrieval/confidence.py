"""How clearly the first result leads (R7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

HIGH = 0.3
LOW = 0.1


@dataclass(frozen=True)
class Confidence:
    """The lead of the first result, in [0, 1], and its level."""

    level: Literal["high", "medium", "low"]
    margin: float


def confidence(scores: Sequence[float]) -> Confidence:
    """(s₁ − s₂) / s₁ of scores in descending order: high above 0.3, low below 0.1, medium between and at both.

    Nothing found, or a first score that is not positive, is no lead at all (0, low). A single result leads over
    nothing, s₂ = 0, as does one whose follower scores below 0 (1, high).
    """
    if not scores or scores[0] <= 0:
        return Confidence("low", 0.0)
    second = max(scores[1], 0.0) if len(scores) > 1 else 0.0
    # Rounded so that 1.0 over 0.9, which is 0.0999…98 in floats, stands on the border and not below it.
    margin = round((scores[0] - second) / scores[0], 9)
    return Confidence("high" if margin > HIGH else "low" if margin < LOW else "medium", margin)
