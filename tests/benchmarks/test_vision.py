from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest
import vision
from PIL import Image
from vision_parts import one, pictures, training
from vision_parts.pictures import photograph

PER_ITEM = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pictures")
    pictures.render(made, PER_ITEM)
    return made


def test_photographs_are_the_same_each_time_and_grain_fills_the_file() -> None:
    smooth, again, grainy = photograph(800, 600), photograph(800, 600), photograph(800, 600, grain=3.0)
    assert smooth == again
    assert len(grainy) > 1.5 * len(smooth)
    opened = Image.open(io.BytesIO(grainy))
    assert (opened.format, opened.size) == ("JPEG", (800, 600))


def test_rendered_pictures_are_a_folder_of_classes_with_their_table(folder: Path) -> None:
    table = pl.read_parquet(folder / pictures.TABLE)
    classes = sorted(place.name for place in (folder / "images").iterdir())
    assert classes == sorted(table["item"].unique().to_list())
    assert table["item"].value_counts()["count"].unique().to_list() == [PER_ITEM]


@pytest.mark.parametrize("name", ["ours", "timm"])
def test_a_side_trains_an_epoch_when_it_is_told_to(folder: Path, name: str) -> None:
    count = pl.read_parquet(folder / pictures.TABLE).height
    with training.side(name, "fp32", folder, 1) as started:
        figures = started.epoch()
    assert figures["pictures"] == (count if name == "ours" else count // 32 * 32)
    assert figures["processor_seconds"] > 0
    assert 0 <= figures.get("waited", 0.0) < figures["seconds"]


def test_a_side_that_cannot_start_is_told_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with (
        pytest.raises(training.BenchmarkError, match=r"vision_parts\.side ours fp32 .* ended early, with 1"),
        training.side("ours", "fp32", tmp_path, 1),
    ):
        raise AssertionError("it started without pictures")


def test_half_the_answers_take_less_than_the_median_and_a_twentieth_more_than_p95() -> None:
    assert one._percentiles([float(value) for value in range(101)]) == (50.0, 95.0)


def test_parts_are_chosen_on_the_command_line() -> None:
    chosen = vision.arguments(["one", "--repeats", "7"])
    assert (chosen.part, chosen.repeats, chosen.rounds) == (["one"], 7, 5)
    with pytest.raises(SystemExit):
        vision.arguments(["speed"])
