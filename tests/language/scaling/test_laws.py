from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.language.scaling.laws import JointLaw, PowerLaw, fit_joint, fit_power, resampled_joint
from releaf.language.scaling.optimum import (
    CHINCHILLA,
    CHINCHILLA_EXPONENTS,
    compute_exponent,
    exponents,
    interval,
    optimum,
)
from releaf.language.scaling.runs import Run

SMALL = JointLaw(2.1, 40.0, 0.35, 900.0, 0.6)


def runs_of(law: JointLaw, sizes: list[int], tokens: list[int], noise: float = 0.0) -> list[Run]:
    random = np.random.default_rng(0)
    return [Run(n, d, float(law.loss(n, d)) * math.exp(noise * random.normal())) for n in sizes for d in tokens]


@pytest.mark.parametrize(
    ("law", "sizes", "tokens"),
    [
        (CHINCHILLA, [10**7, 10**8, 10**9, 10**10], [10**9, 10**10, 10**11]),
        (SMALL, [20_000, 60_000, 200_000, 600_000], [20_000, 80_000, 320_000]),
    ],
    ids=["published", "small"],
)
def test_the_constants_of_a_known_law_are_found_again(law: JointLaw, sizes: list[int], tokens: list[int]) -> None:
    found = fit_joint(runs_of(law, sizes, tokens))

    np.testing.assert_allclose(astuple(found), astuple(law), rtol=0.02)


def test_a_noisy_law_keeps_its_exponents_within_its_uncertainty_and_predicts() -> None:
    runs = runs_of(SMALL, [20_000, 60_000, 200_000, 600_000], [20_000, 80_000, 320_000, 1_280_000], noise=0.003)
    found = fit_joint(runs)
    laws = resampled_joint(runs, found, resamples=40)
    low, high = interval([law.token_exponent for law in laws], 0.98)

    assert low <= SMALL.token_exponent <= high
    assert float(found.loss(2e6, 4e6)) == pytest.approx(float(SMALL.loss(2e6, 4e6)), rel=0.02)


def test_one_run_that_went_wrong_does_not_pull_the_law_away() -> None:
    runs = runs_of(SMALL, [20_000, 60_000, 200_000, 600_000], [20_000, 80_000, 320_000])
    spoilt = [Run(runs[5].parameters, runs[5].tokens, 2 * runs[5].loss), *runs[:5], *runs[6:]]

    assert fit_joint(spoilt).token_exponent == pytest.approx(SMALL.token_exponent, rel=0.05)


def test_resampling_is_repeatable() -> None:
    runs = runs_of(SMALL, [20_000, 60_000, 200_000], [20_000, 80_000, 320_000], noise=0.01)
    law = fit_joint(runs)

    assert resampled_joint(runs, law, resamples=3) == resampled_joint(runs, law, resamples=3)


@pytest.mark.parametrize("law", [PowerLaw(1.5, 30.0, 0.3), PowerLaw(0.5, 400.0, 0.8)])
def test_a_power_law_with_offset_is_found_again(law: PowerLaw) -> None:
    x = [1e3, 1e4, 1e5, 1e6, 1e7]
    found = fit_power(x, law.loss(np.array(x)).tolist())

    np.testing.assert_allclose(astuple(found), astuple(law), rtol=0.02)


def test_the_optimum_is_where_a_search_finds_it() -> None:
    best = optimum(SMALL, 1e12)
    sizes = np.geomspace(1e3, 1e8, 20_001)
    found = int(np.argmin(SMALL.loss(sizes, 1e12 / 6 / sizes)))

    assert best.parameters == pytest.approx(sizes[found], rel=1e-3)
    assert 6 * best.parameters * best.tokens == pytest.approx(1e12)
    assert best.tokens_a_parameter == pytest.approx(best.tokens / best.parameters)


def test_the_published_law_has_the_published_exponents() -> None:
    # Hoffmann et al. 2022, table 2, third approach: a = 0.46 and b = 0.54 (0.45 and 0.55 from the rounded constants).
    a, b = exponents(CHINCHILLA)

    assert a == pytest.approx(0.45, abs=0.01)
    assert b == pytest.approx(0.55, abs=0.01)
    assert a == pytest.approx(CHINCHILLA_EXPONENTS["N"], abs=0.05)


def test_the_loss_falls_with_compute_as_between_two_optima() -> None:
    near, far = (optimum(SMALL, compute).loss - SMALL.offset for compute in (1e12, 1e14))

    assert math.log(near / far) / math.log(100) == pytest.approx(compute_exponent(SMALL))


def test_compute_is_six_times_parameters_times_tokens() -> None:
    assert Run(1000, 2000, 3.0).compute == 12e6


def test_a_law_that_does_not_fall_with_parameters_has_no_optimum() -> None:
    with pytest.raises(DataError, match="what does not lower the loss has no best amount"):
        optimum(JointLaw(2.0, 1.0, 0.0, 100.0, 0.5), 1e12)


GOOD = [(1000, 10_000, 4.0), (1000, 20_000, 3.5), (2000, 10_000, 3.8), (2000, 20_000, 3.2)]


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([], "0 points cannot show a law: at least 4 are needed"),
        (GOOD[:3], "3 points cannot show a law"),
        ([*GOOD, (4000, 10_000, math.nan)], r"run 4 has \[4000.0, 10000.0, nan\]"),
        ([*GOOD, (4000, 10_000, -1.0)], "run 4 has"),
        ([(n, d, 3.0) for n, d, _ in GOOD], "all 4 losses are 3; nothing falls"),
        ([(1000, d, loss) for _, d, loss in GOOD], "all 4 runs have 1000 parameters"),
        ([(n, 500, loss) for n, _, loss in GOOD], "all 4 runs have 500 tokens"),
    ],
)
def test_runs_that_show_no_law_are_refused(points: list[tuple[int, int, float]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit_joint([Run(*point) for point in points])


def test_points_that_show_no_power_law_are_refused() -> None:
    with pytest.raises(DataError, match="at least 4 are needed"):
        fit_power([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
