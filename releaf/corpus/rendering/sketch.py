"""What every drawing is made with: a canvas, a covering, the light, and the few ways to lay them on.

Here: lit bodies, printed areas, lines and highlights. Not here: the outlines of particular items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from releaf.corpus.rendering.canvas import Canvas, Colour, FloatArray, Points, planes, relief, wave
from releaf.corpus.rendering.textures import Surface

WHITE: Colour = (0.97, 0.97, 0.97)
DARK: Colour = (0.08, 0.08, 0.09)


@dataclass(frozen=True)
class Sketch:
    """One item being drawn.

    `material` is the taxonomy's id of what `surface` shows, for drawings whose form depends on it; `light` in [-1, 1]
    says from which side of the object the light comes.
    """

    material: str
    canvas: Canvas
    surface: Surface
    rng: np.random.Generator
    light: float

    def chance(self, share: float) -> bool:
        """Return True in `share` of the drawings."""
        return bool(self.rng.random() < share)

    def between(self, low: float, high: float) -> float:
        """Return a number drawn uniformly from [low, high)."""
        return float(self.rng.uniform(low, high))

    def rounded(self, shape: Points, radius: float, brightness: float = 1.0) -> FloatArray:
        """Cover `shape`, an upright body of revolution of `radius` around x = 0, and return its mask."""
        n = np.clip(self.canvas.u / np.float32(radius), -1.0, 1.0)
        facing = np.sqrt(1.0 - n * n)
        shade = 0.45 + 0.5 * facing + 0.3 * np.float32(self.light) * n
        if self.surface.mirror:
            bands = 0.45 + 0.75 * wave(1.1 * n + np.float32(self.between(0.0, 1.0)))
            shade += np.float32(self.surface.mirror) * (bands - shade)
        # A see-through wall is looked through lengthwise at the sides, and so is denser there (Fresnel's effect too).
        # Products, not a power: see the head of `canvas`.
        n2 = n * n
        alpha = np.float32(self.surface.alpha) + np.float32(0.7 * (1.0 - self.surface.alpha)) * n2 * n2
        mask = self.canvas.mask(shape)
        self.canvas.paint(mask, self._lit(shade * np.float32(brightness)), alpha)
        self._highlight(mask, n)
        self._outline(shape)
        return mask

    def flat(self, shape: Points, brightness: float = 1.0) -> FloatArray:
        """Cover `shape`, a flat face, at one `brightness`, and return its mask."""
        mask = self.canvas.mask(shape)
        self.canvas.paint(mask, self._lit(np.float32(brightness) * self._slope(brightness)), self.surface.alpha)
        if self.surface.gloss >= 0.3:
            # Faces of one body look different ways, so each shows the window or lamp elsewhere.
            across = self.canvas.u + np.float32(0.6) * self.canvas.v - np.float32(0.5 * self.light + brightness - 1.0)
            self.canvas.paint(mask, WHITE, np.float32(0.4 * self.surface.gloss) / (1.0 + 60.0 * across * across))
        self._outline(shape)
        return mask

    def crumpled(self, shape: Points, bumps: int, depth: float = 0.5, *, hole: Points | None = None) -> FloatArray:
        """Cover `shape` without its `hole` with folds of relative `depth`, `bumps` of them across; return its mask."""
        field = relief(self.rng, self.canvas.size, bumps)
        mask = self.canvas.mask(shape)
        if hole is not None:
            mask = mask * (1.0 - self.canvas.mask(hole))
        slope = np.float32(depth) * field
        self.canvas.paint(mask, self._lit(np.clip(0.95 + slope, 0.5, 1.5)), self.surface.alpha)
        shine = np.clip(slope - 0.3, 0.0, 0.5) * np.float32(2 * self.surface.gloss)
        self.canvas.paint(mask, WHITE, shine)
        for edge in (shape,) if hole is None else (shape, hole):
            self._outline(edge)
        return mask

    def print(self, mask: FloatArray, colour: Colour, *, radius: float | None = None, alpha: float = 1.0) -> None:
        """Lay ink or a label of `colour` on `mask`; `radius` shades it like a body of revolution."""
        if radius is None:
            self.canvas.paint(mask, colour, alpha)
            return
        n = np.clip(self.canvas.u / np.float32(radius), -1.0, 1.0)
        shade = 0.5 + 0.45 * np.sqrt(1.0 - n * n) + 0.28 * np.float32(self.light) * n
        lit = np.minimum(planes(colour) * shade, np.float32(1.0))
        self.canvas.paint(mask, lit, alpha)
        self._highlight(mask * np.float32(alpha), n, scale=0.5)

    def lines(self, lines: Sequence[Points], width: float, colour: Colour = DARK, alpha: float = 0.6) -> None:
        """Draw open `lines` of `width` object units."""
        self.canvas.paint(self.canvas.strokes(lines, width), colour, alpha)

    def _slope(self, brightness: float) -> FloatArray:
        slope: FloatArray = np.clip(
            1.0 + np.float32(0.10 * self.light) * self.canvas.u - 0.05 * self.canvas.v, 0.6, 1.3
        )
        if self.surface.mirror:
            place = np.float32(0.9) * self.canvas.u + np.float32(0.7) * self.canvas.v + np.float32(2.0 * brightness)
            slope += np.float32(self.surface.mirror) * (np.float32(0.55) + np.float32(0.75) * wave(place) - slope)
        return slope

    def _lit(self, shade: FloatArray) -> FloatArray:
        lit: FloatArray = np.clip(self.surface.colour * shade, 0.0, 1.0)
        return lit

    def _highlight(self, mask: FloatArray, n: FloatArray, scale: float = 1.0) -> None:
        gloss = self.surface.gloss
        if gloss < 0.1:
            return
        near, far = n - np.float32(0.55 * self.light), n + np.float32(0.75 * self.light)
        # The duller the skin, the wider the patch of light: waxy plastic against glass.
        sharp, sharper = np.float32(20.0 + 220.0 * gloss), np.float32(32.0 + 352.0 * gloss)
        one = np.float32(1.0)
        peaks = one / (one + sharp * near * near) + np.float32(0.5) / (one + sharper * far * far)
        self.canvas.paint(mask, WHITE, np.float32((0.12 + 0.7 * gloss) * scale) * peaks)

    def _outline(self, shape: Points) -> None:
        closed = np.concatenate([shape, shape[:1]])
        self.canvas.paint(self.canvas.strokes([closed], 0.03), self.surface.edge, self.surface.rim)
