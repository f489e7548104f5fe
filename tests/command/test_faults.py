"""Kills and simultaneous runs: what was made stays, what is missing is made, nothing is corrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from resources.releases import open_release
from tests.command.conftest import ROOT, environment
from tests.lineage import run, small_data, tiny_settings

# Each test runs the lineage several times over, in processes that start from nothing.
pytestmark = pytest.mark.timeout(900)

# Runs the small lineage in a process of its own and kills that process with SIGKILL as a given step starts or ends.
SCRIPT = """
import os, signal, sys
from pathlib import Path

import psutil

from command.run import refresh
from command.watch import Watcher
from tests.lineage import passing, tiny_settings

root, event, step, lanes = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])

class Killer(Watcher):
    def event(self, entry):
        found = entry.dagster_event
        if found is not None and (found.event_type_value, found.step_key) == (event, step):
            (root / "lanes").write_text(" ".join(str(child.pid) for child in psutil.Process().children()))
            os.kill(os.getpid(), signal.SIGKILL)
        super().event(entry)

with Killer(quiet=True) as watcher:
    outcome, _ = refresh(tiny_settings(root / "home", root / "data", lanes=lanes), watcher, gates=passing())
wrong = outcome.failed + [gate for gate in outcome.gates if not gate["passed"]]
print("made", len(outcome.materialized), "wrong", wrong)
"""


def start(root: Path, event: str = "NONE", step: str = "none", *, lanes: int = 1) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, str(root), event, step, str(lanes)]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(root) | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    small_data(tmp_path / "data")
    return tmp_path


def test_a_run_killed_at_several_points_is_finished_by_the_next_with_only_the_missing_work(root: Path) -> None:
    settings = tiny_settings(root / "home", root / "data")
    for event, step in (
        ("STEP_START", "knowledge_chunks"),
        ("ASSET_MATERIALIZATION", "document_embeddings"),
        ("STEP_START", "vision_report"),
        ("STEP_START", "release"),
    ):
        with start(root, event, step, lanes=2) as killed:
            told = killed.communicate(timeout=400)[0]
        assert killed.returncode == -signal.SIGKILL, told
        lanes = [int(pid) for pid in (root / "lanes").read_text().split()]
        _, alive = psutil.wait_procs([psutil.Process(pid) for pid in lanes if psutil.pid_exists(pid)], timeout=60)
        assert not alive
        assert open_release(settings.home) is None
    outcome, states = run(settings)
    assert outcome.ok
    assert outcome.materialized == ["release"]
    assert {state.state for state in states.values()} == {"fresh"}
    assert open_release(settings.home) is not None
    assert not list(settings.home.glob("artifacts/*/.staging-*"))


def test_two_runs_at_once_both_end_cleanly_and_the_work_is_done_once(root: Path) -> None:
    with start(root) as first, start(root) as second:
        told = [process.communicate(timeout=600)[0].strip() for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(told)[0] == "made 0 wrong []"
    assert open_release(root / "home") is not None


def test_a_release_stays_readable_while_a_run_replaces_what_is_around_it(root: Path) -> None:
    settings = tiny_settings(root / "home", root / "data")
    run(settings)
    file = sorted((root / "data" / "knowledge").glob("*.md"))[0]
    file.write_text(file.read_text() + "\nA sentence more.\n")
    reads = 0
    deadline = time.monotonic() + 200
    with start(root) as running:
        while running.poll() is None and time.monotonic() < deadline:
            assert open_release(settings.home) is not None
            reads += 1
    assert running.returncode == 0
    assert reads > 0
