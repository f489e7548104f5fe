from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from releaf.errors import DataError
from releaf.graph.build import Graph, to_arrays
from releaf.graph.project_heads import (
    calibrate,
    fit_choice,
    fit_known,
    fit_new,
    hide_items,
    hide_pairs_in_turn,
)
from releaf.graph.project_view import MATERIAL, ProjectView, pair_features


@pytest.fixture(scope="module")
def view(planted_graph: Graph) -> ProjectView:
    arrays = to_arrays(planted_graph)
    return ProjectView.of(arrays, np.random.default_rng(0).normal(size=(arrays.n_nodes, 6)))


def test_a_choice_between_two_is_logistic_regression_on_the_difference() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.normal(size=(400, 2, 3))
    better = rng.random(400) < 1 / (1 + np.exp(-(pairs[:, 0] - pairs[:, 1]) @ [1.0, -2.0, 0.0]))
    groups = [pair if won else pair[::-1] for pair, won in zip(pairs, better, strict=True)]
    reference = LogisticRegression(fit_intercept=False, C=1 / (2 * 0.01 * 800))
    reference.fit(np.concatenate([pairs[:, 0] - pairs[:, 1], pairs[:, 1] - pairs[:, 0]]), np.append(better, ~better))
    # The penalty is on standardized columns, whose scale here is near 1.
    assert fit_choice(groups) == pytest.approx(reference.coef_[0], abs=0.06)


def test_a_column_that_never_varies_weighs_nothing() -> None:
    rng = np.random.default_rng(0)
    groups = [np.column_stack([rng.normal(size=4), np.ones(4)]) for _ in range(30)]
    assert fit_choice(groups)[1] == 0


def test_probabilities_are_right_on_average_and_grow_with_the_score() -> None:
    rng = np.random.default_rng(0)
    true, false = rng.normal(3, 1, 100), rng.normal(0, 1, 900)
    scale, offset = calibrate(true, false)
    probabilities = 1 / (1 + np.exp(-(scale * np.concatenate([true, false]) + offset)))
    assert scale > 0
    assert probabilities.mean() == pytest.approx(0.1, abs=0.005)


def test_scores_the_wrong_way_round_are_not_turned() -> None:
    scale, _ = calibrate(np.zeros(50), np.ones(50))
    assert 0 < scale < 0.1


def test_every_stated_pair_is_hidden_in_one_turn(view: ProjectView) -> None:
    times = np.zeros(view.stated.shape, dtype=int)
    for hidden, without in hide_pairs_in_turn(view, seed=0):
        times += hidden
        assert np.array_equal(without.stated, view.stated & ~hidden)
    assert np.array_equal(times, view.stated.astype(int))


def test_a_hidden_item_keeps_what_it_is_made_of_and_nothing_else(view: ProjectView) -> None:
    items = np.array([0, 3])
    hidden = hide_items(view, items, None)
    assert not hidden.stated[items].any()
    others = np.setdiff1d(np.arange(len(view.items)), items)
    assert np.array_equal(hidden.stated[others], view.stated[others])
    assert (hidden.block(0, MATERIAL) != view.block(0, MATERIAL)).nnz == 0


def test_with_chance_every_other_project_loses_one_item_too(view: ProjectView) -> None:
    hidden = hide_items(view, np.array([0]), np.random.default_rng(0))
    lost = view.stated & ~hidden.stated
    had = view.stated.any(axis=0)
    assert np.array_equal(lost[0], view.stated[0])
    assert np.array_equal(lost.sum(axis=0) == 1, had)


def test_heads_learn_the_camps_of_the_planted_graph(planted_graph: Graph, view: ProjectView) -> None:
    ids = to_arrays(planted_graph).node_ids
    camp = np.array([node.split(":")[1][0] for node in ids])
    same = camp[view.items][:, None] == camp[view.projects][None]
    for fit in (fit_known, fit_new):
        scores = fit(view, seed=0).scores(pair_features(view, np.arange(len(view.items))))
        assert (scores[same].mean() - scores[~same].mean()) / scores.std() > 1


def test_heads_are_equal_for_equal_seeds(view: ProjectView) -> None:
    assert np.array_equal(fit_known(view, seed=3).weights, fit_known(view, seed=3).weights)
    assert np.array_equal(fit_new(view, seed=3).weights, fit_new(view, seed=3).weights)


def test_a_graph_without_stated_pairs_teaches_nothing(view: ProjectView) -> None:
    bare = view.without(np.stack([view.grid(np.arange(len(view.items)))[0], view.grid(np.arange(len(view.items)))[1]]))
    for fit in (fit_known, fit_new):
        with pytest.raises(DataError, match="0 stated pairs of item and project are too few"):
            fit(bare, seed=0)
    with pytest.raises(DataError, match="0 true and 2 false pairs"):
        calibrate(np.empty(0), np.ones(2))
