"""GraphSAGE (Hamilton et al. 2017): each node keeps itself and a summary of its neighbours, side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import SAGEConv
from torch_geometric.nn.aggr import Aggregation
from torch_geometric.utils import to_dense_batch

from releaf.graph.encoder import GraphEncoder, layer_widths
from releaf.graph.settings import Aggregator, GraphSettings


class GraphSage(GraphEncoder):
    """h_v' = σ(W·[h_v ‖ AGG_{u∈N(v)} h_u]) (algorithm 1), with AGG the mean, a max-pool or an LSTM.

    W is kept as two blocks (`lin_r` for h_v, `lin_l` for the summary). The max-pool takes the largest of
    ReLU(W_pool·h_u + b) (equation 3). A node without neighbours is summed up as zeros.
    """

    def __init__(self, settings: GraphSettings, inputs: int) -> None:
        convolutions = [
            _convolution(settings.aggregator, before, after) for before, after in layer_widths(settings, inputs)
        ]
        super().__init__(convolutions, settings, inputs)
        self.ordered = settings.aggregator == "lstm"

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embed every node; see `GraphEncoder.forward`. The LSTM reads neighbours in the order of their numbers."""
        if self.ordered:
            order = torch.argsort(edge_index[1] * len(x) + edge_index[0])
            edge_index = edge_index[:, order]
        return super().forward(x, edge_index)


def _convolution(aggregator: Aggregator, before: int, after: int) -> nn.Module:
    if aggregator == "mean":
        return SAGEConv(before, after, aggr="mean")  # type: ignore[no-any-return]
    if aggregator == "max":
        return SAGEConv(before, after, aggr="max", project=True)  # type: ignore[no-any-return]
    return SAGEConv(before, after, aggr=LastStepLSTM(before))  # type: ignore[no-any-return]


class LastStepLSTM(Aggregation):  # type: ignore[misc]
    """State of an LSTM after the last neighbour of each node.

    torch_geometric's own reads on through the padding, so that one far-away hub changes the embedding of every node.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.lstm = nn.LSTM(width, width, batch_first=True)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.lstm.reset_parameters()

    def get_out_channels(self, in_channels: int) -> int:  # noqa: ARG002 - the base class's signature
        """Width of the summary, that of the input."""
        return self.width

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,  # noqa: ARG002 - the base class's signature
        dim_size: int | None = None,
        dim: int = -2,  # noqa: ARG002 - the base class's signature
        max_num_elements: int | None = None,
    ) -> Tensor:
        """Summaries (dim_size, width) of rows `x` (M, width) grouped by the sorted `index` (M)."""
        sequences, filled = to_dense_batch(x, index, batch_size=dim_size, max_num_nodes=max_num_elements)
        states, _ = self.lstm(sequences)  # (N, longest, width)
        lengths = filled.sum(dim=1)
        last: Tensor = states[torch.arange(len(states), device=x.device), (lengths - 1).clamp(min=0)]
        summary: Tensor = last * (lengths > 0).unsqueeze(1)
        return summary
