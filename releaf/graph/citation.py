"""Link prediction on a citation graph with published figures, to see whether the same code reaches them.

Reads one `.npz` of arrays. The knowledge graph of the project is elsewhere, and its settings are not chosen here.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from releaf.errors import InputError
from releaf.graph.baselines import baseline_scorers, dot_product
from releaf.graph.features import FEATURES, one_blas_thread, principal_axes
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import IntArray, split_edges
from releaf.metrics.links import average_precision, roc_auc
from releaf.progress import Progress, silent
from releaf.training.device import Hardware

CITATION_SETTINGS = GraphSettings(epochs=100, learning_rate=1e-2, patience=None)
"""Settings that reach the published figures on Cora in under a minute of one core."""

_ARRAYS = ("edges", "feat_row", "feat_col", "feat_val", "num_nodes", "num_features")
_LARGEST = 200_000_000


@dataclass(frozen=True, eq=False)
class CitationGraph:
    """Papers as rows of word features (N, F), and citations as pairs (2, E) without direction."""

    features: npt.NDArray[np.float64]
    edge_index: IntArray


def read_npz(path: Path) -> CitationGraph:
    """Read `edges` (E, 2), sparse features (`feat_row`, `feat_col`, `feat_val`), `num_nodes` and `num_features`.

    Nothing is unpickled. Raises `InputError` for a file that is not such a graph.
    """
    arrays = _read_arrays(path)
    n_nodes, n_features = (_size(arrays[name], name, path) for name in ("num_nodes", "num_features"))
    if n_nodes * n_features > _LARGEST:
        raise InputError(f"{path}: {n_nodes:,} nodes of {n_features:,} features are more than fit in memory here")
    edges, row, column, value = (arrays[name] for name in _ARRAYS[:4])
    if edges.ndim != 2 or edges.shape[1] != 2 or not row.shape == column.shape == value.shape or row.ndim != 1:
        raise InputError(f"{path}: edges must have shape (E, 2), and feat_row, feat_col, feat_val one and the same")
    for name, limit in (("edges", n_nodes), ("feat_row", n_nodes), ("feat_col", n_features)):
        numbers = arrays[name]
        whole = np.issubdtype(numbers.dtype, np.integer)
        if not whole or (numbers.size and not 0 <= numbers.min() <= numbers.max() < limit):
            raise InputError(f"{path}: {name} must hold integers from 0 to {limit - 1}")
    features = np.zeros((n_nodes, n_features))
    features[row, column] = value
    if not np.isfinite(features).all():
        raise InputError(f"{path}: some features are not finite numbers")
    return CitationGraph(features, edges.T.astype(np.int64))


def _read_arrays(path: Path) -> Mapping[str, npt.NDArray[Any]]:
    if not path.is_file():
        raise InputError(f"{path} does not exist; give the path of a citation graph as .npz")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            missing = sorted(set(_ARRAYS) - set(archive.files))
            if missing:
                raise InputError(f"{path} has no {', '.join(missing)}; a citation graph has {', '.join(_ARRAYS)}")
            return {name: archive[name] for name in _ARRAYS}
    except (ValueError, TypeError, AttributeError, zipfile.BadZipFile, EOFError) as error:
        raise InputError(f"{path} is no .npz file of plain arrays ({error})") from error


def _size(value: npt.NDArray[Any], name: str, path: Path) -> int:
    if value.ndim != 0 or not np.issubdtype(value.dtype, np.integer) or int(value) < 1:
        raise InputError(f"{path}: {name} must be one whole number above 0, not {value!r}")
    return int(value)


def reduced_features(features: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Word features (N, F) as (N, 128): rows of length 1, the mean taken off, along the leading principal axes.

    Entries have mean square 1. Uses no edge.
    """
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(length > 0, length, 1)
    centred = unit - unit.mean(axis=0)
    axes = principal_axes(centred, FEATURES)
    with one_blas_thread():
        reduced = centred @ axes
    spread = float(np.sqrt(np.mean(np.square(reduced)))) or 1.0
    return np.asarray(reduced / spread, dtype=np.float32)


def evaluate_npz(
    path: Path, settings: GraphSettings, hardware: Hardware, *, seed: int, progress: Progress = silent
) -> dict[str, Any]:
    """Train on 85 % of the citations, choose the epoch on 5 %, and measure on 10 %.

    Returns `nodes`, `edges`, `auc`, `ap`, `baselines` (name → `auc`, `ap`) and `seconds`. `seed` takes the place of
    the one in `settings` and also draws the split. Raises `InputError` for a file that is no citation graph.
    """
    from releaf.graph.link_prediction import train_links

    started = time.perf_counter()
    graph = read_npz(path)
    n_nodes = len(graph.features)
    split = split_edges(graph.edge_index, n_nodes, seed=seed)
    trained = train_links(
        reduced_features(graph.features), split, replace(settings, seed=seed), hardware, progress=progress
    )
    scorers = {"model": dot_product(trained.z), **baseline_scorers(split.message, graph.features)}
    figures = {}
    for name, scorer in scorers.items():
        positive, negative = scorer(split.test), scorer(split.test_negatives)
        figures[name] = {"auc": roc_auc(positive, negative), "ap": average_precision(positive, negative)}
    return {
        "nodes": n_nodes,
        "edges": split.positives.shape[1],
        **figures.pop("model"),
        "baselines": figures,
        "seconds": time.perf_counter() - started,
    }
