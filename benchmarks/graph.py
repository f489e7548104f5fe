"""Speed and memory of link prediction on graphs on two cores, as they grow and beside torch_geometric's own example.

    python benchmarks/graph.py [PART ...] [--sizes 10000,100000,1000000] [--citation FILE.npz] [--rounds 5]
        [--steps N] [--json FILE]

Parts: scale, epoch, citation; all where none is named. Ten million edges take some ten minutes and are measured
where asked for alone: `scale --sizes 100000,10000000`. Prints a table a part, what is asked beside what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

CORES = 2
PARTS = ("scale", "epoch", "citation")


def use_two_cores() -> None:
    """Keep this process and its children to two cores; before any library counts them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(CORES)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


if __name__ == "__main__":
    use_two_cores()

from graph_parts import epoch, papers, scale  # noqa: E402
from retrieval import row_json, show  # noqa: E402
from retrieval_parts.measure import Table  # noqa: E402
from rich.console import Console  # noqa: E402


def measure(chosen: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> list[Table]:
    """The tables of the chosen parts, in the order of `PARTS`."""
    parts: dict[str, Callable[[], Table]] = {
        "scale": lambda: scale.scale(chosen.sizes, folder / "scale", say, most_steps=chosen.steps),
        "epoch": lambda: epoch.epoch(folder / "epoch", rounds=chosen.rounds, citation=chosen.citation),
        "citation": lambda: papers.citation(folder / "citation", say),
    }
    tables: list[Table] = []
    for name in PARTS:
        if name in (chosen.part or PARTS):
            say(f"{name} …")
            tables.append(parts[name]())
            show(tables[-1])
    return tables


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure; everything by default")
    parser.add_argument("--sizes", type=_sizes, default=[10_000, 100_000, 1_000_000], help="pairs, for `scale`")
    parser.add_argument("--steps", type=int, default=10**9, help="cut an epoch of `scale` there and say its share")
    parser.add_argument("--citation", type=Path, help="a citation graph that `epoch` is measured on too")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each side, for `epoch`")
    parser.add_argument("--json", type=Path, help="write every figure here as well")
    return parser.parse_args(given)


def _sizes(text: str) -> list[int]:
    sizes = [int(size) for size in text.split(",")]
    if min(sizes) < 1000 or sizes != sorted(sizes):
        raise argparse.ArgumentTypeError(f"sizes must rise from 1000 or more, not {text}")
    return sizes


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    notes = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="releaf-benchmark-") as temporary:
        tables = measure(chosen, Path(temporary), lambda text: notes.print(f"[dim]{text}[/]"))
    if chosen.json is not None:
        written = [{**vars(table), "rows": [row_json(row) for row in table.rows]} for table in tables]
        chosen.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    if any(row.met is False for table in tables for row in table.rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
