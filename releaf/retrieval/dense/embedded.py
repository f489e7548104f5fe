"""The Qdrant engine embedded in this process.

It lets one process use a folder and writes into it even when it only reads, so an index that is opened is a private
copy in a temporary folder, gone at `close`.
"""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from releaf.artifacts import storage_errors
from releaf.errors import ArtifactError
from releaf.retrieval.dense.changes import Changes
from releaf.retrieval.dense.clauses import FIELDS, Clause
from releaf.retrieval.dense.files import Description, Rows, private_copy, refuse_damage, sizes
from releaf.retrieval.dense.interface import HNSW_EF, HNSW_EF_CONSTRUCT, HNSW_M, Block, kilobytes_of
from releaf.retrieval.dense.rows import Hits, RowIndex
from releaf.retrieval.encode import Matrix

if TYPE_CHECKING:
    import qdrant_edge

SHARD = "shard"
# Points handed to the engine at a time; as Python objects they take some ten times the room of their vectors.
_BATCH = 1000


def write_shard(
    blocks: Iterable[Block], directory: Path, *, dimension: int, revision: str, hnsw_from: int
) -> Description:
    """Write the blocks' vectors into a new shard in `directory`, holding one batch at a time.

    Up to about `hnsw_from` vectors are scanned exactly; beyond that `optimize()` builds the graph, whose levels are
    drawn at random, so that two graphs differ slightly. Raises `ArtifactError` when a shard stands there already.
    """
    folder = directory / SHARD
    if folder.exists():
        raise ArtifactError(f"{folder} exists; an index is written once, into an empty directory")
    with storage_errors(directory):
        folder.mkdir(parents=True)
    shard = _create(folder, dimension, hnsw_from)
    try:
        count = _insert(shard, blocks)
        shard.optimize()
        shard.flush()
        indexed = shard.info().indexed_vectors_count > 0
    finally:
        shard.close()
    return Description(
        *("embedded", dimension, revision, count, indexed),
        files=sizes(folder),
        points=count,
        engine_version=engine_version(),
    )


def engine_version() -> str:
    """The version of the engine that is installed."""
    return version("qdrant-edge-py")


def _create(folder: Path, dimension: int, hnsw_from: int) -> qdrant_edge.EdgeShard:
    import qdrant_edge as engine

    kilobytes = kilobytes_of(hnsw_from, dimension)
    config = engine.EdgeConfig(
        vectors=engine.EdgeVectorParams(size=dimension, distance=engine.Distance.Cosine),
        hnsw_config=engine.HnswIndexConfig(m=HNSW_M, ef_construct=HNSW_EF_CONSTRUCT, full_scan_threshold=kilobytes),
        optimizers=engine.EdgeOptimizersConfig(indexing_threshold=kilobytes),
        # What is written is flushed once and then never changed: a log of 64 MB would protect nothing.
        wal_enabled=False,
    )
    return engine.EdgeShard.create(str(folder), config)


def _insert(shard: qdrant_edge.EdgeShard, blocks: Iterable[Block]) -> int:
    import qdrant_edge as engine

    # Before the points: the graph then gets edges that keep it whole under a filter.
    for field in FIELDS:
        shard.update(engine.UpdateOperation.create_field_index(field, engine.PayloadSchemaType.Keyword))
    count = 0
    for block in blocks:
        _upsert(shard, count, block.matrix, [payload.to_json() for payload in block.payloads])
        count += len(block.matrix)
    return count


def _upsert(shard: qdrant_edge.EdgeShard, first: int, matrix: Matrix, payloads: Sequence[dict[str, Any]]) -> None:
    """Add these points, numbered from `first` on."""
    import qdrant_edge as engine

    for start in range(0, len(matrix), _BATCH):
        rows = range(start, min(start + _BATCH, len(matrix)))
        # The engine takes rows of NumPy as they are, which spares a Python float for every value.
        points = [engine.Point(first + row, matrix[row], payloads[row]) for row in rows]
        shard.update(engine.UpdateOperation.upsert_points(points))


