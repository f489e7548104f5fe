"""From trained runs to what the scaling report says: the law, its uncertainty, its prediction, the best of a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from releaf.errors import DataError
from releaf.language.scaling.laws import JointLaw, PowerLaw, fit_joint, fit_power, resampled_joint
from releaf.language.scaling.optimum import Optimum, compute_exponent, exponents, falls_with_both, interval, optimum
from releaf.language.scaling.runs import FEWEST, Run

Interval = tuple[float, float]
BUDGETS = (0.1, 1.0, 10.0)
"""Budgets that the best size is told for, as multiples of the held-out run's compute."""


@dataclass(frozen=True)
class Scaling:
    """What the grid shows.

    law: L(N, D) fitted to the grid alone. laws: the same to resampled grids. by_parameters, by_tokens: power laws with
    offset along the largest budget and along the largest size (None where fewer than four runs lie there).
    by_compute: exponent of L(C) when every budget is split best, by the law; the grid's own runs end at one number of
    tokens, so that its dearest ones are not split best. predicted: loss of the held-out run, in nats. error: how far
    off that is, relative. intervals: the middle 90 % of `laws`, of each exponent and of the prediction. optima: the
    best of each budget.
    """

    grid: tuple[Run, ...]
    held_out: Run
    law: JointLaw
    laws: tuple[JointLaw, ...]
    by_parameters: PowerLaw | None
    by_tokens: PowerLaw | None
    by_compute: float
    predicted: float
    error: float
    intervals: dict[str, Interval]
    optima: tuple[Optimum, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything but the resampled laws as plain JSON values."""
        return {name: value for name, value in asdict(self).items() if name != "laws"}


def analyse(grid: Sequence[Run], held_out: Run, *, resamples: int = 200, seed: int = 0) -> Scaling:
    """Fit the grid and hold the law against the run that it has not seen.

    Raises `DataError` as `fit_joint` does, and for a law that does not fall with parameters and tokens.
    """
    law = fit_joint(grid)
    laws = tuple(resampled_joint(grid, law, resamples=resamples, seed=seed))
    predicted = float(law.loss(held_out.parameters, held_out.tokens))
    return Scaling(
        grid=tuple(grid),
        held_out=held_out,
        law=law,
        laws=laws,
        by_parameters=_along(grid, lambda run: run.parameters, lambda run: run.tokens),
        by_tokens=_along(grid, lambda run: run.tokens, lambda run: run.parameters),
        by_compute=compute_exponent(law),
        predicted=predicted,
        error=abs(predicted / held_out.loss - 1),
        intervals=_intervals(laws, held_out),
        optima=tuple(optimum(law, share * held_out.compute) for share in BUDGETS),
    )


def _along(runs: Sequence[Run], by: Callable[[Run], int], largest: Callable[[Run], int]) -> PowerLaw | None:
    most = max(largest(run) for run in runs)
    return _power([(float(by(run)), run.loss) for run in runs if largest(run) == most])


def _power(points: Sequence[tuple[float, float]]) -> PowerLaw | None:
    if len(points) < FEWEST:
        return None
    return fit_power([x for x, _ in points], [loss for _, loss in points])


def _intervals(laws: Sequence[JointLaw], held_out: Run) -> dict[str, Interval]:
    usable = [law for law in laws if falls_with_both(law)]
    if not usable:
        raise DataError("no resampled law falls with parameters and tokens; train a wider grid")
    shares = [exponents(law)[0] for law in usable]
    return {
        "alpha": interval([law.parameter_exponent for law in laws]),
        "beta": interval([law.token_exponent for law in laws]),
        "offset": interval([law.offset for law in laws]),
        "size_exponent": interval(shares),
        "token_exponent": interval([1 - share for share in shares]),
        "compute": interval([compute_exponent(law) for law in usable]),
        "prediction": interval([float(law.loss(held_out.parameters, held_out.tokens)) for law in laws]),
    }
