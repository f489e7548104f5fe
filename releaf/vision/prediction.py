"""From pixels to logits and probabilities, for validation, reports and serving alike.

Here: arrays in, arrays out. Files, names and time are in `inference`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from releaf.training.device import Hardware
from releaf.vision.data import ClassNames, Pixels
from releaf.vision.losses import family_log_probabilities, family_membership
from releaf.vision.preprocessing import normalize, to_tensor

Probabilities = npt.NDArray[np.float64]
BATCH_SIZE = 64


def predict_logits(
    model: nn.Module, pixels: Pixels, hardware: Hardware, *, batch_size: int = BATCH_SIZE
) -> dict[str, Tensor]:
    """Return the float32 logits of each head, on the CPU, for (N, H, W, 3) uint8 pixels, N at least 1.

    The model must be on the hardware's device and in evaluation mode.
    """
    parts: list[dict[str, Tensor]] = []
    for start in range(0, len(pixels), batch_size):
        batch = channels_last(normalize(to_tensor(pixels[start : start + batch_size]).to(hardware.device)))
        with torch.no_grad(), _autocast(hardware):
            parts.append({head: out.float().cpu() for head, out in model(batch).items()})
    return {head: torch.cat([part[head] for part in parts]) for head in parts[0]}


def label_log_probabilities(logits: Mapping[str, Tensor], names: ClassNames) -> dict[str, Tensor]:
    """Return ln p of every class of `item`, `material`, `family` and `bin`, each (N, classes).

    A family's probability is the sum of its materials'.
    """
    found = {head: values.float().log_softmax(dim=1) for head, values in logits.items()}
    membership = family_membership(names.family_of_material, len(names.family))
    return {**found, "family": family_log_probabilities(logits["material"], membership)}


def label_probabilities(
    logits: Mapping[str, Tensor], names: ClassNames, temperatures: Mapping[str, float] | None = None
) -> dict[str, Probabilities]:
    """Return p of every class of `item`, `material`, `family` and `bin`, each (N, classes) with rows that sum to 1.

    Logits are divided by the head's temperature, 1 for a head that has none.
    """
    scaled = {head: values.double() / (temperatures or {}).get(head, 1.0) for head, values in logits.items()}
    found = {head: np.asarray(values.softmax(dim=1).numpy(), dtype=np.float64) for head, values in scaled.items()}
    member = family_membership(names.family_of_material, len(names.family)).numpy()
    return {**found, "family": found["material"] @ member.T.astype(np.float64)}


def channels_last(pixels: Tensor) -> Tensor:
    """Return (B, C, H, W) pixels laid out channel by channel in memory: convolutions run faster on it."""
    return pixels.contiguous(memory_format=torch.channels_last)


def _autocast(hardware: Hardware) -> AbstractContextManager[object]:
    if hardware.precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if hardware.precision == "bf16" else torch.float16
    return torch.autocast(hardware.device, dtype=dtype)
