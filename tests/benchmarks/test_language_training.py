from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import language
import pytest
from language_parts import training

from releaf.language.decoder import as_base, build_decoder, save_base
from releaf.language.settings import DecoderSettings, TokenizerSettings
from releaf.language.tokenizer import train_tokenizer
from releaf.metrics.text import IGNORED


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("training")
    tokenizer = train_tokenizer(["rinse the jar and sort it"] * 3, TokenizerSettings(vocabulary=280))
    shape = DecoderSettings(64, layers=1, heads=4, key_value_heads=2, feed_forward=64, context=32)
    save_base(as_base(build_decoder(shape, tokenizer, seed=0), tokenizer), made / "base")
    rows = [[[1, *range(20, 26 + size)], [IGNORED] * 4 + list(range(23, 26 + size))] for size in range(9)]
    (made / training.ROWS).write_text(json.dumps(rows))
    return made


@pytest.mark.parametrize("name", ["ours", "trl"])
def test_a_side_trains_an_epoch_when_it_is_told_to(folder: Path, name: str) -> None:
    with training.side(name, folder, 2) as started:
        figures = started.epoch()

    assert figures["seconds"] > 0
    assert figures["processor_seconds"] > 0
    assert 3 < figures["loss"] < 10


def test_a_side_that_cannot_start_is_told_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with (
        pytest.raises((training.BenchmarkError, BrokenPipeError)),
        training.side("ours", tmp_path, 1) as started,
    ):
        started.epoch()


def test_everything_is_measured_where_nothing_is_named() -> None:
    assert language.arguments([]).part == []
    assert "training" in language.PARTS
    assert language.arguments(["training", "--records", "8"]).records == 8
