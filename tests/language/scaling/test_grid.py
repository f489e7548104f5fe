from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from transformers import PreTrainedTokenizerFast

from releaf.errors import DataError, InputError
from releaf.language.decoder import build_decoder, parameter_count
from releaf.language.scaling import grid as module
from releaf.language.scaling.grid import Grid, Size, Trained, train_grid
from releaf.training.device import Hardware

SMALL = Grid(
    sizes=(Size(32, 1), Size(32, 2)),
    tokens=(64, 128),
    held_out=(Size(64, 2), 192),
    vocabulary=300,
    window=16,
    judged_tokens=40,
)


@pytest.fixture(scope="module")
def text() -> pl.DataFrame:
    sentences = [f"The {thing} number {n} goes to bin {n % 4}." for n in range(12) for thing in ("can", "jar", "box")]
    return pl.DataFrame({"id": [str(n) for n in range(36)], "title": ["Sorting"] * 36, "text": sentences})


@pytest.mark.parametrize("size", [Size(32, 1), Size(96, 3)])
def test_parameters_are_those_of_the_model_without_its_embedding(
    size: Size, tokenizer: PreTrainedTokenizerFast
) -> None:
    model = build_decoder(size.decoder(64), tokenizer, seed=0)

    assert size.parameters == parameter_count(model) - len(tokenizer) * size.width


def test_a_killed_grid_goes_on_from_its_finished_cells(
    text: pl.DataFrame, hardware: Hardware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_grid(text, SMALL, hardware)
    seen: list[str] = []

    def die(done: int, total: int, note: str = "") -> None:
        seen.append(f"{note} of {total}")
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_grid(text, SMALL, hardware, state_dir=tmp_path, progress=die)
    trained: list[Size] = []
    own = module._train

    def watched(size: Size, *rest: Any) -> Trained:
        trained.append(size)
        return own(size, *rest)

    monkeypatch.setattr(module, "_train", watched)
    resumed = train_grid(text, SMALL, hardware, state_dir=tmp_path)

    assert resumed == whole
    assert trained == [Size(32, 2), Size(64, 2)]
    assert len(seen) == 3


def test_every_cell_reads_its_tokens_once(text: pl.DataFrame, hardware: Hardware) -> None:
    trained = train_grid(text, SMALL, hardware)

    assert [cell.run.tokens for cell in trained] == [64, 128, 64, 128, 192]
    assert [cell.curve[-1][0] for cell in trained] == [64, 128, 64, 128, 192]


def test_less_text_than_the_largest_run_reads_is_refused(text: pl.DataFrame, hardware: Hardware) -> None:
    with pytest.raises(DataError, match="the largest run reads 100,000 once"):
        train_grid(text, replace(SMALL, held_out=(Size(64, 2), 100_000)), hardware)


def test_a_held_out_run_within_the_grid_is_refused() -> None:
    with pytest.raises(InputError, match="must be larger than every run of the grid in both"):
        replace(SMALL, held_out=(Size(64, 2), 128))
