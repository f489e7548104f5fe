"""Which graph model is trained and what scores projects, chosen without the test edges.

The edges that are not held out for the test are split anew with each seed; test edges and test negatives stay out of
sight. Training the chosen model is `link_prediction`'s, measuring it on the test edges the report's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from releaf.artifacts import read_json, write_json
from releaf.errors import ArtifactError
from releaf.graph.baselines import baseline_scorers
from releaf.graph.build import GraphArrays
from releaf.graph.features import node_features
from releaf.graph.project_ranking import ALL, Ranking, Rankings, joined, pools, rank_projects
from releaf.graph.project_study import STRUCTURE, new_item_rankings
from releaf.graph.project_view import ProjectView
from releaf.graph.scorer_fit import known_structure
from releaf.graph.scoring import MODEL, baseline_scores, embedding_scores
from releaf.graph.settings import CANDIDATES, GraphSettings
from releaf.graph.splits import EdgeSplit, both_directions, check_no_leak, sample_negatives, split_edges
from releaf.progress import Progress, silent
from releaf.training.device import Hardware

if TYPE_CHECKING:
    from releaf.graph.link_prediction import TrainedLinks

FloatArray = npt.NDArray[np.float64]
_CHOICE = "choice.json"
_ATTENTION, _SHOWN_NODES = "gat", 3
BLENDS = (0.0, 0.5, 1.0, 2.0)
"""Weights of z_item·z_project beside the head's score that are tried."""
_NEW_ITEM_FOLDS = 5


@dataclass(frozen=True)
class GraphChoice:
    """What was chosen: a name of `CANDIDATES`, the weight of its score, and what scores known and new items.

    `serves` and `serves_new` are `model`, or the baseline that ranks held-out projects better.
    """

    model: str
    blend: float
    serves: str
    serves_new: str

    def settings(self, base: GraphSettings) -> GraphSettings:
        """The settings with the chosen model and aggregator."""
        return with_model(base, self.model)

    def save(self, directory: Path) -> None:
        """Write the choice into a directory."""
        write_json(directory / _CHOICE, asdict(self))

    @classmethod
    def load(cls, directory: Path) -> GraphChoice:
        """Read what `save` wrote; raises `ArtifactError` for what is no choice of this version."""
        raw = read_json(directory / _CHOICE)
        try:
            choice = cls(**raw)
        except TypeError as error:
            raise ArtifactError(
                f"{directory / _CHOICE} is no choice of this version ({error}); choose again"
            ) from error
        known = (MODEL, *baseline_scorers(np.empty((2, 0), dtype=np.int64), np.zeros((1, 1))))
        if choice.model not in CANDIDATES or not {choice.serves, choice.serves_new} <= set(known):
            raise ArtifactError(f"{directory / _CHOICE} names what this version does not have: {raw}; choose again")
        return choice


@dataclass(frozen=True)
class CandidateFigures:
    """A model on held-out training edges, means over seeds in 0–1: AUC of all edges, how z alone ranks projects."""

    link_auc: float
    mrr: float
    hits_at_10: float
    item_auc: float


@dataclass(frozen=True, eq=False)
class Chosen:
    """The choice and its evidence: figures by model, rankings of projects by scorer for known and for new items.

    `attention` is what the items with most edges attend to in the attention model of the first seed, a row a layer and
    neighbour; empty where that model was no candidate.
    """

    choice: GraphChoice
    models: dict[str, CandidateFigures]
    blends: dict[str, float]
    known: Rankings
    new: Rankings
    attention: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Everything as plain JSON values; rankings as figures by pool and scorer."""
        return {
            "choice": asdict(self.choice),
            "models": {name: asdict(figures) for name, figures in self.models.items()},
            "blends": self.blends,
            "known": figures_json(self.known),
            "new": figures_json(self.new),
            "attention": self.attention,
        }


def figures_json(rankings: Rankings) -> dict[str, dict[str, dict[str, float]]]:
    """Figures by pool and scorer as plain values."""
    return {
        pool: {name: asdict(ranking.figures()) for name, ranking in by_name.items()}
        for pool, by_name in rankings.items()
    }


def with_model(base: GraphSettings, name: str) -> GraphSettings:
    """The settings with the model and the aggregator of a name in `CANDIDATES`, and nothing left to choose."""
    model, aggregator = CANDIDATES[name]
    return replace(base, model=model, aggregator=aggregator, candidates=())


def name_of(settings: GraphSettings) -> str:
    """The name in `CANDIDATES` of the settings' model and aggregator."""
    return next(name for name, made in CANDIDATES.items() if made == (settings.model, settings.aggregator))


