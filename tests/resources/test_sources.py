from __future__ import annotations

import os
from pathlib import Path

import pytest

from resources.sources import SOURCES, Source, imports_root

BY_NAME = {source.name: source for source in SOURCES}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "knowledge" / "a.md").write_text("one")
    (folder / "knowledge" / "b.md").write_text("two")
    return folder


def knowledge(data: Path, home: Path) -> str:
    return BY_NAME["knowledge_files"].version(data, home)


def test_a_changed_byte_changes_the_version(data: Path, home: Path) -> None:
    before = knowledge(data, home)
    (data / "knowledge" / "a.md").write_text("onE")
    assert knowledge(data, home) != before


def test_a_changed_name_changes_the_version(data: Path, home: Path) -> None:
    before = knowledge(data, home)
    (data / "knowledge" / "a.md").rename(data / "knowledge" / "c.md")
    assert knowledge(data, home) != before


def test_two_files_that_swap_their_contents_change_the_version(data: Path, home: Path) -> None:
    before = knowledge(data, home)
    (data / "knowledge" / "a.md").write_text("two")
    (data / "knowledge" / "b.md").write_text("one")
    assert knowledge(data, home) != before


def test_a_file_more_and_a_file_less_change_the_version_and_back_again_gives_it_back(data: Path, home: Path) -> None:
    before = knowledge(data, home)
    (data / "knowledge" / "c.md").write_text("three")
    assert knowledge(data, home) != before
    (data / "knowledge" / "c.md").unlink()
    assert knowledge(data, home) == before


def test_a_touched_file_changes_nothing(data: Path, home: Path) -> None:
    before = knowledge(data, home)
    os.utime(data / "knowledge" / "a.md", (1, 1))
    assert knowledge(data, home) == before


def test_a_file_of_another_kind_changes_nothing(data: Path, home: Path) -> None:
    before = knowledge(data, home)
    (data / "knowledge" / "notes.txt").write_text("x")
    assert knowledge(data, home) == before


def test_where_the_files_stand_is_not_part_of_the_version(data: Path, home: Path) -> None:
    before = knowledge(data, home)
    assert knowledge(data.rename(data.with_name("elsewhere")), home) == before


def test_a_source_without_a_folder_has_a_version_too(tmp_path: Path, home: Path) -> None:
    for source in SOURCES:
        assert source.files(tmp_path / "nothing", home) == []
        assert len(source.version(tmp_path / "nothing", home)) == 32


def test_imported_images_are_watched_through_their_annotations_alone(data: Path, home: Path) -> None:
    source, folder = BY_NAME["imported_images"], imports_root(home) / "images" / "mine"
    (folder / "images").mkdir(parents=True)
    (folder / "annotations.json").write_text("{}")
    before = source.version(data, home)
    (folder / "images" / "0.png").write_bytes(b"picture")
    assert source.files(data, home) == [folder / "annotations.json"]
    assert source.version(data, home) == before
    (folder / "annotations.json").write_text('{"images": []}')
    assert source.version(data, home) != before


def test_two_imports_of_the_same_files_are_two_versions(data: Path, home: Path) -> None:
    source = BY_NAME["imported_documents"]
    folder = imports_root(home) / "documents" / "mine"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("one")
    before = source.version(data, home)
    folder.rename(folder.with_name("yours"))
    assert source.version(data, home) != before


@pytest.mark.parametrize("source", [s for s in SOURCES if not s.imported], ids=lambda s: s.name)
def test_every_authored_source_finds_its_files_in_the_authored_data(
    source: Source, project_root: Path, home: Path
) -> None:
    assert source.files(project_root / "data", home)


def test_every_authored_file_belongs_to_exactly_one_source(project_root: Path, home: Path) -> None:
    data = project_root / "data"
    claimed = [file for source in SOURCES if not source.imported for file in source.files(data, home)]
    # Column maps are read by `releaf import rules` alone: what it makes of a table is the source.
    authored = [file for file in data.rglob("*") if file.is_file() and file.parent.name != "column_maps"]
    assert sorted(claimed) == sorted(authored)


def test_an_imported_policy_is_a_source_of_its_own(data: Path, home: Path) -> None:
    before = {source.name: source.version(data, home) for source in SOURCES}
    folder = imports_root(home) / "policies"
    folder.mkdir(parents=True)
    (folder / "testville.json").write_text("{}")
    after = {source.name: source.version(data, home) for source in SOURCES}
    assert {name for name in before if before[name] != after[name]} == {"imported_policies"}
