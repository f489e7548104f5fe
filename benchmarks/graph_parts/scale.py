"""`scale`: training on sampled neighbourhoods of a growing graph. Made graphs, so that any size can be had."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from retrieval_parts.measure import MIB, Row, Table, run_child

from graph_parts.child import BATCH_PAIRS, FANOUT, HIDDEN, LAYERS, OUTPUT
from graph_parts.made import MEAN_DEGREE, WIDTH

Say = Callable[[str], None]
_Measured = dict[str, float]
_MODULE = "graph_parts.child"
_LINEAR, _FLAT = 1.2, 1.2
_COMPARED = 100_000


def scale(sizes: Sequence[int], folder: Path, say: Say, *, most_steps: int) -> Table:
    """A column a size; growth is told against the smallest size of at least 100,000 pairs."""
    measured = []
    for size in sizes:
        say(f"scale: {size:,} pairs")
        measured.append(_one(size, folder / f"graph-{size}", most_steps))
    compared = [(size, found) for size, found in zip(sizes, measured, strict=True) if size >= _COMPARED]
    rows = [Row(what, tuple(found.get(key) for found in measured), unit) for what, key, unit in _FIGURES]
    for (size, small), (other, large) in pairwise([compared[0], compared[-1]] if len(compared) > 1 else []):
        rows += _growth(size, small, other, large, len(sizes))
    title = f"GraphSAGE on sampled neighbourhoods of synthetic graphs, {MEAN_DEGREE} neighbours a node on average"
    remarks = (
        f"{WIDTH} features, {LAYERS} layers, hidden {HIDDEN}, z {OUTPUT}, fanout {FANOUT} in each hop, steps of "
        f"{BATCH_PAIRS} pairs with as many non-edges; training in one thread, batches made in another",
        "an epoch predicts every pair once; features and rows are mapped from files, `own` memory is the rest",
    )
    return Table("scale", title, tuple(rows), tuple(f"{size:,}" for size in sizes), remarks)


_FIGURES = (
    ("nodes", "nodes", ""),
    ("an epoch", "epoch_s", "s"),
    ("of processors, with validation", "processor_s", "s"),
    ("AUC after the epochs", "auc", ""),
    ("epochs", "epochs", ""),
    ("share of an epoch that was run; times are for all of it", "share", "%"),
    ("peak memory", "peak_mib", "MiB"),
    ("of it own: not mapped from files", "own_mib", "MiB"),
    ("before training began", "start_mib", "MiB"),
    ("rows of the graph", "rows_mib", "MiB"),
    ("features", "features_mib", "MiB"),
    ("embedding all nodes", "embed_s", "s"),
    ("ten recommendations among all nodes", "recommend_ms", "ms"),
)


def _one(size: int, work: Path, most_steps: int) -> _Measured:
    work.mkdir(parents=True)
    try:
        run_child("make", str(work), str(size), str(most_steps), module=_MODULE)
        trained = run_child("train", str(work), str(size), str(most_steps), module=_MODULE)
        asked = run_child("recommend", str(work), str(size), str(most_steps), module=_MODULE)
    finally:
        shutil.rmtree(work)
    given = {**trained.given, **asked.given}
    sizes = {f"{name}_mib": given[f"{name}_bytes"] / MIB for name in ("start", "rows", "features")}
    own = {} if trained.own is None else {"own_mib": trained.own / MIB}
    return {**given, **sizes, **own, "peak_mib": trained.peak / MIB}


def _growth(size: int, small: _Measured, other: int, large: _Measured, columns: int) -> list[Row]:
    blank = (None,) * (columns - 1)
    linear = large["epoch_s"] / small["epoch_s"] / (other / size)
    rows = [
        Row(
            f"time of an epoch from {size:,} to {other:,} pairs, over linear growth",
            (*blank, linear),
            "×",
            at_most=_LINEAR,
        )
    ]
    if "own_mib" in small:
        flat = large["own_mib"] / small["own_mib"]
        rows.append(Row(f"own memory from {size:,} to {other:,} pairs", (*blank, flat), "×", at_most=_FLAT))
    return rows
