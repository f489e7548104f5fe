"""Drawings of metal cylinders: drink cans, food cans, spray cans and cells.

Every function draws one item of the taxonomy into a `Sketch` in object coordinates.
"""

from __future__ import annotations

import numpy as np

from releaf.corpus.rendering.canvas import arc, band, box, ellipse, flowing, moved, revolved, rounded_box, smooth
from releaf.corpus.rendering.sketch import DARK, WHITE, Sketch
from releaf.corpus.rendering.textures import print_colour

_TIN = (0.80, 0.80, 0.80)
_COPPER = (0.78, 0.50, 0.18)


def beverage_can(s: Sketch) -> None:
    """Slim printed cylinder, necked in at both ends, metal lid with ring pull and opening."""
    w, tilt = s.between(0.40, 0.46), s.between(0.2, 0.3)
    steel = s.material == "steel"  # seamed on at the foot, where aluminium is drawn in and domed
    profile = [(-0.72, w * 0.82), (-0.58, w), (0.68, w), (0.80, w * (0.98 if steel else 0.82))]
    body = s.rounded(revolved(profile, tilt=tilt * 0.8), w)
    if steel:
        s.lines([arc(0, 0.79, w, w * tilt * 0.8)], 0.08, (0.36, 0.35, 0.34), 0.8)
    if s.chance(0.8):
        s.print(s.canvas.mask(band(w, -0.52, 0.64, tilt)), print_colour(s.rng), radius=w, alpha=0.93)
        ink = WHITE if s.chance(0.5) else print_colour(s.rng)
        kind = int(s.rng.integers(3))
        if kind == 0:
            swoosh = smooth([(-w, 0.35), (0, 0.0), (w, -0.15), (w, 0.1), (0, 0.28), (-w, 0.5)])
            s.print(body * s.canvas.mask(swoosh), ink, radius=w, alpha=0.85)
        elif kind == 1:
            s.print(s.canvas.mask(band(w, -0.4, -0.3, tilt), band(w, 0.48, 0.56, tilt)), ink, radius=w, alpha=0.9)
            s.print(s.canvas.mask(ellipse(0, 0.15, w * 0.62, 0.24)), ink, radius=w, alpha=0.9)
        else:
            letters = [np.array([[x, -0.3], [x + s.between(-0.08, 0.08), 0.5]]) for x in (-0.16, 0.0, 0.16)]
            s.print(s.canvas.strokes(letters, 0.09), ink, radius=w, alpha=0.9)
    s.flat(ellipse(0, -0.72, w * 0.82, w * tilt), 1.05)
    s.lines([ellipse(0, -0.72, w * 0.7, w * tilt * 0.8)], 0.03, alpha=0.5)
    s.print(s.canvas.mask(ellipse(0.0, -0.68, w * 0.25, w * tilt * 0.3)), DARK, alpha=0.75)
    s.lines([ellipse(0.0, -0.75, w * 0.22, w * tilt * 0.33)], 0.045, WHITE, 0.9)


