"""Drawings of soft things: bags, wrappers and peel.

Every function draws one item of the taxonomy into a `Sketch` in object coordinates. Paper and cloth are in `sheets`.
"""

from __future__ import annotations

import numpy as np

from releaf.corpus.rendering.canvas import Points, arc, box, ellipse, moved, smooth
from releaf.corpus.rendering.sketch import DARK, WHITE, Sketch
from releaf.corpus.rendering.textures import print_colour


def plastic_bag(s: Sketch) -> None:
    """Film bag with creases running from the handles, often printed.

    Rustling HDPE is a vest bag with two straps, soft glossy LDPE as often a flat bag with a hole to grip.
    """
    vest = s.chance(0.95 if s.material == "hdpe" else 0.5)
    w, sag = s.between(0.52, 0.66), s.between(0.0, 0.12)
    jitter = [s.between(-0.05, 0.05) for _ in range(6)]
    left, right = w + jitter[0], w + jitter[1]
    low = [(right * 0.98, 0.1), (right * 1.08, 0.5), (w * 0.82, 0.88 + sag * 0.5), (jitter[3], 0.86 + sag)]
    low += [(-w * 0.82, 0.88 + jitter[4]), (-left * 1.08, 0.5), (-left * 0.98, 0.1)]
    bumps, depth = (11, 0.4) if s.material == "hdpe" else (5, 0.5)
    if vest:
        body = smooth([(-w * 0.9, -0.36), (-w * 0.15, -0.3), (w * 0.15, -0.3), (w * 0.9, -0.36), *low])
        _straps(s, w)
        s.crumpled(body, bumps, depth)
        tops = (-0.7 * w, -0.4 * w, 0.4 * w, 0.7 * w)
    else:
        top = s.between(-0.86, -0.74)
        outline = [(-w * 0.9, top), (-w * 0.3, top + 0.02), (w * 0.3, top - 0.02), (w * 0.9, top), (w, -0.4)]
        grip = ellipse(0, top + 0.19, s.between(0.2, 0.27), 0.1)
        foot = [(right, 0.5), (right * 0.98, 0.86), (w * 0.8, 0.92 + sag * 0.3), (jitter[3], 0.88 + sag)]
        foot += [(-w * 0.8, 0.92 + jitter[4]), (-left * 0.98, 0.86), (-left, 0.5)]
        s.crumpled(smooth([*outline, *foot, (-w, -0.4)]), bumps, depth, hole=grip)
        s.lines([np.concatenate([grip, grip[:1]])], 0.04, DARK, 0.4)
        s.lines([np.array([[-w * 0.88, top + 0.06], [w * 0.88, top + 0.06]])], 0.025, alpha=0.3)
        tops = (-0.25, -0.18, 0.18, 0.25)
    start = -0.32 if vest else -0.55
    folds = [_crease(s, x, start) for x in tops]
    s.print(s.canvas.mask(*folds), DARK, alpha=0.22)
    s.print(s.canvas.mask(*[moved(fold, 0.035, 0.0) for fold in folds]), WHITE, alpha=0.15 + 0.3 * s.surface.gloss)
    if s.chance(0.6):
        _bag_print(s)


def _crease(s: Sketch, x: float, y: float) -> Points:
    """Return a fold that starts in a point at (x, y) below a handle and runs out downwards."""
    end = x * 1.4 + s.between(-0.1, 0.1)
    low = s.between(0.0, 0.6)
    middle = (x + end) / 2 + s.between(-0.06, 0.06)
    return smooth([(x, y), (middle + 0.02, (y + low) / 2), (end, low), (middle - 0.02, (y + low) / 2)])


def _straps(s: Sketch, w: float) -> None:
    for side in (-1, 1):
        outer = [(w * 0.96, -0.3), (w * 0.86, -0.7), (w * 0.62, -0.97), (w * 0.36, -0.92), (w * 0.2, -0.6)]
        inner = [(w * 0.66, -0.4), (w * 0.62, -0.7), (w * 0.54, -0.8), (w * 0.44, -0.7), (w * 0.4, -0.4)]
        edge = smooth([(side * x, y) for x, y in [*outer, (w * 0.1, -0.28)]])
        s.crumpled(edge, 9, 0.6, hole=smooth([(side * x, y) for x, y in inner]))


