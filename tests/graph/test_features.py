from __future__ import annotations

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.graph.build import Graph, GraphArrays, to_arrays
from releaf.graph.features import FEATURES, FeatureMap, fit_features, node_features, principal_axes, structure_of
from releaf.graph.splits import both_directions, split_edges


def text_of(count: int, width: int = 384) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, width)).astype(np.float32)


def test_there_are_128_finite_features_whatever_the_width_of_the_text(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    for width in (8, 384):
        features = node_features(text_of(arrays.n_nodes, width), arrays)
        assert features.shape == (arrays.n_nodes, FEATURES)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()


def test_structure_of_a_triangle_with_a_tail_by_hand() -> None:
    # 0–1–2 is a triangle, 3 hangs on 2; nodes 0 and 1 are of kind a, 2 and 3 of kind b.
    arrays = GraphArrays(
        ("0", "1", "2", "3"), np.array([0, 0, 1, 1]), ("a", "b"), np.array([[0, 1, 2, 2], [1, 2, 0, 3]])
    )
    ln = np.log
    expected = [
        [1, 0, ln(2), ln(2), ln(3), 1, ln(1 + 5 / 2)],
        [1, 0, ln(2), ln(2), ln(3), 1, ln(1 + 5 / 2)],
        [0, 1, ln(3), ln(2), ln(4), 1 / 3, ln(1 + 5 / 3)],
        [0, 1, 0, ln(2), ln(2), 0, ln(4)],
    ]
    assert np.allclose(structure_of(arrays), expected)


def test_directions_and_doubles_do_not_change_the_structure(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    doubled = arrays.with_edges(both_directions(arrays.edge_index))
    assert np.array_equal(structure_of(arrays), structure_of(doubled))


def test_held_out_edges_leave_no_trace_in_features_of_message_edges(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    text = text_of(arrays.n_nodes)
    from_message = node_features(text, arrays.with_edges(split.message))
    never_there = GraphArrays(arrays.node_ids, arrays.kinds, arrays.kind_names, split.train)
    assert np.array_equal(from_message, node_features(text, never_there))
    assert not np.array_equal(from_message, node_features(text, arrays))


def test_renumbered_nodes_have_their_features_renumbered(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    text = text_of(arrays.n_nodes)
    order = np.random.default_rng(0).permutation(arrays.n_nodes)
    place = np.argsort(order)
    moved = GraphArrays(
        tuple(arrays.node_ids[i] for i in order), arrays.kinds[order], arrays.kind_names, place[arrays.edge_index]
    )
    assert np.allclose(node_features(text[order], moved), node_features(text, arrays)[order], atol=1e-4)


def test_text_keeps_its_distances_when_there_is_room_for_all_of_it(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    text = text_of(arrays.n_nodes, 20)
    fitted = fit_features(text, arrays)
    width = FEATURES - structure_of(arrays).shape[1]
    mapped = fitted(text, structure_of(arrays))[:, :width] * fitted.text_scale
    assert np.allclose(np.linalg.norm(mapped[0] - mapped[1]), np.linalg.norm(text[0] - text[1]), rtol=1e-4)
    assert np.mean(np.square(mapped / fitted.text_scale)) == pytest.approx(1, rel=1e-4)


def test_axes_are_the_singular_vectors_of_numpy_with_a_fixed_sign() -> None:
    data = np.random.default_rng(1).normal(size=(50, 6)) * [5, 4, 3, 2, 1, 0.5]
    data -= data.mean(axis=0)
    axes = principal_axes(data, 3)
    vectors = np.linalg.svd(data)[2][:3].T
    assert np.allclose(np.abs(np.sum(axes * vectors, axis=0)), 1)
    assert np.all(axes[np.abs(axes).argmax(axis=0), range(3)] > 0)
    assert np.allclose(axes, principal_axes(-data, 3))


def test_axes_beyond_the_rank_are_zero() -> None:
    data = np.outer(np.arange(4.0), np.ones(5))
    axes = principal_axes(data, 3)
    assert np.allclose(axes[:, 0], 1 / np.sqrt(5))
    assert not axes[:, 1:].any()


def test_equal_texts_and_no_edges_still_give_numbers() -> None:
    arrays = GraphArrays(("a", "b"), np.array([0, 0]), ("k",), np.empty((2, 0), dtype=np.int64))
    assert not node_features(np.ones((2, 4), dtype=np.float32), arrays).any()


def test_a_fitted_map_gives_a_node_the_same_features_alone_and_among_others(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    text, structure = text_of(arrays.n_nodes), structure_of(arrays)
    fitted = fit_features(text, arrays)
    assert isinstance(fitted, FeatureMap)
    assert np.allclose(fitted(text[5:6], structure[5:6]), fitted(text, structure)[5:6], atol=1e-5)


def test_texts_of_another_number_or_encoder_are_refused(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    with pytest.raises(DataError, match=r"120 nodes need as many text embeddings, got shape \(3, 384\)"):
        node_features(text_of(3), arrays)
    fitted = fit_features(text_of(arrays.n_nodes), arrays)
    with pytest.raises(DataError, match="1024 numbers, and these features were fitted on 384"):
        fitted(text_of(1, 1024), structure_of(arrays)[:1])
