"""The drawing surface: shapes in object coordinates become anti-aliased layers of colour.

Here: coordinate frames, masks, layers, smooth noise and a few curves. Not here: what an item or a material looks like.

Object coordinates: x to the right, y downwards, the object fits in [-1, 1] x [-1, 1]. Only +, -, *, / and square roots
touch pixels, because NumPy's transcendental functions differ in the last bit between processors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

FloatArray = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Colour = tuple[float, float, float]

_SUPERSAMPLING = 2


class Canvas:
    """A transparent square picture that is painted in object coordinates.

    `angle` in degrees turns the object clockwise, `scale` is half the object's extent as a share of `size`,
    `centre` its middle in [0, 1] x [0, 1] and `stretch` a width factor that stands for the viewing direction.
    """

    def __init__(
        self, size: int, *, angle: float, scale: float, centre: tuple[float, float], stretch: float = 1.0
    ) -> None:
        self.size = size
        turn = math.radians(angle)
        # Rounded: libraries disagree on the last bit of sine and cosine.
        cos, sin = round(math.cos(turn), 9), round(math.sin(turn), 9)
        self._unit = scale * size
        self._matrix = self._unit * np.array([[cos * stretch, -sin], [sin * stretch, cos]])
        self._origin = np.array(centre) * size
        grid: FloatArray = np.arange(size, dtype=np.float32) + np.float32(0.5)
        dx, dy = grid[None, :] - np.float32(self._origin[0]), grid[:, None] - np.float32(self._origin[1])
        unit = np.float32(self._unit)
        u = (np.float32(cos) * dx + np.float32(sin) * dy) / (unit * np.float32(stretch))
        v = (np.float32(cos) * dy - np.float32(sin) * dx) / unit
        self.u: FloatArray = u.astype(np.float32)
        self.v: FloatArray = v.astype(np.float32)
        self.colour: FloatArray = np.zeros((3, size, size), dtype=np.float32)  # premultiplied by alpha
        self.alpha: FloatArray = np.zeros((size, size), dtype=np.float32)

    def mask(self, *shapes: Points) -> FloatArray:
        """Return the coverage, 0 to 1, of the union of polygons given in object coordinates."""
        image, draw = self._sheet()
        for shape in shapes:
            draw.polygon(self._pixels(shape), fill=255)
        return self._coverage(image)

    def strokes(self, lines: Sequence[Points], width: float) -> FloatArray:
        """Return the coverage of polylines of `width` object units (never thinner than about half a pixel)."""
        image, draw = self._sheet()
        thickness = max(1, round(width * self._unit * _SUPERSAMPLING))
        for line in lines:
            draw.line(self._pixels(line), fill=255, width=thickness, joint="curve")
        return self._coverage(image)

    def paint(self, mask: FloatArray, colour: Colour | FloatArray, alpha: float | FloatArray = 1.0) -> None:
        """Lay `colour` over what is there, where `mask` x `alpha` says so.

        `colour` is RGB in [0, 1]: one triple, or an array (3, size, size).
        """
        cover = mask if isinstance(alpha, float) and alpha == 1.0 else mask * np.float32(alpha)
        kept = np.float32(1.0) - cover
        self.colour *= kept
        self.colour += cover * planes(colour)
        self.alpha *= kept
        self.alpha += cover

    def _sheet(self) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        side = self.size * _SUPERSAMPLING
        image = Image.new("L", (side, side))
        return image, ImageDraw.Draw(image)

    def _pixels(self, shape: Points) -> list[float]:
        # Written out and rounded: a matrix product may add in another order, or fused, on another processor.
        turned = shape[:, :1] * self._matrix[:, 0] + shape[:, 1:] * self._matrix[:, 1]
        pixels: list[float] = np.rint(((turned + self._origin) * _SUPERSAMPLING - 0.5) * 256.0).ravel().tolist()
        return [x * 0.00390625 for x in pixels]  # 1 / 256 is exact in binary

    def _coverage(self, image: Image.Image) -> FloatArray:
        return np.asarray(image.reduce(_SUPERSAMPLING), dtype=np.float32) * np.float32(1 / 255)


def planes(colour: Colour | FloatArray) -> FloatArray:
    """Return `colour`, one triple or (3, size, size), as float32 of shape (3, 1, 1) or (3, size, size)."""
    array = np.asarray(colour, dtype=np.float32)
    return array[:, None, None] if array.ndim == 1 else array


def _circle(points: int) -> Points:
    turns = [2 * math.pi * k / points for k in range(points)]
    return np.array([[round(math.cos(t), 9), round(math.sin(t), 9)] for t in turns])


_CIRCLE = _circle(32)


def ellipse(x: float, y: float, rx: float, ry: float) -> Points:
    """Return an ellipse around (x, y) as a polygon."""
    return _CIRCLE * [rx, ry] + [x, y]


def arc(x: float, y: float, rx: float, ry: float, *, lower: bool = True) -> Points:
    """Return the lower (or upper) half of an ellipse as an open line, from left to right."""
    half = np.concatenate([_CIRCLE[:17]])[::-1] if lower else np.concatenate([_CIRCLE[16:], _CIRCLE[:1]])
    return half * [rx, ry] + [x, y]


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """Return an axis-aligned rectangle as a polygon."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def rounded_box(x0: float, y0: float, x1: float, y1: float, radius: float) -> Points:
    """Return a rectangle whose corners are quarter circles of `radius`."""
    corners = [(x1 - radius, y1 - radius), (x0 + radius, y1 - radius), (x0 + radius, y0 + radius)]
    corners.append((x1 - radius, y0 + radius))
    quarters = [_CIRCLE[np.arange(8 * k, 8 * k + 9) % 32] * radius + [x, y] for k, (x, y) in enumerate(corners)]
    return np.concatenate(quarters)


