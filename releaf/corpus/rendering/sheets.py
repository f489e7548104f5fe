"""Drawings of sheets: printed paper and cloth.

Every function draws one item of the taxonomy into a `Sketch` in object coordinates. Bags and peel are in `soft`.
"""

from __future__ import annotations

import numpy as np

from releaf.corpus.rendering.canvas import Colour, Points, box, ellipse, moved, revolved, smooth
from releaf.corpus.rendering.sketch import DARK, WHITE, Sketch
from releaf.corpus.rendering.textures import print_colour

_INK: Colour = (0.16, 0.16, 0.18)


def newspaper(s: Sketch) -> None:
    """Folded sheets with a headline, columns and a picture; or a magazine, loose typed sheets, or a rolled paper."""
    kind = s.rng.random()
    if kind < 0.58:
        _broadsheet(s)
    elif kind < 0.74:
        _magazine(s)
    elif kind < 0.88:
        _typed_sheets(s)
    else:
        _rolled(s)


def _broadsheet(s: Sketch) -> None:
    w, h = s.between(0.62, 0.74), s.between(0.82, 0.95)
    for k in range(int(s.rng.integers(1, 4)), 0, -1):
        s.flat(box(-w + 0.035 * k, -h + 0.04 * k, w + 0.035 * k, h + 0.04 * k), 0.82)
    s.flat(box(-w, -h, w, h), 1.0)
    s.print(s.canvas.mask(box(-w + 0.08, -h + 0.08, w - 0.08, -h + 0.24)), _INK, alpha=0.85)
    s.lines([np.array([[-w + 0.08, -h + 0.31], [w - 0.08, -h + 0.31]])], 0.02, _INK, 0.8)
    columns = int(s.rng.integers(2, 4))
    gap, step = 0.08, (2 * w - 0.08) / columns
    picture = int(s.rng.integers(columns))
    text: list[Points] = []
    for c in range(columns):
        x0, x1 = -w + gap + c * step, -w + (c + 1) * step
        y = -h + 0.4
        if c == picture:
            tone = print_colour(s.rng) if s.chance(0.4) else (0.45, 0.45, 0.46)
            s.print(s.canvas.mask(box(x0, y, x1, y + 0.4)), tone, alpha=0.8)
            y += 0.48
        text += [_line(x0, x1 - (0.12 if k % 5 == 4 else 0), v) for k, v in enumerate(np.arange(y, h - 0.06, 0.085))]
    s.lines(text, 0.032, _INK, 0.65)
    if s.chance(0.6):  # the fold
        s.lines([_line(-w, w, 0.0)], 0.05, DARK, 0.22)
        s.lines([_line(-w, w, 0.05)], 0.03, WHITE, 0.6)


def _magazine(s: Sketch) -> None:
    w, h = s.between(0.6, 0.7), s.between(0.8, 0.92)
    s.flat(box(-w + 0.05, -h + 0.05, w + 0.05, h + 0.05), 0.8)
    s.flat(box(-w, -h, w, h), 1.0)
    picture = print_colour(s.rng)
    s.print(s.canvas.mask(box(-w + 0.06, -h + 0.36, w - 0.06, h - 0.3)), picture, alpha=0.85)
    face = s.between(-0.2, 0.2)
    s.print(s.canvas.mask(ellipse(face, 0.0, 0.17, 0.22)), (0.80, 0.62, 0.48), alpha=0.9)
    s.print(s.canvas.mask(ellipse(face, 0.42, 0.32, 0.24)) * (s.canvas.v < h - 0.3), print_colour(s.rng), alpha=0.9)
    s.print(s.canvas.mask(box(-w + 0.1, -h + 0.08, w - 0.1, -h + 0.28)), print_colour(s.rng), alpha=0.9)
    s.lines([_line(-w + 0.1, s.between(0.1, w), h - v) for v in (0.2, 0.1)], 0.04, _INK, 0.7)
    s.lines([np.array([[-w + 0.04, -h], [-w + 0.04, h]])], 0.03, DARK, 0.25)  # the spine


def _typed_sheets(s: Sketch) -> None:
    w, h = s.between(0.58, 0.66), s.between(0.8, 0.9)
    sheet = box(-w, -h, w, h)
    for _ in range(int(s.rng.integers(1, 4))):
        skew = s.between(-0.16, 0.16)
        turned = np.stack([sheet[:, 0] - skew * sheet[:, 1], sheet[:, 1] + skew * sheet[:, 0]], axis=1)
        s.flat(turned, s.between(0.84, 0.98))
    s.flat(sheet, 1.04)
    ys = np.arange(-h + 0.3, h - 0.15, 0.11)
    text = [_line(-w + 0.12, w - 0.12 - (0.4 if k % 4 == 3 else 0.0), v) for k, v in enumerate(ys)]
    s.lines(text, 0.025, _INK, 0.6)
    s.print(s.canvas.mask(box(-w + 0.12, -h + 0.1, -w + 0.42, -h + 0.2)), print_colour(s.rng), alpha=0.85)


