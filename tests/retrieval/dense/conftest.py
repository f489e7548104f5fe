"""Both engines behind one fixture; the server code runs against the client's local mode, and a live server if any."""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient

from releaf.retrieval.dense import DenseIndex, Server, build, open_index
from releaf.retrieval.dense.build import Built
from releaf.retrieval.encode import unit_rows
from releaf.retrieval.passages import Payload
from releaf.retrieval.vectors import Vectors

LIVE = "RELEAF_TEST_QDRANT_URL"


def random_vectors(count: int, dimension: int = 24, seed: int = 0, revision: str = "random") -> Vectors:
    """Unit vectors in all directions, named c0, c1, ..."""
    matrix = unit_rows(np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32))
    return named([f"c{row}" for row in range(count)], matrix, revision)


def named(ids: list[str], matrix: np.ndarray, revision: str = "random") -> Vectors:
    return Vectors(ids=tuple(ids), keys=tuple(ids), matrix=matrix, revision=revision)


def everywhere(vectors: Vectors) -> dict[str, Payload]:
    return {name: Payload("recycling") for name in vectors.ids}


@dataclass(frozen=True)
class Engine:
    """Builds and opens indexes in one engine; every build is a version of its own."""

    server: Server | None = None
    client: QdrantClient | None = None

    def build(
        self, vectors: Vectors, payloads: dict[str, Payload], directory: Path, *, hnsw_from: int = 10_000
    ) -> Built:
        version = uuid.uuid4().hex
        return build(
            vectors,
            payloads,
            directory,
            hnsw_from=hnsw_from,
            server=self.server,
            version=version if self.server else "",
            client=self.client,
        )

    def open(self, directory: Path) -> DenseIndex:
        return open_index(directory, self.server, self.client)


@pytest.fixture
def client() -> Iterator[QdrantClient]:
    """The client's local mode, in memory: it compares with every vector and says so once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect in the local Qdrant", UserWarning)
        warnings.filterwarnings("ignore", "Local mode performs exact", UserWarning)
        memory = QdrantClient(":memory:")
        yield memory
        memory.close()


@pytest.fixture
def server() -> Server:
    return Server("http://memory:6333", api_key="secret-key", name="test")


@pytest.fixture(params=["embedded", "memory", "live"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "embedded":
        yield Engine()
    elif request.param == "memory":
        yield Engine(request.getfixturevalue("server"), request.getfixturevalue("client"))
    else:
        yield from live_engine()


def live_engine() -> Iterator[Engine]:
    if not (url := os.environ.get(LIVE)):
        pytest.skip(f"no live Qdrant server; set {LIVE} to run this on one")
    server = Server(url, api_key=os.environ.get("RELEAF_TEST_QDRANT_API_KEY"), name=f"test-{uuid.uuid4().hex}")
    talking = QdrantClient(url=url, api_key=server.api_key, check_compatibility=False)
    try:
        yield Engine(server, talking)
    finally:
        for collection in talking.get_collections().collections:
            if collection.name.startswith(server.name):
                talking.delete_collection(collection.name)
        talking.close()


@pytest.fixture(autouse=True)
def _private_copies(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("private")))
    monkeypatch.setattr("releaf.retrieval.dense.files.MEMORY", Path("/there/is/none"))


def copies() -> list[Path]:
    """The private copies that stand in the temporary directory."""
    return list(Path(tempfile.gettempdir()).glob("releaf-dense-*"))
