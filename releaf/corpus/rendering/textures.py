"""How each material looks: its colours, see-through, gloss and surface pattern, one function a material.

Here: material only, in object coordinates. Not here: the shape that wears it (`bottles`, `cans`, `packs`, `rigid`,
`sheets`, `soft`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from releaf.corpus.rendering.canvas import Canvas, Colour, FloatArray, grain, noise, planes, wave

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
_RUST: Colour = (0.45, 0.24, 0.10)
_BRUISE: Colour = (0.28, 0.17, 0.08)


@dataclass(frozen=True)
class Surface:
    """What a shape is covered with.

    `colour` is (3, size, size) or (3, 1, 1) in [0, 1]; `alpha` 1 is opaque; `gloss` 0 to 1 scales highlights and makes
    them narrow; `mirror` 0 to 1 replaces smooth shading by the banded reflections of metal; `rim` 0 to 1 is how
    strongly the outline is drawn in the colour `edge`, as thick glass shows it.
    """

    colour: FloatArray
    alpha: float = 1.0
    gloss: float = 0.2
    mirror: float = 0.0
    rim: float = 0.25
    edge: Colour = (0.08, 0.08, 0.09)


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


def _mixed(base: FloatArray, colour: Colour, share: FloatArray) -> FloatArray:
    mixed: FloatArray = base + share * (planes(colour) - base)
    return mixed


def _pet(_: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.72, 0.86, 0.95), (0.80, 0.90, 0.92), (0.55, 0.80, 0.72), (0.60, 0.78, 0.95)))
    return Surface(planes(tint), alpha=rng.uniform(0.28, 0.45), gloss=0.9, rim=0.4)


def _hdpe(canvas: Canvas, rng: np.random.Generator) -> Surface:
    cloud = 0.90 + 0.10 * noise(rng, canvas.size, 4)
    if rng.random() < 0.3:  # unpigmented: milky, and a little light comes through
        return Surface(planes((0.93, 0.94, 0.92)) * cloud, alpha=0.86, gloss=0.2)
    return Surface(planes(pick(rng, _DETERGENTS)) * cloud, alpha=0.97, gloss=0.2)


def _ldpe(canvas: Canvas, rng: np.random.Generator) -> Surface:
    base = pick(rng, ((0.94, 0.94, 0.96), (0.85, 0.90, 0.95), (0.95, 0.93, 0.80), (0.55, 0.70, 0.85)))
    # Film creases: the contour lines of a smooth field are bright.
    creases = wave(3.0 * noise(rng, canvas.size, 4) + 1.2 * canvas.u)
    return Surface(planes(base) * (0.83 + 0.2 * creases), alpha=rng.uniform(0.55, 0.78), gloss=0.7, rim=0.2)


def _polypropylene(_: Canvas, rng: np.random.Generator) -> Surface:
    if rng.random() < 0.3:  # unpigmented
        return Surface(planes(pick(rng, ((0.93, 0.94, 0.94), (0.84, 0.88, 0.92)), 0.03)), alpha=0.75, gloss=0.6)
    return Surface(planes(print_colour(rng) if rng.random() < 0.6 else (0.95, 0.95, 0.94)), gloss=0.6)


def _polystyrene(canvas: Canvas, rng: np.random.Generator) -> Surface:
    pits = np.clip(1.6 * (0.55 - noise(rng, canvas.size, 36)), 0.0, 0.5)  # the dark corners between foam beads
    tint = pick(rng, ((0.96, 0.96, 0.95), (0.97, 0.95, 0.88), (0.93, 0.95, 0.97)), 0.02)
    return Surface(planes(tint) * (1.0 - 0.32 * pits), gloss=0.02, rim=0.12)


def _aluminium(canvas: Canvas, rng: np.random.Generator) -> Surface:
    brushed = 0.95 + 0.10 * noise(rng, canvas.size, 3, 40)
    return Surface(planes((0.86, 0.87, 0.89)) * brushed, gloss=0.9, mirror=0.9, rim=0.3)


def _steel(canvas: Canvas, rng: np.random.Generator) -> Surface:
    base = planes((0.54, 0.54, 0.53)) * (0.92 + 0.12 * noise(rng, canvas.size, 6))
    rust = np.clip(4.0 * (noise(rng, canvas.size, 13) - rng.uniform(0.62, 0.85)), 0.0, 0.75)
    return Surface(_mixed(base, _RUST, rust), gloss=0.4, mirror=0.65, rim=0.4)


def _glass(_: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, _GLASSES, 0.04)
    dark = tint[0] < 0.5
    edge: Colour = (0.25 * tint[0], 0.25 * tint[1], 0.25 * tint[2])
    return Surface(planes(tint), alpha=0.80 if dark else 0.30, gloss=1.0, rim=0.85, edge=edge)


def _paper(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.93, 0.92, 0.88), (0.88, 0.86, 0.80), (0.96, 0.96, 0.95)), 0.02)
    return Surface(planes(tint) * (0.96 + 0.05 * grain(rng, canvas.size)), gloss=0.0, rim=0.15)


def _cardboard(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.72, 0.54, 0.35), (0.65, 0.50, 0.36), (0.62, 0.58, 0.52), (0.76, 0.60, 0.42)), 0.03)
    fibres = noise(rng, canvas.size, 11, 32)
    flutes = wave(np.float32(rng.uniform(9, 13)) * canvas.u)
    return Surface(planes(tint) * (0.86 + 0.16 * fibres + 0.05 * flutes), gloss=0.0, rim=0.3)


def _laminate(canvas: Canvas, rng: np.random.Generator) -> Surface:
    base, other = print_colour(rng), print_colour(rng)
    colour = planes(base)
    field = noise(rng, canvas.size, 3)
    if rng.random() < 0.7:  # a second ink, parted from the first by a sweeping line
        slant = np.float32(rng.uniform(-0.8, 0.8))
        place = canvas.v + slant * canvas.u + 0.5 * field - np.float32(rng.uniform(-0.2, 0.6))
        colour = _mixed(colour, other, np.clip(12.0 * place, 0.0, 1.0))
    sheen = 0.88 + 0.24 * wave(2.0 * field + canvas.u)
    return Surface(np.minimum(colour * sheen, np.float32(1.0)), gloss=0.6, mirror=0.12)


def _textile(canvas: Canvas, rng: np.random.Generator) -> Surface:
    knit = wave(np.float32(12.0) * canvas.u)
    folds = noise(rng, canvas.size, 4, 3)
    cloth = 0.76 + 0.07 * knit + 0.25 * folds + 0.05 * grain(rng, canvas.size)
    return Surface(planes(pick(rng, _CLOTHS)) * cloth, gloss=0.0, rim=0.2)


def _food_scraps(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.93, 0.78, 0.20), (0.88, 0.70, 0.15), (0.75, 0.72, 0.25), (0.85, 0.45, 0.15)), 0.04)
    bruises = np.clip(5.0 * (noise(rng, canvas.size, 10) - rng.uniform(0.55, 0.8)), 0.0, 0.85)
    base = planes(tint) * (0.85 + 0.2 * noise(rng, canvas.size, 5))
    return Surface(_mixed(base, _BRUISE, bruises), gloss=0.1)


def _wood(canvas: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.78, 0.60, 0.38), (0.70, 0.52, 0.32), (0.62, 0.47, 0.33), (0.82, 0.68, 0.46)), 0.03)
    rings = wave(np.float32(rng.uniform(6, 10)) * canvas.v + 1.2 * noise(rng, canvas.size, 3, 6))
    return Surface(planes(tint) * (0.78 + 0.22 * rings), gloss=0.03, rim=0.4)


def _electronic_parts(_: Canvas, rng: np.random.Generator) -> Surface:
    tint = pick(rng, ((0.10, 0.10, 0.12), (0.16, 0.17, 0.20), (0.22, 0.20, 0.18)), 0.03)
    return Surface(planes(tint), gloss=0.25, rim=0.3)


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
