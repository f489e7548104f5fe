from __future__ import annotations

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.graph.baselines import smoothed_cosine
from releaf.graph.build import NODE_KINDS, Graph, GraphArrays, to_arrays
from releaf.graph.project_view import FEATURES, ProjectView, coverage, pair_features
from releaf.graph.splits import both_directions, unique_pairs


def texts(arrays: GraphArrays) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(arrays.n_nodes, 5))


@pytest.fixture
def arrays(small_graph: Graph) -> GraphArrays:
    return to_arrays(small_graph)


@pytest.fixture
def view(arrays: GraphArrays) -> ProjectView:
    return ProjectView.of(arrays, texts(arrays))


def figure(view: ProjectView, arrays: GraphArrays, name: str, item: str, project: str) -> float:
    ids = [arrays.node_ids[place] for place in view.items], [arrays.node_ids[place] for place in view.projects]
    found = pair_features(view, np.arange(len(view.items)))
    return float(found[ids[0].index(item), ids[1].index(project), FEATURES.index(name)])


def test_coverage_is_the_share_of_required_properties_that_the_best_material_holds(
    view: ProjectView, arrays: GraphArrays
) -> None:
    # The planter asks for cuttable and watertight: HDPE has both, PET one, glass none.
    assert coverage(view).max() == 1
    assert figure(view, arrays, "coverage", "item:bottle", "project:planter") == 1
    assert figure(view, arrays, "coverage", "item:jar", "project:planter") == 0
    made_of = [arrays.node_ids.index("item:bottle")], [arrays.node_ids.index("material:hdpe")]
    without = view.without(np.array(made_of))
    assert figure(without, arrays, "coverage", "item:bottle", "project:planter") == 0.5
    assert figure(without, arrays, "covered", "item:bottle", "project:planter") == 0


def test_paths_by_material_and_property_are_counted_by_hand(view: ProjectView, arrays: GraphArrays) -> None:
    # can–steel–rigid–rack: steel has 2 neighbours (can, rigid); rigid has 3 (steel, glass, rack).
    found = figure(view, arrays, "paths_by_material_and_property", "item:can", "project:rack")
    assert found == pytest.approx(1 / np.sqrt(2 * 3))


def test_paths_by_similar_item_are_counted_by_hand(view: ProjectView, arrays: GraphArrays) -> None:
    # bottle–jar–lantern: the jar has 3 neighbours (glass, lantern, bottle).
    assert figure(view, arrays, "paths_by_similar_item", "item:bottle", "project:lantern") == pytest.approx(3**-0.5)


def test_a_hidden_fact_leaves_no_trace_in_any_figure(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    view = ProjectView.of(arrays, texts(arrays))
    item, project = np.argwhere(view.stated)[0]
    hidden = np.array([[view.items[item]], [view.projects[project]]])
    never = unique_pairs(arrays.edge_index, arrays.n_nodes)
    kept = ~np.all(never == np.sort(hidden, axis=0), axis=0)
    for pair in (hidden, hidden[::-1]):
        without = view.without(pair)
        again = ProjectView.of(arrays, texts(arrays), never[:, kept])
        everyone = np.arange(len(view.items))
        assert np.array_equal(pair_features(without, everyone), pair_features(again, everyone))
        assert not without.stated[item, project]


def test_figures_of_some_items_are_those_of_all(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    view = ProjectView.of(arrays, texts(arrays))
    some = np.array([5, 2])
    everyone = pair_features(view, np.arange(len(view.items)))
    assert pair_features(view, some) == pytest.approx(everyone[some])


def test_smoothed_cosine_is_the_baselines_on_centred_texts(view: ProjectView, arrays: GraphArrays) -> None:
    text = texts(arrays)
    centred = text - text.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    grid = view.grid(np.arange(len(view.items)))
    expected = smoothed_cosine(both_directions(view.pairs), unit)(grid)
    found = pair_features(view, np.arange(len(view.items)))[:, :, FEATURES.index("smoothed_cosine")]
    assert found.ravel() == pytest.approx(expected)


def test_an_item_added_at_the_end_has_the_coverage_of_its_materials(view: ProjectView, arrays: GraphArrays) -> None:
    hdpe = arrays.node_ids.index("material:hdpe")
    wider = view.with_item(np.ones(5), np.array([hdpe]))
    figures = pair_features(wider, np.array([len(view.items)]))[0]
    planter = [arrays.node_ids[place] for place in view.projects].index("project:planter")
    assert figures[planter, FEATURES.index("coverage")] == 1
    bare = pair_features(view.with_item(np.ones(5), np.empty(0, dtype=np.int64)), np.array([len(view.items)]))[0]
    assert np.isfinite(bare).all()
    assert not bare[:, FEATURES.index("coverage")].any()


def test_other_kinds_another_number_of_texts_and_a_graph_without_projects_are_refused(arrays: GraphArrays) -> None:
    with pytest.raises(DataError, match="node kinds are paper; projects are ranked"):
        ProjectView.of(GraphArrays(("a",), np.array([0]), ("paper",), np.empty((2, 0), np.int64)), np.ones((1, 2)))
    with pytest.raises(DataError, match="need as many text embeddings, not 2"):
        ProjectView.of(arrays, np.ones((2, 3)))
    items = GraphArrays(("item:a", "item:b"), np.array([0, 0]), NODE_KINDS, np.array([[0], [1]]))
    with pytest.raises(DataError, match="has no project"):
        ProjectView.of(items, np.ones((2, 3)))


def test_a_view_without_some_facts_is_one_that_never_had_them(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    view = ProjectView.of(arrays, texts(arrays))
    everyone = np.arange(len(view.items))
    pair_features(view, everyone)  # what is kept of this view must not be what edges decide
    less = view.without(view.pairs[:, ::7])
    fresh = ProjectView.of(arrays, texts(arrays), np.delete(view.pairs, np.s_[::7], axis=1))
    assert np.array_equal(less.stated, fresh.stated)
    assert np.array_equal(pair_features(less, everyone), pair_features(fresh, everyone))