def food_can(s: Sketch) -> None:
    """Squat ribbed cylinder with a rolled rim; the lid is on, or bent open and jagged.

    Steel has deep beads all the way and a welded seam, aluminium is drawn smooth with a few shallow ones.
    """
    steel = s.material == "steel"
    w, tilt, top = s.between(0.50, 0.60), s.between(0.2, 0.34), s.between(-0.55, -0.4)
    bottom = s.between(0.5, 0.65)
    s.rounded(revolved([(top, w), (bottom, w)], tilt=tilt), w)
    ys = np.linspace(top + 0.14, bottom - 0.1, 9 if steel else 4)
    s.lines([arc(0, float(y), w, w * tilt) for y in ys], 0.04, alpha=0.45 if steel else 0.25)
    s.lines([arc(0, float(y) + 0.035, w, w * tilt) for y in ys], 0.025, WHITE, 0.5)
    if steel:
        seam = s.between(-0.6, 0.6) * w
        s.lines([np.array([[seam, top + 0.1], [seam, bottom + 0.1]])], 0.035, (0.22, 0.20, 0.19), 0.6)
    if s.chance(0.45):
        middle = (top + bottom) / 2
        s.print(s.canvas.mask(band(w, middle - 0.22, middle + 0.3, tilt)), print_colour(s.rng), radius=w)
        s.print(s.canvas.mask(ellipse(0, middle + 0.13, w * 0.4, 0.14)), WHITE, radius=w, alpha=0.9)
        s.print(s.canvas.mask(ellipse(0, middle + 0.15, w * 0.22, 0.08)), print_colour(s.rng), radius=w)
    s.lines([arc(0, y, w * 1.02, w * tilt) for y in (top + 0.03, bottom)], 0.05, _TIN, 0.8)
    s.flat(ellipse(0, top, w, w * tilt), 0.95)
    if s.chance(0.5):  # opened: dark inside, the lid stands up behind
        s.print(s.canvas.mask(ellipse(0, top, w * 0.9, w * tilt * 0.86)), (0.16, 0.14, 0.13), alpha=0.92)
        s.flat(ellipse(0, top - 0.3, w * 0.82, 0.28), 0.9)
        s.lines([ellipse(0, top - 0.3, w * r, 0.28 * r) for r in (0.6, 0.4)], 0.03, alpha=0.4)
    else:
        s.lines([ellipse(0, top, w * r, w * tilt * r) for r in (0.88, 0.7, 0.5)], 0.03, alpha=0.4)
        if not steel:
            s.lines([ellipse(0, top + 0.02, w * 0.24, w * tilt * 0.3)], 0.045, DARK, 0.6)


def aerosol_can(s: Sketch) -> None:
    """Tall printed cylinder with a nozzle button, sometimes a warning diamond.

    Steel has crimped seams and a separate dome; aluminium is drawn in one piece with a long smooth shoulder.
    """
    drawn = s.material == "aluminium"
    w = s.between(0.23, 0.27) if drawn else s.between(0.26, 0.32)
    start = -0.30 if drawn else -0.36
    if drawn:
        profile = flowing([(-0.64, w * 0.42), (-0.58, w * 0.46), (-0.44, w * 0.85), (-0.26, w), (0.5, w), (0.92, w)])
    else:
        profile = [(-0.58, w * 0.55), (-0.50, w * 0.86), (-0.42, w * 0.96), (0.92, w)]
    s.rounded(revolved(profile, tilt=0.16), w)
    s.print(s.canvas.mask(band(w, start, 0.86)), print_colour(s.rng), radius=w, alpha=0.94)
    _spray_print(s, w)
    if not drawn:
        seams = [arc(0, y, w * 1.04, w * 0.16) for y in (-0.41, 0.9)]
        s.lines(seams, 0.075, (0.25, 0.25, 0.26), 0.7)
        s.lines([moved(seam, 0, -0.015) for seam in seams], 0.045, (0.85, 0.85, 0.85), 0.9)
        s.rounded(revolved([(-0.66, w * 0.42), (-0.56, w * 0.55)], tilt=0.2), w * 0.55)
    nozzle = print_colour(s.rng) if s.chance(0.4) else WHITE
    s.print(s.canvas.mask(rounded_box(-w * 0.36, -0.92, w * 0.36, -0.64, 0.04)), nozzle, radius=w * 0.5)
    s.print(s.canvas.mask(ellipse(w * 0.12, -0.82, 0.03, 0.03)), DARK, alpha=0.9)


def _spray_print(s: Sketch, w: float) -> None:
    stripe = s.between(-0.1, 0.25)
    ink = WHITE if s.chance(0.5) else print_colour(s.rng)
    if s.chance(0.6):
        s.print(s.canvas.mask(band(w, stripe, stripe + 0.2)), ink, radius=w)
    else:
        s.print(s.canvas.mask(ellipse(0, stripe + 0.1, w * 0.7, 0.2)), ink, radius=w)
        s.lines([arc(0, y, w * 0.6, w * 0.08) for y in (0.5, 0.58)], 0.03, ink, 0.8)
    if s.chance(0.6):
        diamond = np.array([[0, 0.45], [0.14, 0.6], [0, 0.75], [-0.14, 0.6]])
        s.print(s.canvas.mask(diamond), (0.95, 0.75, 0.1))
        s.print(s.canvas.mask(np.array([[0, 0.53], [0.05, 0.66], [-0.05, 0.66]])), DARK)


