"""Graph attention (Veličković et al. 2018): each node weighs its neighbours by what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import GATConv

from releaf.errors import UnknownNameError
from releaf.graph.encoder import GraphEncoder, layer_widths
from releaf.graph.settings import GraphSettings


@dataclass(frozen=True, eq=False)
class Attention:
    """Weights of one layer: `weights` (M, heads), of node `edge_index[0]` in node `edge_index[1]`, self-loops included.

    For each receiving node and head they sum to 1.
    """

    edge_index: Tensor
    weights: Tensor

    def strongest(self, node: int, count: int) -> list[tuple[int, float]]:
        """The `count` nodes that one attends to most, itself perhaps among them: (node, weight averaged over heads).

        Weights are in 0–1 and would sum to 1 over all; of equal ones the smaller node number comes first.
        """
        received = self.edge_index[1] == node
        weights = self.weights[received].mean(dim=1).tolist()
        pairs = zip(self.edge_index[0, received].tolist(), weights, strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:count]


ATTENTION_SCHEMA = {
    "layer": pl.Int64,
    "node": pl.String,
    "rank": pl.Int64,
    "attends_to": pl.String,
    "weight": pl.Float64,
}


def attention_table(
    layers: Sequence[Attention], node_ids: Sequence[str], nodes: Sequence[str], *, count: int = 5
) -> pl.DataFrame:
    """What some nodes attend to most in each layer (from 1), averaged over heads: a row a node, layer and rank.

    `node_ids` (N) names the nodes by number. Raises `UnknownNameError` for one of `nodes` that is not among them.
    """
    position = {node: index for index, node in enumerate(node_ids)}
    rows = []
    for node in nodes:
        if node not in position:
            raise UnknownNameError("node", node, list(position))
        for layer, attention in enumerate(layers, start=1):
            for rank, (other, weight) in enumerate(attention.strongest(position[node], count), start=1):
                rows.append((layer, node, rank, node_ids[other], weight))
    return pl.DataFrame(rows, schema=ATTENTION_SCHEMA, orient="row")


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