def revolved(profile: Sequence[tuple[float, float]], *, tilt: float = 0.0) -> Points:
    """Return the outline of a body of revolution.

    `profile` lists (y, half width) from top to bottom. `tilt` is the height-to-width ratio of its circles as the
    camera sees them from slightly above: 0 is a view from the side.
    """
    right = [[w, y] for y, w in profile]
    left = [[-w, y] for y, w in reversed(profile)]
    top_y, top_w = profile[0]
    end_y, end_w = profile[-1]
    bottom = arc(0.0, end_y, end_w, end_w * tilt)[::-1]
    top = arc(0.0, top_y, top_w, top_w * tilt, lower=False)
    return np.concatenate([np.array(right), bottom, np.array(left), top])


def flowing(profile: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a profile of (y, half width) for `revolved` whose corners are rounded off by a spline."""
    return [(y, max(w, 0.0)) for w, y in smooth([(w, y) for y, w in profile], closed=False, steps=3).tolist()]


def cone(top_radius: float, bottom_radius: float, top: float, bottom: float, tilt: float) -> Points:
    """Return the front of a sleeve around a body of revolution: both edges curve downwards."""
    upper = arc(0, top, top_radius, top_radius * tilt)
    lower = arc(0, bottom, bottom_radius, bottom_radius * tilt)[::-1]
    return np.concatenate([upper, lower])


def band(radius: float, top: float, bottom: float, tilt: float = 0.12) -> Points:
    """Return a `cone` whose radii are equal: a label around a cylinder."""
    return cone(radius, radius, top, bottom, tilt)


def smooth(points: Sequence[tuple[float, float]], *, closed: bool = True, steps: int = 5) -> Points:
    """Return a Catmull-Rom spline through `points` (Catmull and Rom, 1974)."""
    p = np.array(points, dtype=np.float64)
    n = len(p)
    before, after = (np.roll(p, 1, axis=0), np.roll(p, -1, axis=0))
    beyond = np.roll(p, -2, axis=0)
    if not closed:
        before[0], after[-1], beyond[-2:] = p[0], p[-1], p[-1]
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (q[:, None, :] for q in (before, p, after, beyond))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t)
    if closed:
        return curve.reshape(n * steps, 2)
    return np.concatenate([curve[:-1].reshape((n - 1) * steps, 2), p[-1:]])


def moved(shape: Points, dx: float, dy: float) -> Points:
    """Return `shape` shifted by (dx, dy)."""
    shifted: Points = shape + np.array([dx, dy])
    return shifted


def on_face(
    shape: Points, corner: tuple[float, float], along: tuple[float, float], down: tuple[float, float]
) -> Points:
    """Return `shape`, given in the unit square, on the parallelogram that `along` and `down` span from `corner`."""
    placed: Points = shape[:, :1] * np.array(along) + shape[:, 1:] * np.array(down) + np.array(corner)
    return placed


def wave(x: FloatArray) -> FloatArray:
    """Return a smooth wave of period 1 between 0 and 1: parabola arcs in place of a sine."""
    t: FloatArray = x - np.floor(x)
    rise: FloatArray = np.float32(4.0) * t * (np.float32(1.0) - t)
    smoothed: FloatArray = rise * rise * (np.float32(3.0) - np.float32(2.0) * rise)
    return smoothed


def noise(rng: np.random.Generator, size: int, cells: int, cells_y: int | None = None) -> FloatArray:
    """Return a (size, size) field of smooth value noise in [0, 1] with `cells` bumps across (and down)."""
    shape = (max(2, cells_y or cells), max(2, cells))
    grid = rng.integers(0, 256, size=shape, dtype=np.uint8)
    image = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32) * np.float32(1 / 255)


def relief(rng: np.random.Generator, size: int, cells: int, cells_y: int | None = None) -> FloatArray:
    """Return the slope, about -1 to 1, that smooth bumps as in `noise` show to light from the upper left."""
    shape = (max(2, cells_y or cells), max(2, cells))
    # 16 bits in place of 8: differences of neighbours would show the steps.
    grid = rng.integers(0, 65536, size=shape, dtype=np.int32)
    field = np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32)
    slope: FloatArray = np.zeros_like(field)
    slope[1:, 1:] = (field[1:, 1:] - field[:-1, :-1]) * np.float32(size / max(shape) / 65535)
    return slope


def grain(rng: np.random.Generator, size: int) -> FloatArray:
    """Return a (size, size) field of independent values in [-1, 1] with a triangular distribution."""
    dice = rng.integers(0, 128, size=(2, size, size), dtype=np.int16)
    field: FloatArray = (dice[0] - dice[1]).astype(np.float32) * np.float32(1 / 127)
    return field
