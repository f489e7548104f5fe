from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from releaf.errors import ArtifactError, DataError
from releaf.retrieval.vectors import Change, Vectors, embed

from .conftest import WordEncoder

TEXTS = {"a": "rinse jars", "b": "flatten boxes", "c": "squeeze bottles"}


def run(texts: dict[str, str], encoder: WordEncoder, previous: Vectors | None = None) -> tuple[Vectors, Change]:
    return embed(list(texts), list(texts.values()), encoder, previous)


def test_unchanged_texts_are_not_encoded_again(encoder: WordEncoder) -> None:
    before, first = run(TEXTS, encoder)
    encoder.encoded.clear()
    after, second = run(TEXTS, encoder, before)
    assert (first, second) == (Change(0, 3, 0), Change(3, 0, 0))
    assert encoder.encoded == []
    assert np.array_equal(before.matrix, after.matrix)
    assert before.version == after.version


def test_a_changed_text_is_encoded_alone_and_a_removed_one_is_dropped(encoder: WordEncoder) -> None:
    before, _ = run(TEXTS, encoder)
    encoder.encoded.clear()
    after, change = run({"a": "rinse jars", "c": "crush cans", "d": "new"}, encoder, before)
    assert change == Change(reused=1, encoded=2, dropped=2)
    assert encoder.encoded == ["crush cans", "new"]
    assert after.ids == ("a", "c", "d")
    assert np.allclose(after.matrix, WordEncoder().encode(["rinse jars", "crush cans", "new"]))


def test_a_renamed_text_keeps_its_vector_and_equal_texts_are_encoded_once(encoder: WordEncoder) -> None:
    before, _ = run({"a": "rinse jars"}, encoder)
    after, change = run({"x": "rinse  jars", "y": "new", "z": "new"}, encoder, before)
    assert change == Change(reused=1, encoded=1, dropped=0)
    assert np.array_equal(after.matrix[1], after.matrix[2])


def test_vectors_of_another_encoder_are_never_taken_over(encoder: WordEncoder) -> None:
    before, _ = run(TEXTS, encoder)
    for other in (WordEncoder("words-2"), WordEncoder(max_tokens=32), WordEncoder("words-3", dimension=8)):
        after, change = run(TEXTS, other, before)
        assert change == Change(reused=0, encoded=3, dropped=3)
        assert after.dimension == other.dimension
        assert after.version != before.version


def test_the_vectors_of_no_texts_are_an_empty_matrix(encoder: WordEncoder) -> None:
    before, _ = run(TEXTS, encoder)
    after, change = run({}, encoder, before)
    assert after.matrix.shape == (0, 64)
    assert change == Change(0, 0, 3)


def test_vectors_survive_the_disk(encoder: WordEncoder, tmp_path: Path) -> None:
    vectors, _ = run(TEXTS, encoder)
    vectors.save(tmp_path)
    loaded = Vectors.load(tmp_path)
    assert (loaded.ids, loaded.keys, loaded.revision, loaded.max_tokens) == (
        vectors.ids,
        vectors.keys,
        vectors.revision,
        vectors.max_tokens,
    )
    assert loaded.matrix.dtype == np.float32
    assert np.array_equal(loaded.matrix, vectors.matrix)


def test_damaged_files_are_refused(encoder: WordEncoder, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"vectors\.json is missing"):
        Vectors.load(tmp_path)
    run(TEXTS, encoder)[0].save(tmp_path)
    description = json.loads((tmp_path / "vectors.json").read_text())
    for broken, message in (
        ({"format": 9}, "format 9"),
        ({"ids": ["a"]}, "1 ids, 3 keys"),
        ({"ids": None}, "not hold"),
    ):
        (tmp_path / "vectors.json").write_text(json.dumps({**description, **broken}))
        with pytest.raises(ArtifactError, match=message):
            Vectors.load(tmp_path)
    (tmp_path / "vectors.json").write_text(json.dumps(description))
    np.save(tmp_path / "vectors.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ArtifactError, match="does not hold vectors"):
        Vectors.load(tmp_path)
    (tmp_path / "vectors.npy").unlink()
    with pytest.raises(ArtifactError, match=r"vectors\.npy is missing"):
        Vectors.load(tmp_path)


def test_impossible_vectors_are_refused(encoder: WordEncoder) -> None:
    with pytest.raises(DataError, match="2 ids and 1 texts"):
        embed(["a", "b"], ["x"], encoder)
    with pytest.raises(DataError, match="'a' stands twice"):
        embed(["a", "a"], ["x", "y"], encoder)
    with pytest.raises(DataError, match="vector of 'b' is not finite"):
        Vectors(("a", "b"), ("1", "2"), np.array([[1.0], [np.nan]], np.float32), "r", 8)
