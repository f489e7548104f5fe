"""Speed of the classifier on two cores, training and answering: ratios within one run, sides in turns, medians.

    python benchmarks/vision.py [PART ...] [--per-item 80] [--rounds 5] [--workers 2] [--json FILE]

Parts: train, loading, one; all of them where none is named. Prints a table a part, what is asked beside what was
measured. What is equal between our loop and timm's and what is not is told in `vision_parts/training.py`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from shared import Say, measure_parts, parser, run, use_two_cores

PARTS = ("train", "loading", "one")

if __name__ == "__main__":
    use_two_cores()

from retrieval_parts.measure import Table  # noqa: E402
from vision_parts import one, training  # noqa: E402


def measure(chosen: argparse.Namespace, folder: Path, say: Say) -> list[Table]:
    """The tables of the chosen parts, in the order of `PARTS`."""
    counts = {"per_item": chosen.per_item, "rounds": chosen.rounds}
    for name in PARTS:
        (folder / name).mkdir()
    parts: dict[str, Callable[[], Sequence[Table]]] = {
        "train": lambda: [training.train(folder / "train", workers=chosen.workers, **counts)],
        "loading": lambda: [training.loading(folder / "loading", **counts)],
        "one": lambda: [one.one(folder / "one", repeats=chosen.repeats)],
    }
    return measure_parts(parts, chosen, say)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    made = parser(__doc__, PARTS)
    made.add_argument("--per-item", type=int, default=80, help="pictures rendered of each item to train on")
    made.add_argument("--rounds", type=int, default=5, help="epochs of each side that are measured")
    made.add_argument("--workers", type=int, default=2, help="processes of timm that load pictures")
    made.add_argument("--repeats", type=int, default=60, help="answers a picture for `one`")
    return made.parse_args(given)


def main() -> None:
    """Measure and print."""
    run(arguments(), measure)


if __name__ == "__main__":
    main()
