from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from releaf.errors import ArtifactError, StorageError
from resources.pointers import current_pointers, pointer_path, read_pointer, write_pointer


def test_what_was_never_made_has_no_pointer(home: Path) -> None:
    assert read_pointer(home, "note") is None
    assert current_pointers(home) == {}


def test_the_last_pointer_written_is_the_current_one(home: Path) -> None:
    write_pointer(home, "note", {"version": "1"})
    write_pointer(home, "note", {"version": "2"})
    write_pointer(home, "other", {"version": "9"})
    assert read_pointer(home, "note") == {"version": "2"}
    assert current_pointers(home) == {"note": {"version": "2"}, "other": {"version": "9"}}


def test_a_write_that_fails_leaves_the_old_pointer_and_nothing_beside_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pointer(home, "note", {"version": "1"})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError):
        write_pointer(home, "note", {"version": "2"})
    assert read_pointer(home, "note") == {"version": "1"}
    assert [path.name for path in (home / "assets").iterdir()] == ["note.json"]


def test_a_broken_pointer_is_named(home: Path) -> None:
    write_pointer(home, "note", {"version": "1"})
    pointer_path(home, "note").write_text("{")
    with pytest.raises(ArtifactError, match=r"note\.json is not valid JSON"):
        read_pointer(home, "note")
