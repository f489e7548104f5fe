"""Link predictors that learn nothing: what a trained model has to beat.

Each takes the message edges of a split (2, 2·T, both directions) and gives a scorer of pairs. Higher means likelier;
scores of different scorers cannot be compared.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from releaf.graph.features import adjacency_of

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Scorer = Callable[[IntArray], FloatArray]
"""From pairs (2, P) to one score each (P)."""


def baseline_scorers(message: IntArray, text: npt.ArrayLike) -> dict[str, Scorer]:
    """Every baseline by name, over message edges and node text features (N, D)."""
    features = np.asarray(text, dtype=np.float64)
    n_nodes = len(features)
    return {
        "common_neighbours": common_neighbours(message, n_nodes),
        "adamic_adar": adamic_adar(message, n_nodes),
        "degree": degree_product(message, n_nodes),
        "three_paths": three_paths(message, n_nodes),
        "feature_cosine": feature_cosine(features),
        "smoothed_cosine": smoothed_cosine(message, features),
    }


def common_neighbours(message: IntArray, n_nodes: int) -> Scorer:
    """|N(u) ∩ N(v)|."""
    adjacency = adjacency_of(message, n_nodes)
    return lambda pairs: _row_dots(adjacency, adjacency, pairs)


def adamic_adar(message: IntArray, n_nodes: int) -> Scorer:
    """Σ 1 / ln |N(w)| over common neighbours w (Adamic & Adar 2003); a common neighbour has two or more neighbours."""
    adjacency = adjacency_of(message, n_nodes)
    degree = _degrees(adjacency)
    weight = np.where(degree > 1, 1 / np.log(np.maximum(degree, 2)), 0)
    return lambda pairs: _row_dots(adjacency @ sp.diags_array(weight), adjacency, pairs)


def degree_product(message: IntArray, n_nodes: int) -> Scorer:
    """|N(u)| · |N(v)|, preferential attachment (Barabási & Albert 1999)."""
    degree = _degrees(adjacency_of(message, n_nodes))
    return lambda pairs: degree[pairs[0]] * degree[pairs[1]]


def three_paths(message: IntArray, n_nodes: int) -> Scorer:
    """Σ 1 / √(|N(a)|·|N(b)|) over paths u–a–b–v (Kovács et al. 2019, equation 2).

    Two nodes of different kinds rarely have a common neighbour in a graph whose edges run between kinds: paths of
    three edges are the shortest evidence there.
    """
    adjacency = adjacency_of(message, n_nodes)
    scale = sp.diags_array(1 / np.sqrt(np.maximum(_degrees(adjacency), 1)))
    between = adjacency @ scale @ adjacency @ scale
    return lambda pairs: _row_dots(between, adjacency, pairs)


def dot_product(z: npt.ArrayLike) -> Scorer:
    """z_u · z_v of node embeddings (N, D): how a trained model scores, without the offset, which changes no rank."""
    embeddings = np.asarray(z, dtype=np.float64)
    return lambda pairs: np.asarray(np.einsum("pd,pd->p", embeddings[pairs[0]], embeddings[pairs[1]]))


def feature_cosine(features: npt.ArrayLike) -> Scorer:
    """Cosine of the two nodes' features (N, D), in −1–1; 0 where a node has none."""
    return dot_product(_unit_rows(np.asarray(features, dtype=np.float64)))


def smoothed_cosine(message: IntArray, features: npt.ArrayLike, steps: int = 2) -> Scorer:
    """Cosine after `steps` times averaging each node with its neighbours by `smooth`."""
    return feature_cosine(smooth(message, np.asarray(features, dtype=np.float64), steps))


def smooth(message: IntArray, features: FloatArray, steps: int) -> FloatArray:
    """(D^−½ (A + I) D^−½)^steps · X, the propagation of a GCN without weights (Wu et al. 2019, equation 8)."""
    n_nodes = len(features)
    adjacency = adjacency_of(message, n_nodes) + sp.eye_array(n_nodes, format="csr")
    scale = sp.diags_array(1 / np.sqrt(_degrees(adjacency)))
    step = scale @ adjacency @ scale
    for _ in range(steps):
        features = step @ features
    return features


def _degrees(adjacency: sp.csr_array) -> FloatArray:
    return np.asarray(adjacency.sum(axis=1), dtype=np.float64).ravel()


def _row_dots(left: sp.csr_array, right: sp.csr_array, pairs: IntArray) -> FloatArray:
    """left[u] · right[v] for each pair (u, v)."""
    products = left.tocsr()[pairs[0]].multiply(right.tocsr()[pairs[1]])
    return np.asarray(products.sum(axis=1), dtype=np.float64).ravel()


def _unit_rows(features: FloatArray) -> FloatArray:
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(norm > 0, norm, 1)
