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
from releaf.retrieval.choice import Method
from releaf.retrieval.search import Searcher, SearchResult

Metric = Callable[[Sequence[str], Mapping[str, int]], float]
DEPTHS = (1, 3, 5, 10, 20)
METRICS: dict[str, Metric] = {
    **{f"ndcg@{k}": partial(ndcg_at_k, k=k) for k in DEPTHS},
    **{f"precision@{k}": partial(precision_at_k, k=k) for k in DEPTHS},
    **{f"recall@{k}": partial(recall_at_k, k=k) for k in (*DEPTHS, 100)},
    "mrr@10": partial(reciprocal_rank_at_k, k=10),
}
SHOWN = ("ndcg@10", "precision@5", "recall@10", "recall@100", "mrr@10")
DEPTH = 100
# What every method is compared with, query by query.
BASELINES: tuple[Method, Method] = ("sparse", "dense")
COMPARED = "ndcg@10"
# A first document that answers the query exactly or mostly (grades 3 and 2 of 3); where no grade is above 1, that.
RIGHT = 2
LEVELS = ("high", "medium", "low")


@dataclass(frozen=True)
class Figure:
    """A mean over queries with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """The mean paired difference to another method, its 95 % interval, and p of the paired randomization test."""

    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Level:
    """How often the first document was right where the confidence was at this level; None where it never was."""

    queries: int
    right: float | None


@dataclass(frozen=True)
class MethodEvaluation:
    """Figures of one method: means by metric, values by query and metric, and comparisons by metric.

    `against_sparse` is empty for sparse search itself and where it was not evaluated, `against_dense` likewise.
    `confidence` says for each level how often it was right.
    """

    figures: dict[str, Figure]
    per_query: dict[str, dict[str, float]]
    against_sparse: dict[str, Comparison]
    against_dense: dict[str, Comparison]
    confidence: dict[str, Level]

    @property
    def comparisons(self) -> dict[Method, dict[str, Comparison]]:
        """By baseline, then by metric; without the baselines that the method was not compared with."""
        sparse, dense = BASELINES
        return {name: found for name, found in ((sparse, self.against_sparse), (dense, self.against_dense)) if found}


@dataclass(frozen=True)
class Refusals:
    """How often the search said that nothing answers: where nothing does, and, wrongly, where something does.

    `area` is the area under the ROC curve of `answerable` between the two; None where the search learned none.
    """

    unanswerable: int
    refused: float
    answerable: int
    wrongly_refused: float
    area: float | None


@dataclass(frozen=True)
class SplitEvaluation:
    """All methods on the same queries; `unscored` are the queries that no document is relevant to."""

    queries: int
    unscored: tuple[str, ...]
    methods: dict[str, MethodEvaluation]
    refusals: Refusals | None


@dataclass(frozen=True)
class RetrievalEvaluation:
    """Figures by split."""

    splits: dict[str, SplitEvaluation]

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)

    def metrics(self, served: str, fusion: str) -> dict[str, float]:
        """Every mean as `<split>_<method>_<metric>`, comparisons, and what gates ask of the method that is served.

        `<split>_<method>_gain_against_<baseline>` is the mean paired difference in NDCG@10 to sparse or to dense search
        (positive where the method is better), `<split>_<method>_p_against_<baseline>` its p, uncorrected.
        `reranker_loss` is the NDCG@10 on test queries that the served reranker loses to the fusion it reorders, 0 where
        none is served; `refused` and `wrongly_refused` are shares of the unanswerable and the other test queries.
        """
        figures = {
            f"{split}_{method}_{metric}": figure.mean
            for split, part in self.splits.items()
            for method, result in part.methods.items()
            for metric, figure in result.figures.items()
        }
        for split, part in self.splits.items():
            for method, result in part.methods.items():
                for baseline, by_metric in result.comparisons.items():
                    figures[f"{split}_{method}_gain_against_{baseline}"] = by_metric[COMPARED].difference
                    figures[f"{split}_{method}_p_against_{baseline}"] = by_metric[COMPARED].p_value
        if (test := self.splits.get("test")) is None:
            return figures
        figures["test_served_ndcg@10"] = self.mean("test", served, "ndcg@10")
        fused = self.mean("test", fusion, "ndcg@10")
        figures["reranker_loss"] = fused - figures["test_served_ndcg@10"] if served == "reranked" else 0.0
        if test.refusals is not None:
            figures |= {"refused": test.refusals.refused, "wrongly_refused": test.refusals.wrongly_refused}
        return figures

    def rows(self, split: str) -> list[dict[str, str]]:
        """One row a method of a split: means with their intervals."""
        return [
            {"method": method}
            | {name: f"{f.mean:.3f} ({f.low:.3f}–{f.high:.3f})" for name, f in result.figures.items() if name in SHOWN}
            for method, result in self.splits[split].methods.items()
        ]

    def comparison_rows(self, split: str) -> list[dict[str, str]]:
        """One row a method of a split: what it gains in NDCG@10 over sparse and over dense search, with interval and p.

        A dash stands where a method is not compared, as with itself.
        """
        rows = []
        for method, result in self.splits[split].methods.items():
            row = {"method": method}
            for baseline in BASELINES:
                c = result.comparisons.get(baseline, {}).get(COMPARED)
                row[f"gain over {baseline}"] = f"{c.difference:+.3f} ({c.low:+.3f} to {c.high:+.3f})" if c else "–"
                row[f"p against {baseline}"] = f"{c.p_value:.4f}" if c else "–"
            rows.append(row)
        return rows

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
    total, done = queries.height, 0
    splits: dict[str, SplitEvaluation] = {}
    for (split,), part in sorted(queries.group_by("split", maintain_order=True), key=lambda group: str(group[0][0])):
        texts, unscored = scored_queries(part, judged)
        note = f"queries of {split} searched by every method"
        # The unscored ones count as done with the first.
        further = partial(_further, progress, done + len(unscored), total, note)
        found = searcher.search_each(list(texts.values()), chosen, DEPTH, progress=further)
        searched = {method: _scored(texts, results, judged) for method, results in found.items()}
        done += part.height
        evaluated: dict[str, MethodEvaluation] = {method: _summary(method, searched, seed) for method in searched}
        without = {query: text for query, text in part.select("id", "query").iter_rows() if query in unscored}
        refusals = _refusals(searcher, texts, without) if without else None
        splits[str(split)] = SplitEvaluation(len(texts), unscored, evaluated, refusals)
    return RetrievalEvaluation(splits)


def _further(progress: Progress, before: int, total: int, note: str, done: int, _: int, __: str = "") -> None:
    """Progress of a part as that of the whole."""
    progress(before + done, total, note)


def _refusals(searcher: Searcher, with_answer: Mapping[str, str], without: Mapping[str, str]) -> Refusals:
    """Of the method that is served."""
    good = searcher.search_all(list(with_answer.values()), None, 2)
    none = searcher.search_all(list(without.values()), None, 2)
    pairs = [
        (right.answerable > wrong.answerable) + (right.answerable == wrong.answerable) / 2
        for right in good
        for wrong in none
        if right.answerable is not None and wrong.answerable is not None
    ]
    return Refusals(
        unanswerable=len(none),
        refused=fmean(not found.answered for found in none),
        answerable=len(good),
        wrongly_refused=fmean(not found.answered for found in good),
        area=fmean(pairs) if pairs else None,
    )


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


@dataclass(frozen=True)
class Searched:
    """What one method gave: every metric of every query, and its confidence level with whether it was right."""

    values: dict[str, dict[str, float]]
    levels: Mapping[str, tuple[str, bool]]


def score_queries(
    searcher: Searcher,
    texts: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
    method: Method,
    progress: Progress = silent,
) -> Searched:
    """Every metric of every query, by query id, over the first 100 documents that `method` finds."""
    return _scored(texts, searcher.search_all(list(texts.values()), method, DEPTH, progress=progress), judged)


def _scored(
    texts: Mapping[str, str], found: Sequence[SearchResult], judged: Mapping[str, Mapping[str, int]]
) -> Searched:
    values, levels = {}, {}
    for query, result in zip(texts, found, strict=True):
        ranking, grades = [entry.document_id for entry in result.results], judged[query]
        values[query] = {name: metric(ranking, grades) for name, metric in METRICS.items()}
        right = bool(ranking) and grades.get(ranking[0], 0) >= min(RIGHT, max(grades.values()))
        levels[query] = (result.confidence.level, right)
    return Searched(values, levels)


def _summary(method: Method, searched: Mapping[Method, Searched], seed: int) -> MethodEvaluation:
    found = searched[method]
    columns = {name: [query[name] for query in found.values.values()] for name in METRICS}
    figures = {name: Figure(fmean(column), *bootstrap_interval(column, seed=seed)) for name, column in columns.items()}
    sparse, dense = (
        _against(columns, found, searched[baseline], seed) if baseline in searched and baseline != method else {}
        for baseline in BASELINES
    )
    confidence = {}
    for level in LEVELS:
        rights = [right for reached, right in found.levels.values() if reached == level]
        confidence[level] = Level(len(rights), fmean(rights) if rights else None)
    return MethodEvaluation(figures, found.values, sparse, dense, confidence)


def _against(
    columns: Mapping[str, Sequence[float]], found: Searched, baseline: Searched, seed: int
) -> dict[str, Comparison]:
    return {
        name: compare(ours, [baseline.values[query][name] for query in found.values], seed)
        for name, ours in columns.items()
    }


def compare(ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> Comparison:
    """Two methods on the same queries: mean paired difference, its 95 % interval, and p of the randomization test."""
    difference = [one - other for one, other in zip(ours, theirs, strict=True)]
    low, high = bootstrap_interval(difference, seed=seed)
    return Comparison(fmean(difference), low, high, randomization_p_value(ours, theirs, seed=seed))
