"""Weighing what can be seen of an item and a project: two sets of weights, learned on edges hidden from the figures.

One set is for items that have projects already, learned on tenths of the stated pairs in turn; the other is for new
items, learned on whole items in turn. Which figures there are is in `project_view`; serving them is in `scoring`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from releaf.errors import DataError
from releaf.graph.features import one_blas_thread
from releaf.graph.project_view import ProjectView, pair_features
from releaf.graph.splits import IntArray

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
PAIR_FOLDS, ITEM_FOLDS = 10, 20
# Weight of the squared length of the weights of standardized figures.
_PENALTY = 0.01
_MOST_NEGATIVES = 400
# Of a probability's scale, for standardized scores: however little these tell, their order is kept.
_LEAST_SCALE = 0.01


@dataclass(frozen=True, eq=False)
class Head:
    """P(item can become project) = σ(`scale` · figures·`weights` + `offset`); only `weights` (F) decide the order."""

    weights: FloatArray
    scale: float
    offset: float

    def scores(self, figures: FloatArray) -> FloatArray:
        """Figures (…, F) → scores (…), higher is likelier."""
        return np.asarray(figures @ self.weights)

    def probabilities(self, scores: FloatArray) -> FloatArray:
        """Scores → probabilities in 0–1."""
        return np.asarray(1 / (1 + np.exp(-(self.scale * scores + self.offset))))


@dataclass(frozen=True, eq=False)
class _Shown:
    """Figures (R, P, F) of some items while edges were hidden, which pairs are true, false, and fit to be compared."""

    figures: FloatArray
    true: BoolArray
    false: BoolArray
    comparable: BoolArray


def fit_known(view: ProjectView, *, seed: int) -> Head:
    """Weights for items with projects, from stated pairs hidden a tenth at a time.

    A true pair is held against other projects that lost a fact in the same tenth: a project that lost its only item
    must not give itself away by that, for it would in no graph that anyone asks about.
    """
    return _fit(_known_parts(view, seed), int(view.stated.sum()), seed)


def _known_parts(view: ProjectView, seed: int) -> Iterator[_Shown]:
    everyone = np.arange(len(view.items))
    # Non-pairs take turns too, so that each is seen once and shares are those of the whole.
    turn = np.random.default_rng([seed, 7]).integers(PAIR_FOLDS, size=view.stated.shape)
    for number, (hidden, without) in enumerate(hide_pairs_in_turn(view, seed=seed)):
        false = ~view.stated & (turn == number)
        yield _Shown(pair_features(without, everyone), hidden, false, ~view.stated & hidden.any(axis=0))


def hide_pairs_in_turn(view: ProjectView, *, seed: int) -> Iterator[tuple[BoolArray, ProjectView]]:
    """Ten times the stated pairs that are hidden (I, P), a tenth each, and the view without them."""
    turn = np.random.default_rng([seed, 1]).integers(PAIR_FOLDS, size=view.stated.shape)
    for number in range(PAIR_FOLDS):
        hidden = view.stated & (turn == number)
        yield hidden, view.without(positions(view, np.argwhere(hidden)))


def fit_new(view: ProjectView, *, seed: int, folds: int = ITEM_FOLDS) -> Head:
    """Weights for items without projects, from items hidden in turn, all but what they are made of.

    Every project that did not lose an item by that loses another, drawn at random: see `fit_known`.
    """
    return _fit(_new_parts(view, seed, folds), int(view.stated.sum()), seed)


def _new_parts(view: ProjectView, seed: int, folds: int) -> Iterator[_Shown]:
    rng = np.random.default_rng([seed, 2])
    used = rng.permutation(np.flatnonzero(view.stated.any(axis=1)))
    for items in np.array_split(used, min(folds, len(used))) if used.size else ():
        figures = pair_features(hide_items(view, items, rng), items)
        stated = view.stated[items]
        yield _Shown(figures, stated, ~stated, ~stated)


def hide_items(view: ProjectView, items: IntArray, rng: np.random.Generator | None) -> ProjectView:
    """The view without the projects of some items (by place) and without what they are similar to.

    With `rng` every other project loses one of its items too, as true projects of the hidden items did.
    """
    stated = view.stated
    lost = np.zeros_like(stated)
    lost[items] = stated[items]
    if rng is not None:
        others = np.flatnonzero(~lost.any(axis=0) & stated.any(axis=0))
        projects, places = np.nonzero(stated.T[others])  # items in order, project after project
        counts = np.bincount(projects, minlength=len(others))
        lost[places[np.cumsum(counts) - counts + rng.integers(0, counts)], others] = True
    chosen = view.items[items]
    alike = np.isin(view.pairs, chosen).any(axis=0) & np.isin(view.pairs, view.items).all(axis=0)
    return view.without(np.concatenate([positions(view, np.argwhere(lost)), view.pairs[:, alike]], axis=1))


def positions(view: ProjectView, pairs: IntArray) -> IntArray:
    """Rows of (item, project) places (R, 2) → node positions (2, R)."""
    return np.stack([view.items[pairs[:, 0]], view.projects[pairs[:, 1]]])


def _fit(parts: Iterator[_Shown], stated: int, seed: int) -> Head:
    rng = np.random.default_rng([seed, 3])
    groups: list[FloatArray] = []
    true: list[FloatArray] = []
    false: list[FloatArray] = []
    for shown in parts:
        true.append(shown.figures[shown.true])
        false.append(shown.figures[shown.false])
        for row, projects in enumerate(shown.true):
            others = np.flatnonzero(shown.comparable[row])
            if len(others) > _MOST_NEGATIVES:
                others = np.sort(rng.choice(others, _MOST_NEGATIVES, replace=False))
            if others.size:
                rows = shown.figures[row]
                groups += [np.concatenate([rows[[one]], rows[others]]) for one in np.flatnonzero(projects)]
    if not groups:
        raise DataError(f"{stated} stated pairs of item and project are too few to learn which projects an item takes")
    with one_blas_thread():
        weights = fit_choice(groups)
        scale, offset = calibrate(np.concatenate(true) @ weights, np.concatenate(false) @ weights)
    return Head(weights, scale, offset)


def fit_choice(groups: list[FloatArray]) -> FloatArray:
    """Weights (F) of a conditional logit: in each group (rows, F) the first row was chosen among all its rows.

    Maximizes the mean of ln softmax (McFadden 1974) less a penalty on the weights of standardized columns; a column
    that never varies weighs nothing.
    """
    rows, sizes = np.concatenate(groups), np.array([len(group) for group in groups])
    deviation = rows.std(axis=0)
    spread = np.where(deviation > 1e-9, deviation, np.inf)
    rows = (rows - rows.mean(axis=0)) / spread
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    chosen = rows[starts].sum(axis=0)

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        score = rows @ weights
        highest = np.maximum.reduceat(score, starts)
        grown = np.exp(score - np.repeat(highest, sizes))
        total = np.add.reduceat(grown, starts)
        share = grown / np.repeat(total, sizes)
        value = -(score[starts] - highest - np.log(total)).mean() + _PENALTY * weights @ weights
        return float(value), (rows.T @ share - chosen) / len(groups) + 2 * _PENALTY * weights

    return np.asarray(minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B").x / spread)


def calibrate(true: FloatArray, false: FloatArray) -> tuple[float, float]:
    """Scale > 0 and offset of a logistic fit of scores of true and of false pairs (Platt 1999), smoothed targets.

    Raises `DataError` where there is no pair of one sort.
    """
    if not (true.size and false.size):
        raise DataError(f"probabilities cannot be fitted on {true.size} true and {false.size} false pairs")
    scores = np.concatenate([true, false])
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    scaled = (scores - centre) / spread
    target = np.repeat([(len(true) + 1) / (len(true) + 2), 1 / (len(false) + 2)], [len(true), len(false)])

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        logit = parameters[0] * scaled + parameters[1]
        error = 1 / (1 + np.exp(-logit)) - target
        value = np.logaddexp(0, logit) - target * logit
        return float(value.mean()), np.array([(error * scaled).mean(), error.mean()])

    found = minimize(
        loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(_LEAST_SCALE, None), (None, None)]
    ).x
    return float(found[0] / spread), float(found[1] - found[0] * centre / spread)
