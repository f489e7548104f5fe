"""What a damaged or replaced file does not do: stay, come back, or take what is whole with it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from releaf.artifacts import sweep
from releaf.errors import InputError, UnknownNameError
from resources.artifacts import ArtifactStore
from resources.importing import import_texts
from resources.settings import load_settings
from resources.sources import SOURCES
from resources.warehouse import Warehouse


def test_an_import_replaced_again_and_again_leaves_one_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    target = home / "imports" / "documents" / "mine"
    for text in "123":
        import_texts({"a.md": text}, target)
    (source,) = [source for source in SOURCES if source.name == "imported_documents"]
    assert source.files(tmp_path, home) == [target / "a.md"]
    assert [path.name for path in target.parent.iterdir()] == ["mine"]
    assert (target / "a.md").read_text() == "3"


def test_what_was_set_aside_belongs_to_nobody_and_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".staging-0-old").mkdir()
    assert sweep(tmp_path) == 1


def test_an_import_under_way_is_not_seen(tmp_path: Path) -> None:
    (source,) = [source for source in SOURCES if source.name == "imported_documents"]
    hidden = source.root(tmp_path, tmp_path) / ".staging-1-x"
    hidden.mkdir(parents=True)
    (hidden / "a.md").write_text("half")
    assert source.files(tmp_path, tmp_path) == []


def test_writing_a_table_again_mends_changed_bytes(tmp_path: Path) -> None:
    warehouse = Warehouse(home=str(tmp_path), queries=str(tmp_path))
    frames = {"words": pl.DataFrame({"word": ["a", "b"]})}
    file = warehouse.write(frames).tables["words"].path
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    assert warehouse.write(frames).read("words").equals(frames["words"])


def test_a_broken_pointer_means_that_there_is_no_current_artifact(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "knowledge_graph.json").write_text("{half")
    assert ArtifactStore(home=str(tmp_path)).current("knowledge_graph") is None


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAF_HOME", "")
    assert load_settings().home.name == ".releaf"


def test_an_unknown_key_of_a_section_is_refused_with_the_closest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAF_VISION__EPOCS", "3")
    with pytest.raises(UnknownNameError, match="unknown setting 'epocs' in vision; did you mean epochs"):
        load_settings()


def test_a_variable_that_is_no_json_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAF_VISION", "{bad")
    with pytest.raises(InputError, match="vision"):
        load_settings()


def test_an_unknown_profile_lists_those_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAF_PROFILE", "locl")
    with pytest.raises(UnknownNameError, match="did you mean local"):
        load_settings()
