"""Speed, memory and size of retrieval on two cores, beside the plain libraries: ratios within one run, in turns.

    python benchmarks/retrieval.py [PART ...] [--sizes 1000,10000,100000] [--index dense,sparse] [--collection DIR]
        [--reranker DIR] [--memory-gib 12] [--json FILE]

Parts: scale, dense, sparse, encode, rerank, incremental, query; all of them where none is named. A million chunks only
where asked for: `scale --sizes 1000000`. Prints a table a part, what is asked beside what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

CORES = 2


def use_two_cores() -> None:
    """Keep this process and its children to two cores; before any library counts them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(CORES)
    # Libraries that would spin or nag: a peer is not to lose by either.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


if __name__ == "__main__":
    use_two_cores()

from retrieval_parts import engines, models, scale, whole  # noqa: E402
from retrieval_parts.measure import Row, Table  # noqa: E402
from retrieval_parts.workshop import Workshop  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table as Shown  # noqa: E402

PARTS = ("scale", "dense", "sparse", "encode", "rerank", "incremental", "query")
Say = Callable[[str], None]


def measure(chosen: argparse.Namespace, folder: Path, say: Say) -> list[Table]:
    """The tables of the chosen parts, in the order of `PARTS`."""
    workshop = Workshop(folder, chosen.reranker)
    limit = int(chosen.memory_gib * 2**30)
    parts: dict[str, Callable[[], Sequence[Table]]] = {
        "scale": lambda: scale.scale(chosen.sizes, folder, say, indexes=chosen.index, limit_bytes=limit),
        "dense": lambda: [engines.dense(folder / "dense")],
        "sparse": lambda: [engines.sparse(folder / "sparse")],
        "encode": lambda: [models.encode(workshop, chosen.collection)],
        "rerank": lambda: [models.rerank(workshop)],
        "incremental": lambda: [whole.incremental(workshop, folder / "incremental")],
        "query": lambda: [whole.query(workshop, folder / "query")],
    }
    tables: list[Table] = []
    for name in PARTS:
        if name in (chosen.part or PARTS):
            say(f"{name} …")
            for table in parts[name]():
                tables.append(table)
                show(table)
    return tables


def show(table: Table) -> None:
    """Print a table."""
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


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure; everything by default")
    parser.add_argument("--sizes", type=_sizes, default=[1_000, 10_000, 100_000], help="chunks, for `scale`")
    parser.add_argument("--index", type=_indexes, default=["dense", "sparse"], help="which index, for `scale`")
    parser.add_argument("--collection", type=Path, help="a BEIR folder whose first 400 documents are encoded too")
    parser.add_argument("--reranker", type=Path, help="a reranker checkpoint; an untrained one by default")
    parser.add_argument("--memory-gib", type=float, default=12.0, help="a build of `scale` that holds more is stopped")
    parser.add_argument("--json", type=Path, help="write every figure here as well")
    return parser.parse_args(given)


def _sizes(text: str) -> list[int]:
    sizes = [int(size) for size in text.split(",")]
    if min(sizes) < 100:
        raise argparse.ArgumentTypeError(f"a size below 100 measures nothing: {min(sizes)}")
    return sizes


def _indexes(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - {"dense", "sparse"}:
        raise argparse.ArgumentTypeError(f"unknown index {sorted(unknown)[0]!r}; choose dense, sparse or both")
    return names


def row_json(row: Row) -> dict[str, object]:
    """A row with whether it was met."""
    return {**asdict(row), "asked": row.asked, "met": row.met}


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    notes = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="releaf-benchmark-") as temporary:
        tables = measure(chosen, Path(temporary), lambda text: notes.print(f"[dim]{text}[/]"))
    if chosen.json is not None:
        written = [{**asdict(table), "rows": [row_json(row) for row in table.rows]} for table in tables]
        chosen.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    if any(row.met is False for table in tables for row in table.rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
