"""Speed, memory and size of retrieval on two cores, beside the plain libraries: ratios within one run, in turns.

    python benchmarks/retrieval.py [PART ...] [--sizes 1000,10000,100000] [--index dense,sparse] [--collection DIR]
        [--reranker DIR] [--memory-gib 12] [--json FILE]

Parts: scale, dense, sparse, encode, rerank, incremental, query; all of them where none is named. A million chunks only
where asked for: `scale --sizes 1000000`. Prints a table a part, what is asked beside what was measured.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from shared import Say, measure_parts, parser, run, use_two_cores

PARTS = ("scale", "dense", "sparse", "encode", "rerank", "incremental", "query")

if __name__ == "__main__":
    use_two_cores()
    # A tokenizer that nags about forks is not to slow a peer.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

from retrieval_parts import engines, models, scale, whole  # noqa: E402
from retrieval_parts.measure import Table  # noqa: E402
from retrieval_parts.workshop import Workshop  # noqa: E402


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
    return measure_parts(parts, chosen, say)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    made = parser(__doc__, PARTS)
    made.add_argument("--sizes", type=_sizes, default=[1_000, 10_000, 100_000], help="chunks, for `scale`")
    made.add_argument("--index", type=_indexes, default=["dense", "sparse"], help="which index, for `scale`")
    made.add_argument("--collection", type=Path, help="a BEIR folder whose first 400 documents are encoded too")
    made.add_argument("--reranker", type=Path, help="a reranker checkpoint; an untrained one by default")
    made.add_argument("--memory-gib", type=float, default=12.0, help="a build of `scale` that holds more is stopped")
    return made.parse_args(given)


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


def main() -> None:
    """Measure and print."""
    run(arguments(), measure)


if __name__ == "__main__":
    main()
