"""What `scale` does in processes of their own, so that each has its own peak of memory. Prints one JSON object.

python -m graph_parts.child STEP FOLDER PAIRS STEPS
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from retrieval_parts.measure import milliseconds_each, peak_bytes, seconds

from graph_parts.made import INDICES, INDPTR, WIDTH, MadeGraph, write_graph

if TYPE_CHECKING:
    from releaf.graph.minibatch import SampledLinkTask

BATCH_PAIRS, FANOUT, LAYERS, HIDDEN, OUTPUT = 256, 5, 2, 64, 64
Z = "z.npy"
_FEWEST_PAIRS, _QUERIES = 200_000, 20


def make(folder: Path, n_pairs: int, most_steps: int) -> dict[str, float]:  # noqa: ARG001 - every step takes all
    """Write the graph."""
    write_graph(folder, n_pairs)
    return {}


def train(folder: Path, n_pairs: int, most_steps: int) -> dict[str, float]:
    """Train epochs, at least one and 200,000 pairs of them, and tell the median of one.

    Where an epoch has more steps than `most_steps`, it is cut there, and its time is what all of them would take.
    """
    from releaf.graph.link_prediction import one_thread
    from releaf.graph.minibatch import SampledLinkTask, embed_in_chunks
    from releaf.graph.predictor import LinkPredictor
    from releaf.graph.settings import GraphSettings
    from releaf.training.device import Hardware
    from releaf.training.loop import Optimization, fit

    made = MadeGraph.open(folder)
    settings = GraphSettings(
        layers=LAYERS, hidden=HIDDEN, output=OUTPUT, fanout=FANOUT, batch_pairs=BATCH_PAIRS, full_batch_edges=0
    )
    model = LinkPredictor(settings, WIDTH)
    task = _cut_off(most_steps)(made.features, made.rows, made.held, settings, "cpu")
    steps = SampledLinkTask.steps_per_epoch(task)
    share = task.steps_per_epoch() / steps
    with one_thread():
        for batch in [next(iter(task.batches(1)))]:
            task.loss(model, batch).backward()
        started = peak_bytes()
        epochs = max(1, _FEWEST_PAIRS // n_pairs)
        hardware = Hardware("cpu", "fp32", 1 << 30, 1)
        before = time.process_time()
        history = fit(model, task, Optimization(epochs, 1e-3, 5e-4), hardware)
        processor = (time.process_time() - before) / epochs
        out = np.lib.format.open_memmap(folder / Z, mode="w+", dtype=np.float32, shape=(made.rows.n_nodes, OUTPUT))
        embedding = seconds(lambda: embed_in_chunks(model, made.features, made.rows, out=out))
    # Of the pairs that were scored; as good as all have their non-edge.
    spent = [2 * made.rows.n_pairs / record["samples_per_second"] for record in history.epochs]
    return {
        "epoch_s": statistics.median(spent),
        "processor_s": processor / share,
        "share": 100 * share,
        "epochs": float(epochs),
        "auc": history.epochs[-1]["auc"],
        "start_bytes": started,
        "embed_s": embedding,
        "nodes": float(made.rows.n_nodes),
        "rows_bytes": float(sum((folder / name).stat().st_size for name in (INDPTR, INDICES))),
        "features_bytes": float(made.features.nbytes),
    }


def _cut_off(most_steps: int) -> type[SampledLinkTask]:
    from releaf.graph.minibatch import SampledLinkTask

    class CutOff(SampledLinkTask):
        """The task, with an epoch of so many steps at most."""

        def steps_per_epoch(self) -> int:
            return min(most_steps, super().steps_per_epoch())

    return CutOff


def recommend(folder: Path, n_pairs: int, most_steps: int) -> dict[str, float]:  # noqa: ARG001 - as above
    """Ten best partners of a node among all nodes, by z held in memory."""
    z = np.load(folder / Z)
    sources = np.random.default_rng(0).integers(0, len(z), _QUERIES + 3)

    def best(source: int) -> np.ndarray:
        scores = z @ z[source]
        scores[source] = -np.inf
        found = np.argpartition(scores, -10)[-10:]
        return found[np.argsort(-scores[found])]

    return {"recommend_ms": float(np.median(milliseconds_each(best, sources.tolist())[3:]))}


STEPS = {step.__name__: step for step in (make, train, recommend)}


if __name__ == "__main__":
    given = STEPS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    print(json.dumps(given | {"peak_bytes": peak_bytes()}))
