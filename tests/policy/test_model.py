from __future__ import annotations

from datetime import date

import pytest

from releaf.policy.model import Match, Mode, Policy, Source


def test_every_part_of_a_match_that_is_given_must_fit() -> None:
    match = Match(items=("battery",), materials=("steel",))
    assert match.fits("battery", "steel")
    assert not match.fits("battery", "electronic_parts")
    assert not match.fits("food_can", "steel")
    assert not match.fits(None, "steel")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Where do used needles go?", True),
        ("USED\n NEEDLES", True),
        ("a syringe.", True),
        ("Can I compost pine needles?", False),
        ("a syringeful of water", False),
        ("", False),
    ],
)
def test_keywords_fit_as_whole_words_whatever_their_case_and_spacing(text: str, fits: bool) -> None:
    assert Match(keywords=("used needles", "syringe")).fits(None, None, text) is fits


def test_a_keyword_is_no_pattern() -> None:
    assert not Match(keywords=("a.c",)).fits(None, None, "abc")
    assert Match(keywords=("c++",)).fits(None, None, "old c++ books")


def test_a_policy_holds_from_its_first_day_on() -> None:
    policy = Policy("p", "P", "1.0.0", date(2024, 7, 1), Mode.UNRESTRICTED)
    assert not policy.in_force(date(2024, 6, 30))
    assert policy.in_force(date(2024, 7, 1))


def test_a_citation_spells_out_its_source_and_place() -> None:
    source = Source("leaflet", "Leaflet", "Town hall", "2024")
    policy = Policy("p", "P", "1.0.0", date(2024, 7, 1), Mode.RULES, sources=(source,))
    assert policy.cite("leaflet") == "Leaflet, Town hall (2024)"
    assert policy.cite("leaflet#page 2") == "Leaflet, Town hall (2024), page 2"
