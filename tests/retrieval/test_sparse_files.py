"""Files of a sparse index that are missing, cut, foreign or contradict each other."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from releaf.errors import ArtifactError
from releaf.retrieval.sparse import SparseIndex, build

FILES = (
    "sparse.json",
    "chunks.parquet",
    "terms.npz",
    "bm25s/params.index.json",
    "bm25s/vocab.index.json",
    "bm25s/data.csc.index.npy",
    "bm25s/indices.csc.index.npy",
    "bm25s/indptr.csc.index.npy",
)


@pytest.fixture
def folder(chunks: pl.DataFrame, tmp_path: Path) -> Path:
    build(chunks, tmp_path)
    return tmp_path


def test_these_are_all_the_files(folder: Path) -> None:
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=Path(name).name.replace(".", r"\.") + " is missing"):
        SparseIndex.open(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_anywhere_is_refused(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    # The last byte of a JSON file may be a line's end.
    for length in (0, 1, 10, len(content) // 2, len(content) - 2):
        (folder / name).write_bytes(content[:length])
        with pytest.raises(ArtifactError):
            SparseIndex.open(folder)


@pytest.mark.filterwarnings("ignore:Data type alias 'a':DeprecationWarning")
@pytest.mark.parametrize("name", ["terms.npz", "bm25s/data.csc.index.npy", "bm25s/indptr.csc.index.npy"])
def test_no_changed_byte_of_a_header_gets_through_as_another_error(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for place in range(0, 128):
        (folder / name).write_bytes(content[:place] + bytes([content[place] ^ 8]) + content[place + 1 :])
        # Some changes are of no account, and what a hash of the file would show is not asked for here.
        with suppress(ArtifactError):
            assert len(SparseIndex.open(folder).ids) == 6


def test_a_foreign_format_is_refused(folder: Path) -> None:
    (folder / "sparse.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(ArtifactError, match="format is 1, this version reads 3; build it again"):
        SparseIndex.open(folder)


def test_pickled_content_is_refused(folder: Path) -> None:
    np.save(folder / "bm25s" / "data.csc.index.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ArtifactError, match="does not hold a sparse index"):
        SparseIndex.open(folder)


def test_parts_of_two_indexes_are_refused(chunks: pl.DataFrame, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    build(chunks.head(5), other)
    for name, message in (
        ("chunks.parquet", "scores are for 6 chunks, but 5 are described"),
        ("terms.npz", "words are for 5 chunks, but 6 are described"),
        ("bm25s/vocab.index.json", r"scores are for \d+ words, but \d+ are listed"),
        ("bm25s/data.csc.index.npy", "do not fit where each word's begin"),
    ):
        sound = (folder / name).read_bytes()
        (folder / name).write_bytes((other / name).read_bytes())
        with pytest.raises(ArtifactError, match=message):
            SparseIndex.open(folder)
        (folder / name).write_bytes(sound)


def test_scores_of_rows_that_are_not_there_are_refused(folder: Path) -> None:
    place = folder / "bm25s" / "indices.csc.index.npy"
    sound = np.load(place)
    for row in (6, -1):
        np.save(place, np.where(np.arange(len(sound)) == 3, row, sound).astype(sound.dtype))
        with pytest.raises(ArtifactError, match="chunks"):
            SparseIndex.open(folder)
