"""From pixels to logits in torch, for training and for measuring what is trained; serving runs ONNX instead."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from releaf.training.device import Hardware
from releaf.vision.data import Pixels
from releaf.vision.model import VisionModel
from releaf.vision.network import Outputs
from releaf.vision.preprocessing import normalize, to_tensor

BATCH_SIZE = 64


class TorchNetwork:
    """A trained model on the device it was trained on, as a `Network`."""

    def __init__(self, model: VisionModel, hardware: Hardware) -> None:
        self._model = model.to(hardware.device).eval()
        self._hardware = hardware

    def __call__(self, pixels: Pixels) -> Outputs:
        """Return the outputs for (N, size, size, 3) uint8 RGB pixels, N at least 1."""
        logits: list[dict[str, Tensor]] = []
        features: list[Tensor] = []
        for start in range(0, len(pixels), BATCH_SIZE):
            batch = channels_last(normalize(to_tensor(pixels[start : start + BATCH_SIZE]).to(self._hardware.device)))
            with torch.no_grad(), _autocast(self._hardware):
                pooled = self._model.features(batch)
                logits.append({head: layer(pooled).float().cpu() for head, layer in self._model.heads.items()})
                features.append(pooled.float().cpu())
        return Outputs(
            {head: np.concatenate([part[head].numpy() for part in logits]) for head in logits[0]},
            np.concatenate([part.numpy() for part in features]),
        )


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


def channels_last(pixels: Tensor) -> Tensor:
    """Return (B, C, H, W) pixels laid out channel by channel in memory: convolutions run faster on it."""
    return pixels.contiguous(memory_format=torch.channels_last)


def _autocast(hardware: Hardware) -> AbstractContextManager[object]:
    if hardware.precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if hardware.precision == "bf16" else torch.float16
    return torch.autocast(hardware.device, dtype=dtype)
