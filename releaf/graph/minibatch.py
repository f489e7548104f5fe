"""Training a graph model, and embedding with it, on a graph that is too large for one step or for one's memory.

Beside `link_prediction`, whose loss and figures these are; it chooses between the two. Memory grows with the batch
and not with the graph, beyond the graph's own rows and its features, which may both be mapped from files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from releaf.graph.blocks import Block, Hop
from releaf.graph.predictor import LinkPredictor
from releaf.graph.sampler import (
    ALL,
    Neighbourhood,
    Neighbours,
    Strata,
    sample_neighbourhood,
    sample_non_edges,
    sample_pairs,
)
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import EdgeSplit, IntArray
from releaf.metrics.links import average_precision, roc_auc
from releaf.training.prefetch import ahead

FloatArray = npt.NDArray[np.float32]
_MESSAGES_AT_ONCE = 50_000


@dataclass(frozen=True, eq=False)
class SampledBatch:
    """Features (n, D) of a sampled neighbourhood, its messages, and pairs of its seeds: edges (2, P), non-edges."""

    x: Tensor
    block: Block
    positives: Tensor
    negatives: Tensor


class SampledLinkTask:
    """Predict every training pair once an epoch, a batch at a time, from sampled neighbourhoods of the batch's ends.

    The pairs of a batch are hidden from its messages in both directions. `features` (N, D) may be memory-mapped; `held`
    are the validation pairs and as many non-edges, scored from neighbourhoods that are the same in every epoch.
    """

    monitor = "auc"
    maximize = True

    def __init__(
        self,
        features: FloatArray,
        graph: Neighbours,
        held: tuple[IntArray, IntArray],
        settings: GraphSettings,
        device: str,
        *,
        strata: Strata | None = None,
    ) -> None:
        self.features = features
        self.graph = graph
        self.held = held
        self.settings = settings
        self.device = device
        self.strata = strata or Strata.one(graph.n_nodes)
        self.fanouts = [settings.fanout] * settings.layers

    @classmethod
    def of(cls, features: FloatArray, split: EdgeSplit, settings: GraphSettings, device: str) -> SampledLinkTask:
        """The task of a split: messages along training pairs alone."""
        graph = Neighbours.of(split.train, split.n_nodes)
        strata = Strata.by(split.strata) if split.strata.any() else None
        return cls(features, graph, (split.validation, split.validation_negatives), settings, device, strata=strata)

    def batches(self, epoch: int) -> Iterable[SampledBatch]:
        """The batches of an epoch, drawn on another core ahead of their step; they depend on seed and epoch alone."""
        return ahead(self._drawn(epoch))

    def _drawn(self, epoch: int) -> Iterator[SampledBatch]:
        order, start = _key(self.settings.seed, epoch), 0
        for step in range(self.steps_per_epoch()):
            pairs, start = sample_pairs(self.graph, start, self.settings.batch_pairs, key=order)
            key = _key(self.settings.seed, epoch, step)
            non_edges = sample_non_edges(self.graph, pairs, self.strata, key=key)
            yield self._batch(pairs, non_edges, hidden=pairs, key=key)

    def steps_per_epoch(self) -> int:
        """How many batches hold all training pairs."""
        return math.ceil(self.graph.n_pairs / self.settings.batch_pairs)

    def loss(self, model: nn.Module, batch: SampledBatch) -> Tensor:
        """L = L_pos + L_neg, each a mean binary cross-entropy."""
        positive, negative = _logits(model, batch)
        return -F.logsigmoid(positive).mean() - F.logsigmoid(-negative).mean()

    def samples(self, batch: SampledBatch) -> int:
        """Pairs that were scored."""
        return batch.positives.shape[1] + batch.negatives.shape[1]

    def validate(self, model: nn.Module) -> dict[str, float]:
        """AUC and average precision on the validation pairs, with sampled training pairs as messages."""
        size = self.settings.batch_pairs
        found: tuple[list[npt.NDArray[np.float32]], ...] = ([], [])
        edges, non_edges = self.held
        for step, start in enumerate(range(0, max(edges.shape[1], non_edges.shape[1]), size)):
            part = slice(start, start + size)
            batch = self._batch(edges[:, part], non_edges[:, part], hidden=None, key=_key(self.settings.seed, step))
            for scores, logits in zip(found, _logits(model, batch), strict=True):
                scores.append(logits.float().cpu().numpy())
        positive, negative = (np.concatenate(scores) for scores in found)
        return {"auc": roc_auc(positive, negative), "average_precision": average_precision(positive, negative)}

    def _batch(self, edges: IntArray, non_edges: IntArray, *, hidden: IntArray | None, key: int) -> SampledBatch:
        ends = np.concatenate([edges, non_edges], axis=1)
        drawn = sample_neighbourhood(self.graph, ends.ravel(), self.fanouts, hidden=hidden, key=key)
        places = torch.from_numpy(drawn.places.reshape(2, -1)).to(self.device)
        cut = edges.shape[1]
        x = rows_of(self.features, drawn).to(self.device)
        return SampledBatch(x, Block.of(drawn, self.device), places[:, :cut], places[:, cut:])


def _key(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def _logits(model: nn.Module, batch: SampledBatch) -> tuple[Tensor, Tensor]:
    if not isinstance(model, LinkPredictor):
        raise TypeError(f"SampledLinkTask trains a LinkPredictor, not a {type(model).__name__}")
    z = model.forward_block(batch.x, batch.block)
    return model.logits(z, batch.positives), model.logits(z, batch.negatives)


def rows_of(features: FloatArray, drawn: Neighbourhood) -> Tensor:
    """Features (n, D) of the nodes of a neighbourhood, read from where they are kept."""
    return torch.from_numpy(np.asarray(features[drawn.nodes], dtype=np.float32))


@torch.no_grad()
def embed_in_chunks(
    model: LinkPredictor,
    features: FloatArray,
    graph: Neighbours,
    *,
    messages_at_once: int = _MESSAGES_AT_ONCE,
    out: FloatArray | None = None,
) -> FloatArray:
    """Z (N, output) of all nodes in evaluation mode, every neighbour counted, into `out` if it is given.

    A layer is computed for all nodes before the next, chunk by chunk of at most `messages_at_once` messages (or one
    node), and what lies between two layers is kept in files of the system's temporary folder.
    """
    model.eval()
    encoder = model.encoder
    chunks = _Chunks(graph, messages_at_once, next(model.parameters()).device)

    def layer_of(layer: int) -> Callable[[Tensor, Hop], Tensor]:
        return lambda rows, hop: encoder.activated(layer, encoder.convolve(layer, rows, hop))

    with TemporaryDirectory(prefix="releaf-embed-") as temporary:
        folder, z = Path(temporary), features
        for layer in range(len(encoder.convolutions)):
            z = chunks.kept(layer_of(layer), z, folder / f"layer-{layer}.npy")
        skip = encoder.skip
        if skip is not None:
            once = chunks.kept(lambda rows, hop: hop.smooth(skip.lin(rows)), features, folder / "once.npy")
            for part, twice in chunks.computed(lambda rows, hop: hop.smooth(rows), once):
                z[part] += twice.cpu().numpy()
        out = np.empty(z.shape, dtype=np.float32) if out is None else out
        for start, stop in chunks.bounds():
            rows = torch.from_numpy(np.array(z[start:stop])).to(chunks.device)
            out[start:stop] = model.normalized(rows).cpu().numpy()
    return out


@dataclass(frozen=True, eq=False)
class _Chunks:
    """A computation for all nodes, some at a time, each from all of its neighbours."""

    graph: Neighbours
    messages: int
    device: torch.device

    def computed(self, compute: Callable[[Tensor, Hop], Tensor], h: FloatArray) -> Iterator[tuple[slice, Tensor]]:
        """What `compute` gives for the nodes of each chunk, from rows `h` (N, D)."""
        for start, stop in self.bounds():
            drawn = sample_neighbourhood(self.graph, np.arange(start, stop), [ALL])
            (hop,) = Block.of(drawn, str(self.device)).hops
            yield slice(start, stop), compute(rows_of(h, drawn).to(self.device), hop)

    def kept(self, compute: Callable[[Tensor, Hop], Tensor], h: FloatArray, path: Path) -> FloatArray:
        """The same for all nodes, in a file that is mapped."""
        parts = self.computed(compute, h)
        first, given = next(parts)
        shape = (self.graph.n_nodes, given.shape[1])
        result = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        for part, rows in chain([(first, given)], parts):
            result[part] = rows.cpu().numpy()
        return result

    def bounds(self) -> Iterator[tuple[int, int]]:
        """Where chunks begin and end."""
        pointers, start = self.graph.indptr, 0
        while start < self.graph.n_nodes:
            fitting = int(np.searchsorted(pointers, pointers[start] + self.messages, side="right")) - 1
            stop = min(max(fitting, start + 1), start + self.messages, self.graph.n_nodes)
            yield start, stop
            start = stop
