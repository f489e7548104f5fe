from __future__ import annotations

import threading
import time

from command.schedule import Schedule

# a → b → c → d, a → e; f alone
PARENTS: dict[str, set[str]] = {"a": set(), "b": {"a"}, "c": {"b"}, "d": {"c"}, "e": {"a"}, "f": set()}


def test_what_has_the_longest_way_below_it_comes_first_and_nothing_before_its_inputs() -> None:
    schedule = Schedule(PARENTS)
    assert [schedule.take(), schedule.take()] == ["a", "f"]
    schedule.done("a", passed=True)
    assert [schedule.take(), schedule.take()] == ["b", "e"]
    schedule.done("b", passed=True)
    assert schedule.take() == "c"
    schedule.done("c", passed=True)
    assert schedule.take() == "d"
    assert schedule.take() is None


def test_nothing_below_what_failed_is_handed_out() -> None:
    schedule = Schedule(PARENTS)
    assert schedule.take() == "a"
    schedule.done("a", passed=False)
    assert schedule.take() == "f"
    assert schedule.take() is None


def test_of_two_inputs_both_must_be_made() -> None:
    schedule = Schedule({"a": set(), "b": set(), "c": {"a", "b"}})
    assert {schedule.take(), schedule.take()} == {"a", "b"}
    schedule.done("a", passed=True)
    schedule.done("b", passed=False)
    assert schedule.take() is None


def test_a_lane_that_has_nothing_to_do_waits_for_another_to_be_done() -> None:
    schedule = Schedule({"a": set(), "b": {"a"}})
    assert schedule.take() == "a"
    taken: list[str | None] = []
    waiting = threading.Thread(target=lambda: taken.append(schedule.take()))
    waiting.start()
    schedule.done("a", passed=True)
    waiting.join(timeout=60)
    assert taken == ["b"]


def test_a_patient_lane_leaves_new_work_to_the_others() -> None:
    schedule = Schedule({"a": set(), "b": {"a"}})
    taken: list[str | None] = []
    patient = threading.Thread(target=lambda: taken.append(schedule.take(patience=3600)))
    patient.start()
    assert schedule.take() == "a"
    schedule.done("a", passed=True)
    assert schedule.take() == "b"
    patient.join(timeout=60)
    assert taken == [None]


def test_work_that_waited_long_enough_is_taken_by_a_patient_lane() -> None:
    started = time.monotonic()
    schedule = Schedule({"a": set()})
    assert schedule.take(patience=0.05) == "a"
    assert time.monotonic() - started >= 0.05


def test_a_closed_schedule_hands_out_nothing_more() -> None:
    schedule = Schedule(PARENTS)
    assert schedule.take() == "a"
    schedule.close()
    schedule.done("a", passed=True)
    assert schedule.take() is None
