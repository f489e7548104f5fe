"""Drawings of soft things: bags, wrappers, printed sheets, cloth and peel.

Every function draws one item of the taxonomy into a `Sketch` in object coordinates. Vessels are in `containers`, stiff
things in `rigid`.
"""

from __future__ import annotations

import numpy as np

from releaf.corpus.rendering.canvas import Points, box, ellipse, smooth
from releaf.corpus.rendering.sketch import DARK, WHITE, Sketch
from releaf.corpus.rendering.textures import print_colour


def plastic_bag(s: Sketch) -> None:
    """Soft sack with two loop handles on top and creases running from them; often a printed logo."""
    w, sag = s.between(0.52, 0.66), s.between(0.0, 0.12)
    jitter = [s.between(-0.05, 0.05) for _ in range(8)]
    for side in (-1, 1):
        loop = smooth(
            [
                (side * w * 0.75, -0.35),
                (side * w * 0.72, -0.8),
                (side * w * 0.45, -0.97),
                (side * w * 0.2, -0.8),
                (side * w * 0.22, -0.35),
            ],
            closed=False,
        )
        s.canvas.paint(s.canvas.strokes([loop], 0.15), s.surface.colour, s.surface.alpha)
        s.lines([loop], 0.02, alpha=0.25)
    outline = [(-w * 0.85, -0.42), (-w * 0.2, -0.36), (w * 0.2, -0.36), (w * 0.85, -0.42)]
    outline += [(w + jitter[0], 0.0 + jitter[1]), (w * 1.08 + jitter[2], 0.5), (w * 0.8, 0.88 + sag * 0.5)]
    outline += [
        (0.0 + jitter[3], 0.86 + sag),
        (-w * 0.8, 0.88 + jitter[4]),
        (-w * 1.08 + jitter[5], 0.5),
        (-w + jitter[6], 0.0),
    ]
    s.crumpled(smooth(outline), 6, 0.55)
    folds = [
        np.array([[x, -0.38], [x * 1.3 + s.between(-0.1, 0.1), s.between(0.0, 0.6)]])
        for x in (-0.4 * w, -0.15, 0.12, 0.42 * w)
    ]
    s.lines(folds, 0.02, alpha=0.3)
    if s.chance(0.6):
        ink = print_colour(s.rng)
        s.print(s.canvas.mask(ellipse(0, 0.2, 0.26, 0.22)), ink, alpha=0.75)
        s.print(s.canvas.mask(box(-0.3, 0.5, 0.3, 0.58)), ink, alpha=0.75)


def newspaper(s: Sketch) -> None:
    """Folded sheets with a headline, columns of lines and a picture."""
    w, h = s.between(0.62, 0.74), s.between(0.82, 0.95)
    for k in range(int(s.rng.integers(1, 4)), 0, -1):
        s.flat(box(-w + 0.035 * k, -h + 0.04 * k, w + 0.035 * k, h + 0.04 * k), 0.82)
    s.flat(box(-w, -h, w, h), 1.0)
    ink = (0.16, 0.16, 0.18)
    s.print(s.canvas.mask(box(-w + 0.08, -h + 0.08, w - 0.08, -h + 0.24)), ink, alpha=0.85)
    s.lines([np.array([[-w + 0.08, -h + 0.31], [w - 0.08, -h + 0.31]])], 0.02, ink, 0.8)
    columns = int(s.rng.integers(2, 4))
    gap, step = 0.08, (2 * w - 0.08) / columns
    picture = int(s.rng.integers(columns))
    for c in range(columns):
        x0, x1 = -w + gap + c * step, -w + (c + 1) * step
        y = -h + 0.4
        if c == picture:
            tone = print_colour(s.rng) if s.chance(0.4) else (0.45, 0.45, 0.46)
            s.print(s.canvas.mask(box(x0, y, x1, y + 0.4)), tone, alpha=0.8)
            y += 0.48
        ys = np.arange(y, h - 0.06, 0.085)
        s.lines(
            [np.array([[x0, v], [x1 - (0.12 if k % 5 == 4 else 0), v]]) for k, v in enumerate(ys)], 0.032, ink, 0.65
        )
    if s.chance(0.6):  # the fold
        s.lines([np.array([[-w, 0.0], [w, 0.0]])], 0.05, DARK, 0.22)
        s.lines([np.array([[-w, 0.05], [w, 0.05]])], 0.03, WHITE, 0.6)


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
    s.crumpled(np.array(top + right + bottom[::-1] + left), 7, 0.8)
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
    s.crumpled(ellipse(0, 0, 0.52, s.between(0.28, 0.38)), 7, 0.7)
    stripes = [np.array([[x, -0.3], [x + 0.14, 0.3]]) for x in (-0.32, -0.07, 0.18)]
    body = s.canvas.mask(ellipse(0, 0, 0.5, 0.27))
    s.print(body * s.canvas.strokes(stripes, 0.1), print_colour(s.rng), alpha=0.85)


def t_shirt(s: Sketch) -> None:
    """Shirt laid flat: round collar, short sleeves, straight hem; sometimes a print or stripes."""
    w, flare, hem = s.between(0.46, 0.54), s.between(-0.03, 0.05), s.between(0.8, 0.92)
    sleeve, drop = s.between(0.88, 0.98), s.between(-0.12, 0.02)
    half = [(0.2, -0.8), (w * 0.95, -0.68), (sleeve, -0.3), (sleeve - 0.24, drop), (w, -0.22), (w + flare, hem)]
    outline = [*half, *[(-x, y) for x, y in reversed(half)], (-0.12, -0.7), (0.0, -0.66), (0.12, -0.7)]
    body = s.crumpled(np.array(outline), 5, 0.35)
    ink = print_colour(s.rng)
    kind = s.rng.integers(3)
    if kind == 0:
        stripes = [np.array([[-1.0, y], [1.0, y]]) for y in np.arange(-0.45, 0.9, 0.22)]
        s.print(body * s.canvas.strokes(stripes, 0.09), ink, alpha=0.7)
    elif kind == 1:
        s.print(s.canvas.mask(ellipse(0, -0.1, 0.24, 0.2)), ink, alpha=0.8)
        s.lines([np.array([[-0.24, 0.2], [0.24, 0.2]])], 0.07, ink, 0.8)
    collar = smooth([(-0.2, -0.8), (-0.12, -0.69), (0.0, -0.65), (0.12, -0.69), (0.2, -0.8)], closed=False)
    s.lines([collar], 0.07, ink if kind == 2 else DARK, 0.35)
    seams = [np.array([[side * w * 0.9, -0.66], [side * w, -0.22]]) for side in (-1, 1)]
    s.lines([*seams, np.array([[-w, hem - 0.06], [w, hem - 0.06]])], 0.02, alpha=0.35)


def fruit_peel(s: Sketch) -> None:
    """Banana skin whose strips fall apart from the stalk, or an apple core with stalk and pips."""
    if s.chance(0.35):
        _apple_core(s)
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
