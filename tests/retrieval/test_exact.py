from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from releaf.metrics.ranking import ndcg_at_k
from releaf.retrieval.encode import Matrix, unit_rows
from releaf.retrieval.exact import compare_encoders, exact_ndcg
from releaf.retrieval.vectors import Vectors, embed

from .conftest import WordEncoder

IDS = ("a#1", "a#2", "b#1", "c#1")
DOCUMENTS = {name: name[0] for name in IDS}


class TableEncoder(WordEncoder):
    """Gives the vectors that it was given."""

    def __init__(self, table: dict[str, list[float]]) -> None:
        super().__init__(dimension=2)
        self.table = table

    def encode(self, texts, progress=None, *, queries=False) -> Matrix:  # type: ignore[no-untyped-def, override]
        return unit_rows(np.array([self.table[text] for text in texts], np.float32))


def vectors(rows: list[list[float]]) -> Vectors:
    return Vectors(IDS, IDS, unit_rows(np.array(rows, np.float32)), "table")


ROWS = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, 0.0]]


def test_documents_are_ranked_by_their_best_chunk() -> None:
    encoder = TableEncoder({"north": [0.1, 1.0], "east": [1.0, -0.1]})
    judged = {"n": {"b": 3, "a": 1}, "e": {"c": 1}}
    # north: a by its second chunk, b, c; east: a by its first chunk, b, c.
    expected = [ndcg_at_k(["a", "b", "c"], judged["n"], 10), ndcg_at_k(["a", "b", "c"], judged["e"], 10)]
    found = exact_ndcg(vectors(ROWS), encoder, DOCUMENTS, {"n": "north", "e": "east"}, judged)
    assert found == pytest.approx(sum(expected) / 2)


def test_an_encoder_is_no_worse_than_itself(tmp_path: Path) -> None:
    texts = {"q": "jar lids"}
    made, _ = embed(IDS, ["glass jar", "steel lid", "cork", "tin"], WordEncoder(), tmp_path)
    result = compare_encoders(made, WordEncoder(), made, WordEncoder(), DOCUMENTS, texts, {"q": {"a": 1}})
    assert result == pytest.approx(
        {"min_cosine": 1, "mean_cosine": 1, "served_ndcg@10": 1, "reference_ndcg@10": 1, "ndcg_loss": 0}
    )


def test_a_loss_is_a_share_of_the_reference() -> None:
    encoder = TableEncoder({"east": [1.0, 0.0]})
    turned = [[-1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]  # now c, b, a
    result = compare_encoders(
        vectors(turned), encoder, vectors(ROWS), encoder, DOCUMENTS, {"e": "east"}, {"e": {"a": 1}}
    )
    assert result["min_cosine"] == pytest.approx(-1)
    assert result["mean_cosine"] == pytest.approx(0, abs=1e-6)
    assert result["reference_ndcg@10"] == pytest.approx(1)
    assert result["served_ndcg@10"] == pytest.approx(1 / 2)  # third place: 1 / log₂ 4
    assert result["ndcg_loss"] == pytest.approx(1 / 2)


def test_a_reference_that_finds_nothing_loses_nothing() -> None:
    encoder = TableEncoder({"east": [1.0, 0.0]})
    made = vectors(ROWS)
    result = compare_encoders(made, encoder, made, encoder, DOCUMENTS, {"e": "east"}, {"e": {"elsewhere": 1}})
    assert result["ndcg_loss"] == 0.0
