"""Random changes to training images, whole batches at a time.

A crop, a flip and a rotation are one affine resampling, then colour, then noise. Normalizing is in `preprocessing`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """What is changed and how often.

    scale: smallest and largest share of the area that a crop keeps; its aspect ratio is 3/4 to 4/3, log-uniform.
    flip, rotate, jitter, noise: share of images mirrored, turned, recoloured and made noisy. degrees: largest turn.
    brightness, contrast, saturation: factors lie in 1 ± this; hue: shift in ± this share of the colour circle.
    variance: of the Gaussian noise, on the 0 to 255 scale.
    """

    scale: tuple[float, float] = (0.8, 1.0)
    flip: float = 0.5
    rotate: float = 0.5
    degrees: float = 15.0
    jitter: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.05
    noise: float = 0.3
    variance: tuple[float, float] = (10.0, 50.0)


def augment(pixels: Tensor, plan: Augmentation, generator: torch.Generator) -> Tensor:
    """Return changed copies of (B, 3, H, W) uint8 images as float32 in [0, 255].

    All randomness comes from `generator`; the batch's images are changed independently.
    """
    # Colour by colour in memory: what follows takes a third of the time that interleaved colours take.
    images = pixels.to(torch.float32, memory_format=torch.contiguous_format)
    images = _resample(images, _affine(len(images), plan, generator))
    _recolour(images, plan, generator)
    _add_noise(images, plan, generator)
    return images


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _affine(n: int, plan: Augmentation, generator: torch.Generator) -> Tensor:
    """Return (n, 2, 3) maps from output to input coordinates in [-1, 1]: turn inside a crop, mirrored at times."""
    width, height = _crop_sides(n, plan, generator)
    x = (1 - width) * _uniform(n, -1, 1, generator)
    y = (1 - height) * _uniform(n, -1, 1, generator)
    turned = torch.rand(n, generator=generator) < plan.rotate
    angle = torch.where(turned, torch.deg2rad(_uniform(n, -plan.degrees, plan.degrees, generator)), torch.zeros(n))
    mirror = 1 - 2 * (torch.rand(n, generator=generator) < plan.flip).float()
    cos, sin = angle.cos(), angle.sin()
    rows = [torch.stack([mirror * width * cos, -width * sin, x], dim=1)]
    rows.append(torch.stack([mirror * height * sin, height * cos, y], dim=1))
    return torch.stack(rows, dim=1)


def _crop_sides(n: int, plan: Augmentation, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return width and height (n,) of crops as shares of the image's: the first of ten tries that fits, else all."""
    tries = 10  # as in torchvision's RandomResizedCrop
    area = _uniform(n * tries, *plan.scale, generator).reshape(n, tries)
    ratio = _uniform(n * tries, math.log(3 / 4), math.log(4 / 3), generator).exp().reshape(n, tries)
    width, height = (area * ratio).sqrt(), (area / ratio).sqrt()
    fits = (width <= 1) & (height <= 1)
    first = fits.int().argmax(dim=1, keepdim=True)
    whole = ~fits.any(dim=1)
    sides = [side.gather(1, first)[:, 0].masked_fill(whole, 1.0) for side in (width, height)]
    return sides[0], sides[1]


def _resample(images: Tensor, maps: Tensor) -> Tensor:
    grid = _sampling_grid(maps, images.shape[2], images.shape[3]).to(images.device)
    # Reflection: black corners would tell a turned picture from one that is not.
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _sampling_grid(maps: Tensor, height: int, width: int) -> Tensor:
    """Return the (n, height, width, 2) input coordinates of every output pixel, as `functional.affine_grid` does.

    Its product of thin matrices takes longer than the sampling itself.
    """
    y = (torch.arange(height) * 2 + 1) / height - 1
    x = (torch.arange(width) * 2 + 1) / width - 1
    of_row = maps[:, :, 1:2] * y + maps[:, :, 2:]  # (n, 2, height)
    of_column = maps[:, :, 0:1] * x  # (n, 2, width)
    return (of_row[:, :, :, None] + of_column[:, :, None, :]).permute(0, 2, 3, 1)


