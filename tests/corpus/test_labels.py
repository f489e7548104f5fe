from __future__ import annotations

import os
from pathlib import Path

import pytest

from releaf.corpus import labels
from releaf.corpus.labels import (
    KINDS,
    agreed,
    find_name,
    implied,
    known_names,
    labelled_files,
    leads_outside,
    read_folders,
)
from releaf.corpus.validation import Quarantine
from releaf.errors import InputError


def files(source, *names: str):
    for name in names:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return source


def read(source, taxonomy, kind="family"):
    quarantine = Quarantine("images")
    found = read_folders(source, taxonomy, kind, quarantine)
    return {one.file: one.names.get(kind) for one in found}, quarantine.rows


def test_folders_name_classes_by_id_or_alias(tmp_path, taxonomy):
    source = files(tmp_path, "glass/a.jpg", "trash/b.jpg", "Food Organics/c.jpg", "Miscellaneous Trash/deep/d.jpg")
    found, bad = read(source, taxonomy)
    assert found == {
        "Food Organics/c.jpg": "organic",
        "Miscellaneous Trash/deep/d.jpg": "residual",
        "glass/a.jpg": "glass",
        "trash/b.jpg": "residual",
    }
    assert bad == []


@pytest.mark.parametrize(("kind", "folder"), [("item", "tin can"), ("material", "PET"), ("bin", "recycle")])
def test_folders_may_name_any_kind(tmp_path, taxonomy, kind, folder):
    found, _ = read(files(tmp_path, f"{folder}/a.jpg"), taxonomy, kind)
    assert list(found.values()) == [find_name(taxonomy, kind, folder)]


def test_folders_that_name_nothing_are_listed_with_the_known_names(tmp_path, taxonomy):
    files(tmp_path, "glass/a.jpg", "train/b.jpg", "test/c.jpg")
    with pytest.raises(InputError, match=r"name no family: 'test', 'train'; known: plastic, metal, .* and their"):
        read(tmp_path, taxonomy)


def test_hidden_files_and_litter_are_left_out_and_pictures_beside_folders_set_aside(tmp_path, taxonomy):
    source = files(
        tmp_path, "glass/.DS_Store", "glass/Thumbs.db", ".git/a.jpg", "__MACOSX/b.jpg", "labels.csv", "stray.JPG"
    )
    found, bad = read(source, taxonomy)
    assert found == {}
    assert [(row["file"], row["reason"]) for row in bad] == [("stray.JPG", "stands in no class folder")]


def test_links_are_followed_and_a_link_that_leads_back_up_does_not_hang(tmp_path, taxonomy):
    source = files(tmp_path / "set", "glass/a.jpg")
    elsewhere = files(tmp_path / "elsewhere", "b.jpg")
    (source / "glass" / "more").symlink_to(elsewhere)
    (source / "glass" / "loop").symlink_to(source / "glass")
    (elsewhere / "back").symlink_to(elsewhere)
    found, _ = read(source, taxonomy)
    assert list(found) == ["glass/a.jpg", "glass/more/b.jpg"]


def test_a_link_that_leads_above_its_class_brings_no_other_class_under_its_name(tmp_path, taxonomy):
    source = files(tmp_path / "set", "glass/a.jpg", "metal/b.jpg")
    files(tmp_path / "elsewhere" / "paper", "c.jpg")
    (source / "glass" / "up").symlink_to(source)
    (source / "glass" / "further").symlink_to(tmp_path)
    (source / "paper").symlink_to(tmp_path / "elsewhere" / "paper")
    (tmp_path / "elsewhere" / "paper" / "back").symlink_to(source)
    found, _ = read(source, taxonomy)
    assert found == {"glass/a.jpg": "glass", "metal/b.jpg": "metal", "paper/c.jpg": "paper"}


