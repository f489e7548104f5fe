from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn.aggr import MaxAggregation

from releaf.graph.encoder import build_encoder
from releaf.graph.sage import GraphSage, LargestNeighbour, LastStepLSTM
from releaf.graph.settings import GraphSettings

# The path 0 – 1 – 2 – 3, and node 4 alone.
EDGES = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
NEIGHBOURS: list[list[int]] = [[1], [0, 2], [1, 3], [2], []]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def features(width: int, count: int = 5) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(1))


def small(**options: object) -> GraphSettings:
    return GraphSettings(hidden=6, output=4, skip=False, **options)  # type: ignore[arg-type]


def array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy().astype(np.float64)


def test_a_layer_with_identity_weights_adds_the_mean_of_the_neighbours() -> None:
    layer: Any = type(GraphSage(small(), 1).convolutions[0])(1, 1, aggr="mean")
    nn.init.ones_(layer.lin_l.weight)
    nn.init.zeros_(layer.lin_l.bias)
    nn.init.ones_(layer.lin_r.weight)
    h = torch.tensor([[1.0], [2.0], [4.0], [8.0], [16.0]])
    # 1 + 2,  2 + (1 + 4)/2,  4 + (2 + 8)/2,  8 + 4,  16 + nothing
    assert layer(h, EDGES).ravel().tolist() == [3.0, 4.5, 9.0, 12.0, 16.0]


def test_three_layers_are_the_formula_written_out_in_numpy() -> None:
    model = GraphSage(small(), 3).eval()
    x = features(3)
    h = array(x)
    layer: Any
    for index, layer in enumerate(model.convolutions):
        mean = np.array([h[near].mean(axis=0) if near else np.zeros(h.shape[1]) for near in NEIGHBOURS])
        weight = np.concatenate([array(layer.lin_r.weight), array(layer.lin_l.weight)], axis=1)
        h = np.concatenate([h, mean], axis=1) @ weight.T + array(layer.lin_l.bias)  # W·[h ‖ AGG]
        if index < 2:
            norm: Any = model.norms[index]  # running mean 0 and variance 1 before any training
            h = np.maximum(h / np.sqrt(1 + norm.eps), 0)
    assert model(x, EDGES).detach().numpy() == pytest.approx(h, abs=1e-5)


def test_max_takes_the_largest_pooled_neighbour() -> None:
    layer: Any = GraphSage(small(aggregator="max"), 3).convolutions[0]
    h = features(3)
    pooled = np.maximum(array(h) @ array(layer.lin.weight).T + array(layer.lin.bias), 0)
    largest = np.array([pooled[near].max(axis=0) if near else np.zeros(3) for near in NEIGHBOURS])
    expected = largest @ array(layer.lin_l.weight).T + array(layer.lin_l.bias) + array(h) @ array(layer.lin_r.weight).T
    assert layer(h, EDGES).detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_lstm_reads_each_neighbour_once_in_order() -> None:
    aggregation = LastStepLSTM(3, 25).eval()
    h = features(3)
    order = EDGES[:, torch.argsort(EDGES[1] * 5 + EDGES[0])]
    summary = aggregation(h[order[0]], order[1], dim_size=5)
    for node, near in enumerate(NEIGHBOURS[:4]):
        _, (last, _) = aggregation.lstm(h[near].unsqueeze(0))
        assert torch.allclose(summary[node], last[0, 0], atol=1e-6)
    assert not summary[4].any()


def test_of_many_neighbours_an_lstm_reads_some_spread_evenly() -> None:
    aggregation = LastStepLSTM(3, 3).eval()
    h = features(3, 9)
    # Node 0 has seven neighbours: ⌊(p + 1) · 3 / 7⌋ grows at places 2, 4 and 6. Node 2 has two and both are read.
    summary = aggregation(h, torch.tensor([0] * 7 + [2] * 2), dim_size=3)
    for node, read in ((0, [2, 4, 6]), (2, [7, 8])):
        _, (last, _) = aggregation.lstm(h[read].unsqueeze(0))
        assert torch.allclose(summary[node], last[0, 0], atol=1e-6)
    assert not summary[1].any()


