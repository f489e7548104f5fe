"""Local descriptors of a picture: what its small patches look like, on a dense grid at several sizes.

Two of each patch, both over 4 × 4 square cells: gradient directions (SIFT, Lowe 2004, on a grid as Lazebnik et al. 2006
and with the square root of Arandjelović and Zisserman 2012) and colour (mean and deviation of red, green and blue in
every cell, Clinchant et al. 2007). Shape says little about a material; its grain, gloss and colour say much.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from releaf.vision.data import Pixels
from releaf.vision.preprocessing import DETAIL

Floats = npt.NDArray[np.float32]

CELLS = (4, 6, 8)  # widths of a cell: patches of 16, 24 and 32 pixels
STRIDE = 6  # pixels between patches where the longest side is that of `preprocessing.DETAIL`
GRADIENT_WIDTH, COLOUR_WIDTH = 128, 96
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601 luma
_CLIP = 0.2  # Lowe 2004, section 6.1
_FAINT = 1e-3  # magnitude a pixel below which a patch is flat and its direction noise


class Descriptors(NamedTuple):
    """Descriptors of P patches: gradient (P, 128), colour (P, 96), place (P, 2) of the centre, x and y in [-½, ½]."""

    gradient: Floats
    colour: Floats
    place: Floats


def describe(picture: Pixels) -> Descriptors:
    """Return the descriptors of an (H, W, 3) uint8 RGB picture, float32, at least one patch.

    A picture smaller than the smallest patch is continued at its edges.
    """
    from releaf.vision.descriptor_kernel import (
        colour_sums,
        gather_cells,
        means_and_deviations,
        orientation_sums,
        unit_gradients,
    )

    values = _at_least(picture, 4 * CELLS[0]).astype(np.float32) / np.float32(255)
    height, width = values.shape[:2]
    stride = max(2, min(STRIDE, round(STRIDE * max(height, width) / DETAIL)))
    grey = np.asarray(values @ _GREY, dtype=np.float32)
    # Boxes begin and end at multiples of this alone: elsewhere no sum is kept, which is most of the memory and time.
    common = math.gcd(stride, *CELLS)
    colours = colour_sums(values, common)
    found: list[Descriptors] = []
    for cell in CELLS:
        if min(height, width) < 4 * cell:
            break
        # A patch is described at its own sharpness: a quarter of its cell, half of what Lowe's scale space has.
        blurred = np.asarray(gaussian_filter(grey, cell / 4, mode="nearest"), dtype=np.float32)
        step = math.gcd(stride, cell)
        directions = gather_cells(orientation_sums(blurred, step), cell // step, stride // step)
        found.append(
            Descriptors(
                unit_gradients(directions, _FAINT * cell * cell, _CLIP),
                means_and_deviations(gather_cells(colours, cell // common, stride // common), cell * cell),
                _places(height, width, cell, stride),
            )
        )
    return Descriptors(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _at_least(picture: Pixels, side: int) -> Pixels:
    missing = [max(0, side - length) for length in picture.shape[:2]]
    if not any(missing):
        return picture
    return np.pad(picture, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="edge")


def _places(height: int, width: int, cell: int, stride: int) -> Floats:
    side = 4 * cell
    ys = (np.arange(0, height - side + 1, stride) + side / 2) / height - 0.5
    xs = (np.arange(0, width - side + 1, stride) + side / 2) / width - 0.5
    y, x = np.meshgrid(ys, xs, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
