from __future__ import annotations

import numpy as np
import pytest

from releaf.errors import InputError
from releaf.language.alignment.features import Features, sentence_block, words_block
from releaf.language.alignment.judge import agreement, fit_judge, win_rate
from releaf.language.alignment.pairs import Pair
from tests.language.alignment.conftest import embed


def test_the_win_rate_by_hand() -> None:
    ours, theirs = np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[1.0, 0.0], [1.0, 1.0]])
    found = win_rate(ours, theirs)

    # First question: 2 beats 1 and 0; 0 loses to 1 and ties with 0: 2.5 of 4. Second: all four tie.
    assert found.rate == pytest.approx((2.5 / 4 + 0.5) / 2)
    assert (found.questions, found.comparisons) == (2, 8)
    assert 0.5 <= found.low <= found.rate <= found.high <= 0.625


def test_the_same_answers_win_half_and_turned_round_the_rate_is_the_rest() -> None:
    random = np.random.default_rng(0)
    ours, theirs = random.normal(size=(2, 20, 3))

    assert win_rate(ours, ours).rate == 0.5
    assert win_rate(ours, theirs).rate == pytest.approx(1 - win_rate(theirs, ours).rate)


def test_scores_of_other_questions_are_refused() -> None:
    with pytest.raises(InputError, match=r"not \(2, 1\) and \(3, 1\)"):
        win_rate(np.zeros((2, 1)), np.zeros((3, 1)))


def test_a_judge_says_how_often_it_is_right_on_pairs_it_did_not_see(training_pairs: list[Pair]) -> None:
    judge = fit_judge(training_pairs, Features({"sentences": sentence_block(embed), "words": words_block}), folds=4)

    assert judge.accuracy == 1.0
    assert judge.pairs == 8
    assert {trial.blocks for trial in judge.trials} == {("sentences",), ("words",), ("sentences", "words")}
    assert min(judge.trials, key=lambda trial: trial.loss).blocks == judge.model.head.blocks


def test_agreement_is_correlation_and_nothing_where_a_judge_never_varies() -> None:
    assert agreement(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])) == pytest.approx(1.0)
    assert agreement(np.array([1.0, 2.0]), np.array([3.0, 3.0])) == 0.0
