from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from releaf.errors import DataError, InputError
from releaf.retrieval.passages import Filters, passages
from releaf.retrieval.sparse import SparseIndex, analyze, build

from .bm25 import bm25_by_formula
from .conftest import chunk, frame


@pytest.fixture
def index(sparse_folder: Path) -> SparseIndex:
    return SparseIndex.open(sparse_folder)


def test_scores_agree_with_the_formula(index: SparseIndex, chunks: pl.DataFrame) -> None:
    query = "rinse bottles, then the bottle cap"
    expected = {
        name: score
        for name, score in zip(chunks["id"], bm25_by_formula(query, passages(chunks)), strict=True)
        if score > 0
    }
    found = dict(index.search(query, 10))
    assert found == pytest.approx(expected, rel=1e-5)
    assert len(found) == 4


def test_words_are_stemmed_lowered_and_stop_words_dropped() -> None:
    assert analyze("The Bottles were RECYCLED by #5 plastic_cups") == ["bottl", "were", "recycl", "5", "plastic", "cup"]


def test_results_are_ordered_by_score_then_by_row(tmp_path: Path) -> None:
    build(frame([chunk(f"d{row}#1", "Cork.", title="") for row in range(5)] + [chunk("z#1", "Wood.")]), tmp_path)
    assert [name for name, _ in SparseIndex.open(tmp_path).search("cork", 3)] == ["d0#1", "d1#1", "d2#1"]


def test_chunks_that_share_no_word_never_come_back(index: SparseIndex) -> None:
    assert index.search("asbestos", 10) == []
    assert index.search("the of and", 10) == []
    assert {name for name, _ in index.search("battery", 10)} == {"batteries#1"}


def test_masked_chunks_never_come_back_however_many_are_asked_for(index: SparseIndex) -> None:
    found = index.search("bottle", 100, Filters(topics=("policy",)))
    assert [name for name, _ in found] == ["berlin-deposit#1"]
    assert index.search("bottle", 100, Filters(topics=("landfill",))) == []


def test_scores_do_not_depend_on_filters_or_k(index: SparseIndex) -> None:
    everything = dict(index.search("rinse bottle", 10))
    assert dict(index.search("rinse bottle", 2)).items() <= everything.items()
    assert dict(index.search("rinse bottle", 10, Filters(materials=("pet",)))).items() <= everything.items()


def test_k_below_one_is_refused(index: SparseIndex) -> None:
    with pytest.raises(InputError, match="at least 1, not 0"):
        index.search("bottle", 0)


def test_an_index_of_no_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 chunks"):
        build(frame([chunk("a#1", "x")]).clear(), tmp_path)
    with pytest.raises(DataError, match="1 chunks hold no word"):
        build(frame([chunk("of#1", "the and")]), tmp_path)


def test_a_chunk_without_words_is_indexed_and_never_found(tmp_path: Path) -> None:
    build(frame([chunk("a#1", "", title=""), chunk("b#1", "cork", title="")]), tmp_path)
    assert [name for name, _ in SparseIndex.open(tmp_path).search("cork a", 5)] == ["b#1"]


def test_the_files_are_the_same_in_processes_with_other_hash_seeds(chunks: pl.DataFrame, tmp_path: Path) -> None:
    table = tmp_path / "chunks.parquet"
    chunks.write_parquet(table)
    code = (
        "import sys, polars, pathlib; from releaf.retrieval.sparse import build; "
        "build(polars.read_parquet(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    )
    written = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        command = [sys.executable, "-c", code, str(table), str(folder)]
        subprocess.run(command, check=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())})
        written.append({str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.*")})
    assert written[0] == written[1]
