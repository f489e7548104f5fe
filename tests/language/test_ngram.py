from __future__ import annotations

import math

import pytest

from releaf.errors import DataError
from releaf.language.ngram import Trigram

DOCUMENTS = [[0, 1, 2, 3], [0, 1, 2, 1], [0, 3]]


@pytest.mark.parametrize("context", [(0, 0), (1, 2), (0, 3), (3, 3), (2, 0)])
def test_the_probabilities_of_all_tokens_sum_to_one(context: tuple[int, int]) -> None:
    model = Trigram(DOCUMENTS, vocabulary=6)

    assert sum(model.probability(*context, token) for token in range(6)) == pytest.approx(1)


def test_one_document_gives_the_probability_computed_by_hand() -> None:
    # [0, 1] holds the triple (0, 0, 1) once. With D = ¾ and 4 tokens each order gives (1 − D + D·lower) / 1:
    # ¼ + ¾·¼ = 7/16, then ¼ + ¾·7/16 = 37/64, then ¼ + ¾·37/64 = 175/256.
    model = Trigram([[0, 1]], vocabulary=4)

    assert model.probability(0, 0, 1) == pytest.approx(175 / 256)
    assert model.perplexity([[0, 1]]) == pytest.approx(256 / 175)


def test_an_unseen_context_falls_back_to_the_shorter_one() -> None:
    model = Trigram(DOCUMENTS, vocabulary=6)

    assert model.probability(5, 2, 3) == model.probability(4, 2, 3) > model.probability(5, 2, 0)


def test_perplexity_of_what_was_counted_is_below_the_vocabulary() -> None:
    perplexity = Trigram(DOCUMENTS, vocabulary=6).perplexity(DOCUMENTS)

    assert 1 < perplexity < 6
    assert math.isfinite(Trigram(DOCUMENTS, vocabulary=6).perplexity([[0, 5, 5]]))


@pytest.mark.parametrize("documents", [[], [[0]], [[]]])
def test_nothing_to_count_is_refused(documents: list[list[int]]) -> None:
    with pytest.raises(DataError, match="nothing to count"):
        Trigram(documents, vocabulary=4)
