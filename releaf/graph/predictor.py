"""A graph encoder with the decoder that turns two node embeddings into the probability of an edge."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from releaf.graph.blocks import Block
from releaf.graph.encoder import build_encoder
from releaf.graph.settings import GraphSettings

# Scale and offset that a normalized score starts from: probabilities from σ(−7) to σ(3), near σ(−2) for unlike nodes.
_FIRST_SCALE, _FIRST_OFFSET = 5.0, -2.0


class LinkPredictor(nn.Module):
    """P(edge) = σ(z_i·z_j + offset).

    With `settings.normalize` every z has the length √scale, so that z_i·z_j = scale · cosine: a node with many edges
    is then no better partner for all others merely by being long. Scale and offset are learned. Otherwise z is as the
    encoder gives it, and the offset is 0.
    """

    def __init__(self, settings: GraphSettings, inputs: int) -> None:
        super().__init__()
        self.encoder = build_encoder(settings, inputs)
        self.log_scale = nn.Parameter(torch.tensor([math.log(_FIRST_SCALE)])) if settings.normalize else None
        self.offset = nn.Parameter(torch.tensor([_FIRST_OFFSET])) if settings.normalize else None

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embeddings z (N, output) of nodes with features `x` (N, D) under messages `edge_index` (2, M)."""
        return self.normalized(self.encoder(x, edge_index))

    def forward_block(self, x: Tensor, block: Block) -> Tensor:
        """Embeddings z (seeds, output) of a sampled neighbourhood's seeds, from features `x` (n, D) of its nodes."""
        return self.normalized(self.encoder.forward_block(x, block))

    def normalized(self, z: Tensor) -> Tensor:
        """What the encoder gave, at the learned length if there is one."""
        return z if self.log_scale is None else F.normalize(z, dim=1) * (self.log_scale / 2).exp()

    def logits(self, z: Tensor, pairs: Tensor) -> Tensor:
        """z_i·z_j + offset of each pair (2, P)."""
        score = (z[pairs[0]] * z[pairs[1]]).sum(dim=1)
        return score if self.offset is None else score + self.offset

    @property
    def score_offset(self) -> float:
        """The offset as a number."""
        return 0.0 if self.offset is None else float(self.offset.detach())
