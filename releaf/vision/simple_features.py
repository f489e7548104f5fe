"""Colour, edges and texture of a picture in 247 numbers: what was measured before there were networks.

    hsv          72   joint histogram of 8 hues, 3 saturations and 3 values (Swain and Ballard 1991)
    moments      15   mean, deviation, cube root of the third moment of R, G, B, S, V (Stricker and Orengo 1995)
    hue           2   mean direction on the circle of hues, each pixel counting by its chroma
    orientation  32   gradient directions, 8 unsigned ones in each quarter of the picture (Freeman and Roth 1995)
    strength      8   histogram of gradient magnitudes
    texture     118   uniform local binary patterns at full and at half size (Ojala, Pietikäinen and Mäenpää 2002)

For baselines to learn from. NumPy alone; nothing is fitted here: standardizing is the classifier's business.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from releaf.errors import InputError
from releaf.vision.data import Pixels
from releaf.vision.network import Floats

_HUES, _SATURATIONS, _VALUES = 8, 3, 3
_ORIENTATIONS = 8
_PATTERNS = 59  # 58 codes with at most two changes round the circle, and one for all others
# Upper ends of the classes of gradient magnitude, in grey levels a pixel; the last class has none.
_STRENGTHS = np.array([1, 2, 4, 8, 16, 32, 64], dtype=np.float32)
PARTS = {
    "hsv": _HUES * _SATURATIONS * _VALUES,
    "moments": 15,
    "hue": 2,
    "orientation": 4 * _ORIENTATIONS,
    "strength": len(_STRENGTHS) + 1,
    "texture": 2 * _PATTERNS,
}
WIDTH = sum(PARTS.values())
_SIDE = 96  # larger pictures are made smaller: time, and the scale of the texture, should not depend on their size
_SMALLEST = 8
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601 luma
# Neighbours of a pixel, once round.
_CIRCLE = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def simple_features(picture: Pixels) -> Floats:
    """Return the features (247,) float32 of an (S, S, 3) uint8 RGB picture, S at least 8, in the order of PARTS.

    A picture of more than 96 pixels a side is averaged over whole pixels until it has no more. Raises InputError for
    an array of another form.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or min(picture.shape[:2]) < _SMALLEST:
        raise InputError(f"a picture {picture.shape} of {picture.dtype} must be (S, S, 3) of uint8, S at least 8")
    values = _smaller(picture.astype(np.float32), -(-max(picture.shape[:2]) // _SIDE))
    hue, saturation, value = hsv(values)
    grey = values @ _GREY
    chroma = saturation * value
    parts = [
        _hsv_histogram(hue, saturation, value),
        *(_moments(channel) for channel in (*np.moveaxis(values / 255, 2, 0), saturation, value)),
        [float((chroma * wave(2 * np.pi * hue)).mean()) for wave in (np.cos, np.sin)],
        *_edges(grey),
        pattern_histogram(grey),
        pattern_histogram(_smaller(grey, 2)),
    ]
    return np.concatenate([np.asarray(part, dtype=np.float32) for part in parts])


def simple_feature_table(pictures: Pixels) -> Floats:
    """Return the features (N, 247) of N pictures (N, S, S, 3)."""
    return np.array([simple_features(picture) for picture in pictures], dtype=np.float32).reshape(-1, WIDTH)


def hsv(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Return hue in [0, 1), saturation and value in [0, 1] of (H, W, 3) RGB in [0, 255] (Smith 1978); grey: hue 0."""
    red, green, blue = np.moveaxis(values / np.float32(255), 2, 0)
    value = np.maximum(np.maximum(red, green), blue)
    chroma = value - np.minimum(np.minimum(red, green), blue)
    safe = np.where(chroma > 0, chroma, 1)
    sixths = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = np.where(chroma > 0, sixths / 6 % 1, 0)
    return hue, chroma / np.where(value > 0, value, 1), value


def pattern_histogram(grey: Floats) -> Floats:
    """Return the shares (59,) of the uniform local binary patterns of the inner pixels of an (H, W) picture.

    A pixel's code has a bit for each of its eight neighbours that is at least as bright.
    """
    height, width = grey.shape
    centre = grey[1:-1, 1:-1]
    code = np.zeros(centre.shape, dtype=np.uint8)
    for bit, (down, right) in enumerate(_CIRCLE):
        neighbour = grey[1 + down : height - 1 + down, 1 + right : width - 1 + right]
        code |= (neighbour >= centre).astype(np.uint8) << np.uint8(bit)
    return _shares(_PATTERN_OF_CODE[code.ravel()], _PATTERNS)


def _uniform_patterns() -> npt.NDArray[np.int64]:
    """Return the pattern (256,) of each code: codes of at most two changes in order, all others the last."""
    codes = np.arange(256)
    turned = (codes >> 1) | ((codes & 1) << 7)
    changes = np.array([int(code).bit_count() for code in codes ^ turned])
    patterns = np.full(256, _PATTERNS - 1, dtype=np.int64)
    patterns[changes <= 2] = np.arange(_PATTERNS - 1)
    return patterns


_PATTERN_OF_CODE = _uniform_patterns()


def _hsv_histogram(hue: Floats, saturation: Floats, value: Floats) -> Floats:
    cell = np.zeros(hue.shape, dtype=np.int64)
    for channel, classes in ((hue, _HUES), (saturation, _SATURATIONS), (value, _VALUES)):
        cell = cell * classes + np.minimum((channel * classes).astype(np.int64), classes - 1)
    return _shares(cell.ravel(), PARTS["hsv"])


def _moments(channel: Floats) -> list[float]:
    mean = float(channel.mean())
    centred = channel - mean
    squares = centred * centred
    return [mean, float(np.sqrt(squares.mean())), float(np.cbrt((squares * centred).mean()))]


def _edges(grey: Floats) -> list[Floats]:
    """Return the directions of each quarter, the 32 together of unit length, and the shares of the magnitudes."""
    down = (grey[2:, 1:-1] - grey[:-2, 1:-1]) / 2
    right = (grey[1:-1, 2:] - grey[1:-1, :-2]) / 2
    strength = np.sqrt(down * down + right * right)
    direction = (np.arctan2(down, right) / np.pi % 1 * _ORIENTATIONS).astype(np.int64) % _ORIENTATIONS
    height, width = strength.shape
    rows, columns = (2 * np.arange(height) // height)[:, None], (2 * np.arange(width) // width)[None, :]
    cell = (2 * rows + columns) * _ORIENTATIONS + direction
    sums = np.bincount(cell.ravel(), weights=strength.ravel(), minlength=4 * _ORIENTATIONS)
    shares = _shares(np.searchsorted(_STRENGTHS, strength.ravel(), side="right"), len(_STRENGTHS) + 1)
    return [(sums / max(float(np.linalg.norm(sums)), 1e-6)).astype(np.float32), shares]


def _smaller(values: Floats, times: int) -> Floats:
    """Return the means of blocks of `times` x `times` pixels; what does not fill a block at the far edges is left."""
    if times == 1:
        return values
    height, width = (length // times for length in values.shape[:2])
    blocks = values[: height * times, : width * times].reshape(height, times, width, times, *values.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def _shares(classes: npt.NDArray[np.int64], count: int) -> Floats:
    return np.asarray(np.bincount(classes, minlength=count) / len(classes), dtype=np.float32)