def _rolled(s: Sketch) -> None:
    r = s.between(0.22, 0.3)
    s.rounded(revolved([(-0.85, r), (0.85, r)], tilt=0.35), r)
    s.lines([_line(-r * 0.9, r * 0.95, v) for v in np.arange(-0.62, 0.95, 0.11)], 0.03, _INK, 0.5)
    s.print(s.canvas.mask(box(-r * 0.8, -0.55, r * 0.5, -0.42)), _INK, alpha=0.75)
    s.flat(ellipse(0, -0.85, r, r * 0.35), 1.0)
    s.lines([ellipse(0, -0.85, r * k, r * 0.35 * k) for k in (0.95, 0.68, 0.4)], 0.025, alpha=0.55)
    s.lines([_line(-r, r, s.between(0.0, 0.2))], 0.05, print_colour(s.rng), 0.9)  # a rubber band


def _line(x0: float, x1: float, y: float) -> Points:
    return np.array([[x0, y], [x1, y]])


def t_shirt(s: Sketch) -> None:
    """Shirt laid flat: open neck with the back collar showing, short hemmed sleeves, straight hem, folds."""
    w, flare, hem = s.between(0.46, 0.54), s.between(-0.03, 0.05), s.between(0.8, 0.92)
    sleeve, drop = s.between(0.88, 0.98), s.between(-0.12, 0.02)
    dip = s.between(0.08, 0.24)
    half = [(0.2, -0.8), (w * 0.95, -0.68), (sleeve, -0.3), (sleeve - 0.24, drop), (w, -0.22), (w + flare, hem)]
    outline = np.array([*half, *[(-x, y) for x, y in reversed(half)]])
    body = s.crumpled(outline, 5, 0.35)
    ink = print_colour(s.rng)
    kind = int(s.rng.integers(3))
    if kind == 0:
        stripes = [_line(-1.0, 1.0, y) for y in np.arange(-0.45, 0.9, 0.22)]
        s.print(body * s.canvas.strokes(stripes, 0.09), ink, alpha=0.7)
    elif kind == 1:
        s.print(s.canvas.mask(ellipse(0, -0.05, 0.24, 0.2)), ink, alpha=0.8)
        s.lines([_line(-0.24, 0.24, 0.25)], 0.07, ink, 0.8)
    _neck(s, dip, ink if kind == 2 else None)
    cuffs = [np.array([[side * (sleeve - 0.05), -0.28], [side * (sleeve - 0.27), drop - 0.02]]) for side in (-1, 1)]
    seams = [np.array([[side * w * 0.9, -0.66], [side * w, -0.22]]) for side in (-1, 1)]
    s.lines([*seams, *cuffs, _line(-w, w, hem - 0.07)], 0.025, alpha=0.4)
    folds = [_fold(s, side * w, -0.2, side * w * s.between(0.1, 0.5), s.between(0.1, 0.4)) for side in (-1, 1)]
    folds.append(_fold(s, s.between(-0.3, 0.3), 0.75, s.between(-0.2, 0.2), 0.3))
    for shift, colour in ((0.0, DARK), (0.045, WHITE)):
        s.print(body * s.canvas.mask(*[moved(fold, shift, shift) for fold in folds]), colour, alpha=0.16)


def _neck(s: Sketch, dip: float, trim: Colour | None) -> None:
    front = smooth([(-0.2, -0.8), (-0.13, -0.8 + dip * 0.7), (0.0, -0.8 + dip), (0.13, -0.8 + dip * 0.7), (0.2, -0.8)])
    s.print(s.canvas.mask(front), (0.12, 0.11, 0.12), alpha=0.55)  # the inside of the back
    s.print(s.canvas.mask(box(-0.05, -0.79, 0.05, -0.73)), WHITE, alpha=0.8)
    s.lines([front[:-5]], 0.06, trim or DARK, 0.8 if trim else 0.3)


def _fold(s: Sketch, x0: float, y0: float, x1: float, y1: float) -> Points:
    """Return a crease from (x0, y0) to (x1, y1), widest in its middle."""
    x, y = (x0 + x1) / 2 + s.between(-0.05, 0.05), (y0 + y1) / 2 + s.between(-0.08, 0.08)
    return smooth([(x0, y0), (x - 0.03, y - 0.03), (x1, y1), (x + 0.03, y + 0.03)])
