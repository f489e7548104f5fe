from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from releaf.vision.descriptor_kernel import colour_sums, gather_cells, orientation_sums
from releaf.vision.descriptors import CELLS, COLOUR_WIDTH, GRADIENT_WIDTH, STRIDE, describe
from releaf.vision.preprocessing import DETAIL


def picture(height: int = 60, width: int = 80, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=(height, width, 3), dtype=np.uint8)


def test_a_box_of_running_sums_is_the_sum_of_its_pixels():
    values = np.random.default_rng(0).random((9, 11, 3)).astype(np.float32)
    sums = colour_sums(values)
    box = sums[7, 9] - sums[2, 9] - sums[7, 3] + sums[2, 3]
    inside = values[2:7, 3:9].astype(np.float64)
    np.testing.assert_allclose(box[:3], inside.sum(axis=(0, 1)))
    np.testing.assert_allclose(box[3:], (inside**2).sum(axis=(0, 1)))


@pytest.mark.parametrize(("turn", "direction"), [(0, 0), (1, 2), (2, 4), (3, 6)])
def test_a_ramp_has_all_its_gradient_in_the_direction_it_rises(turn: int, direction: int):
    ramp = np.tile(np.arange(8, dtype=np.float32), (8, 1))  # rises to the right: direction 0
    for _ in range(turn):
        ramp = np.rot90(ramp, -1).copy()  # y points down, so a turn clockwise is a quarter of the circle on
    total = orientation_sums(ramp)[8, 8]
    assert total[direction] == pytest.approx(64.0)
    assert np.delete(total, direction) == pytest.approx(0.0, abs=1e-9)


def test_a_direction_between_two_bins_is_shared_by_them():
    angle = np.pi / 8  # halfway between bins 0 and 1
    y, x = np.mgrid[0:8, 0:8]
    total = orientation_sums((x * np.cos(angle) + y * np.sin(angle)).astype(np.float32))[8, 8]
    assert total[0] == pytest.approx(total[1], rel=1e-4)
    assert total[:2].sum() == pytest.approx(64.0, rel=1e-5)


def test_cells_of_a_patch_are_its_sixteen_boxes_row_by_row():
    values = np.random.default_rng(1).random((20, 20, 3)).astype(np.float32)
    cells = gather_cells(colour_sums(values), 4, 2)
    assert cells.shape == (9, 16, 6)
    np.testing.assert_allclose(cells[4, 6, :3], values[2 + 4 : 2 + 8, 2 + 8 : 2 + 12].sum(axis=(0, 1)), rtol=1e-5)


def test_a_flat_picture_has_no_gradient_and_its_own_colour():
    found = describe(np.full((40, 40, 3), (255, 0, 51), dtype=np.uint8))
    assert not found.gradient.any()
    cells = found.colour.reshape(-1, 16, 6)
    np.testing.assert_allclose(cells[..., :3], np.broadcast_to([1.0, 0.0, 0.2], cells[..., :3].shape), atol=1e-5)
    assert cells[..., 3:] == pytest.approx(0.0, abs=1e-3)


def test_gradients_are_of_unit_length_and_no_brightness_scale_changes_them():
    some = picture() // 2
    plain, bright = describe(some), describe(some * 2)
    np.testing.assert_allclose(np.linalg.norm(plain.gradient**2, axis=1), 1.0, rtol=1e-4)
    np.testing.assert_allclose(plain.gradient, bright.gradient, atol=1e-4)


def test_places_are_centres_of_patches_from_minus_half_to_half():
    found = describe(picture())
    assert np.abs(found.place).max() < 0.5
    np.testing.assert_allclose(found.place[0], [8 / 80 - 0.5, 8 / 60 - 0.5], rtol=1e-6)
    assert found.gradient.shape == (len(found.place), GRADIENT_WIDTH)
    assert found.colour.shape == (len(found.place), COLOUR_WIDTH)