class EmbeddedIndex(RowIndex):
    """A private copy of a shard, opened. A forgotten one leaves no copy behind."""

    def __init__(self, shard: qdrant_edge.EdgeShard, description: Description, rows: Rows, copy: Path) -> None:
        super().__init__(description, rows.ids)
        self._shard = shard
        self._points = rows.points
        self._row_at = np.zeros(int(rows.points.max(initial=0)) + 1, dtype=np.int64)
        self._row_at[rows.points] = np.arange(len(rows.ids))
        # Also runs when the interpreter ends or the index is collected.
        self._closer = weakref.finalize(self, _release, shard, copy)

    @property
    def closed(self) -> bool:
        """Whether the engine was released."""
        return not self._closer.alive

    def close(self) -> None:
        """Release the engine and remove the private copy. Closing twice is no error."""
        self._closer()

    def _nearest(self, matrix: Matrix, limit: int, passing: Sequence[Clause]) -> list[Hits]:
        import qdrant_edge as engine

        condition = _condition(passing) if passing else None
        params = engine.SearchParams(hnsw_ef=HNSW_EF) if self.hnsw else engine.SearchParams(exact=True)
        requests = [
            engine.QueryRequest(limit=limit, query=engine.Query.Nearest(vector), filter=condition, params=params)
            for vector in matrix
        ]
        found = self._shard.query_batch(engine.QueryBatchRequest(requests))
        return [[(int(self._row_at[int(str(point.id))]), point.score) for point in points] for points in found]

    def _stored(self, rows: Sequence[int]) -> dict[int, Sequence[float]]:
        points = self._points[list(rows)].tolist()
        records: list[Any] = self._shard.retrieve(points, with_payload=False, with_vector=True)
        return {int(self._row_at[int(str(record.id))]): record.vector for record in records}


def open_shard(directory: Path, description: Description, rows: Rows) -> EmbeddedIndex:
    """Open a private copy of the shard in `directory`, which stays untouched, and lay over it what changed since.

    Raises `ArtifactError` when it is missing or damaged, `StorageError` when the copy does not fit.
    """
    folder = directory / SHARD
    if not folder.is_dir():
        raise ArtifactError(f"{folder} is missing; build the index again")
    refuse_damage(folder, description.files)
    changes = Changes.read(directory, description)
    with private_copy(folder) as copy:
        shard = _load(copy, directory, description)
        try:
            _refuse_count(folder, shard.info().points_count, description.points, "points")
            _change(shard, changes, description, rows)
            _refuse_count(folder, shard.info().points_count, len(rows.ids), "ids")
        except BaseException:
            shard.close()
            raise
        return EmbeddedIndex(shard, description, rows, copy)


def _refuse_count(folder: Path, found: int, expected: int, of: str) -> None:
    if found != expected:
        raise ArtifactError(f"{folder} holds {found} vectors for {expected} {of}; build the index again")


def _change(shard: qdrant_edge.EdgeShard, changes: Changes, description: Description, rows: Rows) -> None:
    import qdrant_edge as engine

    gone = np.setdiff1d(np.arange(description.points), rows.points).tolist()
    if gone:
        shard.update(engine.UpdateOperation.delete_points(gone))
    _upsert(shard, description.points, changes.matrix, changes.payloads)


def _load(copy: Path, origin: Path, description: Description) -> qdrant_edge.EdgeShard:
    import qdrant_edge as engine

    size = engine.EdgeVectorParams(size=description.dimension, distance=engine.Distance.Cosine)
    try:
        return engine.EdgeShard.load(str(copy), engine.EdgeConfig(vectors=size))
    except Exception as error:  # the engine raises this bare type for whatever it finds wrong with its files
        raise ArtifactError(f"the dense index in {origin} is damaged ({error}); build it again") from error


def _release(shard: qdrant_edge.EdgeShard, copy: Path) -> None:
    shard.close()
    shutil.rmtree(copy, ignore_errors=True)


def _condition(passing: Sequence[Clause]) -> qdrant_edge.Filter:
    import qdrant_edge as engine

    conditions: list[Any] = []
    for clause in passing:
        carried = engine.FieldCondition(clause.field, match=engine.MatchAny(list(clause.values)))
        empty = engine.IsEmptyCondition(clause.field)
        conditions.append(engine.Filter(should=[carried, empty]) if clause.or_empty else carried)
    return engine.Filter(must=conditions)
