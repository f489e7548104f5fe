"""GraphSAGE (Hamilton et al. 2017): each node keeps itself and a summary of its neighbours, side by side."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch_geometric.nn import SAGEConv
from torch_geometric.nn.aggr import Aggregation

from releaf.graph.encoder import GraphEncoder, layer_widths
from releaf.graph.settings import GraphSettings


class GraphSage(GraphEncoder):
    """h_v' = σ(W·[h_v ‖ AGG_{u∈N(v)} h_u]) (algorithm 1), with AGG the mean, a max-pool or an LSTM.

    W is kept as two blocks (`lin_r` for h_v, `lin_l` for the summary). The max-pool takes the largest of
    ReLU(W_pool·h_u + b) (equation 3). A node without neighbours is summed up as zeros.
    """

    def __init__(self, settings: GraphSettings, inputs: int) -> None:
        convolutions = [_convolution(settings, before, after) for before, after in layer_widths(settings, inputs)]
        super().__init__(convolutions, settings, inputs)
        self.ordered = settings.aggregator == "lstm"

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embed every node; see `GraphEncoder.forward`. The LSTM is given neighbours in the order of their numbers."""
        if self.ordered:
            order = torch.argsort(edge_index[1] * len(x) + edge_index[0])
            edge_index = edge_index[:, order]
        return super().forward(x, edge_index)


def _convolution(settings: GraphSettings, before: int, after: int) -> nn.Module:
    if settings.aggregator == "mean":
        return SAGEConv(before, after, aggr="mean")  # type: ignore[no-any-return]
    if settings.aggregator == "max":
        return SAGEConv(before, after, aggr=LargestNeighbour(), project=True)  # type: ignore[no-any-return]
    return SAGEConv(before, after, aggr=LastStepLSTM(before, settings.lstm_neighbours))  # type: ignore[no-any-return]


class LargestNeighbour(Aggregation):  # type: ignore[misc]
    """The largest number among the neighbours of each node, column by column; zeros where there are none.

    Numbers and gradients are torch_geometric's `max` to the last bit. Its gradient also goes to the zeros that the
    result starts from, which nobody asks for and which takes a fifth of a training step.
    """

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,  # noqa: ARG002 - the base class's signature
        dim_size: int | None = None,
        dim: int = -2,  # noqa: ARG002 - the base class's signature
        max_num_elements: int | None = None,  # noqa: ARG002 - the base class's signature
    ) -> Tensor:
        """Largest (dim_size, width) of rows `x` (M, width) grouped by `index` (M)."""
        assert index is not None
        count = (int(index.max()) + 1 if len(index) else 0) if dim_size is None else dim_size
        largest: Tensor = _Largest.apply(x, index, count)
        return largest


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, count: int) -> Tensor:
        spread = index.unsqueeze(1).expand_as(x)
        zeros = x.new_zeros(count, x.shape[1])
        largest = zeros.scatter_reduce_(0, spread, x, reduce="amax", include_self=False)
        ctx.save_for_backward(x, index, largest)
        return largest

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        x, index, largest = ctx.saved_tensors
        wins = (x == largest.index_select(0, index)).to(x.dtype)
        # Equal rows share the gradient; as in torch, a largest number of 0 ties with the zero it started from as well.
        ties = (largest == 0).to(x.dtype).scatter_add(0, index.unsqueeze(1).expand_as(x), wins)
        return wins * (gradient / ties).index_select(0, index), None, None


class LastStepLSTM(Aggregation):  # type: ignore[misc]
    """State of an LSTM after the last neighbour of each node, of which it reads at most `most`.

    In training these are drawn and in random order (Hamilton et al. 2017, section 3.3, and 3.1 for the number, 25 in
    their experiments); otherwise they are spread evenly over all, in the order given. torch_geometric's own reads on
    through the padding, so that one far-away hub changes the embedding of every node.
    """

    def __init__(self, width: int, most: int) -> None:
        super().__init__()
        self.width = width
        self.most = most
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
        max_num_elements: int | None = None,  # noqa: ARG002 - the base class's signature
    ) -> Tensor:
        """Summaries (dim_size, width) of rows `x` (M, width) grouped by the sorted `index` (M)."""
        assert index is not None
        count = int(index[-1]) + 1 if dim_size is None and len(index) else dim_size or 0
        if self.training:
            # Sorted by node still, and at random within each.
            x = x[torch.argsort(index + torch.rand(len(index), dtype=torch.float64, device=x.device))]
        x, index = self._read(x, index, count)
        lengths = torch.bincount(index, minlength=count)
        order = lengths.argsort(descending=True, stable=True)
        rank = torch.empty_like(order).scatter_(0, order, torch.arange(count, device=x.device))
        step = _places(lengths, index)
        summary = x.new_zeros(count, self.width)
        if not len(index):
            return summary
        # Packed by hand, step by step over the nodes that still have a neighbour: padded to the largest hub it is
        # twenty times the work.
        packed = PackedSequence(x[(step * count + rank[index]).argsort()], torch.bincount(step).cpu())
        _, (last, _) = self.lstm(packed)  # (1, nodes with neighbours, width)
        return summary.index_copy(0, order[: last.shape[1]], last[0])

    def _read(self, x: Tensor, index: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The rows that are read, and their nodes: of L > `most` rows those where ⌊place · most / L⌋ grows."""
        lengths = torch.bincount(index, minlength=count)
        if not len(index) or int(lengths.max()) <= self.most:
            return x, index
        place, of = _places(lengths, index) * self.most, lengths[index]
        read = (place + self.most).div(of, rounding_mode="floor") > place.div(of, rounding_mode="floor")
        return x[read], index[read]


def _places(lengths: Tensor, index: Tensor) -> Tensor:
    """The place (M) of each row among the rows of its node, from 0; rows are sorted by node."""
    return torch.arange(len(index), device=index.device) - (lengths.cumsum(0) - lengths)[index]
