"""The judge: whether the aligned model answers held-out questions better, said by who never trained it.

A second reward model, fitted on the held-out preferences alone and on other features than the first. How far it can be
trusted is measured by cross-validation on those pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from releaf.errors import InputError
from releaf.language.alignment.features import Features
from releaf.language.alignment.pairs import Pair
from releaf.language.alignment.reward import (
    RewardModel,
    Trial,
    Vector,
    choose_head,
    every_combination,
    sides_of,
)
from releaf.metrics.ranking import bootstrap_interval


@dataclass(frozen=True)
class Judge:
    """A reward model of the held-out pairs, and how often it is right on pairs of folds that it did not see."""

    model: RewardModel
    accuracy: float
    pairs: int
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class WinRate:
    """Share of comparisons that the aligned answers win, ties half, with a 95 % bootstrap interval over questions."""

    rate: float
    low: float
    high: float
    questions: int
    comparisons: int


def fit_judge(pairs: Sequence[Pair], features: Features, *, folds: int = 5, seed: int = 0) -> Judge:
    """Fit a judge on the held-out pairs, its blocks and λ chosen by cross-validation among all of `features`.

    Raises `InputError` for fewer questions than folds.
    """
    head, trials = choose_head(
        sides_of(pairs, features), every_combination(list(features.blocks)), folds=folds, seed=seed
    )
    best = min(trials, key=lambda trial: trial.loss)
    return Judge(RewardModel(head, features), best.accuracy, len(pairs), tuple(trials))


def win_rate(ours: NDArray[np.floating], theirs: NDArray[np.floating], *, seed: int = 0) -> WinRate:
    """Compare scores (questions, samples) of two models: each answer with each of the other's to the same question.

    Raises `InputError` when they are not about the same questions.
    """
    if ours.ndim != 2 or theirs.ndim != 2 or len(ours) != len(theirs) or not ours.size or not theirs.size:
        raise InputError(f"a win rate needs scores (questions, samples) of both, not {ours.shape} and {theirs.shape}")
    difference = ours[:, :, None] - theirs[:, None, :]
    by_question: Vector = ((difference > 0) + 0.5 * (difference == 0)).mean(axis=(1, 2))
    low, high = bootstrap_interval(by_question.tolist(), seed=seed)
    return WinRate(fmean(by_question), low, high, len(ours), difference.size)


def agreement(first: Vector, second: Vector) -> float:
    """Pearson's correlation of two judges' scores of the same answers; 0 where one of them never varies."""
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
