from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from releaf_assets.checks import build_checks, explain, gate_key, standing_in_the_way
from releaf_assets.gates import Gate

GATE = Gate("accurate", "report", "accuracy", ">=", 0.85, "The item is right.")
OPTIONAL = replace(GATE, name="photographs", metric="photograph_accuracy", required=False)
VERSIONS = {"report": "v1"}


def judge(gate: Gate, metrics: dict[str, float], version: str = "v1") -> dg.AssetCheckResult:
    """The verdict that the gate's check gives on an asset with these metrics."""
    (definition,) = build_checks([gate])
    result: Any = definition(SimpleNamespace(metrics=metrics, version=version))
    assert isinstance(result, dg.AssetCheckResult)
    return result


def recorded(*verdicts: tuple[Gate, dg.AssetCheckResult]) -> dict[dg.AssetCheckKey, Any]:
    return {gate_key(gate): verdict for gate, verdict in verdicts}


def test_a_gate_is_a_blocking_check_on_its_asset_that_says_what_it_requires() -> None:
    (definition,) = build_checks([GATE])
    (spec,) = definition.check_specs
    assert spec.key == gate_key(GATE) == dg.AssetCheckKey(dg.AssetKey("report"), "accurate")
    assert spec.blocking
    assert spec.description == "The item is right. Requires accuracy >= 0.85."


def test_each_gate_becomes_one_check_of_its_own() -> None:
    definitions = build_checks([GATE, OPTIONAL])
    assert [definition.check_key for definition in definitions] == [gate_key(GATE), gate_key(OPTIONAL)]


@pytest.mark.parametrize(("value", "passed"), [(0.9, True), (0.85, True), (0.8, False)])
def test_a_verdict_records_what_it_compared_and_for_which_version(value: float, passed: bool) -> None:
    result = judge(GATE, {"accuracy": value}, version="v7")
    assert result.passed is passed
    assert {name: entry.value for name, entry in result.metadata.items()} == {
        "metric": "accuracy",
        "value": value,
        "comparison": ">=",
        "threshold": 0.85,
        "data_version": "v7",
    }


def test_an_absent_figure_is_recorded_as_none() -> None:
    result = judge(OPTIONAL, {})
    assert result.passed
    assert result.metadata["value"].value is None


def test_the_verdict_is_one_line_with_figure_and_threshold() -> None:
    assert judge(GATE, {"accuracy": 0.8}).description == ("report.accurate fails: accuracy = 0.8, required >= 0.85")
    assert explain(GATE, 0.87654321, True) == "report.accurate passes: accuracy = 0.8765, required >= 0.85"


def test_an_absent_figure_is_said_to_be_absent() -> None:
    assert explain(GATE, None, False) == "report.accurate: no accuracy to judge; one is required"
    assert explain(OPTIONAL, None, True) == "report.photographs: no photograph_accuracy to judge"


def test_nothing_stands_in_the_way_where_every_gate_is_green() -> None:
    verdicts = recorded((GATE, judge(GATE, {"accuracy": 0.9})), (OPTIONAL, judge(OPTIONAL, {})))
    assert standing_in_the_way([GATE, OPTIONAL], verdicts, VERSIONS) == []


def test_a_gate_without_a_verdict_stands_in_the_way() -> None:
    assert standing_in_the_way([GATE], {}, VERSIONS) == ["report.accurate has no verdict; run `releaf run`"]


def test_a_green_verdict_on_another_version_stands_in_the_way() -> None:
    verdicts = recorded((GATE, judge(GATE, {"accuracy": 0.9}, version="v0")))
    (reason,) = standing_in_the_way([GATE], verdicts, VERSIONS)
    assert reason == "report.accurate was judged on another version or threshold; run `releaf run`"


def test_a_green_verdict_against_another_threshold_stands_in_the_way() -> None:
    verdicts = recorded((GATE, judge(replace(GATE, threshold=0.5), {"accuracy": 0.9})))
    (reason,) = standing_in_the_way([GATE], verdicts, VERSIONS)
    assert "another version or threshold" in reason


def test_a_failed_gate_is_named_with_figure_and_threshold() -> None:
    verdicts = recorded((GATE, judge(GATE, {"accuracy": 0.8})))
    assert standing_in_the_way([GATE], verdicts, VERSIONS) == [
        "report.accurate fails: accuracy = 0.8, required >= 0.85"
    ]


def test_a_required_figure_that_is_absent_is_named() -> None:
    verdicts = recorded((GATE, judge(GATE, {})))
    assert standing_in_the_way([GATE], verdicts, VERSIONS) == ["report.accurate: no accuracy to judge; one is required"]


def test_every_gate_in_the_way_is_named_in_order() -> None:
    second = replace(GATE, name="second", asset="other")
    verdicts = recorded((GATE, judge(GATE, {"accuracy": 0.8})))
    reasons = standing_in_the_way([GATE, second], verdicts, {"report": "v1", "other": "v1"})
    assert [reason.split(" ")[0] for reason in reasons] == ["report.accurate", "other.second"]


def test_a_threshold_written_as_a_whole_number_is_the_same_threshold() -> None:
    whole = replace(GATE, metric="leaks", comparison="<=", threshold=0)
    verdicts = recorded((whole, judge(whole, {"leaks": 0})))
    assert standing_in_the_way([whole], verdicts, VERSIONS) == []
