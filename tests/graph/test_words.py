from __future__ import annotations

import math

import numpy as np
import pytest

from releaf.graph.words import NodeWords

NAMES = ["glass jar", "lantern", "steel lid"]
TEXTS = ["glass jar. Holds jam.", "lantern. Put a candle in two jars.", "steel lid. Round."]
WORDS = NodeWords.of(NAMES, TEXTS)
FIRST, REST = np.array([0]), np.array([1, 2])


def test_shared_words_count_by_their_rarity():
    by_name, by_text = WORDS.shared(FIRST, REST)
    jar = math.log(1 + 3 / 2)  # two of three texts hold it, in whatever number
    assert by_name.tolist() == [[pytest.approx(jar), 0.0]]
    assert by_text.tolist() == [[pytest.approx(jar), 0.0]]


def test_a_new_text_is_name_and_text_at_once_and_unknown_words_say_nothing():
    longer = WORDS.with_text("three jars of quartz with a lid")
    by_name, by_text = longer.shared(np.array([3]), REST)
    assert by_name == pytest.approx(by_text)
    assert by_name[0, 1] == pytest.approx(math.log(1 + 3 / 1))
    assert by_name[0, 0] == pytest.approx(math.log(1 + 3 / 2) + math.log(1 + 3 / 1))  # jar, and "a"
    assert longer.vocabulary == WORDS.vocabulary


def test_nodes_without_words_share_none():
    by_name, by_text = NodeWords.of(["", ""], ["", ""]).with_text("jar").shared(np.array([2]), np.array([0, 1]))
    assert not by_name.any()
    assert not by_text.any()


def test_words_come_back_from_plain_arrays():
    again = NodeWords.from_arrays(WORDS.vocabulary, WORDS.arrays())
    assert set(WORDS.arrays()) == set(NodeWords.ARRAYS)
    for ours, theirs in zip(again.shared(FIRST, REST), WORDS.shared(FIRST, REST), strict=True):
        assert ours == pytest.approx(theirs)
