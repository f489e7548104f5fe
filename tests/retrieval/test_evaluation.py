from __future__ import annotations

import json
import math

import polars as pl
import pytest

from releaf.errors import DataError
from releaf.retrieval.choice import METHODS
from releaf.retrieval.evaluation import METRICS, evaluate_methods
from releaf.retrieval.search import Searcher

QUERIES = pl.DataFrame(
    {
        "id": ["q1", "q2", "q3", "q4"],
        "query": ["battery bin", "rinse a jar", "green cart", "unjudged"],
        "split": ["test", "test", "dev", "test"],
    }
)
QRELS = pl.DataFrame(
    {
        "query_id": ["q1", "q2", "q2", "q3"],
        "document_id": ["batteries", "pet-bottles", "glass-jars", "seattle-food"],
        "grade": [3, 1, 3, 2],
    }
)


def test_figures_by_hand(searcher: Searcher) -> None:
    report = evaluate_methods(searcher, QUERIES, QRELS, methods=["sparse"])
    per_query = report.splits["test"].methods["sparse"].per_query
    # "rinse a jar": the jars (grade 3) come before the bottles (grade 1), the best order.
    assert per_query["q2"] == pytest.approx(
        {f"ndcg@{k}": 1.0 for k in (1, 3, 5, 10, 20)}
        | {"precision@1": 1.0, "precision@3": 2 / 3, "precision@5": 0.4, "precision@10": 0.2, "precision@20": 0.1}
        | {"recall@1": 0.5, "recall@3": 1.0, "recall@5": 1.0, "recall@10": 1.0, "recall@20": 1.0, "recall@100": 1.0}
        | {"mrr@10": 1.0}
    )
    assert report.mean("test", "sparse", "precision@5") == pytest.approx((0.2 + 0.4) / 2)


def test_splits_are_reported_apart_and_unjudged_queries_named(searcher: Searcher) -> None:
    report = evaluate_methods(searcher, QUERIES, QRELS)
    assert list(report.splits) == ["dev", "test"]
    assert set(report.splits["dev"].methods["rrf"].per_query) == {"q3"}
    assert set(report.splits["test"].methods["rrf"].per_query) == {"q1", "q2"}
    assert report.splits["test"].unscored == ("q4",)
    assert report.splits["test"].queries == 2


def test_every_method_has_every_figure_inside_its_interval(searcher: Searcher) -> None:
    report = evaluate_methods(searcher, QUERIES, QRELS)
    assert tuple(report.splits["test"].methods) == METHODS == searcher.methods
    for method in report.splits["test"].methods.values():
        assert set(method.figures) == set(METRICS)
        assert all(0 <= entry.low <= entry.mean <= entry.high <= 1 for entry in method.figures.values())


def test_methods_are_compared_with_sparse_and_with_dense_search_on_the_same_queries(searcher: Searcher) -> None:
    methods = evaluate_methods(searcher, QUERIES, QRELS).splits["test"].methods
    assert methods["sparse"].against_sparse == methods["dense"].against_dense == {}
    for method, result in methods.items():
        assert set(result.comparisons) == {"sparse", "dense"} - {method}
        for baseline, by_metric in result.comparisons.items():
            assert set(by_metric) == set(METRICS)
            for metric, comparison in by_metric.items():
                gain = result.figures[metric].mean - methods[baseline].figures[metric].mean
                assert math.isclose(comparison.difference, gain, abs_tol=1e-12)
                assert comparison.low <= comparison.difference <= comparison.high
                assert 0 < comparison.p_value <= 1


def test_sparse_against_dense_is_dense_against_sparse_turned_round(searcher: Searcher) -> None:
    methods = evaluate_methods(searcher, QUERIES, QRELS).splits["test"].methods
    one, other = (methods["sparse"].against_dense["ndcg@10"], methods["dense"].against_sparse["ndcg@10"])
    assert one.difference == -other.difference
    assert one.p_value == other.p_value


def test_every_comparison_of_every_split_is_a_flat_figure(searcher: Searcher) -> None:
    report = evaluate_methods(searcher, QUERIES, QRELS)
    figures = report.metrics("rrf", "rrf")
    for split in ("dev", "test"):
        rrf = report.splits[split].methods["rrf"]
        for baseline, found in (("sparse", rrf.against_sparse), ("dense", rrf.against_dense)):
            assert figures[f"{split}_rrf_p_against_{baseline}"] == found["ndcg@10"].p_value
            assert figures[f"{split}_rrf_gain_against_{baseline}"] == found["ndcg@10"].difference
    assert "test_sparse_p_against_dense" in figures
    assert "test_sparse_p_against_sparse" not in figures


def test_what_was_not_evaluated_is_not_compared_with(searcher: Searcher) -> None:
    report = evaluate_methods(searcher, QUERIES, QRELS, methods=["sparse", "rrf"])
    assert set(report.splits["test"].methods["rrf"].comparisons) == {"sparse"}
    assert [row["p against dense"] for row in report.comparison_rows("test")] == ["–", "–"]


def test_the_report_is_repeatable_and_becomes_json(searcher: Searcher) -> None:
    one, other = (json.dumps(evaluate_methods(searcher, QUERIES, QRELS, seed=3).to_json()) for _ in range(2))
    assert one == other


def test_progress_counts_every_query_once(searcher: Searcher) -> None:
    seen: list[tuple[int, int]] = []
    evaluate_methods(
        searcher,
        QUERIES,
        QRELS,
        methods=["sparse", "rrf"],
        progress=lambda done, total, note="": seen.append((done, total)),
    )
    assert seen == [(1, 4), (3, 4), (4, 4)]


def test_a_split_without_any_relevant_document_is_refused(searcher: Searcher) -> None:
    with pytest.raises(DataError, match="none of 1 queries has a relevant document"):
        evaluate_methods(searcher, QUERIES.filter(pl.col("id") == "q4"), QRELS)


def test_judgements_of_unknown_documents_count_as_not_found(searcher: Searcher) -> None:
    gone = pl.DataFrame({"query_id": ["q1"], "document_id": ["no-such-document"], "grade": [3]})
    found = evaluate_methods(searcher, QUERIES.head(1), pl.concat([QRELS, gone]), methods=["sparse"])
    values = found.splits["test"].methods["sparse"].per_query["q1"]
    assert values["recall@100"] == 0.5
    assert values["ndcg@10"] == pytest.approx(1 / (1 + 1 / math.log2(3)))
    nothing = evaluate_methods(searcher, QUERIES.head(1), gone, methods=["sparse"])
    assert nothing.mean("test", "sparse", "ndcg@10") == 0.0
