"""Drawing from a graph that is too large to pass messages on at once: neighbourhoods, training pairs, non-edges.

Everything here works on compressed sparse rows that may be mapped from a file, takes memory in the size of the batch
alone, and depends on its key alone: not on threads, nor on what was drawn before. Compiled by numba on first use.
No model is here; tensors are in `blocks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from releaf.errors import DataError
from releaf.graph import sampler_kernels as kernels
from releaf.graph.splits import IntArray, both_directions, unique_pairs

ALL = np.iinfo(np.int64).max
"""A fanout that takes every neighbour."""
_ATTEMPTS = 64


@dataclass(frozen=True, eq=False)
class Neighbours:
    """A graph as compressed sparse rows, without doubles or self-loops; pairs are drawn from undirected ones only.

    Neighbours of node v are `indices[indptr[v] : indptr[v + 1]]`, rising. `indptr` (N + 1) and `indices` (2·E) may be
    memory-mapped.
    """

    indptr: npt.NDArray[Any]
    indices: npt.NDArray[Any]

    @classmethod
    def of(cls, pairs: IntArray, n_nodes: int) -> Neighbours:
        """Rows of the pairs (2, E), in any direction, doubles and self-loops dropped."""
        return cls.of_messages(both_directions(unique_pairs(pairs, n_nodes)), n_nodes)

    @classmethod
    def of_messages(cls, messages: IntArray, n_nodes: int) -> Neighbours:
        """Rows of what each node `messages[1]` receives from `messages[0]` (2, M), each message once."""
        order = np.lexsort(messages)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(messages[1], minlength=n_nodes))])
        narrow = np.int32 if n_nodes <= np.iinfo(np.int32).max else np.int64
        return cls(indptr.astype(np.int64), messages[0][order].astype(narrow))

    def __post_init__(self) -> None:
        if len(self.indptr) < 1 or self.indptr[-1] != len(self.indices):
            raise DataError(f"row pointers end at {self.indptr[-1:]}, and there are {len(self.indices)} neighbours")

    @property
    def n_nodes(self) -> int:
        """Number of nodes, N."""
        return len(self.indptr) - 1

    @property
    def n_pairs(self) -> int:
        """Number of pairs, E, each counted once."""
        return len(self.indices) // 2


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """What was drawn around some seeds: K hops of messages, numbered anew.

    nodes (n): numbers in the whole graph, the seeds first, then hop by hop. sizes (K + 1): how many nodes are within
    0, 1, … K hops. pointers (sizes[K − 1] + 1) and sources (M): messages to node t, of the new numbers, come from
    `sources[pointers[t] : pointers[t + 1]]`, in the order of their numbers in the whole graph. degree (n): neighbours
    of each node in the whole graph but for hidden pairs; where more than were drawn, a sum has to be scaled up.
    places: new number of each seed that was given.
    """

    nodes: IntArray
    sizes: IntArray
    pointers: IntArray
    sources: IntArray
    degree: IntArray
    places: IntArray


def sample_neighbourhood(
    graph: Neighbours, seeds: IntArray, fanouts: Sequence[int], *, hidden: IntArray | None = None, key: int = 0
) -> Neighbourhood:
    """Draw up to `fanouts[k]` neighbours, uniformly without replacement, of each node first met in hop k.

    Each node is drawn for once, and what was drawn serves all layers. No message runs along the pairs `hidden` (2, P),
    in either direction; all their ends must be among the seeds. Hamilton et al. 2017, algorithm 2, with Floyd's
    algorithm for the subset (Bentley & Floyd 1987).
    """
    ends = np.empty((2, 0), dtype=np.int64) if hidden is None else hidden
    both = both_directions(ends)
    keys = np.unique(both[0].astype(np.int64) * graph.n_nodes + both[1])
    fans = np.asarray(fanouts, dtype=np.int64)
    if not fans.size or fans.min() < 1:
        raise DataError(f"fanouts {list(fanouts)} must be one whole number above 0 a hop")
    drawn = kernels.neighbourhood(
        graph.indptr, graph.indices, np.ascontiguousarray(seeds, dtype=np.int64), fans, keys, np.uint64(key % 2**64)
    )
    return Neighbourhood(*drawn)


def sample_pairs(graph: Neighbours, start: int, count: int, *, key: int) -> tuple[IntArray, int]:
    """The next `count` pairs (2, ≤ count) in an order that `key` shuffles, and where to go on; `start` is 0 at first.

    One pass from 0 gives each pair once. The order is a keyed permutation computed place by place (a Feistel network
    with cycle walking, Black & Rogaway 2002), because a shuffled list would take as much memory as the graph.
    """
    pairs, following = kernels.shuffled_pairs(graph.indptr, graph.indices, start, count, np.uint64(key % 2**64))
    return pairs, int(following)


@dataclass(frozen=True, eq=False)
class Strata:
    """Nodes by stratum: `nodes[indptr[s] : indptr[s + 1]]`; `of` (N) is the stratum of each node."""

    of: IntArray
    indptr: IntArray
    nodes: IntArray

    @classmethod
    def by(cls, strata: IntArray) -> Strata:
        """Group the nodes with strata (N), numbered from 0."""
        counts = np.bincount(strata, minlength=1)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(strata, indptr, np.argsort(strata, kind="stable"))

    @classmethod
    def one(cls, n_nodes: int) -> Strata:
        """All nodes alike, which takes no memory."""
        none = np.empty(0, dtype=np.int64)
        return cls(none, np.array([0, n_nodes]), none)


def sample_non_edges(graph: Neighbours, like: IntArray, strata: Strata, *, key: int) -> IntArray:
    """One pair that is no edge for each pair of `like` (2, P), between nodes of the same two strata: (2, ≤ P).

    Drawn uniformly and refused where it is an edge, which a search in the sorted neighbours tells. A pair for which
    64 draws were refused goes without: its two strata are joined nearly everywhere. Unlike `sample_negatives`, a batch
    may hold a pair twice.
    """
    return np.asarray(
        kernels.non_edges(
            graph.indptr,
            graph.indices,
            np.ascontiguousarray(like, dtype=np.int64),
            strata.of,
            strata.indptr,
            strata.nodes,
            _ATTEMPTS,
            np.uint64(key % 2**64),
        )
    )
