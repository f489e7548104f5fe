from __future__ import annotations

import pytest
import torch

from releaf.errors import HardwareError
from releaf.training.device import Hardware, detect


def report(monkeypatch: pytest.MonkeyPatch, *, cuda: bool = False, mps: bool = False, bf16: bool = True) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (8 << 30, 16 << 30))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_cuda_comes_first_then_mps_then_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    report(monkeypatch, cuda=True, mps=True)
    assert (detect().device, detect().precision, detect().memory_bytes) == ("cuda", "bf16", 8 << 30)
    report(monkeypatch, mps=True)
    assert (detect().device, detect().precision) == ("mps", "fp16")
    report(monkeypatch)
    assert (detect().device, detect().precision) == ("cpu", "fp32")


def test_cuda_without_bf16_uses_fp16_with_loss_scaling(monkeypatch: pytest.MonkeyPatch) -> None:
    report(monkeypatch, cuda=True, bf16=False)
    found = detect()
    assert (found.precision, found.loss_scaling) == ("fp16", True)


def test_four_bit_is_for_cuda_only(monkeypatch: pytest.MonkeyPatch) -> None:
    report(monkeypatch, mps=True)
    assert not detect().four_bit
    report(monkeypatch, cuda=True)
    assert detect().four_bit


def test_an_explicit_choice_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    report(monkeypatch, cuda=True)
    assert detect("cpu").device == "cpu"
    assert detect("cuda", "fp32").precision == "fp32"


def test_an_impossible_choice_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    report(monkeypatch)
    with pytest.raises(HardwareError, match=r"'cuda' was asked for, but torch reports none here \(present: cpu\)"):
        detect("cuda")
    with pytest.raises(HardwareError, match="'fp16' cannot be used on cpu"):
        detect("cpu", "fp16")
    with pytest.raises(HardwareError, match="unknown device 'tpu'"):
        detect("tpu")


def test_the_batch_is_the_largest_power_of_two_that_fits() -> None:
    hardware = Hardware("cpu", "fp32", memory_bytes=1000, threads=1)
    # 1000 · 0.8 − 100 = 700 bytes of room, 70 samples of 10, limited to 64
    assert hardware.batch_size(100, 10) == 64
    assert hardware.batch_size(100, 100) == 4
    with pytest.raises(HardwareError, match="do not fit"):
        hardware.batch_size(900, 10)
