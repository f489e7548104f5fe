"""Speed of the language model on two cores: ratios within one run, sides in turns, medians.

    python benchmarks/language.py [PART ...] [--rounds 9] [--rows 16] [--tokens 96] [--records 240] [--json FILE]

Parts: generation, training; all of them where none is named. Prints a table a part, what is asked beside what was
measured. What is equal between the sides and what is not is told where they are run, in `language_parts`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

CORES = 2


def use_two_cores() -> None:
    """Keep this process to two cores; before any library counts them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(CORES)
    # As the command computes; the other side gets the same.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


if __name__ == "__main__":
    use_two_cores()

from language_parts import generation, training  # noqa: E402
from retrieval import row_json, show  # noqa: E402
from retrieval_parts.measure import Table  # noqa: E402
from rich.console import Console  # noqa: E402

# One line a part: its name, and what measures it from the command line.
PARTS: dict[str, Callable[[argparse.Namespace], Table]] = {
    "generation": lambda chosen: generation.generation(rounds=chosen.rounds, rows=chosen.rows, tokens=chosen.tokens),
    "training": lambda chosen: training.training(
        rounds=chosen.rounds, records=chosen.records, file=chosen.instructions
    ),
}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure; everything by default")
    parser.add_argument("--rounds", type=int, default=9, help="times each side is measured")
    parser.add_argument("--rows", type=int, default=16, help="answers side by side, for `generation`")
    parser.add_argument("--tokens", type=int, default=96, help="tokens of an answer, for `generation`")
    parser.add_argument("--records", type=int, default=240, help="examples of an epoch, for `training`")
    parser.add_argument("--instructions", type=Path, help="an Alpaca file for `training`, not the project's records")
    parser.add_argument("--json", type=Path, help="write every figure here as well")
    return parser.parse_args(given)


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    notes = Console(stderr=True)
    tables: list[Table] = []
    for name, part in PARTS.items():
        if name in (chosen.part or PARTS):
            notes.print(f"[dim]{name} …[/]")
            tables.append(part(chosen))
            show(tables[-1])
    if chosen.json is not None:
        written = [{**vars(table), "rows": [row_json(row) for row in table.rows]} for table in tables]
        chosen.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    if any(row.met is False for table in tables for row in table.rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
