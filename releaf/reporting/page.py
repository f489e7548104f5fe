"""The evaluation report as one HTML page that carries everything inside. Its caller writes it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import jinja2

from releaf.reporting.blocks import Cell, Column, Section, Table, value_text, words
from releaf.reporting.evidence import Evidence, GateRow
from releaf.reporting.headlines import headlines, verdict
from releaf.reporting.sections import data, language, provenance, recommendation, retrieval, vision

__all__ = ["Evidence", "GateRow", "headline_figures", "render_page"]

_COMPARISONS = {">=": "≥", "<=": "≤"}
_SECTIONS = (data.section, vision.section, retrieval.section, recommendation.section, language.section)


def render_page(evidence: Evidence) -> str:
    """The page as HTML; the same evidence gives the same text. It loads nothing and runs no script."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections: list[Section] = [build(evidence) for build in (*_SECTIONS, provenance.section)]
    page = environment.get_template("report.html")
    return page.render(
        verdict=verdict(evidence.gates),
        headlines=headlines(evidence),
        gates=gate_table(evidence.gates),
        sections=sections,
    )


def headline_figures(evidence: Evidence) -> dict[str, float]:
    """The summary's figures by name, each with its baseline as `<name>_baseline`, and how many gates stand how."""
    figures: dict[str, float] = {
        "gates_passed": float(sum(gate.passed is True for gate in evidence.gates)),
        "gates_failed": float(sum(gate.passed is False for gate in evidence.gates)),
        "gates_undecided": float(sum(gate.passed is None for gate in evidence.gates)),
    }
    for headline in headlines(evidence):
        figures[headline.key] = float(headline.value)
        figures[f"{headline.key}_baseline"] = float(headline.baseline)
    return figures


def gate_table(gates: Sequence[GateRow]) -> Table:
    """Every gate with its value, its threshold and its verdict; red ones first, then those without a verdict."""
    order = {False: 0, None: 1, True: 2}
    tones = {False: Cell("red", tone="bad"), None: Cell("no verdict", tone="open"), True: Cell("green", tone="good")}
    rows = [
        [
            tones[gate.passed],
            Cell(gate.asset, tone="code"),
            Cell(words(gate.name), gate.description),
            Cell(gate.metric, tone="code"),
            Cell("not measured" if gate.value is None else value_text(float(gate.value))),
            Cell(f"{_COMPARISONS.get(gate.comparison, gate.comparison)} {value_text(float(gate.threshold))}"),
        ]
        for gate in sorted(gates, key=lambda gate: order[gate.passed])
    ]
    names = ("Verdict", "Asset", "Gate", "Metric")
    columns = [*(Column(name, numeric=False) for name in names), Column("Value"), Column("Threshold")]
    return Table("Quality gates", columns, rows)


def _template(name: str) -> str:
    return (resources.files("releaf.reporting") / "templates" / name).read_text(encoding="utf-8")
