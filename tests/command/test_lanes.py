from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from command import lanes
from command.lanes import make
from command.watch import Watcher
from releaf_assets.gates import GATES
from resources.pointers import current_pointers
from sensors.staleness import Wave
from tests.command.conftest import ROOT
from tests.lineage import passing, run, small_data, tiny_settings

PARENTS: dict[str, set[str]] = {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"b", "c"}, "e": set()}
# Speaks as a lane does, and notes what it is told.
FAKE = """
import json, sys
settings = json.loads(sys.stdin.readline())
with open({notes!r}, "a") as notes:
    for line in sys.stdin:
        notes.write(line)
        notes.flush()
        {answer}
"""


class Fake:
    """A lineage whose assets take no work; what is made here is noted, and what is in `failing` does not pass."""

    def __init__(self, parents: dict[str, set[str]], failing: Sequence[str] = ()) -> None:
        self._parents = parents
        self._failing = failing
        self.made: list[str] = []
        self.elsewhere = threading.Event()

    def parents(self, assets: set[str]) -> dict[str, set[str]]:
        return {name: self._parents[name] & assets for name in assets}

    def execute(self, wave: Wave, listener: Callable[[Any], None]) -> bool:
        self.made += sorted(wave.assets)
        return not wave.assets & set(self._failing)


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resources.models.processors", lambda: 2)


def fake_lane(monkeypatch: pytest.MonkeyPatch, folder: Path, answer: str) -> Callable[[], list[str]]:
    """Replace the command of a lane; returns what reads the names that lanes were told."""
    notes = folder / "told"
    notes.touch()
    script = FAKE.format(notes=str(notes), answer=answer)
    monkeypatch.setattr(lanes, "COMMAND", (sys.executable, "-c", script))
    return lambda: [json.loads(line) for line in notes.read_text().splitlines()]


def call(
    tmp_path: Path, lineage: Fake, *, count: int = 2, patience: float = 0.0, watcher: Watcher | None = None
) -> Watcher:
    settings = tiny_settings(tmp_path / "home", ROOT / "data", lanes=count)
    watcher = watcher or Watcher(quiet=True)
    make(Wave(set(PARENTS)), lineage, watcher, settings, GATES, patience=patience)  # type: ignore[arg-type]
    return watcher


def test_one_lane_makes_a_wave_in_one_run(tmp_path: Path) -> None:
    lineage = Fake(PARENTS)
    call(tmp_path, lineage, count=1)
    assert lineage.made == ["a", "b", "c", "d", "e"]


def test_each_asset_is_made_once_here_or_in_the_other_lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = fake_lane(monkeypatch, tmp_path, "print(json.dumps(['done', True]), flush=True)")
    lineage = Fake(PARENTS)
    assert call(tmp_path, lineage).failures == []
    assert sorted(lineage.made + told()) == ["a", "b", "c", "d", "e"]


def test_no_process_is_started_where_nothing_waits_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = fake_lane(monkeypatch, tmp_path, "print(json.dumps(['done', True]), flush=True)")
    lineage = Fake(PARENTS)
    call(tmp_path, lineage, patience=3600)
    assert (sorted(lineage.made), told()) == (["a", "b", "c", "d", "e"], [])


def test_nothing_below_what_failed_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = fake_lane(monkeypatch, tmp_path, "print(json.dumps(['done', json.loads(line) != 'a']), flush=True)")
    lineage = Fake(PARENTS, failing=["a"])
    call(tmp_path, lineage)
    assert sorted(lineage.made + told()) == ["a", "e"]


class Waiting(Fake):
    """Makes nothing here before something was given to the other lane."""

    def __init__(self, told: Callable[[], list[str]]) -> None:
        super().__init__({"a": set(), "b": {"a"}, "c": set(), "d": set(), "e": set()})
        self._told = told

    def execute(self, wave: Wave, listener: Callable[[Any], None]) -> bool:
        while not self._told():
            threading.Event().wait(0.01)
        return super().execute(wave, listener)


def test_a_lane_that_dies_costs_its_asset_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = fake_lane(monkeypatch, tmp_path, "sys.exit(7)")
    lineage = Waiting(told)
    watcher = call(tmp_path, lineage)
    lost = {failure["asset"]: failure["error"] for failure in watcher.failures}
    assert sorted(lost) == sorted(told())
    assert set(lost.values()) == {
        "the process that made it ended with exit code 7; if memory is short, make one asset at a time with "
        "RELEAF_LANES=1"
    }
    assert not set(lineage.made) & set(lost)


def test_progress_of_the_other_lane_reaches_the_watcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = (
        "print(json.dumps(['progress', json.loads(line), 1, 3, 'loss 0.5'])); "
        "print(json.dumps(['done', True]), flush=True)"
    )
    told = fake_lane(monkeypatch, tmp_path, answer)
    seen: list[tuple[Any, ...]] = []
    monkeypatch.setattr(Watcher, "progress", lambda self, *note: seen.append(note))
    call(tmp_path, Waiting(told))
    assert seen == [(name, 1, 3, "loss 0.5") for name in told()]


def test_an_error_here_ends_the_other_lane_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = fake_lane(monkeypatch, tmp_path, "print(json.dumps(['done', True]), flush=True)")

    class Broken(Waiting):
        def execute(self, wave: Wave, listener: Callable[[Any], None]) -> bool:
            super().execute(wave, listener)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(tmp_path, Broken(told))
    assert threading.active_count() < 20


def test_nothing_more_is_made_after_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = fake_lane(monkeypatch, tmp_path, "print(json.dumps(['done', True]), flush=True)")
    watcher = Watcher(quiet=True)

    class Interrupted(Fake):
        def execute(self, wave: Wave, listener: Callable[[Any], None]) -> bool:
            super().execute(wave, listener)
            watcher.interrupted = True  # as for a step that Dagster ended for Ctrl-C
            return False

    lineage = Interrupted({"a": set(), "b": set(), "c": set(), "d": set(), "e": set()})
    call(tmp_path, lineage, patience=3600, watcher=watcher)
    assert (lineage.made, told()) == (["a"], [])


def test_a_lane_ends_when_nobody_can_tell_it_anything_any_more(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path / "home", small_data(tmp_path / "data"))
    first = {"settings": settings.model_dump(mode="json", exclude={"qdrant_api_key"}), "gates": []}
    with subprocess.Popen(lanes.COMMAND, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate(json.dumps(first) + "\n", timeout=60) == ("", None)
    assert process.returncode == 0


@pytest.mark.timeout(600)
def test_two_lanes_make_what_one_makes(made_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE", 0.0)
    small_data(tmp_path / "data")
    outcome, states = run(tiny_settings(tmp_path / "home", tmp_path / "data", lanes=2), passing())
    assert outcome.ok
    assert len(outcome.materialized) == len(states)
    one, two = (
        {name: pointer.get("path", pointer.get("tables")) for name, pointer in current_pointers(home).items()}
        for home in (made_home / "home", tmp_path / "home")
    )
    # It holds the engine's own files, which are named at random in every run; all that went into it is compared here.
    assert {one.pop("release"), two.pop("release")}
    assert one == two
