"""Versions of an index on a Qdrant server: every one is a collection of its own, and an alias names the current one.

`<name>-<version>` is built beside the current one and checked; then the alias `<name>` moves to it in one step.
Two builders of the same version at once are kept apart by the caller.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from releaf.errors import InputError, StorageError
from releaf.retrieval.dense.clauses import FIELDS
from releaf.retrieval.dense.files import Description
from releaf.retrieval.dense.interface import HNSW_EF_CONSTRUCT, HNSW_M, Block, kilobytes_of
from releaf.retrieval.dense.server import Server, answering, connected

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

# Points in one request; 256 vectors of 1024 floats are about 5 MB of JSON, the server takes 32.
_BATCH = 256
# A graph over millions of vectors takes minutes; longer than this and something is wrong with the server.
_SETTLE_S = 3600


@dataclass(frozen=True)
class Version:
    """One collection on its way to being published. Every method raises `StorageError` when the server fails it."""

    client: QdrantClient
    server: Server
    collection: str

    def is_complete(self) -> bool | None:
        """Whether the collection was finished and checked; None where there is none."""
        with answering(self.server, f"look for the collection {self.collection}"):
            if not self.client.collection_exists(self.collection):
                return None
            return bool(_metadata(self.client, self.collection).get("complete"))

    def create(self, dimension: int, revision: str, hnsw_from: int) -> None:
        """Make the collection, empty."""
        from qdrant_client import models

        kilobytes = kilobytes_of(hnsw_from, dimension)
        graph = models.HnswConfigDiff(
            m=HNSW_M,
            ef_construct=HNSW_EF_CONSTRUCT,
            full_scan_threshold=max(10, kilobytes),  # the server takes none below 10
        )
        with answering(self.server, f"make the collection {self.collection}"):
            self.client.create_collection(
                self.collection,
                vectors_config=models.VectorParams(size=dimension, distance=models.Distance.COSINE),
                hnsw_config=graph,
                optimizers_config=models.OptimizersConfigDiff(indexing_threshold=kilobytes),
                shard_number=self.server.shard_number,
                replication_factor=self.server.replication_factor,
                metadata={"index": self.server.name, "revision": revision, "created": datetime.now(UTC).isoformat()},
            )

    def write(self, blocks: Iterable[Block], *, dimension: int, revision: str) -> Description:
        """Fill the collection with the blocks, one at a time, and wait for its graph."""
        with answering(self.server, f"prepare the collection {self.collection}"):
            self._index_payloads()
        count = 0
        for ids, matrix, payloads, _ in blocks:
            with answering(self.server, f"fill the collection {self.collection}"):
                self.client.upload_collection(
                    self.collection,
                    vectors=matrix,
                    ids=range(count, count + len(matrix)),
                    payload=[{"chunk": name, **payload.to_json()} for name, payload in zip(ids, payloads, strict=True)],
                    batch_size=_BATCH,
                    wait=True,
                )
            count += len(matrix)
        return self.describe(dimension, revision, count)

    def _index_payloads(self) -> None:
        from qdrant_client import models

        if _metadata(self.client, self.collection).get("index") != self.server.name:
            raise StorageError(
                f"the Qdrant server at {self.server.url} keeps no metadata of collections; use Qdrant 1.16 or newer"
            )
        # Before the points: the graph then gets edges that keep it whole under a filter.
        for name in FIELDS:
            self.client.create_payload_index(self.collection, name, models.PayloadSchemaType.KEYWORD)

    def describe(self, dimension: int, revision: str, count: int) -> Description:
        """The description of the collection, once the server has finished its graph."""
        deadline = time.monotonic() + _SETTLE_S
        while True:
            with answering(self.server, f"describe the collection {self.collection}"):
                info = self.client.get_collection(self.collection)
            if info.status.value == "green":
                hnsw = bool(info.indexed_vectors_count)
                return Description("server", dimension, revision, count, hnsw, collection=self.collection)
            if info.status.value == "red" or time.monotonic() > deadline:
                raise StorageError(
                    f"the Qdrant server at {self.server.url} does not finish the collection {self.collection}: its "
                    f"status is {info.status.value} ({info.optimizer_status}); see the server's log"
                )
            time.sleep(1)

    def mark_complete(self) -> None:
        """Note on the collection that it was checked."""
        with answering(self.server, f"mark the collection {self.collection}"):
            self.client.update_collection(self.collection, metadata={"complete": True})

    def publish(self) -> None:
        """Let the alias name this collection, in one step."""
        from qdrant_client import models

        with answering(self.server, f"move the alias {self.server.name}"):
            operations: list[models.AliasOperations] = []
            if self.server.name in _aliases(self.client):
                former = models.DeleteAlias(alias_name=self.server.name)
                operations.append(models.DeleteAliasOperation(delete_alias=former))
            alias = models.CreateAlias(collection_name=self.collection, alias_name=self.server.name)
            operations.append(models.CreateAliasOperation(create_alias=alias))
            self.client.update_collection_aliases(operations)

    def discard(self) -> None:
        """Delete the collection of a failed build, unless an alias names it. A server that is gone keeps it."""
        with suppress(StorageError), answering(self.server, f"delete the collection {self.collection}"):
            if self.collection not in _aliases(self.client).values():
                self.client.delete_collection(self.collection)


def prune(server: Server, keep: int = 2, client: QdrantClient | None = None) -> tuple[str, ...]:
    """Delete all but the `keep` newest versions of this index and what an alias names; returns what was deleted.

    Only collections that were built for this name are touched. Readers of a deleted one fail from then on.
    """
    if keep < 1:
        raise InputError(f"keep must be at least 1, not {keep}; the last version would go")
    with connected(server, client) as talking, answering(server, "prune old versions"):
        made = {}
        for found in talking.get_collections().collections:
            if found.name.startswith(f"{server.name}-"):
                metadata = _metadata(talking, found.name)
                if metadata.get("index") == server.name:
                    made[found.name] = str(metadata["created"])
        named = set(_aliases(talking).values())
        newest_first = sorted(made, key=lambda name: (made[name], name), reverse=True)
        old = tuple(name for name in newest_first[keep:] if name not in named)
        for name in old:
            talking.delete_collection(name)
    return old


def _metadata(client: QdrantClient, collection: str) -> dict[str, Any]:
    return dict(client.get_collection(collection).config.metadata or {})


def _aliases(client: QdrantClient) -> dict[str, str]:
    return {alias.alias_name: alias.collection_name for alias in client.get_aliases().aliases}
