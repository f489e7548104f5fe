from __future__ import annotations

import math

import pytest

from releaf.reporting.blocks import Picture, figure, interval, value_text, wilson
from releaf.reporting.pictures import DPI, drawing, png


def test_wilson_interval_of_half_of_ten() -> None:
    # (0.5 + 1.96²/20 ± 1.96·√(0.025 + 1.96²/400)) / (1 + 1.96²/10), by hand
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_wilson_interval_stays_between_zero_and_one() -> None:
    low, high = wilson(1.0, 5)
    assert 0 < low < 1
    assert high == 1.0
    assert wilson(math.nan, 0) == (0.0, 1.0)


def test_missing_numbers_are_a_dash() -> None:
    assert figure(None) == figure(math.nan) == value_text(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1274, "1,274"),
        (3.0, "3"),
        (0.0125, "0.0125"),
        (True, "yes"),
        (False, "no"),
        ("adam", "adam"),
        (0.123456, "0.1235"),
    ],
)
def test_values_are_written_as_a_person_would(value: object, text: str) -> None:
    assert value_text(value) == text


def test_bounds_carry_signs_when_one_is_negative() -> None:
    assert interval(-0.012, 0.034) == "-0.012 to +0.034"
    assert interval(0.1, 0.2) == "0.100 to 0.200"


def test_a_plot_is_shown_at_its_size_in_inches() -> None:
    with drawing(5.0, 2.0) as (plot, _):
        assert Picture("five inches", png(plot)).width == 5 * 96
    assert DPI > 96
