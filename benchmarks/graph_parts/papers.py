"""`citation`: what `releaf evaluate graph` does on made graphs of the sizes of Citeseer and Pubmed. Synthetic papers.

A stochastic block model with degrees of a power law, words that lean to a paper's class, some papers without a
citation, and a fifth of the citations across classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from retrieval_parts.measure import Row, Table

from releaf.graph.splits import unique_pairs

_WITHIN, _TOPICS = 0.8, 12


@dataclass(frozen=True)
class Size:
    """How large a made citation graph is, and how long an evaluation may take."""

    name: str
    papers: int
    citations: int
    words: int
    words_each: int
    classes: int
    seconds: float


SIZES = (
    Size("as large as Citeseer", 3327, 4552, 3703, 32, 6, 60),
    Size("as large as Pubmed", 19_717, 44_324, 500, 50, 3, 240),
)


def write_papers(path: Path, size: Size) -> None:
    """Write a made citation graph in the layout of gnn-benchmark: compressed rows of citations and of words."""
    rng = np.random.default_rng(size.papers)
    # Within a class papers keep to a topic, as citations of one class are not all alike.
    topic = rng.integers(0, size.classes * _TOPICS, size.papers)
    order = np.argsort(topic, kind="stable")
    bounds = np.searchsorted(topic[order], np.arange(size.classes * _TOPICS + 1))
    weight = rng.pareto(2.0, size.papers) + 0.2
    weight[rng.random(size.papers) < 0.014] = 0  # nobody cites these
    found = np.empty((2, 0), dtype=np.int64)
    chance = weight / weight.sum()
    while found.shape[1] < size.citations:
        citing = rng.choice(size.papers, size.citations, p=chance)
        cited = rng.choice(size.papers, size.citations, p=chance)
        low, high = bounds[topic[citing]], bounds[topic[citing] + 1]
        near = order[low + (rng.random(size.citations) * (high - low)).astype(np.int64)]
        near = np.where(weight[near] > 0, near, cited)
        drawn = np.stack([citing, np.where(rng.random(size.citations) < _WITHIN, near, cited)])
        found = unique_pairs(np.concatenate([found, drawn], axis=1), size.papers)
    found = found[:, rng.permutation(found.shape[1])[: size.citations]]
    rows = np.argsort(found[0], kind="stable")
    counts = np.bincount(found[0], minlength=size.papers)
    leaning = rng.gamma(0.3, size=(size.classes * _TOPICS, size.words)) + 0.3
    leaning *= rng.pareto(1.2, size.words) + 0.05
    leaning /= leaning.sum(axis=1, keepdims=True)
    words = np.concatenate([rng.choice(size.words, size.words_each, p=leaning[one]) for one in topic])
    entries = np.unique(np.repeat(np.arange(size.papers), size.words_each) * size.words + words)
    np.savez(
        path,
        adj_data=np.ones(size.citations, dtype=np.float32),
        adj_indices=found[1][rows].astype(np.int32),
        adj_indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        adj_shape=np.array([size.papers, size.papers]),
        attr_data=np.ones(len(entries), dtype=np.float32),
        attr_indices=(entries % size.words).astype(np.int32),
        attr_indptr=np.searchsorted(entries, np.arange(size.papers + 1) * size.words).astype(np.int32),
        attr_shape=np.array([size.papers, size.words]),
        labels=topic // _TOPICS,
    )


def citation(folder: Path, say: Callable[[str], None], *, sizes: tuple[Size, ...] = SIZES) -> Table:
    """AUC and time of an evaluation on each size, beside the strongest baseline that learns nothing."""
    from releaf.graph.citation import CITATION_SETTINGS, evaluate_npz
    from releaf.training.device import detect

    folder.mkdir(parents=True)
    rows: list[Row] = []
    for size in sizes:
        say(f"citation: {size.name}")
        path = folder / "graph.npz"
        write_papers(path, size)
        found = evaluate_npz(path, CITATION_SETTINGS, detect("cpu"), seed=0)
        smoothed = found["baselines"]["smoothed_cosine"]["auc"]
        rows += [
            Row(f"{size.name}: AUC", (found["auc"],), note=f"average precision {found['ap']:.4f}"),
            Row(f"{size.name}: above smoothed cosine", (found["auc"] - smoothed,), at_least=0.0),
            Row(f"{size.name}: time", (found["seconds"],), "s", at_most=size.seconds),
        ]
    return Table("citation", "evaluation of synthetic citation graphs", tuple(rows))
