"""The dense index: nearest vectors by cosine in the Qdrant engine, embedded in this process (R1).

The engine lets one process use a folder and writes into it even when it only reads, so an index that is opened is a
private copy in a temporary folder, gone at `close`. How texts become vectors is not this module's business.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from releaf.artifacts import read_json, storage_errors, write_json
from releaf.errors import ArtifactError, DataError, InputError
from releaf.progress import Progress, silent
from releaf.retrieval.encode import Matrix
from releaf.retrieval.passages import Filters, Payload
from releaf.retrieval.vectors import Vectors

if TYPE_CHECKING:
    import qdrant_edge

FORMAT = 1
# Scanning 10,000 vectors of 384 floats takes 0.4 ms on one core and is exact and repeatable; a graph pays beyond that.
HNSW_FROM = 10_000
_DESCRIPTION = "dense.json"
_SHARD = "shard"
_BATCH = 1000
_ZEROS = bytes(1 << 18)


def build(
    vectors: Vectors,
    payloads: Mapping[str, Payload],
    directory: Path,
    *,
    hnsw_from: int = HNSW_FROM,
    progress: Progress = silent,
) -> bool:
    """Write an index of the vectors into an empty directory; returns whether it has an HNSW graph.

    Collections of up to about `hnsw_from` vectors are scanned exactly; beyond that `optimize()` builds the graph
    (m = 16, ef_construct = 100), whose levels are drawn at random, so that two graphs differ slightly. Points are
    numbered by row, so ids cannot collide. Raises `DataError` when there are no vectors or one has no payload,
    `ArtifactError` when an index stands there already.
    """
    missing = [name for name in vectors.ids if name not in payloads]
    if len(vectors) == 0 or missing:
        reason = f"no payload is given for {missing[0]!r}" if missing else "there are no vectors"
        raise DataError(f"cannot build a dense index: {reason}")
    shard_folder = directory / _SHARD
    if shard_folder.exists():
        raise ArtifactError(f"{shard_folder} exists; an index is written once, into an empty directory")
    with storage_errors(directory):
        shard_folder.mkdir(parents=True)
    shard = _create(shard_folder, vectors.dimension, hnsw_from)
    try:
        _insert(shard, vectors, payloads, progress)
        shard.optimize()
        shard.flush()
        indexed = shard.info().indexed_vectors_count > 0
    finally:
        shard.close()
    description = {
        "format": FORMAT,
        "dimension": vectors.dimension,
        "revision": vectors.revision,
        "max_tokens": vectors.max_tokens,
        "hnsw": indexed,
        "ids": list(vectors.ids),
    }
    write_json(directory / _DESCRIPTION, description)
    return indexed


def _create(folder: Path, dimension: int, hnsw_from: int) -> qdrant_edge.EdgeShard:
    import qdrant_edge as engine

    kilobytes = max(1, hnsw_from * dimension * 4 // 1024)  # the engine counts collections in KB of vectors
    config = engine.EdgeConfig(
        vectors=engine.EdgeVectorParams(size=dimension, distance=engine.Distance.Cosine),
        hnsw_config=engine.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=kilobytes),
        optimizers=engine.EdgeOptimizersConfig(indexing_threshold=kilobytes),
        # What is written is flushed once and then never changed: a log of 64 MB would protect nothing.
        wal_enabled=False,
    )
    return engine.EdgeShard.create(str(folder), config)


def _insert(
    shard: qdrant_edge.EdgeShard, vectors: Vectors, payloads: Mapping[str, Payload], progress: Progress
) -> None:
    import qdrant_edge as engine

    for start in range(0, len(vectors), _BATCH):
        rows = range(start, min(start + _BATCH, len(vectors)))
        points = [engine.Point(row, vectors.matrix[row].tolist(), payloads[vectors.ids[row]].to_json()) for row in rows]
        shard.update(engine.UpdateOperation.upsert_points(points))
        progress(rows.stop, len(vectors), "vectors indexed")
    for field in ("topic", "items", "materials", "jurisdictions"):
        shard.update(engine.UpdateOperation.create_field_index(field, engine.PayloadSchemaType.Keyword))


class DenseIndex:
    """An index opened for reading. Close it, or use it in a `with`, so that its private copy is removed."""

    def __init__(self, shard: qdrant_edge.EdgeShard, description: Mapping[str, Any], copy: Path) -> None:
        self._shard = shard
        self.ids: tuple[str, ...] = tuple(description["ids"])
        self.dimension = int(description["dimension"])
        self.revision = str(description["revision"])
        self.max_tokens = int(description["max_tokens"])
        self.hnsw = bool(description["hnsw"])
        # Also runs when the interpreter ends or the index is collected, so a forgotten index leaves no copy behind.
        self._closer = weakref.finalize(self, _release, shard, copy)

    @classmethod
    def open(cls, directory: Path) -> DenseIndex:
        """Open a private copy of the index in `directory`, which stays untouched.

        Raises `ArtifactError` when it is missing or damaged, `StorageError` when the copy does not fit.
        """
        description = read_json(directory / _DESCRIPTION)
        if not isinstance(description, dict) or description.get("format") != FORMAT:
            raise ArtifactError(f"{directory / _DESCRIPTION} is not a dense index of format {FORMAT}; build it again")
        if not (directory / _SHARD).is_dir():
            raise ArtifactError(f"{directory / _SHARD} is missing; build the index again")
        with _temporary_copy(directory / _SHARD) as copy:
            return cls(_load(copy, directory), description, copy)

    def search(self, vector: Matrix, k: int, filters: Filters | None = None) -> list[tuple[str, float]]:
        """The k nearest chunks that pass the filters: (chunk id, cosine in [−1, 1]), best first, ties by row.

        Fewer than k come back when fewer pass. Raises `InputError` for k < 1, a vector of another dimension or with
        values that are not finite, and for a closed index.
        """
        import qdrant_edge as engine

        if k < 1:
            raise InputError(f"k must be at least 1, not {k}")
        if vector.shape != (self.dimension,):
            raise InputError(f"the query vector has shape {vector.shape}, this index holds vectors of {self.dimension}")
        if not np.isfinite(vector).all():
            raise InputError("the query vector holds values that are not finite")
        if not self._closer.alive:
            raise InputError("this dense index is closed; open it again")
        request = engine.QueryRequest(
            limit=min(k, len(self.ids)),
            query=engine.Query.Nearest(vector.tolist()),
            filter=_condition(filters) if filters else None,
            params=None if self.hnsw else engine.SearchParams(exact=True),
        )
        found = [(int(str(point.id)), point.score) for point in self._shard.query(request)]
        return [(self.ids[row], score) for row, score in sorted(found, key=lambda hit: (-hit[1], hit[0]))]

    def close(self) -> None:
        """Release the engine and remove the private copy. Closing twice is no error."""
        self._closer()

    def __enter__(self) -> DenseIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _release(shard: qdrant_edge.EdgeShard, copy: Path) -> None:
    shard.close()
    shutil.rmtree(copy, ignore_errors=True)


def _load(copy: Path, origin: Path) -> qdrant_edge.EdgeShard:
    import qdrant_edge as engine

    try:
        return engine.EdgeShard.load(str(copy))
    except Exception as error:  # the engine raises this bare type for whatever it finds wrong with its files
        raise ArtifactError(f"the dense index in {origin} is damaged ({error}); build it again") from error


def _condition(filters: Filters) -> qdrant_edge.Filter:
    """The same rule as `Filters.allow`, in the engine's terms."""
    import qdrant_edge as engine

    def any_of(key: str, values: Sequence[str]) -> qdrant_edge.FieldCondition:
        return engine.FieldCondition(key, match=engine.MatchAny(list(values)))

    conditions: list[Any] = []
    named = {"topic": filters.topics, "items": filters.items, "materials": filters.materials}
    conditions.extend(any_of(key, values) for key, values in named.items() if values)
    if filters.jurisdictions:
        place: list[Any] = [any_of("jurisdictions", filters.jurisdictions)]
        if filters.general:
            place.append(engine.IsEmptyCondition("jurisdictions"))
        conditions.append(engine.Filter(should=place))
    return engine.Filter(must=conditions)


@contextmanager
def _temporary_copy(source: Path) -> Iterator[Path]:
    """A copy of a folder in the temporary directory; kept when the block ends well, removed when it raises."""
    copy = Path(tempfile.mkdtemp(prefix="releaf-dense-"))
    try:
        with storage_errors(copy):
            copy_sparse(source, copy)
        yield copy
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise


def copy_sparse(source: Path, target: Path) -> None:
    """Copy the files below `source` to `target`, leaving holes where a whole block is zero.

    The engine reserves 32 MB a file, nearly all of it never written: a small index seems to hold 80 MB and uses 1.
    """
    for file in sorted(source.rglob("*")):
        copy = target / file.relative_to(source)
        if file.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
            continue
        with file.open("rb") as reader, copy.open("wb") as writer:
            while block := reader.read(len(_ZEROS)):
                if block == _ZEROS:
                    writer.seek(len(block), 1)
                else:
                    writer.write(block)
            writer.truncate()
