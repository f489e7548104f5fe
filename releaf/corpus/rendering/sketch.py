"""What every drawing is made with: a canvas, a covering, the light, and the few ways to lay them on.

Here: lit bodies, printed areas, lines and highlights. Not here: the outlines of particular items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from releaf.corpus.rendering.canvas import Canvas, Colour, FloatArray, Points, noise, wave
from releaf.corpus.rendering.textures import Surface

WHITE: Colour = (0.97, 0.97, 0.97)
DARK: Colour = (0.08, 0.08, 0.09)


@dataclass(frozen=True)
class Sketch:
    """One item being drawn. `light` in [-1, 1] says from which side of the object the light comes."""

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
        alpha = self.surface.alpha + (1.0 - self.surface.alpha) * np.float32(0.7) * n**4
        mask = self.canvas.mask(shape)
        self.canvas.paint(mask, self._lit(shade * np.float32(brightness)), alpha)
        self._highlight(mask, n)
        self._outline(shape)
        return mask

    def flat(self, shape: Points, brightness: float = 1.0) -> FloatArray:
        """Cover `shape`, a flat face, at one `brightness`, and return its mask."""
        mask = self.canvas.mask(shape)
        self.canvas.paint(mask, self._lit(np.float32(brightness) * self._slope()), self.surface.alpha)
        self._outline(shape)
        return mask

    def crumpled(self, shape: Points, bumps: int, depth: float = 0.5) -> FloatArray:
        """Cover `shape` with soft folds of relative `depth`, `bumps` of them across, and return its mask."""
        field = noise(self.rng, self.canvas.size, bumps)
        # The slope of the field along the light is what a relief shows.
        relief = np.zeros_like(field)
        relief[1:, 1:] = field[1:, 1:] - field[:-1, :-1]
        strength = np.float32(depth * self.canvas.size / bumps)
        mask = self.canvas.mask(shape)
        self.canvas.paint(mask, self._lit(0.95 + strength * relief), self.surface.alpha)
        shine = np.clip(strength * relief - 0.35, 0.0, 0.5) * np.float32(2 * self.surface.gloss)
        self.canvas.paint(mask, WHITE, shine)
        self._outline(shape)
        return mask

    def print(self, mask: FloatArray, colour: Colour, *, radius: float | None = None, alpha: float = 1.0) -> None:
        """Lay ink or a label of `colour` on `mask`; `radius` shades it like a body of revolution."""
        if radius is None:
            self.canvas.paint(mask, colour, alpha)
            return
        n = np.clip(self.canvas.u / np.float32(radius), -1.0, 1.0)
        shade = 0.5 + 0.45 * np.sqrt(1.0 - n * n) + 0.28 * np.float32(self.light) * n
        lit = np.minimum(np.asarray(colour, dtype=np.float32) * shade[:, :, None], 1.0)
        self.canvas.paint(mask, lit, alpha)
        self._highlight(mask * np.float32(alpha), n, scale=0.5)

    def lines(self, lines: Sequence[Points], width: float, colour: Colour = DARK, alpha: float = 0.6) -> None:
        """Draw open `lines` of `width` object units."""
        self.canvas.paint(self.canvas.strokes(lines, width), colour, alpha)

    def _slope(self) -> FloatArray:
        slope: FloatArray = np.clip(
            1.0 + np.float32(0.10 * self.light) * self.canvas.u - 0.05 * self.canvas.v, 0.6, 1.3
        )
        return slope

    def _lit(self, shade: FloatArray) -> FloatArray:
        lit: FloatArray = np.clip(self.surface.colour * shade[:, :, None], 0.0, 1.0)
        return lit

    def _highlight(self, mask: FloatArray, n: FloatArray, scale: float = 1.0) -> None:
        if self.surface.gloss < 0.1:
            return
        near, far = 0.55 * self.light, -0.75 * self.light
        peaks = 1.0 / (1.0 + 180.0 * (n - np.float32(near)) ** 2) + 0.5 / (1.0 + 300.0 * (n - np.float32(far)) ** 2)
        self.canvas.paint(mask, WHITE, np.float32(0.8 * self.surface.gloss * scale) * peaks)

    def _outline(self, shape: Points) -> None:
        closed = np.concatenate([shape, shape[:1]])
        self.canvas.paint(self.canvas.strokes([closed], 0.035), DARK, self.surface.rim)
