"""`epoch`: our full-batch epoch beside torch_geometric's example of link prediction, on the same graph and features.

The example (`examples/link_pred.py` of torch_geometric) is rebuilt from its parts: two GCNConv layers, every training
edge predicted while messages pass along it, as many sampled non-edges an epoch, binary cross-entropy, Adam, then AUC
on the validation pairs. Ours has the same widths, pairs and messages, and batch norm between its layers beside.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from retrieval_parts.measure import BenchmarkError, Row, Table, in_turns, median_ratio, seconds

from graph_parts.made import WIDTH, MadeGraph, write_graph

HIDDEN, OUTPUT = 128, 64
_EPOCHS = 5


def epoch(folder: Path, *, rounds: int, citation: Path | None, pairs: int = 100_000) -> Table:
    """Seconds of an epoch, training and validation, of both on each graph."""
    graphs: dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]] = {}
    if citation is not None:
        graphs[citation.stem] = _citation(citation)
    graphs[f"synthetic, {pairs:,} pairs"] = _made(folder, pairs)
    rows: list[Row] = []
    for name, (features, edges) in graphs.items():
        rows += _compared(name, features, edges, rounds)
    remarks = (
        f"GCN of 2 layers, {HIDDEN} and {OUTPUT} wide; {_EPOCHS} epochs a round, sides in turns, the same features",
        "ours trains in one thread as the pipeline does, torch_geometric in two; both predict all training pairs",
    )
    return Table("epoch", "an epoch of link prediction on the whole graph", tuple(rows), ("seconds",), remarks)


def _compared(name: str, features: NDArray[np.float32], edges: NDArray[np.int64], rounds: int) -> list[Row]:
    from releaf.graph.splits import split_edges

    split = split_edges(edges, len(features), seed=0)
    sides = {"ours": ours(features, split), "torch_geometric": theirs(features, split)}
    for side in sides.values():
        side()
    spent = in_turns({side: (lambda call=call: seconds(call) / _EPOCHS) for side, call in sides.items()}, rounds)
    ratio, note = median_ratio(spent["ours"], spent["torch_geometric"])
    shape = f"{len(features):,} nodes, {split.train.shape[1]:,} training pairs, {features.shape[1]:,} features"
    return [
        *(Row(f"{name}: {side}", (statistics.median(times),), "s", note=shape) for side, times in spent.items()),
        Row(f"{name}: ours over torch_geometric", (ratio,), "×", at_most=1.0, note=note),
    ]


def ours(features: NDArray[np.float32], split: object) -> Callable[[], object]:
    """Epochs of our loop."""
    from releaf.graph.link_prediction import LinkTask, one_thread
    from releaf.graph.predictor import LinkPredictor
    from releaf.graph.settings import GraphSettings
    from releaf.training.device import Hardware
    from releaf.training.loop import Optimization, fit

    settings = GraphSettings(
        model="gcn",
        layers=2,
        hidden=HIDDEN,
        output=OUTPUT,
        dropout=0.0,
        skip=False,
        normalize=False,
        supervised_share=0.0,
    )
    task = LinkTask(features, split, settings, "cpu")  # type: ignore[arg-type]
    model = LinkPredictor(settings, features.shape[1])
    hardware = Hardware("cpu", "fp32", 1 << 30, 1)

    def run() -> None:
        with one_thread():
            fit(model, task, Optimization(_EPOCHS, 1e-2, 5e-4), hardware)

    return run


def theirs(features: NDArray[np.float32], split: object) -> Callable[[], object]:
    """Epochs of the example's loop."""
    import torch
    from torch_geometric.nn import GCNConv
    from torch_geometric.utils import negative_sampling

    from releaf.metrics.links import roc_auc

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = GCNConv(features.shape[1], HIDDEN), GCNConv(HIDDEN, OUTPUT)

        def encode(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
            return self.conv2(self.conv1(x, edge_index).relu(), edge_index)  # type: ignore[no-any-return]

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x = torch.from_numpy(features)
    messages, train, held, non_edges = (
        torch.from_numpy(getattr(split, name)) for name in ("message", "train", "validation", "validation_negatives")
    )

    def decode(z: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
        return (z[pairs[0]] * z[pairs[1]]).sum(dim=-1)

    def one() -> None:
        model.train()
        optimizer.zero_grad()
        z = model.encode(x, messages)
        drawn = negative_sampling(messages, num_nodes=len(x), num_neg_samples=train.size(1), method="sparse")
        out = decode(z, torch.cat([train, drawn], dim=-1))
        label = torch.cat([torch.ones(train.size(1)), torch.zeros(drawn.size(1))])
        torch.nn.functional.binary_cross_entropy_with_logits(out, label).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            z = model.encode(x, messages)
            roc_auc(decode(z, held).numpy(), decode(z, non_edges).numpy())

    return lambda: [one() for _ in range(_EPOCHS)]


def _citation(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    from releaf.graph.citation import read_npz

    if not path.is_file():
        raise BenchmarkError(f"{path} does not exist; give --citation the path of a citation graph as .npz")
    graph = read_npz(path)
    return np.asarray(graph.dense(), dtype=np.float32), graph.edge_index


def _made(folder: Path, pairs: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    folder.mkdir(parents=True, exist_ok=True)
    write_graph(folder, pairs)
    made = MadeGraph.open(folder)
    sources = np.repeat(np.arange(made.rows.n_nodes), np.diff(made.rows.indptr))
    assert made.features.shape[1] == WIDTH
    return np.array(made.features), np.stack([sources, made.rows.indices]).astype(np.int64)
