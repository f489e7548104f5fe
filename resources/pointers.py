"""Which version of each asset is the current one: a small JSON file an asset, replaced atomically.

The asset graph writes a pointer as an asset's output and reads it as the input of what is downstream; nothing ever
looks for the newest file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from releaf.artifacts import read_json, write_json


def pointer_path(home: Path, asset: str) -> Path:
    """Where the pointer of `asset` stands."""
    return home / "assets" / f"{asset}.json"


def write_pointer(home: Path, asset: str, pointer: dict[str, Any]) -> None:
    """Make `pointer` the current one of `asset`."""
    write_json(pointer_path(home, asset), pointer)


def read_pointer(home: Path, asset: str) -> dict[str, Any] | None:
    """The current pointer of `asset`, or None when it was never made."""
    path = pointer_path(home, asset)
    return dict(read_json(path)) if path.is_file() else None


def current_pointers(home: Path) -> dict[str, dict[str, Any]]:
    """All current pointers by asset name."""
    return {path.stem: dict(read_json(path)) for path in sorted((home / "assets").glob("*.json"))}
