from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from releaf.errors import InputError, TrainingError, UnknownNameError
from releaf.processes import in_processes, may_start_processes


def square_and_process(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def refuse_three(number: int) -> int:
    if number == 3:
        raise UnknownNameError("number", "three", ["one", "two"], "this test")
    return number


def die_elsewhere(number: int) -> int:
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def leave_elsewhere(number: int) -> int:
    if multiprocessing.parent_process() is not None:
        os._exit(7)
    return number


def test_each_item_is_worked_on_once_and_every_process_takes_part() -> None:
    with in_processes(square_and_process, range(6), 3) as results:
        found = dict(results)
    assert {place: value for place, (value, _) in found.items()} == {0: 0, 1: 1, 2: 4, 3: 9, 4: 16, 5: 25}
    workers = {process for _, process in found.values()}
    assert os.getpid() in workers
    assert len(workers) == 3


def test_no_more_processes_than_items_and_one_is_this_one() -> None:
    with in_processes(square_and_process, [5], 4) as results:
        assert list(results) == [(0, (25, os.getpid()))]
    with in_processes(square_and_process, [2, 3], 1) as results:
        assert list(results) == [(0, (4, os.getpid())), (1, (9, os.getpid()))]
    assert multiprocessing.active_children() == []


def test_an_error_of_the_work_comes_back_as_itself() -> None:
    # The first item goes to the other process, the rest are for whoever is free.
    with (
        pytest.raises(UnknownNameError, match="unknown number 'three' in this test; known: one, two"),
        in_processes(refuse_three, [3, 1], 2) as results,
    ):
        list(results)
    assert multiprocessing.active_children() == []


def test_a_killed_process_is_one_clear_error_and_leaves_no_other_running() -> None:
    with (
        pytest.raises(TrainingError, match=r"was killed by SIGKILL; if memory is short, .*taskset -c 0"),
        in_processes(die_elsewhere, range(4), 3) as results,
    ):
        list(results)
    assert multiprocessing.active_children() == []


def test_a_process_that_ends_by_itself_says_with_what_status() -> None:
    with pytest.raises(TrainingError, match="ended with status 7"), in_processes(leave_elsewhere, [1, 2], 2) as results:
        list(results)


def test_leaving_early_ends_the_processes() -> None:
    with pytest.raises(InputError, match="enough"), in_processes(square_and_process, range(4), 2):
        raise InputError("enough")
    assert multiprocessing.active_children() == []


def test_a_daemon_may_start_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert may_start_processes()
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # type: ignore[attr-defined]
    assert not may_start_processes()
