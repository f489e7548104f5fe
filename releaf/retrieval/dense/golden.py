"""The check before an index is published: it must find what comparing with every vector finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from releaf.errors import DataError
from releaf.retrieval.dense.interface import DenseIndex
from releaf.retrieval.encode import Matrix, unit_rows
from releaf.retrieval.vectors import Vectors

# Least share of the exact ten nearest that an index must find.
RECALL_FLOOR = 0.95
# How far a query lies from the stored vector it was made of, on the unit sphere.
_PERTURBATION = 0.1
# Cosines closer than this are not told apart in single precision: either neighbour is right.
_TIE = 1e-5
_BLOCK = 8192


@dataclass(frozen=True, eq=False)
class Golden:
    """Queries with known answers: `queries` is float32 (n, D); `neighbours[i]` are the chunks nearest to query i.

    A set holds the `k` nearest and whatever ties with the last of them. `count` is the number of vectors they were
    looked for among.
    """

    queries: Matrix
    neighbours: tuple[frozenset[str], ...]
    k: int
    count: int


def golden_queries(vectors: Vectors, n: int = 64, seed: int = 0, k: int = 10) -> Golden:
    """`n` stored vectors, drawn and slightly perturbed by `seed`, with their exact `k` nearest by cosine.

    The matrix may be memory-mapped; it is read in blocks, once. Raises `DataError` when there are no vectors.
    """
    count = len(vectors.ids)
    if count == 0:
        raise DataError("cannot build a dense index: there are no vectors")
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.choice(count, size=min(n, count), replace=False))
    noise = unit_rows(generator.normal(size=(len(rows), vectors.matrix.shape[1])).astype(np.float32))
    queries = unit_rows(unit_rows(np.asarray(vectors.matrix[rows])) + np.float32(_PERTURBATION) * noise)
    nearest = _nearest(queries, vectors.matrix, min(k, count))
    return Golden(queries, tuple(frozenset(vectors.ids[row] for row in found) for found in nearest), k, count)


def golden_recall(index: DenseIndex, golden: Golden) -> float:
    """Mean share of the exact `k` nearest that the index finds, in [0, 1]."""
    found = index.search_many(golden.queries, golden.k)
    hits = [len({name for name, _ in ours} & exact) for ours, exact in zip(found, golden.neighbours, strict=True)]
    return float(np.mean(hits)) / min(golden.k, golden.count)


def refuse_low_recall(index: DenseIndex, golden: Golden) -> float:
    """The index's recall of its golden queries. Raises `DataError` for one below the floor."""
    recall = golden_recall(index, golden)
    if recall < RECALL_FLOOR:
        raise DataError(
            f"the dense index finds {recall:.3f} of the exact {golden.k} nearest, less than {RECALL_FLOOR}; it is not "
            "published. Vectors without structure are hard for a graph: raise hnsw_from above "
            f"{golden.count} to compare with every vector"
        )
    return recall


def _nearest(queries: Matrix, matrix: Matrix, k: int) -> list[NDArray[np.intp]]:
    """The rows of the k best of every query, and those that tie with the k-th."""
    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    rows = [np.zeros(0, dtype=np.intp) for _ in queries]
    scores = [np.zeros(0, dtype=np.float32) for _ in queries]
    for start in range(0, len(matrix), _BLOCK):
        block = queries @ unit_rows(np.asarray(matrix[start : start + _BLOCK])).T
        best = np.partition(np.concatenate([best, block], axis=1), -k, axis=1)[:, -k:]
        floors = best.min(axis=1) - _TIE
        for query, floor in enumerate(floors):
            kept = scores[query] >= floor
            new = np.flatnonzero(block[query] >= floor)
            rows[query] = np.concatenate([rows[query][kept], new + start])
            scores[query] = np.concatenate([scores[query][kept], block[query][new]])
    return rows
