"""Non-edges that are hard to tell from a held-out edge: those that untrained signals take for edges.

For an end u of a held-out edge (u, v) the pool holds the nodes of v's kind that make no edge with u in any part of the
split: the 25 with most paths of three message edges from u, and the 25 of likest text, each once. Both signals are
baselines too: a pool picked by them is harder for them than for a scorer of another mind, and figures on it compare
scorers less fairly than figures against random non-edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from releaf.errors import DataError
from releaf.graph.baselines import Scorer, feature_cosine, three_paths
from releaf.graph.build import GraphArrays
from releaf.graph.splits import EdgeSplit, IntArray

EACH = 25


@dataclass(frozen=True, eq=False)
class HardNegatives:
    """For each held-out edge (P) a non-edge (2, P), and for each end the nodes that may take the other end's place.

    `pools[0][k]` may stand in the second place of edge k, `pools[1][k]` in the first.
    """

    negatives: IntArray
    pools: tuple[list[IntArray], list[IntArray]]


def hard_negatives(graph: GraphArrays, split: EdgeSplit, text: npt.ArrayLike, *, seed: int) -> HardNegatives:
    """The hard non-edges of the test edges of a split; deterministic in `seed`, which draws one of each edge's pool.

    Signals see message edges alone. No drawn pair is an edge of any part, and none is drawn twice while an edge's pool
    has another. Raises `DataError` for an edge both of whose ends are joined to all nodes of the other's kind.
    """
    signals = three_paths(split.message, split.n_nodes), feature_cosine(np.asarray(text, dtype=np.float64))
    neighbours = neighbour_lists(split)
    of_kind = [np.flatnonzero(graph.kinds == kind) for kind in range(len(graph.kind_names))]
    there, back = (
        [_nearest(signals, int(u), np.setdiff1d(of_kind[graph.kinds[v]], neighbours[u])) for u, v in ends.T]
        for ends in (split.test, split.test[::-1])
    )
    rng = np.random.default_rng(seed)
    taken: set[tuple[int, int]] = set()
    drawn = [_draw(split.test[:, k], (there[k], back[k]), taken, rng) for k in range(split.test.shape[1])]
    return HardNegatives(np.array(drawn, dtype=np.int64).T, (there, back))


def _nearest(signals: tuple[Scorer, ...], end: int, candidates: IntArray) -> IntArray:
    """The `EACH` candidates that each signal scores highest with `end`, in the order of nodes."""
    pairs = np.stack([np.full(len(candidates), end), candidates])
    best = [candidates[np.argsort(-signal(pairs), kind="stable")[:EACH]] for signal in signals]
    return np.unique(np.concatenate(best))


def _draw(
    edge: IntArray, pools: tuple[IntArray, IntArray], taken: set[tuple[int, int]], rng: np.random.Generator
) -> tuple[int, int]:
    """A pair that keeps one end of an edge: the second end is replaced if its pool holds anything, else the first."""
    kept, pool = (int(edge[0]), pools[0]) if pools[0].size else (int(edge[1]), pools[1])
    pairs = [(min(kept, int(other)), max(kept, int(other))) for other in rng.permutation(pool)]
    if not pairs:
        raise DataError(f"edge ({edge[0]}, {edge[1]}) has no hard non-edge: its ends are joined to everything")
    chosen = next((pair for pair in pairs if pair not in taken), pairs[0])
    taken.add(chosen)
    return chosen


def neighbour_lists(split: EdgeSplit) -> list[IntArray]:
    """Each node with all its neighbours in any part of the split, itself included."""
    both = np.concatenate([split.positives, split.positives[::-1]], axis=1)
    order = np.argsort(both[0], kind="stable")
    pieces = np.split(both[1][order], np.cumsum(np.bincount(both[0], minlength=split.n_nodes))[:-1])
    return [np.append(piece, node) for node, piece in enumerate(pieces)]
