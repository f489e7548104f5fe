"""Link prediction on a citation graph with published figures, to see whether the same code reaches them.

Files are read in `citation_files`. The knowledge graph of the project is elsewhere, and its settings are not chosen
here.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from releaf.graph import baselines
from releaf.graph.build import GraphArrays
from releaf.graph.citation_files import CitationGraph, read_npz
from releaf.graph.features import (
    FEATURES,
    adjacency_of,
    axes_of_scatter,
    one_blas_thread,
    principal_axes,
    signed,
    structure_of,
)
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import EdgeSplit, IntArray, split_edges
from releaf.metrics.links import average_precision, roc_auc
from releaf.progress import Progress, silent
from releaf.training.device import Hardware

CITATION_SETTINGS = GraphSettings(epochs=100, learning_rate=1e-2, patience=None)
"""Settings that reach the published figures on Cora in under a minute of one core."""

FloatArray = npt.NDArray[np.float32]
_EXACT_COLUMNS = 2000
_MOST_DENSE, _MOST_PATHS = 100_000_000, 200_000_000
_EXTRA, _ROUNDS = 32, 8


def reduced_features(features: sp.csr_array) -> FloatArray:
    """Word features (N, F) as (N, 128): rows of length 1, the mean taken off, along the leading principal axes.

    Entries have mean square 1. Uses no edge, and never a full matrix (N, F).
    """
    length = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
    unit = sp.diags_array(1 / np.where(length > 0, length, 1)) @ features
    mean = np.asarray(unit.sum(axis=0)).ravel() / unit.shape[0]
    with one_blas_thread():
        if unit.shape[1] <= _EXACT_COLUMNS:
            scatter = (unit.T @ unit).toarray() - unit.shape[0] * np.outer(mean, mean)
            axes = axes_of_scatter(scatter, FEATURES, max(unit.shape))
        else:
            axes = leading_axes(unit, mean, FEATURES)
        reduced = unit @ axes - mean @ axes
    return _even(reduced)


def leading_axes(rows: sp.csr_array, mean: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    """About the same as `principal_axes` of rows (N, F) less their mean, without the (F, F) matrix: (F, width).

    Subspace iteration from a fixed random start (Halko et al. 2011, algorithms 4.4 and 5.1).
    """
    start = np.random.default_rng(0).normal(size=(rows.shape[1], min(width + _EXTRA, *rows.shape)))
    turned = rows.T.tocsr()
    basis = np.linalg.qr(start)[0]
    for _ in range(_ROUNDS):
        image = np.linalg.qr(rows @ basis - mean @ basis)[0]
        basis = np.linalg.qr(turned @ image - np.outer(mean, image.sum(axis=0)))[0]
    seen = rows @ basis - mean @ basis
    return signed(basis @ principal_axes(seen, width))


def features_of_place(message: IntArray, n_nodes: int) -> FloatArray:
    """Features (N, 128) of nodes that have none of their own: degree, clustering, and leading directions of the graph.

    The directions are those of D^−½·(A + I)·D^−½, as spectral embeddings take them. Counted from the edges given.
    """
    alike = np.zeros(n_nodes, dtype=np.int64)
    structure = structure_of(GraphArrays(tuple(map(str, range(n_nodes))), alike, ("node",), message))
    adjacency = sp.csr_array(adjacency_of(message, n_nodes) + sp.eye_array(n_nodes, format="csr"))
    scale = sp.diags_array(1 / np.sqrt(np.asarray(adjacency.sum(axis=1)).ravel()))
    with one_blas_thread():
        axes = leading_axes(sp.csr_array(scale @ adjacency @ scale), np.zeros(n_nodes), FEATURES - structure.shape[1])
    centred = structure - structure.mean(axis=0)
    return np.concatenate([_even(axes), centred / np.maximum(centred.std(axis=0), 1e-6)], axis=1).astype(np.float32)


def _even(columns: npt.NDArray[np.float64]) -> FloatArray:
    """The same at a mean square of 1."""
    spread = float(np.sqrt(np.mean(np.square(columns)))) or 1.0
    return np.asarray(columns / spread, dtype=np.float32)


def evaluate_npz(
    path: Path,
    settings: GraphSettings,
    hardware: Hardware,
    *,
    seed: int,
    seeds: int = 1,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train on 85 % of the citations, choose the epoch on 5 %, and measure on 10 %, once for each of some seeds.

    Returns `nodes`, `edges`, `features`, `auc`, `ap`, `baselines` (name → `auc`, `ap`) and `seconds`. With several
    seeds, from `seed` on, figures are means, `auc_deviation` and `ap_deviation` their standard deviations, and
    `per_seed` lists each. A seed takes the place of the one in `settings` and also draws the split. Raises
    `InputError` for a file that is no citation graph.
    """
    started = time.perf_counter()
    graph = read_npz(path)
    runs = [
        _evaluate(graph, replace(settings, seed=one), hardware, progress=progress) for one in range(seed, seed + seeds)
    ]
    result = {"nodes": graph.n_nodes, "edges": runs[0]["edges"], "features": graph.features.shape[1], **_mean(runs)}
    if seeds > 1:
        for name in ("auc", "ap"):
            result[f"{name}_deviation"] = statistics.stdev(run[name] for run in runs)
        result["per_seed"] = [{name: run[name] for name in ("seed", "auc", "ap", "seconds")} for run in runs]
    return {**result, "seconds": time.perf_counter() - started}


