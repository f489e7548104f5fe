"""`dense` and `sparse`: both indexes beside the library that does the same in plain Python, on the same made data."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval_parts.made import DIMENSION, REVISION, chunk_id, chunks, query_texts, query_vectors, write_vectors
from retrieval_parts.measure import (
    BenchmarkError,
    Row,
    Table,
    exact_nearest,
    in_turns,
    median_ratio,
    milliseconds_each,
    recall,
    seconds,
)

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

K = 10
_NAME = "made"


def dense(folder: Path, *, count: int = 20_000, ours: int = 200, theirs: int = 20, rounds: int = 5) -> Table:
    """Our index against qdrant-client's local mode, in memory: `ours` and `theirs` are queries a round."""
    from releaf.retrieval.dense import build, open_index
    from releaf.retrieval.passages import Payload
    from releaf.retrieval.vectors import Vectors

    folder.mkdir(parents=True)
    write_vectors(folder / "vectors.npy", count)
    matrix = np.load(folder / "vectors.npy", mmap_mode="r")
    ids = tuple(chunk_id(row) for row in range(count))
    build(Vectors(ids, ids, matrix, REVISION), dict.fromkeys(ids, Payload("recycling")), folder / "index")
    client = _local_client(matrix)
    queries = query_vectors(ours)
    with open_index(folder / "index") as index:
        rows = {name: row for row, name in enumerate(index.ids)}

        def search(query: NDArray[np.float32]) -> list[int]:
            return [rows[name] for name, _ in index.search(query, K)]

        def peer(query: NDArray[np.float32]) -> list[int]:
            points = client.query_points(_NAME, query, limit=K, with_payload=False).points
            return [int(point.id) for point in points]

        spent = in_turns(
            {
                "ours": lambda: float(np.median(milliseconds_each(search, list(queries)))),
                "theirs": lambda: float(np.median(milliseconds_each(peer, list(queries[:theirs])))),
            },
            rounds,
        )
        exact = exact_nearest(queries, matrix, K)
        found = recall([search(query) for query in queries], exact)
        peer_found = recall([peer(query) for query in queries[:theirs]], exact[:theirs])
    client.close()
    ratio, note = median_ratio(spent["theirs"], spent["ours"])
    return Table(
        "dense",
        f"{count:,} vectors of {DIMENSION}: the embedded index and qdrant-client's local mode, median query",
        (
            Row("qdrant-client in memory", (statistics.median(spent["theirs"]),), "ms"),
            Row("ours", (statistics.median(spent["ours"]),), "ms"),
            Row("times as fast", (ratio,), "×", at_least=50, note=note),
            Row("recall@10 against exact", (found,), at_least=0.99, note=f"{ours} queries, none of them stored"),
            Row("recall@10 of qdrant-client", (peer_found,), note="scans every vector"),
        ),
    )


def _local_client(matrix: NDArray[np.float32]) -> QdrantClient:
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    client.create_collection(
        _NAME, vectors_config=models.VectorParams(size=matrix.shape[1], distance=models.Distance.COSINE)
    )
    client.upload_collection(_NAME, vectors=np.asarray(matrix), ids=range(len(matrix)))
    return client


def sparse(folder: Path, *, count: int = 50_000, ours: int = 500, theirs: int = 10, rounds: int = 5) -> Table:
    """Our index against rank-bm25, which is given stems already: `ours` and `theirs` are queries a round."""
    from releaf.retrieval.passages import passages
    from releaf.retrieval.sparse import SparseIndex, analyze, build

    rank_bm25 = _rank_bm25()
    table = chunks(0, count)
    folder.mkdir(parents=True)
    build(table, folder)
    index = SparseIndex.open(folder, backend="numba")
    peer = rank_bm25.BM25Okapi([analyze(text) for text in passages(table)])
    queries = query_texts(ours)
    stems = [analyze(query) for query in queries[:theirs]]
    index.search(queries[0], K)

    def peer_search(words: list[str]) -> list[int]:
        scores = peer.get_scores(words)
        best = np.argpartition(-scores, K)[:K]  # its own `get_top_n` sorts all of them
        return [int(row) for row in best[np.argsort(-scores[best])]]

    spent = in_turns(
        {
            "ours": lambda: seconds(lambda: [index.search(query, K) for query in queries]) / ours,
            "theirs": lambda: seconds(lambda: [peer_search(words) for words in stems]) / theirs,
        },
        rounds,
    )
    ratio, note = median_ratio(spent["theirs"], spent["ours"])
    return Table(
        "sparse",
        f"{count:,} chunks of about 60 words, queries of 8: BM25 here and in rank-bm25",
        (
            Row("rank-bm25, stems given", (1 / statistics.median(spent["theirs"]),), "queries/s"),
            Row("ours, stemming included", (1 / statistics.median(spent["ours"]),), "queries/s"),
            Row("times as many", (ratio,), "×", at_least=300, note=note),
        ),
    )


def _rank_bm25() -> Any:
    try:
        import rank_bm25
    except ModuleNotFoundError as error:
        raise BenchmarkError(
            "rank-bm25 is not installed; it comes with the extra `dev`: pip install -e '.[dev]'"
        ) from error
    return rank_bm25