def test_in_training_an_lstm_reads_other_neighbours_each_time_and_none_of_another_node() -> None:
    aggregation = LastStepLSTM(3, 2)
    h = features(3, 8)
    index = torch.tensor([0] * 6 + [1] * 2)
    pairs = {
        node: [
            aggregation.lstm(h[[first, second]].unsqueeze(0))[1][0][0, 0]
            for first in mine
            for second in mine
            if first != second
        ]
        for node, mine in ((0, range(6)), (1, range(6, 8)))
    }
    seen = set()
    for _ in range(40):
        summary = aggregation(h, index, dim_size=2)
        for node, possible in pairs.items():
            close = [number for number, state in enumerate(possible) if torch.allclose(summary[node], state, atol=1e-6)]
            assert len(close) == 1
            seen.add((node, close[0]))
    # Each of two orders of node 1; of the 30 ordered pairs of node 0 most.
    assert {(1, 0), (1, 1)} <= seen
    assert len(seen) > 15


def test_a_whole_lstm_layer_is_the_formula_written_out_in_numpy() -> None:
    layer: Any = GraphSage(small(aggregator="lstm"), 3).eval().convolutions[0]
    lstm = layer.aggr_module.lstm
    of_input, of_state = array(lstm.weight_ih_l0), array(lstm.weight_hh_l0)
    bias = array(lstm.bias_ih_l0) + array(lstm.bias_hh_l0)
    h = array(features(3))

    def sigmoid(values: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + np.exp(-values)))

    def read(neighbours: list[int]) -> np.ndarray:
        state, cell = np.zeros(3), np.zeros(3)
        for node in neighbours:  # Hochreiter & Schmidhuber 1997; gates in the order input, forget, candidate, output
            gates = of_input @ h[node] + of_state @ state + bias
            enter, keep, candidate, leave = np.split(gates, 4)
            cell = sigmoid(keep) * cell + sigmoid(enter) * np.tanh(candidate)
            state = sigmoid(leave) * np.tanh(cell)
        return state

    summary = np.array([read(near) for near in NEIGHBOURS])
    expected = summary @ array(layer.lin_l.weight).T + array(layer.lin_l.bias) + h @ array(layer.lin_r.weight).T
    order = EDGES[:, torch.argsort(EDGES[1] * 5 + EDGES[0])]
    assert layer(features(3), order).detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_a_pooled_layer_by_hand() -> None:
    layer: Any = type(GraphSage(small(aggregator="max"), 1).convolutions[0])(1, 1, aggr="max", project=True, bias=False)
    for parameter in layer.parameters():
        nn.init.ones_(parameter)
    nn.init.zeros_(layer.lin.bias)
    h = torch.tensor([[1.0], [-2.0], [4.0], [8.0], [16.0]])
    # ReLU: 1, 0, 4, 8, 16. Largest neighbour + own: 0 + 1, 4 − 2, 8 + 4, 4 + 8, 0 + 16.
    assert layer(h, EDGES).ravel().tolist() == [1.0, 2.0, 12.0, 12.0, 16.0]


@pytest.mark.parametrize("order_of_edges", [[5, 3, 1, 0, 4, 2], [2, 0, 4, 1, 5, 3]])
@pytest.mark.parametrize("changes", [{}, {"aggregator": "max"}, {"model": "gat", "hidden": 8}, {"model": "gcn"}])
def test_the_order_in_which_edges_are_listed_changes_nothing(
    changes: dict[str, Any], order_of_edges: list[int]
) -> None:
    model = build_encoder(GraphSettings(**{"hidden": 6, "output": 4, **changes}), 3).eval()
    assert torch.allclose(model(features(3), EDGES[:, order_of_edges]), model(features(3), EDGES), atol=1e-6)


