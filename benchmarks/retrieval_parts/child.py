"""What `scale` does in processes of their own, so that each has its own peak of memory. Prints one JSON object.

python -m retrieval_parts.child STEP FOLDER
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from retrieval_parts.made import REVISION, chunk_id, query_texts, query_vectors, read_chunks
from retrieval_parts.measure import exact_nearest, milliseconds_each, peak_bytes, recall, seconds

QUERIES = 500
WARM_UP = 20
VECTORS, CHUNKS, DENSE, SPARSE = "vectors.npy", "chunks", "dense", "sparse"
_BLOCK = 1000


def build_dense(folder: Path) -> dict[str, float]:
    """Build the dense index of `vectors.npy`, which stays on disk; what is timed is what the pipeline does."""
    from releaf.retrieval.dense import Block, build_index, golden_queries
    from releaf.retrieval.passages import Payload
    from releaf.retrieval.vectors import Vectors

    matrix = np.load(folder / VECTORS, mmap_mode="r")
    ids = tuple(chunk_id(row) for row in range(len(matrix)))
    payload = Payload("recycling")
    started, start_bytes = time.perf_counter(), peak_bytes()

    def blocks() -> Iterator[Block]:
        for start in range(0, len(ids), _BLOCK):
            names = ids[start : start + _BLOCK]
            yield Block(names, np.asarray(matrix[start : start + _BLOCK]), [payload] * len(names))

    golden = golden_queries(Vectors(ids, ids, matrix, REVISION))
    directory = folder / DENSE
    directory.mkdir()
    hnsw = build_index(blocks(), directory, golden, revision=REVISION).hnsw
    return {"build_s": time.perf_counter() - started, "hnsw": hnsw, "start_bytes": start_bytes}


def build_sparse(folder: Path) -> dict[str, float]:
    """Build the sparse index of the chunks, which are read into a table first."""
    from releaf.retrieval import sparse

    table = read_chunks(folder / CHUNKS)
    directory = folder / SPARSE
    directory.mkdir()
    start_bytes = peak_bytes()
    return {"build_s": seconds(lambda: sparse.build(table, directory)), "start_bytes": start_bytes}


def ask_dense(folder: Path) -> dict[str, float]:
    """Open the dense index and ask it, one query at a time; then compare with every vector."""
    from releaf.retrieval.dense import open_index

    opened = [seconds(lambda: open_index(folder / DENSE).close()) for _ in range(3)]
    queries = query_vectors(QUERIES + WARM_UP)
    with open_index(folder / DENSE) as index:
        for query in queries[QUERIES:]:
            index.search(query, 10)
        spent = milliseconds_each(lambda query: index.search(query, 10), list(queries[:QUERIES]))
        matrix = np.load(folder / VECTORS, mmap_mode="r")
        rows = {name: row for row, name in enumerate(index.ids)}
        found = [[rows[name] for name, _ in index.search(query, 10)] for query in queries[:QUERIES]]
    share = recall(found, exact_nearest(queries[:QUERIES], matrix, 10))
    return {"open_s": statistics.median(opened), "recall": share, **_percentiles(spent)}


def ask_sparse(folder: Path) -> dict[str, float]:
    """Open the sparse index and ask it, one query at a time."""
    from releaf.retrieval.sparse import SparseIndex

    opened = [seconds(lambda: SparseIndex.open(folder / SPARSE, backend="numba")) for _ in range(3)]
    index = SparseIndex.open(folder / SPARSE, backend="numba")
    queries = query_texts(QUERIES + WARM_UP)
    for query in queries[QUERIES:]:
        index.search(query, 10)
    spent = milliseconds_each(lambda query: index.search(query, 10), queries[:QUERIES])
    return {"open_s": statistics.median(opened), **_percentiles(spent)}


def _percentiles(spent: np.ndarray) -> dict[str, float]:
    return {f"p{share}_ms": float(np.percentile(spent, share)) for share in (50, 95, 99)}


STEPS: dict[str, Callable[[Path], dict[str, float]]] = {
    step.__name__: step for step in (build_dense, build_sparse, ask_dense, ask_sparse)
}


if __name__ == "__main__":
    given = STEPS[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps(given | {"peak_bytes": peak_bytes()}))
