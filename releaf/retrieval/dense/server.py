"""One collection on a Qdrant server or cluster, read through the same interface.

A reader stays with the collection that its directory names, whatever the alias does. How collections come and go is
the business of `versions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from releaf.errors import ArtifactError, InputError, StorageError
from releaf.retrieval.dense.clauses import Clause
from releaf.retrieval.dense.files import Description
from releaf.retrieval.dense.interface import HNSW_EF
from releaf.retrieval.dense.rows import Hits, RowIndex
from releaf.retrieval.encode import Matrix

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# No dash: names of two indexes and their versions then never run together.
_VERSION = re.compile(r"[A-Za-z0-9_.]+")


@dataclass(frozen=True)
class Server:
    """A Qdrant server and the name that this index has on it.

    url: with `http://` or `https://`, and the port where it is not 6333. api_key: None where the server asks for none;
    it is written nowhere. name: the alias, and the start of every collection's name. shard_number and
    replication_factor: of a new collection on a cluster; None leaves both to the server. timeout_s: seconds that one
    request may take.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    name: str = "releaf"
    shard_number: int | None = None
    replication_factor: int | None = None
    timeout_s: int = 60

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"the vector server's url must look like http://host:6333, not {self.url!r}")
        if parts.username or parts.password:
            raise InputError("the vector server's url must carry no password: urls are shown; give api_key instead")
        if not _NAME.fullmatch(self.name):
            raise InputError(
                f"the index name {self.name!r} may hold letters, digits, dots, dashes and underscores only"
            )
        for name in ("shard_number", "replication_factor", "timeout_s"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, not {value}")

    def collection(self, version: str) -> str:
        """The collection of one version. Raises `InputError` for a version that cannot be part of a name."""
        if not _VERSION.fullmatch(version):
            raise InputError(
                f"a version on a server may hold letters, digits, dots and underscores only, not {version!r}"
            )
        return f"{self.name}-{version}"


@contextmanager
def connected(server: Server, client: QdrantClient | None = None) -> Iterator[QdrantClient]:
    """A client of the server for the time of the block, or the one that is given, which stays open."""
    if client is not None:
        yield client
        return
    made = connect(server)
    try:
        yield made
    finally:
        made.close()


def connect(server: Server) -> QdrantClient:
    """A client of the server; nothing is sent yet."""
    from qdrant_client import QdrantClient

    return QdrantClient(url=server.url, api_key=server.api_key, timeout=server.timeout_s, check_compatibility=False)


@contextmanager
def answering(server: Server, doing: str) -> Iterator[None]:
    """Turn what the client raises into one `StorageError` that names the server and what to set."""
    from qdrant_client.common.client_exceptions import QdrantException
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    where = f"the Qdrant server at {server.url}"
    try:
        yield
    except ResponseHandlingException as error:
        raise StorageError(
            f"{where} does not answer, so it could not {doing} ({error.source}); start it, or set the vector server's "
            "url; without one the embedded engine is used"
        ) from error
    except UnexpectedResponse as error:
        if error.status_code in (401, 403):
            raise StorageError(f"{where} refuses the API key; set the vector server's api_key") from error
        if error.status_code == 404:
            raise StorageError(
                f"{where} knows no such collection, so it could not {doing}; it may have been pruned: build the "
                "index again, or set the vector server's url to where it was built"
            ) from error
        raise StorageError(f"{where} could not {doing}: {error}") from error
    except QdrantException as error:
        raise StorageError(f"{where} could not {doing}: {error}") from error


class ServerIndex(RowIndex):
    """One collection on a server, read only. Threads may share it."""

    def __init__(
        self, client: QdrantClient, server: Server, description: Description, ids: tuple[str, ...], *, owned: bool
    ) -> None:
        super().__init__(description, ids)
        self._client = client
        self._owned = owned
        self._server = server
        self._collection = description.collection
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """Leave the server. Closing twice is no error."""
        if self._owned and not self._closed:
            self._client.close()
        self._closed = True

    def _nearest(self, matrix: Matrix, limit: int, passing: Sequence[Clause]) -> list[Hits]:
        from qdrant_client import models

        condition = _condition(passing) if passing else None
        params = models.SearchParams(hnsw_ef=HNSW_EF) if self.hnsw else models.SearchParams(exact=True)
        requests = [
            models.QueryRequest(query=vector, limit=limit, filter=condition, params=params)
            for vector in matrix.tolist()
        ]
        with answering(self._server, f"search the collection {self._collection}"):
            found = self._client.query_batch_points(self._collection, requests)
        return [[(int(point.id), point.score) for point in answer.points] for answer in found]

    def _stored(self, rows: Sequence[int]) -> dict[int, Sequence[float]]:
        with answering(self._server, f"read the collection {self._collection}"):
            records: list[Any] = self._client.retrieve(
                self._collection, list(rows), with_payload=False, with_vectors=True
            )
        return {int(record.id): record.vector for record in records}


def open_collection(
    server: Server, description: Description, ids: tuple[str, ...], client: QdrantClient | None = None
) -> ServerIndex:
    """The collection that a directory names, whatever the alias names by now.

    Raises `StorageError` when the server does not answer, refuses the key or has no such collection, `ArtifactError`
    when that collection holds something else than the directory says.
    """
    talking = connect(server) if client is None else client
    try:
        _refuse_other(talking, server, description)
    except BaseException:
        if client is None:
            talking.close()
        raise
    return ServerIndex(talking, server, description, ids, owned=client is None)


def _refuse_other(client: QdrantClient, server: Server, description: Description) -> None:
    collection = description.collection
    with answering(server, f"look for the collection {collection}"):
        exists = client.collection_exists(collection)
    if not exists:
        raise StorageError(
            f"the Qdrant server at {server.url} has no collection {collection}; it may have been pruned: build the "
            "index again, or set the vector server's url to where it was built"
        )
    with answering(server, f"describe the collection {collection}"):
        info = client.get_collection(collection)
    params: Any = info.config.params.vectors
    revision = dict(info.config.metadata or {}).get("revision")
    if (params.size, revision) != (description.dimension, description.revision):
        raise ArtifactError(
            f"the collection {collection} on {server.url} holds vectors of {params.size} by encoder "
            f"{str(revision)[:12]}, not of {description.dimension} by {description.revision[:12]}; build it again"
        )
    with answering(server, f"count the points of {collection}"):
        count = client.count(collection, exact=True).count
    if count != description.count:
        raise ArtifactError(
            f"the collection {collection} on {server.url} holds {count} points, not {description.count}; build the "
            "index again"
        )


def _condition(passing: Sequence[Clause]) -> models.Filter:
    from qdrant_client import models

    conditions: list[Any] = []
    for clause in passing:
        carried = models.FieldCondition(key=clause.field, match=models.MatchAny(any=list(clause.values)))
        empty = models.IsEmptyCondition(is_empty=models.PayloadField(key=clause.field))
        conditions.append(models.Filter(should=[carried, empty]) if clause.or_empty else carried)
    return models.Filter(must=conditions)
