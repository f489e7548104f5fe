from __future__ import annotations

import platform
import resource
import sys

import pytest
import torch
from torch import nn

from releaf.training import memory
from releaf.training.memory import reused_memory

GLIBC = platform.libc_ver()[0] == "glibc"


def faults(count: int = 20) -> int:
    """Pages that the system had to hand out for so many tensors of 4 MiB, each freed before the next."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        torch.ones(1 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not GLIBC, reason="another C library")
def test_memory_that_was_freed_is_taken_again_without_asking_the_system():
    with reused_memory():
        torch.ones(1 << 20)
        assert min(faults() for _ in range(3)) < 500  # 20 tensors are 20,480 pages


@pytest.mark.skipif(sys.platform != "linux" or not GLIBC, reason="resident memory is read from /proc")
def test_afterwards_the_system_has_it_back():
    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * 4096

    with reused_memory():
        held = [torch.ones(1 << 20) for _ in range(80)]  # 320 MiB
        before = resident()
        del held
        assert before - resident() < 100 << 20
    assert before - resident() > 250 << 20


def test_an_exception_passes_through():
    with pytest.raises(KeyboardInterrupt), reused_memory():
        raise KeyboardInterrupt


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert memory._glibc() is None
    with reused_memory():
        assert nn.Linear(2, 2)(torch.ones(1, 2)).shape == (1, 2)
