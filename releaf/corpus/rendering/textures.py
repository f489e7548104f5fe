"""How each material looks: its colours, see-through, gloss and surface pattern, one function a material.

Here: material only, in object coordinates. Not here: the shape that wears it (`containers`, `soft`, `rigid`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from releaf.corpus.rendering.canvas import Canvas, Colour, FloatArray, grain, noise, wave

_PRINTS: tuple[Colour, ...] = (
    (0.80, 0.10, 0.12), (0.93, 0.45, 0.08), (0.95, 0.80, 0.15), (0.25, 0.62, 0.22), (0.05, 0.45, 0.40),
    (0.10, 0.35, 0.75), (0.30, 0.65, 0.88), (0.45, 0.20, 0.60), (0.88, 0.35, 0.60), (0.15, 0.15, 0.20),
)  # fmt: skip
_DETERGENTS: tuple[Colour, ...] = (
    (0.93, 0.93, 0.90), (0.90, 0.91, 0.88), (0.20, 0.45, 0.80), (0.95, 0.55, 0.10), (0.30, 0.60, 0.30),
    (0.85, 0.30, 0.45),
)  # fmt: skip
_GLASSES: tuple[Colour, ...] = ((0.62, 0.74, 0.72), (0.10, 0.38, 0.16), (0.42, 0.20, 0.05), (0.70, 0.78, 0.80))
_CLOTHS: tuple[Colour, ...] = (
    (0.90, 0.90, 0.88), (0.20, 0.22, 0.30), (0.65, 0.12, 0.16), (0.25, 0.45, 0.62), (0.55, 0.60, 0.48),
    (0.85, 0.68, 0.35), (0.48, 0.48, 0.50),
)  # fmt: skip
_RUST = np.array([0.45, 0.24, 0.10], dtype=np.float32)
_BRUISE = np.array([0.28, 0.17, 0.08], dtype=np.float32)


@dataclass(frozen=True)
class Surface:
    """What a shape is covered with.

    `colour` is (size, size, 3) in [0, 1]; `alpha` 1 is opaque; `gloss` 0 to 1 scales highlights; `mirror` 0 to 1
    replaces smooth shading by the banded reflections of metal; `rim` 0 to 1 darkens the outline, as thick glass does.
    """

    colour: FloatArray
    alpha: float = 1.0
    gloss: float = 0.2
    mirror: float = 0.0
    rim: float = 0.25


def pick(rng: np.random.Generator, colours: tuple[Colour, ...], spread: float = 0.06) -> Colour:
    """Return one of `colours`, each channel moved by at most `spread`."""
    base = colours[int(rng.integers(len(colours)))]
    shift = rng.uniform(-spread, spread, size=3)
    return tuple(float(min(1.0, max(0.0, c + s))) for c, s in zip(base, shift, strict=True))  # type: ignore[return-value]


def print_colour(rng: np.random.Generator) -> Colour:
    """Return a printing-ink colour, for labels, caps and packages."""
    return pick(rng, _PRINTS)


def surface(material: str, canvas: Canvas, rng: np.random.Generator) -> Surface:
    """Return the look of the taxonomy material `material`; KeyError for one that has no look here."""
    return TEXTURES[material](canvas, rng)


def _flat(canvas: Canvas, colour: Colour) -> FloatArray:
    plane = np.empty((canvas.size, canvas.size, 3), dtype=np.float32)
    plane[:] = np.asarray(colour, dtype=np.float32)
    return plane


def _scaled(colour: Colour, factor: FloatArray) -> FloatArray:
    scaled: FloatArray = np.asarray(colour, dtype=np.float32) * factor[:, :, None]
    return scaled


def _pet(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.72, 0.86, 0.95), (0.80, 0.90, 0.92), (0.55, 0.80, 0.72), (0.60, 0.78, 0.95)))
    return Surface(_flat(canvas, tint), alpha=rng.uniform(0.28, 0.45), gloss=0.9, rim=0.45)


def _hdpe(canvas: Canvas, rng: np.random.Generator) -> Surface:
    cloud = 0.94 + 0.06 * noise(rng, canvas.size, 4)
    return Surface(_scaled(pick(rng, _DETERGENTS), cloud), alpha=0.97, gloss=0.18)


def _ldpe(canvas: Canvas, rng: np.random.Generator) -> Surface:
    base = pick(rng, ((0.94, 0.94, 0.96), (0.85, 0.90, 0.95), (0.95, 0.93, 0.80), (0.55, 0.70, 0.85)))
    # Film creases: the contour lines of a smooth field are bright.
    creases = wave(4.0 * noise(rng, canvas.size, 4) + 1.5 * canvas.u)
    return Surface(_scaled(base, 0.78 + 0.27 * creases), alpha=rng.uniform(0.62, 0.85), gloss=0.5, rim=0.2)


def _polypropylene(canvas: Canvas, rng: np.random.Generator) -> Surface:
    base = print_colour(rng) if rng.random() < 0.6 else (0.95, 0.95, 0.94)
    return Surface(_flat(canvas, base), gloss=0.55)


def _polystyrene(canvas: Canvas, rng: np.random.Generator) -> Surface:
    beads = noise(rng, canvas.size, canvas.size // 3)
    tint = pick(rng, ((0.96, 0.96, 0.95), (0.97, 0.95, 0.88), (0.93, 0.95, 0.97)), 0.02)
    return Surface(_scaled(tint, 0.86 + 0.14 * beads), gloss=0.02, rim=0.15)


def _aluminium(canvas: Canvas, rng: np.random.Generator) -> Surface:
    brushed = 0.95 + 0.10 * noise(rng, canvas.size, 3, canvas.size // 2)
    return Surface(_scaled((0.86, 0.87, 0.89), brushed), gloss=0.9, mirror=0.9, rim=0.3)


def _steel(canvas: Canvas, rng: np.random.Generator) -> Surface:
    base = _scaled((0.60, 0.60, 0.58), 0.92 + 0.12 * noise(rng, canvas.size, 6))
    rust = np.clip(4.0 * (noise(rng, canvas.size, 9) - rng.uniform(0.62, 0.85)), 0.0, 0.8)[:, :, None]
    return Surface(base * (1 - rust) + rust * _RUST, gloss=0.45, mirror=0.55, rim=0.4)


def _glass(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, _GLASSES, 0.04)
    dark = tint[0] < 0.5
    return Surface(_flat(canvas, tint), alpha=0.80 if dark else 0.30, gloss=1.0, rim=0.75)


def _paper(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.93, 0.92, 0.88), (0.88, 0.86, 0.80), (0.96, 0.96, 0.95)), 0.02)
    return Surface(_scaled(tint, 0.97 + 0.05 * grain(rng, canvas.size)), gloss=0.0, rim=0.15)


def _cardboard(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.72, 0.54, 0.35), (0.65, 0.50, 0.36), (0.62, 0.58, 0.52), (0.76, 0.60, 0.42)), 0.03)
    fibres = noise(rng, canvas.size, canvas.size // 6, canvas.size // 2)
    flutes = wave(np.float32(rng.uniform(9, 13)) * canvas.u)
    return Surface(_scaled(tint, 0.86 + 0.16 * fibres + 0.05 * flutes), gloss=0.0, rim=0.3)


def _laminate(canvas: Canvas, rng: np.random.Generator) -> Surface:
    base, other = print_colour(rng), print_colour(rng)
    field = noise(rng, canvas.size, 3)
    share = np.clip(8.0 * (field - 0.55), 0.0, 1.0)[:, :, None]
    colour = _flat(canvas, base) * (1 - share) + np.asarray(other, dtype=np.float32) * share
    sheen = 0.9 + 0.22 * wave(2.0 * field + canvas.u)
    return Surface(np.minimum(colour * sheen[:, :, None], 1.0), gloss=0.6, mirror=0.12)


def _textile(canvas: Canvas, rng: np.random.Generator) -> Surface:
    knit = wave(np.float32(17.0) * canvas.u) * wave(np.float32(17.0) * canvas.v)
    folds = noise(rng, canvas.size, 4)
    return Surface(_scaled(pick(rng, _CLOTHS), 0.72 + 0.14 * knit + 0.28 * folds), gloss=0.0, rim=0.2)


def _food_scraps(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.93, 0.78, 0.20), (0.88, 0.70, 0.15), (0.75, 0.72, 0.25), (0.85, 0.45, 0.15)), 0.04)
    bruises = np.clip(5.0 * (noise(rng, canvas.size, 10) - rng.uniform(0.55, 0.8)), 0.0, 0.85)[:, :, None]
    base = _scaled(tint, 0.85 + 0.2 * noise(rng, canvas.size, 5))
    return Surface(base * (1 - bruises) + bruises * _BRUISE, gloss=0.1)


def _wood(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.78, 0.60, 0.38), (0.70, 0.52, 0.32), (0.62, 0.47, 0.33), (0.82, 0.68, 0.46)), 0.03)
    rings = wave(np.float32(rng.uniform(6, 10)) * canvas.v + 1.2 * noise(rng, canvas.size, 3, 6))
    return Surface(_scaled(tint, 0.78 + 0.22 * rings), gloss=0.03, rim=0.4)


def _electronic_parts(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.10, 0.10, 0.12), (0.16, 0.17, 0.20), (0.22, 0.20, 0.18)), 0.03)
    return Surface(_flat(canvas, tint), gloss=0.5, rim=0.3)


TEXTURES: dict[str, Callable[[Canvas, np.random.Generator], Surface]] = {
    "pet": _pet,
    "hdpe": _hdpe,
    "ldpe": _ldpe,
    "polypropylene": _polypropylene,
    "polystyrene": _polystyrene,
    "aluminium": _aluminium,
    "steel": _steel,
    "glass": _glass,
    "paper": _paper,
    "cardboard": _cardboard,
    "laminate": _laminate,
    "textile": _textile,
    "food_scraps": _food_scraps,
    "wood": _wood,
    "electronic_parts": _electronic_parts,
}
