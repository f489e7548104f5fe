from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from releaf.artifacts import Artifact
from releaf.errors import ArtifactError, ReleafError
from resources.pointers import current_pointers, read_pointer
from resources.references import ReferenceIOManager, load_artifact, load_dataset, load_reference
from resources.warehouse import Dataset, Warehouse

Make = Callable[..., Artifact]


@pytest.fixture
def manager(home: Path, project_root: Path) -> ReferenceIOManager:
    return ReferenceIOManager(home=str(home), queries=str(project_root / "duckdb"))


def put(manager: ReferenceIOManager, asset: str, value: object) -> None:
    manager.handle_output(dg.build_output_context(asset_key=dg.AssetKey(asset)), value)


def get(manager: ReferenceIOManager, asset: str) -> Artifact | Dataset:
    return manager.load_input(dg.build_input_context(asset_key=dg.AssetKey(asset)))


def test_an_artifact_comes_out_as_it_went_in(manager: ReferenceIOManager, make: Make) -> None:
    artifact = make()
    put(manager, "note", artifact)
    assert get(manager, "note") == artifact


def test_a_dataset_comes_out_as_it_went_in(manager: ReferenceIOManager, warehouse: Warehouse) -> None:
    frames = {"words": pl.DataFrame({"word": ["a", "b"]}), "words_quarantine": pl.DataFrame({"reason": ["odd"]})}
    dataset = warehouse.write(frames, {"lost_share": 0.5})
    put(manager, "words", dataset)
    loaded = get(manager, "words")
    assert loaded == dataset
    assert loaded.version == dataset.version
    assert isinstance(loaded, Dataset)
    assert loaded.read("words").equals(frames["words"])


def test_a_dataset_is_a_view_as_soon_as_it_was_handed_over(manager: ReferenceIOManager, warehouse: Warehouse) -> None:
    put(manager, "words", warehouse.write({"words": pl.DataFrame({"word": ["a", "b"]})}))
    with warehouse.reader().get_connection() as connection:
        assert connection.execute("SELECT word FROM words").fetchall() == [("a",), ("b",)]


def test_nothing_handed_over_leaves_no_pointer(manager: ReferenceIOManager, home: Path) -> None:
    put(manager, "release", None)
    assert current_pointers(home) == {}


def test_no_pointer_names_a_place_outside_the_home(
    manager: ReferenceIOManager, home: Path, make: Make, warehouse: Warehouse
) -> None:
    put(manager, "note", make())
    put(manager, "words", warehouse.write({"words": pl.DataFrame({"word": ["a"]})}))
    assert str(home) not in str(read_pointer(home, "note")) + str(read_pointer(home, "words"))


def test_a_moved_home_still_loads(manager: ReferenceIOManager, home: Path, make: Make, warehouse: Warehouse) -> None:
    put(manager, "note", make("hello"))
    put(manager, "words", warehouse.write({"words": pl.DataFrame({"word": ["a"]})}))
    moved = home.rename(home.with_name("elsewhere"))
    assert (load_artifact(moved, "note").path / "note.txt").read_text() == "hello"
    assert load_dataset(moved, "words").read("words")["word"].to_list() == ["a"]


def test_what_was_never_made_says_what_to_run(manager: ReferenceIOManager) -> None:
    with pytest.raises(ArtifactError, match="note has not been made yet; run `releaf run`"):
        get(manager, "note")


def test_an_artifact_with_a_changed_file_is_refused_by_the_files_name(manager: ReferenceIOManager, make: Make) -> None:
    artifact = make("hello")
    put(manager, "note", artifact)
    (artifact.path / "note.txt").write_text("hellO")
    with pytest.raises(ArtifactError, match=r"note\.txt was changed"):
        get(manager, "note")


def test_an_artifact_with_a_missing_file_is_refused_by_the_files_name(manager: ReferenceIOManager, make: Make) -> None:
    artifact = make()
    put(manager, "note", artifact)
    (artifact.path / "note.txt").unlink()
    with pytest.raises(ArtifactError, match=r"note\.txt is missing"):
        get(manager, "note")


def test_an_artifact_is_no_dataset_and_the_other_way_round(
    manager: ReferenceIOManager, home: Path, make: Make, warehouse: Warehouse
) -> None:
    put(manager, "note", make())
    put(manager, "words", warehouse.write({"words": pl.DataFrame({"word": ["a"]})}))
    assert isinstance(load_reference(home, "note"), Artifact)
    with pytest.raises(ReleafError, match="note is an artifact"):
        load_dataset(home, "note")
    with pytest.raises(ReleafError, match="words is a dataset"):
        load_artifact(home, "words")
