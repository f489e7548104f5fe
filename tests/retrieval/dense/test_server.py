from __future__ import annotations

import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from releaf.errors import ArtifactError, DataError, InputError, StorageError
from releaf.retrieval.dense import Block, Server, build, golden, open_index, prune, versions
from releaf.retrieval.dense.server import answering
from releaf.retrieval.dense.versions import Version
from releaf.retrieval.passages import Payload
from releaf.retrieval.vectors import Vectors

from .conftest import everywhere, named, random_vectors


def publish(
    client: QdrantClient, server: Server, directory: Path, version: str, vectors: Vectors | None = None
) -> None:
    chosen = vectors or random_vectors(12, 4)
    build(chosen, everywhere(chosen), directory, server=server, version=version, client=client)


def collections(client: QdrantClient) -> set[str]:
    return {found.name for found in client.get_collections().collections}


def alias(client: QdrantClient) -> dict[str, str]:
    return {found.alias_name: found.collection_name for found in client.get_aliases().aliases}


def test_each_version_is_a_collection_and_the_alias_names_the_last(
    client: QdrantClient, server: Server, tmp_path: Path
) -> None:
    publish(client, server, tmp_path / "1", "v1")
    assert (collections(client), alias(client)) == ({"test-v1"}, {"test": "test-v1"})
    publish(client, server, tmp_path / "2", "v2", random_vectors(20, 4, seed=1))
    assert (collections(client), alias(client)) == ({"test-v1", "test-v2"}, {"test": "test-v2"})
    assert client.count("test").count == 20


def test_points_carry_their_chunk_and_what_they_are_filtered_by(
    client: QdrantClient, server: Server, tmp_path: Path
) -> None:
    vectors = random_vectors(2, 4)
    payloads = {"c0": Payload("policy", ("jar",), ("glass",), ("berlin",)), "c1": Payload("reuse")}
    build(vectors, payloads, tmp_path, server=server, version="v1", client=client)
    (point,) = client.retrieve("test", [0])
    assert point.payload == {
        "chunk": "c0",
        "topic": "policy",
        "items": ["jar"],
        "materials": ["glass"],
        "jurisdictions": ["berlin"],
    }


def test_a_reader_stays_with_the_collection_of_its_directory(
    client: QdrantClient, server: Server, tmp_path: Path
) -> None:
    first = random_vectors(12, 4)
    publish(client, server, tmp_path / "1", "v1", first)
    with open_index(tmp_path / "1", server, client) as reader:
        before = reader.search(first.matrix[0], 3)
        publish(client, server, tmp_path / "2", "v2", random_vectors(12, 4, seed=1))
        assert reader.search(first.matrix[0], 3) == before
    with open_index(tmp_path / "1", server, client) as again:
        assert again.search(first.matrix[0], 3) == before


def test_closing_a_reader_leaves_a_client_that_was_given_open(
    client: QdrantClient, server: Server, tmp_path: Path
) -> None:
    publish(client, server, tmp_path, "v1")
    open_index(tmp_path, server, client).close()
    assert collections(client) == {"test-v1"}


def test_neither_key_nor_address_is_written(client: QdrantClient, server: Server, tmp_path: Path) -> None:
    publish(client, server, tmp_path, "v1")
    text = (tmp_path / "dense.json").read_text()
    raw = json.loads(text)
    assert (raw["engine"], raw["collection"], raw["hnsw"], raw["count"]) == ("server", "test-v1", False, 12)
    assert "secret-key" not in text
    assert "memory" not in text
    assert "secret-key" not in repr(server)
    assert "secret-key" not in str(client.get_collection("test-v1"))
    assert {file.name for file in tmp_path.iterdir()} == {"dense.json", "ids.parquet"}


