from __future__ import annotations

import random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaf.corpus.duplicates import groups, shingles, text_groups

WORDS = [
    *("glass", "bottle", "rinse", "crush", "sort", "bin", "lid", "jar", "paper", "box"),
    *("tin", "can", "bag", "tray", "cup", "film", "wood", "cloth", "peel", "cell"),
]


def variants(seed: int, originals: int, copies: int) -> list[str]:
    """Texts of 40 words, some with two of them replaced."""
    rng = random.Random(seed)
    texts = []
    for _ in range(originals):
        words = rng.choices(WORDS, k=40)
        for _ in range(copies):
            changed = list(words)
            for _ in range(rng.randrange(4)):
                changed[rng.randrange(40)] = "changed"
            texts.append(" ".join(changed))
    rng.shuffle(texts)
    return texts


def brute_force(texts: list[str], threshold: float) -> list[int]:
    sets = [shingles(text) for text in texts]
    graph = nx.Graph()
    graph.add_nodes_from(range(len(texts)))
    for left, a in enumerate(sets):
        for right, b in enumerate(sets[:left]):
            if len(a & b) / len(a | b) >= threshold:
                graph.add_edge(left, right)
    first = {}
    for component in nx.connected_components(graph):
        first |= dict.fromkeys(component, min(component))
    return [first[index] for index in range(len(texts))]


def test_shingles_are_runs_of_three_words_whatever_the_case_and_punctuation():
    assert len(shingles("one two three four")) == 2
    assert shingles("One, two THREE!") == shingles("one two three")
    assert len(shingles("one two")) == 1
    assert shingles("") == shingles(" !")


def test_the_groups_are_those_of_comparing_every_pair():
    texts = variants(seed=3, originals=60, copies=4)
    assert text_groups(texts) == brute_force(texts, 0.7)
    assert len(set(text_groups(texts))) < len(texts)


def test_equal_texts_form_one_group_and_unlike_ones_none():
    texts = ["rinse the jar now", "sort the paper box", "Rinse the jar, now!", "a", "b"]
    assert text_groups(texts) == [0, 1, 0, 3, 4]


@pytest.mark.parametrize("texts", [[], ["alone"]])
def test_too_few_texts_have_no_duplicates(texts):
    assert text_groups(texts) == list(range(len(texts)))


def test_a_lower_threshold_joins_what_a_higher_one_joins():
    texts = variants(seed=5, originals=20, copies=3)
    strict, loose = text_groups(texts, 0.9), text_groups(texts, 0.6)
    assert all(loose[index] == loose[first] for index, first in enumerate(strict))


@settings(deadline=None)
@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_chains_of_pairs_form_the_connected_components(case):
    count, pairs = case
    graph = nx.Graph(pairs)
    graph.add_nodes_from(range(count))
    found = groups(count, pairs)
    for component in nx.connected_components(graph):
        assert {found[index] for index in component} == {min(component)}
