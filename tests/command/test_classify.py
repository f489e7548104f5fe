"""`releaf classify` on whatever a person may hand it; the classifier goes by colour, so every answer is known."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from command import classify as module
from command.main import app
from command.output import PIPE_WIDTH
from releaf.errors import ArtifactError, InputError, StorageError
from releaf.taxonomy import Taxonomy
from releaf.vision import published
from releaf.vision.blend import Weights
from releaf.vision.data import LABELS, ClassNames
from releaf.vision.inference import Classifier
from resources import references
from tests.vision.colours import BINS, ITEMS, colour_predictor

COLOURS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250), "grey": (128, 128, 128)}


def picture(path: Path, colour: str, size: tuple[int, int] = (20, 20), **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, COLOURS[colour]).save(path, **options)
    return path


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taxonomy: Taxonomy) -> Path:
    """An empty working folder, and a home whose classifier goes by colour."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("RELEAF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(references, "load_artifact", lambda home, asset: SimpleNamespace(path=tmp_path))
    monkeypatch.setattr(published, "open_published", lambda folder, taxonomy: colour_predictor(taxonomy))
    return tmp_path / "here"


def classify(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["classify", *arguments], input=stdin)


def documents(*arguments: str, stdin: bytes | None = None) -> list[dict[str, Any]]:
    result = classify(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    return list(json.loads(result.stdout))


def item(document: dict[str, Any]) -> str:
    return str(document["item"][0]["label"])


def test_one_json_document_holds_an_object_a_picture_with_an_answer_or_an_error(here: Path):
    picture(here / "a.png", "red")
    (here / "b.png").write_text("these are words")
    good, bad = documents("a.png", "b.png")
    assert set(good) == {"file", "item", "material", "family", "bin", "known", "milliseconds"}
    assert (good["file"], good["known"]) == ("a.png", True)
    assert good["milliseconds"] > 0
    assert [len(good[head]) for head in ("item", "material", "family", "bin")] == [3, 3, 3, 3]
    assert item(good) == ITEMS["red"]
    assert good["item"][0]["probability"] == pytest.approx(np.exp(12) / (np.exp(12) + 19))
    assert good["bin"][0]["label"] == BINS["red"]
    assert good["family"][0]["label"] == "textile"
    assert bad == {
        "file": "b.png",
        "error": "b.png is not a picture in a known format (JPEG, PNG, WEBP, GIF, TIFF, BMP, AVIF)",
    }


def test_files_folders_patterns_and_standard_input_are_answered_in_order(here: Path):
    picture(here / "one.png", "blue")
    picture(here / "photos" / "a.JPG", "red", format="JPEG")
    picture(here / "photos" / "deep" / "b.png", "green")
    picture(here / "more" / "c.png", "grey")
    stdin = picture(here / "in.png", "green").read_bytes()
    found = documents("-", "one.png", "photos", "more/*.png", "photos/a.JPG", stdin=stdin)
    assert [(one["file"], item(one)) for one in found[:4]] == [
        ("-", ITEMS["green"]),
        ("one.png", ITEMS["blue"]),
        ("photos/a.JPG", ITEMS["red"]),
        ("photos/deep/b.png", ITEMS["green"]),
    ]
    assert (found[4]["file"], found[4]["known"]) == ("more/c.png", False)
    assert len(found) == 5


def test_standard_input_that_is_empty_or_no_picture_is_an_error(here: Path):
    for data, reason in ((b"", "the image is empty"), (b"words", "the image is not a picture")):
        result = classify("-", "--json", stdin=data)
        assert result.exit_code == 2
        assert reason in json.loads(result.stdout)[0]["error"]


def test_as_many_labels_come_back_as_were_asked_for_and_no_more_than_there_are(here: Path):
    picture(here / "a.png", "red")
    assert [len(documents("a.png", "-k", k)[0]["bin"]) for k in ("1", "4", "99")] == [1, 4, 4]
    assert classify("a.png", "-k", "0").exit_code == 2


def test_the_exit_code_is_2_only_where_nothing_could_be_answered(here: Path):
    picture(here / "a.png", "red")
    (here / "empty").mkdir()
    assert classify("a.png", "empty", "nothing*.jpg", "absent.jpg").exit_code == 0
    result = classify("empty", "nothing*.jpg", "absent.jpg", "--json")
    assert result.exit_code == 2
    assert [one["file"] for one in json.loads(result.stdout)] == ["empty", "nothing*.jpg", "absent.jpg"]
    assert all(one["error"] for one in json.loads(result.stdout))


def test_errors_stand_at_their_place_between_the_answers(here: Path):
    picture(here / "a.png", "red")
    picture(here / "b.png", "blue")
    (here / "empty").mkdir()
    assert ["error" in one for one in documents("a.png", "empty", "b.png", "absent.png")] == [False, True, False, True]


def test_no_classifier_is_needed_to_say_that_there_is_no_picture(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(references, "load_artifact", None)
    (here / "empty").mkdir()
    result = classify("empty")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "empty: the folder holds no picture" in result.stderr


def test_people_read_the_file_the_labels_and_what_is_not_known(here: Path):
    picture(here / "a.png", "red")
    picture(here / "b.png", "grey")
    result = classify("a.png", "b.png", "absent.png")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("a.png  ")
    assert lines[0].endswith(" ms")
    assert lines[1].startswith(f"  item     {ITEMS['red']} 100%, ")
    assert [line.split()[0] for line in lines[1:5]] == ["item", "material", "family", "bin"]
    assert lines[6] == "  not a waste item I know; the least unlike are:"
    assert len(lines) == 11
    assert "absent.png cannot be read: no such file or directory" in result.stderr


def test_many_labels_stay_on_their_line_and_names_with_brackets_are_shown_as_they_are(here: Path):
    picture(here / "[" / "]x[red].png", "red")  # a closing tag to what prints it, where it is not escaped
    (here / "[" / "]y.png").touch()
    result = classify("[", "-k", "20")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("[/]x[red].png  ")
    assert len(lines[1]) > PIPE_WIDTH
    assert "[/]y.png: [/]y.png is empty" in result.stderr


def test_a_name_that_is_no_text_can_be_answered_and_refused(here: Path):
    picture(here / "a.png", "red").rename(os.fsdecode(os.fsencode(here) + b"/caf\xe9.png"))
    (here / os.fsdecode(b"bad\xff.png")).touch()
    found = {one["file"]: one for one in documents(".")}
    assert item(found["caf\\xe9.png"]) == ITEMS["red"]
    assert found["bad\\xff.png"]["error"] == "bad\\xff.png is empty"
    assert classify(".").exit_code == 0


@pytest.mark.parametrize("batch", [64, 2])
def test_explanations_are_one_picture_for_each_answer_whatever_the_names(
    here: Path, monkeypatch: pytest.MonkeyPatch, batch: int
):
    monkeypatch.setattr(module, "_STEP", batch)
    for folder in ("a/same", "b/same", "c/same"):
        picture(here / folder / "x.png", "red", (24, 20))
        picture(here / folder / "x.jpg", "red", (24, 20))
    (here / "a" / "same" / "bad.png").touch()
    stdin = (here / "a" / "same" / "x.png").read_bytes()
    found = documents("a", "b", "c", "-", "--explain", "why", stdin=stdin)
    explained = [one["explanation"] for one in found if "error" not in one]
    assert len(set(explained)) == len(explained) == 7
    assert sorted(str(path) for path in Path("why").iterdir()) == sorted(explained)
    assert all(Path(one).name.endswith(f"-{ITEMS['red']}.png") for one in explained)
    assert {size_of(one) for one in explained} == {(24, 20)}


def test_explanations_of_a_later_run_leave_those_of_an_earlier_one_and_replace_their_own(here: Path):
    first = picture(here / "one" / "x.png", "red")
    picture(here / "two" / "one" / "x.png", "red")
    (before,) = documents(str(first), "--explain", "why")
    (after,) = documents("two/one/x.png", "--explain", "why")
    (again,) = documents("one/x.png", "--explain", "why")
    assert before["explanation"] == again["explanation"] != after["explanation"]
    assert len(list(Path("why").iterdir())) == 2


def test_names_as_long_as_a_disk_takes_can_be_explained(here: Path):
    folder = "ö" * 120
    picture(here / folder / ("ü" * 120 + ".png"), "red")
    (one,) = documents(folder, "--explain", "why")
    assert Path(one["explanation"]).is_file()


def test_people_are_told_where_the_explanation_is(here: Path):
    picture(here / "a.png", "red")
    result = classify("a.png", "--explain", "why")
    (made,) = Path("why").iterdir()
    assert f"what spoke for {ITEMS['red']}: {made}" in result.stdout


def test_a_place_where_no_explanation_can_be_written_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch):
    picture(here / "a.png", "red")
    for place in ("a.png", "a.png/below"):
        result = classify("a.png", "--explain", place)
        assert isinstance(result.exception, InputError)
        assert "there is a file in its place; name a folder" in str(result.exception)

    def full(self: Image.Image, place: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    monkeypatch.setattr(Classifier, "warm_up", lambda self: None)
    result = classify("a.png", "--explain", "why")
    assert isinstance(result.exception, StorageError)
    assert str(result.exception) == "--explain why cannot be written: no space left on device"


def test_a_classifier_of_another_taxonomy_is_refused_with_the_names_that_differ(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taxonomy: Taxonomy
):
    names = ClassNames.of(taxonomy)
    older = ClassNames(("bathtub", *names.item[1:]), names.material, names.family, names.bin, names.family_of_material)
    published.describe(tmp_path, older, 16, "network.onnx", dict.fromkeys(LABELS, Weights()))
    monkeypatch.undo()
    monkeypatch.chdir(here)
    monkeypatch.setattr(references, "load_artifact", lambda home, asset: SimpleNamespace(path=tmp_path))
    picture(here / "a.png", "red")
    result = classify("a.png")
    assert isinstance(result.exception, InputError)
    assert "was trained for another taxonomy (item: only in the checkpoint: ['bathtub']" in str(result.exception)
    assert result.stdout == ""


def test_before_the_first_run_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RELEAF_HOME", str(tmp_path / "home"))
    result = classify(str(picture(tmp_path / "a.png", "red")))
    assert isinstance(result.exception, ArtifactError)
    assert str(result.exception) == "waste_classifier has not been made yet; run `releaf run`"


def test_bad_pictures_in_a_folder_are_errors_and_the_others_are_answered(here: Path):
    folder = here / "mixed"
    picture(folder / "good.png", "blue")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG")
    (folder / "cut.jpg").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("hello")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    os.mkfifo(folder / "pipe.jpg")
    found = {Path(one["file"]).name: one for one in documents("mixed")}
    assert item(found.pop("good.png")) == ITEMS["blue"]
    reasons = {
        "cut.jpg": "is damaged and cannot be decoded: image file is truncated",
        "empty.jpg": "is empty",
        "text.jpg": "is not a picture in a known format",
        "loop.jpg": "cannot be read: too many levels of symbolic links",
        "pipe.jpg": "is not a regular file",
    }
    assert set(found) == set(reasons)
    for name, reason in reasons.items():
        assert reason in found[name]["error"]


def test_a_file_that_may_not_be_read_is_an_error_beside_the_others(here: Path, monkeypatch: pytest.MonkeyPatch):
    picture(here / "a.png", "red")
    picture(here / "private.png", "red")
    read = Path.read_bytes

    def refusing(self: Path) -> bytes:
        if self.name == "private.png":
            raise PermissionError(13, "Permission denied", str(self))
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    _, bad = documents("a.png", "private.png")
    assert bad["error"] == "private.png cannot be read: permission denied"


def test_what_a_decoder_warns_of_is_not_shown(here: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = picture(here / "a.jpg", "red", exif=exif)
    data = bytearray(file.read_bytes())
    place = data.index(b"Exif\0\0") + 14
    data[place : place + 8] = b"\xff" * 8  # an EXIF directory that promises more than there is
    file.write_bytes(bytes(data))
    result = classify("a.jpg")
    assert (result.exit_code, result.stderr) == (0, "")