def battery(s: Sketch) -> None:
    """Cylinder cell with a coloured end, a dark or bare body and a nub; or a flat block with two snaps."""
    if s.chance(0.25):
        _block_cell(s)
        return
    w = s.between(0.24, 0.34)
    shifts = (-w * 1.15, w * 1.15) if s.chance(0.3) else (0.0,)
    for shift in shifts:
        _round_cell(s, w, shift)


def _round_cell(s: Sketch, w: float, shift: float) -> None:
    frame = s.canvas.u
    s.canvas.u = frame - np.float32(shift)  # shade the cell around its own axis
    ink = _COPPER if s.chance(0.5) else print_colour(s.rng)
    nub = moved(revolved([(-0.98, w * 0.36), (-0.84, w * 0.36)], tilt=0.25), shift, 0)
    s.print(s.canvas.mask(nub), (0.86, 0.86, 0.84), radius=w * 0.45)
    s.rounded(moved(revolved([(-0.82, w * 0.95), (-0.78, w), (0.86, w)], tilt=0.18), shift, 0), w)
    s.print(s.canvas.mask(moved(band(w, -0.74, s.between(-0.38, -0.2)), shift, 0)), ink, radius=w)
    s.print(s.canvas.mask(moved(band(w, 0.78, 0.84), shift, 0)), _TIN, radius=w)
    plus = [np.array([[-0.09, -0.5], [0.09, -0.5]]), np.array([[0, -0.59], [0, -0.41]])]
    s.lines([moved(p, shift, 0.04) for p in plus], 0.045, WHITE, 0.95)
    s.lines([moved(np.array([[-0.09, 0.62], [0.09, 0.62]]), shift, 0)], 0.045, WHITE, 0.8)
    s.print(s.canvas.mask(moved(box(-w * 0.5, 0.0, w * 0.5, 0.12), shift, 0)), ink, radius=w, alpha=0.9)
    if s.chance(0.2):  # leaked: a white crust at one end
        crust = [ellipse(shift + s.between(-w, w), s.between(0.78, 0.9), 0.08, 0.05) for _ in range(4)]
        s.print(s.canvas.mask(*crust), (0.86, 0.90, 0.86), alpha=0.9)
    s.canvas.u = frame


def _block_cell(s: Sketch) -> None:
    s.flat(rounded_box(-0.46, -0.6, 0.46, 0.85, 0.05), 1.1)
    s.print(s.canvas.mask(box(-0.46, -0.5, 0.46, -0.05)), _COPPER if s.chance(0.5) else print_colour(s.rng))
    s.print(s.canvas.mask(box(-0.46, -0.62, 0.46, -0.52)), (0.72, 0.72, 0.70))
    for x, r in ((-0.22, 0.12), (0.22, 0.16)):
        s.print(s.canvas.mask(box(x - r, -0.78, x + r, -0.6), ellipse(x, -0.78, r, 0.05)), (0.80, 0.80, 0.78))
        s.lines([ellipse(x, -0.78, r, 0.05)], 0.025, alpha=0.7)
    s.lines([np.array([[-0.3, -0.3], [-0.14, -0.3]]), np.array([[0.14, -0.3], [0.3, -0.3]])], 0.05, WHITE, 0.9)
    s.lines([np.array([[0.22, -0.38], [0.22, -0.22]])], 0.05, WHITE, 0.9)
    s.print(s.canvas.mask(box(-0.3, 0.2, 0.3, 0.4)), WHITE, alpha=0.7)
    s.lines([np.array([[-0.22, y], [0.22, y]]) for y in (0.27, 0.33)], 0.025, DARK, 0.7)
