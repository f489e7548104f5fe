from __future__ import annotations

import numpy as np
import pytest

from releaf.graph.build import Graph, to_arrays
from releaf.graph.project_ranking import ALL, PLAUSIBLE
from releaf.graph.project_study import NewItemRankings, new_item_rankings
from releaf.graph.project_view import ProjectView
from releaf.graph.scoring import MODEL


@pytest.fixture(scope="module")
def view(planted_graph: Graph) -> ProjectView:
    arrays = to_arrays(planted_graph)
    return ProjectView.of(arrays, np.random.default_rng(0).normal(size=(arrays.n_nodes, 6)))


@pytest.fixture(scope="module")
def found(view: ProjectView) -> NewItemRankings:
    return new_item_rankings(view, seed=0, folds=4)


def test_every_stated_pair_is_ranked_once_with_and_without_matching(view: ProjectView, found: NewItemRankings) -> None:
    for rankings in (found.matched, found.unmatched):
        assert set(rankings) == {ALL, PLAUSIBLE}
        for ranking in rankings[ALL].values():
            assert np.array_equal(np.bincount(ranking.items), view.stated.sum(axis=1))


def test_texts_rank_alike_whatever_the_other_projects_lost_and_edges_do_not(found: NewItemRankings) -> None:
    one, other = found.matched[ALL], found.unmatched[ALL]
    assert np.array_equal(one["feature_cosine"].ranks, other["feature_cosine"].ranks)
    assert not np.array_equal(one[MODEL].ranks, other[MODEL].ranks)
    # A true project lost the item that is asked about; where the others keep theirs it is known by its lower degree.
    assert one["degree"].figures().mrr > other["degree"].figures().mrr
