"""Turns gates into blocking asset checks, and reads their recorded verdicts back.

A verdict counts only for the very materialization it was given for and the threshold that stands in `gates.py` now.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from releaf_assets.gates import Gate


def gate_key(gate: Gate) -> dg.AssetCheckKey:
    """The asset check that a gate becomes."""
    return dg.AssetCheckKey(dg.AssetKey(gate.asset), gate.name)


def build_checks(gates: Iterable[Gate]) -> list[dg.AssetChecksDefinition]:
    """One blocking asset check a gate."""
    return [_build_check(gate) for gate in gates]


def _build_check(gate: Gate) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey(gate.asset),
        name=gate.name,
        blocking=True,
        description=f"{gate.description} Requires {gate.metric} {gate.comparison} {gate.threshold:g}.",
    )
    def check(value: Any) -> dg.AssetCheckResult:
        passed, figure = gate.verdict(value.metrics)
        return dg.AssetCheckResult(
            passed=passed,
            metadata={
                **gate.rule,
                "value": dg.MetadataValue.null() if figure is None else float(figure),
                "data_version": value.version,
            },
            description=explain(gate, figure, passed),
        )

    return check


def explain(gate: Gate, value: float | None, passed: bool) -> str:
    """One line: the gate, its value and its threshold."""
    if value is None:
        return f"{gate.asset}.{gate.name}: no {gate.metric} to judge" + ("" if passed else "; one is required")
    sign = "passes" if passed else "fails"
    return (
        f"{gate.asset}.{gate.name} {sign}: {gate.metric} = {value:.4g}, required {gate.comparison} {gate.threshold:g}"
    )


def standing_in_the_way(
    gates: Sequence[Gate], recorded: dict[dg.AssetCheckKey, Any], versions: dict[str, str]
) -> list[str]:
    """Why nothing may be released: one line for each gate without a green verdict for exactly `versions`.

    `recorded` holds the latest evaluation of each check, `versions` the data version of each asset to be released.
    """
    reasons = []
    for gate in gates:
        evaluation = recorded.get(gate_key(gate))
        if evaluation is None:
            reasons.append(f"{gate.asset}.{gate.name} has no verdict; run `releaf run`")
            continue
        metadata = {name: entry.value for name, entry in evaluation.metadata.items()}
        judged = {name: metadata.get(name) for name in gate.rule}
        if metadata.get("data_version") != versions[gate.asset] or judged != gate.rule:
            reasons.append(f"{gate.asset}.{gate.name} was judged on another version or threshold; run `releaf run`")
        elif not evaluation.passed:
            reasons.append(explain(gate, metadata.get("value"), False))
    return reasons
