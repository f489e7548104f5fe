"""How well each way of searching answers the judged queries (R9): figures, intervals, and each query's own.

Reads no file and draws nothing. The splits are reported apart, so that what was chosen on `dev` is not praised on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import fmean
from typing import Any

import polars as pl

from releaf.errors import DataError
from releaf.metrics.ranking import (
    bootstrap_interval,
    ndcg_at_k,
    precision_at_k,
    randomization_p_value,
    recall_at_k,
    reciprocal_rank_at_k,
)
from releaf.progress import Progress, silent
from releaf.retrieval.search import Method, Searcher

Metric = Callable[[Sequence[str], Mapping[str, int]], float]
METRICS: dict[str, Metric] = {
    "ndcg@10": partial(ndcg_at_k, k=10),
    "precision@5": partial(precision_at_k, k=5),
    "precision@10": partial(precision_at_k, k=10),
    "recall@10": partial(recall_at_k, k=10),
    "recall@100": partial(recall_at_k, k=100),
    "mrr@10": partial(reciprocal_rank_at_k, k=10),
}
DEPTH = 100
BASELINE: Method = "sparse"


@dataclass(frozen=True)
class Figure:
    """A mean over queries with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """The mean paired difference to sparse search, its 95 % interval, and p of the paired randomization test."""

    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class MethodEvaluation:
    """Figures of one method: means by metric, values by query and metric, and the comparison with sparse search.

    `against_sparse` is empty for sparse search itself and where it was not evaluated.
    """

    figures: dict[str, Figure]
    per_query: dict[str, dict[str, float]]
    against_sparse: dict[str, Comparison]


@dataclass(frozen=True)
class SplitEvaluation:
    """All methods on the same queries; `unscored` are the queries that no document is relevant to."""

    queries: int
    unscored: tuple[str, ...]
    methods: dict[str, MethodEvaluation]


@dataclass(frozen=True)
class RetrievalEvaluation:
    """Figures by split."""

    splits: dict[str, SplitEvaluation]

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)

    def mean(self, split: str, method: str, metric: str) -> float:
        """One mean. Raises `KeyError` for a split, method or metric that was not evaluated."""
        return self.splits[split].methods[method].figures[metric].mean


def evaluate_methods(
    searcher: Searcher,
    queries: pl.DataFrame,
    qrels: pl.DataFrame,
    *,
    methods: Sequence[Method] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> RetrievalEvaluation:
    """Search every judged query with every method (default: all the searcher has) and score the first 100 documents.

    `queries` has the columns id, query, split; `qrels` query_id, document_id, grade. Queries without a relevant
    document are not scored, and named. Raises `DataError` when a split has nothing to score.
    """
    chosen = tuple(methods or searcher.methods)
    judged = grades_by_query(qrels)
    total, done = queries.height * len(chosen), 0
    splits: dict[str, SplitEvaluation] = {}
    for (split,), part in sorted(queries.group_by("split", maintain_order=True), key=lambda group: str(group[0][0])):
        texts, unscored = scored_queries(part, judged)
        per_method: dict[str, dict[str, dict[str, float]]] = {}
        for method in chosen:
            per_method[method] = score_queries(searcher, texts, judged, method)
            done += part.height
            progress(done, total, f"queries of {split} searched by {method}")
        baseline = per_method.get(BASELINE)
        evaluated = {
            method: _summary(values, baseline if method != BASELINE else None, seed)
            for method, values in per_method.items()
        }
        splits[str(split)] = SplitEvaluation(len(texts), unscored, evaluated)
    return RetrievalEvaluation(splits)


def grades_by_query(qrels: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Grades by document, by query."""
    judged: dict[str, dict[str, int]] = {}
    for query, document, grade in qrels.select("query_id", "document_id", "grade").iter_rows():
        judged.setdefault(query, {})[document] = grade
    return judged


def scored_queries(
    queries: pl.DataFrame, judged: Mapping[str, Mapping[str, int]]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Text by id of the queries that some document is relevant to, and the ids of the others.

    Raises `DataError` when none is left.
    """
    texts = dict(queries.select("id", "query").iter_rows())
    relevant = {query for query, grades in judged.items() if any(grade > 0 for grade in grades.values())}
    scored = {query: text for query, text in texts.items() if query in relevant}
    if not scored:
        raise DataError(
            f"none of {len(texts)} queries has a relevant document; are query ids and judgements of one set?"
        )
    return scored, tuple(query for query in texts if query not in scored)


def score_queries(
    searcher: Searcher,
    texts: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
    method: Method,
    progress: Progress = silent,
) -> dict[str, dict[str, float]]:
    """Every metric of every query, by query id, over the first 100 documents that `method` finds."""
    found = searcher.search_all(list(texts.values()), method, DEPTH, progress=progress)
    rankings = {
        query: [entry.document_id for entry in result.results] for query, result in zip(texts, found, strict=True)
    }
    return {
        query: {name: metric(ranking, judged[query]) for name, metric in METRICS.items()}
        for query, ranking in rankings.items()
    }


def _summary(
    values: dict[str, dict[str, float]], baseline: dict[str, dict[str, float]] | None, seed: int
) -> MethodEvaluation:
    columns = {name: [query[name] for query in values.values()] for name in METRICS}
    figures = {name: Figure(fmean(column), *bootstrap_interval(column, seed=seed)) for name, column in columns.items()}
    against: dict[str, Comparison] = {}
    if baseline is not None:
        for name, ours in columns.items():
            theirs = [baseline[query][name] for query in values]
            difference = [one - other for one, other in zip(ours, theirs, strict=True)]
            low, high = bootstrap_interval(difference, seed=seed)
            against[name] = Comparison(fmean(difference), low, high, randomization_p_value(ours, theirs, seed=seed))
    return MethodEvaluation(figures, values, against)
