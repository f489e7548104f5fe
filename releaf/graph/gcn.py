"""Graph convolution (Kipf & Welling 2017): each node averages itself with its neighbours, each by its degree."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch_geometric.nn import GCNConv

from releaf.graph.blocks import Hop
from releaf.graph.encoder import GraphEncoder, layer_widths
from releaf.graph.settings import GraphSettings


class GraphConvolution(GraphEncoder):
    """H' = σ(D^−½·(A + I)·D^−½·H·W) (equation 2), D counting the self-loop."""

    def __init__(self, settings: GraphSettings, inputs: int) -> None:
        convolutions = [GCNConv(before, after) for before, after in layer_widths(settings, inputs)]
        super().__init__(convolutions, settings, inputs)

    def convolve(self, layer: int, h: Tensor, hop: Hop) -> Tensor:
        """See `GraphEncoder.convolve`; the degrees are those of the whole graph, which a sample does not show."""
        convolution: Any = self.convolutions[layer]
        convolved: Tensor = hop.smooth(convolution.lin(h)) + convolution.bias
        return convolved
