"""Scaling laws and their fits: a power law with an offset in one quantity, and the joint law in parameters and tokens.

Both are fitted to the logarithm of the loss with Huber's loss, from several starts; uncertainty comes from resampled
runs. What a law says about a budget is in `optimum`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from releaf.language.scaling.runs import Array, Run, check, columns

HUBER = 1e-3
"""Residuals of the log loss beyond which they count linearly: Hoffmann et al. 2022, section 3.3."""
STEEPEST = 3.0
RESAMPLES = 200


@dataclass(frozen=True)
class PowerLaw:
    """L(x) = offset + scale / x^exponent, the loss in nats."""

    offset: float
    scale: float
    exponent: float

    def loss(self, x: float | Array) -> Array:
        """The loss at x."""
        return np.asarray(self.offset + self.scale * np.asarray(x, dtype=float) ** -self.exponent)


@dataclass(frozen=True)
class JointLaw:
    """L(N, D) = E + A / N^α + B / D^β, the loss in nats: Hoffmann et al. 2022, equation 10."""

    offset: float
    parameter_scale: float
    parameter_exponent: float
    token_scale: float
    token_exponent: float

    def loss(self, parameters: float | Array, tokens: float | Array) -> Array:
        """The loss of a model with N non-embedding parameters after D tokens."""
        n, d = np.asarray(parameters, dtype=float), np.asarray(tokens, dtype=float)
        by_size = self.parameter_scale * n**-self.parameter_exponent
        by_data = self.token_scale * d**-self.token_exponent
        return np.asarray(self.offset + by_size + by_data)


def fit_power(x: Sequence[float], losses: Sequence[float]) -> PowerLaw:
    """The power law with offset nearest to the points; raises `DataError` as `runs.check` does, or for a single x."""
    table = np.array([x, losses], dtype=float).T.reshape(-1, 2)
    check(table, "point")
    fitted = _fit([np.log(table[:, 0])], table[:, 1], _starts(table[:, 1], 1))
    return PowerLaw(float(np.exp(fitted[2])), float(np.exp(fitted[0])), float(fitted[1]))


def fit_joint(runs: Sequence[Run]) -> JointLaw:
    """The joint law nearest to the runs; raises `DataError` as `runs.columns` does."""
    parameters, tokens, losses = columns(runs)
    return _joint(_fit([np.log(parameters), np.log(tokens)], losses, _starts(losses, 2)))


def resampled_joint(runs: Sequence[Run], law: JointLaw, *, resamples: int = RESAMPLES, seed: int = 0) -> list[JointLaw]:
    """The law fitted to runs drawn anew with replacement, each from where `law` stands: its spread is the uncertainty.

    Draws that do not vary in parameters or in tokens are drawn again.
    """
    parameters, tokens, losses = columns(runs)
    random = np.random.default_rng(seed)
    start = np.array(
        [
            np.log(law.parameter_scale),
            law.parameter_exponent,
            np.log(law.token_scale),
            law.token_exponent,
            np.log(law.offset),
        ]
    )
    laws: list[JointLaw] = []
    while len(laws) < resamples:
        chosen = random.integers(len(runs), size=len(runs))
        # Five constants want at least three sizes and three budgets, where there are as many.
        if any(len(np.unique(v[chosen])) < min(3, len(np.unique(v))) for v in (parameters, tokens)):
            continue
        logs = [np.log(parameters[chosen]), np.log(tokens[chosen])]
        laws.append(_joint(_fit(logs, losses[chosen], [start])))
    return laws


def _joint(fitted: Array) -> JointLaw:
    a, alpha, b, beta, e = (float(value) for value in fitted)
    return JointLaw(float(np.exp(e)), float(np.exp(a)), alpha, float(np.exp(b)), beta)


def _starts(losses: Array, terms: int) -> list[Array]:
    """Where fits begin: every mix of slow and fast exponents with a low and a high offset.

    The scale of a term is left at NaN: `_fit` sets it so that the term is half of what the offset leaves of the loss.
    """
    offsets = [np.log(losses.min() * share) for share in (0.2, 0.6, 0.95)]
    exponents = product((0.1, 0.4, 1.0), repeat=terms)
    return [
        np.array([value for exponent in chosen for value in (np.nan, exponent)] + [offset])
        for chosen, offset in product(exponents, offsets)
    ]


def _fit(logs: list[Array], losses: Array, starts: Sequence[Array]) -> Array:
    """The best fit of ln L = ln Σ exp(aᵢ − αᵢ·ln xᵢ) + exp(e) as (a₁, α₁, …, e)."""
    from scipy.optimize import least_squares

    target = np.log(losses)
    residuals, jacobian = _model(logs, target)
    low = np.array([-np.inf, 0.0] * len(logs) + [-30.0])
    high = np.array([np.inf, STEEPEST] * len(logs) + [float(target.min())])
    found = []
    for start in starts:
        point = np.clip(_scaled(start, logs, losses), low + 1e-9, high - 1e-9)
        # Huber's loss is nearly flat far from the points: squares lead there first.
        for loss in ("linear", "huber"):
            result = least_squares(
                residuals,
                point,
                jac=jacobian,
                bounds=(low, high),
                loss=loss,
                f_scale=HUBER,
                x_scale="jac",
                max_nfev=1000,
            )
            point = np.clip(result.x, low + 1e-9, high - 1e-9)
        found.append((float(result.cost), result.x))
    return np.asarray(min(found, key=lambda pair: pair[0])[1])


def _scaled(start: Array, logs: list[Array], losses: Array) -> Array:
    """Fill in the scales that a start leaves open."""
    filled = start.copy()
    left = max(float(losses.mean() - np.exp(start[-1])), 1e-6) / len(logs)
    for index, log in enumerate(logs):
        if np.isnan(filled[2 * index]):
            filled[2 * index] = np.log(left) + filled[2 * index + 1] * log.mean()
    return filled


def _model(logs: list[Array], target: Array) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """Residuals of the log loss, and their derivatives: the share of each term in the sum."""

    def terms(point: Array) -> Array:
        parts = [point[2 * i] - point[2 * i + 1] * log for i, log in enumerate(logs)]
        return np.stack([*parts, np.full_like(target, point[-1])])

    def residuals(point: Array) -> Array:
        return np.asarray(np.logaddexp.reduce(terms(point), axis=0) - target)

    def jacobian(point: Array) -> Array:
        values = terms(point)
        shares = np.exp(values - np.logaddexp.reduce(values, axis=0))
        by_term = [column for share, log in zip(shares, logs, strict=False) for column in (share, -share * log)]
        return np.stack([*by_term, shares[-1]], axis=1)

    return residuals, jacobian
