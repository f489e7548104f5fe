from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from releaf.artifacts import Artifact
from resources.artifacts import ArtifactStore
from resources.pointers import write_pointer
from resources.references import to_pointer
from resources.warehouse import Dataset

Make = Callable[..., Artifact]


def test_an_artifact_lands_in_the_folder_of_its_kind_under_its_version(home: Path, make: Make) -> None:
    artifact = make("hello")
    assert artifact.path == home / "artifacts" / "note" / artifact.version
    assert (artifact.metrics, artifact.manifest.inputs) == ({"letters": 5.0}, {"pen": "v1"})


def test_equal_content_is_one_artifact(home: Path, make: Make) -> None:
    assert make("hello").version == make("hello").version != make("hullo").version
    assert len(list((home / "artifacts" / "note").iterdir())) == 2


def test_a_write_that_fails_publishes_nothing(home: Path, store: ArtifactStore) -> None:
    def fail(directory: Path) -> dict[str, float]:
        (directory / "half.txt").write_text("ha")
        raise ValueError("no ink")

    with pytest.raises(ValueError, match="no ink"):
        store.publish("note", fail, code_version="1", inputs={})
    assert list((home / "artifacts" / "note").iterdir()) == []


def test_training_resumes_only_from_a_run_of_the_same_inputs_and_settings(store: ArtifactStore) -> None:
    place = store.training_state("graph", "1", "inputs", {"epochs": 2})
    assert place == store.training_state("graph", "1", "inputs", {"epochs": 2})
    others = [
        store.training_state("vision", "1", "inputs", {"epochs": 2}),
        store.training_state("graph", "2", "inputs", {"epochs": 2}),
        store.training_state("graph", "1", "other inputs", {"epochs": 2}),
        store.training_state("graph", "1", "inputs", {"epochs": 3}),
        store.training_state("graph", "1", "inputs"),
    ]
    assert len({place, *others}) == 6


def test_parts_of_a_training_state_do_not_run_into_each_other(store: ArtifactStore) -> None:
    assert store.training_state("graph", "ab", "c") != store.training_state("graph", "a", "bc")


def test_a_cache_is_a_folder_that_is_there(home: Path, store: ArtifactStore) -> None:
    assert store.cache("pixels") == home / "cache" / "pixels"
    assert store.cache("pixels").is_dir()


def test_the_current_artifact_is_the_one_its_pointer_names(home: Path, store: ArtifactStore, make: Make) -> None:
    assert store.current("note") is None
    old, new = make("old"), make("new")
    write_pointer(home, "note", to_pointer(home, old))
    current = store.current("note")
    assert current is not None
    assert current.version == old.version != new.version


def test_a_damaged_artifact_is_no_current_one(home: Path, store: ArtifactStore, make: Make) -> None:
    artifact = make()
    write_pointer(home, "note", to_pointer(home, artifact))
    (artifact.path / "note.txt").write_text("HELLO")
    assert store.current("note") is None


def test_a_dataset_is_no_current_artifact(home: Path, store: ArtifactStore) -> None:
    write_pointer(home, "note", to_pointer(home, Dataset({})))
    assert store.current("note") is None
