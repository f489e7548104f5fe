from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional
from torchvision.transforms.v2 import functional as reference

from releaf.vision import augmentation
from releaf.vision.augmentation import (
    Augmentation,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    augment,
)

NOTHING = Augmentation(scale=(1.0, 1.0), flip=0.0, rotate=0.0, jitter=0.0, noise=0.0)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (6, 3, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_defaults_are_the_specified_ones():
    assert Augmentation() == Augmentation(
        scale=(0.8, 1.0), flip=0.5, rotate=0.5, degrees=15.0, jitter=0.5, brightness=0.2, contrast=0.2,
        saturation=0.2, hue=0.05, noise=0.3, variance=(10.0, 50.0),
    )  # fmt: skip


def test_one_generator_state_gives_one_result(images: torch.Tensor):
    first, second, other = (augment(images, Augmentation(), seeded(s)) for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_values_stay_in_range_and_shapes_stay(images: torch.Tensor):
    changed = augment(images, Augmentation(), seeded())
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_a_crop_of_everything_without_changes_is_the_image(images: torch.Tensor):
    torch.testing.assert_close(augment(images, NOTHING, seeded()), images.float(), rtol=0, atol=0.01)


def test_a_flip_mirrors_left_and_right(images: torch.Tensor):
    plain = augment(images, NOTHING, seeded(3))
    mirrored = augment(images, replace(NOTHING, flip=1.0), seeded(3))
    torch.testing.assert_close(mirrored, plain.flip(3), rtol=1e-4, atol=1e-2)


def test_about_half_of_the_images_are_flipped():
    ramp = torch.arange(16, dtype=torch.uint8).repeat(400, 3, 16, 1) * 10
    changed = augment(ramp, replace(NOTHING, flip=0.5), seeded())
    flipped = (changed[:, 0, :, 0].mean(dim=1) > changed[:, 0, :, -1].mean(dim=1)).float().mean()
    assert 0.42 < flipped < 0.58


def test_crops_keep_between_four_fifths_and_all_of_the_area():
    # On a ramp of slope 1 the range of what is left shows the crop's width; the height likewise.
    ramp = torch.linspace(0, 255, 64).repeat(200, 1, 64, 1).expand(-1, 3, -1, -1)
    wide = augment(ramp, replace(NOTHING, scale=(0.8, 1.0)), seeded(5))
    tall = augment(ramp.transpose(2, 3), replace(NOTHING, scale=(0.8, 1.0)), seeded(5)).transpose(2, 3)
    width = (wide[:, 0, 32, 50] - wide[:, 0, 32, 13]) / (255 / 63 * 37)
    height = (tall[:, 0, 32, 50] - tall[:, 0, 32, 13]) / (255 / 63 * 37)
    area = width * height
    assert area.max() <= 1.01
    assert area.min() >= 0.79
    assert (width / height).max() <= 4 / 3 + 0.01


def test_rotations_stay_within_fifteen_degrees():
    canvas = torch.zeros(100, 3, 65, 65)
    canvas[:, :, 32, 40:] = 255  # a ray to the right of the centre
    turned = augment(canvas, replace(NOTHING, rotate=1.0), seeded(2))[:, 0]
    rows = torch.arange(65.0)
    column = turned[:, :, 60]
    offset = ((column * rows).sum(1) / column.sum(1) - 32) / 28
    degrees = torch.rad2deg(torch.atan(offset))
    assert degrees.abs().max() <= 19.5  # 15, seen through a crop of up to 1 : 0.8, and half a pixel
    assert degrees.std() > 5


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.2])
def test_brightness_contrast_and_saturation_equal_torchvision(images: torch.Tensor, factor: float):
    pixels, factors = images.float(), torch.full((6, 1, 1, 1), factor)
    scaled = pixels / 255
    for ours, theirs in (
        (adjust_brightness, reference.adjust_brightness),
        (adjust_contrast, reference.adjust_contrast),
        (adjust_saturation, reference.adjust_saturation),
    ):
        torch.testing.assert_close(ours(pixels, factors) / 255, theirs(scaled, factor), rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("shift", [-0.05, 0.0, 0.03, 0.4])
def test_hue_equals_torchvision(images: torch.Tensor, shift: float):
    ours = adjust_hue(images.float(), torch.full((6, 1, 1), shift))
    torch.testing.assert_close(ours / 255, reference.adjust_hue(images.float() / 255, shift), rtol=1e-3, atol=1e-3)


def test_a_third_of_a_turn_makes_red_green():
    red = torch.tensor([255.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    assert adjust_hue(red, torch.full((1, 1, 1), 1 / 3)).flatten().tolist() == pytest.approx(
        [0.0, 255.0, 0.0], abs=0.01
    )


def test_noise_has_the_asked_variance_and_share():
    grey = torch.full((600, 3, 8, 8), 128, dtype=torch.uint8)
    changed = augment(grey, replace(NOTHING, noise=0.3), seeded(4)) - 128
    variance = changed.flatten(1).var(dim=1)
    noisy = variance > 1
    assert 0.24 < noisy.float().mean() < 0.36
    assert 25 < variance[noisy].mean() < 35  # uniform on 10 to 50: mean 30


def test_images_that_are_not_chosen_are_left_as_they_are(images: torch.Tensor):
    plain = augment(images, NOTHING, seeded(6))
    for plan in (replace(NOTHING, jitter=0.5), replace(NOTHING, noise=0.5)):
        same = (augment(images, plan, seeded(6)) == plain).flatten(1).all(dim=1)
        assert 0 < int(same.sum()) < len(images)


def test_the_layout_of_the_pixels_in_memory_changes_nothing(images: torch.Tensor):
    interleaved = images.contiguous(memory_format=torch.channels_last)
    first, second = (augment(pixels, Augmentation(), seeded(7)) for pixels in (images, interleaved))
    assert torch.equal(first, second)


def test_the_batch_that_was_given_is_not_changed(images: torch.Tensor):
    before = images.clone()
    augment(images, replace(Augmentation(), jitter=1.0, noise=1.0), seeded(8))
    assert torch.equal(images, before)


def test_coordinates_equal_those_of_affine_grid():
    maps = torch.randn(4, 2, 3, generator=seeded(9))
    ours = augmentation._sampling_grid(maps, 5, 7)
    torch.testing.assert_close(ours, functional.affine_grid(maps, [4, 3, 5, 7], align_corners=False))


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.5])
def test_grey_has_no_hue_to_move(shift: float):
    grey = torch.arange(256.0).repeat(1, 3, 1, 1)
    torch.testing.assert_close(adjust_hue(grey, torch.full((1, 1, 1), shift)), grey)
