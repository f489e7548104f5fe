from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.nn import GATConv

from releaf.errors import UnknownNameError
from releaf.graph.gat import Attention, GraphAttention, attention_table
from releaf.graph.settings import GraphSettings

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])


@pytest.fixture
def model() -> GraphAttention:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return GraphAttention(GraphSettings(model="gat", hidden=8, output=4, skip=False), 3).eval()


def test_attention_sums_to_one_over_what_each_node_receives(model: GraphAttention) -> None:
    x = torch.randn(5, 3)
    layers = model.attention(x, EDGES)
    assert len(layers) == 3
    for layer in layers:
        assert layer.weights.shape == (len(EDGES[0]) + 5, 4)  # every edge and a self-loop each, by 4 heads
        total = torch.zeros(5, 4).index_add(0, layer.edge_index[1], layer.weights)
        assert torch.allclose(total, torch.ones(5, 4), atol=1e-6)


def test_weights_and_output_of_a_layer_are_the_formula_written_out_in_numpy(model: GraphAttention) -> None:
    x = torch.randn(5, 3)
    layer: Any = model.convolutions[0]
    heads = (x.numpy() @ layer.lin.weight.detach().numpy().T).reshape(5, 4, 2)
    sending = (heads * layer.att_src.detach().numpy()).sum(-1)
    receiving = (heads * layer.att_dst.detach().numpy()).sum(-1)
    near = np.eye(5, dtype=bool)
    near[EDGES[1], EDGES[0]] = True
    score = receiving[:, None] + sending[None]  # (receiver, sender, head)
    weight = np.exp(np.where(score > 0, score, 0.2 * score)) * near[..., None]
    weight /= weight.sum(axis=1, keepdims=True)
    read = model.attention(x, EDGES)[0]
    assert read.weights.numpy() == pytest.approx(weight[read.edge_index[1], read.edge_index[0]], abs=1e-5)
    expected = np.einsum("vuh,uhd->vhd", weight, heads).reshape(5, 8) + layer.bias.detach().numpy()
    assert layer(x, EDGES).detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_reading_attention_leaves_the_model_in_its_mode(model: GraphAttention) -> None:
    model.train()
    model.attention(torch.randn(5, 3), EDGES)
    assert model.training


def test_attention_of_each_layer_is_that_of_the_forward_pass(model: GraphAttention) -> None:
    x = torch.randn(5, 3)
    h = x
    for index in range(2):
        h = torch.relu(model.norms[index](model.convolutions[index](h, EDGES)))
    _, (_, weights) = model.convolutions[2](h, EDGES, return_attention_weights=True)
    assert torch.allclose(model.attention(x, EDGES)[2].weights, weights)


def test_a_layer_by_hand(model: GraphAttention) -> None:
    layer: Any = GATConv(1, 1, heads=1, bias=False)
    for parameter in layer.parameters():
        torch.nn.init.ones_(parameter)
    with torch.no_grad():
        given = layer(torch.tensor([[0.0], [torch.log(torch.tensor(3.0))]]), torch.tensor([[1], [0]]))
    # Node 0 weighs itself by e⁰ and node 1 by e^ln 3: (1·0 + 3·ln 3) / 4. Node 1 hears itself alone.
    assert given.ravel().tolist() == pytest.approx([0.75 * np.log(3), np.log(3)])


def test_the_last_layer_averages_its_heads(model: GraphAttention) -> None:
    x = torch.randn(5, 8)
    layer: Any = model.convolutions[2]
    _, (edges, weights) = layer(x, EDGES, return_attention_weights=True)
    heads = (x @ layer.lin.weight.T).reshape(5, 4, 4)
    sent = heads[edges[0]] * weights.unsqueeze(-1)
    expected = torch.zeros(5, 4, 4).index_add(0, edges[1], sent).mean(dim=1) + layer.bias
    assert torch.allclose(layer(x, EDGES), expected, atol=1e-5)


def test_what_a_node_attends_to_most_is_told_in_order_of_the_mean_over_heads() -> None:
    attention = Attention(
        torch.tensor([[1, 2, 0, 0]] * 1 + [[0, 0, 0, 1]]),
        torch.tensor([[0.2, 0.4], [0.5, 0.1], [0.3, 0.5], [1.0, 1.0]]),
    )
    assert attention.strongest(0, 2) == [(0, pytest.approx(0.4)), (1, pytest.approx(0.3))]
    table = attention_table([attention], ["a", "b", "c"], ["b", "a"], count=3)
    assert table["attends_to"].to_list() == ["a", "a", "b", "c"]
    assert table["node"].to_list() == ["b", "a", "a", "a"]
    assert table["rank"].to_list() == [1, 1, 2, 3]
    assert table.filter(node="a")["weight"].sum() == pytest.approx(1)


def test_attention_of_a_node_that_is_not_there_is_refused(model: GraphAttention) -> None:
    layers = model.attention(torch.randn(5, 3), EDGES)
    assert attention_table(layers, list("abcde"), ["e"]).rows() == [
        (layer, "e", 1, "e", pytest.approx(1.0)) for layer in (1, 2, 3)
    ]
    with pytest.raises(UnknownNameError, match="'f'"):
        attention_table(layers, list("abcde"), ["f"])
