"""What every benchmark's command does alike: two cores, parts by name, tables on the terminal and as JSON.

Imports nothing that counts cores, so that `use_two_cores` can come before whatever does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval_parts.measure import Row, Table

CORES = 2
Say = Callable[[str], None]
Measure = Callable[[argparse.Namespace, Path, Say], "list[Table]"]
"""From the command line, an empty folder and a voice to the tables of the chosen parts."""


def use_two_cores() -> None:
    """Keep this process and its children to two cores; before any library counts them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(CORES)
    # As the command computes; whatever is measured beside it gets the same and loses nothing by spinning.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def parser(description: str | None, parts: Sequence[str]) -> argparse.ArgumentParser:
    """A command line that takes some of the parts and where figures are written."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("part", nargs="*", choices=[*parts, []], help="what to measure; everything by default")
    made.add_argument("--json", type=Path, help="write every figure here as well")
    return made


def measure_parts(
    parts: Mapping[str, Callable[[], Sequence[Table]]], chosen: argparse.Namespace, say: Say
) -> list[Table]:
    """The tables of the chosen parts, in the parts' order, each shown as it comes."""
    tables: list[Table] = []
    for name, part in parts.items():
        if name in (chosen.part or parts):
            say(f"{name} …")
            for table in part():
                tables.append(table)
                show(table)
    return tables


def run(chosen: argparse.Namespace, measure: Measure) -> None:
    """Measure, print, write what was asked for; exits 1 where a figure is not what was asked."""
    from rich.console import Console

    notes = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="releaf-benchmark-") as temporary:
        tables = measure(chosen, Path(temporary), lambda text: notes.print(f"[dim]{text}[/]"))
    if chosen.json is not None:
        written = [{**asdict(table), "rows": [row_json(row) for row in table.rows]} for table in tables]
        chosen.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    if any(row.met is False for table in tables for row in table.rows):
        sys.exit(1)


def show(table: Table) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table as Shown

    shown = Shown(title=f"{table.part}: {table.title}", title_justify="left")
    shown.add_column("what")
    shown.add_column("asked", justify="right")
    for column in table.columns:
        shown.add_column(column, justify="right")
    shown.add_column("met")
    shown.add_column("unit")
    noted = any(row.note for row in table.rows)
    if noted:
        shown.add_column("note")
    for row in table.rows:
        met = "" if row.met is None else ("yes" if row.met else "[red]no[/]")
        values = [figure(value) for value in row.values]
        shown.add_row(row.what, row.asked, *values, met, row.unit, *([row.note] if noted else []))
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(shown)
    for remark in table.remarks:
        console.print(f"  {remark}", markup=False)


def figure(value: float | None) -> str:
    """A figure with three digits that count; a dash where nothing was measured."""
    if value is None:
        return "–"
    return (
        f"{value:,.0f}"
        if abs(value) >= 100
        else f"{value:.3g}"
        if abs(value) < 0.9 or abs(value) >= 1
        else f"{value:.4f}"
    )


def row_json(row: Row) -> dict[str, object]:
    """A row with whether it was met."""
    return {**asdict(row), "asked": row.asked, "met": row.met}
