"""Speed of the language model on two cores: ratios within one run, sides in turns, medians.

    python benchmarks/language.py [PART ...] [--rounds 9] [--rows 16] [--tokens 96] [--records 240] [--json FILE]

Parts: generation, training; all of them where none is named. Prints a table a part, what is asked beside what was
measured. What is equal between the sides and what is not is told where they are run, in `language_parts`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from shared import Say, measure_parts, parser, run, use_two_cores

PARTS = ("generation", "training")

if __name__ == "__main__":
    use_two_cores()

from language_parts import generation, training  # noqa: E402
from retrieval_parts.measure import Table  # noqa: E402


def measure(chosen: argparse.Namespace, folder: Path, say: Say) -> list[Table]:  # noqa: ARG001 - as every benchmark
    """The tables of the chosen parts, in the order of `PARTS`."""
    sizes = {"rounds": chosen.rounds, "rows": chosen.rows, "tokens": chosen.tokens}
    parts: dict[str, Callable[[], Sequence[Table]]] = {
        "generation": lambda: [generation.generation(**sizes)],
        "training": lambda: [training.training(rounds=chosen.rounds, records=chosen.records, file=chosen.instructions)],
    }
    return measure_parts(parts, chosen, say)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    made = parser(__doc__, PARTS)
    made.add_argument("--rounds", type=int, default=9, help="times each side is measured")
    made.add_argument("--rows", type=int, default=16, help="answers side by side, for `generation`")
    made.add_argument("--tokens", type=int, default=96, help="tokens of an answer, for `generation`")
    made.add_argument("--records", type=int, default=240, help="examples of an epoch, for `training`")
    made.add_argument("--instructions", type=Path, help="an Alpaca file for `training`, not the project's records")
    return made.parse_args(given)


def main() -> None:
    """Measure and print."""
    run(arguments(), measure)


if __name__ == "__main__":
    main()
