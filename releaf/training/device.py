"""Which device, precision and batch size a run uses. Knows what torch reports, nothing of any model."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from releaf.errors import HardwareError
from releaf.training.free_memory import free_main_memory

Device = Literal["cuda", "mps", "cpu"]
Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class Hardware:
    """The device a run uses.

    `memory_bytes` is what is free on it now (for CPU and MPS: free main memory); `threads` is for CPU work.
    """

    device: Device
    precision: Precision
    memory_bytes: int = field(compare=False)  # changes by the second; two equal choices stay equal
    threads: int

    @property
    def loss_scaling(self) -> bool:
        """Whether gradients need dynamic loss scaling: fp16 on CUDA only."""
        return self.device == "cuda" and self.precision == "fp16"

    @property
    def four_bit(self) -> bool:
        """Whether a 4-bit base model can be held here: CUDA only."""
        return self.device == "cuda"

    def for_training(self, native_bf16: bool) -> Hardware:
        """Return the same in bf16 where that is wanted and the processor multiplies it natively.

        Convolutions train 1.3 to 2 times as fast and transformers 2 to 3 times, no worse in what they learn; without
        such instructions it would be slower than fp32, so it is decided here and not by a profile.
        """
        import torch

        if native_bf16 and self.device == "cpu" and torch.cpu._is_avx512_bf16_supported():
            return replace(self, precision="bf16")
        return self

    def batch_size(self, model_bytes: int, sample_bytes: int, *, overhead: float = 0.2, limit: int = 64) -> int:
        """Largest power of two that fits: M_total = M_model + M_batch + M_cache + M_overhead.

        `sample_bytes` is one sample's activations and gradients; cache and overhead are the share `overhead` of
        what is free. Raises `HardwareError` when not even one sample fits.
        """
        room = self.memory_bytes * (1 - overhead) - model_bytes
        if room < sample_bytes:
            raise HardwareError(
                f"a model of {model_bytes:,} bytes and one sample of {sample_bytes:,} do not fit in "
                f"{self.memory_bytes:,} bytes free on {self.device}; use a smaller model or another device"
            )
        fitting = min(limit, int(room // sample_bytes))
        return 1 << (fitting.bit_length() - 1)


def detect(device: str = "auto", precision: str = "auto") -> Hardware:
    """Decide for CUDA, else MPS, else CPU; an explicit choice wins.

    Raises `HardwareError`, saying why, for a device that is absent or a precision it cannot compute in.
    """
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device not in (*present, "auto"):
        raise HardwareError(f"unknown device {device!r}; choose auto, cuda, mps or cpu")
    if device != "auto" and not present[device]:
        found = ", ".join(name for name, there in present.items() if there)
        raise HardwareError(
            f"device {device!r} was asked for, but torch reports none here (present: {found}); use one of these or auto"
        )
    chosen = cast(Device, next(name for name, there in present.items() if there) if device == "auto" else device)
    return Hardware(chosen, _precision(chosen, precision), _free_memory(chosen), _threads())


def _precision(device: Device, wanted: str) -> Precision:
    import torch

    natural: dict[Device, Precision] = {
        "cuda": "bf16" if device == "cuda" and torch.cuda.is_bf16_supported() else "fp16",
        "mps": "fp16",
        "cpu": "fp32",
    }
    able: dict[Device, tuple[Precision, ...]] = {
        "cuda": ("fp32", "fp16", natural["cuda"]),
        "mps": ("fp32", "fp16"),
        "cpu": ("fp32", "bf16"),
    }
    if wanted == "auto":
        return natural[device]
    if wanted not in able[device]:
        choices = ", ".join(sorted(set(able[device])))
        raise HardwareError(f"precision {wanted!r} cannot be used on {device}; choose auto or one of {choices}")
    return wanted


def _free_memory(device: Device) -> int:
    import torch

    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return free_main_memory()


def _threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
