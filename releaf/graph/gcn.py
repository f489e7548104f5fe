"""Graph convolution (Kipf & Welling 2017): each node averages itself with its neighbours, each by its degree."""

from __future__ import annotations

from torch_geometric.nn import GCNConv

from releaf.graph.encoder import GraphEncoder, layer_widths
from releaf.graph.settings import GraphSettings


class GraphConvolution(GraphEncoder):
    """H' = σ(D^−½·(A + I)·D^−½·H·W) (equation 2), D counting the self-loop."""

    def __init__(self, settings: GraphSettings, inputs: int) -> None:
        convolutions = [GCNConv(before, after) for before, after in layer_widths(settings, inputs)]
        super().__init__(convolutions, settings, inputs)
