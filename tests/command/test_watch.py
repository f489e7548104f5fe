"""What a watcher keeps of a run, and how an outcome is judged and printed."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from command.run import Outcome
from command.ui import ui_process
from command.watch import Watcher, failure_message
from releaf.errors import InputError, StorageError
from resources.settings import load_settings

RUN = "00000000-0000-4000-8000-000000000000"


def watched(error: BaseException) -> tuple[Watcher, list[str]]:
    @dg.asset
    def broken() -> None:
        raise error

    messages = []
    watcher = Watcher(quiet=True)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_event_listener(RUN, watcher.event)
        job = dg.Definitions([broken]).resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, raise_on_error=False, run_id=RUN)
        for event in result.all_events:
            if event.event_type_value == "STEP_FAILURE":
                messages.append(failure_message(event))
    return watcher, messages


def test_an_own_error_is_told_in_its_own_words_alone() -> None:
    _, messages = watched(InputError("the file x is empty; give another"))
    assert messages == ["the file x is empty; give another"]


def test_an_own_error_is_told_rather_than_what_caused_it() -> None:
    error = StorageError("cannot write x: no space left on device")
    error.__cause__ = OSError(28, "No space left on device")
    _, messages = watched(error)
    assert messages == ["cannot write x: no space left on device"]


def test_an_error_of_somebody_else_is_named_and_points_at_the_trace() -> None:
    _, messages = watched(ZeroDivisionError("division by zero"))
    assert messages == ["ZeroDivisionError: division by zero (the whole trace is in `releaf ui`)"]


def test_an_interrupted_step_is_told_from_one_that_failed() -> None:
    watcher, messages = watched(dg.DagsterExecutionInterruptedError())
    assert (watcher.interrupted, messages) == (True, ["it was interrupted"])
    assert watcher.failures == [{"asset": "broken", "error": "it was interrupted"}]
    watcher, _ = watched(ZeroDivisionError("division by zero"))
    assert not watcher.interrupted


def test_an_outcome_is_good_only_without_failures_and_red_gates() -> None:
    assert Outcome().ok
    assert not Outcome(failed=[{"asset": "a", "error": "b"}]).ok
    assert not Outcome(gates=[{"passed": False}]).ok


def test_the_ui_is_started_with_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command, environment = ui_process(load_settings(home=Path("here")), "127.0.0.1", 3210)
    assert environment["RELEAF_HOME"] == str(tmp_path / "here")
    assert command[-4:] == ["--host", "127.0.0.1", "--port", "3210"]