def _recolour(images: Tensor, plan: Augmentation, generator: torch.Generator) -> None:
    """Recolour some of the images, in place."""
    chosen = torch.nonzero(torch.rand(len(images), generator=generator) < plan.jitter)[:, 0].to(images.device)
    n = len(chosen)
    factors = [
        _uniform(n, 1 - strength, 1 + strength, generator)[:, None, None, None].to(images.device)
        for strength in (plan.brightness, plan.contrast, plan.saturation)
    ]
    shift = _uniform(n, -plan.hue, plan.hue, generator)[:, None, None].to(images.device)
    if n == 0:
        return
    some = adjust_brightness(images.index_select(0, chosen), factors[0])
    some = adjust_contrast(some, factors[1])
    some = adjust_saturation(some, factors[2])
    images.index_copy_(0, chosen, adjust_hue(some, shift))


def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Return images in [0, 255] with every value multiplied by `factor` (n, 1, 1, 1)."""
    return (images * factor).clamp_(0, 255)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Return images blended with their mean grey; a `factor` (n, 1, 1, 1) of 0 gives that grey, 1 the image."""
    mean = _grey(images.mean(dim=(2, 3), keepdim=True))
    return (images * factor).add_(mean * (1 - factor)).clamp_(0, 255)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Return images blended with their grey version; a `factor` (n, 1, 1, 1) of 0 gives grey, 1 the image."""
    return (images * factor).add_(_grey(images) * (1 - factor)).clamp_(0, 255)


def adjust_hue(images: Tensor, shift: Tensor) -> Tensor:
    """Return images (n, 3, H, W) in [0, 255] whose HSV hue is moved by `shift` (n, 1, 1), in turns of the circle.

    HSV after Smith 1978, its hue h in sixths of the circle. Back: a colour's share of the chroma is 1 up to a sixth
    from where it is purest (red 0, green 2, blue 4), 0 from two sixths on, and falls between; for red: |h − 3| − 1.
    """
    red, green, blue = images.unbind(dim=1)
    value = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    chroma = value - low
    scale = chroma.clamp(min=1e-6).reciprocal_()
    # A sign is 0 where the colour is the largest, else 1: the mask of a choice that takes a tenth of `where`'s time.
    hue = (red - green).mul_(scale).add_(4)
    hue = torch.lerp((blue - red).mul_(scale).add_(2), hue, (value - green).sign_())
    hue = torch.lerp((green - blue).mul_(scale), hue, (value - red).sign_())
    hue.add_(6 * shift)
    hue.sub_((hue / 6).floor_().mul_(6))
    shares = ((hue - 3).abs_().sub_(1), (hue - 2).abs_().neg_().add_(2), (hue - 4).abs_().neg_().add_(2))
    return torch.stack([torch.addcmul(low, chroma, share.clamp_(0, 1)) for share in shares], dim=1)


def _grey(images: Tensor) -> Tensor:
    """Return the luma (n, 1, H, W) of ITU-R BT.601, with the digits of torchvision."""
    red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]
    return (0.2989 * red).add_(green, alpha=0.587).add_(blue, alpha=0.114)


def _add_noise(images: Tensor, plan: Augmentation, generator: torch.Generator) -> None:
    """Make some of the images noisy, in place."""
    chosen = torch.nonzero(torch.rand(len(images), generator=generator) < plan.noise)[:, 0]
    n = len(chosen)
    deviation = _uniform(n, *plan.variance, generator).sqrt_()[:, None, None, None]
    if n == 0:
        return
    grain = torch.randn((n, *images.shape[1:]), generator=generator).mul_(deviation).to(images.device)
    chosen = chosen.to(images.device)
    images.index_copy_(0, chosen, images.index_select(0, chosen).add_(grain).clamp_(0, 255))
