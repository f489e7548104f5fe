"""The inner loops of local descriptors, compiled by numba. Importing this module imports numba: do so when needed."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

ORIENTATIONS = 8


@njit(nogil=True, cache=True)
def orientation_sums(grey: NDArray[np.float32], step: int = 1) -> NDArray[np.float64]:
    """Return running sums of gradient magnitude, shared between the two nearest of 8 directions.

    (H // step + 1, W // step + 1, 8): at [i, j] the sum over the pixels above row i·step and left of column j·step, so
    that the sum over a box is that of its four corners. Gradients are central differences, one-sided at the borders.
    """
    height, width = grey.shape
    sums = np.zeros((height // step + 1, width // step + 1, ORIENTATIONS))
    columns = np.zeros((width // step + 1, ORIENTATIONS))
    row = np.zeros(ORIENTATIONS)
    magnitude, turn = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.float32)
    for y in range(height // step * step):
        row[:] = 0.0
        _differences(grey, y, magnitude, turn)
        _to_polar(magnitude, turn)
        for place in range(1, width // step + 1):
            for x in range((place - 1) * step, place * step):
                low = int(turn[x])
                share = turn[x] - low
                row[low % ORIENTATIONS] += magnitude[x] * (1.0 - share)
                row[(low + 1) % ORIENTATIONS] += magnitude[x] * share
            for k in range(ORIENTATIONS):
                columns[place, k] += row[k]
        if (y + 1) % step == 0:
            sums[(y + 1) // step] = columns
    return sums


@njit(nogil=True, cache=True)
def _differences(grey: NDArray[np.float32], y: int, across: NDArray[np.float32], down: NDArray[np.float32]) -> None:
    """Write the differences of row y by x and by y."""
    height, width = grey.shape
    above, below, last = max(y - 1, 0), min(y + 1, height - 1), width - 1
    half = np.float32(0.5)
    scale = np.float32(1.0 / max(below - above, 1))
    for x in range(1, last):
        across[x] = (grey[y, x + 1] - grey[y, x - 1]) * half
    across[0] = grey[y, min(1, last)] - grey[y, 0]
    across[last] = grey[y, last] - grey[y, max(last - 1, 0)]
    for x in range(width):
        down[x] = (grey[below, x] - grey[above, x]) * scale


@njit(nogil=True, cache=True)
def _to_polar(across: NDArray[np.float32], down: NDArray[np.float32]) -> None:
    """Turn differences into magnitude and direction, in place; directions from 0 to 8, in eighths of the circle.

    The arctangent is Abramowitz and Stegun's 4.4.49, exact to 2e-8. Without a call or a branch, the compiler takes
    sixteen pixels at a time: a twentieth of the time of `math.atan2`.
    """
    for x in range(len(across)):
        dx, dy = across[x], down[x]
        wide, high = abs(dx), abs(dy)
        slope = min(wide, high) / max(max(wide, high), np.float32(1e-30))
        square = slope * slope
        series = np.float32(0.0028662257)
        series = series * square - np.float32(0.0161657367)
        series = series * square + np.float32(0.0429096138)
        series = series * square - np.float32(0.0752896400)
        series = series * square + np.float32(0.1065626393)
        series = series * square - np.float32(0.1420889944)
        series = series * square + np.float32(0.1999355085)
        series = series * square - np.float32(0.3333314528)
        turn = (series * square + np.float32(1.0)) * slope * np.float32(ORIENTATIONS / (2.0 * math.pi))
        turn = np.float32(2.0) - turn if high > wide else turn
        turn = np.float32(4.0) - turn if dx < 0 else turn
        turn = np.float32(8.0) - turn if dy < 0 else turn
        across[x] = math.sqrt(dx * dx + dy * dy)
        down[x] = turn


@njit(nogil=True, cache=True)
def colour_sums(picture: NDArray[np.float32], step: int = 1) -> NDArray[np.float64]:
    """Return running sums (H // step + 1, W // step + 1, 6), as above, of the three colours and their squares."""
    height, width = picture.shape[0], picture.shape[1]
    sums = np.zeros((height // step + 1, width // step + 1, 6))
    columns = np.zeros((width // step + 1, 6))
    row = np.zeros(6)
    for y in range(height // step * step):
        row[:] = 0.0
        for place in range(1, width // step + 1):
            for x in range((place - 1) * step, place * step):
                for channel in range(3):
                    value = float(picture[y, x, channel])
                    row[channel] += value
                    row[channel + 3] += value * value
            for k in range(6):
                columns[place, k] += row[k]
        if (y + 1) % step == 0:
            sums[(y + 1) // step] = columns
    return sums


@njit(nogil=True, cache=True)
def gather_cells(sums: NDArray[np.float64], cell: int, stride: int) -> NDArray[np.float32]:
    """Return (P, 16, K) sums over the 4 × 4 square cells of a patch at every `stride`.

    Width of a cell and stride are in steps of the running sums.
    """
    side = 4 * cell
    rows = max((sums.shape[0] - 1 - side) // stride + 1, 0)
    columns = max((sums.shape[1] - 1 - side) // stride + 1, 0)
    width = sums.shape[2]
    out = np.empty((rows * columns, 16, width), dtype=np.float32)
    for patch in range(rows * columns):
        top, left = (patch // columns) * stride, (patch % columns) * stride
        for place in range(16):
            y, x = top + (place // 4) * cell, left + (place % 4) * cell
            for k in range(width):
                total = sums[y + cell, x + cell, k] - sums[y, x + cell, k] - sums[y + cell, x, k] + sums[y, x, k]
                out[patch, place, k] = max(total, 0.0)
    return out


@njit(nogil=True, cache=True)
def unit_gradients(cells: NDArray[np.float32], faint: float, clip: float) -> NDArray[np.float32]:
    """Turn (P, 16, K) sums, in place, into rows (P, 16·K) of unit length: clipped, scaled, square root taken.

    A row shorter than `faint` is divided by that at first; each value is then at most `clip`.
    """
    rows = cells.reshape(len(cells), -1)
    for patch in range(len(rows)):
        row = rows[patch]
        scale = _scale_to_unit(row, np.float32(faint))
        for k in range(len(row)):
            row[k] = min(row[k] * scale, np.float32(clip))
        scale = _scale_to_unit(row, np.float32(1e-6))
        for k in range(len(row)):
            row[k] = math.sqrt(row[k] * scale)
    return rows


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _scale_to_unit(row: NDArray[np.float32], least: np.float32) -> np.float32:
    """Return one over the length of a row, or over `least` where it is shorter; terms may be added in any order."""
    total = np.float32(0.0)
    for k in range(len(row)):
        total += row[k] * row[k]
    return np.float32(1.0) / max(np.float32(math.sqrt(total)), least)


@njit(nogil=True, cache=True)
def means_and_deviations(cells: NDArray[np.float32], area: int) -> NDArray[np.float32]:
    """Turn (P, 16, 6) sums of three colours and of their squares over `area` pixels, in place, into rows (P, 96).

    In each cell the three means, then the three deviations twice over: they are smaller, and doubled weigh about as
    much.
    """
    scale = np.float32(1.0 / area)
    values = cells.reshape(-1, 6)
    for place in range(len(values)):
        for colour in range(3):
            mean = values[place, colour] * scale
            variance = max(values[place, colour + 3] * scale - mean * mean, np.float32(0.0))
            values[place, colour] = mean
            values[place, colour + 3] = np.float32(2.0) * math.sqrt(variance)
    return cells.reshape(len(cells), -1)
