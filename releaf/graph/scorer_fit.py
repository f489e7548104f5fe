"""Making the scorer that a checkpoint serves: heads fitted on training facts, scores computed on the whole graph."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from releaf.graph.build import GraphArrays
from releaf.graph.project_heads import (
    Head,
    calibrate,
    fit_known,
    fit_new,
    hide_items,
    hide_pairs_in_turn,
)
from releaf.graph.project_view import ProjectView, pair_features
from releaf.graph.scoring import MODEL, ProjectScorer, baseline_scores, embedding_scores, score_items
from releaf.graph.splits import EdgeSplit

FloatArray = npt.NDArray[np.float64]
_NO_WEIGHTS = np.zeros(0)
_NEW_ITEM_FOLDS = 20


def known_structure(view: ProjectView, *, seed: int) -> FloatArray:
    """Scores (I, P) of every item and project by the head for known items, fitted on the view's own facts."""
    return fit_known(view, seed=seed).scores(pair_features(view, np.arange(len(view.items))))


def fit_scorer(
    graph: GraphArrays,
    text: npt.ArrayLike,
    split: EdgeSplit,
    z: npt.ArrayLike,
    z_message: npt.ArrayLike,
    *,
    blend: float,
    serves: str,
    serves_new: str,
    seed: int,
) -> ProjectScorer:
    """The scorer for the whole `graph`, its weights learned on the training pairs of `split`.

    `z` and `z_message` (N, width) are node embeddings on all edges and on the training edges; their product weighs
    `blend` beside the head. Probabilities of known items are fitted on the validation pairs.
    """
    whole, train = ProjectView.of(graph, text), ProjectView.of(graph, text, split.train)
    held = ProjectView.of(graph, text, split.validation).stated
    everyone = np.arange(len(whole.items))
    if serves == MODEL:
        head = fit_known(train, seed=seed)
        before = head.scores(pair_features(train, everyone)) + blend * embedding_scores(train, z_message)
        scores = _hidden_in_turn(whole, MODEL, head, seed) + blend * embedding_scores(whole, z)
    else:
        head = Head(_NO_WEIGHTS, 1.0, 0.0)
        before = baseline_scores(train, everyone)[serves]
        scores = _hidden_in_turn(whole, serves, head, seed)
    scale, offset = calibrate(*_natural_share(before, held, whole.stated, seed))
    known = Head(head.weights, scale, offset).probabilities(scores)
    new = fit_new(train, seed=seed) if serves_new == MODEL else _baseline_head(train, serves_new, seed)
    return ProjectScorer(graph.node_ids, serves, serves_new, known, whole, new)


def _hidden_in_turn(view: ProjectView, serves: str, head: Head, seed: int) -> FloatArray:
    """Scores (I, P) on the view; a stated pair's is taken while its own fact, with a tenth of all, is hidden."""
    everyone = np.arange(len(view.items))
    scores = score_items(view, serves, head, everyone)
    for hidden, without in hide_pairs_in_turn(view, seed=seed):
        scores[hidden] = score_items(without, serves, head, everyone)[hidden]
    return scores


def _natural_share(
    scores: FloatArray, held: npt.NDArray[np.bool_], stated: npt.NDArray[np.bool_], seed: int
) -> tuple[FloatArray, FloatArray]:
    """Scores of held-out pairs and of so many non-pairs that they stand one to the other as in the whole graph."""
    false = scores[~stated]
    share = held.sum() / max(stated.sum(), 1)
    chosen = np.random.default_rng([seed, 4]).permutation(len(false))[: max(1, round(share * len(false)))]
    return scores[held], false[chosen]


def _baseline_head(view: ProjectView, name: str, seed: int) -> Head:
    """A head without weights, that turns a baseline's scores of new items into probabilities."""
    rng = np.random.default_rng([seed, 2])
    used = rng.permutation(np.flatnonzero(view.stated.any(axis=1)))
    true, false = [], []
    for items in np.array_split(used, min(_NEW_ITEM_FOLDS, len(used))):
        scores = baseline_scores(hide_items(view, items, rng), items)[name]
        true.append(scores[view.stated[items]])
        false.append(scores[~view.stated[items]])
    return Head(_NO_WEIGHTS, *calibrate(np.concatenate(true), np.concatenate(false)))
