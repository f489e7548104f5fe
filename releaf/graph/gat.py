"""Graph attention (Veličković et al. 2018): each node weighs its neighbours by what they hold."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import GATConv

from releaf.graph.encoder import GraphEncoder, layer_widths
from releaf.graph.settings import GraphSettings


@dataclass(frozen=True, eq=False)
class Attention:
    """Weights of one layer: `weights` (M, heads), of node `edge_index[0]` in node `edge_index[1]`, self-loops included.

    For each receiving node and head they sum to 1.
    """

    edge_index: Tensor
    weights: Tensor


class GraphAttention(GraphEncoder):
    """h_v' = σ(Σ α_vu·W·h_u), α = softmax over u of LeakyReLU₀.₂(a·[W·h_v ‖ W·h_u]) (equations 3 and 4).

    Heads are laid side by side in hidden layers (equation 5) and averaged in the last (equation 6).
    """

    def __init__(self, settings: GraphSettings, inputs: int) -> None:
        widths = layer_widths(settings, inputs)
        last = len(widths) - 1
        convolutions = [
            GATConv(
                before,
                after if layer == last else after // settings.heads,
                heads=settings.heads,
                concat=layer != last,
                negative_slope=0.2,
                dropout=settings.dropout,
            )
            for layer, (before, after) in enumerate(widths)
        ]
        super().__init__(convolutions, settings, inputs)

    @torch.no_grad()
    def attention(self, x: Tensor, edge_index: Tensor) -> list[Attention]:
        """The attention weights of each layer for node features (N, D), as used in evaluation."""
        training = self.training
        self.eval()
        read = []
        for layer, convolution in enumerate(self.convolutions):
            x, (edges, weights) = convolution(x, edge_index, return_attention_weights=True)
            read.append(Attention(edges, weights))
            if layer < len(self.norms):
                x = F.relu(self.norms[layer](x))
        self.train(training)
        return read
