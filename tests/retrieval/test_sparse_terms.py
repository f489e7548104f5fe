"""Stems with weights, what a chunk holds, and both ways of adding up, on collections drawn at random."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.errors import InputError
from releaf.retrieval.passages import Filters
from releaf.retrieval.sparse import SparseIndex, build

from .bm25 import bm25_of_terms
from .conftest import chunk, frame

# Their own stems, so that a text is the list of its stems.
STEMS = ("cork", "tin", "glass", "wood", "steel", "jar", "box")
TOPICS = ("reuse", "policy", "hazard")
CORPUS = st.lists(
    st.tuples(st.lists(st.sampled_from(STEMS), max_size=12), st.sampled_from(TOPICS)), min_size=1, max_size=15
).filter(lambda documents: any(stems for stems, _ in documents))
WEIGHTS = st.dictionaries(st.sampled_from((*STEMS, "asbesto")), st.floats(0.1, 3), max_size=5)


class Both:
    """One collection under both backends, and its stems as counted by hand."""

    def __init__(self, documents: list[tuple[list[str], str]]) -> None:
        rows = [chunk(f"d{n}#1", " ".join(stems), title="", topic=topic) for n, (stems, topic) in enumerate(documents)]
        with tempfile.TemporaryDirectory() as folder:
            build(frame(rows), Path(folder))
            self.numpy = SparseIndex.open(Path(folder))
            self.numba = SparseIndex.open(Path(folder), backend="numba")
        self.counts = [Counter(stems) for stems, _ in documents]
        self.topics = [topic for _, topic in documents]


@given(CORPUS, WEIGHTS, st.integers(1, 20))
def test_numba_and_numpy_give_the_same_chunks_and_scores(
    documents: list[tuple[list[str], str]], weights: dict[str, float], k: int
) -> None:
    both = Both(documents)
    for filters in (None, Filters(topics=("reuse",))):
        assert both.numba.search_terms(weights, k, filters) == both.numpy.search_terms(weights, k, filters)


@given(CORPUS, WEIGHTS)
def test_scores_are_those_of_the_formula(documents: list[tuple[list[str], str]], weights: dict[str, float]) -> None:
    both = Both(documents)
    expected = {f"d{n}#1": score for n, score in enumerate(bm25_of_terms(weights, both.counts)) if score > 0}
    assert dict(both.numpy.search_terms(weights, 100)) == pytest.approx(expected, rel=1e-5)


@given(CORPUS, WEIGHTS, st.integers(1, 100))
def test_the_best_k_come_first_and_ties_by_row(
    documents: list[tuple[list[str], str]], weights: dict[str, float], k: int
) -> None:
    index = Both(documents).numpy
    everything = index.search_terms(weights, 100)
    assert everything == sorted(everything, key=lambda hit: (-hit[1], int(hit[0][1:-2])))
    assert index.search_terms(weights, k) == everything[:k]


@given(CORPUS, WEIGHTS, st.integers(1, 100), st.sampled_from(TOPICS))
def test_a_filter_never_lets_a_masked_chunk_back_however_many_are_asked_for(
    documents: list[tuple[list[str], str]], weights: dict[str, float], k: int, topic: str
) -> None:
    both = Both(documents)
    everything = both.numpy.search_terms(weights, 100)
    passing = [hit for hit in everything if both.topics[int(hit[0][1:-2])] == topic]
    for index in (both.numpy, both.numba):
        assert index.search_terms(weights, k, Filters(topics=(topic,))) == passing[:k]


@given(CORPUS, WEIGHTS, st.floats(0.1, 10))
def test_scores_are_linear_in_the_weights(
    documents: list[tuple[list[str], str]], weights: dict[str, float], factor: float
) -> None:
    index = Both(documents).numpy
    summed: dict[str, float] = {}
    for stem, weight in weights.items():
        for name, score in index.search_terms({stem: 1.0}, 100):
            summed[name] = summed.get(name, 0.0) + factor * weight * score
    scaled = {stem: factor * weight for stem, weight in weights.items()}
    assert dict(index.search_terms(scaled, 100)) == pytest.approx(summed, rel=1e-4)


@given(CORPUS)
def test_what_a_chunk_holds_and_how_many_hold_a_stem_are_counted_by_hand(
    documents: list[tuple[list[str], str]],
) -> None:
    both = Both(documents)
    for n, counts in enumerate(both.counts):
        assert both.numpy.terms_of(f"d{n}#1") == counts
    for stem in (*STEMS, "asbesto"):
        assert both.numpy.document_frequency(stem) == sum(stem in counts for counts in both.counts)


def test_terms_are_the_stems_of_title_and_text(sparse_folder: Path) -> None:
    index = SparseIndex.open(sparse_folder)
    assert index.terms_of("batteries#1") == {"batteri": 2, "never": 1, "put": 1, "bin": 1}
    assert index.document_frequency("bottl") == 3
    assert index.document_frequency("bottles") == 0


def test_a_query_counts_each_word_as_often_as_it_stands_there(sparse_folder: Path) -> None:
    index = SparseIndex.open(sparse_folder)
    assert index.search("bottle bottle jar", 9) == index.search_terms({"bottl": 2, "jar": 1}, 9)


def test_unknown_chunks_and_k_below_one_are_refused(sparse_folder: Path) -> None:
    index = SparseIndex.open(sparse_folder, backend="numba")
    with pytest.raises(KeyError, match="asbestos#1"):
        index.terms_of("asbestos#1")
    with pytest.raises(InputError, match="at least 1, not -1"):
        index.search_terms({"cork": 1.0}, -1)
