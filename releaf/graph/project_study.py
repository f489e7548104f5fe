"""Measuring recommendations: held-out projects of known items, and whole items held out, beside every baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from releaf.graph.build import GraphArrays
from releaf.graph.evaluation import LinkFigures, evaluate_hard, evaluate_links
from releaf.graph.features import node_features
from releaf.graph.project_heads import fit_new, hide_items
from releaf.graph.project_ranking import (
    ALL,
    PLAUSIBLE,
    Rankings,
    gains,
    joined,
    pools,
    rank_projects,
)
from releaf.graph.project_view import ProjectView, pair_features
from releaf.graph.scorer_fit import known_structure
from releaf.graph.scoring import MODEL, baseline_scores, embedding_scores
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import EdgeSplit, split_edges
from releaf.progress import Progress, silent
from releaf.training.device import Hardware

FloatArray = npt.NDArray[np.float64]
STRUCTURE, EMBEDDINGS = "structure", "embeddings"
_METRICS = ("mrr", "hits_at_10")


@dataclass(frozen=True, eq=False)
class SplitMeasure:
    """What a model reaches on one split: link figures by scorer, by relation, against hard non-edges, and rankings."""

    links: dict[str, LinkFigures]
    per_relation: dict[str, dict[str, LinkFigures]]
    hard: dict[str, LinkFigures]
    known: Rankings


def measure_split(
    graph: GraphArrays, text: npt.ArrayLike, split: EdgeSplit, z_message: npt.ArrayLike, *, blend: float, seed: int
) -> SplitMeasure:
    """Measure embeddings `z_message` (N, width) of the training edges, and scores made with them, on the test edges.

    Scorers of projects are `model` (head and embeddings), its parts `structure` and `embeddings`, and the baselines.
    """
    links = evaluate_links(graph, split, z_message, text)
    return SplitMeasure(
        links.overall,
        links.per_relation,
        evaluate_hard(graph, split, z_message, text, seed=seed),
        known_rankings(graph, text, split, z_message, blend=blend, seed=seed),
    )


def known_rankings(
    graph: GraphArrays, text: npt.ArrayLike, split: EdgeSplit, z_message: npt.ArrayLike, *, blend: float, seed: int
) -> Rankings:
    """Rankings of the test pairs of item and project, by pool and scorer."""
    train, test = (ProjectView.of(graph, text, pairs) for pairs in (split.train, split.test))
    structure, embedded = known_structure(train, seed=seed), embedding_scores(train, z_message)
    scores = {
        MODEL: structure + blend * embedded,
        STRUCTURE: structure,
        EMBEDDINGS: embedded,
        **baseline_scores(train, np.arange(len(train.items))),
    }
    return rank_projects(scores, test.stated, pools(ProjectView.of(graph, text), test.stated))


@dataclass(frozen=True)
class NewItemRankings:
    """Rankings of held-out items' projects by pool and scorer.

    `matched`: every other project is scored without one of its items, drawn at random, because the true ones lost
    theirs, and a project must not be found by what it lost. `unmatched`: the other projects keep all.
    """

    matched: Rankings
    unmatched: Rankings


def new_item_rankings(view: ProjectView, *, seed: int, folds: int | None = None) -> NewItemRankings:
    """Rankings of all projects of items that are held out in turn, all but text and what they are made of.

    Head and baselines see the same edges. `folds` items at a time share a turn; None leaves out one at a time.
    """
    rng = np.random.default_rng([seed, 6])
    used = rng.permutation(np.flatnonzero(view.stated.any(axis=1)))
    among = {name: pool for name, pool in pools(view, view.stated).items() if name in (ALL, PLAUSIBLE)}
    matched: list[Rankings] = []
    unmatched: list[Rankings] = []
    for items in np.array_split(used, min(folds or len(used), len(used))):
        left = hide_items(view, items, None)
        head = fit_new(left, seed=seed)
        held = np.zeros_like(view.stated)
        held[items] = view.stated[items]
        for parts, seen in ((matched, hide_items(view, items, rng)), (unmatched, left)):
            figures = {MODEL: head.scores(pair_features(seen, items)), **baseline_scores(seen, items)}
            scores = {name: _rows(view, items, rows) for name, rows in figures.items()}
            parts.append(rank_projects(scores, held, among))
    return NewItemRankings(joined(matched), joined(unmatched))


def _rows(view: ProjectView, items: npt.NDArray[np.int64], rows: FloatArray) -> FloatArray:
    scores = np.zeros(view.stated.shape)
    scores[items] = rows
    return scores


def study(
    graph: GraphArrays,
    text: npt.ArrayLike,
    settings: GraphSettings,
    hardware: Hardware,
    *,
    blend: float,
    seeds: Sequence[int],
    progress: Progress = silent,
) -> dict[str, Any]:
    """Split, train and measure anew with each seed: means, deviations and pooled gains as plain JSON values.

    `homogeneous` are link figures where the split does not look at kinds of node: shares and negatives are over all
    pairs of nodes, most of which no relation could join, so that its figures are higher and say less.
    """
    from releaf.graph.inputs import prepare_inputs
    from releaf.graph.link_prediction import train_links

    embeddings = np.asarray(text, dtype=np.float32)
    parts, blind = [], []
    for number, seed in enumerate(seeds):
        own = replace(settings, seed=seed)
        inputs = prepare_inputs(graph, embeddings, seed=seed)
        z = train_links(inputs.features, inputs.split, own, hardware).z
        parts.append(measure_split(graph, text, inputs.split, z, blend=blend, seed=seed))
        split = split_edges(graph.edge_index, graph.n_nodes, seed=seed)
        features = node_features(embeddings, graph.with_edges(split.train))
        z = train_links(features, split, own, hardware).z
        blind.append(evaluate_links(graph, split, z, text).overall)
        progress(number + 1, len(seeds), f"seed {seed}")
    known = [part.known for part in parts]
    relations = sorted(set().union(*(part.per_relation for part in parts)))
    return {
        "links": spread([part.links for part in parts]),
        "hard": spread([part.hard for part in parts]),
        "homogeneous": spread(blind),
        "per_relation": {
            name: spread([part.per_relation[name] for part in parts if name in part.per_relation]) for name in relations
        },
        "projects": {"figures": ranking_spread(known), "gains": all_gains(joined(known))},
        "seeds": list(seeds),
    }


def spread(parts: Sequence[Mapping[str, LinkFigures]]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and standard deviation (n − 1; 0 of one) over splits of every link figure, by scorer and figure."""
    return {
        name: {
            key: _mean_sd([asdict(part[name])[key] for part in parts if name in part])
            for key in LinkFigures.__dataclass_fields__
        }
        for name in parts[0]
    }


def ranking_spread(parts: Sequence[Rankings]) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Mean and standard deviation over splits of every ranking figure, by pool, scorer and figure."""
    return {
        pool: {name: _by_key([asdict(part[pool][name].figures()) for part in parts]) for name in parts[0][pool]}
        for pool in parts[0]
    }


def _by_key(figures: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {key: _mean_sd([one[key] for one in figures]) for key in figures[0]}


def _mean_sd(values: Sequence[float]) -> dict[str, float]:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "sd": deviation}


def all_gains(rankings: Rankings, model: str = MODEL) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """The model's gain over every other scorer with interval, p and verdict, by pool, metric and scorer."""
    return {
        pool: {
            metric: {
                name: {**asdict(gain), "verdict": gain.verdict} for name, gain in gains(by_name, model, metric).items()
            }
            for metric in _METRICS
        }
        for pool, by_name in rankings.items()
    }
