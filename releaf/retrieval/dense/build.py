"""Building an index and opening it again, in whichever engine. What is built is checked before it is published."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from releaf.errors import ArtifactError, DataError, InputError
from releaf.progress import Progress, silent
from releaf.retrieval.dense.embedded import SHARD, open_shard, write_shard
from releaf.retrieval.dense.files import DESCRIPTION, Rows, read_description, write_description
from releaf.retrieval.dense.golden import Golden, golden_queries, refuse_low_recall
from releaf.retrieval.dense.interface import HNSW_FROM, Block, Built, DenseIndex
from releaf.retrieval.dense.renewed import build_on
from releaf.retrieval.dense.server import Server, connected, open_collection
from releaf.retrieval.dense.versions import Version
from releaf.retrieval.encode import Matrix
from releaf.retrieval.passages import Payload
from releaf.retrieval.vectors import Vectors

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_BLOCK = 1000


def build(
    vectors: Vectors,
    payloads: Mapping[str, Payload],
    directory: Path,
    *,
    hnsw_from: int = HNSW_FROM,
    progress: Progress = silent,
    server: Server | None = None,
    version: str = "",
    client: QdrantClient | None = None,
    previous: Path | None = None,
) -> Built:
    """Write an index of the vectors into an empty directory; returns what came of it.

    The matrix may be memory-mapped: it is read in blocks. `server` and `version` as for `build_index`. `previous` is
    the directory of an embedded index, whose files were checked: where little changed since it was built whole, its
    engine's files are copied and only what changed is written (`MOST_SHARE`, `MOST`). It is left alone where it is
    missing, damaged, of another encoder or engine, or finds too little. Raises `DataError` when there are no vectors,
    one has no payload, or the index finds too little, `ArtifactError` when an index stands there already.
    """
    _refuse_standing(directory)
    golden = golden_queries(vectors)
    if missing := next((name for name in vectors.ids if name not in payloads), None):
        raise DataError(f"cannot build a dense index: no payload is given for {missing!r}")
    marks = _marks(vectors, payloads)
    if previous is not None and server is None:
        built = build_on(previous, vectors, payloads, marks, directory, golden, hnsw_from)
        if built is not None:
            return built
    return build_index(
        _blocks(vectors, payloads, marks),
        directory,
        golden,
        revision=vectors.revision,
        hnsw_from=hnsw_from,
        progress=progress,
        server=server,
        version=version,
        client=client,
    )


def _marks(vectors: Vectors, payloads: Mapping[str, Payload]) -> list[bytes]:
    """What decides the vector and the payload of each row, hashed."""
    marks = []
    for name, key in zip(vectors.ids, vectors.keys, strict=True):
        carried = payloads[name]
        row = repr((key, carried.topic, carried.items, carried.materials, carried.jurisdictions))
        marks.append(hashlib.blake2b(row.encode(), digest_size=16).digest())
    return marks


def _blocks(vectors: Vectors, payloads: Mapping[str, Payload], marks: Sequence[bytes]) -> Iterator[Block]:
    for start in range(0, len(vectors.ids), _BLOCK):
        part = slice(start, start + _BLOCK)
        ids = vectors.ids[part]
        yield Block(ids, np.asarray(vectors.matrix[part]), [payloads[name] for name in ids], marks[part])


def build_index(
    blocks: Iterable[Block],
    directory: Path,
    golden: Golden,
    *,
    revision: str,
    server: Server | None = None,
    version: str = "",
    hnsw_from: int = HNSW_FROM,
    progress: Progress = silent,
    client: QdrantClient | None = None,
) -> Built:
    """Write an index of blocks, which are read once and one at a time; returns what came of it.

    `golden` are queries made of the same vectors: the index must find what they should find, or nothing is published.
    Without a server the engine's files lie in `directory`. With one, `version` names the new collection, `directory`
    holds what is needed to open it, and the alias moves to it last; a version that stands there whole is kept.
    Collections of up to about `hnsw_from` vectors get no graph (m = 16, ef_construct = 100) and are compared exactly.
    `client` stands in for a client of the server. Whatever goes wrong leaves nothing behind. Raises `DataError` for
    blocks that contradict themselves, the golden queries or each other, and for a recall below the floor.
    """
    _refuse_standing(directory)
    source = _Source(blocks, golden, revision, hnsw_from, progress)
    if server is None:
        return _build_embedded(source, directory)
    with connected(server, client) as talking:
        wanted = Version(talking, server, server.collection(version))
        if complete := wanted.is_complete():
            return _adopt(wanted, source, directory)
        if complete is not None:  # left by a build that was killed
            wanted.discard()
        return _build_on_server(wanted, source, directory)


def _refuse_standing(directory: Path) -> None:
    if (directory / DESCRIPTION).exists() or (directory / SHARD).exists():
        raise ArtifactError(f"{directory} holds an index; one is written once, into an empty directory")


def open_index(directory: Path, server: Server | None = None, client: QdrantClient | None = None) -> DenseIndex:
    """Open the index that `directory` describes, in the engine it was built for.

    `server` says where an index on a server is found; `client` stands in for a client of it. Raises `ArtifactError`
    when the index is missing, damaged or not what the directory says, `StorageError` when the server cannot be used or
    the private copy of an embedded index does not fit, `InputError` when a server is needed and none is given.
    """
    description, rows = read_description(directory)
    if description.engine == "embedded":
        return open_shard(directory, description, rows)
    if server is None:
        raise InputError(
            f"the dense index in {directory} is the collection {description.collection} on a Qdrant server; "
            "set the vector server's url"
        )
    return open_collection(server, description, rows.ids, client)


@dataclass
class _Source:
    """What an index is built of. Iterating gives the blocks, checked; ids and marks that went by are collected."""

    blocks: Iterable[Block]
    golden: Golden
    revision: str
    hnsw_from: int
    progress: Progress
    ids: list[str] = field(default_factory=list)
    marks: list[bytes] = field(default_factory=list)

    @property
    def dimension(self) -> int:
        return int(self.golden.queries.shape[1])

    def __iter__(self) -> Iterator[Block]:
        for block in self.blocks:
            matrix = self._matrix(block)
            self.ids.extend(block.ids)
            self.marks.extend(block.marks)
            yield Block(block.ids, matrix, block.payloads)
            self.progress(len(self.ids), self.golden.count, "vectors indexed")
        if len(self.ids) != self.golden.count:
            raise DataError(
                f"the blocks hold {len(self.ids)} vectors, but the golden queries were made of {self.golden.count}"
            )
        if len(set(self.ids)) != len(self.ids):
            twice = next(name for name, times in Counter(self.ids).items() if times > 1)
            raise DataError(f"ids must be unique, but {twice!r} stands twice")

    def _matrix(self, block: Block) -> Matrix:
        ids, matrix, payloads, marks = block
        if matrix.shape != (len(ids), self.dimension) or len(payloads) != len(ids) or len(marks) not in (0, len(ids)):
            raise DataError(
                f"a block of {len(ids)} ids, {len(payloads)} payloads, {len(marks)} marks and a matrix of shape "
                f"{matrix.shape} does not fit an index of vectors of {self.dimension}"
            )
        finite = np.isfinite(matrix).all(axis=1)
        if not finite.all():
            raise DataError(f"the vector of {ids[int(np.argmin(finite))]!r} is not finite; embed it again")
        return np.ascontiguousarray(matrix, dtype=np.float32)

    @property
    def rows(self) -> Rows:
        """What went by, once all of it did."""
        return Rows.whole(self.ids, self.marks if len(self.marks) == len(self.ids) else ())


def _build_embedded(source: _Source, directory: Path) -> Built:
    try:
        description = write_shard(
            source, directory, dimension=source.dimension, revision=source.revision, hnsw_from=source.hnsw_from
        )
        with open_shard(directory, description, source.rows) as index:
            recall = refuse_low_recall(index, source.golden)
        write_description(directory, description, source.rows)
    except BaseException:
        shutil.rmtree(directory / SHARD, ignore_errors=True)
        raise
    return Built(description.hnsw, recall)


def _build_on_server(version: Version, source: _Source, directory: Path) -> Built:
    # Outside of what is undone: where it fails, the collection may be another builder's.
    version.create(source.dimension, source.revision, source.hnsw_from)
    try:
        description = version.write(source, dimension=source.dimension, revision=source.revision)
        with open_collection(version.server, description, source.rows.ids, version.client) as index:
            recall = refuse_low_recall(index, source.golden)
        version.mark_complete()
        write_description(directory, description, source.rows)
        version.publish()
    except BaseException:
        version.discard()
        (directory / DESCRIPTION).unlink(missing_ok=True)
        raise
    return Built(description.hnsw, recall)


def _adopt(version: Version, source: _Source, directory: Path) -> Built:
    """Take a collection that was finished before, after checking it like a new one."""
    for _ in source:
        pass
    description = version.describe(source.dimension, source.revision, len(source.ids))
    try:
        with open_collection(version.server, description, source.rows.ids, version.client) as index:
            recall = refuse_low_recall(index, source.golden)
    except (ArtifactError, DataError) as error:
        raise ArtifactError(
            f"the collection {version.collection} stands on {version.server.url} as finished, but is not what is to "
            f"be built ({error}); delete it there, or build another version"
        ) from error
    write_description(directory, description, source.rows)
    version.publish()
    return Built(description.hnsw, recall)
