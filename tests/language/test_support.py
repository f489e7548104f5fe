from __future__ import annotations

import math

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.language.passages import Vectors
from releaf.language.support import MEASURES, SupportJudge, content_stems, judgeable, measure
from tests.language.answer_words import embed, passage

LIDS = passage("Steel lids come off glass jars. Rinse them at 60 degrees. Lids are not made of wood.")
ONES = (1.0,) * len(MEASURES)
ZEROS = (0.0,) * len(MEASURES)


def measured(sentence: str) -> dict[str, float]:
    return dict(zip(MEASURES, measure([sentence], [LIDS], Vectors(embed))[0], strict=True))


def test_a_sentence_of_the_passage_is_as_near_as_can_be():
    found = measured("Steel lids come off glass jars.")
    assert found == pytest.approx(
        {"cosine": 1, "nearest_words": 1, "all_words": 1, "numbers": 1, "names": 1, "negation": 0}
    )


def test_words_count_in_the_best_sentence_and_in_all_of_them():
    found = measured("Rinse steel bottles.")  # rinse and steel stand in two sentences, bottles nowhere
    assert found["nearest_words"] == pytest.approx(1 / 3)
    assert found["all_words"] == pytest.approx(2 / 3)


def test_the_title_supports_a_word():
    assert measured("Jars shine.")["all_words"] == pytest.approx(1 / 2)


def test_a_number_that_is_nowhere_does_not_count():
    assert measured("Rinse them at 60 degrees.")["numbers"] == 1
    assert measured("Rinse them at 90 degrees.")["numbers"] == 0
    assert measured("Rinse 60 lids at 90 degrees.")["numbers"] == 0.5


@pytest.mark.parametrize(
    ("sentence", "differs"),
    [("Steel lids do not come off glass jars.", 1), ("Lids are made of wood.", 1), ("Lids are not made of wood.", 0)],
)
def test_a_negation_that_the_nearest_sentence_lacks_is_seen(sentence, differs):
    assert (measured(sentence)["negation"] > 0) == bool(differs)


def test_another_material_than_near_by_is_seen():
    assert measured("Steel lids come off glass jars.")["names"] == 1
    assert measured("Steel lids come off paper jars.")["names"] == 0.5
    assert measured("Rinse the lids well.")["names"] == 1


def test_passages_without_a_sentence_support_nothing():
    assert measure(["Rinse it."], [passage("  ")], Vectors(embed)).tolist() == [[0.0] * len(MEASURES)]


def test_function_words_and_endings_carry_no_content():
    assert content_stems("The lids and the lid") == content_stems("lids") == frozenset(["lid"])


def test_only_sentences_that_say_something_are_judged():
    assert judgeable("Bin: recycle. Rinse the jar well and dry it. Yes.") == ["Rinse the jar well and dry it."]


def test_the_probability_is_the_logistic_function_of_standardized_measures():
    judge = SupportJudge((2.0, 0, 0, 0, 0, 0), -1.0, (0.5, 0, 0, 0, 0, 0), (0.25, 1, 1, 1, 1, 1), 0.5)
    got = judge.probability(np.array([[0.75, 1, 1, 1, 1, 1]]))
    assert got == pytest.approx([1 / (1 + math.exp(-(2 * 1 - 1)))])


def test_nothing_is_supported_by_no_passage():
    judge = SupportJudge(ONES, 100.0, ZEROS, ONES, 0.5)
    assert judge.supported(["Rinse it."], [], Vectors(embed)) == [False]
    assert judge.supported([], [LIDS], Vectors(embed)) == []


def test_a_judge_comes_back_from_disk_as_it_was(tmp_path):
    judge = SupportJudge(ONES, 0.25, ZEROS, ONES, 0.4)
    judge.save(tmp_path)
    assert SupportJudge.load(tmp_path) == judge


@pytest.mark.parametrize("change", [{"weights": (1.0,)}, {"threshold": 0.0}, {"threshold": 1.0}])
def test_a_judge_that_cannot_be_is_refused(change):
    values = {"weights": ONES, "bias": 0.0, "mean": ZEROS, "scale": ONES, "threshold": 0.5} | change
    with pytest.raises(DataError, match="judge of support"):
        SupportJudge(**values)


def test_a_text_is_encoded_once():
    asked: list[str] = []

    def counting(texts):
        asked.extend(texts)
        return embed(texts)

    vectors = Vectors(counting)
    first = vectors.of(["a", "b", "a"])
    assert vectors.of(["b"]).tolist() == first[1:2].tolist()
    assert asked == ["a", "b"]