def _mean(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """AUC and average precision of the model and of each baseline, over the runs."""

    def of(figures: Sequence[dict[str, float]]) -> dict[str, float]:
        return {name: statistics.fmean(one[name] for one in figures) for name in ("auc", "ap")}

    named = {name: of([run["baselines"][name] for run in runs]) for name in runs[0]["baselines"]}
    return {**of(runs), "baselines": named}


def _evaluate(
    graph: CitationGraph, settings: GraphSettings, hardware: Hardware, *, progress: Progress
) -> dict[str, Any]:
    from releaf.graph.link_prediction import train_links

    started = time.perf_counter()
    split = split_edges(graph.edge_index, graph.n_nodes, seed=settings.seed)
    worded = graph.features.nnz > 0
    features = reduced_features(graph.features) if worded else features_of_place(split.message, graph.n_nodes)
    trained = train_links(features, split, settings, hardware, progress=progress)
    scorers = {"model": baselines.dot_product(trained.z), **_untrained(graph, split, features)}
    figures = {}
    for name, scorer in scorers.items():
        positive, negative = scorer(split.test), scorer(split.test_negatives)
        figures[name] = {"auc": roc_auc(positive, negative), "ap": average_precision(positive, negative)}
    return {
        "seed": settings.seed,
        "edges": split.positives.shape[1],
        **figures.pop("model"),
        "baselines": figures,
        "seconds": time.perf_counter() - started,
    }


def _untrained(graph: CitationGraph, split: EdgeSplit, features: FloatArray) -> dict[str, baselines.Scorer]:
    """The baselines that this graph is small enough for; 128 axes stand in for words that are too many."""
    message, n_nodes = split.message, graph.n_nodes
    scorers = {
        "common_neighbours": baselines.common_neighbours(message, n_nodes),
        "adamic_adar": baselines.adamic_adar(message, n_nodes),
        "degree": baselines.degree_product(message, n_nodes),
    }
    paths = np.square(np.bincount(message[0], minlength=n_nodes).astype(np.float64)).sum()
    if paths <= _MOST_PATHS:
        scorers["three_paths"] = baselines.three_paths(message, n_nodes)
    if graph.features.nnz:
        words = graph.dense() if np.prod(graph.features.shape, dtype=np.float64) <= _MOST_DENSE else features
        scorers["feature_cosine"] = baselines.feature_cosine(words)
        scorers["smoothed_cosine"] = baselines.smoothed_cosine(message, words)
    return scorers