def resplit(split: EdgeSplit, *, seed: int, validation: float = 0.10) -> EdgeSplit:
    """The training and validation pairs split anew, `validation` of them held out; the test stays as it is.

    The new validation negatives are no edge of any part, nor a test negative.
    """
    seen = np.concatenate([split.train, split.validation], axis=1)
    drawn = split_edges(
        seen, split.n_nodes, node_kinds=split.strata, validation=validation / 2, test=validation / 2, seed=seed
    )
    held = np.concatenate([drawn.validation, drawn.test], axis=1)
    known = np.concatenate([split.positives, split.test_negatives], axis=1)
    negatives = sample_negatives(held, split.strata, known=known, rng=np.random.default_rng([seed, 5]))
    again = replace(
        split,
        message=both_directions(drawn.train),
        train=drawn.train,
        validation=held,
        validation_negatives=negatives,
    )
    check_no_leak(again)
    return again


def choose(
    graph: GraphArrays,
    text: npt.ArrayLike,
    split: EdgeSplit,
    settings: GraphSettings,
    hardware: Hardware,
    *,
    seeds: Sequence[int] = (0, 1),
    progress: Progress = silent,
) -> Chosen:
    """Compare models on held-out training edges, then the scores made with the best one with every baseline.

    The model is the one of `settings.candidates` whose embeddings rank held-out projects best (mean MRR over seeds);
    its weight beside the head is the one of `BLENDS` with the best joint MRR; and a baseline is served where its MRR is
    higher still.
    """
    embeddings = np.asarray(text, dtype=np.float32)
    candidates = settings.candidates or (name_of(settings),)
    trials = [_Trial.of(graph, embeddings, split, settings, seed) for seed in seeds]
    found: dict[str, list[tuple[float, Ranking]]] = {}
    scores: dict[str, list[FloatArray]] = {}
    attention: list[dict[str, Any]] = []
    for number, name in enumerate(candidates):
        runs = [trial.train(with_model(trial.settings, name), hardware) for trial in trials]
        scores[name] = [embedding_scores(trial.view, run.z) for trial, run in zip(trials, runs, strict=True)]
        found[name] = [
            (_best_auc(run), trial.rank({name: score})[ALL][name])
            for trial, run, score in zip(trials, runs, scores[name], strict=True)
        ]
        if name == _ATTENTION:
            attention = trials[0].attention(runs[0], graph.node_ids)
        progress(number + 1, len(candidates), name)
    models = {name: _figures(runs) for name, runs in found.items()}
    best = max(models, key=lambda name: models[name].mrr)
    blends = {blend: _mrr(trials, scores[best], blend) for blend in BLENDS}
    blend = max(blends, key=lambda one: blends[one])
    known = joined([trial.all_scorers(score, blend) for trial, score in zip(trials, scores[best], strict=True)])
    seen = ProjectView.of(graph, text, trials[0].seen)
    new = new_item_rankings(seen, seed=seeds[0], folds=_NEW_ITEM_FOLDS).matched
    choice = GraphChoice(best, blend, _winner(known[ALL]), _winner(new[ALL]))
    return Chosen(choice, models, {f"{one:g}": mrr for one, mrr in blends.items()}, known, new, attention)


