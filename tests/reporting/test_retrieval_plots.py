from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from releaf.reporting.pictures import DPI
from releaf.reporting.retrieval_plots import PAGE_INCHES, Sweep, apart, level_bars, over_depth, sweeps

BLUE, ORANGE, GREY_LINE = (0, 114, 178), (230, 159, 0), (127, 127, 127)
DEPTHS = (1, 3, 10)


def pixels(image: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(image)) as opened:
        return np.asarray(opened.convert("RGB"))


def area(image: bytes, colour: tuple[int, int, int]) -> int:
    return int((pixels(image) == colour).all(axis=-1).sum())


def test_labels_that_are_apart_stay_where_they_are() -> None:
    assert apart([0.9, 0.1, 0.5], 0.1) == pytest.approx([0.9, 0.1, 0.5])


def test_two_labels_in_one_place_move_by_half_the_gap_each() -> None:
    assert apart([0.5, 0.5], 0.2) == pytest.approx([0.6, 0.4])  # the first given stands above


def test_a_label_pushed_into_its_neighbour_moves_both() -> None:
    # 0.0, 0.1 and 0.2 a gap of 0.2 apart: the middle one stays, the outer ones move 0.1 outwards
    assert apart([0.0, 0.1, 0.2], 0.2) == pytest.approx([-0.1, 0.1, 0.3])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0.01, 0.3))
def test_labels_keep_their_gap_their_order_and_their_mean(values: list[float], gap: float) -> None:
    placed = apart(values, gap)
    assert all(one - other >= gap - 1e-9 for other, one in zip(sorted(placed), sorted(placed)[1:], strict=False))
    for one, other in zip(values, placed, strict=True):
        assert all(there < other for value, there in zip(values, placed, strict=True) if value < one)
    assert np.mean(placed) == pytest.approx(np.mean(values), abs=1e-9)


def test_seven_methods_fit_on_a_page_and_the_served_one_is_blue() -> None:
    methods = {f"method {n}": {k: 0.5 + 0.01 * n + 0.02 * k for k in DEPTHS} for n in range(7)}
    image = over_depth({"NDCG@k": methods, "Recall@k": methods}, "method 3", DEPTHS)
    assert pixels(image).shape[1] == round(PAGE_INCHES * DPI)
    assert area(image, BLUE) > 2 * area(image, ORANGE) > 0


def test_methods_with_the_same_figures_can_be_drawn() -> None:
    flat = dict.fromkeys(DEPTHS, 0.5)
    assert over_depth({"NDCG@k": {"rrf": flat, "mmr": flat}}, "rrf", DEPTHS).startswith(b"\x89PNG")


def test_a_bar_is_as_long_as_the_share_that_was_right() -> None:
    half = level_bars({"rrf": {"high": (1000, 0.4), "low": (0, None)}}, "rrf")
    full = level_bars({"rrf": {"high": (1000, 0.8), "low": (0, None)}}, "rrf")
    assert area(full, BLUE) == pytest.approx(2 * area(half, BLUE), rel=0.05)


def test_a_level_that_never_occurred_has_no_bar() -> None:
    assert area(level_bars({"rrf": {"high": (0, None)}}, "rrf"), BLUE) == 0


def test_what_was_chosen_is_ringed_on_a_curve_and_on_a_level() -> None:
    curves, levels = {"weighted": {0.2: 0.6, 0.8: 0.7}}, {"rrf": (0.65, "weighted")}
    plain = sweeps([Sweep("t", "weight", curves, levels)], "NDCG@10")
    on_curve = sweeps([Sweep("t", "weight", curves, levels, (0.8, 0.7))], "NDCG@10")
    on_level = sweeps([Sweep("t", "weight", curves, levels, (None, 0.65))], "NDCG@10")
    assert len({plain, on_curve, on_level}) == 3


def test_a_level_without_a_curve_is_grey() -> None:
    curve = {"reranked": {0.2: 0.6, 0.8: 0.7}}
    grey, blue = (sweeps([Sweep("t", "w", curve, {"alone": (0.65, partner)})], "y") for partner in ("", "reranked"))
    assert area(grey, GREY_LINE) > 10 * area(blue, GREY_LINE)  # a few pixels of blended letters
    assert area(blue, BLUE) > area(grey, BLUE)


def test_candidates_that_are_all_alike_can_be_drawn() -> None:
    assert sweeps([Sweep("t", "weight", {"weighted": {0.5: 0.7}})], "NDCG@10").startswith(b"\x89PNG")
