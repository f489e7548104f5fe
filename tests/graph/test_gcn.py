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
