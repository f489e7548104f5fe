"""`releaf evaluate vision` on folders as people have them; the classifier goes by colour."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from command.main import app
from releaf.errors import DataError, InputError
from releaf.taxonomy import Taxonomy
from releaf.vision import published
from resources import references
from tests.vision.colours import colour_predictor

RED, GREEN, BLUE, GREY = (250, 10, 10), (10, 250, 10), (10, 10, 250), (128, 128, 128)


def picture(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), colour).save(path)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and a home whose classifier goes by colour."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RELEAF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(references, "load_artifact", lambda home, asset: SimpleNamespace(path=tmp_path))
    monkeypatch.setattr(published, "open_published", lambda folder, taxonomy: colour_predictor(taxonomy))
    return tmp_path


@pytest.fixture
def photos(here: Path) -> Path:
    """Two shirts and a thing nobody knows under `clothes`, an alias; a battery and a shirt under `metal`."""
    folder = here / "photos"
    for name, colour in (("clothes/a.png", RED), ("clothes/deep/b.JPG", RED), ("clothes/c.png", GREY)):
        picture(folder / name, colour)
    for name, colour in (("metal/d.png", GREEN), ("metal/e.png", RED)):
        picture(folder / name, colour)
    return folder


def evaluate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", "vision", *arguments])


def figures(*arguments: str) -> dict[str, Any]:
    result = evaluate(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    json.dumps(found, allow_nan=False)
    return dict(found)


@pytest.mark.usefixtures("photos")
def test_folders_named_after_families_are_measured_and_one_document_comes_back():
    found = figures("photos")
    assert (found["labels"], found["images"], found["not_known"]) == ("family", 5, 1)
    assert (found["family"]["n"], found["family"]["accuracy"]) == (5, 3 / 5)
    assert 0 < found["family"]["ece"] < 1
    # Shirts: of three that it calls textile two are; it finds two of three. Metal: one of two, and nothing else.
    per_class = found["family"]["per_class"]
    assert per_class["textile"] == {"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "support": 3}
    assert per_class["metal"]["recall"] == 1 / 2
    assert (found["refused"], found["empty_folders"]) == ([], [])


@pytest.mark.parametrize(
    ("labels", "folders", "measured"),
    [
        ("family", ("textile", "metal"), {"family"}),
        ("item", ("tee", "AA battery"), {"item", "bin", "family"}),
        ("material", ("textile", "tin"), {"material", "family"}),
        ("bin", ("landfill", "hazardous"), {"bin"}),
    ],
)
def test_folders_may_name_any_kind_and_what_follows_is_measured_too(
    here: Path, labels: str, folders: tuple[str, str], measured: set[str]
):
    for folder, colour in zip(folders, (RED, GREEN), strict=True):
        picture(here / "set" / folder / "a.png", colour)
    found = figures("set", "--labels", labels)
    assert {name for name, value in found.items() if isinstance(value, dict)} == measured
    assert all(found[name]["accuracy"] == 1.0 for name in measured)
    assert all(found[name]["ece"] < 1e-3 for name in measured)


def test_what_cannot_be_read_is_listed_and_not_counted_as_wrong(photos: Path):
    (photos / "metal" / "cut.jpg").write_bytes((photos / "clothes" / "deep" / "b.JPG").read_bytes()[:300])
    (photos / "metal" / "empty.jpg").touch()
    (photos / "metal" / "text.jpg").write_text("words")
    (photos / "metal" / "loop.jpg").symlink_to(photos / "metal" / "loop.jpg")
    (photos / "metal" / ".DS_Store").touch()
    (photos / "metal" / "._d.png").touch()
    (photos / "metal" / "back").symlink_to(photos)
    picture(photos / "stray.png", RED)
    (photos / "glass").mkdir()
    found = figures("photos")
    assert (found["images"], found["family"]["n"], found["family"]["accuracy"]) == (5, 5, 3 / 5)
    reasons = {Path(entry["name"]).name: entry["reason"] for entry in found["refused"]}
    assert set(reasons) == {"cut.jpg", "empty.jpg", "text.jpg", "loop.jpg", "stray.png"}
    assert reasons["stray.png"] == "stands in no class folder"
    assert reasons["empty.jpg"].endswith("is empty")
    assert found["empty_folders"] == ["glass"]


def test_people_read_a_line_a_label_a_line_a_class_and_what_was_left_out(photos: Path):
    (photos / "metal" / "[red].jpg").touch()
    (photos / "glass").mkdir()
    result = evaluate("photos")
    assert result.stdout.startswith("5 pictures, 1 of them not known to the classifier\n")
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert lines[1] == ["label", "n", "accuracy", "top", "3", "macro", "F1", "ECE"]
    assert lines[2][:3] == ["family", "5", "0.6000"]
    assert lines[3] == ["family", "n", "precision", "recall", "F1"]
    assert ["textile", "3", "0.6667", "0.6667", "0.6667"] in lines
    assert "without a picture: glass" in result.stderr
    assert "1 not counted:" in result.stderr
    assert "photos/metal/[red].jpg: photos/metal/[red].jpg is empty" in result.stderr


def test_a_long_list_of_refused_pictures_is_cut_for_people_and_whole_in_json(photos: Path):
    for number in range(25):
        (photos / "metal" / f"empty-{number}.jpg").touch()
    result = evaluate("photos")
    assert "and 5 more (--json shows them)" in result.stderr
    assert len(figures("photos")["refused"]) == 25


def test_names_that_are_no_text_do_not_stop_it(photos: Path):
    (photos / "metal" / os.fsdecode(b"caf\xe9.jpg")).touch()
    (entry,) = figures("photos")["refused"]
    assert entry["name"] == "photos/metal/caf\\xe9.jpg"
    assert evaluate("photos").exit_code == 0


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["photos", "--labels", "bin"], InputError, "folders that name no bin: 'clothes', 'metal'; known: recycle, "),
        (["photos", "--labels", "colour"], InputError, "labels of kind 'colour': choose one of item, material, family"),
        (["absent"], InputError, "absent is no folder; give one that holds a folder for each class"),
        (["photos/metal/d.png"], InputError, "photos/metal/d.png is no folder"),
        (["photos/metal"], InputError, "photos/metal holds no pictures; expected folders named after classes"),
    ],
)
def test_what_cannot_be_measured_is_one_error_with_the_way_out(
    arguments: list[str], error: type[Exception], message: str
):
    result = evaluate(*arguments)
    assert isinstance(result.exception, error)
    assert message in str(result.exception)
    assert result.stdout == ""


def test_a_folder_of_which_nothing_can_be_read_is_an_error_with_the_first_reason(here: Path):
    (here / "set" / "glass").mkdir(parents=True)
    (here / "set" / "glass" / "a.jpg").write_text("words")
    result = evaluate("set")
    assert isinstance(result.exception, DataError)
    assert "none of 1 files could be classified; first reason: set/glass/a.jpg is not a picture" in str(
        result.exception
    )


def test_pictures_of_one_class_have_figures_that_are_numbers(here: Path, taxonomy: Taxonomy):
    for number in range(3):
        picture(here / "set" / "battery" / f"{number}.png", GREEN)
    found = figures("set", "--labels", "item")
    assert (found["item"]["accuracy"], found["item"]["macro_f1"]) == (1.0, 1.0)
    assert found["bin"]["per_class"].keys() == {taxonomy.item("battery").bin}
