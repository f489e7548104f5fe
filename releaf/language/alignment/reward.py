"""The reward model: a linear score on features of an answer, fitted so that preferred answers score higher.

L = −ln σ(r(chosen) − r(rejected)) (Bradley and Terry 1952; Ouyang et al. 2022, equation 1 with K = 2), plus λ/2 ‖w‖².
The loss is convex, so Newton's method finds the one optimum in milliseconds: no rate, no epochs, nothing to resume.
What is seen of an answer is `features`' business, how good a model is `reward_report`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from releaf.artifacts import read_json, storage_errors, write_json
from releaf.errors import ArtifactError, InputError, TrainingError
from releaf.language.alignment.features import Features, Matrix
from releaf.language.alignment.pairs import Answered, Pair

Vector = NDArray[np.float64]
Reward = Callable[[Sequence[Answered]], Vector]
"""A score for each answer, higher is better; only differences between answers to one question mean something."""

RIDGES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_DESCRIPTION, _WEIGHTS = "reward.json", "reward.safetensors"
_NEWTON_STEPS = 100


def preference_loss(chosen: Vector, rejected: Vector) -> float:
    """Mean −ln σ(r(chosen) − r(rejected)) in nats; ln 2 where a model cannot tell the answers apart."""
    return float(np.logaddexp(0.0, rejected - chosen).mean())


@dataclass(frozen=True)
class Head:
    """r(x) = w · (x − mean) / scale on the blocks named, in their order; `ridge` is the λ it was fitted with."""

    blocks: tuple[str, ...]
    mean: Vector
    scale: Vector
    weights: Vector
    ridge: float

    def score(self, matrices: Mapping[str, Matrix]) -> Vector:
        """Rewards (N,) of rows given as one matrix a block."""
        return np.asarray(((_side_by_side(matrices, self.blocks) - self.mean) / self.scale) @ self.weights)


class RewardModel:
    """A head with the features it reads."""

    def __init__(self, head: Head, features: Features) -> None:
        missing = set(head.blocks) - set(features.blocks)
        if missing:
            raise InputError(f"the reward model reads {', '.join(sorted(missing))}, which is not given")
        self.head = head
        self.features = Features({name: features.blocks[name] for name in head.blocks})

    def __call__(self, answers: Sequence[Answered]) -> Vector:
        """Rewards (N,)."""
        return self.head.score(self.features(answers)) if answers else np.zeros(0)


def anchored(reward: Reward, pairs: Sequence[Pair]) -> Reward:
    """The reward less what the authored answers to the same question earn on average: 0 is half-way between them.

    A reward's level differs from question to question, which would drown what changes from round to round.
    """
    both = reward([side for pair in pairs for side in (pair.better, pair.worse)])
    levels: dict[tuple[str, str], list[float]] = {}
    for pair, level in zip(pairs, both.reshape(-1, 2).mean(axis=1), strict=True):
        levels.setdefault((pair.prompt, pair.input), []).append(float(level))

    def relative(answers: Sequence[Answered]) -> Vector:
        middle = np.array([np.mean(levels[answer.prompt, answer.input]) for answer in answers])
        return np.asarray(reward(answers) - middle)

    return relative


@dataclass(frozen=True)
class Sides:
    """Features of the chosen and of the rejected answers of some pairs, row by row, one matrix (N, F) a block."""

    chosen: Mapping[str, Matrix]
    rejected: Mapping[str, Matrix]
    questions: tuple[tuple[str, str], ...]

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Sides:
        """The pairs of these rows."""
        index = np.asarray(rows, dtype=np.int64)
        return Sides(
            {name: matrix[index] for name, matrix in self.chosen.items()},
            {name: matrix[index] for name, matrix in self.rejected.items()},
            tuple(self.questions[row] for row in index),
        )


def sides_of(pairs: Sequence[Pair], features: Features) -> Sides:
    """Features of both answers of each pair."""
    return Sides(
        features([pair.better for pair in pairs]),
        features([pair.worse for pair in pairs]),
        tuple((pair.prompt, pair.input) for pair in pairs),
    )


def fit_head(sides: Sides, blocks: Sequence[str], ridge: float) -> Head:
    """The head that minimizes Σ −ln σ(w · Δ) + λ/2 ‖w‖² over standardized features; every block weighs the same.

    By w = Δᵀa only the N × N products of the pairs are needed, whatever the number of features.
    Raises `InputError` for a λ that is not above 0 and `TrainingError` when Newton's method does not settle.
    """
    if not ridge > 0:
        raise InputError(f"ridge {ridge} must be above 0: more features than pairs have no single optimum")
    chosen, rejected = (_side_by_side(side, blocks) for side in (sides.chosen, sides.rejected))
    both = np.concatenate([chosen, rejected])
    widths = np.concatenate([np.full(sides.chosen[name].shape[1], sides.chosen[name].shape[1]) for name in blocks])
    spread = both.std(axis=0)
    # A feature that never varies says nothing; the square root gives each block the same share of the squared length.
    scale = np.where(spread > 1e-9, spread, np.inf) * np.sqrt(widths)
    delta = (chosen - rejected) / scale
    kernel = delta @ delta.T
    dual = _newton(kernel, ridge)
    return Head(tuple(blocks), both.mean(axis=0), scale, delta.T @ dual, ridge)


def _newton(kernel: Matrix, ridge: float) -> Vector:
    """Dual weights a of min Σ ln(1 + exp(−m)) + λ/2 aᵀKa, m = Ka."""
    margins: Vector = np.zeros(len(kernel))
    for _ in range(_NEWTON_STEPS):
        miss = 1 / (1 + np.exp(margins))  # σ(−m), the gradient's size
        weight = miss * (1 - miss)
        system = ridge * np.eye(len(kernel)) + weight[:, None] * kernel
        dual = np.asarray(np.linalg.solve(system, miss + weight * margins), dtype=np.float64)
        moved = kernel @ dual - margins
        margins = margins + moved
        if np.abs(moved).max() < 1e-9 * max(1.0, float(np.abs(margins).max())):
            return dual
    raise TrainingError(f"the reward model did not settle in {_NEWTON_STEPS} Newton steps; raise its ridge ({ridge})")


@dataclass(frozen=True)
class Trial:
    """One candidate: its blocks and λ, and how it did on folds of the training pairs that it was not fitted on."""

    blocks: tuple[str, ...]
    ridge: float
    accuracy: float
    loss: float


def folds_of(questions: Sequence[tuple[str, str]], folds: int, *, seed: int) -> Vector:
    """A fold (0 … folds − 1) for each pair; pairs of one question share theirs. Raises `InputError` for too few."""
    unique = sorted(set(questions))
    if not 2 <= folds <= len(unique):
        raise InputError(f"{len(unique)} different questions cannot be put into {folds} folds; give more pairs")
    order = np.random.default_rng(seed).permutation(len(unique))
    fold = {unique[place]: rank % folds for rank, place in enumerate(order)}
    return np.array([fold[question] for question in questions])


def cross_validated(sides: Sides, blocks: Sequence[str], ridge: float, *, folds: int, seed: int) -> Vector:
    """r(chosen) − r(rejected) of every pair by a head that saw no pair of its fold, (N,)."""
    fold = folds_of(sides.questions, folds, seed=seed)
    margins = np.zeros(len(fold))
    for held in range(folds):
        inside, outside = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
        head = fit_head(sides.take(outside), blocks, ridge)
        part = sides.take(inside)
        margins[inside] = head.score(part.chosen) - head.score(part.rejected)
    return margins


def choose_head(
    sides: Sides, candidates: Iterable[Sequence[str]], *, folds: int = 5, seed: int = 0
) -> tuple[Head, list[Trial]]:
    """The head with the lowest cross-validated loss among candidate blocks and λ of `RIDGES`, fitted on all pairs.

    The loss decides rather than accuracy: on a few hundred pairs accuracy moves in steps too coarse to choose by.
    """
    trials = []
    for blocks in candidates:
        for ridge in RIDGES:
            margins = cross_validated(sides, blocks, ridge, folds=folds, seed=seed)
            loss = preference_loss(margins, np.zeros_like(margins))
            trials.append(Trial(tuple(blocks), ridge, accuracy(margins), loss))
    best = min(trials, key=lambda trial: trial.loss)
    return fit_head(sides, best.blocks, best.ridge), trials


def every_combination(blocks: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every non-empty choice of blocks, small ones first."""
    for size in range(1, len(blocks) + 1):
        yield from combinations(blocks, size)