@pytest.mark.parametrize("step", [2, 3, 4])
def test_coarser_running_sums_are_every_step_th_of_the_fine_ones(step: int):
    values = np.random.default_rng(2).random((21, 30, 3)).astype(np.float32)
    np.testing.assert_allclose(colour_sums(values, step), colour_sums(values)[::step, ::step], rtol=1e-12)
    grey = values[..., 0].copy()
    np.testing.assert_allclose(orientation_sums(grey, step), orientation_sums(grey)[::step, ::step], rtol=1e-12)


def test_directions_are_those_of_the_arctangent():
    """One pixel's magnitude goes to the two directions beside it, in the shares that its angle says."""
    grey = np.random.default_rng(3).random((9, 9)).astype(np.float32)
    grey[5] = grey[3]  # no difference by y in row 4
    grey[6, 3] = grey[6, 1]  # none by x at (6, 2)
    found = np.diff(np.diff(orientation_sums(grey), axis=0), axis=1)
    dy, dx = np.gradient(grey.astype(np.float64))
    turn = np.arctan2(dy, dx) % (2 * np.pi) / (2 * np.pi) * 8
    wanted = np.zeros((9, 9, 8))
    for y, x in np.ndindex(9, 9):
        low, share, magnitude = int(turn[y, x]), turn[y, x] % 1, np.hypot(dx[y, x], dy[y, x])
        wanted[y, x, low % 8] += magnitude * (1 - share)
        wanted[y, x, (low + 1) % 8] += magnitude * share
    np.testing.assert_allclose(found, wanted, atol=2e-6)


def reference(pixels: np.ndarray, cell: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and colour descriptors of one cell width, patch by patch, pixel by pixel, in double precision."""
    values = pixels / 255
    grey = gaussian_filter(values @ [0.299, 0.587, 0.114], cell / 4, mode="nearest")
    dy, dx = np.gradient(grey)
    magnitude, turn = np.hypot(dx, dy), np.arctan2(dy, dx) % (2 * np.pi) / (2 * np.pi) * 8
    away = np.abs(turn[..., None] - np.arange(8))
    planes = magnitude[..., None] * np.maximum(1 - np.minimum(away, 8 - away), 0)
    gradients, colours = [], []
    for top in range(0, len(grey) - 4 * cell + 1, stride):
        for left in range(0, grey.shape[1] - 4 * cell + 1, stride):
            corners = [(top + i * cell, left + j * cell) for i in range(4) for j in range(4)]
            boxes = [(slice(y, y + cell), slice(x, x + cell)) for y, x in corners]
            row = np.concatenate([planes[box].sum(axis=(0, 1)) for box in boxes])
            row = np.minimum(row / max(np.linalg.norm(row), 1e-3 * cell**2), 0.2)
            gradients.append(np.sqrt(row / max(np.linalg.norm(row), 1e-6)))
            means = [(values[box].mean(axis=(0, 1)), 2 * values[box].std(axis=(0, 1))) for box in boxes]
            colours.append(np.concatenate([part for pair in means for part in pair]))
    return np.array(gradients), np.array(colours)


@pytest.mark.parametrize("shape", [(40, 60), (37, DETAIL)])  # strides 2 and 6
def test_descriptors_are_what_the_definition_gives(shape: tuple[int, int]):
    pixels = gaussian_filter(picture(*shape), (1.5, 1.5, 0))
    found, stride = describe(pixels), 2 if shape[1] < DETAIL else STRIDE
    parts = [reference(pixels, cell, stride) for cell in CELLS if 4 * cell <= shape[0]]
    np.testing.assert_allclose(found.gradient, np.concatenate([part[0] for part in parts]), atol=1e-4)
    np.testing.assert_allclose(found.colour, np.concatenate([part[1] for part in parts]), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (15, 15), (4 * CELLS[0], 4 * CELLS[0])])
def test_a_picture_smaller_than_a_patch_still_has_one(shape: tuple[int, int]):
    found = describe(picture(*shape))
    assert len(found.place) >= 1
    assert all(np.isfinite(values).all() for values in found)
