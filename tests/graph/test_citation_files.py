from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from releaf.errors import InputError
from releaf.graph.citation_files import read_npz

# Four papers, the last alone, of three words.
EDGES = np.array([[0, 1], [1, 2], [2, 0]])
WORDS = np.array([[1.0, 0.0, 0.5], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
ROW, COLUMN = np.nonzero(WORDS)
LISTS: dict[str, Any] = {
    "edges": EDGES,
    "feat_row": ROW,
    "feat_col": COLUMN,
    "feat_val": WORDS[ROW, COLUMN],
    "num_nodes": np.int64(4),
    "num_features": np.int64(3),
}


def rows_of(kind: str, matrix: np.ndarray, separator: str = "_") -> dict[str, Any]:
    rows = sp.csr_array(matrix)
    parts = {"data": rows.data, "indices": rows.indices, "indptr": rows.indptr, "shape": np.array(rows.shape)}
    return {f"{kind}{separator}{name}": array for name, array in parts.items()}


def adjacency() -> np.ndarray:
    matrix = np.zeros((4, 4))
    matrix[EDGES[:, 0], EDGES[:, 1]] = 1
    return matrix


def written(tmp_path: Path, arrays: dict[str, Any]) -> Path:
    path = tmp_path / "graph.npz"
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


LAYOUTS: dict[str, dict[str, Any]] = {
    "lists": LISTS,
    "lists, lying": LISTS | {"edges": EDGES.T},
    "lists, sizes as arrays": LISTS | {"num_nodes": np.array([4]), "num_features": np.array([3], dtype=np.uint16)},
    "lists, sizes from labels": LISTS | {"num_nodes": None, "num_features": None, "labels": np.zeros(4)},
    "rows": rows_of("adj", adjacency()) | rows_of("attr", WORDS),
    "rows, as older files name them": rows_of("adj_matrix", adjacency(), ".") | rows_of("attr_matrix", WORDS, "."),
    "rows, with names that are pickled": rows_of("adj", adjacency())
    | rows_of("attr", WORDS)
    | {"node_names": np.array(["a", None], dtype=object), "labels": np.array(["x", None], dtype=object)},
    "dense": {"x": WORDS, "edge_index": EDGES.T},
    "dense, edges as rows": {"features": WORDS.astype(np.float32), "edges": EDGES},
    "rows of edges, dense features": rows_of("adj", adjacency()) | {"node_feat": WORDS},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_holds_the_same_graph(tmp_path: Path, layout: str) -> None:
    graph = read_npz(written(tmp_path, LAYOUTS[layout]))
    assert graph.n_nodes == 4
    assert graph.dense().tolist() == WORDS.tolist()
    assert sorted(map(sorted, graph.edge_index.T.tolist())) == [[0, 1], [0, 2], [1, 2]]


def test_two_edges_are_read_as_the_name_says(tmp_path: Path) -> None:
    two = np.array([[0, 1], [2, 3]])
    assert read_npz(written(tmp_path, {"edges": two})).edge_index.T.tolist() == [[0, 1], [2, 3]]
    assert read_npz(written(tmp_path, {"edge_index": two})).edge_index.T.tolist() == [[0, 2], [1, 3]]


def test_features_may_be_missing(tmp_path: Path) -> None:
    graph = read_npz(written(tmp_path, {"edges": EDGES, "num_nodes": np.int64(6)}))
    assert graph.features.shape == (6, 0)


def test_words_without_values_count_once(tmp_path: Path) -> None:
    graph = read_npz(written(tmp_path, LISTS | {"feat_val": None}))
    assert graph.dense().tolist() == (WORDS > 0).astype(float).tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edges": None}, "has no edges; a citation graph has edges or edge_index, or adj_indices and adj_indptr"),
        ({"num_nodes": np.int64(2)}, "edges must hold integers from 0 to 1"),
        ({"edges": -EDGES}, "edges must hold integers from 0 to 3"),
        ({"edges": EDGES.astype(float)}, "edges must hold integers, not float64"),
        ({"num_nodes": np.float64(80)}, "num_nodes must be one whole number above 0"),
        ({"num_nodes": np.array([4, 4])}, "num_nodes must be one whole number above 0"),
        ({"num_nodes": np.int64(10**9)}, "more than fit in memory"),
        ({"num_features": np.int64(2)}, "feat_col must hold integers from 0 to 1"),
        ({"edges": np.zeros((4, 3), dtype=np.int64)}, r"edges must have shape \(E, 2\) or \(2, E\), not \(4, 3\)"),
        ({"feat_col": np.zeros(3, dtype=np.int64)}, "must have one and the same shape"),
        ({"feat_col": None}, "has no feat_col beside feat_row"),
        ({"feat_val": np.full(len(ROW), np.nan)}, "not finite"),
        ({"feat_val": np.full(len(ROW), "a")}, "not finite"),
        ({"edges": np.array([[0, "x"]], dtype=object)}, r"no \.npz file of plain arrays"),
        ({"feat_row": None, "x": np.array(["a"])}, "x must be a matrix of numbers"),
        ({"edges": None, "adj_indices": np.array([1, 2]), "adj_indptr": np.array([0, 3])}, "adj_indptr must rise"),
        (
            {"feat_row": None, **rows_of("attr", WORDS), "attr_data": np.ones(2)},
            "attr_data and attr_indices must have one and the same shape",
        ),
    ],
)
def test_arrays_that_are_no_citation_graph_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_npz(written(tmp_path, LISTS | changes))


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
