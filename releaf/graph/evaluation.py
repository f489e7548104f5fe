"""How good a link predictor is on held-out edges, overall and by kind of edge, and whether it beats the baselines.

Training is elsewhere: this takes embeddings that were computed under message edges alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from releaf.errors import DataError
from releaf.graph.baselines import Scorer, baseline_scorers, dot_product
from releaf.graph.build import GraphArrays, relation_between
from releaf.graph.hard_negatives import HardNegatives, hard_negatives, neighbour_lists
from releaf.graph.splits import EdgeSplit, IntArray, check_no_leak
from releaf.metrics.links import (
    Difference,
    Groups,
    Scores,
    auc_difference,
    auc_within,
    average_precision,
    hits_at_k,
    mean_reciprocal_rank,
    rank_among,
    roc_auc,
)

FloatArray = npt.NDArray[np.float64]
MODEL = "model"
_QUERIES_AT_ONCE = 64


@dataclass(frozen=True)
class LinkFigures:
    """Figures of one scorer on some held-out edges, all in 0–1 but `edges`, their number.

    AUC and average precision are against as many non-edges between the same kinds of node, all kinds of edge pooled;
    `auc_within` holds each edge against non-edges of its own kind only and averages over edges. Ranks, behind Hits@k
    and MRR, are taken twice an edge: each end among all nodes of its kind that make no edge with the other end.
    """

    edges: int
    auc: float
    auc_within: float
    average_precision: float
    hits_at_1: float
    hits_at_3: float
    hits_at_10: float
    mrr: float


@dataclass(frozen=True)
class Comparison:
    """The model against one baseline: difference of `auc_within` with its 95 % interval, and what it says in words.

    Within kinds, because baselines count on another scale for each kind of edge, and pooling would hold that against
    them.
    """

    difference: Difference
    verdict: str
    statement: str


@dataclass(frozen=True)
class LinkEvaluation:
    """Figures by scorer (`model` and each baseline), figures by relation and scorer, and comparisons by baseline."""

    overall: dict[str, LinkFigures]
    per_relation: dict[str, dict[str, LinkFigures]]
    comparisons: dict[str, Comparison]

    @property
    def model(self) -> LinkFigures:
        """The model's figures on all held-out edges."""
        return self.overall[MODEL]

    @property
    def beats_all(self) -> bool:
        """Whether the model's AUC within kinds is better than that of every baseline beyond chance."""
        return all(comparison.verdict == "better" for comparison in self.comparisons.values())

    @property
    def statements(self) -> list[str]:
        """What the comparison with each baseline says, a sentence each."""
        return [comparison.statement for comparison in self.comparisons.values()]

    def as_json(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {**asdict(self), "beats_all": self.beats_all}


def evaluate_links(graph: GraphArrays, split: EdgeSplit, z: npt.ArrayLike, text: npt.ArrayLike) -> LinkEvaluation:
    """Measure embeddings `z` (N, output) and every baseline on the test edges of a split.

    `z` must come from the message edges of `split`, and so do the baselines' neighbourhoods; `text` (N, D) are text
    embeddings, for the baselines of similarity. Raises `DataError` for a leaking split or another number of nodes.
    """
    check_no_leak(split)
    embeddings = np.asarray(z, dtype=np.float64)
    for name, rows in (("graph", graph.n_nodes), ("z", len(embeddings)), ("text", len(np.asarray(text)))):
        if rows != split.n_nodes:
            raise DataError(f"the split has {split.n_nodes} nodes and the {name} has {rows}")
    scorers = {MODEL: dot_product(embeddings), **baseline_scorers(split.message, text)}
    relation = _relations(graph, split.test)
    measured = {name: _Measured.of(scorer, graph, split) for name, scorer in scorers.items()}
    everything = np.ones(len(relation), dtype=bool)
    return LinkEvaluation(
        overall={name: one.figures(everything) for name, one in measured.items()},
        per_relation={
            str(kind): {name: one.figures(relation == kind) for name, one in measured.items()}
            for kind in sorted(set(relation))
        },
        comparisons={name: _compare(measured[MODEL], measured[name], name) for name in measured if name != MODEL},
    )


def evaluate_hard(
    graph: GraphArrays, split: EdgeSplit, z: npt.ArrayLike, text: npt.ArrayLike, *, seed: int
) -> dict[str, LinkFigures]:
    """Figures by scorer on the test edges against hard non-edges instead of random ones, see `hard_negatives`.

    `auc_within` and the ranks are as in `LinkFigures`, with each end's pool of hard candidates.
    """
    check_no_leak(split)
    others = hard_negatives(graph, split, text, seed=seed)
    scorers = {MODEL: dot_product(z), **baseline_scorers(split.message, text)}
    everything = np.ones(split.test.shape[1], dtype=bool)
    measured = {name: _Measured.against(scorer, split, others) for name, scorer in scorers.items()}
    return {name: one.figures(everything) for name, one in measured.items()}


@dataclass(frozen=True, eq=False)
class _Measured:
    """Scores of one scorer on the test edges and negatives (P each), and both ranks of each test edge (P, 2).

    `groups` number the kind of edge of each positive and each negative.
    """

    positive: FloatArray
    negative: FloatArray
    groups: Groups
    ranks: FloatArray

    @classmethod
    def of(cls, scorer: Scorer, graph: GraphArrays, split: EdgeSplit) -> _Measured:
        neighbours = neighbour_lists(split)
        of_kind = [np.flatnonzero(graph.kinds == kind) for kind in range(len(graph.kind_names))]
        there, back = (
            [np.setdiff1d(of_kind[graph.kinds[true]], neighbours[fixed]) for fixed, true in ends.T]
            for ends in (split.test, split.test[::-1])
        )
        return cls.against(scorer, split, HardNegatives(split.test_negatives, (there, back)))

    @classmethod
    def against(cls, scorer: Scorer, split: EdgeSplit, others: HardNegatives) -> _Measured:
        edges = split.test
        positive = scorer(edges)
        ranks = [
            _ranks(scorer, positive, ends[0], pool)
            for ends, pool in zip((edges, edges[::-1]), others.pools, strict=True)
        ]
        groups = _group(split, edges), _group(split, others.negatives)
        return cls(positive, scorer(others.negatives), groups, np.stack(ranks, axis=1))

    @property
    def scores(self) -> Scores:
        return self.positive, self.negative

    def figures(self, chosen: npt.NDArray[np.bool_]) -> LinkFigures:
        positive, negative, ranks = self.positive[chosen], self.negative[chosen], self.ranks[chosen]
        groups = self.groups[0][chosen], self.groups[1][chosen]
        return LinkFigures(
            edges=int(chosen.sum()),
            auc=roc_auc(positive, negative),
            auc_within=auc_within((positive, negative), groups),
            average_precision=average_precision(positive, negative),
            hits_at_1=hits_at_k(ranks, 1),
            hits_at_3=hits_at_k(ranks, 3),
            hits_at_10=hits_at_k(ranks, 10),
            mrr=mean_reciprocal_rank(ranks),
        )


def _ranks(scorer: Scorer, scores: FloatArray, fixed: IntArray, pools: list[IntArray]) -> FloatArray:
    """Rank of each edge (P) among the pairs of its fixed end (P) with the nodes of its pool, 1 in an empty pool."""
    ranks: list[float] = []
    for start in range(0, len(fixed), _QUERIES_AT_ONCE):
        others = pools[start : start + _QUERIES_AT_ONCE]
        sizes = [len(one) for one in others]
        found = scorer(np.stack([np.repeat(fixed[start : start + len(others)], sizes), np.concatenate(others)]))
        pieces = np.split(found, np.cumsum(sizes)[:-1])
        ranks += [rank_among(score, piece) for score, piece in zip(scores[start:], pieces, strict=False)]
    return np.array(ranks)


def _group(split: EdgeSplit, pairs: IntArray) -> IntArray:
    """One number per pair of strata, in either direction: kinds of edge, or 0 where the split knew of no kinds."""
    one, other = split.strata[pairs]
    width = int(split.strata.max()) + 1
    return np.asarray(np.minimum(one, other) * width + np.maximum(one, other), dtype=np.int64)


def _relations(graph: GraphArrays, pairs: IntArray) -> npt.NDArray[np.str_]:
    kinds = [(graph.kind_names[one], graph.kind_names[other]) for one, other in graph.kinds[pairs].T]
    return np.array([relation_between(one, other) for one, other in kinds])


def _compare(ours: _Measured, theirs: _Measured, name: str) -> Comparison:
    difference = auc_difference(ours.scores, theirs.scores, ours.groups)
    words = {"better": "beats", "worse": "is worse than", "no clear difference": "does not clearly differ from"}
    statement = (
        f"the model {words[difference.verdict]} {name.replace('_', ' ')}: AUC within kinds "
        f"{auc_within(ours.scores, ours.groups):.3f} against {auc_within(theirs.scores, theirs.groups):.3f} "
        f"(95 % interval of the difference {difference.low:+.3f} to {difference.high:+.3f})"
    )
    return Comparison(difference, difference.verdict, statement)
