from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.retrieval.dense import RECALL_FLOOR, build, golden, golden_queries, golden_recall, open_index
from releaf.retrieval.dense.golden import refuse_low_recall

from .conftest import everywhere, named, random_vectors


@dataclass
class Answers:
    """An index that gives prepared answers."""

    answers: list[list[str]]

    def search_many(self, matrix: np.ndarray, k: int, filters: object = None) -> list[list[tuple[str, float]]]:
        return [[(name, 1.0) for name in names[:k]] for names in self.answers]


def test_queries_are_perturbed_stored_vectors_and_depend_on_the_seed_alone() -> None:
    vectors = random_vectors(300)
    made = golden_queries(vectors, n=20, seed=3)
    assert np.array_equal(made.queries, golden_queries(vectors, n=20, seed=3).queries)
    assert not np.array_equal(made.queries, golden_queries(vectors, n=20, seed=4).queries)
    assert np.linalg.norm(made.queries, axis=1) == pytest.approx(np.ones(20), abs=1e-6)
    # |v + 0.1 n| lies between 0.9 and 1.1, so the cosine to v is at least sqrt(1 - 0.1²).
    nearest = (made.queries @ vectors.matrix.T).max(axis=1)
    assert (nearest >= np.sqrt(0.99) - 1e-6).all()
    assert (nearest < 1 - 1e-5).all()


def test_neighbours_are_those_of_a_full_comparison_however_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = random_vectors(333)
    whole = golden_queries(vectors)
    exact = np.argsort(-(whole.queries @ vectors.matrix.T), axis=1)[:, :10]
    assert whole.neighbours == tuple(frozenset(f"c{row}" for row in rows) for rows in exact)
    monkeypatch.setattr(golden, "_BLOCK", 10)
    assert golden_queries(vectors).neighbours == whole.neighbours
    assert (whole.k, whole.count, len(whole.queries)) == (10, 333, 64)


def test_vectors_that_tie_with_the_last_neighbour_count_as_neighbours() -> None:
    matrix = np.zeros((30, 2), np.float32)
    matrix[:5, 0] = 1
    matrix[5:, 1] = 1
    made = golden_queries(named([f"n{row}" for row in range(30)], matrix), n=30)
    for query, names in zip(made.queries, made.neighbours, strict=True):
        expected = range(30) if query[0] > query[1] else range(5, 30)
        assert names == {f"n{row}" for row in expected}


def test_few_vectors_are_all_neighbours_and_queries() -> None:
    made = golden_queries(random_vectors(3))
    assert len(made.queries) == 3
    assert made.neighbours == (frozenset({"c0", "c1", "c2"}),) * 3
    assert golden_recall(Answers([["c0", "c1", "c2"], ["c0", "c1"], ["c0"]]), made) == pytest.approx(6 / 9)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="there are no vectors"):
        golden_queries(random_vectors(0))


def test_recall_is_the_share_of_exact_neighbours_that_came_back() -> None:
    made = golden_queries(random_vectors(100), n=2)
    exact = [sorted(names) for names in made.neighbours]
    assert golden_recall(Answers(exact), made) == 1  # type: ignore[arg-type]
    half = [exact[0], [*exact[1][:4], *["elsewhere"] * 6]]
    assert golden_recall(Answers(half), made) == pytest.approx(0.7)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"0\.700 of the exact 10 nearest, less than 0\.95.*hnsw_from above 100"):
        refuse_low_recall(Answers(half), made)  # type: ignore[arg-type]


def test_a_built_index_is_above_the_floor(tmp_path: Path) -> None:
    vectors = random_vectors(2500)
    build(vectors, everywhere(vectors), tmp_path, hnsw_from=500)
    with open_index(tmp_path) as index:
        assert golden_recall(index, golden_queries(vectors, seed=11)) >= RECALL_FLOOR
