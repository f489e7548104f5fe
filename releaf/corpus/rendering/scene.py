"""Around the object: ground, shadow, light and camera.

Here: everything that says nothing about the item. Not here: items and materials.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from releaf.corpus.rendering.canvas import (
    Canvas,
    Colour,
    FloatArray,
    Points,
    box,
    ellipse,
    grain,
    noise,
    planes,
    wave,
)
from releaf.corpus.rendering.textures import pick

_GROUNDS: tuple[Colour, ...] = (
    (0.93, 0.93, 0.92), (0.85, 0.85, 0.84), (0.75, 0.74, 0.70), (0.55, 0.56, 0.58), (0.35, 0.36, 0.38),
    (0.80, 0.72, 0.60), (0.50, 0.58, 0.66), (0.62, 0.66, 0.56),
)  # fmt: skip
_TABLES: tuple[Colour, ...] = ((0.60, 0.42, 0.26), (0.72, 0.56, 0.38), (0.42, 0.28, 0.18))


def photograph(canvas: Canvas, rng: np.random.Generator, light: float) -> npt.NDArray[np.uint8]:
    """Return the finished picture, (size, size, 3) uint8: the painted canvas on a random ground.

    `light` in [-1, 1] is the side the light comes from; the shadow falls to the other.
    """
    size = canvas.size
    picture = _ground(rng, size)
    picture *= (np.float32(1.0) - _shadow(canvas, rng, light)) * (np.float32(1.0) - canvas.alpha)
    picture += canvas.colour
    picture *= _light(rng, size, light)
    picture *= np.float32(255)
    np.clip(picture, 0, 255, out=picture)
    pixels = _focus(np.ascontiguousarray(picture.astype(np.uint8).transpose(1, 2, 0)), rng)
    if rng.random() < 0.7:
        level = np.float32(rng.uniform(2.0, 14.0))
        noisy = pixels + np.repeat(level * grain(rng, size), 3).reshape(size, size, 3)
        pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    return pixels


def _ground(rng: np.random.Generator, size: int) -> FloatArray:
    kind = int(rng.integers(6))
    colour = pick(rng, _TABLES if kind == 3 else _GROUNDS)
    if kind <= 1:  # a sheet or a wall
        tone = 0.9 + 0.15 * noise(rng, size, 2)
    elif kind == 2:  # concrete or carpet
        tone = 0.75 + 0.25 * noise(rng, size, 5) + 0.12 * grain(rng, size)
    else:
        tone = _pattern(rng, size, kind)
    picture = planes(colour) * np.asarray(tone, dtype=np.float32)
    return _litter(picture, rng, size) if rng.random() < 0.3 else picture


def _pattern(rng: np.random.Generator, size: int, kind: int) -> FloatArray:
    axis = np.arange(size, dtype=np.float32) / np.float32(size)
    slant = np.float32(rng.uniform(-0.4, 0.4))
    across, down = axis[None, :] + slant * axis[:, None], axis[:, None] - slant * axis[None, :]
    pitch = np.float32(rng.uniform(2.0, 5.0))
    gap = np.float32(0.06)
    seams = (across * pitch - np.floor(across * pitch) < gap).astype(np.float32)
    if kind == 3:  # boards
        return 0.8 + 0.2 * wave(pitch * 3 * across + 1.5 * noise(rng, size, 3, 8)) - 0.35 * seams
    if kind == 4:  # tiles
        seams = np.maximum(seams, (down * pitch - np.floor(down * pitch) < gap).astype(np.float32))
        return 0.95 + 0.08 * noise(rng, size, 6) - 0.3 * seams
    return 0.75 + 0.2 * noise(rng, size, 11) + 0.15 * noise(rng, size, 9)  # grass, gravel or cloth


def _litter(picture: FloatArray, rng: np.random.Generator, size: int) -> FloatArray:
    """Return the ground with crumbs and the end of a stick near the border, so that clutter means nothing."""
    place = Canvas(size, angle=float(rng.uniform(0, 360)), scale=0.5, centre=(0.5, 0.5))
    shapes: list[Points] = [ellipse(float(x), float(y), 0.05, 0.03) for x, y in rng.uniform(-1.0, 1.0, size=(4, 2))]
    shapes.append(box(0.8, -0.6, 0.86, 0.6))
    cover = place.mask(*shapes) * np.float32(0.8)
    littered: FloatArray = picture * (1 - cover) + cover * planes(pick(rng, _GROUNDS))
    return littered


def _shadow(canvas: Canvas, rng: np.random.Generator, light: float) -> FloatArray:
    size = canvas.size
    reach = rng.uniform(0.02, 0.07) * size
    solid = np.clip(canvas.alpha * 1.6, 0, 1) * np.float32(255)
    image = Image.fromarray(solid.astype(np.uint8))
    image = image.filter(ImageFilter.BoxBlur(max(1, round(reach * 0.7))))
    shifted = np.zeros((size, size), dtype=np.float32)
    dx, dy = round(-light * reach), round(reach * 0.8)
    source = np.asarray(image, dtype=np.float32)
    shifted[dy:, max(0, dx) : size + min(0, dx)] = source[: size - dy, max(0, -dx) : size - max(0, dx)]
    return shifted * np.float32(rng.uniform(0.25, 0.6) / 255)


def _light(rng: np.random.Generator, size: int, light: float) -> FloatArray:
    """Return gains (3, size, size): exposure, a fall-off across the picture and a warm or cold cast."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    fall = np.float32(rng.uniform(0.0, 0.22))
    slope = 1.0 + fall * (np.float32(light) * axis[None, :] - np.float32(rng.uniform(-0.5, 1.0)) * axis[:, None])
    warmth = rng.uniform(-0.08, 0.08)
    cast = np.array([1 + warmth, 1.0, 1 - warmth], dtype=np.float32) * np.float32(rng.uniform(0.7, 1.12))
    return planes(cast) * slope


def _focus(pixels: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    if rng.random() < 0.5:
        return pixels
    radius = float(rng.uniform(0.2, 1.0)) * pixels.shape[0] / 96
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(round(radius, 3))))
