"""The 128 numbers per node that graph models start from: what its text says, and where it stands in the graph.

The text itself is encoded elsewhere. Structure is counted from the edges given here, which must be message edges
when anything is held out.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp
from threadpoolctl import ThreadpoolController

from releaf.errors import DataError
from releaf.graph.build import GraphArrays
from releaf.graph.splits import both_directions, unique_pairs

FloatArray = npt.NDArray[np.float32]
FEATURES = 128


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """A fitted map from text embeddings and structure to features, kept so that new nodes are mapped alike.

    Text: (e − `mean`) · `components` / `text_scale`, the leading principal axes. Structure: standardized by
    `structure_mean` and `structure_scale`, a constant column becoming 0.
    """

    mean: FloatArray
    components: FloatArray
    text_scale: FloatArray
    structure_mean: FloatArray
    structure_scale: FloatArray

    def __call__(self, text_embeddings: FloatArray, structure: FloatArray) -> FloatArray:
        """Features (N, 128) of nodes with text embeddings (N, D) and structure (N, S)."""
        if text_embeddings.shape[1] != len(self.mean):
            raise DataError(
                f"text embeddings have {text_embeddings.shape[1]} numbers, and these features were fitted on "
                f"{len(self.mean)}; use the same text encoder"
            )
        with one_blas_thread():
            text = (text_embeddings - self.mean) @ self.components / self.text_scale
        place = (structure - self.structure_mean) / self.structure_scale
        return np.concatenate([text, place], axis=1).astype(np.float32)


def node_features(text_embeddings: FloatArray, graph: GraphArrays) -> FloatArray:
    """Features (N, 128) of the nodes of a graph, from their text embeddings (N, D) and the edges in `graph`.

    Give the graph with message edges only (`graph.with_edges(split.train)`): degrees would tell of held-out edges.
    """
    return fit_features(text_embeddings, graph)(text_embeddings, structure_of(graph))


def fit_features(text_embeddings: FloatArray, graph: GraphArrays) -> FeatureMap:
    """Fit principal axes of the text and the scale of the structure.

    Each axis points so that its largest entry is positive: equal input gives equal features whatever the
    linear-algebra library. Text axes beyond the rank of the data are zero. Raises `DataError` on a wrong shape.
    """
    if text_embeddings.ndim != 2 or len(text_embeddings) != graph.n_nodes:
        raise DataError(f"{graph.n_nodes} nodes need as many text embeddings, got shape {text_embeddings.shape}")
    structure = structure_of(graph)
    width = FEATURES - structure.shape[1]
    text = np.asarray(text_embeddings, dtype=np.float64)
    mean = text.mean(axis=0)
    components = principal_axes(text - mean, width)
    # One scale for all axes: whitening would blow up the axes that hold noise.
    with one_blas_thread():
        spread = float(np.sqrt(np.mean(np.square((text - mean) @ components)))) or 1.0
    deviation = structure.std(axis=0)
    return FeatureMap(
        mean.astype(np.float32),
        components.astype(np.float32),
        np.array([spread], dtype=np.float32),
        structure.mean(axis=0),
        np.where(deviation > 1e-6, deviation, 1).astype(np.float32),
    )


def principal_axes(centred: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    """The leading `width` principal axes (D, width) of centred rows (N, D), signs fixed, zero beyond the rank.

    They are the eigenvectors of XᵀX: for many rows of many columns far quicker than the singular vectors of X, and
    exact enough for axes that hold more than about a millionth of the leading one's spread.
    """
    with one_blas_thread():
        return axes_of_scatter(centred.T @ centred, width, max(centred.shape))


def axes_of_scatter(scatter: npt.NDArray[np.float64], width: int, size: int) -> npt.NDArray[np.float64]:
    """The same from XᵀX (D, D), where `size` is the larger of the numbers of rows and columns of X."""
    columns = len(scatter)
    with one_blas_thread():
        strength, axes = scipy.linalg.eigh(scatter, subset_by_index=[max(0, columns - width), columns - 1])
    strength, axes = strength[::-1], axes[:, ::-1]
    kept = axes[:, strength > max(strength[0], 0) * size * np.finfo(np.float64).eps]
    components = np.zeros((columns, width))
    components[:, : kept.shape[1]] = signed(kept)
    return components


def signed(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Axes (D, width), each turned so that its largest entry is positive."""
    largest = np.abs(axes).argmax(axis=0)[None]
    return np.asarray(axes * np.where(np.take_along_axis(axes, largest, axis=0) < 0, -1, 1))


def one_blas_thread() -> AbstractContextManager[object]:
    """Let NumPy's and SciPy's matrix products run in one thread inside a `with`.

    Their last bits then do not depend on the number of cores, and cores that are busy otherwise do not slow them down.
    """
    return cast("AbstractContextManager[object]", _blas_threads().limit(limits=1, user_api="blas"))


@cache
def _blas_threads() -> ThreadpoolController:
    """Looking the libraries up takes milliseconds, each time; NumPy's and SciPy's are loaded with this module."""
    return ThreadpoolController()


def structure_of(graph: GraphArrays) -> FloatArray:
    """Structure (N, 2·K + 3) of each node for K kinds.

    Columns: kind one-hot (K); ln(1 + number of neighbours of each kind) (K); ln(1 + degree); local clustering
    coefficient (0–1); ln(1 + mean degree of the neighbours). Directions are ignored.
    """
    adjacency = adjacency_of(both_directions(unique_pairs(graph.edge_index, graph.n_nodes)), graph.n_nodes)
    kind = np.eye(len(graph.kind_names))[graph.kinds]
    per_kind = adjacency @ kind
    degree = per_kind.sum(axis=1, keepdims=True)
    triangles = np.asarray((adjacency @ adjacency).multiply(adjacency).sum(axis=1)).reshape(-1, 1)
    clustering = triangles / np.maximum(degree * (degree - 1), 1)
    around = (adjacency @ degree) / np.maximum(degree, 1)
    columns = [kind, np.log1p(per_kind), np.log1p(degree), clustering, np.log1p(around)]
    return np.concatenate(columns, axis=1).astype(np.float32)


def adjacency_of(edge_index: npt.NDArray[np.int64], n_nodes: int) -> sp.csr_array:
    """Sparse (N, N) matrix with 1 at each edge of `edge_index`; give both directions for a symmetric one."""
    ones = np.ones(edge_index.shape[1])
    return sp.csr_array((ones, (edge_index[0], edge_index[1])), shape=(n_nodes, n_nodes))
