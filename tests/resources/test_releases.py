from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from releaf.artifacts import Artifact
from releaf.errors import ArtifactError, StorageError
from resources.artifacts import ArtifactStore
from resources.releases import current_release, open_release, set_current


def bundle(store: ArtifactStore, text: str) -> Artifact:
    def write(directory: Path) -> dict[str, float]:
        (directory / "member.txt").write_text(text)
        return {}

    return store.publish("release", write, code_version="1", inputs={}, root="releases")


def test_before_the_first_release_there_is_none(home: Path) -> None:
    assert current_release(home) is None
    assert open_release(home) is None


def test_a_bundle_is_not_released_until_it_is_made_the_current_one(home: Path, store: ArtifactStore) -> None:
    first = bundle(store, "first")
    assert current_release(home) is None
    set_current(home, first.version)
    second = bundle(store, "second")
    assert current_release(home) == {"version": first.version, "path": str(first.path)}
    set_current(home, second.version)
    opened = open_release(home)
    assert opened is not None
    assert (opened.version, opened.path) == (second.version, second.path)


def test_a_release_that_cannot_be_written_leaves_the_old_one(
    home: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = bundle(store, "first"), bundle(store, "second")
    set_current(home, first.version)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError):
        set_current(home, second.version)
    release = current_release(home)
    assert release is not None
    assert release["version"] == first.version
    assert not [path for path in (home / "releases").iterdir() if path.name.startswith(".current")]


def test_a_release_whose_member_was_changed_is_refused_by_the_members_name(home: Path, store: ArtifactStore) -> None:
    first = bundle(store, "first")
    set_current(home, first.version)
    (first.path / "member.txt").write_text("fIrst")
    with pytest.raises(ArtifactError, match=r"member\.txt was changed"):
        open_release(home)


def test_a_moved_home_still_has_its_release(home: Path, store: ArtifactStore) -> None:
    first = bundle(store, "first")
    set_current(home, first.version)
    moved = home.rename(home.with_name("elsewhere"))
    opened = open_release(moved)
    assert opened is not None
    assert opened.path == moved / "releases" / first.version
