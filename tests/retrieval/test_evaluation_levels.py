"""Confidence levels, refusals and what gates ask for, on a search whose answers are written down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from releaf.retrieval.choice import Method
from releaf.retrieval.confidence import confidence
from releaf.retrieval.evaluation import Level, Refusals, RetrievalEvaluation, evaluate_methods
from releaf.retrieval.search import Result, SearchResult

Answer = tuple[list[tuple[str, float]], float | None, bool]


class Scripted:
    """A searcher that gives, for a query, the documents and scores written down for it."""

    methods: tuple[Method, ...] = ("sparse", "rrf", "reranked")

    def __init__(self, answers: dict[str, Answer], reranked: dict[str, Answer] | None = None) -> None:
        self.answers, self.reranked = answers, reranked or {}

    def search_all(
        self, queries: Sequence[str], method: Method | None = None, k: int = 10, progress: Any = None
    ) -> list[SearchResult]:
        found = []
        for query in queries:
            script = self.reranked if method == "reranked" and query in self.reranked else self.answers
            hits, answerable, answered = script[query]
            results = tuple(Result(name, name, "", "", score) for name, score in hits[:k])
            lead = confidence([score for _, score in hits])
            found.append(SearchResult(query, method or "rrf", lead, results, answerable, answered))
        return found

    def search_each(
        self, queries: Sequence[str], methods: Sequence[Method], k: int = 10, progress: Any = None
    ) -> dict[Method, list[SearchResult]]:
        return {method: self.search_all(queries, method, k) for method in methods}


def run(
    answers: dict[str, Answer], grades: dict[str, dict[str, int]], reranked: dict[str, Answer] | None = None
) -> RetrievalEvaluation:
    """Every query is its own text and of the test split."""
    queries = pl.DataFrame({"id": list(answers), "query": list(answers), "split": ["test"] * len(answers)})
    rows = [(query, document, grade) for query, judged in grades.items() for document, grade in judged.items()]
    qrels = pl.DataFrame(rows, schema=["query_id", "document_id", "grade"], orient="row")
    return evaluate_methods(Scripted(answers, reranked), queries, qrels)  # type: ignore[arg-type]


def test_a_level_says_how_often_the_first_document_was_right() -> None:
    answers: dict[str, Answer] = {
        "clear": ([("a", 1.0), ("b", 0.5)], None, True),  # margin 0.5, high; grade 3, right
        "sure": ([("a", 1.0), ("b", 0.6)], None, True),  # 0.4, high; grade 1 where 3 was to be had, wrong
        "partly": ([("a", 1.0), ("b", 0.8)], None, True),  # 0.2, medium; grade 2, right
        "modest": ([("a", 1.0), ("b", 0.99)], None, True),  # 0.01, low; grade 1 and none above, right
        "empty": ([], None, False),  # low, nothing found, wrong
    }
    grades = {"clear": {"a": 3}, "sure": {"a": 1, "b": 3}, "partly": {"a": 2, "b": 3}, "modest": {"a": 1}}
    levels = run(answers, grades | {"empty": {"a": 3}}).splits["test"].methods["sparse"].confidence
    assert levels == {"high": Level(2, 0.5), "medium": Level(1, 1.0), "low": Level(2, 0.5)}


def test_a_level_that_was_never_reached_has_no_share() -> None:
    levels = run({"q": ([("a", 1.0)], None, True)}, {"q": {"a": 1}}).splits["test"].methods["rrf"].confidence
    assert levels == {"high": Level(1, 1.0), "medium": Level(0, None), "low": Level(0, None)}


REFUSING: dict[str, Answer] = {
    "good-1": ([("a", 1.0)], 0.9, True),
    "good-2": ([("a", 1.0)], 0.4, False),
    "none-1": ([("b", 1.0)], 0.1, False),
    "none-2": ([("b", 1.0)], 0.4, False),
    "none-3": ([("b", 1.0)], 0.6, True),
    "none-4": ([], 0.3, False),
}


def test_refusals_by_hand() -> None:
    grades = {"good-1": {"a": 3}, "good-2": {"a": 1}, "none-1": {"b": 0}}
    report = run(REFUSING, grades)
    # Pairs of an answerable and another query: 0.9 is above all four; 0.4 above 0.1 and 0.3, even with 0.4, below 0.6.
    assert report.splits["test"].refusals == Refusals(
        unanswerable=4, refused=0.75, answerable=2, wrongly_refused=0.5, area=pytest.approx((4 + 2 + 0.5) / 8)
    )
    assert report.splits["test"].unscored == ("none-1", "none-2", "none-3", "none-4")
    figures = report.metrics("rrf", "rrf")
    assert (figures["refused"], figures["wrongly_refused"]) == (0.75, 0.5)


def test_without_unanswerable_queries_there_are_no_refusals() -> None:
    report = run({"q": ([("a", 1.0)], None, True)}, {"q": {"a": 1}})
    assert report.splits["test"].refusals is None
    assert "refused" not in report.metrics("rrf", "rrf")


def test_a_search_that_never_learned_to_refuse_has_no_area() -> None:
    answers: dict[str, Answer] = {"good": ([("a", 1.0)], None, True), "none": ([("a", 1.0)], None, True)}
    refusals = run(answers, {"good": {"a": 1}}).splits["test"].refusals
    assert refusals == Refusals(unanswerable=1, refused=0.0, answerable=1, wrongly_refused=0.0, area=None)


def test_what_the_served_reranker_loses_to_the_fusion_is_a_figure() -> None:
    answers: dict[str, Answer] = {"q": ([("a", 1.0), ("b", 0.5)], None, True)}
    worse: dict[str, Answer] = {"q": ([("b", 1.0), ("c", 0.7), ("a", 0.5)], None, True)}
    report = run(answers, {"q": {"a": 1}}, worse)
    assert report.mean("test", "reranked", "ndcg@10") == pytest.approx(1 / 2)  # third place: 1 / log₂ 4
    served = report.metrics("reranked", "rrf")
    assert served["test_served_ndcg@10"] == pytest.approx(1 / 2)
    assert served["reranker_loss"] == pytest.approx(1 / 2)
    assert report.metrics("rrf", "rrf")["reranker_loss"] == 0.0
    assert served["test_reranked_mrr@10"] == pytest.approx(1 / 3)
    assert report.splits["test"].methods["reranked"].against_sparse["ndcg@10"].difference == pytest.approx(-1 / 2)


def test_a_row_shows_the_gain_over_each_baseline_with_interval_and_p() -> None:
    answers: dict[str, Answer] = {"q": ([("a", 1.0), ("b", 0.5)], None, True)}
    worse: dict[str, Answer] = {"q": ([("b", 1.0), ("c", 0.7), ("a", 0.5)], None, True)}
    sparse, _, reranked = run(answers, {"q": {"a": 1}}, worse).comparison_rows("test")
    assert sparse == {"method": "sparse"} | dict.fromkeys(list(sparse)[1:], "–")
    # From the first place to the third, 1 / log₂ 4; of one query alone either sign of its difference is as extreme.
    assert reranked["gain over sparse"] == "-0.500 (-0.500 to -0.500)"
    assert reranked["p against sparse"] == "1.0000"
    assert reranked["gain over dense"] == "–"


def test_a_row_shows_each_mean_with_its_interval() -> None:
    rows = run({"q": ([("a", 1.0)], None, True)}, {"q": {"a": 1}}).rows("test")
    assert [row["method"] for row in rows] == ["sparse", "rrf", "reranked"]
    assert rows[0]["ndcg@10"] == "1.000 (1.000–1.000)"
    assert set(rows[0]) == {"method", "ndcg@10", "precision@5", "recall@10", "recall@100", "mrr@10"}
