"""How good a reward model is on pairs it never saw: by fault, in calibration, and whether it only likes length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from releaf.errors import DataError
from releaf.language.alignment.judge import agreement
from releaf.language.alignment.pairs import Pair
from releaf.language.alignment.reward import Reward, Vector, accuracy, preference_loss
from releaf.metrics.classification import expected_calibration_error
from releaf.metrics.ranking import bootstrap_interval

CALIBRATION_BINS = 5
"""Wide ones: some eighty pairs fill no more."""


@dataclass(frozen=True)
class FaultScore:
    """Pairs with one fault, and the share of them ordered rightly."""

    pairs: int
    accuracy: float


@dataclass(frozen=True)
class RewardEvaluation:
    """A reward model on `pairs` held-out pairs.

    accuracy: share ordered rightly, `low` to `high` its 95 % bootstrap interval; loss: mean −ln σ in nats, ln 2 knows
    nothing. longer_wins: what preferring the longer answer would reach. length_correlation: of rewards with the number
    of words, over all answers. chosen_longer, chosen_shorter: accuracy where the better answer is the longer or the
    shorter one (None without such a pair). calibration_error: ECE of σ(margin) as the probability of the model's guess.
    """

    pairs: int
    accuracy: float
    low: float
    high: float
    loss: float
    longer_wins: float
    length_correlation: float
    chosen_longer: float | None
    chosen_shorter: float | None
    calibration_error: float
    faults: dict[str, FaultScore]

    def as_json(self) -> dict[str, Any]:
        """The evaluation as plain JSON values."""
        return asdict(self)


def evaluate_reward(reward: Reward, pairs: Sequence[Pair]) -> RewardEvaluation:
    """Score both answers of held-out pairs. Raises `DataError` without pairs."""
    if not pairs:
        raise DataError("there are no held-out preferences to judge the reward model by")
    chosen, rejected = reward([pair.better for pair in pairs]), reward([pair.worse for pair in pairs])
    margins = chosen - rejected
    right = (margins > 0) + 0.5 * (margins == 0)
    words = np.array([[len(pair.chosen.split()), len(pair.rejected.split())] for pair in pairs], dtype=np.float64)
    longer = words[:, 0] - words[:, 1]
    low, high = bootstrap_interval(right.tolist())
    names = np.array([pair.fault or "unknown" for pair in pairs])
    faults = {
        str(name): FaultScore(int((names == name).sum()), float(right[names == name].mean()))
        for name in sorted(set(names))
    }
    return RewardEvaluation(
        len(pairs),
        accuracy(margins),
        low,
        high,
        preference_loss(chosen, rejected),
        accuracy(longer),
        agreement(np.concatenate([chosen, rejected]), words.T.ravel()),
        _mean(right[longer > 0]),
        _mean(right[longer < 0]),
        calibration_error(margins),
        faults,
    )


def calibration_error(margins: Vector) -> float:
    """ECE of the guess "the first is better" with probability σ(margin), where the first is indeed better."""
    first = 1 / (1 + np.exp(-margins))
    probabilities = np.stack([first, 1 - first], axis=1)
    return expected_calibration_error(probabilities, np.zeros(len(margins), dtype=np.int64), bins=CALIBRATION_BINS)


def _mean(values: Vector) -> float | None:
    return float(values.mean()) if len(values) else None