def _winner(by_name: Mapping[str, Ranking]) -> str:
    """The scorer with the best MRR; the model where it is as good as any baseline. `structure` is only shown."""
    names = [MODEL, *(name for name in by_name if name not in (MODEL, STRUCTURE))]
    return max(names, key=lambda name: by_name[name].figures().mrr)


def _best_auc(trained: TrainedLinks) -> float:
    """Best validation AUC of links."""
    from releaf.graph.link_prediction import LinkTask

    return float(trained.history.epochs[trained.history.best_epoch - 1][LinkTask.monitor])


def _mrr(trials: Sequence[_Trial], scores: Sequence[FloatArray], blend: float) -> float:
    parts = [t.rank({MODEL: t.structure + blend * s})[ALL][MODEL] for t, s in zip(trials, scores, strict=True)]
    return float(np.concatenate([1 / part.ranks for part in parts]).mean())


def _figures(runs: Sequence[tuple[float, Ranking]]) -> CandidateFigures:
    ranked = [ranking.figures() for _, ranking in runs]
    return CandidateFigures(
        link_auc=float(np.mean([auc for auc, _ in runs])),
        mrr=float(np.mean([one.mrr for one in ranked])),
        hits_at_10=float(np.mean([one.hits_at_10 for one in ranked])),
        item_auc=float(np.mean([one.auc for one in ranked])),
    )


@dataclass(frozen=True, eq=False)
class _Trial:
    """One seed's split of the edges outside the test, with what is computed on it once for all models."""

    split: EdgeSplit
    settings: GraphSettings
    features: npt.NDArray[np.float32]
    view: ProjectView
    held: npt.NDArray[np.bool_]
    candidates: dict[str, npt.NDArray[np.bool_]]
    structure: FloatArray

    @classmethod
    def of(
        cls, graph: GraphArrays, text: npt.NDArray[np.float32], split: EdgeSplit, settings: GraphSettings, seed: int
    ) -> _Trial:
        inner = resplit(split, seed=seed)
        view = ProjectView.of(graph, text, inner.train)
        seen = ProjectView.of(graph, text, np.concatenate([inner.train, inner.validation], axis=1))
        held = ProjectView.of(graph, text, inner.validation).stated
        return cls(
            inner,
            replace(settings, seed=seed),
            node_features(text, graph.with_edges(inner.train)),
            view,
            held,
            pools(seen, held),
            known_structure(view, seed=seed),
        )

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        return np.concatenate([self.split.train, self.split.validation], axis=1)

    def train(self, settings: GraphSettings, hardware: Hardware) -> TrainedLinks:
        from releaf.graph.link_prediction import train_links

        return train_links(self.features, self.split, settings, hardware)

    def attention(self, trained: TrainedLinks, node_ids: Sequence[str]) -> list[dict[str, Any]]:
        """What the items with most edges attend to, a row a layer and neighbour."""
        import torch

        from releaf.graph.gat import GraphAttention, attention_table

        encoder = trained.model.encoder
        if not isinstance(encoder, GraphAttention):
            raise TypeError(f"attention can be read from a GraphAttention, not from a {type(encoder).__name__}")
        degree = np.bincount(self.split.message[1], minlength=self.split.n_nodes)[self.view.items]
        busiest = self.view.items[np.argsort(-degree, kind="stable")[:_SHOWN_NODES]]
        device = next(encoder.parameters()).device
        features, messages = (torch.from_numpy(rows).to(device) for rows in (self.features, self.split.message))
        return attention_table(
            encoder.attention(features, messages), node_ids, [node_ids[item] for item in busiest]
        ).to_dicts()

    def rank(self, scores: Mapping[str, FloatArray]) -> Rankings:
        return rank_projects(scores, self.held, self.candidates)

    def all_scorers(self, embedded: FloatArray, blend: float) -> Rankings:
        own = {MODEL: self.structure + blend * embedded, STRUCTURE: self.structure}
        return self.rank({**own, **baseline_scores(self.view, np.arange(len(self.view.items)))})
