from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from releaf.errors import ArtifactError, InputError
from resources.pointers import write_pointer
from resources.references import to_pointer
from resources.warehouse import Dataset, Warehouse

WORDS = pl.DataFrame({"word": ["a", "b"], "count": [1, 2]})
FACTS = pl.DataFrame(
    {
        "subject": ["item:jar"],
        "subject_kind": ["item"],
        "relation": ["made_of"],
        "object": ["material:glass"],
        "object_kind": ["material"],
        "source": ["seen"],
        "file": ["items.yaml"],
        "line": [1],
    }
)


def show(warehouse: Warehouse, home: Path, asset: str, **frames: pl.DataFrame) -> Dataset:
    """Write tables, make them the current ones of `asset`, and refresh the views."""
    dataset = warehouse.write(frames)
    write_pointer(home, asset, to_pointer(home, dataset))
    warehouse.refresh_views()
    return dataset


def ask(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with warehouse.reader().get_connection() as connection:
        return list(connection.execute(query).fetchall())


def views(warehouse: Warehouse) -> set[str]:
    return {name for (name,) in ask(warehouse, "SHOW TABLES")}


def test_equal_content_is_one_file_and_one_version(warehouse: Warehouse, home: Path) -> None:
    first, second = warehouse.write({"words": WORDS}), warehouse.write({"words": WORDS.clone()})
    assert first == second
    assert first.version == second.version
    assert len(list((home / "tables" / "words").iterdir())) == 1


def test_a_changed_cell_is_another_version_and_the_old_table_stays(warehouse: Warehouse) -> None:
    first = warehouse.write({"words": WORDS})
    second = warehouse.write({"words": WORDS.with_columns(count=pl.lit(9))})
    assert first.version != second.version
    assert first.read("words").equals(WORDS)


def test_the_order_of_rows_is_part_of_the_version(warehouse: Warehouse) -> None:
    assert warehouse.write({"words": WORDS}).version != warehouse.write({"words": WORDS.reverse()}).version


def test_rows_set_aside_are_written_and_are_not_in_the_version(warehouse: Warehouse) -> None:
    without = warehouse.write({"words": WORDS})
    odd = warehouse.write({"words": WORDS, "words_quarantine": pl.DataFrame({"reason": ["odd"]})})
    odder = warehouse.write({"words": WORDS, "words_quarantine": pl.DataFrame({"reason": ["odd", "odder"]})})
    assert without.version == odd.version == odder.version
    assert odder.read("words_quarantine").height == 2


def test_the_figures_of_a_dataset_are_not_in_its_version(warehouse: Warehouse) -> None:
    assert warehouse.write({"words": WORDS}, {"lost_share": 0.5}).version == warehouse.write({"words": WORDS}).version


def test_a_renamed_table_is_another_version(warehouse: Warehouse) -> None:
    assert warehouse.write({"words": WORDS}).version != warehouse.write({"terms": WORDS}).version


def test_an_empty_table_is_a_table(warehouse: Warehouse, home: Path) -> None:
    empty = WORDS.clear()
    dataset = show(warehouse, home, "words", words=empty)
    assert dataset.tables["words"].rows == 0
    assert dataset.read("words").schema == empty.schema
    assert ask(warehouse, "SELECT count(*) FROM words") == [(0,)]


def test_a_changed_byte_is_refused_by_the_files_name(warehouse: Warehouse) -> None:
    table = warehouse.write({"words": WORDS}).tables["words"]
    data = bytearray(table.path.read_bytes())
    data[len(data) // 2] ^= 1
    table.path.write_bytes(bytes(data))
    with pytest.raises(ArtifactError, match=f"table words at .*{table.path.name} was changed"):
        table.read()


def test_a_missing_table_is_refused_by_the_files_name(warehouse: Warehouse) -> None:
    table = warehouse.write({"words": WORDS}).tables["words"]
    table.path.unlink()
    with pytest.raises(ArtifactError, match=f"table words is missing at .*{table.path.name}"):
        table.read()


def test_a_table_cut_short_is_written_again(warehouse: Warehouse) -> None:
    table = warehouse.write({"words": WORDS}).tables["words"]
    table.path.write_bytes(table.path.read_bytes()[:-1])
    assert warehouse.write({"words": WORDS}).read("words").equals(WORDS)


def test_before_the_first_run_the_way_out_is_named(warehouse: Warehouse) -> None:
    with pytest.raises(InputError, match=r"no warehouse at .*; run `releaf run` first"):
        warehouse.reader()


def test_views_show_the_current_version(warehouse: Warehouse, home: Path) -> None:
    show(warehouse, home, "words", words=WORDS)
    show(warehouse, home, "words", words=WORDS.head(1))
    assert ask(warehouse, "SELECT * FROM words") == [("a", 1)]


def test_an_added_column_is_no_error(warehouse: Warehouse, home: Path) -> None:
    show(warehouse, home, "words", words=WORDS)
    show(warehouse, home, "words", words=WORDS.with_columns(language=pl.lit("en")))
    assert ask(warehouse, "SELECT * FROM words ORDER BY word") == [("a", 1, "en"), ("b", 2, "en")]


def test_views_are_read_only(warehouse: Warehouse, home: Path) -> None:
    show(warehouse, home, "words", words=WORDS)
    with pytest.raises(duckdb.Error, match="read-only"):
        ask(warehouse, "CREATE TABLE mine (a INTEGER)")


def test_a_reader_neither_waits_for_a_refresh_nor_loses_what_it_reads(warehouse: Warehouse, home: Path) -> None:
    show(warehouse, home, "words", words=WORDS)
    with warehouse.reader().get_connection() as reading:
        show(warehouse, home, "words", words=WORDS.head(1))
        show(warehouse, home, "facts", facts=FACTS)
        assert reading.execute("SELECT count(*) FROM words").fetchall() == [(2,)]
    assert ask(warehouse, "SELECT count(*) FROM words") == [(1,)]
    assert "facts" in views(warehouse)


def test_a_refresh_leaves_nothing_but_the_database_behind(warehouse: Warehouse, home: Path) -> None:
    show(warehouse, home, "words", words=WORDS)
    assert {path.name for path in home.iterdir()} == {"assets", "tables", "warehouse.duckdb"}


def test_an_analysts_query_is_a_view_once_the_tables_it_needs_are_there(warehouse: Warehouse, home: Path) -> None:
    show(warehouse, home, "words", words=WORDS)
    assert views(warehouse) == {"words"}
    show(warehouse, home, "upcycling_facts", facts=FACTS)
    assert views(warehouse) == {"words", "facts", "facts_by_relation", "graph_edges", "properties_by_use"}
    assert ask(warehouse, "SELECT * FROM facts_by_relation") == [("item", "made_of", "material", 1)]


def test_every_shipped_query_says_which_tables_it_needs(project_root: Path) -> None:
    for file in sorted((project_root / "duckdb").glob("*.sql")):
        assert file.read_text().startswith("-- needs: "), file.name


def test_a_table_that_is_gone_takes_its_view_with_it_and_no_other(warehouse: Warehouse, home: Path) -> None:
    show(warehouse, home, "words", words=WORDS)
    dataset = show(warehouse, home, "upcycling_facts", facts=FACTS)
    dataset.tables["facts"].path.unlink()
    warehouse.refresh_views()
    assert views(warehouse) == {"words"}


def test_a_home_with_a_quote_in_its_name_is_a_home_like_any_other(tmp_path: Path, project_root: Path) -> None:
    home = tmp_path / "o'hara's home"
    warehouse = Warehouse(home=str(home), queries=str(project_root / "duckdb"))
    show(warehouse, home, "words", words=WORDS)
    assert ask(warehouse, "SELECT count(*) FROM words") == [(2,)]


def test_a_home_without_its_tables_can_still_be_refreshed(warehouse: Warehouse, home: Path) -> None:
    show(warehouse, home, "words", words=WORDS)
    shutil.rmtree(home / "tables")
    warehouse.refresh_views()
    assert views(warehouse) == set()
