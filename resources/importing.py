"""Puts files that were checked elsewhere below the imports, all of them or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from releaf.artifacts import staged_directory, storage_errors


def import_texts(texts: Mapping[str, str], target: Path) -> None:
    """Write texts below their file names into `target`, replacing what an earlier import of that name left there."""

    def fill(staging: Path) -> None:
        for name, text in texts.items():
            (staging / name).write_bytes(text.encode())

    _replace(target, fill)


def import_made(fill: Callable[[Path], None], target: Path) -> None:
    """Let `fill` write files into an empty folder that becomes `target`; nothing is replaced where it raises."""
    _replace(target, fill)


def _replace(target: Path, fill: Callable[[Path], None]) -> None:
    with staged_directory(target.parent) as staging, staged_directory(target.parent) as aside:
        fill(staging)
        with storage_errors(target):
            before = aside / target.name
            # Two renames: a reader sees the old or the new folder, for an instant none, never a mixture.
            if target.exists():
                os.rename(target, before)
            try:
                os.rename(staging, target)
            except OSError:
                if before.exists():
                    os.rename(before, target)
                raise
