"""Products with fixed weights on a CPU in fp32. For models that are only read: a packed layer does not learn."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def pack_linear(model: nn.Module) -> int:
    """Let oneDNN compute every linear layer of a model that stands on the CPU in fp32; returns how many.

    torch itself hands such products to a library that uses half of AVX-512 on processors of other makers than its own:
    2.3 times as long on a Zen 4 core. Results agree to the rounding of fp32. Where torch lacks the operators, which are
    those that its compiler writes, nothing changes.
    """
    able = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]
    found = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if able and type(child) is nn.Linear and child.weight.device.type == "cpu" and child.weight.dtype is torch.float
    ]
    for parent, name, child in found:
        setattr(parent, name, _Packed(child))
    return len(found)


class _Packed(nn.Module):
    """y = x·Wᵀ + b with W in the order in which oneDNN reads it."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        # For inputs of any number of rows.
        self._weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), None)
        self._bias = None if layer.bias is None else layer.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """(…, D) to (…, D')."""
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "none", [], "")
        return y
