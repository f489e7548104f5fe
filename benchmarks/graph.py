"""Speed and memory of link prediction on graphs on two cores, as they grow and beside torch_geometric's own example.

    python benchmarks/graph.py [PART ...] [--sizes 10000,100000,1000000] [--citation FILE.npz] [--rounds 5]
        [--steps N] [--json FILE]

Parts: scale, epoch, citation; all where none is named. Ten million edges take some ten minutes and are measured
where asked for alone: `scale --sizes 100000,10000000`. Prints a table a part, what is asked beside what was measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from shared import Say, measure_parts, parser, run, use_two_cores

PARTS = ("scale", "epoch", "citation")

if __name__ == "__main__":
    use_two_cores()

from graph_parts import epoch, papers, scale  # noqa: E402
from retrieval_parts.measure import Table  # noqa: E402


def measure(chosen: argparse.Namespace, folder: Path, say: Say) -> list[Table]:
    """The tables of the chosen parts, in the order of `PARTS`."""
    parts: dict[str, Callable[[], Sequence[Table]]] = {
        "scale": lambda: [scale.scale(chosen.sizes, folder / "scale", say, most_steps=chosen.steps)],
        "epoch": lambda: [epoch.epoch(folder / "epoch", rounds=chosen.rounds, citation=chosen.citation)],
        "citation": lambda: [papers.citation(folder / "citation", say)],
    }
    return measure_parts(parts, chosen, say)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    made = parser(__doc__, PARTS)
    made.add_argument("--sizes", type=_sizes, default=[10_000, 100_000, 1_000_000], help="pairs, for `scale`")
    made.add_argument("--steps", type=int, default=10**9, help="cut an epoch of `scale` there and say its share")
    made.add_argument("--citation", type=Path, help="a citation graph that `epoch` is measured on too")
    made.add_argument("--rounds", type=int, default=5, help="rounds of each side, for `epoch`")
    return made.parse_args(given)


def _sizes(text: str) -> list[int]:
    sizes = [int(size) for size in text.split(",")]
    if min(sizes) < 1000 or sizes != sorted(sizes):
        raise argparse.ArgumentTypeError(f"sizes must rise from 1000 or more, not {text}")
    return sizes


def main() -> None:
    """Measure and print."""
    run(arguments(), measure)


if __name__ == "__main__":
    main()
