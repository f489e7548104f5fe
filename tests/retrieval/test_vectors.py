from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from releaf.errors import ArtifactError, DataError
from releaf.retrieval.vectors import Change, Vectors, embed, text_key, text_keys, vectors_version

from .conftest import WordEncoder

TEXTS = {"a": "rinse jars", "b": "flatten boxes", "c": "squeeze bottles"}


class Run:
    """`embed` into a new folder each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def __call__(
        self, texts: dict[str, str], encoder: WordEncoder, previous: Vectors | None = None, chunker: str = ""
    ) -> tuple[Vectors, Change]:
        self.count += 1
        target = self.folder / str(self.count)
        return embed(list(texts), list(texts.values()), encoder, target, previous=previous, chunker=chunker)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_unchanged_texts_are_not_encoded_again(run: Run, encoder: WordEncoder) -> None:
    before, first = run(TEXTS, encoder)
    encoder.encoded.clear()
    after, second = run(TEXTS, encoder, before)
    assert (first, second) == (Change(0, 3, 0), Change(3, 0, 0))
    assert encoder.encoded == []
    assert np.array_equal(before.matrix, after.matrix)
    assert before.version == after.version


def test_a_changed_text_is_encoded_alone_and_a_removed_one_is_dropped(run: Run, encoder: WordEncoder) -> None:
    before, _ = run(TEXTS, encoder)
    encoder.encoded.clear()
    after, change = run({"a": "rinse jars", "c": "crush cans", "d": "new"}, encoder, before)
    assert change == Change(reused=1, encoded=2, dropped=2)
    assert encoder.encoded == ["crush cans", "new"]
    assert after.ids == ("a", "c", "d")
    assert np.allclose(after.matrix, WordEncoder().encode(["rinse jars", "crush cans", "new"]))


def test_a_renamed_text_keeps_its_vector_and_equal_texts_are_encoded_once(run: Run, encoder: WordEncoder) -> None:
    before, _ = run({"a": "rinse jars"}, encoder)
    after, change = run({"x": "rinse  jars", "y": "new", "z": "new"}, encoder, before)
    assert change == Change(reused=1, encoded=1, dropped=0)
    assert encoder.encoded == ["rinse jars", "new"]
    assert np.array_equal(after.matrix[1], after.matrix[2])


def test_vectors_of_another_encoder_are_never_taken_over(run: Run, encoder: WordEncoder) -> None:
    before, _ = run(TEXTS, encoder)
    for other in (WordEncoder("words-2"), WordEncoder("words-3", dimension=8)):
        after, change = run(TEXTS, other, before)
        assert change == Change(reused=0, encoded=3, dropped=3)
        assert after.dimension == other.dimension
        assert after.revision == other.revision
        assert after.version != before.version
        assert np.array_equal(after.matrix, other.encode(list(TEXTS.values())))


def test_the_chunker_is_part_of_the_key(run: Run, encoder: WordEncoder) -> None:
    before, _ = run(TEXTS, encoder, chunker="sentences-1")
    assert run(TEXTS, encoder, before, chunker="sentences-1")[1] == Change(3, 0, 0)
    assert run(TEXTS, encoder, before, chunker="sentences-2")[1] == Change(0, 3, 3)
    assert text_key("jar", "one", "words-1") != text_key("jar", "two", "words-1")


def test_keys_of_many_texts_are_those_of_each() -> None:
    texts = ["", "jar", 'a "quoted"\\ jar', "CO₂  jär\n", "\ud800x", "\U0001f600\x7f"]
    assert text_keys(texts, 'chunk"er', "r\n1") == [text_key(text, 'chunk"er', "r\n1") for text in texts]


def test_vectors_that_are_kept_follow_their_texts_to_other_rows(
    run: Run, encoder: WordEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("releaf.retrieval.vectors.BLOCK", 2)
    before, _ = run({f"t{n}": f"jar {n}" for n in range(9)}, encoder)
    moved = {f"m{n}": f"jar {n}" for n in (8, 3, 11, 0, 3, 5, 12)} | {"twice": "jar 3"}
    after, change = run(moved, encoder, before)
    assert change == Change(reused=5, encoded=2, dropped=5)
    assert np.array_equal(after.matrix, WordEncoder().encode(list(moved.values())))


def test_a_key_is_that_of_the_normalized_text() -> None:
    assert text_key("CO₂  jar\x00", "", "r") == text_key("CO2 jar", "", "r") != text_key("CO2 jars", "", "r")


def test_the_version_is_known_before_the_vectors_are_made(run: Run, encoder: WordEncoder) -> None:
    vectors, _ = run(TEXTS, encoder)
    keys = [text_key(text, "", encoder.revision) for text in TEXTS.values()]
    assert vectors.version == vectors_version(list(TEXTS), keys)


def test_the_matrix_on_disk_is_what_the_encoder_gives(
    run: Run, encoder: WordEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("releaf.retrieval.vectors.BLOCK", 2)
    texts = {f"t{n}": f"jar {n}" for n in range(7)}
    vectors, _ = run(texts, encoder)
    assert isinstance(vectors.matrix, np.memmap)
    assert np.array_equal(vectors.matrix, WordEncoder().encode(list(texts.values())))
    assert np.array_equal(np.load(run.folder / "1" / "vectors.npy"), vectors.matrix)


def test_the_vectors_of_no_texts_are_an_empty_matrix(run: Run, encoder: WordEncoder) -> None:
    before, _ = run(TEXTS, encoder)
    after, change = run({}, encoder, before)
    assert after.matrix.shape == (0, 64)
    assert change == Change(0, 0, 3)


def test_vectors_survive_the_disk(run: Run, encoder: WordEncoder, tmp_path: Path) -> None:
    vectors, _ = run(TEXTS, encoder)
    vectors.save(tmp_path / "copy")
    loaded = Vectors.load(tmp_path / "copy")
    assert (loaded.ids, loaded.keys, loaded.revision) == (vectors.ids, vectors.keys, vectors.revision)
    assert loaded.matrix.dtype == np.float32
    assert np.array_equal(loaded.matrix, vectors.matrix)


def test_damaged_files_are_refused(run: Run, encoder: WordEncoder, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"vectors\.json is missing"):
        Vectors.load(tmp_path)
    run(TEXTS, encoder)[0].save(tmp_path)
    description = json.loads((tmp_path / "vectors.json").read_text())
    for broken, message in (
        ({"format": 9}, "format 9"),
        ({"ids": ["a"]}, "1 ids, 3 keys"),
        ({"ids": ["a", "a", "b"]}, "'a' stands twice"),
        ({"ids": None}, "not hold"),
    ):
        (tmp_path / "vectors.json").write_text(json.dumps({**description, **broken}))
        with pytest.raises(ArtifactError, match=message):
            Vectors.load(tmp_path)
    (tmp_path / "vectors.json").write_text(json.dumps(description))
    sound = (tmp_path / "vectors.npy").read_bytes()
    for length in (0, 5, 100, len(sound) - 1):
        (tmp_path / "vectors.npy").write_bytes(sound[:length])
        with pytest.raises(ArtifactError, match="does not hold vectors"):
            Vectors.load(tmp_path)
    for foreign in (np.array([{}], dtype=object), np.zeros((3, 64)), np.zeros(64, np.float32)):
        np.save(tmp_path / "vectors.npy", foreign, allow_pickle=True)
        with pytest.raises(ArtifactError, match="does not hold vectors"):
            Vectors.load(tmp_path)
    (tmp_path / "vectors.npy").unlink()
    with pytest.raises(ArtifactError, match=r"vectors\.npy is missing"):
        Vectors.load(tmp_path)


def test_impossible_vectors_are_refused(encoder: WordEncoder, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 ids and 1 texts"):
        embed(["a", "b"], ["x"], encoder, tmp_path)
    with pytest.raises(DataError, match="'a' stands twice"):
        embed(["a", "a"], ["x", "y"], encoder, tmp_path)
    with pytest.raises(DataError, match="vector of 'b' is not finite"):
        Vectors(("a", "b"), ("1", "2"), np.array([[1.0], [np.nan]], np.float32), "r")
    assert list(tmp_path.iterdir()) == []
