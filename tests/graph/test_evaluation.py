from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from releaf.errors import DataError
from releaf.graph.build import NODE_KINDS, Graph, GraphArrays, to_arrays
from releaf.graph.evaluation import MODEL, LinkEvaluation, evaluate_links
from releaf.graph.splits import EdgeSplit, split_edges

Case = tuple[GraphArrays, EdgeSplit, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def case(planted_graph: Graph) -> Case:
    """Graph, split, embeddings that know the two camps, and texts that say nothing."""
    arrays = to_arrays(planted_graph)
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    rng = np.random.default_rng(0)
    camp = np.array([1 if node.split(":")[1].startswith("a") else -1 for node in arrays.node_ids])
    z = camp[:, None] + rng.normal(0, 0.5, (arrays.n_nodes, 8))
    return arrays, split, z, rng.normal(size=(arrays.n_nodes, 8))


@pytest.fixture(scope="module")
def found(case: Case) -> LinkEvaluation:
    return evaluate_links(*case)


def test_figures_are_those_counted_one_by_one(case: Case, found: LinkEvaluation) -> None:
    arrays, split, z, _ = case
    edges = {frozenset(pair) for pair in split.positives.T.tolist()}
    ranks = []
    for u, v in split.test.T.tolist():
        for fixed, true in ((u, v), (v, u)):
            others = [
                z[fixed] @ z[w]
                for w in range(arrays.n_nodes)
                if arrays.kinds[w] == arrays.kinds[true] and w != fixed and frozenset((fixed, w)) not in edges
            ]
            ranks.append(1 + sum(score > z[fixed] @ z[true] for score in others))
    scores = [z[u] @ z[v] for part in (split.test, split.test_negatives) for u, v in part.T]
    labels = [1] * split.test.shape[1] + [0] * split.test.shape[1]
    model = found.model
    assert model.edges == split.test.shape[1]
    assert model.auc == pytest.approx(roc_auc_score(labels, scores))
    assert model.average_precision == pytest.approx(average_precision_score(labels, scores))
    assert model.mrr == pytest.approx(np.mean([1 / rank for rank in ranks]))
    assert [model.hits_at_1, model.hits_at_3, model.hits_at_10] == pytest.approx(
        [np.mean([rank <= k for rank in ranks]) for k in (1, 3, 10)]
    )


def test_every_relation_has_figures_of_every_scorer_and_they_add_up(found: LinkEvaluation) -> None:
    assert sorted(found.per_relation) == ["can_become", "has_property", "made_of", "requires_property"]
    assert sum(figures[MODEL].edges for figures in found.per_relation.values()) == found.model.edges
    assert all(set(figures) == set(found.overall) for figures in found.per_relation.values())


def test_auc_within_kinds_is_the_mean_of_the_relations_by_their_edges(found: LinkEvaluation) -> None:
    for name, overall in found.overall.items():
        parts = [figures[name] for figures in found.per_relation.values()]
        assert all(part.auc_within == pytest.approx(part.auc) for part in parts)
        assert overall.auc_within == pytest.approx(sum(part.edges * part.auc for part in parts) / overall.edges)


def test_a_scale_that_differs_between_kinds_is_not_held_against_a_scorer(case: Case) -> None:
    arrays, split, z, text = case
    apart = z * np.array([1, 10, 100, 1000])[arrays.kinds][:, None]
    plain, scaled = (evaluate_links(arrays, split, rows, text).model for rows in (z, apart))
    assert scaled.auc_within == pytest.approx(plain.auc_within)
    assert scaled.mrr == pytest.approx(plain.mrr)
    assert scaled.auc != plain.auc


def test_good_embeddings_beat_what_knows_nothing_and_the_report_says_by_how_much(found: LinkEvaluation) -> None:
    comparison = found.comparisons["feature_cosine"]
    assert comparison.verdict == "better"
    assert comparison.statement.startswith("the model beats feature cosine: AUC within kinds 0.")
    assert comparison.difference.value == pytest.approx(
        found.model.auc_within - found.overall["feature_cosine"].auc_within
    )
    assert "common_neighbours" in found.comparisons
    assert len(found.statements) == len(found.overall) - 1


def test_embeddings_that_know_nothing_are_said_not_to_beat_the_baselines(case: Case) -> None:
    arrays, split, z, text = case
    poor = evaluate_links(arrays, split, np.random.default_rng(5).normal(size=z.shape), text)
    assert not poor.beats_all
    assert poor.comparisons["three_paths"].verdict == "worse"
    assert "is worse than three paths" in poor.comparisons["three_paths"].statement
    assert "does not clearly differ from feature cosine" in poor.comparisons["feature_cosine"].statement


def test_a_constant_score_is_no_better_than_chance(case: Case) -> None:
    arrays, split, z, text = case
    flat = evaluate_links(arrays, split, np.ones_like(z), text).model
    assert (flat.auc, flat.average_precision, flat.hits_at_1) == (0.5, 0.5, 0.0)


def test_the_report_is_plain_json(found: LinkEvaluation) -> None:
    back = json.loads(json.dumps(found.as_json()))
    assert back["overall"]["model"]["auc"] == found.model.auc
    assert back["comparisons"]["degree"]["difference"]["low"] <= back["comparisons"]["degree"]["difference"]["high"]
    assert back["beats_all"] is found.beats_all


def test_a_leaking_split_and_rows_of_another_graph_are_refused(case: Case) -> None:
    arrays, split, z, text = case
    with pytest.raises(DataError, match="both in train and in test"):
        evaluate_links(arrays, replace(split, train=np.append(split.train, split.test, axis=1)), z, text)
    with pytest.raises(DataError, match="120 nodes and the z has 3"):
        evaluate_links(arrays, split, z[:3], text)
    smaller = GraphArrays(("item:a",), np.array([0]), NODE_KINDS, np.empty((2, 0), dtype=np.int64))
    with pytest.raises(DataError, match="120 nodes and the graph has 1"):
        evaluate_links(smaller, split, z, text)
