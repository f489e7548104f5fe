"""What the graph models share: convolutions one after another, with batch norm, ReLU and dropout between them.

The convolutions themselves are one file each: `sage`, `gat`, `gcn`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import SGConv

from releaf.graph.blocks import Block, Hop
from releaf.graph.settings import GraphSettings


class GraphEncoder(nn.Module):
    """From node features (N, D) and messages (2, M) to node embeddings z (N, output).

    All convolutions but the last are followed by batch norm, ReLU and dropout. With `settings.skip`, z also gets
    S²·X·W with S = D^−½·(A + I)·D^−½ (Wu et al. 2019, equation 8): what neighbourhoods look like before anything is
    learned, W starting as the identity.
    """

    def __init__(self, convolutions: Sequence[nn.Module], settings: GraphSettings, inputs: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)
        self.norms = nn.ModuleList(nn.BatchNorm1d(settings.hidden) for _ in convolutions[:-1])
        self.dropout = settings.dropout
        self.skip = SGConv(inputs, settings.output, K=2, bias=False) if settings.skip else None
        if self.skip is not None:
            nn.init.eye_(self.skip.lin.weight)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embed every node; messages run from `edge_index[0]` to `edge_index[1]`."""
        h = x
        for layer, convolution in enumerate(self.convolutions):
            h = self.activated(layer, convolution(h, edge_index))
        return h if self.skip is None else h + self.skip(x, edge_index)

    def activated(self, layer: int, h: Tensor) -> Tensor:
        """Batch norm, ReLU and dropout of what a layer's convolution gave; the last layer's stays as it is."""
        if layer == len(self.norms):
            return h
        return F.dropout(F.relu(self.norms[layer](h)), self.dropout, self.training)

    def forward_block(self, x: Tensor, block: Block) -> Tensor:
        """Embed the seeds of a sampled neighbourhood (seeds, output) from the features of its nodes (n, D).

        Where every neighbour was drawn, this is what `forward` gives them on the whole graph in evaluation mode.
        """
        h = x
        for layer in range(len(self.convolutions)):
            h = self.activated(layer, self.convolve(layer, h, block.hops[-1 - layer]))
        if self.skip is None:
            return h
        twice: Tensor = self.skip.lin(block.hops[0].smooth(block.hops[1].smooth(x)))
        return h + twice

    def convolve(self, layer: int, h: Tensor, hop: Hop) -> Tensor:
        """A layer's convolution for the targets of a hop (targets, width), from rows of all its nodes."""
        convolved: Tensor = self.convolutions[layer]((h, h[: hop.targets]), hop.edge_index)
        return convolved


def layer_widths(settings: GraphSettings, inputs: int) -> list[tuple[int, int]]:
    """(width in, width out) of each layer: inputs → hidden → … → hidden → output."""
    return list(pairwise([inputs, *[settings.hidden] * (settings.layers - 1), settings.output]))


def build_encoder(settings: GraphSettings, inputs: int) -> GraphEncoder:
    """The encoder that `settings.model` names, with random weights, for features of width `inputs`."""
    from releaf.graph.gat import GraphAttention
    from releaf.graph.gcn import GraphConvolution
    from releaf.graph.sage import GraphSage

    models = {"sage": GraphSage, "gat": GraphAttention, "gcn": GraphConvolution}
    return models[settings.model](settings, inputs)
