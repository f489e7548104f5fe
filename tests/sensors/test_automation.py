from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from sensors.automation import automation_condition, automation_sensor

if TYPE_CHECKING:
    from tests.sensors.conftest import Small


class Ticks:
    """Looks at a lineage again and again, remembering what it saw."""

    def __init__(self, small: Small) -> None:
        self._small = small
        self._cursor = None

    def look(self) -> set[str]:
        """The assets that automation asks for now."""
        result = dg.evaluate_automation_conditions(
            self._small.definitions(),
            self._small.instance,
            asset_selection=dg.AssetSelection.all(),
            cursor=self._cursor,
        )
        self._cursor = result.cursor
        return {key for key in ("a", "b", "c") if result.get_num_requested(dg.AssetKey(key))}


def watched(small: Small, condition: dg.AutomationCondition[dg.AssetKey]) -> Ticks:
    small.condition = condition
    ticks = Ticks(small)
    assert ticks.look() == set()
    return ticks


def test_the_condition_says_what_it_waits_for() -> None:
    assert automation_condition().get_label() == "upstream changed and its gates are green"


def test_the_switch_is_off_until_someone_turns_it_on_and_covers_everything() -> None:
    sensor = automation_sensor()
    assert sensor.name == "automation"
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert sensor.asset_selection == dg.AssetSelection.all()


def test_below_a_gate_that_stays_green_a_change_asks_for_everything_below_it(made: Small) -> None:
    ticks = watched(made, automation_condition())
    made.data["a"] = "a2"
    made.run("a")
    assert ticks.look() == {"b", "c"}


def test_one_change_is_asked_for_once(made: Small) -> None:
    ticks = watched(made, automation_condition())
    made.run("a")
    assert ticks.look() == {"b", "c"}
    assert ticks.look() == set()


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "eager"])
def test_below_a_failed_gate_nothing_is_asked_for_where_plain_eager_would(made: Small, ours: bool) -> None:
    ticks = watched(made, automation_condition() if ours else dg.AutomationCondition.eager())
    made.data["a"], made.figure = "a2", 0.1
    made.run("a")
    assert ticks.look() == (set() if ours else {"b", "c"})


def test_a_gate_without_a_verdict_is_not_green(made: Small) -> None:
    ticks = watched(made, automation_condition())
    made.run("a", check=False)
    assert ticks.look() == set()


def test_a_gate_that_turns_green_later_lets_the_change_through(made: Small) -> None:
    ticks = watched(made, automation_condition())
    made.data["a"], made.figure = "a2", 0.1
    made.run("a")
    assert ticks.look() == set()
    made.figure = 0.9
    made.run("a")
    assert ticks.look() == {"b", "c"}
