"""A pair is scored once, in a run and in the steps that follow it."""

from __future__ import annotations

from pathlib import Path

import pytest

from releaf.errors import ArtifactError
from releaf.retrieval.remembered import PAIRS_FILE, Remembering

from .conftest import WordScorer

TEXTS = ["glass jar", "steel tin", "jar lid"]


def test_only_what_is_new_is_scored_and_all_comes_back_in_order() -> None:
    scorer = WordScorer()
    kept = Remembering(scorer)
    assert kept.score("jar", TEXTS[:2]) == [1.0, 0.0]
    assert kept.score("jar", TEXTS[::-1]) == [1.0, 0.0, 1.0]
    assert kept.score("tin", TEXTS[:2]) == [0.0, 1.0]  # another query, other pairs
    assert scorer.read == [
        ("jar", "glass jar"),
        ("jar", "steel tin"),
        ("jar", "jar lid"),
        ("tin", "glass jar"),
        ("tin", "steel tin"),
    ]


def test_a_passage_that_stands_twice_is_scored_once() -> None:
    scorer = WordScorer()
    assert Remembering(scorer).score("jar", ["glass jar", "steel tin", "glass jar"]) == [1.0, 0.0, 1.0]
    assert len(scorer.read) == 2


def test_saved_scores_are_known_to_the_next_and_equal_ones_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        first = Remembering(WordScorer())
        first.score("jar", TEXTS)
        first.save(tmp_path / name)
    assert (tmp_path / "one" / PAIRS_FILE).read_bytes() == (tmp_path / "other" / PAIRS_FILE).read_bytes()
    scorer = WordScorer()
    assert Remembering(scorer, tmp_path / "one", tmp_path).score("jar", [*TEXTS, "cork"]) == [1.0, 0.0, 1.0, 0.0]
    assert scorer.read == [("jar", "cork")]


def test_nothing_scored_is_saved_and_read_as_nothing(tmp_path: Path) -> None:
    Remembering(WordScorer()).save(tmp_path)
    scorer = WordScorer()
    assert Remembering(scorer, tmp_path).score("jar", ["jar"]) == [1.0]
    assert scorer.read


def test_a_damaged_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / PAIRS_FILE).write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(ArtifactError, match=r"pairs\.npz holds no scores of pairs .*; run `releaf run`"):
        Remembering(WordScorer(), tmp_path)
