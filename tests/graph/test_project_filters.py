from __future__ import annotations

import pytest

from releaf.errors import InputError, UnknownNameError
from releaf.graph.project_filters import Filters, ProjectDetails, project_details

DETAILS = {
    "cut": ProjectDetails("", "easy", 10, ("craft knife", "two clamps")),
    "sawn": ProjectDetails("", "medium", 60, ("saw or knife", "sandpaper")),
    "bare": ProjectDetails("", "easy", 5, ()),
    "imported": ProjectDetails(),
}


def passing(**filters: object) -> list[str]:
    reasons = Filters(**filters).reasons(DETAILS, list(DETAILS))  # type: ignore[arg-type]
    return [name for place, name in enumerate(DETAILS) if not any(out[place] for out in reasons.values())]


def test_without_filters_all_pass() -> None:
    assert passing() == list(DETAILS)


def test_difficulty_and_minutes_are_those_stated_and_what_nobody_said_does_not_pass() -> None:
    assert passing(difficulty=("easy",)) == ["cut", "bare"]
    assert passing(difficulty=("easy", "medium")) == ["cut", "sawn", "bare"]
    assert passing(max_minutes=10) == ["cut", "bare"]


def test_without_a_tool_means_without_its_kinds_unless_another_does() -> None:
    assert passing(without=("knife",)) == ["sawn", "bare"]
    assert passing(without=("saw",)) == ["cut", "sawn", "bare"]
    assert passing(without=("clamp",)) == ["sawn", "bare"]
    assert passing(without=("sandpaper", "knives")[:1]) == ["cut", "bare"]


def test_with_some_tools_only_what_needs_no_other_passes() -> None:
    assert passing(tools=("craft knife",)) == ["bare"]
    assert passing(tools=("craft knife", "clamps")) == ["cut", "bare"]
    assert passing(tools=("craft knife", "sandpaper")) == ["sawn", "bare"]
    # A knife is no craft knife, and a craft knife is a knife.
    assert passing(tools=("knife", "clamp")) == ["bare"]
    assert passing(tools=()) == ["bare"]


def test_what_can_never_be_met_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown difficulty 'trivial'"):
        Filters(difficulty=("trivial",))
    with pytest.raises(InputError, match="no project takes 0 minutes or less"):
        Filters(max_minutes=0)
    with pytest.raises(InputError, match="'saw' is asked for and ruled out at once"):
        Filters(without=("saw",), tools=("Saws",))
    with pytest.raises(UnknownNameError, match="unknown tool 'sandpeper' in the projects; did you mean sandpaper"):
        passing(without=("sandpeper",))


def test_details_come_from_the_table_of_projects() -> None:
    row = {"id": "a", "description": None, "difficulty": "hard", "minutes": 3, "tools": ["saw"], "safety": None}
    assert project_details([row]) == {"a": ProjectDetails("", "hard", 3, ("saw",), None)}
