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
    images = pixels.float()
    images = _resample(images, _affine(len(images), plan, generator))
    images = _recolour(images, plan, generator)
    return _add_noise(images, plan, generator)


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
    grid = functional.affine_grid(maps.to(images.device), list(images.shape), align_corners=False)
    # Reflection: black corners would tell a turned picture from one that is not.
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _recolour(images: Tensor, plan: Augmentation, generator: torch.Generator) -> Tensor:
    chosen = torch.nonzero(torch.rand(len(images), generator=generator) < plan.jitter)[:, 0].to(images.device)
    n = len(chosen)
    factors = [
        _uniform(n, 1 - strength, 1 + strength, generator)[:, None, None, None].to(images.device)
        for strength in (plan.brightness, plan.contrast, plan.saturation)
    ]
    shift = _uniform(n, -plan.hue, plan.hue, generator)[:, None, None].to(images.device)
    if n == 0:
        return images
    some = adjust_brightness(images[chosen], factors[0])
    some = adjust_contrast(some, factors[1])
    some = adjust_saturation(some, factors[2])
    return images.index_copy(0, chosen, adjust_hue(some, shift))


def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Return images in [0, 255] with every value multiplied by `factor` (n, 1, 1, 1)."""
    return (images * factor).clamp(0, 255)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Return images blended with their mean grey; a `factor` (n, 1, 1, 1) of 0 gives that grey, 1 the image."""
    mean = _grey(images).mean(dim=(1, 2, 3), keepdim=True)
    return (mean + factor * (images - mean)).clamp(0, 255)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Return images blended with their grey version; a `factor` (n, 1, 1, 1) of 0 gives grey, 1 the image."""
    grey = _grey(images)
    return (grey + factor * (images - grey)).clamp(0, 255)


def adjust_hue(images: Tensor, shift: Tensor) -> Tensor:
    """Return images (n, 3, H, W) in [0, 255] whose HSV hue is moved by `shift` (n, 1, 1), in turns of the circle.

    HSV after Smith 1978; back by the closed form f(k) = v − v·s·max(0, min(q, 4 − q, 1)), q = (k + 6h) mod 6.
    """
    red, green, blue = images.unbind(dim=1)
    value, low = images.amax(dim=1), images.amin(dim=1)
    chroma = value - low
    safe = chroma.clamp(min=1e-6)
    of_blue = 4 + (red - green) / safe
    of_green = torch.where(value == green, 2 + (blue - red) / safe, of_blue)
    hue6 = torch.where(value == red, (green - blue) / safe, of_green) + 6 * shift
    channels = []
    for k in (5, 3, 1):
        q = torch.remainder(k + hue6, 6)
        channels.append(value - chroma * torch.minimum(q, 4 - q).clamp(0, 1))
    return torch.stack(channels, dim=1)


def _grey(images: Tensor) -> Tensor:
    weights = images.new_tensor([0.2989, 0.587, 0.114])[None, :, None, None]  # ITU-R BT.601 luma, as in torchvision
    return (images * weights).sum(dim=1, keepdim=True)


def _add_noise(images: Tensor, plan: Augmentation, generator: torch.Generator) -> Tensor:
    noisy = torch.rand(len(images), generator=generator) < plan.noise
    deviation = torch.where(noisy, _uniform(len(images), *plan.variance, generator).sqrt(), torch.zeros(len(images)))
    if not bool(noisy.any()):
        return images
    grain = torch.randn(images.shape, generator=generator).to(images.device)
    return (images + deviation[:, None, None, None].to(images.device) * grain).clamp(0, 255)
