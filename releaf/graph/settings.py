"""The settings of a graph model. Free of torch, so that whoever only configures one need not load it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from releaf.errors import InputError, UnknownNameError

ModelName = Literal["sage", "gat", "gcn"]
Aggregator = Literal["mean", "max", "lstm"]
CANDIDATES: dict[str, tuple[ModelName, Aggregator]] = {
    "sage_mean": ("sage", "mean"),
    "sage_max": ("sage", "max"),
    "sage_lstm": ("sage", "lstm"),
    "gat": ("gat", "mean"),
    "gcn": ("gcn", "mean"),
}
"""Model and aggregator by the name under which they are compared."""


@dataclass(frozen=True)
class GraphSettings:
    """How a graph model is built and trained.

    model: GraphSAGE, graph attention or graph convolution. aggregator: how GraphSAGE sums up neighbours; the other
    two have their own way, and theirs must stay `mean`.
    candidates: names of `CANDIDATES` that are compared on validation in their stead; none takes model and aggregator
    as they are. layers: convolutions, at least 2. hidden: width between
    them. output: width of z. heads: attention heads of `gat`, of which `hidden` is a multiple. dropout: share of
    hidden numbers dropped after all but the last layer.
    lstm_neighbours: most neighbours of a node that an LSTM reads, others are left out.
    skip: add a linear map of the features smoothed over two steps to z. normalize: give all z one learned length, so
    that the score is scale · cosine, and learn an offset of the score; without it the offset is 0.
    supervised_share: share of the training pairs an epoch predicts, hidden from its own messages; 0 predicts all of
    them while passing messages along them.
    full_batch_edges: a graph with more training pairs than this is trained on sampled neighbourhoods, in steps of
    `batch_pairs` pairs, which are hidden from the messages of their step; an epoch is one pass over the training
    pairs. fanout: neighbours drawn of each node there, in each hop.
    epochs, learning_rate, weight_decay: as for `Optimization`; an epoch is one step on a whole graph.
    warmup_epochs: epochs of rising learning rate. patience: epochs without a better validation AUC before stopping;
    None trains all epochs. seed: of weights, dropout and negatives.
    """

    model: ModelName = "sage"
    aggregator: Aggregator = "mean"
    candidates: tuple[str, ...] = ()
    layers: int = 3
    hidden: int = 256
    output: int = 128
    heads: int = 4
    dropout: float = 0.3
    lstm_neighbours: int = 25
    skip: bool = True
    normalize: bool = True
    supervised_share: float = 0.3
    full_batch_edges: int = 200_000
    batch_pairs: int = 1024
    fanout: int = 5
    epochs: int = 200
    learning_rate: float = 1e-3
    weight_decay: float = 5e-4
    warmup_epochs: float = 3
    patience: int | None = 50
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "candidates", tuple(self.candidates))  # JSON knows lists alone
        if self.model not in get_args(ModelName):
            raise InputError(f"graph model {self.model!r} is unknown; choose one of {', '.join(get_args(ModelName))}")
        if self.aggregator not in get_args(Aggregator):
            raise InputError(
                f"aggregator {self.aggregator!r} is unknown; choose one of {', '.join(get_args(Aggregator))}"
            )
        if self.model != "sage" and self.aggregator != "mean":
            raise InputError(f"aggregator {self.aggregator!r} is for sage only; {self.model} has its own")
        for name in self.candidates:
            if name not in CANDIDATES:
                raise UnknownNameError("graph model", name, CANDIDATES, "the candidates")
        if self.layers < 2 or self.hidden < 1 or self.output < 1 or self.lstm_neighbours < 1:
            raise InputError(
                f"layers ({self.layers}) must be at least 2, hidden ({self.hidden}) and output ({self.output}) widths "
                f"and lstm_neighbours ({self.lstm_neighbours}) at least 1"
            )
        if self.model == "gat" and (self.heads < 1 or self.hidden % self.heads):
            raise InputError(f"hidden ({self.hidden}) must be a multiple of heads ({self.heads})")
        if self.full_batch_edges < 0 or self.batch_pairs < 1 or self.fanout < 1:
            raise InputError(
                f"full_batch_edges ({self.full_batch_edges}) must be at least 0, batch_pairs ({self.batch_pairs}) and "
                f"fanout ({self.fanout}) at least 1"
            )
        if not (0 <= self.dropout < 1 and 0 <= self.supervised_share < 1):
            raise InputError(
                f"dropout ({self.dropout}) and supervised_share ({self.supervised_share}) are shares from 0 up to, "
                "but not, 1"
            )
