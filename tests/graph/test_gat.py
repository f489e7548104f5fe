from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from releaf.graph.gat import GraphAttention
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
