"""Each way of searching against its parts, on a collection of forty documents drawn at random."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest

from releaf.progress import Progress, silent
from releaf.retrieval import dense, sparse
from releaf.retrieval.choice import METHODS, Answerability, Method, SearchChoice
from releaf.retrieval.expand import expand
from releaf.retrieval.fusion import reciprocal_rank_fusion, weighted_fusion
from releaf.retrieval.passages import Filters, passages, payloads
from releaf.retrieval.search import Searcher
from releaf.retrieval.sparse import analyze
from releaf.retrieval.vectors import embed

from .conftest import WordEncoder, WordScorer, chunk, frame

WORDS = ("jar", "lid", "tin", "cork", "glass", "steel", "wool", "wood", "paper", "bottle", "box", "film")
QUERIES = ("glass jar", "steel tin with a lid", "cork", "paper box asbestos", "the")


class Parts:
    """One collection, from which searchers with other choices are made."""

    def __init__(self, table: pl.DataFrame, index: dense.DenseIndex, words: sparse.SparseIndex) -> None:
        self.table, self.index, self.words = table, index, words

    def searcher(
        self, choice: SearchChoice | None = None, reranker: WordScorer | None = None, budget: float | None = None
    ) -> Searcher:
        scorer = reranker or WordScorer()
        return Searcher(
            self.index, self.words, WordEncoder(), self.table, choice=choice, reranker=scorer, budget=budget
        )


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    draw, folder = random.Random(1), tmp_path_factory.mktemp("forty")
    table = frame(
        [
            chunk(f"d{n}#{part}", " ".join(draw.choices(WORDS, k=draw.randint(3, 9))), title="", topic="ab"[n % 2])
            for n in range(40)
            for part in range(draw.randint(1, 3))
        ]
    )
    made, _ = embed(table["id"].to_list(), passages(table), WordEncoder(), folder / "vectors")
    dense.build(made, payloads(table), folder / "dense")
    sparse.build(table, folder / "sparse")
    with dense.open_index(folder / "dense") as index:
        yield Parts(table, index, sparse.SparseIndex.open(folder / "sparse"))


def documents(searcher: Searcher, query: str, method: Method | None = None, k: int = 100) -> list[str]:
    return [entry.document_id for entry in searcher.search(query, method, k).results]


@pytest.mark.parametrize("query", QUERIES)
def test_weighted_search_is_the_weighted_fusion_of_both_rankings(parts: Parts, query: str) -> None:
    searcher = parts.searcher(SearchChoice("weighted", 0.3))
    both = [
        [(entry.document_id, entry.score) for entry in searcher.search(query, method, 100).results]
        for method in ("dense", "sparse")
    ]
    found = searcher.search(query, "weighted", 100).results
    expected = weighted_fusion(*both, weight=0.3)
    assert [(entry.document_id, entry.score) for entry in found] == expected


def test_expanded_search_asks_the_words_again_with_those_of_what_was_found(parts: Parts) -> None:
    searcher, words = parts.searcher(SearchChoice("weighted", 0.0)), parts.words
    first = searcher.search("cork jar", "sparse", 5).results
    feedback = [(entry.score, words.terms_of(entry.id)) for entry in first]
    stems = expand(Counter(analyze("cork jar")), feedback, words.document_frequency, len(words.ids))
    again = dict.fromkeys(name.split("#")[0] for name, _ in words.search_terms(stems, 1000))
    expanded = documents(searcher, "cork jar", "expanded")
    # By words alone, the last that they find counts as little as what they do not find.
    assert expanded[: len(again) - 1] == list(again)[:-1]
    assert sorted(expanded) == sorted(documents(searcher, "cork jar", "dense"))
    assert len(again) > len(documents(searcher, "cork jar", "sparse"))


def test_words_that_find_nothing_are_not_expanded(parts: Parts) -> None:
    searcher = parts.searcher()
    assert documents(searcher, "asbestos", "expanded") == documents(searcher, "asbestos", "rrf")


@pytest.mark.parametrize("query", QUERIES)
def test_diversity_changes_the_order_and_neither_what_is_found_nor_the_scores(parts: Parts, query: str) -> None:
    searcher = parts.searcher()
    base, diverse = (searcher.search(query, method, 40).results for method in ("rrf", "mmr"))
    assert {entry.id: entry.score for entry in diverse} == {entry.id: entry.score for entry in base}
    assert diverse[0] == base[0]
    assert diverse != base


def test_a_near_copy_of_the_best_document_falls_behind(tmp_path: Path) -> None:
    texts = {"one": "glass jar cork", "copy": "glass jar cork cork", "other": "wool cork", "far": "wood film"}
    table = frame([chunk(f"{name}#1", text, title="") for name, text in texts.items()])
    made, _ = embed(table["id"].to_list(), passages(table), WordEncoder(), tmp_path / "vectors")
    dense.build(made, payloads(table), tmp_path / "dense")
    sparse.build(table, tmp_path / "sparse")
    with dense.open_index(tmp_path / "dense") as index:
        words = sparse.SparseIndex.open(tmp_path / "sparse")
        searcher = Searcher(index, words, WordEncoder(), table, choice=SearchChoice("weighted", 1.0))
        assert documents(searcher, "glass jar cork wool", "weighted") == ["one", "copy", "other", "far"]
        assert documents(searcher, "glass jar cork wool", "mmr") == ["one", "other", "copy", "far"]


def test_reranking_by_a_weight_of_one_is_the_order_of_the_scorer(parts: Parts) -> None:
    searcher = parts.searcher(SearchChoice(rerank=True, rerank_weight=1.0))
    found = searcher.search("steel tin with a lid", k=100)
    assert found.method == "reranked"
    text = {entry.document_id: entry.text for entry in found.results}
    shared = [len({"steel", "tin", "lid"} & set(text[entry.document_id].split())) for entry in found.results]
    assert shared == sorted(shared, reverse=True)
    assert set(text) == set(documents(searcher, "steel tin with a lid", "rrf"))


def test_reranking_by_a_weight_of_zero_keeps_the_order_of_the_fusion(parts: Parts) -> None:
    searcher = parts.searcher(SearchChoice("weighted", rerank=True, rerank_weight=0.0))
    for query in QUERIES:
        assert documents(searcher, query, "reranked") == documents(searcher, query, "weighted")


def test_what_the_budget_leaves_out_comes_last_in_its_old_order(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1000))
    monkeypatch.setattr("releaf.retrieval.rerank.time.perf_counter", lambda: float(next(ticks)))
    scorer = WordScorer()
    searcher = parts.searcher(SearchChoice(rerank=True), scorer, budget=0.5)
    found = searcher.search("glass jar", k=100)
    base = documents(searcher, "glass jar", "rrf")
    assert len(scorer.read) == 8
    assert set(documents(searcher, "glass jar", "reranked", 8)) == set(base[:8])
    assert [entry.document_id for entry in found.results][8:] == base[8:]
    scores = [entry.score for entry in found.results]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores[7:])) == len(scores[7:])


CANDIDATES: Sequence[tuple[Method, SearchChoice]] = (
    ("rrf", SearchChoice()),
    ("rrf", SearchChoice(rrf_k=1)),
    ("weighted", SearchChoice("weighted", 0.2, floor=0.25)),
    ("expanded", SearchChoice("weighted", 0.5, expand=True)),
    ("mmr", SearchChoice(expand=True)),
    ("mmr", SearchChoice("weighted")),
    ("reranked", SearchChoice(rerank=True, rerank_weight=0.5)),
    ("reranked", SearchChoice("weighted", expand=True, rerank=True, rerank_weight=0.9)),
    ("sparse", SearchChoice()),
    ("dense", SearchChoice()),
)


@pytest.mark.parametrize("k", [3, 100])
def test_rankings_of_candidates_are_those_that_search_gives(parts: Parts, k: int) -> None:
    found = parts.searcher().rankings(QUERIES, CANDIDATES, k)
    for (method, choice), rankings in zip(CANDIDATES, found, strict=True):
        searcher = parts.searcher(choice)
        assert rankings == [documents(searcher, query, method, k) for query in QUERIES], (method, choice)


def test_a_chunk_below_the_floor_has_no_vote_in_a_fusion(parts: Parts) -> None:
    query, floor = "steel tin asbestos", 0.1
    rarity = sum(
        math.log((len(parts.words.ids) - n + 0.5) / (n + 0.5) + 1)
        for n in (parts.words.document_frequency(stem) for stem in analyze(query))
    )
    searcher = parts.searcher(SearchChoice(floor=floor))
    hits = searcher.search(query, "sparse", 100).results
    voting = [entry.document_id for entry in hits if entry.score >= floor * rarity]
    assert 0 < len(voting) < len(hits)
    expected = reciprocal_rank_fusion([documents(searcher, query, "dense"), voting])
    assert documents(searcher, query, "rrf") == [name for name, _ in expected]
    assert all(entry.score < rarity for entry in hits)


def test_a_pair_is_scored_once_for_all_candidates(parts: Parts) -> None:
    scorer = WordScorer()
    weights: list[tuple[Method, SearchChoice]] = [
        ("reranked", SearchChoice(rerank=True, rerank_weight=weight)) for weight in (0.1, 0.5, 1.0)
    ]
    parts.searcher(reranker=scorer).rankings(QUERIES, weights)
    assert max(Counter(scorer.read).values()) <= max(Counter(passages(parts.table)).values())


def test_candidates_that_read_other_documents_within_the_budget_hold_each_once(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(1000))
    monkeypatch.setattr("releaf.retrieval.rerank.time.perf_counter", lambda: float(next(ticks)))
    candidates: list[tuple[Method, SearchChoice]] = [
        ("reranked", SearchChoice("weighted", weight, rerank=True)) for weight in (0.0, 1.0)
    ]
    for rankings in parts.searcher(budget=0.5).rankings(QUERIES, candidates):
        assert all(len(set(ranking)) == len(ranking) == 40 for ranking in rankings)


@pytest.mark.parametrize("method", METHODS)
def test_a_shorter_list_is_the_start_of_a_longer_one(parts: Parts, method: Method) -> None:
    searcher = parts.searcher()
    for query in QUERIES:
        assert documents(searcher, query, method, 7) == documents(searcher, query, method, 30)[:7]


@pytest.mark.parametrize("method", METHODS)
def test_filters_keep_every_method_to_what_passes(parts: Parts, method: Method) -> None:
    found = parts.searcher().search("glass jar", method, 100, Filters(topics=("a",))).results
    assert found
    assert all(int(entry.document_id[1:]) % 2 == 0 for entry in found)


@pytest.mark.parametrize(
    ("choice", "method", "without_reranker"),
    [
        (SearchChoice(), "rrf", "rrf"),
        (SearchChoice("weighted"), "weighted", "weighted"),
        (SearchChoice("weighted", rerank=True), "reranked", "weighted"),
        (SearchChoice(expand=True, rerank=True), "reranked", "expanded"),
    ],
)
def test_the_chosen_method_answers_or_what_can_be_done_of_it(
    parts: Parts, choice: SearchChoice, method: Method, without_reranker: Method
) -> None:
    assert parts.searcher(choice).search("cork").method == method
    plain = Searcher(parts.index, parts.words, WordEncoder(), parts.table, choice=choice)
    assert plain.search("cork").method == without_reranker
    assert Searcher(None, parts.words, None, parts.table, choice=choice).search("cork").method == "sparse"


def test_evidence_is_the_best_cosine_and_the_share_of_rare_words_met(parts: Parts) -> None:
    searcher = parts.searcher()
    best = searcher.search("cork", "dense", 1).results[0].score
    assert searcher.evidence_of(["cork"])[0] == (pytest.approx(best), 1.0)
    assert searcher.evidence_of(["the"])[0][1] == 0.0
    covered = searcher.evidence_of(["cork asbestos"])[0][1]
    # The unknown word is the rarest, so the known one makes less than half.
    assert 0 < covered < 0.5


def test_a_search_says_when_nothing_answers(parts: Parts) -> None:
    # σ(20·(coverage − ½)): known words are answered, unknown ones are not.
    judge = Answerability(bias=-10.0, cosine=0.0, coverage=20.0, threshold=0.5)
    searcher = parts.searcher(SearchChoice(answerability=judge))
    known, unknown = searcher.search("glass cork"), searcher.search("asbestos dioxin")
    assert known.answerable == pytest.approx(judge.probability(0, searcher.evidence_of(["glass cork"])[0][1]))
    assert (known.answered, unknown.answered) == (True, False)
    assert unknown.answerable == pytest.approx(judge.probability(0, 0))
    assert unknown.results


def test_a_search_that_never_learned_to_refuse_answers_when_it_finds_anything(parts: Parts) -> None:
    searcher = parts.searcher()
    assert (searcher.search("cork").answerable, searcher.search("cork").answered) == (None, True)
    assert not searcher.search("asbestos", "sparse").answered
    judge = Answerability(0.0, 0.0, 0.0, threshold=0.9)
    single = parts.searcher(SearchChoice(answerability=judge)).search("cork", "sparse")
    assert (single.answerable, single.answered) == (None, True)


def test_progress_counts_the_queries(parts: Parts) -> None:
    seen: list[tuple[int, int]] = []
    progress: Progress = lambda done, total, note="": seen.append((done, total))  # noqa: E731
    parts.searcher().search_all(QUERIES[:3], "rrf", progress=progress)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert silent(1, 2) is None


def test_several_methods_at_once_give_what_each_gives_alone(parts: Parts) -> None:
    for choice in (SearchChoice(), SearchChoice("weighted", floor=0.2, expand=True, rerank_weight=0.7)):
        searcher = parts.searcher(choice)
        together = searcher.search_each(QUERIES, METHODS, 7)
        assert list(together) == list(METHODS)
        for method in METHODS:
            assert together[method] == searcher.search_all(QUERIES, method, 7)
