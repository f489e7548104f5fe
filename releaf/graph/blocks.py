"""What a layer of a graph model sees of a sampled neighbourhood: messages to the nodes that are needed after it.

Drawing is in `sampler`; what a layer does with its messages is in `encoder` and the models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from releaf.graph.sampler import Neighbourhood


@dataclass(frozen=True, eq=False)
class Hop:
    """Messages to the first `targets` nodes from nodes that they stand among: `edge_index` (2, M), targets rising.

    `weights` (M) and `own` (targets) are those of D^−½·(A + I)·D^−½, with D of the whole graph; the messages of a node
    of which only some were drawn are scaled up to its degree, so that their sum is right on average.
    """

    targets: int
    edge_index: Tensor
    weights: Tensor
    own: Tensor

    def smooth(self, h: Tensor) -> Tensor:
        """(D^−½ (A + I) D^−½)·H for the targets (targets, D), from rows of all nodes (n, D)."""
        sent = h[self.edge_index[0]] * self.weights.unsqueeze(1)
        return (h[: self.targets] * self.own.unsqueeze(1)).index_add(0, self.edge_index[1], sent)


@dataclass(frozen=True, eq=False)
class Block:
    """A sampled neighbourhood as tensors: `hops[k]` holds the messages to all nodes within k hops of the seeds."""

    hops: tuple[Hop, ...]

    @classmethod
    def of(cls, drawn: Neighbourhood, device: str = "cpu") -> Block:
        """The hops of a neighbourhood, the last of which reaches all of its nodes."""
        counts = np.diff(drawn.pointers)
        targets = np.repeat(np.arange(len(counts)), counts)
        root = 1 / np.sqrt(drawn.degree + 1.0)
        scale = drawn.degree[: len(counts)] / np.maximum(counts, 1)
        weights = root[drawn.sources] * root[targets] * scale[targets]
        edges = torch.from_numpy(np.stack([drawn.sources, targets])).to(device)
        factors = torch.from_numpy(weights.astype(np.float32)).to(device)
        own = torch.from_numpy((root * root).astype(np.float32)).to(device)
        cuts = [(int(size), int(drawn.pointers[size])) for size in drawn.sizes[:-1]]
        return cls(tuple(Hop(size, edges[:, :end], factors[:end], own[:size]) for size, end in cuts))
