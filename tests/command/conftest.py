"""A home in which the small lineage was made, and the command as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lineage import run, small_data, tiny_settings

ROOT = Path(__file__).resolve().parent.parent.parent
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds `home` and `data` after one run; tests here only read it."""
    root = tmp_path_factory.mktemp("command")
    outcome, _ = run(tiny_settings(root / "home", small_data(root / "data")))
    assert outcome.ok
    return root


def environment(root: Path) -> dict[str, str]:
    """The environment of a command on the home and data below `root`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RELEAF_")}
    return inherited | {"RELEAF_HOME": str(root / "home"), "RELEAF_DATA_DIR": str(root / "data")}


@pytest.fixture(scope="session")
def releaf(made_home: Path) -> Command:
    """Call `releaf` with arguments on the made home, or on `root`."""

    def call(*arguments: str, root: Path = made_home) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from command.main import main; main()", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment(root), capture_output=True, text=True, check=False, timeout=240
        )

    return call


@pytest.fixture(scope="session")
def releaf_json(releaf: Command) -> Callable[..., Any]:
    """Call `releaf … --json` and parse its stdout; the command must succeed."""

    def call(*arguments: str) -> Any:
        done = releaf(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call
