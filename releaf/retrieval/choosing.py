"""How the served way of searching is chosen: candidates compared on development queries, their figures kept (R3).

Nothing here sees a test query. What a choice is stands in `choice`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np

from releaf.metrics.ranking import ndcg_at_k
from releaf.progress import Progress, silent
from releaf.retrieval.choice import Answerability, Method, SearchChoice
from releaf.retrieval.evaluation import Comparison, compare
from releaf.retrieval.search import Searcher

WEIGHTS = tuple(round(0.1 * step, 1) for step in range(2, 9))
FLOORS = (0.0, 0.1, 0.15, 0.2, 0.25)
RERANK_WEIGHTS = tuple(round(0.1 * step, 1) for step in range(1, 11))
# A reranker is served only where chance alone would hardly make it look so good.
SIGNIFICANT = 0.05
# Of the questions that something answers, so many may at most be told that nothing does: it is said beside the
# documents, not instead of them.
WRONGLY_REFUSED = 0.1
_FOLDS = 2


@dataclass(frozen=True)
class Candidate:
    """A way of searching and its mean NDCG@10 on the development queries."""

    method: Method
    choice: SearchChoice
    ndcg: float


@dataclass(frozen=True)
class Chosen:
    """The choice and what it rests on.

    `reranking` compares the reranker with the chosen fusion, query by query, its weight always chosen on the other half
    of the queries; None where there is no reranker, or no query that it has not seen.
    """

    choice: SearchChoice
    candidates: tuple[Candidate, ...]
    reranking: Comparison | None
    queries: int

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


def choose(
    searcher: Searcher,
    texts: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
    unanswerable: Sequence[str] = (),
    *,
    reranker_has_seen: Collection[str] = (),
    progress: Progress = silent,
) -> Chosen:
    """Choose fusion, weight, floor and expansion by mean NDCG@10 over the queries, then whether to serve the reranker.

    `texts` maps query ids to queries that some document is relevant to (see `scored_queries`), `judged` to grades by
    document. The reranker, where the searcher has one, is served only if it is better by a paired randomization test
    at 0.05 on the queries that it has not seen, with its weight chosen by cross-fitting. With `unanswerable` queries
    the refusal is learned as well.

    Plain reciprocal rank fusion stays, with the best floor, unless the best of all candidates is better by the same
    test: with a hundred queries and eighty candidates the best one is mostly luck. Of equals the earlier one is taken.
    """
    grid = _grid()
    per_query = _ndcg(searcher, texts, judged, grid)
    progress(1, 3, f"{len(grid)} fusions compared")
    candidates = [
        Candidate(method, choice, fmean(values)) for (method, choice), values in zip(grid, per_query, strict=True)
    ]
    best = _best(candidates, per_query)
    choice, reranking = candidates[best].choice, None
    fresh = {name: text for name, text in texts.items() if name not in reranker_has_seen}
    if fresh and "reranked" in searcher.methods:
        fused = [value for name, value in zip(texts, per_query[best], strict=True) if name in fresh]
        choice, reranking, tried = _reranking(searcher, fresh, judged, choice, fused)
        candidates += tried
    progress(2, 3, "reranking compared")
    if unanswerable:
        evidence = [searcher.evidence_of(list(queries)) for queries in (texts.values(), unanswerable)]
        choice = replace(choice, answerability=fit_answerability(*evidence))
    progress(3, 3, "search chosen")
    return Chosen(choice, tuple(candidates), reranking, len(texts))


def _best(candidates: Sequence[Candidate], per_query: Sequence[Sequence[float]]) -> int:
    """The place of the candidate that is taken."""
    places = range(len(candidates))
    best = max(places, key=lambda place: (candidates[place].ndcg, -place))
    plain = max(
        (place for place in places if candidates[place].method == "rrf"),
        key=lambda place: (candidates[place].ndcg, -place),
    )
    return best if compare(per_query[best], per_query[plain]).p_value < SIGNIFICANT else plain


def _grid() -> list[tuple[Method, SearchChoice]]:
    fusions = [SearchChoice(floor=floor) for floor in FLOORS]
    fusions += [SearchChoice("weighted", weight, floor=floor) for floor in FLOORS for weight in WEIGHTS]
    plain: list[tuple[Method, SearchChoice]] = [(choice.fusion, choice) for choice in fusions]
    return plain + [("expanded", replace(choice, expand=True)) for choice in fusions]


def _ndcg(
    searcher: Searcher,
    texts: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
    grid: Sequence[tuple[Method, SearchChoice]],
) -> list[list[float]]:
    """NDCG@10 by candidate and query."""
    rankings = searcher.rankings(list(texts.values()), grid)
    return [
        [ndcg_at_k(ranking, judged[query], k=10) for query, ranking in zip(texts, of_candidate, strict=True)]
        for of_candidate in rankings
    ]


def _reranking(
    searcher: Searcher,
    texts: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
    choice: SearchChoice,
    fused: Sequence[float],
) -> tuple[SearchChoice, Comparison, list[Candidate]]:
    grid: list[tuple[Method, SearchChoice]] = [
        ("reranked", replace(choice, rerank=True, rerank_weight=weight)) for weight in RERANK_WEIGHTS
    ]
    values = np.asarray(_ndcg(searcher, texts, judged, grid))  # (weights, queries)
    fold = np.arange(values.shape[1]) % _FOLDS
    fitted = np.zeros(values.shape[1])
    for part in range(_FOLDS):
        others = values[:, fold != part]
        best = int(others.mean(axis=1).argmax()) if others.size else 0
        fitted[fold == part] = values[best, fold == part]
    comparison = compare(fitted.tolist(), list(fused))
    wins = comparison.difference > 0 and comparison.p_value < SIGNIFICANT
    means = values.mean(axis=1)
    candidates = [Candidate(method, tried, float(mean)) for (method, tried), mean in zip(grid, means, strict=True)]
    weight = RERANK_WEIGHTS[int(means.argmax())]
    return replace(choice, rerank=wins, rerank_weight=weight), comparison, candidates


def fit_answerability(
    answerable: Sequence[tuple[float, float]], unanswerable: Sequence[tuple[float, float]]
) -> Answerability:
    """Logistic regression on (best cosine, covered share), classes weighted alike, a light L2 penalty on the slopes.

    The threshold refuses as many unanswerable queries as it can while at most a tenth of the others is refused.
    """
    from scipy.optimize import minimize

    features = np.asarray([*answerable, *unanswerable], dtype=float)  # (n, 2)
    labels = np.asarray([1.0] * len(answerable) + [0.0] * len(unanswerable))
    share = np.where(labels == 1, 0.5 / len(answerable), 0.5 / len(unanswerable))

    def loss(parameters: Any) -> float:
        logits = parameters[0] + features @ parameters[1:]
        losses = np.logaddexp(0, np.where(labels == 1, -logits, logits))
        return float((share * losses).sum() + 1e-3 * (parameters[1:] ** 2).sum())

    bias, cosine, coverage = (float(value) for value in minimize(loss, np.zeros(3), method="L-BFGS-B").x)
    fitted = Answerability(bias, cosine, coverage, threshold=0.0)
    probabilities = sorted(fitted.probability(*entry) for entry in answerable)
    threshold = probabilities[int(WRONGLY_REFUSED * len(probabilities))]
    return replace(fitted, threshold=threshold)
