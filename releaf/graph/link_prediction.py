"""Training a graph model to tell edges from non-edges, on a split that hides what it will be asked about.

The loop is `releaf.training`'s; here are the batches, the loss and the validation. Final figures are in `evaluation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from releaf.errors import DataError
from releaf.graph.minibatch import SampledLinkTask, embed_in_chunks
from releaf.graph.predictor import LinkPredictor
from releaf.graph.sampler import Neighbours
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import EdgeSplit, IntArray, both_directions, check_hidden, check_no_leak, sample_negatives
from releaf.metrics.links import average_precision, roc_auc
from releaf.progress import Progress, silent
from releaf.training.device import Hardware
from releaf.training.loop import History, Optimization, Task, fit, seed_everything

FloatArray = npt.NDArray[np.float32]
_AT_ONCE = 1_000_000


@dataclass(frozen=True, eq=False)
class LinkBatch:
    """One step on the whole graph: messages (2, M), pairs to predict (2, P), and sampled non-edges (2, ≤ P)."""

    messages: Tensor
    positives: Tensor
    negatives: Tensor


class LinkTask:
    """Predict training pairs against fresh negatives; watch the AUC on the validation pairs."""

    monitor = "auc"
    maximize = True

    def __init__(self, features: FloatArray, split: EdgeSplit, settings: GraphSettings, device: str) -> None:
        self.split = split
        self.settings = settings
        self.device = device
        self.x = torch.from_numpy(features).to(device)
        self.messages = self._tensor(split.message)

    def batches(self, epoch: int) -> Iterable[LinkBatch]:
        """The one batch of an epoch; what it predicts and its negatives depend on seed and epoch alone."""
        rng = np.random.default_rng([self.settings.seed, epoch])
        train, messages = self.split.train, self.messages
        positives = train
        hidden = round(self.settings.supervised_share * train.shape[1])
        if hidden:
            order = rng.permutation(train.shape[1])
            positives = train[:, order[:hidden]]
            visible = both_directions(train[:, order[hidden:]])
            check_hidden(positives, visible, self.split.n_nodes)
            messages = self._tensor(visible)
        negatives = sample_negatives(positives, self.split.strata, known=train, rng=rng)
        yield LinkBatch(messages, self._tensor(positives), self._tensor(negatives))

    def steps_per_epoch(self) -> int:
        """One: the graph is one batch."""
        return 1

    def loss(self, model: nn.Module, batch: LinkBatch) -> Tensor:
        """L = L_pos + L_neg, each a mean binary cross-entropy."""
        predictor = _predictor(model)
        z = predictor(self.x, batch.messages)
        positive, negative = predictor.logits(z, batch.positives), predictor.logits(z, batch.negatives)
        return -F.logsigmoid(positive).mean() - F.logsigmoid(-negative).mean()

    def samples(self, batch: LinkBatch) -> int:
        """Pairs that were scored."""
        return batch.positives.shape[1] + batch.negatives.shape[1]

    def validate(self, model: nn.Module) -> dict[str, float]:
        """AUC and average precision on the validation pairs, with all training pairs as messages."""
        predictor = _predictor(model)
        z = predictor(self.x, self.messages)
        positive = predictor.logits(z, self._tensor(self.split.validation)).cpu().numpy()
        negative = predictor.logits(z, self._tensor(self.split.validation_negatives)).cpu().numpy()
        return {"auc": roc_auc(positive, negative), "average_precision": average_precision(positive, negative)}

    def _tensor(self, pairs: IntArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(pairs)).to(self.device)


def _predictor(model: nn.Module) -> LinkPredictor:
    if not isinstance(model, LinkPredictor):
        raise TypeError(f"LinkTask trains a LinkPredictor, not a {type(model).__name__}")
    return model


@dataclass(frozen=True, eq=False)
class TrainedLinks:
    """A trained predictor with the best epoch's weights, its curves, and z (N, output) under the message edges."""

    model: LinkPredictor
    z: FloatArray
    history: History

    @property
    def offset(self) -> float:
        """Added to z_i·z_j before σ."""
        return self.model.score_offset


def train_links(
    features: FloatArray,
    split: EdgeSplit,
    settings: GraphSettings,
    hardware: Hardware,
    *,
    state_dir: Path | None = None,
    progress: Progress = silent,
) -> TrainedLinks:
    """Train a link predictor on node features (N, D) and a split, after checking that the split does not leak.

    A graph of more than `settings.full_batch_edges` training pairs is trained on sampled neighbourhoods (`minibatch`).
    Runs in fp32 on any device: sums over hundreds of neighbours lose too much in half precision, and a graph that
    fits in one batch gains no speed from it. With `state_dir` a killed run goes on from its last epoch.
    On the CPU it runs in one thread, see `one_thread`. Raises `DataError` for a leaking split or features of another
    number of nodes.
    """
    check_no_leak(split)
    if features.shape[0] != split.n_nodes:
        raise DataError(f"the split has {split.n_nodes} nodes and the features have {features.shape[0]}")
    seed_everything(settings.seed)
    model = LinkPredictor(settings, features.shape[1])
    sampled = split.train.shape[1] > settings.full_batch_edges
    task: Task[Any] = (SampledLinkTask.of if sampled else LinkTask)(features, split, settings, hardware.device)
    optimization = Optimization(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_epochs=settings.warmup_epochs,
        patience=settings.patience,
        seed=settings.seed,
    )
    with one_thread():
        history = fit(
            model, task, optimization, replace(hardware, precision="fp32"), state_dir=state_dir, progress=progress
        )
        return TrainedLinks(model, embed(model, features, split.message), history)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread, and as before afterwards; for a process that trains, not for one that serves.

    Sums then come out in one order, so that results do not depend on the number of cores. Steps on a graph of hundreds
    of nodes are too short to share: where other work holds the cores, most of the time goes into waiting for a second
    thread.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def embed(model: LinkPredictor, features: FloatArray, messages: IntArray) -> FloatArray:
    """Z (N, output) of nodes with features (N, D) under messages (2, M), in evaluation mode.

    Many messages are passed a chunk of nodes at a time, which gives the same up to rounding in less memory.
    """
    if messages.shape[1] > _AT_ONCE:
        return embed_in_chunks(model, features, Neighbours.of_messages(messages, len(features)))
    device = next(model.parameters()).device
    model.eval()
    z = model(torch.from_numpy(features).to(device), torch.from_numpy(np.ascontiguousarray(messages)).to(device))
    return np.asarray(z.cpu().numpy(), dtype=np.float32)
