"""What tests of resources share: settings without the environment, a small artifact, a warehouse."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from releaf.artifacts import Artifact
from resources.artifacts import ArtifactStore
from resources.warehouse import Warehouse


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment without any setting of the project in it."""
    for variable in list(os.environ):
        if variable.startswith("RELEAF_"):
            monkeypatch.delenv(variable)
    return monkeypatch


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which nothing was made yet."""
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> ArtifactStore:
    return ArtifactStore(home=str(home))


@pytest.fixture
def warehouse(home: Path, project_root: Path) -> Warehouse:
    return Warehouse(home=str(home), queries=str(project_root / "duckdb"))


@pytest.fixture
def make(store: ArtifactStore) -> Callable[..., Artifact]:
    """Publish an artifact of one text file."""

    def publish(text: str = "hello", kind: str = "note") -> Artifact:
        def write(directory: Path) -> dict[str, float]:
            (directory / "note.txt").write_text(text)
            return {"letters": float(len(text))}

        return store.publish(kind, write, code_version="1", inputs={"pen": "v1"})

    return publish
