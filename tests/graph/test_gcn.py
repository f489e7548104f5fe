from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from releaf.graph.gcn import GraphConvolution
from releaf.graph.settings import GraphSettings

EDGES = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


def test_a_layer_is_the_formula_written_out_in_numpy() -> None:
    torch.set_num_threads(1)
    layer: Any = GraphConvolution(GraphSettings(model="gcn", hidden=6, output=4), 3).convolutions[0]
    x = torch.randn(3, 3)
    loops = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    step = loops / np.sqrt(np.outer(loops.sum(0), loops.sum(0)))
    expected = step @ x.numpy() @ layer.lin.weight.detach().numpy().T + layer.bias.detach().numpy()
    assert layer(x, EDGES).detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_a_layer_by_hand() -> None:
    layer: Any = GraphConvolution(GraphSettings(model="gcn", hidden=1, output=1), 1).convolutions[0]
    torch.nn.init.ones_(layer.lin.weight)
    with torch.no_grad():
        given = layer(torch.tensor([[1.0], [2.0], [4.0]]), EDGES)
    # Degrees with the self-loop are 2, 3, 2.
    root = np.sqrt(6)
    assert given.ravel().tolist() == pytest.approx([1 / 2 + 2 / root, 1 / root + 2 / 3 + 4 / root, 2 / root + 4 / 2])


def test_three_layers_are_the_formula_written_out_in_numpy() -> None:
    torch.set_num_threads(1)
    model = GraphConvolution(GraphSettings(model="gcn", hidden=6, output=4, skip=False), 3).eval()
    x = torch.randn(3, 3)
    loops = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    step = loops / np.sqrt(np.outer(loops.sum(0), loops.sum(0)))
    h = x.numpy().astype(np.float64)
    layer: Any
    for index, layer in enumerate(model.convolutions):
        h = step @ h @ layer.lin.weight.detach().numpy().T + layer.bias.detach().numpy()
        if index < 2:
            norm: Any = model.norms[index]  # running mean 0 and variance 1 before any training
            h = np.maximum(h / np.sqrt(1 + norm.eps), 0)
    assert model(x, EDGES).detach().numpy() == pytest.approx(h, abs=1e-5)
