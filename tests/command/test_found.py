from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from command import found as module
from command.found import Found, found_pictures, shown


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*wanted: str) -> list[str]:
    return [one.name for one in found_pictures(wanted)]


def error(wanted: str) -> str:
    (one,) = found_pictures([wanted])
    return one.error


def test_a_folder_means_the_pictures_below_it_by_their_suffix_in_any_case(here: Path):
    files(here / "photos", "b.JPG", "a.png", "deep/c.Tiff", "deep/d.webp", "notes.txt", "jpg", "e.avif")
    assert names("photos") == [f"photos/{name}" for name in ("a.png", "b.JPG", "deep/c.Tiff", "deep/d.webp", "e.avif")]


def test_hidden_files_and_litter_are_no_pictures(here: Path):
    files(here / "photos", "a.png", ".DS_Store", "._a.png", ".thumbnails/b.png", "__MACOSX/c.png", "Thumbs.db")
    assert names("photos") == ["photos/a.png"]


def test_a_file_that_is_named_outright_is_taken_whatever_its_name(here: Path):
    files(here, ".hidden", "a[1].jpg")
    assert names(".hidden", "a[1].jpg", "absent.jpg") == [".hidden", "a[1].jpg", "absent.jpg"]


def test_links_to_files_count_and_a_loop_of_links_does_not_hang(here: Path):
    files(here / "photos", "a.png")
    (here / "photos" / "loop").symlink_to(here / "photos", target_is_directory=True)
    (here / "photos" / "again").symlink_to(here / "photos", target_is_directory=True)
    (here / "photos" / "link.png").symlink_to(here / "photos" / "a.png")
    (here / "photos" / "self.png").symlink_to(here / "photos" / "self.png")
    assert names("photos") == ["photos/a.png", "photos/link.png", "photos/self.png"]
    assert names("photos/**/*.png") == ["photos/a.png", "photos/link.png"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.png", ["a.png"]),
        ("**/*.png", ["a.png", "sub/b.png", "sub/deep/c.png"]),
        ("sub/**", ["sub/b.png", "sub/deep/c.png", "sub/deep/d.txt"]),
        ("sub/?.png", ["sub/b.png"]),
        ("[ab].png", ["a.png"]),
        ("../here/*.png", ["../here/a.png"]),
        (".hidden/*", [".hidden/e.png"]),
        (".*.png", [".f.png"]),
    ],
)
def test_a_quoted_pattern_means_what_a_shell_would_make_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, expected: list[str]
):
    files(tmp_path / "here", "a.png", "sub/b.png", "sub/deep/c.png", "sub/deep/d.txt", ".hidden/e.png", ".f.png")
    monkeypatch.chdir(tmp_path / "here")
    assert names(pattern) == expected


def test_a_pattern_may_start_at_the_root(here: Path):
    files(here, "a.png")
    assert names(f"{here}/*.png") == [str(here / "a.png")]


def test_every_place_is_answered_once_in_the_order_of_the_arguments(here: Path):
    files(here / "photos", "a.png", "b.png")
    wanted = ["photos/b.png", "./photos/b.png", "photos", str(here / "photos" / "a.png"), "photos/*.png"]
    assert names(*wanted) == ["photos/b.png", "photos/a.png"]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("empty", r"the folder holds no picture (.jpg, .jpeg, "),
        ("words", "the folder holds no picture"),
        ("*.jpg", "no file matches the pattern"),
        ("empt?", "no file matches the pattern"),
        ("a**.jpg", "the pattern has ** beside other characters"),
        ("", "an empty name"),
    ],
)
def test_what_gives_no_picture_is_an_entry_with_the_reason(here: Path, wanted: str, reason: str):
    (here / "empty").mkdir()
    files(here / "words", "notes.txt")
    files(here, "a.png")
    assert reason in error(wanted)
    assert names(wanted, "a.png")[-1] == "a.png"


def test_a_folder_that_cannot_be_read_is_an_entry_beside_the_pictures_that_can(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    files(here / "photos", "a.png", "private/b.png")
    scandir = os.scandir

    def refusing(place: str) -> object:
        if Path(place).name == "private":
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(module.os, "scandir", refusing)
    assert found_pictures(["photos"]) == [
        Found("photos/a.png", Path("photos/a.png")),
        Found("photos/private", error="the folder cannot be read: permission denied"),
    ]


def test_a_name_that_the_system_refuses_is_left_to_the_reader_of_files(here: Path):
    long = "a" * 300 + ".jpg"
    assert found_pictures([long]) == [Found(long, Path(long))]
    assert error("a" * 300 + "*.jpg") == "no file matches the pattern"


def test_a_dash_means_the_bytes_of_standard_input_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module.sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\x89PNG\xff")))
    assert found_pictures(["-", "-"]) == [Found("-", b"\x89PNG\xff")]


def test_a_name_that_is_no_text_is_shown_with_its_bytes_spelt_out():
    assert shown(os.fsdecode(b"caf\xe9.jpg")) == "caf\\xe9.jpg"
    assert shown("café.jpg") == "café.jpg"