def accuracy(margins: Vector) -> float:
    """Share of pairs whose chosen answer scores higher; a tie counts half."""
    return float(((margins > 0) + 0.5 * (margins == 0)).mean())


def save_head(head: Head, directory: Path) -> None:
    """Write the weights (safetensors) and what they are (JSON)."""
    from safetensors.numpy import save_file

    arrays = {"mean": head.mean, "scale": head.scale, "weights": head.weights}
    with storage_errors(directory):
        save_file(arrays, directory / _WEIGHTS)
    write_json(directory / _DESCRIPTION, {"blocks": list(head.blocks), "ridge": head.ridge})


def load_head(directory: Path) -> Head:
    """Read what `save_head` wrote. Raises `ArtifactError` for missing or damaged files."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    described = read_json(directory / _DESCRIPTION)
    try:
        arrays = load_file(directory / _WEIGHTS)
        blocks, ridge = tuple(described["blocks"]), float(described["ridge"])
        return Head(blocks, arrays["mean"], arrays["scale"], arrays["weights"], ridge)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{directory} holds no reward model ({error}); run `releaf run` to make it again"
        ) from error


def _side_by_side(matrices: Mapping[str, Matrix], blocks: Sequence[str]) -> Matrix:
    return np.hstack([matrices[name] for name in blocks])