def _bag_print(s: Sketch) -> None:
    ink = print_colour(s.rng)
    kind = int(s.rng.integers(3))
    if kind == 0:
        s.print(s.canvas.mask(ellipse(0, 0.2, 0.26, 0.22)), ink, alpha=0.75)
        s.print(s.canvas.mask(box(-0.3, 0.5, 0.3, 0.58)), ink, alpha=0.75)
    elif kind == 1:
        s.lines([np.array([[-0.34, y], [0.34, y + 0.02]]) for y in (0.05, 0.2)], 0.09, ink, 0.75)
        s.lines([np.array([[-0.2, 0.36], [0.2, 0.37]])], 0.05, ink, 0.7)
    else:
        s.lines([arc(0, 0.15 + d, 0.3, 0.25) for d in (0.0, 0.14, 0.28)], 0.06, ink, 0.7)


def snack_wrapper(s: Sketch) -> None:
    """Blown-up pouch with saw-toothed, crimped ends and a large logo; or a sweet with twisted ends."""
    if s.chance(0.3):
        _sweet(s)
        return
    w, bulge, teeth = s.between(0.55, 0.66), s.between(0.0, 0.08), 11
    xs = np.linspace(-w, w, 2 * teeth + 1)
    top = [(float(x), -0.93 + (0.06 if k % 2 else 0.0)) for k, x in enumerate(xs)]
    bottom = [(float(x), 0.93 - (0.06 if k % 2 else 0.0)) for k, x in enumerate(xs)]
    right = [(w * 0.98, -0.7), (w + bulge, -0.3), (w - bulge, 0.1), (w + bulge, 0.5), (w * 0.98, 0.7)]
    left = [(-x, y) for x, y in reversed(right)]
    s.crumpled(np.array(top + right + bottom[::-1] + left), 8, 1.1)
    crimps = [np.array([[-w, y], [w, y]]) for y in (-0.84, -0.78, -0.72, 0.72, 0.78, 0.84)]
    s.lines(crimps, 0.02, WHITE, 0.45)
    ink = print_colour(s.rng)
    s.print(s.canvas.mask(ellipse(0, -0.22, w * 0.72, 0.26)), WHITE, alpha=0.8)
    s.print(s.canvas.mask(ellipse(0, -0.22, w * 0.6, 0.19)), ink, alpha=0.9)
    s.lines([np.array([[-w * 0.4, -0.22], [w * 0.4, -0.26]])], 0.09, WHITE, 0.9)
    chips = [ellipse(x, y, 0.15, 0.11) for x, y in ((-0.2, 0.35), (0.1, 0.42), (0.26, 0.28))]
    s.print(s.canvas.mask(*chips), (0.93, 0.74, 0.30), alpha=0.95)
    s.lines(chips, 0.02, (0.5, 0.3, 0.1), 0.6)


def _sweet(s: Sketch) -> None:
    for side in (-1, 1):
        fan = [
            (side * 0.42, -0.05),
            (side * 0.9, -0.38),
            (side * 0.84, -0.12),
            (side * 0.97, 0.02),
            (side * 0.84, 0.16),
            (side * 0.9, 0.38),
            (side * 0.42, 0.05),
        ]
        s.crumpled(np.array(fan), 10, 0.8)
        s.lines([np.array([[side * 0.44, 0.0], [side * 0.86, y]]) for y in (-0.25, 0.0, 0.25)], 0.02, WHITE, 0.5)
    s.crumpled(ellipse(0, 0, 0.52, s.between(0.28, 0.38)), 8, 0.9)
    stripes = [np.array([[x, -0.3], [x + 0.14, 0.3]]) for x in (-0.32, -0.07, 0.18)]
    body = s.canvas.mask(ellipse(0, 0, 0.5, 0.27))
    s.print(body * s.canvas.strokes(stripes, 0.1), print_colour(s.rng), alpha=0.85)


