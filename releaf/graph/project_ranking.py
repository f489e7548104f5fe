"""How high held-out projects rank for their item: pools of candidates, figures, and comparisons with baselines.

Scores come in; who made them, and from which edges, is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from releaf.errors import DataError
from releaf.graph.project_view import ITEM, MATERIAL, ProjectView, coverage
from releaf.metrics.links import hits_at_k, mean_reciprocal_rank, rank_among
from releaf.metrics.ranking import bootstrap_interval, discounted_cumulative_gain, randomization_p_value

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ALL, PLAUSIBLE, MATCHED = "all", "plausible", "matched"
_K = 10


@dataclass(frozen=True)
class RankFigures:
    """Means over held-out pairs of item and project, in 0–1 but `pairs`, their number, and `candidates`, the mean pool.

    Each pair is ranked with the other true projects of its item left out; `ndcg_at_10` ranks all held-out projects of
    an item at once and averages over items. `auc` is the share of candidates that a true project outranks.
    """

    pairs: int
    candidates: float
    mrr: float
    hits_at_1: float
    hits_at_10: float
    ndcg_at_10: float
    auc: float


@dataclass(frozen=True)
class Gain:
    """Model less baseline on the same pairs: value, 95 % bootstrap interval, and p of the paired randomization test.

    `p_items` is that test over the items' means, which does not take projects of one item for independent.
    """

    value: float
    low: float
    high: float
    p: float
    p_items: float

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the interval leaves zero out, else `no clear difference`."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no clear difference"


@dataclass(frozen=True, eq=False)
class Ranking:
    """Ranks (R) of held-out pairs by one scorer in one pool, of which item each is, and the pool's size (R).

    `ndcg` has one value for each item that has held-out pairs, in the order of items.
    """

    items: IntArray
    ranks: FloatArray
    pool: FloatArray
    ndcg: FloatArray

    def figures(self) -> RankFigures:
        """Means over the pairs."""
        return RankFigures(
            pairs=len(self.ranks),
            candidates=float(self.pool.mean()),
            mrr=mean_reciprocal_rank(self.ranks),
            hits_at_1=hits_at_k(self.ranks, 1),
            hits_at_10=hits_at_k(self.ranks, _K),
            ndcg_at_10=float(self.ndcg.mean()),
            auc=float(np.mean(1 - (self.ranks - 1) / np.maximum(self.pool, 1))),
        )

    def values(self, metric: str) -> FloatArray:
        """The contribution of each pair to `mrr` or `hits_at_10`."""
        values = {"mrr": 1 / self.ranks, "hits_at_10": (self.ranks <= _K).astype(np.float64)}
        return np.asarray(values[metric])


Rankings = dict[str, dict[str, Ranking]]
"""By pool and scorer."""


def pools(view: ProjectView, held: BoolArray) -> dict[str, BoolArray]:
    """Which projects (I, P) a held-out pair is ranked among, by pool; `view` sees every fact, `held` (I, P) are hidden.

    `all`: every project that no fact joins with the item. `plausible`, the hard ones: of these, the projects of whose
    required properties one of the item's materials has all. `matched`: of these, the projects that another held-out
    fact is about, so that a project without its facts is not known by their absence.
    """
    free = ~view.stated
    made_of = view.block(ITEM, MATERIAL).toarray() > 0
    share = coverage(view)
    fit = np.stack([share[mine].max(axis=0, initial=0) >= 1 for mine in made_of])
    return {ALL: free, PLAUSIBLE: free & fit, MATCHED: free & held.any(axis=0)}


def rank_projects(scores: Mapping[str, FloatArray], held: BoolArray, candidates: Mapping[str, BoolArray]) -> Rankings:
    """Rank each held-out pair of `held` (I, P) among the candidates (I, P) of each pool, by each scorer's (I, P).

    A pool without any candidate for an item ranks its projects first. Raises `DataError` when nothing is held out.
    """
    if not held.any():
        raise DataError("no pair of item and project is held out; there is nothing to rank")
    return {
        pool: {name: _ranking(values, held, among) for name, values in scores.items()}
        for pool, among in candidates.items()
    }


def _ranking(scores: FloatArray, held: BoolArray, among: BoolArray) -> Ranking:
    items, ranks, pool, ndcg = [], [], [], []
    for item in np.flatnonzero(held.any(axis=1)):
        true, false = scores[item, held[item]], scores[item, among[item]]
        ranks += [rank_among(score, false) for score in true]
        items += [int(item)] * len(true)
        pool += [len(false)] * len(true)
        ndcg.append(_ndcg(true, false))
    return Ranking(np.array(items), np.array(ranks), np.array(pool, dtype=np.float64), np.array(ndcg))


def _ndcg(true: FloatArray, false: FloatArray) -> float:
    """NDCG@10 of one item's true projects among false ones, a tie counting against the true one."""
    order = np.argsort(-np.concatenate([false, true]), kind="stable")
    gains = (order[:_K] >= len(false)).astype(float).tolist()
    return discounted_cumulative_gain(gains) / discounted_cumulative_gain([1.0] * min(len(true), _K))


def joined(parts: Sequence[Rankings]) -> Rankings:
    """The rankings of several splits or items as one."""
    return {
        pool: {
            name: Ranking(*(np.concatenate([getattr(part[pool][name], field) for part in parts]) for field in _FIELDS))
            for name in parts[0][pool]
        }
        for pool in parts[0]
    }


_FIELDS = ("items", "ranks", "pool", "ndcg")


def gains(rankings: Mapping[str, Ranking], model: str, metric: str, *, seed: int = 0) -> dict[str, Gain]:
    """The gain of `model` over every other scorer of one pool in `mrr` or `hits_at_10`."""
    ours = rankings[model]
    found = {}
    for name, theirs in rankings.items():
        if name == model:
            continue
        mine, others = ours.values(metric), theirs.values(metric)
        difference = (mine - others).tolist()
        low, high = bootstrap_interval(difference, seed=seed)
        by_item = [np.array([v[ours.items == i].mean() for i in np.unique(ours.items)]) for v in (mine, others)]
        found[name] = Gain(
            value=float(np.mean(difference)),
            low=low,
            high=high,
            p=randomization_p_value(mine.tolist(), others.tolist(), resamples=2000, seed=seed),
            p_items=randomization_p_value(by_item[0].tolist(), by_item[1].tolist(), resamples=2000, seed=seed),
        )
    return found
