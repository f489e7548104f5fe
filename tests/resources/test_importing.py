from __future__ import annotations

from pathlib import Path

import pytest

from resources.importing import import_made, import_texts


def shown(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_files_land_below_their_own_names(tmp_path: Path) -> None:
    import_texts({"a.md": "1", "b.md": "2"}, tmp_path / "imports" / "mine")
    assert shown(tmp_path / "imports" / "mine") == {"a.md": "1", "b.md": "2"}


def test_a_second_import_of_the_same_name_replaces_the_first_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "imports" / "mine"
    import_texts({"a.md": "1", "b.md": "2"}, target)
    import_texts({"b.md": "3"}, target)
    assert shown(target) == {"b.md": "3"}


def test_an_import_that_fails_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "imports" / "mine"
    import_texts({"a.md": "1"}, target)

    def fill(staging: Path) -> None:
        (staging / "a.md").write_text("2")
        raise FileNotFoundError("gone.md")

    with pytest.raises(FileNotFoundError):
        import_made(fill, target)
    assert shown(target) == {"a.md": "1"}
    assert [path.name for path in target.parent.iterdir()] == ["mine"]


def test_imports_of_other_names_are_left_alone(tmp_path: Path) -> None:
    import_texts({"a.md": "1"}, tmp_path / "imports" / "mine")
    import_texts({"a.md": "2"}, tmp_path / "imports" / "yours")
    assert shown(tmp_path / "imports" / "mine") == {"a.md": "1"}


def test_texts_land_byte_for_byte(tmp_path: Path) -> None:
    target = tmp_path / "imports" / "mine"
    import_texts({"a.md": "1", "b.md": "2"}, target)
    import_texts({"b.md": "é\r\n"}, target)
    assert [path.name for path in target.iterdir()] == ["b.md"]
    assert (target / "b.md").read_bytes() == "é\r\n".encode()
