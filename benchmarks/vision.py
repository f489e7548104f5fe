"""Speed of the classifier on two cores, training and answering: ratios within one run, sides in turns, medians.

    python benchmarks/vision.py [PART ...] [--per-item 80] [--rounds 5] [--workers 2] [--json FILE]

Parts: train, loading, one; all of them where none is named. Prints a table a part, what is asked beside what was
measured. What is equal between our loop and timm's and what is not is told in `vision_parts/training.py`.
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
PARTS = ("train", "loading", "one")


def use_two_cores() -> None:
    """Keep this process and its children to two cores; before any library counts them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(CORES)
    # As the command trains; timm's side gets the same.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


if __name__ == "__main__":
    use_two_cores()

from retrieval import row_json, show  # noqa: E402
from retrieval_parts.measure import Table  # noqa: E402
from rich.console import Console  # noqa: E402
from vision_parts import one, training  # noqa: E402


def measure(chosen: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> list[Table]:
    """The tables of the chosen parts, in the order of `PARTS`."""
    counts = {"per_item": chosen.per_item, "rounds": chosen.rounds}
    parts: dict[str, Callable[[], Table]] = {
        "train": lambda: training.train(folder / "train", workers=chosen.workers, **counts),
        "loading": lambda: training.loading(folder / "loading", **counts),
        "one": lambda: one.one(folder / "one", repeats=chosen.repeats),
    }
    tables: list[Table] = []
    for name in PARTS:
        if name in (chosen.part or PARTS):
            say(f"{name} …")
            (folder / name).mkdir()
            tables.append(parts[name]())
            show(tables[-1])
    return tables


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure; everything by default")
    parser.add_argument("--per-item", type=int, default=80, help="pictures rendered of each item to train on")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each side that are measured")
    parser.add_argument("--workers", type=int, default=2, help="processes of timm that load pictures")
    parser.add_argument("--repeats", type=int, default=60, help="answers a picture for `one`")
    parser.add_argument("--json", type=Path, help="write every figure here as well")
    return parser.parse_args(given)


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