def test_labelled_files_come_with_what_gives_none(tmp_path, taxonomy):
    source = files(tmp_path, "glass/a.jpg", "trash/deep/b.jpg", "stray.PNG", "notes.txt", "metal/.DS_Store")
    (source / "paper").mkdir()
    (source / "loop").symlink_to(source / "loop")
    found = labelled_files(source, taxonomy, "family")
    assert found.files == [(source / "glass" / "a.jpg", "glass"), (source / "trash" / "deep" / "b.jpg", "residual")]
    assert found.stray == [source / "stray.PNG"]
    assert found.empty == ["metal", "paper"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("family", "holds no pictures; expected folders named after classes, such as plastic/, with files in them"),
        ("item", "such as plastic_bottle/"),
        ("colour", "labels of kind 'colour': choose one of item, material, family, bin"),
    ],
)
def test_a_folder_without_labelled_files_is_refused_with_what_was_expected(tmp_path, taxonomy, kind, message):
    files(tmp_path, "stray.jpg")
    if kind == "family":
        (tmp_path / "glass").mkdir()
    with pytest.raises(InputError, match=message):
        labelled_files(tmp_path, taxonomy, kind)
    with pytest.raises(InputError, match="is no folder; give one that holds a folder for each class"):
        labelled_files(tmp_path / "stray.jpg", taxonomy, "family")


def test_a_class_that_maps_to_nothing_is_refused_with_the_known_names(tmp_path, taxonomy):
    with pytest.raises(InputError, match=r"name no bin: 'glass'; known: recycle, compost, landfill, hazardous and"):
        labelled_files(files(tmp_path, "glass/a.jpg", "landfill/b.jpg"), taxonomy, "bin")


@pytest.mark.parametrize("private", ["set", "glass"])
def test_a_folder_that_may_not_be_read_is_refused_by_its_name(tmp_path, taxonomy, monkeypatch, private):
    source = files(tmp_path / "set", "glass/a.jpg")

    def refusing(inner):
        def call(place):
            if Path(place).name == private:
                raise PermissionError(13, "Permission denied", str(place))
            return inner(place)

        return call

    monkeypatch.setattr(labels.os, "scandir", refusing(os.scandir))
    monkeypatch.setattr(labels.os, "listdir", refusing(os.listdir))
    with pytest.raises(InputError, match=f"folder .*{private} cannot be read: permission denied"):
        labelled_files(source, taxonomy, "family")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"item": "glass_jar"}, {"item": "glass_jar", "material": "glass", "family": "glass", "bin": "recycle"}),
        ({"item": "plastic_bottle"}, {"item": "plastic_bottle", "family": "plastic", "bin": "recycle"}),
        ({"item": "egg_carton"}, {"item": "egg_carton", "bin": "recycle"}),
        (
            {"item": "egg_carton", "material": "cardboard", "bin": "compost"},
            {"item": "egg_carton", "material": "cardboard", "family": "cardboard", "bin": "compost"},
        ),
        ({"material": "pet"}, {"material": "pet", "family": "plastic"}),
        ({"family": "plastic"}, {"family": "plastic"}),
        ({}, {}),
    ],
)
def test_what_the_taxonomy_leaves_no_choice_about_is_filled_in(taxonomy, names, expected):
    assert implied(names, taxonomy) == expected


def test_agreement_is_taken_one_kind_at_a_time():
    first, second = {"item": "a", "family": "f"}, {"item": "b", "family": "f", "bin": "x"}
    assert agreed([first, second]) == {"family": "f"}
    assert agreed([second]) == second
    assert agreed([]) == {}


def test_every_kind_has_its_names_in_class_order(taxonomy):
    assert [len(known_names(taxonomy, kind)) for kind in KINDS] == [20, 15, 9, 4]


@pytest.mark.parametrize(("file", "expected"), [("a/b.jpg", False), ("../a.jpg", True), ("/a.jpg", True)])
def test_file_names_that_leave_the_folder_are_told(file, expected):
    assert leads_outside(file) is expected
