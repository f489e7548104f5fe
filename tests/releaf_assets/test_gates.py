from __future__ import annotations

import math

import pytest

from releaf_assets.gates import GATES, Gate

AT_LEAST = Gate("share", "report", "share", ">=", 0.5, "At least a half.")
AT_MOST = Gate("error", "report", "error", "<=", 0.5, "At most a half.")
OPTIONAL = Gate("photographs", "report", "photographs", ">=", 0.5, "If there are any.", required=False)


@pytest.mark.parametrize(("value", "passed"), [(0.6, True), (0.5, True), (0.49, False), (math.inf, True)])
def test_at_least_takes_the_threshold_itself(value: float, passed: bool) -> None:
    assert AT_LEAST.verdict({"share": value}) == (passed, value)


@pytest.mark.parametrize(("value", "passed"), [(0.4, True), (0.5, True), (0.51, False), (math.inf, False)])
def test_at_most_takes_the_threshold_itself(value: float, passed: bool) -> None:
    assert AT_MOST.verdict({"error": value}) == (passed, value)


@pytest.mark.parametrize("metrics", [{}, {"other": 1.0}, {"share": math.nan}], ids=["none", "others", "NaN"])
def test_a_required_figure_that_is_not_there_fails(metrics: dict[str, float]) -> None:
    assert AT_LEAST.verdict(metrics) == (False, None)


@pytest.mark.parametrize("metrics", [{}, {"photographs": math.nan}], ids=["none", "NaN"])
def test_a_figure_that_is_not_required_may_be_absent(metrics: dict[str, float]) -> None:
    assert OPTIONAL.verdict(metrics) == (True, None)


def test_a_figure_that_is_not_required_is_judged_once_it_is_there() -> None:
    assert OPTIONAL.verdict({"photographs": 0.4}) == (False, 0.4)
    assert OPTIONAL.verdict({"photographs": 0.5}) == (True, 0.5)


def test_zero_is_a_figure_like_any_other() -> None:
    assert AT_MOST.verdict({"error": 0}) == (True, 0)
    assert AT_LEAST.verdict({"share": 0}) == (False, 0)


def test_no_two_gates_of_an_asset_share_a_name() -> None:
    assert len({(gate.asset, gate.name) for gate in GATES}) == len(GATES)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: f"{gate.asset}.{gate.name}")
def test_every_gate_says_what_it_asks_for_and_can_both_pass_and_fail(gate: Gate) -> None:
    assert gate.description.endswith(".")
    assert math.isfinite(gate.threshold)
    worse = gate.threshold - 1 if gate.comparison == ">=" else gate.threshold + 1
    assert gate.verdict({gate.metric: gate.threshold}) == (True, gate.threshold)
    assert gate.verdict({gate.metric: worse}) == (False, worse)


def test_only_photographs_and_int8_weights_may_be_absent() -> None:
    assert [gate.name for gate in GATES if not gate.required] == ["photograph_accuracy", "reranker_int8"]


@pytest.mark.parametrize("subject", ["vision_report", "retrieval_report", "recommendation_report", "language_report"])
def test_every_subjects_report_has_a_gate(subject: str) -> None:
    assert subject in {gate.asset for gate in GATES}
