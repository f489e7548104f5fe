from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from releaf.graph.baselines import (
    adamic_adar,
    baseline_scorers,
    common_neighbours,
    degree_product,
    feature_cosine,
    smoothed_cosine,
    three_paths,
)
from releaf.graph.splits import both_directions

GRAPH = nx.gnm_random_graph(30, 80, seed=4)
MESSAGE = both_directions(np.array(GRAPH.edges).T)
PAIRS = np.array(list(nx.non_edges(GRAPH))).T
EBUNCH = [tuple(pair) for pair in PAIRS.T.tolist()]


def test_common_neighbours_adamic_adar_and_degree_are_those_of_networkx() -> None:
    assert common_neighbours(MESSAGE, 30)(PAIRS).tolist() == [
        len(list(nx.common_neighbors(GRAPH, u, v))) for u, v in EBUNCH
    ]
    assert adamic_adar(MESSAGE, 30)(PAIRS) == pytest.approx([s for *_, s in nx.adamic_adar_index(GRAPH, EBUNCH)])
    assert degree_product(MESSAGE, 30)(PAIRS).tolist() == [s for *_, s in nx.preferential_attachment(GRAPH, EBUNCH)]


def test_three_paths_are_counted_with_the_weights_of_the_two_nodes_between() -> None:
    # 0–1–2–3 and 0–4–2: from 0 to 3 run 0–1–2–3 and 0–4–2–3; |N(1)| = |N(4)| = 2, |N(2)| = 3.
    message = both_directions(np.array([[0, 1, 2, 0, 4], [1, 2, 3, 4, 2]]))
    assert three_paths(message, 5)(np.array([[0], [3]])) == pytest.approx([2 / np.sqrt(2 * 3)])


def test_common_neighbours_are_blind_between_two_sides_and_three_paths_are_not() -> None:
    message = both_directions(np.array([[0, 0, 1], [2, 3, 2]]))
    pair = np.array([[1], [3]])
    assert common_neighbours(message, 4)(pair) == [0]
    assert three_paths(message, 4)(pair) > 0


def test_feature_cosine_by_hand_and_zero_without_features() -> None:
    features = np.array([[3.0, 4.0], [4.0, 3.0], [0.0, 0.0]])
    assert feature_cosine(features)(np.array([[0, 0], [1, 2]])) == pytest.approx([24 / 25, 0])


def test_smoothing_is_the_normalized_adjacency_with_self_loops_applied_twice() -> None:
    features = np.random.default_rng(0).normal(size=(30, 5))
    loops = nx.to_numpy_array(GRAPH) + np.eye(30)
    step = loops / np.sqrt(np.outer(loops.sum(0), loops.sum(0)))
    smooth = step @ step @ features
    expected = [smooth[u] @ smooth[v] / np.linalg.norm(smooth[u]) / np.linalg.norm(smooth[v]) for u, v in EBUNCH]
    assert smoothed_cosine(MESSAGE, features)(PAIRS) == pytest.approx(expected)


def test_every_baseline_scores_both_directions_alike_and_needs_no_edge_at_a_node() -> None:
    features = np.random.default_rng(0).normal(size=(32, 5))  # nodes 30 and 31 have no edges
    pairs = np.concatenate([PAIRS, np.array([[30, 30], [31, 0]])], axis=1)
    scorers = baseline_scorers(MESSAGE, features)
    assert list(scorers) == [
        "common_neighbours",
        "adamic_adar",
        "degree",
        "three_paths",
        "feature_cosine",
        "smoothed_cosine",
    ]
    for scorer in scorers.values():
        assert scorer(pairs) == pytest.approx(scorer(pairs[::-1]))
        assert np.isfinite(scorer(pairs)).all()
