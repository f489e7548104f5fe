"""The forward index: its numbers by hand, its scores beside bm25s, and one build on another beside one from nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import bm25s
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaf.retrieval.sparse import SparseIndex, analyze, build
from releaf.retrieval.sparse_forward import Forward, bm25_scores, forward

from .conftest import chunk, frame

WORDS = ("jar", "jars", "bottle", "cork", "rinse", "rinsed", "the", "5", "co2", "zinc", "aluminium", "über", "Glas")
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), max_size=8)


def same(one: Forward, other: Forward) -> bool:
    arrays = ("keys", "starts", "words", "counts")
    return one.stems == other.stems and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in arrays
    )


def test_stems_are_numbered_by_the_alphabet_and_counted() -> None:
    held, stemmed = forward(["rinse jar jars", "", "the cork jar"])
    assert held.stems == ("cork", "jar", "rins")
    assert held.starts.tolist() == [0, 2, 2, 4]
    assert held.words.tolist() == [1, 2, 0, 1]
    assert held.counts.tolist() == [2, 1, 1, 1]
    assert stemmed == 3


@given(TEXTS)
def test_it_holds_the_stems_that_analysis_gives(texts: list[str]) -> None:
    held, _ = forward(texts)
    assert len(held) == len(texts)
    for row, text in enumerate(texts):
        start, end = held.starts[row : row + 2]
        words = [held.stems[word] for word in held.words[start:end]]
        assert dict(zip(words, held.counts[start:end].tolist(), strict=True)) == Counter(analyze(text))
        assert words == sorted(words)


@given(TEXTS.filter(lambda texts: any(map(analyze, texts))))
def test_scores_are_those_of_bm25s_bit_for_bit(texts: list[str]) -> None:
    words = [analyze(text) for text in texts]
    vocabulary = {word: number for number, word in enumerate(sorted({word for row in words for word in row}))}
    engine = bm25s.BM25(k1=1.5, b=0.75, method="lucene", backend="numpy")
    numbers = [[vocabulary[word] for word in row] for row in words]
    engine.index((numbers, vocabulary), create_empty_token=False, show_progress=False)
    scores = bm25_scores(forward(texts)[0])
    for name in ("data", "indices", "indptr"):
        ours = getattr(scores, name)
        assert ours.dtype == engine.scores[name].dtype
        assert ours.tobytes() == engine.scores[name].tobytes()


@given(TEXTS, TEXTS, st.randoms())
def test_built_on_another_it_is_the_same_bit_for_bit(before: list[str], new: list[str], random: object) -> None:
    former, _ = forward(before)
    texts = [*random.sample(before, random.randint(0, len(before))), *new]
    random.shuffle(texts)
    held, stemmed = forward(texts, former)
    assert same(held, forward(texts)[0])
    assert stemmed == sum(text not in before for text in texts)


def test_large_collections_are_counted_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(WORDS, size=draw.integers(0, 9))) for _ in range(100)]
    whole = forward(texts)[0]
    scores = bm25_scores(whole)
    monkeypatch.setattr("releaf.retrieval.sparse_forward._CHUNKS", 7)
    monkeypatch.setattr("releaf.retrieval.sparse_forward._SCORES", 5)
    assert same(forward(texts)[0], whole)
    assert same(forward(texts, forward(texts[50:])[0])[0], whole)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(bm25_scores(whole), scores, strict=True))


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def table(texts: list[str]) -> pl.DataFrame:
    return frame([chunk(f"d{row}#1", text, title="") for row, text in enumerate(texts)])


@settings(max_examples=25)
@given(st.lists(TEXTS.map(lambda texts: [*texts, "jar"]), min_size=2, max_size=4))
def test_the_files_do_not_depend_on_what_they_were_built_on(versions: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        previous = None
        for turn, texts in enumerate(versions):
            ours, theirs = Path(folder) / f"on-{turn}", Path(folder) / f"whole-{turn}"
            build(table(texts), ours, previous)
            build(table(texts), theirs)
            assert content(ours) == content(theirs)
            previous = ours


@pytest.fixture
def previous(chunks: pl.DataFrame, tmp_path: Path) -> Path:
    build(chunks, tmp_path / "previous")
    return tmp_path / "previous"


@pytest.fixture
def changed(chunks: pl.DataFrame) -> pl.DataFrame:
    """One text and one payload are new, one chunk is gone, the order is another."""
    rows = [*chunks.rows(named=True)[:0:-1], chunk("new#1", "A new zinc bottle."), chunk("empty#1", "", title="")]
    rows[2] = {**rows[2], "text": "Other words of a jar."}
    rows[3] = {**rows[3], "topic": "policy"}
    return frame(rows)


def test_only_new_texts_are_stemmed(previous: Path, changed: pl.DataFrame, tmp_path: Path) -> None:
    before = content(previous)
    assert build(changed, tmp_path / "on", previous) == 3
    assert build(changed, tmp_path / "whole") == 7
    assert content(tmp_path / "on") == content(tmp_path / "whole")
    assert content(previous) == before
    index = SparseIndex.open(tmp_path / "on")
    assert [name for name, _ in index.search("zinc", 5)] == ["new#1"]
    assert "pet-bottles#1" not in {name for name, _ in index.search("rinse bottle jar cart battery", 50)}


def rewritten(**fields: object) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        description = json.loads((folder / "sparse.json").read_text())
        (folder / "sparse.json").write_text(json.dumps({**description, **fields}))

    return spoil


SPOILS: dict[str, Callable[[Path], object]] = {
    "missing": shutil.rmtree,
    "no description": lambda folder: (folder / "sparse.json").unlink(),
    "no terms": lambda folder: (folder / "terms.npz").unlink(),
    "a cut description": lambda folder: (folder / "sparse.json").write_text("{"),
    "cut terms": lambda folder: (folder / "terms.npz").write_bytes((folder / "terms.npz").read_bytes()[:700]),
    "a folder for terms": lambda folder: ((folder / "terms.npz").unlink(), (folder / "terms.npz").mkdir()),
    "another format": rewritten(format=2),
    "another stemmer": rewritten(analyzer={"stemmer": "0.1", "unicode": "14.0.0"}),
    "no member": lambda folder: np.savez(folder / "terms.npz", starts=np.zeros(1, np.int64)),
}


@pytest.mark.parametrize("name", SPOILS)
def test_all_is_stemmed_where_the_previous_one_cannot_be_used(
    previous: Path, changed: pl.DataFrame, tmp_path: Path, name: str
) -> None:
    SPOILS[name](previous)
    assert build(changed, tmp_path / "on", previous) == len(changed)
    build(changed, tmp_path / "whole")
    assert content(tmp_path / "on") == content(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore:Data type alias 'a':DeprecationWarning")
def test_no_changed_byte_of_the_previous_terms_gets_into_the_files(
    previous: Path, changed: pl.DataFrame, tmp_path: Path
) -> None:
    build(changed, tmp_path / "whole")
    expected, sound = content(tmp_path / "whole"), (previous / "terms.npz").read_bytes()
    for place in range(0, len(sound), 13):
        (previous / "terms.npz").write_bytes(sound[:place] + bytes([sound[place] ^ 4]) + sound[place + 1 :])
        build(changed, tmp_path / "on", previous)
        assert content(tmp_path / "on") == expected, place
        shutil.rmtree(tmp_path / "on")


def test_arrays_that_contradict_each_other_are_refused() -> None:
    held, _ = forward(["rinse jar", "cork"])
    parts = {name: getattr(held, name) for name in ("keys", "starts", "words", "counts", "stems")}
    for wrong, message in (
        ({"keys": held.keys[:1]}, "keys and 3 starts"),
        ({"counts": held.counts[:1]}, "do not fit"),
        ({"starts": np.array([0, 4, 3])}, "where each chunk's begin"),
        ({"starts": np.array([1, 2, 3])}, "where each chunk's begin"),
        ({"words": held.words + 1}, "not among the 3 stems"),
    ):
        with pytest.raises(ValueError, match=message):
            Forward(**{**parts, **wrong})
