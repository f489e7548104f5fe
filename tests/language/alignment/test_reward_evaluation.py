from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.language.alignment.pairs import Answered, Pair
from releaf.language.alignment.reward_evaluation import FaultScore, calibration_error, evaluate_reward

PAIRS = [
    Pair("a", "q", "", "one two three", "one two", "unsafe"),
    Pair("b", "r", "", "one", "one two", "unsafe"),
    Pair("c", "s", "", "four words are here", "three are here", None),
]


def length(answers: Sequence[Answered]) -> np.ndarray:
    return np.array([float(len(answer.text.split())) for answer in answers])


def test_a_reward_that_is_length_is_found_out() -> None:
    found = evaluate_reward(length, PAIRS)

    assert found.accuracy == found.longer_wins == pytest.approx(2 / 3)
    assert found.length_correlation == pytest.approx(1.0)
    assert (found.chosen_longer, found.chosen_shorter) == (1.0, 0.0)
    assert found.faults == {"unsafe": FaultScore(2, 0.5), "unknown": FaultScore(1, 1.0)}
    # Margins 1, −1 and 1: σ(1) = 0.731, twice right and once wrong.
    assert found.loss == pytest.approx((2 * math.log(1 + math.exp(-1)) + math.log(1 + math.e)) / 3)


def test_calibration_of_margins_by_hand() -> None:
    sure = math.log(0.75 / 0.25)

    # Guesses made with probability ¾ are right three times in four.
    assert calibration_error(np.array([sure, sure, sure, -sure])) == pytest.approx(0.0, abs=1e-9)
    assert calibration_error(np.array([sure, -sure])) == pytest.approx(0.25)


def test_no_held_out_pairs_are_refused() -> None:
    with pytest.raises(DataError, match="no held-out preferences"):
        evaluate_reward(length, [])
