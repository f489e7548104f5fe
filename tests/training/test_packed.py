from __future__ import annotations

import torch
from torch import nn

from releaf.training.packed import pack_linear


def test_packed_layers_give_what_torch_gives_for_any_number_of_rows() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(24, 40), nn.GELU(), nn.Sequential(nn.Linear(40, 8, bias=False)))
    inputs = [torch.randn(shape) for shape in ((1, 24), (7, 24), (2, 5, 24))]
    with torch.inference_mode():
        expected = [model(x) for x in inputs]
        if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            assert pack_linear(model) == 0
            return
        assert pack_linear(model) == 2
        for x, y in zip(inputs, expected, strict=True):
            torch.testing.assert_close(model(x), y, rtol=1e-5, atol=1e-6)


def test_layers_in_another_precision_and_of_another_kind_stay() -> None:
    model = nn.Sequential(nn.Linear(4, 4, dtype=torch.bfloat16), nn.LayerNorm(4))
    assert pack_linear(model) == 0
    assert type(model[0]) is nn.Linear
