from __future__ import annotations

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.graph.build import Graph, to_arrays
from releaf.graph.project_ranking import ALL, MATCHED, PLAUSIBLE, gains, joined, pools, rank_projects
from releaf.graph.project_view import ProjectView

SCORES = np.array([[5.0, 4.0, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
HELD = np.array([[False, True, False, True, False], [True, False, False, False, False]])
FREE = np.array([[True, False, True, False, True], [False, True, True, False, False]])


def test_ranks_leave_other_true_projects_out_and_ties_share_their_mean() -> None:
    found = rank_projects({"one": SCORES}, HELD, {ALL: FREE})[ALL]["one"]
    # Item 0: 4 is beaten by 5 alone; 2 by 5 and 3. Item 1: all tie with two candidates.
    assert found.ranks.tolist() == [2, 3, 2]
    assert found.items.tolist() == [0, 0, 1]
    figures = found.figures()
    assert figures.mrr == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 3)
    assert figures.candidates == pytest.approx((3 + 3 + 2) / 3)
    assert figures.auc == pytest.approx((2 / 3 + 1 / 3 + 1 / 2) / 3)


def test_ndcg_is_of_all_true_projects_of_an_item_at_once() -> None:
    found = rank_projects({"one": SCORES}, HELD, {ALL: FREE})[ALL]["one"]
    # Item 0: order 5, 4*, 3, 2*, 1. Item 1: a tie counts against the true one, which comes third.
    ideal = 1 + 1 / np.log2(3)
    assert found.ndcg == pytest.approx([(1 / np.log2(3) + 1 / np.log2(5)) / ideal, 1 / np.log2(4)])


def test_a_pool_without_candidates_ranks_first() -> None:
    found = rank_projects({"one": SCORES}, HELD, {ALL: np.zeros_like(FREE)})[ALL]["one"]
    assert found.ranks.tolist() == [1, 1, 1]


def test_pools_hold_no_stated_project_and_plausible_ones_are_covered(small_graph: Graph) -> None:
    arrays = to_arrays(small_graph)
    view = ProjectView.of(arrays, np.eye(arrays.n_nodes))
    held = np.zeros_like(view.stated)
    held[tuple(np.argwhere(view.stated)[0])] = True
    found = pools(view, held)
    assert not any((pool & view.stated).any() for pool in found.values())
    items = [arrays.node_ids[place] for place in view.items]
    projects = [arrays.node_ids[place] for place in view.projects]
    # PET is transparent, so a bottle could be a lantern; no material of it is rigid, so it is no rack.
    assert found[PLAUSIBLE][items.index("item:bottle")].tolist() == [name == "project:lantern" for name in projects]
    assert found[MATCHED].any(axis=0).tolist() == held.any(axis=0).tolist()


def test_a_better_scorer_gains_and_an_equal_one_does_not() -> None:
    rng = np.random.default_rng(0)
    held = rng.random((12, 60)) < 0.1
    free = ~held
    good = held + rng.normal(0, 0.4, held.shape)
    bad = rng.normal(size=held.shape)
    found = gains(rank_projects({"model": good, "other": bad, "same": good}, held, {ALL: free})[ALL], "model", "mrr")
    assert found["other"].verdict == "better"
    assert found["other"].p < 0.01
    assert found["other"].p_items < 0.01
    assert (found["same"].value, found["same"].p, found["same"].verdict) == (0, 1, "no clear difference")


def test_joined_rankings_are_the_pairs_of_all_parts() -> None:
    part = rank_projects({"one": SCORES}, HELD, {ALL: FREE})
    assert joined([part, part])[ALL]["one"].figures().pairs == 6
    assert joined([part, part])[ALL]["one"].figures().mrr == pytest.approx(part[ALL]["one"].figures().mrr)


def test_nothing_held_out_is_refused() -> None:
    with pytest.raises(DataError, match="no pair of item and project is held out"):
        rank_projects({"one": SCORES}, np.zeros_like(HELD), {ALL: FREE})