def test_a_failed_build_leaves_the_last_version_as_it_was(
    client: QdrantClient, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(client, server, tmp_path / "1", "v1")
    monkeypatch.setattr(golden, "RECALL_FLOOR", 1.1)
    with pytest.raises(DataError, match=r"finds 1\.000 .* less than 1\.1; it is not published"):
        publish(client, server, tmp_path / "2", "v2")
    assert (collections(client), alias(client)) == ({"test-v1"}, {"test": "test-v1"})
    assert not (tmp_path / "2" / "dense.json").exists()


def test_an_alias_that_cannot_be_moved_fails_the_build(
    client: QdrantClient, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(client, server, tmp_path / "1", "v1")

    def refuse(operations: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(client, "update_collection_aliases", refuse)
    with pytest.raises(ConnectionResetError):
        publish(client, server, tmp_path / "2", "v2")
    assert (collections(client), alias(client)) == ({"test-v1"}, {"test": "test-v1"})
    assert not (tmp_path / "2" / "dense.json").exists()


def test_an_alias_that_moved_although_the_answer_was_lost_keeps_its_collection(
    client: QdrantClient, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = client.update_collection_aliases

    def lost(operations: list[models.AliasOperations]) -> None:
        moved(operations)
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(client, "update_collection_aliases", lost)
        with pytest.raises(ConnectionResetError):
            publish(client, server, tmp_path, "v1")
    assert alias(client) == {"test": "test-v1"}
    publish(client, server, tmp_path, "v1")
    with open_index(tmp_path, server, client) as index:
        assert len(index.ids) == 12


def test_a_version_that_stands_there_whole_is_taken_as_it_is(
    client: QdrantClient, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = random_vectors(12, 4)
    publish(client, server, tmp_path / "1", "v1", vectors)
    with monkeypatch.context() as patched:
        patched.delattr(client.__class__, "upload_collection")
        publish(client, server, tmp_path / "2", "v1", vectors)
    with open_index(tmp_path / "2", server, client) as index:
        assert index.search(vectors.matrix[5], 1)[0][0] == "c5"


def test_a_finished_version_of_other_vectors_is_refused(client: QdrantClient, server: Server, tmp_path: Path) -> None:
    publish(client, server, tmp_path / "1", "v1")
    for other in (random_vectors(13, 4), random_vectors(12, 4, revision="other"), random_vectors(12, 4, seed=5)):
        with pytest.raises(ArtifactError, match=r"test-v1 stands on http://memory:6333 as finished, but is not"):
            publish(client, server, tmp_path / "2", "v1", other)
    assert alias(client) == {"test": "test-v1"}
    assert not (tmp_path / "2" / "dense.json").exists()


def test_what_a_killed_build_left_is_built_again(client: QdrantClient, server: Server, tmp_path: Path) -> None:
    left = Version(client, server, "test-v1")
    left.create(9, "r", 10)
    left.write([], dimension=9, revision="r")
    publish(client, server, tmp_path, "v1")
    with open_index(tmp_path, server, client) as index:
        assert index.dimension == 4


def test_pruning_keeps_the_newest_and_what_an_alias_names(client: QdrantClient, server: Server, tmp_path: Path) -> None:
    # Names out of order, so that only their dates tell.
    for version in ("v3", "v1", "v4", "v2"):
        publish(client, server, tmp_path / version, version)
    Version(client, server, "test-v3").publish()
    other = Server(server.url, name="test-of-mine")
    publish(client, other, tmp_path / "other", "v1")
    client.create_collection("test-notes", models.VectorParams(size=2, distance=models.Distance.COSINE))
    assert prune(server, keep=2, client=client) == ("test-v1",)
    assert collections(client) == {"test-v2", "test-v3", "test-v4", "test-of-mine-v1", "test-notes"}
    assert prune(server, keep=1, client=client) == ("test-v4",)
    assert prune(server, client=client) == ()
    with pytest.raises(InputError, match="keep must be at least 1, not 0"):
        prune(server, keep=0, client=client)
    with pytest.raises(StorageError, match="has no collection test-v1; it may have been pruned"):
        open_index(tmp_path / "v1", server, client)


def test_a_collection_that_is_not_what_the_directory_says_is_refused(
    client: QdrantClient, server: Server, tmp_path: Path
) -> None:
    publish(client, server, tmp_path, "v1")
    description = json.loads((tmp_path / "dense.json").read_text())

    def say(**fields: object) -> None:
        (tmp_path / "dense.json").write_text(json.dumps({**description, **fields}))

    say(revision="another")
    with pytest.raises(ArtifactError, match="vectors of 4 by encoder random, not of 4 by another"):
        open_index(tmp_path, server, client)
    say(dimension=5)
    with pytest.raises(ArtifactError, match="vectors of 4 by encoder random, not of 5"):
        open_index(tmp_path, server, client)
    say()
    client.delete("test-v1", [3])
    with pytest.raises(ArtifactError, match="test-v1 on http://memory:6333 holds 11 points, not 12"):
        open_index(tmp_path, server, client)


def test_an_index_on_a_server_needs_the_server(client: QdrantClient, server: Server, tmp_path: Path) -> None:
    publish(client, server, tmp_path, "v1")
    with pytest.raises(InputError, match=r"is the collection test-v1 on a Qdrant server; set the vector server's url"):
        open_index(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"url": "localhost:6333"}, "must look like http://host:6333, not 'localhost:6333'"),
        ({"url": "http://me:secret@host"}, "must carry no password"),
        ({"name": "a/b"}, "index name 'a/b' may hold"),
        ({"shard_number": 0}, "shard_number must be at least 1, not 0"),
        ({"timeout_s": 0}, "timeout_s must be at least 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        Server(**{"url": "http://host:6333", **fields})  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("version", ["", "a-b", "a/b"])
def test_a_version_must_fit_into_a_name(client: QdrantClient, server: Server, tmp_path: Path, version: str) -> None:
    with pytest.raises(InputError, match=f"not {version!r}"):
        publish(client, server, tmp_path, version)
    assert collections(client) == set()


class Busy:
    """A client whose server is at work, or failed, the first times it is asked."""

    def __init__(self, client: QdrantClient, statuses: list[str]) -> None:
        self.client = client
        self.statuses = statuses

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    def get_collection(self, name: str) -> models.CollectionInfo:
        info = self.client.get_collection(name)
        return info.model_copy(update={"status": models.CollectionStatus(self.statuses.pop(0))})


def test_a_graph_that_is_being_built_is_waited_for(
    client: QdrantClient, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(client, server, tmp_path, "v1")
    slept: list[float] = []
    monkeypatch.setattr(versions.time, "sleep", slept.append)
    busy = Busy(client, ["yellow", "grey", "green", "never"])
    found = Version(busy, server, "test-v1").describe(4, "random", 12)  # type: ignore[arg-type]
    assert (found.collection, busy.statuses, len(slept)) == ("test-v1", ["never"], 2)
    with pytest.raises(StorageError, match="does not finish the collection test-v1: its status is red"):
        Version(Busy(client, ["red"]), server, "test-v1").describe(4, "random", 12)  # type: ignore[arg-type]
    monkeypatch.setattr(versions, "_SETTLE_S", -1)
    with pytest.raises(StorageError, match="its status is yellow"):
        Version(Busy(client, ["yellow"]), server, "test-v1").describe(4, "random", 12)  # type: ignore[arg-type]


def remote(handler: object, key: str | None = None) -> QdrantClient:
    """A client that speaks HTTP to a function."""
    transport = httpx.MockTransport(handler)  # type: ignore[arg-type]
    return QdrantClient(url="https://vectors:6333", api_key=key, check_compatibility=False, transport=transport)


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused")


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (refused, r"at https://vectors:6333 does not answer.*Connection refused.*set the vector server's url"),
        (lambda _: httpx.Response(401), r"https://vectors:6333 refuses the API key; set the vector server's api_key"),
        (lambda _: httpx.Response(403), r"https://vectors:6333 refuses the API key; set the vector server's api_key"),
        (lambda _: httpx.Response(404), r"https://vectors:6333 knows no such collection.*build the index again"),
        (lambda _: httpx.Response(500, text="disk full"), r"https://vectors:6333 could not .*500.*(?s:.)*disk full"),
        (lambda _: httpx.Response(429, headers={"Retry-After": "1"}), r"https://vectors:6333 could not "),
    ],
)
def test_a_server_that_cannot_be_used_is_one_clear_error(
    client: QdrantClient, server: Server, tmp_path: Path, handler: object, message: str
) -> None:
    publish(client, server, tmp_path / "1", "v1")
    there = Server("https://vectors:6333", api_key="secret-key", name="test")
    talking = remote(handler, "secret-key")
    vectors = random_vectors(12, 4)
    for use in (
        lambda: open_index(tmp_path / "1", there, talking),
        lambda: build(vectors, everywhere(vectors), tmp_path / "2", server=there, version="v2", client=talking),
        lambda: prune(there, client=talking),
    ):
        with pytest.raises(StorageError, match=message) as failed:
            use()
        assert "secret-key" not in str(failed.value)
    assert not (tmp_path / "2" / "dense.json").exists()


def test_a_client_is_made_and_closed_where_none_is_given(server: Server, tmp_path: Path) -> None:
    nobody = Server("http://127.0.0.1:1", name="test", timeout_s=1)
    with pytest.raises(StorageError, match=r"at http://127\.0\.0\.1:1 does not answer"):
        publish(None, nobody, tmp_path, "v1")  # type: ignore[arg-type]


def test_what_is_asked_of_a_cluster_goes_over_the_wire() -> None:
    asked: dict[tuple[str, str], list[dict[str, object]]] = {}
    metadata: dict[str, object] = {}
    waits: set[str] = set()

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        body = json.loads(request.content) if request.content else {}
        asked.setdefault((request.method, path), []).append(body)
        result: object = True
        if path.endswith("/points"):
            waits.add(request.url.params["wait"])
        if request.method == "PUT" and path == "/collections/test-v1":
            metadata.update(body["metadata"])
        elif path in ("/collections/test-v1/points", "/collections/test-v1/index"):
            result = {"operation_id": 1, "status": "completed"}
        elif request.method == "GET" and path == "/collections/test-v1":
            result = described(metadata)
        return httpx.Response(200, json={"result": result, "status": "ok", "time": 0.1})

    server = Server("https://vectors:6333", name="test", shard_number=3, replication_factor=2)
    talking = remote(answer)
    vectors = random_vectors(600, 4)
    blocks = [Block(vectors.ids, vectors.matrix, [Payload("reuse")] * 600)]
    version = Version(talking, server, "test-v1")
    version.create(4, "r", 10_000)
    found = version.write(blocks, dimension=4, revision="r")
    assert (found.hnsw, found.count) == (True, 600)
    (made,) = asked["PUT", "/collections/test-v1"]
    assert made["vectors"] == {"size": 4, "distance": "Cosine"}
    assert (made["shard_number"], made["replication_factor"]) == (3, 2)
    assert made["hnsw_config"] == {"m": 16, "ef_construct": 100, "full_scan_threshold": 156}
    uploads: list[list[dict[str, object]]] = [body["points"] for body in asked["PUT", "/collections/test-v1/points"]]  # type: ignore[misc]
    assert [len(points) for points in uploads] == [256, 256, 88]
    points = [point for upload in uploads for point in upload]
    assert [point["id"] for point in points] == list(range(600))
    assert np.array_equal(np.array([point["vector"] for point in points], np.float32), vectors.matrix)
    assert all(point["payload"]["topic"] == "reuse" for point in points)  # type: ignore[index]
    assert waits == {"true"}
    fields = [index["field_name"] for index in asked["PUT", "/collections/test-v1/index"]]
    assert fields == ["topic", "items", "materials", "jurisdictions"]


def described(metadata: dict[str, object]) -> dict[str, object]:
    """What a server says of a collection that has a graph."""
    return {
        "status": "green",
        "optimizer_status": "ok",
        "segments_count": 1,
        "indexed_vectors_count": 600,
        "points_count": 600,
        "payload_schema": {},
        "config": {
            "params": {"vectors": {"size": 4, "distance": "Cosine"}},
            "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 156},
            "optimizer_config": {
                "deleted_threshold": 0.2,
                "vacuum_min_vector_number": 1000,
                "default_segment_number": 0,
                "flush_interval_sec": 5,
            },
            "metadata": metadata,
        },
    }


def test_a_server_too_old_for_metadata_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        forgets = request.method == "GET"
        completed = {"operation_id": 1, "status": "completed"}
        result = described({}) if forgets else completed if request.url.path.endswith("index") else True
        return httpx.Response(200, json={"result": result, "status": "ok", "time": 0.1})

    server = Server("https://vectors:6333", name="test")
    with pytest.raises(StorageError, match=r"keeps no metadata of collections; use Qdrant 1\.16 or newer"):
        Version(remote(answer), server, "test-v1").write([], dimension=4, revision="r")


def test_a_collection_that_another_builder_makes_meanwhile_is_left_alone(
    client: QdrantClient, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Version(client, server, "test-v1").create(9, "r", 10)
    monkeypatch.setattr(Version, "is_complete", lambda version: None)
    with pytest.raises(ValueError, match="already exists"):
        publish(client, server, tmp_path, "v1")
    assert collections(client) == {"test-v1"}


def test_errors_of_this_program_pass_untouched() -> None:
    with pytest.raises(ValueError, match="mine"), answering(Server("http://host"), "try"):
        raise ValueError("mine")


def test_other_names_do_not_collide(client: QdrantClient, tmp_path: Path) -> None:
    one = named(["a", "b"], np.eye(2, dtype=np.float32))
    for name in ("x", "x-y"):
        publish(client, Server("http://memory", name=name), tmp_path / name, "v1", one)
    assert collections(client) == {"x-v1", "x-y-v1"}
    assert alias(client) == {"x": "x-v1", "x-y": "x-y-v1"}
