from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from releaf.errors import InputError
from releaf.graph.baselines import smoothed_cosine
from releaf.graph.citation import CITATION_SETTINGS, evaluate_npz, read_npz, reduced_features
from releaf.graph.splits import split_edges
from releaf.metrics.links import average_precision, roc_auc
from releaf.training.device import Hardware

CPU = Hardware("cpu", "fp32", 1 << 30, 1)


def arrays() -> dict[str, Any]:
    """80 papers in two fields that cite and word themselves apart."""
    rng = np.random.default_rng(0)
    field = np.arange(80) % 2
    u, v = np.triu_indices(80, 1)
    cited = rng.random(len(u)) < np.where(field[u] == field[v], 0.15, 0.01)
    row, column = np.nonzero(rng.random((80, 40)) < np.where(field[:, None] == np.arange(40) % 2, 0.3, 0.1))
    return {
        "edges": np.stack([u, v], axis=1)[cited],
        "feat_row": row,
        "feat_col": column,
        "feat_val": np.ones(len(row), dtype=np.float32),
        "num_nodes": np.int64(80),
        "num_features": np.int64(40),
    }


def written(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "graph.npz"
    np.savez(path, **{name: value for name, value in (arrays() | changes).items() if value is not None})
    return path


def test_figures_of_a_small_graph_have_every_key_and_are_repeatable(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    path = written(tmp_path)
    settings = replace(CITATION_SETTINGS, epochs=5)
    one, other = (evaluate_npz(path, settings, CPU, seed=1) for _ in range(2))
    assert set(one) == {"nodes", "edges", "auc", "ap", "baselines", "seconds"}
    assert (one["nodes"], one["edges"]) == (80, len(arrays()["edges"]))
    assert set(one["baselines"]["smoothed_cosine"]) == {"auc", "ap"}
    assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_features_are_read_where_the_indices_say(tmp_path: Path) -> None:
    graph = read_npz(written(tmp_path))
    given = arrays()
    assert graph.features.sum() == len(given["feat_row"])
    assert graph.features[given["feat_row"][7], given["feat_col"][7]] == 1
    assert graph.edge_index.T.tolist() == given["edges"].tolist()


def test_reduced_features_keep_the_angles_between_papers(tmp_path: Path) -> None:
    features = read_npz(written(tmp_path)).features
    reduced = reduced_features(features).astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    ratio = (reduced @ reduced.T) / (centred @ centred.T)
    assert reduced.shape == (80, 128)
    assert np.std(ratio[np.abs(centred @ centred.T) > 0.05]) < 1e-2 * np.mean(ratio)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edges": None}, "has no edges; a citation graph has edges, feat_row"),
        ({"num_nodes": np.int64(3)}, "edges must hold integers from 0 to 2"),
        ({"num_nodes": np.float64(80)}, "num_nodes must be one whole number above 0"),
        ({"num_nodes": np.int64(10**9)}, "more than fit in memory"),
        ({"edges": np.zeros((4, 3), dtype=np.int64)}, r"edges must have shape \(E, 2\)"),
        ({"feat_col": np.zeros(3, dtype=np.int64)}, "feat_row, feat_col, feat_val one and the same"),
        ({"feat_val": np.full(len(arrays()["feat_row"]), np.nan)}, "not finite"),
        ({"edges": np.array([[0, "x"]], dtype=object)}, r"no \.npz file of plain arrays"),
    ],
)
def test_arrays_that_are_no_citation_graph_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_npz(written(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"plain words", b"\x93NUMPY\x01\x00"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"wrong\.npz is no \.npz file"):
        read_npz(path)


def test_a_single_array_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"no \.npz file"):
        read_npz(tmp_path / "one.npy")
    with pytest.raises(InputError, match="does not exist; give the path"):
        read_npz(tmp_path / "none.npz")


def test_cora_is_the_graph_that_the_literature_measures(shared_data: Path) -> None:
    # Smoothed cosine without training: 0.913 / 0.923 over five seeds, by an implementation of its own.
    graph = read_npz(shared_data / "planetoid_cora" / "cora.npz")
    assert graph.features.shape == (2708, 1433)
    split = split_edges(graph.edge_index, 2708, seed=0)
    assert [part.shape[1] for part in (split.train, split.validation, split.test)] == [4486, 264, 528]
    scorer = smoothed_cosine(split.message, graph.features)
    positive, negative = scorer(split.test), scorer(split.test_negatives)
    assert roc_auc(positive, negative) == pytest.approx(0.913, abs=0.02)
    assert average_precision(positive, negative) == pytest.approx(0.923, abs=0.02)


def test_graphsage_reaches_the_published_figures_on_cora(shared_data: Path) -> None:
    # Kipf & Welling 2016: GAE 91.0 / 92.0. A fifth of the epochs is enough to pass them.
    torch.set_num_threads(1)
    settings = replace(CITATION_SETTINGS, epochs=20)
    found = evaluate_npz(shared_data / "planetoid_cora" / "cora.npz", settings, CPU, seed=0)
    assert found["auc"] >= 0.91
    assert found["ap"] >= 0.92
