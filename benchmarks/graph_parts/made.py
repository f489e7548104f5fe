"""Made graphs of any size, the same from the same seed, on disk as compressed rows and features. Synthetic, all of it.

Node degrees follow a power law of exponent 3 within communities; four of five edges stay within a community, and a
node's features are its community's centre with noise. Numbers of nodes are shuffled, so that neighbours are not
neighbours in memory either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from releaf.graph.sampler import Neighbours, Strata, sample_non_edges
from releaf.graph.splits import unique_pairs

WIDTH = 64
MEAN_DEGREE = 10
_COMMUNITIES, _WITHIN = 50, 0.8
_NOISE = 2.0
_HELD, _MOST_HELD = 0.05, 2000
_BLOCK = 100_000
INDPTR, INDICES, FEATURES, HELD, NON_EDGES = (
    f"{name}.npy" for name in ("indptr", "indices", "features", "held", "non_edges")
)


@dataclass(frozen=True, eq=False)
class MadeGraph:
    """Messages, features (N, 64) and held-out pairs with as many non-edges; rows and features mapped from files."""

    rows: Neighbours
    features: NDArray[np.float32]
    held: tuple[NDArray[np.int64], NDArray[np.int64]]

    @classmethod
    def open(cls, folder: Path) -> MadeGraph:
        """Map what `write_graph` wrote."""
        mapped = [np.load(folder / name, mmap_mode="r") for name in (INDPTR, INDICES, FEATURES)]
        held = np.load(folder / HELD), np.load(folder / NON_EDGES)
        return cls(Neighbours(mapped[0], mapped[1]), mapped[2], held)


def write_graph(folder: Path, n_pairs: int) -> None:
    """Make a graph of `n_pairs` training pairs and `n_pairs` / 5 nodes."""
    rng = np.random.default_rng(n_pairs)
    n_nodes = max(_COMMUNITIES * 2, 2 * n_pairs // MEAN_DEGREE)
    renumbered = rng.permutation(n_nodes)
    held_count = min(_MOST_HELD, int(n_pairs * _HELD))
    pairs = renumbered[_made_pairs(n_pairs + held_count, n_nodes, rng)]
    held, train = np.sort(pairs[:, :held_count], axis=0), pairs[:, held_count:]
    everything = Neighbours.of(pairs, n_nodes)
    rows = Neighbours.of(train, n_nodes)
    np.save(folder / INDPTR, rows.indptr)
    np.save(folder / INDICES, rows.indices)
    np.save(folder / HELD, held)
    np.save(folder / NON_EDGES, sample_non_edges(everything, held, Strata.one(n_nodes), key=1))
    _write_features(folder / FEATURES, renumbered, rng)


def _made_pairs(count: int, n_nodes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Distinct pairs (2, count) in a random order, nodes of a community side by side, its most connected first."""
    size = n_nodes // _COMMUNITIES
    found = np.empty((2, 0), dtype=np.int64)
    while found.shape[1] < count:
        wanted = int((count - found.shape[1]) * 1.3) + 100
        home = rng.integers(0, _COMMUNITIES, wanted)
        away = np.where(rng.random(wanted) < _WITHIN, home, rng.integers(0, _COMMUNITIES, wanted))
        # A share √r of all edges ends at the first r of a community: degrees fall as r^-½.
        ranks = (size * np.square(rng.random((2, wanted)))).astype(np.int64)
        drawn = np.stack([home, away]) * size + ranks
        found = unique_pairs(np.concatenate([found, drawn], axis=1), n_nodes)
    return found[:, rng.permutation(found.shape[1])[:count]]


def _write_features(path: Path, renumbered: NDArray[np.int64], rng: np.random.Generator) -> None:
    n_nodes = len(renumbered)
    community = np.empty(n_nodes, dtype=np.int32)
    community[renumbered] = np.minimum(np.arange(n_nodes) // (n_nodes // _COMMUNITIES), _COMMUNITIES - 1)
    centres = rng.normal(size=(_COMMUNITIES, WIDTH))
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_nodes, WIDTH))
    for start in range(0, n_nodes, _BLOCK):
        part = community[start : start + _BLOCK]
        written[start : start + _BLOCK] = centres[part] + _NOISE * rng.normal(size=(len(part), WIDTH))
    written.flush()
