from __future__ import annotations

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.graph.baselines import feature_cosine, three_paths
from releaf.graph.build import NODE_KINDS, Graph, GraphArrays, to_arrays
from releaf.graph.evaluation import MODEL, evaluate_hard, evaluate_links
from releaf.graph.hard_negatives import EACH, hard_negatives, neighbour_lists
from releaf.graph.splits import EdgeSplit, split_edges

Case = tuple[GraphArrays, EdgeSplit, np.ndarray]


@pytest.fixture(scope="module")
def case(planted_graph: Graph) -> Case:
    arrays = to_arrays(planted_graph)
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    return arrays, split, np.random.default_rng(0).normal(size=(arrays.n_nodes, 6))


def as_set(pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(min(u, v), max(u, v)) for u, v in pairs.T.tolist()}


def test_no_hard_negative_is_an_edge_of_any_part_and_each_joins_the_kinds_of_its_edge(case: Case) -> None:
    arrays, split, text = case
    found = hard_negatives(arrays, split, text, seed=0)
    assert found.negatives.shape == split.test.shape
    assert not as_set(found.negatives) & as_set(split.positives)
    assert np.array_equal(np.sort(arrays.kinds[found.negatives], axis=0), np.sort(arrays.kinds[split.test], axis=0))


def test_the_pool_of_an_end_is_what_paths_and_texts_take_for_its_neighbours(case: Case) -> None:
    arrays, split, text = case
    found = hard_negatives(arrays, split, text, seed=0)
    known = neighbour_lists(split)
    for k in (0, 7):
        u, v = split.test[:, k]
        free = [n for n in range(arrays.n_nodes) if arrays.kinds[n] == arrays.kinds[v] and n not in known[u]]
        pairs = np.array([[u] * len(free), free])
        expected: set[int] = set()
        for score in (three_paths(split.message, arrays.n_nodes)(pairs), feature_cosine(text)(pairs)):
            expected |= {free[place] for place in sorted(range(len(free)), key=lambda n: -score[n])[:EACH]}
        assert set(found.pools[0][k].tolist()) == expected


def test_equal_seeds_draw_equal_hard_negatives_and_others_do_not(case: Case) -> None:
    arrays, split, text = case
    one, same, other = (hard_negatives(arrays, split, text, seed=seed).negatives for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_hard_negatives_are_harder_for_the_signals_that_picked_them(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays, split, text = case
    monkeypatch.setattr("releaf.graph.hard_negatives.EACH", 3)
    random, hard = evaluate_links(arrays, split, text, text).overall, evaluate_hard(arrays, split, text, text, seed=0)
    assert hard["three_paths"].auc < random["three_paths"].auc
    assert list(hard) == [MODEL, *(name for name in random if name != MODEL)]


def test_an_edge_between_nodes_that_are_joined_to_everything_is_refused() -> None:
    kinds = np.array([0, 0, 2, 2])
    arrays = GraphArrays(("item:a", "item:b", "project:c", "project:d"), kinds, NODE_KINDS, np.empty((2, 0), np.int64))
    empty = np.empty((2, 0), dtype=np.int64)
    edges = np.array([[0, 0, 1, 1], [2, 3, 2, 3]])
    split = EdgeSplit(kinds, edges[:, :3], edges[:, :3], empty, edges[:, 3:], empty, empty)
    with pytest.raises(DataError, match=r"edge \(1, 3\) has no hard non-edge"):
        hard_negatives(arrays, split, np.ones((4, 2)), seed=0)
