"""What is released: one pointer to an immutable bundle, replaced atomically, and the bundles themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from releaf.artifacts import Artifact, open_artifact, read_json, write_json


def releases_root(home: Path) -> Path:
    """Where bundles live."""
    return home / "releases"


def current_release(home: Path) -> dict[str, Any] | None:
    """Version and folder of the released bundle, or None before the first release."""
    pointer = releases_root(home) / "current.json"
    if not pointer.is_file():
        return None
    version = read_json(pointer)["version"]
    return {"version": version, "path": str(releases_root(home) / version)}


def open_release(home: Path) -> Artifact | None:
    """The released bundle, every file checked against its manifest."""
    release = current_release(home)
    return open_artifact(Path(release["path"]), kind="release") if release else None


def set_current(home: Path, version: str) -> None:
    """Let readers see `version` from now on."""
    write_json(releases_root(home) / "current.json", {"version": version})
