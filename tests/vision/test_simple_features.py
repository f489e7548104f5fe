from __future__ import annotations

import colorsys

import numpy as np
import pytest

from releaf.errors import InputError
from releaf.vision.simple_features import PARTS, WIDTH, hsv, pattern_histogram, simple_feature_table, simple_features


def part(features: np.ndarray, name: str) -> np.ndarray:
    before = list(PARTS)[: list(PARTS).index(name)]
    start = sum(PARTS[other] for other in before)
    return features[start : start + PARTS[name]]


def plain(colour: tuple[int, int, int], side: int = 16) -> np.ndarray:
    return np.full((side, side, 3), colour, dtype=np.uint8)


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(40, 40, 3), dtype=np.uint8)


def test_there_are_247_finite_numbers_whatever_the_size(noise: np.ndarray) -> None:
    assert WIDTH == 247
    for picture in (noise, noise[:8, :8], noise[:9, :13], np.tile(noise, (6, 6, 1)), plain((0, 0, 0))):
        found = simple_features(picture)
        assert found.shape == (247,)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


def test_hsv_is_that_of_the_standard_library(noise: np.ndarray) -> None:
    picture = noise.copy()
    picture[0, :3] = [(0, 0, 0), (255, 255, 255), (90, 90, 90)]
    found = np.stack(hsv(picture.astype(np.float32)), axis=2).reshape(-1, 3)
    expected = [colorsys.rgb_to_hsv(*(pixel / 255)) for pixel in picture.reshape(-1, 3)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_plain_red_picture_is_one_cell_of_the_histogram_and_has_no_spread() -> None:
    found = simple_features(plain((255, 0, 0)))
    histogram = part(found, "hsv")
    assert histogram[0 * 9 + 2 * 3 + 2] == 1.0  # hue 0, highest saturation, highest value
    assert histogram.sum() == 1.0
    np.testing.assert_array_equal(part(found, "moments").reshape(5, 3)[:, 0], [1, 0, 0, 1, 1])
    np.testing.assert_array_equal(part(found, "moments").reshape(5, 3)[:, 1:], 0)
    np.testing.assert_allclose(part(found, "hue"), [1, 0], atol=1e-6)
    assert part(found, "orientation").sum() == 0
    np.testing.assert_array_equal(part(found, "strength"), [1, 0, 0, 0, 0, 0, 0, 0])


def test_moments_are_mean_deviation_and_cube_root_of_the_third_moment() -> None:
    picture = plain((0, 0, 0), 8)
    picture[:2] = 255  # a quarter of the pixels: mean 1/4, variance 3/16, third moment 3/32
    red = part(simple_features(picture), "moments")[:3]
    np.testing.assert_allclose(red, [0.25, np.sqrt(3 / 16), np.cbrt(3 / 32)], rtol=1e-5)


def test_a_vertical_edge_has_one_direction_in_the_quarters_it_crosses() -> None:
    picture = plain((0, 0, 0), 18)
    picture[:, 6:] = 200  # left half of the picture
    directions = part(simple_features(picture), "orientation").reshape(4, 8)
    np.testing.assert_allclose(directions[[0, 2], 0], np.sqrt(0.5), rtol=1e-5)
    assert directions[[1, 3]].sum() == 0
    assert directions[:, 1:].sum() == 0


def test_directions_do_not_tell_light_from_dark_sides() -> None:
    picture = np.tile(np.arange(0, 160, 8, dtype=np.uint8)[None, :, None], (20, 1, 3))
    turned = 255 - picture
    np.testing.assert_allclose(
        part(simple_features(picture), "orientation"), part(simple_features(turned), "orientation"), atol=1e-6
    )


def test_patterns_of_a_flat_picture_are_all_ones_and_those_of_a_checkerboard_are_not_uniform() -> None:
    flat = pattern_histogram(np.full((6, 6), 7.0, dtype=np.float32))
    assert flat[57] == 1.0  # code 255 is the last of the 58 uniform ones
    board = (np.indices((6, 6)).sum(axis=0) % 2).astype(np.float32)
    shares = pattern_histogram(board)
    # A bright pixel has four equal neighbours at its corners, 10101010: eight changes. A dark one is below all: 255.
    assert shares[58] == 0.5
    assert shares[57] == 0.5


def test_patterns_do_not_change_with_any_rising_curve_of_brightness(noise: np.ndarray) -> None:
    grey = noise[:, :, 0].astype(np.float32)
    np.testing.assert_array_equal(pattern_histogram(grey), pattern_histogram(np.sqrt(grey) * 3 + 1))


def test_a_picture_and_its_enlargement_beyond_96_pixels_have_the_same_features(noise: np.ndarray) -> None:
    small = np.tile(noise, (2, 2, 1))[:64, :64]
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(simple_features(large), simple_features(small))


def test_the_table_holds_each_picture_by_itself(noise: np.ndarray) -> None:
    both = np.stack([noise, plain((9, 80, 200), 40)])
    table = simple_feature_table(both)
    np.testing.assert_array_equal(table, [simple_features(picture) for picture in both])
    assert simple_feature_table(both[:0]).shape == (0, 247)


@pytest.mark.parametrize("wrong", [np.zeros((16, 16)), np.zeros((16, 16, 3)), np.zeros((4, 4, 3), np.uint8)])
def test_other_arrays_are_refused_with_their_form(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match=rf"a picture \({wrong.shape[0]}, .* must be \(S, S, 3\) of uint8"):
        simple_features(wrong)
