from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.graph.build import GraphArrays
from releaf.graph.inputs import GraphInputs, prepare_inputs


def ring(n: int = 40) -> GraphArrays:
    edges = np.array([(i, (i + step) % n) for i in range(n) for step in (1, 3)], dtype=np.int64).T
    return GraphArrays(tuple(f"item:{i}" for i in range(n)), np.zeros(n, dtype=np.int64), ("item",), edges)


def text(n: int = 40) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(0).normal(size=(n, 16)).astype(np.float32)


def test_inputs_come_back_as_they_were_written(tmp_path: Path) -> None:
    inputs = prepare_inputs(ring(), text(), seed=1)
    inputs.save(tmp_path)
    again = GraphInputs.load(tmp_path)
    assert np.array_equal(again.features, inputs.features)
    assert np.array_equal(again.split.test, inputs.split.test)


def test_inputs_whose_split_leaks_are_not_read(tmp_path: Path) -> None:
    inputs = prepare_inputs(ring(), text(), seed=1)
    replace(inputs, split=replace(inputs.split, train=inputs.split.test)).save(tmp_path)
    with pytest.raises(DataError, match="both in train and in test"):
        GraphInputs.load(tmp_path)


def test_features_do_not_change_when_held_out_edges_do() -> None:
    graph = ring()
    inputs = prepare_inputs(graph, text(), seed=1)
    visible = graph.with_edges(inputs.split.train)
    assert np.array_equal(inputs.features, prepare_features(visible, inputs))


def prepare_features(visible: GraphArrays, inputs: GraphInputs) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    from releaf.graph.features import node_features

    return node_features(inputs.text, visible)
