"""Whatever is asked: a well-formed result or an `InputError` with a message, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaf.errors import InputError
from releaf.retrieval.choice import METHODS, Answerability, Method, SearchChoice
from releaf.retrieval.dense import open_index
from releaf.retrieval.passages import Filters
from releaf.retrieval.search import MAX_QUERY_CHARACTERS, Searcher, SearchResult
from releaf.retrieval.sparse import STOP_WORDS, SparseIndex

from .conftest import WordEncoder, WordScorer

CASES = 10_000
DOCUMENTS = 5
KNOWN = st.sampled_from(["bottle", "rinse a jar", "battery", "Food scraps", "the green cart", "deposit"])
OTHER_SCRIPTS = st.text(alphabet="電池はどこに捨てますкудабутылкуأينالزجاجةगिलास♻️👩‍🔬🏳️‍🌈é́ﬁ①Ⅻİßſ", max_size=20)
CONTROL = st.text(alphabet="\x00\x07\x1b\n\t\r\x7f\x85\u200b\u200d\ufeff\u2028\u202e", max_size=8)
SURROGATES = st.text(alphabet=st.characters(categories=["Cs", "Co", "Cn"]), max_size=6)
STOPS = st.lists(st.sampled_from(sorted(STOP_WORDS)), max_size=8).map(" ".join)
LONG = st.tuples(st.sampled_from(["bottle ", "池", "a", " ", "👩‍🔬", "\ud800"]), st.integers(1000, 14_700)).map(
    lambda drawn: drawn[0] * drawn[1]
)
TEXT = st.one_of(st.text(max_size=30), KNOWN, OTHER_SCRIPTS, CONTROL, SURROGATES, STOPS)
QUERY = st.one_of(TEXT, TEXT, TEXT, st.tuples(KNOWN, TEXT).map("".join), LONG)
K = st.one_of(st.integers(-3, 12), st.integers(-3, 10**9))
NAMES = st.lists(
    st.one_of(st.sampled_from(["policy", "pet", "bottle", "berlin", "nothing"]), st.text(max_size=4), SURROGATES),
    max_size=3,
).map(tuple)
FILTERS = st.one_of(
    st.none(),
    st.just({}),
    st.fixed_dictionaries({}, optional={"topics": NAMES, "items": NAMES, "materials": NAMES}),
    st.fixed_dictionaries({"jurisdictions": NAMES, "general": st.booleans()}),
)
METHOD = st.one_of(st.none(), st.sampled_from(METHODS))


@pytest.fixture(scope="module")
def both(
    searcher: Searcher, chunks: pl.DataFrame, dense_folder: Path, sparse_folder: Path
) -> Iterator[tuple[Searcher, Searcher]]:
    """A searcher as it is made, and one with every learned part."""
    judge = Answerability(bias=-3.0, cosine=2.0, coverage=4.0, threshold=0.5)
    choice = SearchChoice("weighted", 0.7, floor=0.2, expand=True, rerank=True, rerank_weight=0.6, answerability=judge)
    with open_index(dense_folder) as index:
        words = SparseIndex.open(sparse_folder, backend="numba")
        yield searcher, Searcher(index, words, WordEncoder(), chunks, choice=choice, reranker=WordScorer())


def asked(
    searcher: Searcher, query: str, method: Method | None, k: int, filters: dict[str, Any] | None
) -> SearchResult | str:
    """What comes back, or the message of the refusal."""
    try:
        return searcher.search(query, method, k, None if filters is None else Filters(**filters))
    except InputError as error:
        return str(error)


def refuse_malformed(found: SearchResult, query: str, k: int) -> None:
    assert found.query == query
    assert found.method in METHODS
    documents = [entry.document_id for entry in found.results]
    assert len(documents) == len(set(documents)) <= min(k, DOCUMENTS)
    scores = [entry.score for entry in found.results]
    assert all(math.isfinite(score) for score in scores)
    if found.method != "mmr":  # diversity changes the order and leaves the scores
        assert scores == sorted(scores, reverse=True)
    if found.method in ("rrf", "weighted", "expanded", "mmr"):
        assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)
    if found.method == "sparse":
        assert all(score > 0 for score in scores)
    if found.method == "dense":
        assert all(-1 <= score <= 1 for score in scores)
    assert 0 <= found.confidence.margin <= 1
    assert found.answered == (bool(found.results) and (found.answerable is None or found.answerable >= 0.5))


@settings(max_examples=CASES)
@given(query=QUERY, method=METHOD, k=K, filters=FILTERS, learned=st.booleans())
def test_any_question_is_answered_or_refused(
    both: tuple[Searcher, Searcher],
    query: str,
    method: Method | None,
    k: int,
    filters: dict[str, Any] | None,
    learned: bool,
) -> None:
    found = asked(both[learned], query, method, k, filters)
    if isinstance(found, str):
        assert len(found) > 10
        return
    assert k >= 1
    assert len(query) <= MAX_QUERY_CHARACTERS
    refuse_malformed(found, query, k)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["\ud800", "\x00", "", "policy\x00", "p" * 100_000])
def test_a_filter_of_odd_names_matches_nothing_or_is_refused(searcher: Searcher, method: Method, name: str) -> None:
    found = asked(searcher, "bottle", method, 5, {"topics": (name,)})
    assert "filter 'topics'" in found if isinstance(found, str) else found.results == ()


@pytest.mark.parametrize("method", METHODS)
def test_a_filter_that_matches_nothing_finds_nothing(searcher: Searcher, method: Method) -> None:
    found = searcher.search("bottle", method, 10, Filters(topics=("policy",), items=("jar",)))
    assert (found.results, found.confidence.level, found.answered) == ((), "low", False)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "sparse"])
def test_k_beyond_the_corpus_gives_every_document_once(searcher: Searcher, method: Method) -> None:
    for k in (DOCUMENTS, DOCUMENTS + 1, 10**9):
        documents = [entry.document_id for entry in searcher.search("bottle", method, k).results]
        assert len(documents) == len(set(documents)) == DOCUMENTS


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("query", "k", "message"),
    [
        ("", 5, "the query is empty; ask for something"),
        (" \t\u200b\ufeff", 5, "empty"),
        ("\ud800\udfff\x00", 5, "empty"),
        ("bottle " * 14_629, 5, "may hold 10,000 characters, this one holds 102,403; shorten it"),
        ("bottle", 0, "k must be at least 1, not 0"),
        ("bottle", -3, "k must be at least 1, not -3"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    searcher: Searcher, method: Method, query: str, k: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        searcher.search(query, method, k)
