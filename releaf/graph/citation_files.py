"""Reading citation graphs from `.npz` files in the layouts that are about. Nothing is unpickled; nothing is measured.

| layout | edges | features | sizes |
|---|---|---|---|
| lists | `edges` or `edge_index`, (E, 2) or (2, E) | `feat_row`, `feat_col`, `feat_val` | `num_nodes`, `num_features` |
| rows (gnn-benchmark) | `adj_indices`, `adj_indptr` | `attr_data`, `attr_indices`, `attr_indptr` | `…_shape` |
| dense | as for lists | `x`, `features`, `node_feat` or `attr_matrix`, (N, F) | |

Edges and features may be of different layouts, features may be missing, and so may sizes: they are then the largest
that any array speaks of, a label a node among them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from releaf.errors import InputError
from releaf.graph.splits import IntArray

Arrays = Mapping[str, npt.NDArray[Any]]
_EDGES, _DENSE, _LABELS = ("edges", "edge_index"), ("x", "features", "node_feat", "attr_matrix"), ("labels", "y")
_ROWS = {kind: tuple(f"{kind}_{part}" for part in ("data", "indices", "indptr", "shape")) for kind in ("adj", "attr")}
_LISTED = ("feat_row", "feat_col", "feat_val")
_KNOWN = {*_EDGES, *_DENSE, *_LABELS, *_ROWS["adj"], *_ROWS["attr"], *_LISTED, "num_nodes", "num_features"}
_MOST_NODES, _MOST_FEATURES = 50_000_000, 10_000_000


@dataclass(frozen=True, eq=False)
class CitationGraph:
    """Papers as sparse rows of word features (N, F), F being 0 where there are none, and citations as pairs (2, E).

    Citations have no direction here, and may be given twice, in both directions, or of a paper by itself.
    """

    features: sp.csr_array
    edge_index: IntArray

    @property
    def n_nodes(self) -> int:
        """Number of papers, N."""
        return int(self.features.shape[0])

    def dense(self) -> npt.NDArray[np.float64]:
        """The features as a full matrix (N, F)."""
        return np.asarray(self.features.toarray(), dtype=np.float64)


def read_npz(path: Path) -> CitationGraph:
    """Read a citation graph of any layout above. Raises `InputError` for a file that is not such a graph."""
    arrays = _read_arrays(path)
    edges = _edges(arrays, path)
    row, column, value, sizes = _features(arrays, path)
    n_nodes = _count(arrays, "num_nodes", path) or max(
        _past(edges), _past(row), sizes[0], len(arrays.get("adj_indptr", [0])) - 1, _labelled(arrays)
    )
    n_features = _count(arrays, "num_features", path) or max(_past(column), sizes[1])
    if n_nodes > _MOST_NODES or n_features > _MOST_FEATURES:
        raise InputError(f"{path}: {n_nodes:,} nodes of {n_features:,} features are more than fit in memory here")
    names = ("feat_row", "feat_col") if "feat_row" in arrays else ("features", "features")
    for name, numbers, limit in (("edges", edges, n_nodes), (names[0], row, n_nodes), (names[1], column, n_features)):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < limit:
            raise InputError(f"{path}: {name} must hold integers from 0 to {limit - 1}")
    if value.dtype.kind not in "biuf" or not np.isfinite(value).all():
        raise InputError(f"{path}: some features are not finite numbers")
    coordinates = row.astype(np.int64), column.astype(np.int64)
    features = sp.csr_array((value.astype(np.float64), coordinates), shape=(n_nodes, n_features))
    features.eliminate_zeros()
    return CitationGraph(features, edges.astype(np.int64))


def _read_arrays(path: Path) -> Arrays:
    if not path.is_file():
        raise InputError(f"{path} does not exist; give the path of a citation graph as .npz")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            # Other arrays, such as names of papers, may be pickled: they are never opened.
            renamed = {name.replace("_matrix.", "_").replace(".", "_"): name for name in archive.files}
            return {name: archive[given] for name, given in renamed.items() if name in _KNOWN - set(_LABELS)} | {
                name: np.empty(_length(archive, name)) for name in _LABELS if name in archive.files
            }
    except (ValueError, TypeError, AttributeError, zipfile.BadZipFile, EOFError) as error:
        raise InputError(f"{path} is no .npz file of plain arrays ({error})") from error


def _length(archive: Any, name: str) -> int:
    """How many labels there are; labels of another kind, pickled ones too, tell nothing and are no reason to refuse."""
    try:
        labels = archive[name]
    except ValueError:
        return 0
    return len(labels) if labels.ndim == 1 else 0


def _edges(arrays: Arrays, path: Path) -> npt.NDArray[Any]:
    """(2, E), unchecked but for their shape and kind."""
    for name in _EDGES:
        if name in arrays:
            edges = arrays[name]
            if edges.ndim != 2 or 2 not in edges.shape:
                raise InputError(f"{path}: {name} must have shape (E, 2) or (2, E), not {edges.shape}")
            if not np.issubdtype(edges.dtype, np.integer):
                raise InputError(f"{path}: {name} must hold integers, not {edges.dtype}")
            lying = edges.shape[0] == 2 and (edges.shape[1] != 2 or name == "edge_index")
            return edges if lying else edges.T
    if "adj_indices" in arrays and "adj_indptr" in arrays:
        row, column = _rows(arrays, "adj", path)
        return np.stack([row, column.astype(np.int64)])
    raise InputError(f"{path} has no edges; a citation graph has edges or edge_index, or adj_indices and adj_indptr")


def _rows(arrays: Arrays, kind: str, path: Path) -> tuple[IntArray, npt.NDArray[Any]]:
    """The row and the column of each entry of a matrix of compressed rows."""
    indices, indptr = arrays[f"{kind}_indices"], arrays[f"{kind}_indptr"]
    whole = all(array.ndim == 1 and np.issubdtype(array.dtype, np.integer) for array in (indices, indptr))
    if not whole or not indptr.size or indptr[0] != 0 or indptr[-1] != len(indices) or np.any(np.diff(indptr) < 0):
        raise InputError(f"{path}: {kind}_indptr must rise from 0 to the number of {kind}_indices")
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), indices


_Entries = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], tuple[int, int]]


def _features(arrays: Arrays, path: Path) -> _Entries:
    """Rows, columns and values of the features, and how many of each their layout tells of."""
    if "feat_row" in arrays:
        return _listed(arrays, path)
    if "attr_data" in arrays and "attr_indices" in arrays and "attr_indptr" in arrays:
        row, column = _rows(arrays, "attr", path)
        if arrays["attr_data"].shape != column.shape:
            raise InputError(f"{path}: attr_data and attr_indices must have one and the same shape")
        shape = arrays.get("attr_shape", np.array([0, 0]))
        n_features = int(shape[1]) if shape.shape == (2,) and np.issubdtype(shape.dtype, np.integer) else 0
        return row, column, arrays["attr_data"], (len(arrays["attr_indptr"]) - 1, n_features)
    for name in _DENSE:
        if name in arrays:
            matrix = arrays[name]
            if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
                raise InputError(f"{path}: {name} must be a matrix of numbers (N, F), not {matrix.shape}")
            row, column = np.nonzero(matrix)
            return row, column, matrix[row, column], (matrix.shape[0], matrix.shape[1])
    none = np.empty(0, dtype=np.int64)
    return none, none, np.empty(0), (0, 0)


def _listed(arrays: Arrays, path: Path) -> _Entries:
    missing = [name for name in _LISTED[:2] if name not in arrays]
    if missing:
        raise InputError(f"{path} has no {', '.join(missing)} beside feat_row")
    row, column = arrays["feat_row"], arrays["feat_col"]
    value = arrays.get("feat_val", np.ones(row.shape))
    if not row.shape == column.shape == value.shape or row.ndim != 1:
        raise InputError(f"{path}: feat_row, feat_col, feat_val must have one and the same shape (entries)")
    for name, numbers in (("feat_row", row), ("feat_col", column)):
        if not np.issubdtype(numbers.dtype, np.integer):
            raise InputError(f"{path}: {name} must hold integers, not {numbers.dtype}")
    return row, column, value, (0, 0)


def _count(arrays: Arrays, name: str, path: Path) -> int:
    """The number that an array of one number holds; 0 where there is none."""
    if name not in arrays:
        return 0
    value = arrays[name]
    if value.size != 1 or not np.issubdtype(value.dtype, np.integer) or value.item() < 1:
        raise InputError(f"{path}: {name} must be one whole number above 0, not {value!r}")
    return int(value.item())


def _past(numbers: npt.NDArray[Any]) -> int:
    """One more than the greatest number, or 0."""
    return int(numbers.max()) + 1 if numbers.size else 0


def _labelled(arrays: Arrays) -> int:
    return max((len(arrays[name]) for name in _LABELS if name in arrays), default=0)
