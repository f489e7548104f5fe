from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.errors import InputError
from releaf.metrics.text import (
    IGNORED,
    bits_per_byte,
    longest_common_subsequence,
    perplexity,
    rouge_l,
    token_accuracy,
)


def test_perplexity_of_a_uniform_guess_is_the_number_of_choices() -> None:
    assert perplexity(math.log(50)) == pytest.approx(50)


def test_perplexity_of_certainty_is_one() -> None:
    assert perplexity(0.0) == 1


def test_perplexity_too_large_for_a_float_is_infinite() -> None:
    assert perplexity(1000.0) == math.inf


@pytest.mark.parametrize("loss", [-0.1, math.nan])
def test_perplexity_of_an_impossible_loss_is_refused(loss: float) -> None:
    with pytest.raises(InputError, match="must be at least 0"):
        perplexity(loss)


def test_guessing_each_of_256_bytes_alike_costs_eight_bits() -> None:
    assert bits_per_byte(10 * math.log(256), 10) == pytest.approx(8)


def test_bits_per_byte_of_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="0 bytes"):
        bits_per_byte(1.0, 0)


def test_token_accuracy_counts_labelled_positions_only() -> None:
    labels = np.array([[IGNORED, 4, 5, 6], [IGNORED, IGNORED, 7, 8]])
    predicted = np.array([[1, 4, 5, 0], [2, 3, 7, 0]])

    assert token_accuracy(predicted, labels) == pytest.approx(3 / 5)


def test_token_accuracy_of_other_shapes_is_refused() -> None:
    with pytest.raises(InputError, match=r"\(2,\).*\(3,\)"):
        token_accuracy(np.array([1, 2]), np.array([1, 2, 3]))


def test_token_accuracy_without_a_label_is_refused() -> None:
    with pytest.raises(InputError, match="every position is masked"):
        token_accuracy(np.array([1]), np.array([IGNORED]))


def test_rouge_l_agrees_with_lins_example() -> None:
    # Lin 2004, section 3: "police killed the gunman" shares three words in order with the first candidate, two with
    # the second, of four in each.
    reference = "police killed the gunman"

    assert rouge_l("police kill the gunman", reference).f1 == pytest.approx(0.75)
    assert rouge_l("the gunman kill police", reference).f1 == pytest.approx(0.5)


def test_rouge_l_divides_by_each_length() -> None:
    # "rinse the bottle" is common: 3 of 4 candidate words, 3 of 6 reference words, F1 = 2·¾·½ / (¾ + ½) = 0.6.
    score = rouge_l("Rinse the plastic bottle.", "rinse out the bottle and cap")

    assert (score.precision, score.recall) == (0.75, 0.5)
    assert score.f1 == pytest.approx(0.6)


@pytest.mark.parametrize(("candidate", "reference"), [("", "glass"), ("glass", ""), ("", ""), ("...", "glass")])
def test_rouge_l_without_words_is_zero(candidate: str, reference: str) -> None:
    assert rouge_l(candidate, reference).f1 == 0


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_the_longest_common_subsequence_matches_its_recursive_definition(first: list[str], second: list[str]) -> None:
    table = np.zeros((len(first) + 1, len(second) + 1), int)
    for i, left in enumerate(first):
        for j, right in enumerate(second):
            table[i + 1, j + 1] = table[i, j] + 1 if left == right else max(table[i, j + 1], table[i + 1, j])

    assert longest_common_subsequence(first, second) == table[-1, -1]
    assert longest_common_subsequence(second, first) == table[-1, -1]
