"""The tables a person reads: what a run did, and where every asset stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from command.output import out

if TYPE_CHECKING:
    from command.run import Outcome
    from sensors.staleness import AssetState, Verdict

COLOURS = {"fresh": "green", "stale": "yellow", "unchecked": "yellow", "missing": "dim", "failed": "red"}


def print_outcome(outcome: Outcome, states: Mapping[str, AssetState]) -> None:
    """Say what was made, what was not and why, and how every gate stands."""
    gates = Table(title="Gates", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading in ("", "gate", "figure", "value", "required"):
        gates.add_column(heading, justify="right" if heading == "value" else "left", no_wrap=True)
    for state in states.values():
        for verdict in state.verdicts:
            gates.add_row(*_gate_row(state.key, verdict))
    out.print()
    out.print(gates)
    out.print()
    for failure in outcome.failed:
        out.print(Text(f"✗ {failure['asset']}: {failure['error']}", style="red"))
    for gate in outcome.gates:
        if gate["passed"] is False:
            required = f"required {gate['comparison']} {_figure(gate['threshold'])}"
            out.print(
                Text(
                    f"✗ gate {gate['asset']}.{gate['name']}: {gate['metric']} = {_figure(gate['value'])}, {required}",
                    style="red",
                )
            )
    held = [key for key in outcome.skipped if states[key].reasons]
    if held and not outcome.ok:
        out.print(f"[dim]not made because of that: {', '.join(held)}[/]")
    out.print(
        f"{len(outcome.materialized)} made, {len(outcome.skipped)} not touched, {len(outcome.failed)} failed, "
        f"in {outcome.seconds:.1f} s"
    )


def print_states(states: Mapping[str, AssetState], release: Mapping[str, object] | None) -> None:
    """One row an asset, in lineage order."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("asset", "state", "version", "made", "gates", "why"):
        table.add_column(heading, no_wrap=heading not in ("gates", "why"))
    for state in states.values():
        when = datetime.fromtimestamp(state.materialized_at).strftime("%Y-%m-%d %H:%M") if state.materialized_at else ""
        marks = Text(" ").join(Text(verdict.name, style=_mark(verdict)) for verdict in state.verdicts)
        table.add_row(
            state.key,
            Text(state.state, style=COLOURS[state.state]),
            (state.data_version or "")[:8],
            when,
            marks,
            Text("; ".join(state.reasons), style="dim"),
        )
    out.print(table)
    out.print()
    if release is None:
        out.print("[dim]nothing released yet[/]")
    else:
        out.print(f"released: version [bold]{str(release['version'])[:12]}[/] at {release['path']}")


def _mark(verdict: Verdict) -> str:
    return {True: "green", False: "red bold", None: "dim"}[verdict.passed]


def _gate_row(asset: str, verdict: Verdict) -> tuple[Text, str, str, str, str]:
    sign = {True: Text("✓", "green"), False: Text("✗", "red"), None: Text("·", "dim")}[verdict.passed]
    required = f"{verdict.comparison or ''} {_figure(verdict.threshold)}".strip()
    return sign, f"{asset}.{verdict.name}", verdict.metric or "", _figure(verdict.value), required


def _figure(value: object) -> str:
    return "–" if not isinstance(value, int | float) else f"{value:.4g}"
