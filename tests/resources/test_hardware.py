from __future__ import annotations

import pytest

from releaf.training.device import Hardware
from resources.hardware import HardwareResource


def test_the_decision_is_shown_in_words() -> None:
    chosen = Hardware("cuda", "bf16", memory_bytes=3 * 2**29, threads=4)
    assert HardwareResource().metadata(chosen) == {"hardware": "cuda, bf16, 4 threads, 1.5 GiB free"}


def test_device_and_precision_are_asked_for_as_they_were_set(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("resources.hardware.detect", lambda *wanted: asked.append(wanted))
    HardwareResource().choose()
    HardwareResource(device="cpu", precision="bf16").choose()
    assert asked == [("auto", "auto"), ("cpu", "bf16")]
