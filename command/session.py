"""What every verb stands on: the effective settings, Dagster's instance in the home, and the state of the assets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from releaf.artifacts import atomic_write_bytes
from resources.settings import PROJECT_ROOT, Settings, load_settings

if TYPE_CHECKING:
    import dagster as dg


def settings() -> Settings:
    """The effective settings of this process."""
    return load_settings()


def prepare_home(home: Path) -> Path:
    """Make the home's Dagster folder and its configuration; returns that folder, which is DAGSTER_HOME."""
    folder = home / "dagster"
    wanted = (PROJECT_ROOT / "dagster.yaml").read_bytes()
    target = folder / "dagster.yaml"
    if not target.is_file() or target.read_bytes() != wanted:
        atomic_write_bytes(target, wanted)
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage in the home."""
    import dagster as dg

    with dg.DagsterInstance.from_config(str(prepare_home(home))) as instance:
        yield instance
