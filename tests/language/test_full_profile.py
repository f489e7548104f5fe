"""The `full` profile on a Llama that lies on disk: its code path, without its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from releaf.language.adapters import load_adapter, save_adapter
from releaf.language.decoder import Base, open_base
from releaf.language.settings import AdapterSettings
from releaf.language.tuning import tune
from releaf.training.device import Hardware
from resources.settings import Settings, load_settings


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, base_directory: Path) -> Settings:
    monkeypatch.delenv("RELEAF_PROFILE", raising=False)
    return load_settings(profile="full", language={"source": f"path:{base_directory}"})


def test_the_full_profile_asks_for_what_a_large_base_needs(settings: Settings) -> None:
    tuning = settings.language.tuning
    assert (tuning.adapter.rank, tuning.adapter.alpha) == (64, 128)
    assert tuning.packing
    assert tuning.gradient_checkpointing


def test_a_llama_on_disk_is_tuned_saved_and_opened_again_as_the_full_profile_does(
    settings: Settings, base: Base, instructions: pl.DataFrame, hardware: Hardware, tmp_path: Path
) -> None:
    opened = open_base(settings.language.source, hardware)
    assert type(opened.model).__name__ == "LlamaForCausalLM"
    small = replace(settings.language.tuning, adapter=AdapterSettings(rank=4, alpha=8), epochs=1)
    tuned = tune(opened, instructions, small, hardware)
    assert tuned.history.epochs[0]["loss"] > 0
    save_adapter(tuned.model, opened, tmp_path / "adapter")
    again = load_adapter(open_base(settings.language.source, hardware), tmp_path / "adapter")
    assert any(".lora_A." in name for name, _ in again.named_parameters())
