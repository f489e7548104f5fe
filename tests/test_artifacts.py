from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from releaf.artifacts import Artifact, atomic_write_bytes, open_artifact, publish, staged_directory, sweep
from releaf.errors import ArtifactError, StorageError


def make(
    parent: Path, text: str = "hello", inputs: dict[str, str] | None = None, version: str | None = None
) -> Artifact:
    with staged_directory(parent) as staging:
        (staging / "a.txt").write_text(text)
        return publish(
            staging,
            parent,
            kind="note",
            code_version="1",
            inputs=inputs or {},
            metrics={"x": 1.0},
            version=version,
        )


def test_equal_content_has_one_version_and_other_content_another(tmp_path: Path) -> None:
    assert make(tmp_path).version == make(tmp_path).version != make(tmp_path, "bye").version


def test_a_changed_byte_is_refused_with_the_files_name(tmp_path: Path) -> None:
    artifact = make(tmp_path)
    (artifact.path / "a.txt").write_text("hellO")
    with pytest.raises(ArtifactError, match=r"a\.txt was changed after it was published"):
        open_artifact(artifact.path)


def test_publishing_over_a_damaged_artifact_mends_it(tmp_path: Path) -> None:
    artifact = make(tmp_path)
    (artifact.path / "a.txt").unlink()
    assert (make(tmp_path).path / "a.txt").read_text() == "hello"


def test_same_content_from_other_inputs_keeps_the_files_and_renews_the_origin(tmp_path: Path) -> None:
    make(tmp_path, "first", {"data": "1"}, version="v")
    again = make(tmp_path, "second", {"data": "2"}, version="v")
    assert again.manifest.inputs == {"data": "2"}
    assert (again.path / "a.txt").read_text() == "first"


def test_a_failure_while_writing_leaves_nothing_behind(tmp_path: Path) -> None:
    def half() -> None:
        with staged_directory(tmp_path) as staging:
            (staging / "a.txt").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_process_are_swept_and_those_of_a_living_one_are_not(tmp_path: Path) -> None:
    (tmp_path / ".staging-999999999-x").mkdir()
    (tmp_path / f".staging-{os.getpid()}-x").mkdir()
    assert sweep(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == [f".staging-{os.getpid()}-x"]


def test_a_full_disk_is_one_clear_error_and_the_old_content_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file"
    atomic_write_bytes(target, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no space left on device; free some space or point RELEAF_HOME"):
        atomic_write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds a note, not a graph"):
        open_artifact(make(tmp_path).path, kind="graph")