def test_a_hub_far_away_changes_no_other_component() -> None:
    model = GraphSage(small(aggregator="lstm"), 3).eval()
    x = torch.cat([features(3), features(3, 12)])
    hub = torch.stack([torch.arange(6, 17), torch.full((11,), 5)])
    with_hub = model(x, torch.cat([EDGES, hub], dim=1))[:5]
    assert torch.allclose(with_hub, model(x, EDGES)[:5], atol=1e-6)


def test_lstm_does_not_mind_the_order_in_which_edges_are_listed() -> None:
    model = GraphSage(small(aggregator="lstm"), 3).eval()
    assert torch.equal(model(features(3), EDGES), model(features(3), EDGES.flip(1)))


@pytest.mark.parametrize(
    "settings",
    [
        small(),
        small(aggregator="max"),
        GraphSettings(hidden=6, output=4),
        GraphSettings(model="gat", hidden=8, output=4),
        GraphSettings(model="gcn", hidden=6, output=4),
    ],
)
def test_renumbered_nodes_have_their_embeddings_renumbered(settings: GraphSettings) -> None:
    model = build_encoder(settings, 3).eval()
    x = features(3)
    order = torch.tensor([3, 0, 4, 1, 2])
    place = torch.argsort(order)
    assert torch.allclose(model(x[order], place[EDGES]), model(x, EDGES)[order], atol=1e-5)


@pytest.mark.parametrize("model", ["sage", "gat", "gcn"])
def test_widths_are_128_256_256_128(model: str) -> None:
    encoder = build_encoder(GraphSettings(model=model), 128)  # type: ignore[arg-type]
    assert [norm.num_features for norm in encoder.norms] == [256, 256]
    assert encoder(torch.randn(5, 128), EDGES).shape == (5, 128)


def test_dropout_acts_in_training_only_and_not_after_the_last_layer() -> None:
    model = build_encoder(GraphSettings(hidden=16, output=8, dropout=0.9, skip=False), 3)
    x = features(3)
    assert not torch.equal(model(x, EDGES), model(x, EDGES))
    assert (model(x, EDGES) != 0).all()
    model.eval()
    assert torch.equal(model(x, EDGES), model(x, EDGES))


def test_the_skip_adds_features_smoothed_over_two_steps() -> None:
    model = build_encoder(GraphSettings(hidden=6, output=3), 3).eval()
    for parameter in model.convolutions[-1].parameters():
        nn.init.zeros_(parameter)
    loops = np.eye(5)
    loops[EDGES[0], EDGES[1]] = 1
    step = loops / np.sqrt(np.outer(loops.sum(0), loops.sum(0)))
    x = features(3)
    assert model(x, EDGES).detach().numpy() == pytest.approx(step @ step @ array(x), abs=1e-5)


def test_the_maximum_and_its_gradient_are_torch_geometrics_to_the_last_bit() -> None:
    generator = torch.Generator().manual_seed(3)
    # Many zeros, as ReLU leaves them: ties share the gradient. Node 9 has no neighbour.
    values = torch.randn(200, 5, generator=generator).clamp_min(0)
    index = torch.randint(9, (200,), generator=generator)
    weights = torch.randn(10, 5, generator=generator)
    found = []
    for aggregation in (LargestNeighbour(), MaxAggregation()):
        x = values.clone().requires_grad_()
        largest = aggregation(x, index, dim_size=10)
        (largest * weights).sum().backward()
        assert x.grad is not None
        found.append((largest.detach(), x.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_two_equal_largest_neighbours_share_the_gradient() -> None:
    x = torch.tensor([[3.0], [3.0], [1.0]], requires_grad=True)
    LargestNeighbour()(x, torch.tensor([0, 0, 0]), dim_size=1).sum().backward()
    assert x.grad is not None
    assert x.grad.ravel().tolist() == [0.5, 0.5, 0.0]