def fruit_peel(s: Sketch) -> None:
    """Banana skin whose strips fall apart from the stalk, an apple core with stalk and pips, or a melon rind."""
    kind = s.rng.random()
    if kind < 0.3:
        _apple_core(s)
        return
    if kind < 0.42:
        _melon_rind(s)
        return
    strips = int(s.rng.integers(3, 5))
    for k, middle in enumerate(np.linspace(-0.92, 0.92, strips)):
        x = float(middle) + s.between(-0.08, 0.08)
        y = 0.75 - 0.35 * abs(x) + s.between(-0.08, 0.08)
        pale_inside = k % 2 == int(s.chance(0.5))
        s.crumpled(_strip(x, y, 0.12), 8, 0.3)
        if pale_inside:
            s.print(s.canvas.mask(_strip(x, y - 0.1, 0.05)), (0.96, 0.91, 0.72), alpha=0.85)
        s.lines([smooth([(0.0, -0.55), (0.35 * x, -0.1), (x, y - 0.1)], closed=False)], 0.02, (0.4, 0.28, 0.08), 0.4)
    s.flat(smooth([(-0.1, -0.5), (-0.07, -0.78), (-0.05, -0.95), (0.05, -0.95), (0.08, -0.78), (0.1, -0.5)]), 0.9)
    s.print(s.canvas.mask(ellipse(0, -0.94, 0.06, 0.04)), (0.25, 0.16, 0.06))


def _strip(x: float, y: float, half: float) -> Points:
    """A strip of skin from the stalk to its tip at (x, y), `half` wide on either side."""
    bend, near = 0.35 * x, 0.8 * half
    right = [(x + half, y - 0.33), (bend + 1.5 * half, -0.18), (near, -0.6)]
    return smooth([(-near, -0.6), (bend - 1.5 * half, -0.18), (x - half, y - 0.33), (x, y), *right])


def _apple_core(s: Sketch) -> None:
    waist = s.between(0.14, 0.24)
    half = [
        (0.42, -0.62),
        (0.5, -0.45),
        (waist + 0.06, -0.2),
        (waist, 0.05),
        (waist + 0.06, 0.3),
        (0.42, 0.55),
        (0.3, 0.72),
    ]
    outline = smooth([*half, *[(-x, y) for x, y in reversed(half)], (0.0, -0.55)])
    s.print(s.canvas.mask(outline), (0.95, 0.89, 0.66))
    skin = (0.75, 0.15, 0.12) if s.chance(0.6) else (0.50, 0.62, 0.20)
    for y, r in ((-0.56, 0.47), (0.62, 0.38)):
        s.print(s.canvas.mask(outline) * s.canvas.mask(ellipse(0, y, r, 0.16)), skin, radius=0.6)
    s.canvas.paint(s.canvas.mask(outline) * s.canvas.mask(ellipse(0, 0.05, waist, 0.4)), s.surface.colour, 0.35)
    s.lines([np.concatenate([outline, outline[:1]])], 0.03, (0.4, 0.25, 0.1), 0.5)
    s.print(s.canvas.mask(ellipse(-0.05, 0.0, 0.045, 0.09), ellipse(0.06, 0.08, 0.045, 0.09)), (0.22, 0.12, 0.06))
    s.lines([smooth([(0.0, -0.6), (0.04, -0.8), (0.14, -0.95)], closed=False)], 0.06, (0.3, 0.2, 0.1), 1.0)


def _melon_rind(s: Sketch) -> None:
    """Draw an eaten slice: green or yellow skin below, a pale rind, a rest of flesh with bites in its upper edge."""
    deep = s.between(0.85, 1.0)
    across = np.linspace(0.8, -0.8, 9).tolist()
    bites = [(x, (-0.08 if k % 2 else -0.22) + s.between(-0.03, 0.03)) for k, x in enumerate(across)]
    slice_ = s.canvas.mask(np.concatenate([arc(0, -0.4, 0.97, deep), smooth(bites, closed=False)]))
    green = (0.22, 0.45, 0.18) if s.chance(0.7) else (0.80, 0.70, 0.35)
    s.print(slice_, green)
    s.canvas.paint(slice_, s.surface.colour, 0.3)
    s.print(slice_ * s.canvas.mask(ellipse(0, -0.4, 0.88, deep * 0.88)), (0.90, 0.93, 0.76))
    flesh = slice_ * s.canvas.mask(ellipse(0, -0.4, 0.8, deep * 0.74))
    red = s.chance(0.6)
    s.print(flesh, (0.86, 0.26, 0.26) if red else (0.95, 0.62, 0.30), alpha=0.95)
    if red:
        pips = [ellipse(x, 0.02 + 0.06 * (k % 2), 0.025, 0.045) for k, x in enumerate((-0.45, -0.2, 0.05, 0.3, 0.5))]
        s.print(flesh * s.canvas.mask(*pips), (0.12, 0.08, 0.06))
    s.lines([smooth(bites, closed=False)], 0.03, (0.35, 0.12, 0.08), 0.4)
