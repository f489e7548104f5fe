from __future__ import annotations

import json

import numpy as np
import pytest

from releaf.language.scaling.laws import JointLaw
from releaf.language.scaling.runs import Run
from releaf.language.scaling.study import BUDGETS, Scaling, analyse

LAW = JointLaw(2.1, 40.0, 0.35, 900.0, 0.6)
SIZES, TOKENS = (20_000, 60_000, 200_000, 600_000), (20_000, 40_000, 80_000, 160_000)


@pytest.fixture(scope="module")
def found() -> Scaling:
    random = np.random.default_rng(1)
    grid = [Run(n, d, float(LAW.loss(n, d)) * float(1 + 0.002 * random.normal())) for n in SIZES for d in TOKENS]
    return analyse(grid, Run(1_200_000, 320_000, float(LAW.loss(1_200_000, 320_000))), resamples=20)


def test_the_loss_of_a_larger_run_is_predicted(found: Scaling) -> None:
    assert found.error < 0.02
    assert found.predicted == pytest.approx(found.held_out.loss, rel=0.02)


def test_a_held_out_loss_ten_percent_higher_is_an_error_of_a_tenth(found: Scaling) -> None:
    worse = analyse(found.grid, Run(1_200_000, 320_000, found.predicted / 0.9), resamples=2)

    assert worse.error == pytest.approx(0.1)


def test_laws_along_each_side_of_the_grid_are_fitted(found: Scaling) -> None:
    assert found.by_tokens is not None
    assert found.by_parameters is not None
    assert found.by_tokens.exponent == pytest.approx(LAW.token_exponent, abs=0.2)


def test_intervals_hold_the_fitted_exponents_and_budgets_their_compute(found: Scaling) -> None:
    low, high = found.intervals["beta"]

    assert low <= found.law.token_exponent <= high
    for best, share in zip(found.optima, BUDGETS, strict=True):
        assert 6 * best.parameters * best.tokens == pytest.approx(share * found.held_out.compute)


def test_what_is_found_is_plain_json(found: Scaling) -> None:
    assert json.loads(json.dumps(found.as_json()))["law"]["token_exponent"] == found.law.token_exponent


def test_a_side_with_fewer_than_four_runs_has_no_law_of_its_own() -> None:
    grid = [Run(n, d, float(LAW.loss(n, d))) for n in SIZES[:3] for d in TOKENS[:3]]
    few = analyse(grid, Run(1_200_000, 320_000, 3.0), resamples=2)

    assert (few.by_parameters, few.by_tokens) == (None, None)
