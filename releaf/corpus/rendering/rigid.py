"""Drawings of stiff things that are no vessels: boxes, egg cartons, crates and handsets.

Every function draws one item of the taxonomy into a `Sketch` in object coordinates. Vessels are in `containers`, soft
things in `soft`.
"""

from __future__ import annotations

import itertools

import numpy as np

from releaf.corpus.rendering.canvas import Colour, Points, arc, box, ellipse, moved, rounded_box
from releaf.corpus.rendering.sketch import DARK, WHITE, Sketch
from releaf.corpus.rendering.textures import print_colour

_TAPE = (0.85, 0.78, 0.58)
_RAYS = ellipse(0.0, 0.0, 0.55, 0.55)[::4]
Corner = tuple[float, float]


def cardboard_box(s: Sketch) -> None:
    """Cube seen from a corner, with open flaps or with tape over the closed top; often with a white label."""
    w, lift, h = s.between(0.62, 0.74), s.between(0.24, 0.34), s.between(0.55, 0.78)
    m = s.between(-0.15, 0.15)
    top = -0.2
    near, left, right, far = (m, top + lift), (-w, top), (w, top - 0.02), (-m, top - lift)
    s.flat(np.array([left, near, (m, top + lift + h), (-w, top + h)]), 0.95)
    s.flat(np.array([near, right, (w, top + h), (m, top + lift + h)]), 0.70)
    s.flat(np.array([left, near, right, far]), 1.12)
    if s.chance(0.6):
        s.print(s.canvas.mask(np.array([left, near, right, far])), (0.25, 0.17, 0.10), alpha=0.8)
        out = s.between(0.2, 0.32)
        low, side, back = top + lift + out, top + out * 0.5, top - lift - out
        s.flat(np.array([left, near, (m - 0.55 * w - out * 0.3, low), (-w - out * 0.8, side)]), 1.15)
        s.flat(np.array([near, right, (w + out * 0.8, side), (m + 0.55 * w + out * 0.3, low)]), 0.9)
        s.flat(np.array([left, far, (-m - 0.3, back), (-w - 0.05, top - out)]), 0.85)
        s.flat(np.array([right, far, (-m + 0.3, back), (w + 0.05, top - out)]), 1.05)
    else:
        _tape(s, left, near, right, far)
    if s.chance(0.5):
        label = np.array([(0.0, 0.2), (0.22, 0.1), (0.22, 0.32), (0.0, 0.42)])
        s.print(s.canvas.mask(moved(label, m + 0.35 * (w - m), top + lift)), WHITE, alpha=0.85)


def _tape(s: Sketch, left: Corner, near: Corner, right: Corner, far: Corner) -> None:
    """Draw a strip across the top face from `left`-`near` to `far`-`right`, and its end down the front."""
    start, end = _between(left, near, 0.44), _between(left, near, 0.56)
    strip = [start, end, _between(far, right, 0.56), _between(far, right, 0.44)]
    s.print(s.canvas.mask(np.array(strip)), _TAPE, alpha=0.85)
    hanging = np.array([start, end, (end[0], end[1] + 0.2), (start[0], start[1] + 0.2)])
    s.print(s.canvas.mask(hanging), _TAPE, alpha=0.8)


def egg_carton(s: Sketch) -> None:
    """Two rows of round cups with peaks between them, in front of an open lid with dimples."""
    columns = int(s.rng.integers(3, 6))
    w = 0.9
    if s.chance(0.6):
        s.flat(np.array([[-w, -0.1], [w, -0.1], [w - 0.08, -0.62], [-w + 0.08, -0.62]]), 0.85)
        xs = np.linspace(-w + 0.25, w - 0.25, columns)
        s.lines([ellipse(float(x), -0.36, 0.1, 0.13) for x in xs], 0.03, alpha=0.25)
    step = 2 * (w - 0.06) / columns
    bulges = [ellipse(-w + 0.06 + step * (c + 0.5), 0.66, step * 0.47, 0.24) for c in range(columns)]
    for bulge in bulges:  # the cups seen from outside, below the front edge
        s.flat(bulge, 0.68)
    s.flat(rounded_box(-w, -0.12, w, 0.72, 0.12), 0.92)
    eggs = s.chance(0.35)
    egg = (0.88, 0.72, 0.55) if s.chance(0.5) else (0.95, 0.93, 0.88)
    for y in (0.1, 0.48):
        centres = [-w + 0.06 + step * (c + 0.5) for c in range(columns)]
        r = min(0.2, step * 0.46)
        s.print(s.canvas.mask(*[ellipse(x, y, r, 0.165) for x in centres]), DARK, alpha=0.6)
        s.canvas.paint(s.canvas.mask(*[ellipse(x, y + 0.05, r * 0.8, 0.105) for x in centres]), s.surface.colour, 0.65)
        s.lines([arc(x, y, r, 0.165) for x in centres], 0.035, WHITE, 0.45)
        if eggs:
            full = [x for x in centres if s.chance(0.5)]
            s.print(s.canvas.mask(*[ellipse(x, y - 0.04, r * 0.78, 0.17) for x in full]), egg)
            s.print(s.canvas.mask(*[ellipse(x - 0.04, y - 0.1, r * 0.25, 0.05) for x in full]), WHITE, alpha=0.6)
    peaks = [-w + 0.06 + step * c for c in range(1, columns)]
    s.print(s.canvas.mask(*[ellipse(x, 0.31, 0.07, 0.08) for x in peaks]), DARK, alpha=0.25)
    s.canvas.paint(s.canvas.mask(*[ellipse(x - 0.01, 0.28, 0.055, 0.065) for x in peaks]), WHITE, 0.5)


def wooden_crate(s: Sketch) -> None:
    """Slatted crate with corner posts and dark gaps, or a pallet of boards on blocks; nails at the ends."""
    if s.chance(0.35):
        _pallet(s)
        return
    w, h, slats = s.between(0.78, 0.92), s.between(0.5, 0.7), int(s.rng.integers(3, 5))
    depth = s.between(0.15, 0.28)
    s.flat(np.array([[-w, -h], [w, -h], [w - 0.12, -h - depth], [-w + 0.12, -h - depth]]), 0.55)
    s.print(
        s.canvas.mask(
            np.array([[-w + 0.08, -h], [w - 0.08, -h], [w - 0.18, -h - depth + 0.06], [-w + 0.18, -h - depth + 0.06]])
        ),
        (0.2, 0.13, 0.07),
        alpha=0.75,
    )
    s.print(s.canvas.mask(box(-w, -h, w, h)), (0.16, 0.10, 0.06), alpha=0.9)
    pitch = 2 * h / slats
    for k in range(slats):
        y = -h + k * pitch
        s.flat(box(-w, y, w, y + pitch * s.between(0.72, 0.8)), s.between(0.9, 1.12))
    for x in (-w + 0.09, w - 0.09):
        s.flat(box(x - 0.09, -h - 0.03, x + 0.09, h + 0.02), 0.86)
    nails = [ellipse(x, -h + (k + 0.4) * pitch, 0.025, 0.025) for k in range(slats) for x in (-w + 0.09, w - 0.09)]
    s.print(s.canvas.mask(*nails), DARK, alpha=0.8)


def _pallet(s: Sketch) -> None:
    boards, w = int(s.rng.integers(4, 6)), s.between(0.8, 0.92)
    s.print(s.canvas.mask(box(-w + 0.08, 0.3, w - 0.08, 0.62)), (0.14, 0.09, 0.06), alpha=0.9)
    for x in (-w + 0.14, 0.0, w - 0.14):
        s.flat(box(x - 0.13, 0.3, x + 0.13, 0.62), 0.75)
    s.flat(box(-w, 0.6, w, 0.74), 0.9)
    far = w * 0.78
    edges = np.linspace(0.24, -0.6, boards + 1)
    s.print(s.canvas.mask(np.array([[-w, 0.24], [w, 0.24], [far, -0.6], [-far, -0.6]])), (0.16, 0.10, 0.06), alpha=0.9)
    for a, b in itertools.pairwise(edges.tolist()):
        b = b + 0.05
        wa, wb = (w + (far - w) * (0.24 - y) / 0.84 for y in (a, b))
        s.flat(np.array([[-wa, a], [wa, a], [wb, b], [-wb, b]]), s.between(0.95, 1.15))
    s.flat(box(-w, 0.22, w, 0.34), 0.85)


def smartphone(s: Sketch) -> None:
    """Rounded slab that shows a screen with icons, a back with lenses, keys, or its board and cell.

    Where glass is the material it mirrors a window and is often broken.
    """
    w, r = s.between(0.42, 0.5), s.between(0.09, 0.15)
    kind = s.rng.random()
    if s.material == "glass":
        _frame(s, w, r)
        if kind < 0.3:
            _back(s, w, r, print_colour(s.rng))
        else:
            _screen(s, w, r, lit=s.chance(0.6))
        _mirror(s, w, r)
        if s.chance(0.7):
            _cracks(s, w)
        return
    _frame(s, w, r)
    if kind < 0.22:
        _opened(s, w)
    elif kind < 0.34:
        _keys(s, w)
    elif kind < 0.56:
        _back(s, w, r, None)
    else:
        _screen(s, w, r, lit=True)


def _frame(s: Sketch, w: float, r: float) -> None:
    slab = rounded_box(-w, -0.94, w, 0.94, r)
    metal = (0.10, 0.10, 0.12) if s.chance(0.6) else (0.72, 0.72, 0.74)
    s.print(s.canvas.mask(slab), metal if s.material == "glass" else (0.12, 0.12, 0.13))
    if s.material == "electronic_parts":
        s.flat(slab, 1.2)
    s.lines([np.concatenate([slab, slab[:1]])], 0.03, DARK, 0.5)


def _back(s: Sketch, w: float, r: float, colour: Colour | None) -> None:
    shell = rounded_box(-w + 0.03, -0.91, w - 0.03, 0.91, r)
    s.print(s.canvas.mask(shell), colour if colour is not None else print_colour(s.rng), alpha=1.0 if colour else 0.5)
    s.print(s.canvas.mask(rounded_box(-w + 0.08, -0.86, -w + 0.46, -0.4, 0.08)), DARK, alpha=0.85)
    lenses = [ellipse(-w + 0.19, y, 0.08, 0.08) for y in (-0.74, -0.52)]
    s.print(s.canvas.mask(*lenses), (0.25, 0.28, 0.36))
    s.lines(lenses, 0.03, (0.7, 0.7, 0.72), 0.9)
    s.print(s.canvas.mask(ellipse(0, 0.1, 0.1, 0.1)), (0.6, 0.6, 0.62), alpha=0.7)


def _screen(s: Sketch, w: float, r: float, *, lit: bool) -> None:
    screen = s.canvas.mask(rounded_box(-w + 0.05, -0.88, w - 0.05, 0.88, r * 0.7))
    s.print(screen, print_colour(s.rng) if lit else (0.03, 0.03, 0.05), alpha=0.95)
    if lit:
        places = [(x, y) for y in (-0.45, -0.15, 0.15, 0.65) for x in (-0.24, 0.0, 0.24)]
        for colour in (WHITE, print_colour(s.rng), print_colour(s.rng)):
            icons = [rounded_box(x - 0.085, y - 0.085, x + 0.085, y + 0.085, 0.03) for x, y in places if s.chance(0.5)]
            s.print(s.canvas.mask(*icons), colour, alpha=0.9)
    s.print(s.canvas.mask(ellipse(0, -0.8, 0.035, 0.035), rounded_box(-0.12, 0.8, 0.12, 0.83, 0.015)), DARK)


def _mirror(s: Sketch, w: float, r: float) -> None:
    """Lay the slanting mirror image of a bright window over the whole face."""
    face = s.canvas.mask(rounded_box(-w + 0.05, -0.88, w - 0.05, 0.88, r * 0.7))
    a, b = s.between(-0.7, 0.0), s.between(0.3, 0.6)
    near = np.array([[-w, a], [w, a - 0.5], [w, a - 0.5 + b], [-w, a + b]])
    thin = moved(np.array([[-w, a], [w, a - 0.5], [w, a - 0.4], [-w, a + 0.1]]), 0.0, b + 0.1)
    s.print(face * s.canvas.mask(near, thin), (0.90, 0.95, 1.0), alpha=s.between(0.35, 0.6))
    s.canvas.paint(face, s.surface.colour, 0.12)
    edge = rounded_box(-w + 0.035, -0.9, w - 0.035, 0.9, r * 0.8)
    s.lines([np.concatenate([edge, edge[:1]])], 0.02, WHITE, 0.6)


def _opened(s: Sketch, w: float) -> None:
    """Draw the body without its back: a green board with chips above, the cell below."""
    s.print(s.canvas.mask(rounded_box(-w + 0.06, -0.88, w - 0.06, 0.88, 0.06)), (0.07, 0.07, 0.08))
    board = (0.05, 0.36, 0.20) if s.chance(0.7) else (0.08, 0.22, 0.45)
    s.print(s.canvas.mask(box(-w + 0.09, -0.84, w - 0.09, -0.12)), board)
    traces = [np.array([[x, -0.82], [x, s.between(-0.6, -0.2)]]) for x in np.linspace(-w + 0.14, w - 0.14, 7)]
    s.lines(traces, 0.018, (0.80, 0.68, 0.30), 0.8)
    corners = [(s.between(-w + 0.1, w - 0.32), s.between(-0.8, -0.36)) for _ in range(4)]
    s.print(s.canvas.mask(*[box(x, y, x + 0.22, y + 0.17) for x, y in corners]), DARK)
    s.print(s.canvas.mask(box(-w + 0.14, -0.3, -w + 0.3, -0.18)), (0.75, 0.75, 0.76))
    s.print(
        s.canvas.mask(rounded_box(-w + 0.11, -0.06, w - 0.11, 0.82, 0.04)),
        (0.26, 0.27, 0.30) if s.chance(0.5) else (0.62, 0.63, 0.66),
    )
    s.print(s.canvas.mask(box(-w + 0.2, 0.08, w - 0.2, 0.34)), WHITE, alpha=0.85)
    s.lines([np.array([[-w + 0.24, y], [w - 0.3, y]]) for y in (0.15, 0.23)], 0.03, DARK, 0.7)


def _keys(s: Sketch, w: float) -> None:
    """Draw a handset with a small display above twelve keys."""
    lit = (0.55, 0.70, 0.62) if s.chance(0.5) else print_colour(s.rng)
    s.print(s.canvas.mask(rounded_box(-w + 0.08, -0.8, w - 0.08, -0.2, 0.04)), DARK)
    s.print(s.canvas.mask(box(-w + 0.12, -0.75, w - 0.12, -0.26)), lit, alpha=0.9)
    s.lines([np.array([[-w + 0.18, y], [w - 0.25, y]]) for y in (-0.64, -0.52)], 0.04, DARK, 0.6)
    s.print(s.canvas.mask(ellipse(0, 0.0, 0.17, 0.1)), (0.70, 0.70, 0.72), alpha=0.9)
    key = rounded_box(-0.095, -0.06, 0.095, 0.06, 0.03)
    keys = [moved(key, x, y) for y in (0.24, 0.42, 0.6, 0.78) for x in (-0.26, 0.0, 0.26)]
    s.print(s.canvas.mask(*keys), (0.82, 0.82, 0.84), alpha=0.85)


def _cracks(s: Sketch, w: float) -> None:
    hit = np.array([s.between(-w * 0.6, w * 0.6), s.between(-0.6, 0.6)])
    rays: list[Points] = []
    for ray in _RAYS:
        end = hit + ray * s.between(0.5, 1.1)
        bend = (hit + end) / 2 + s.rng.uniform(-0.06, 0.06, size=2)
        rays.append(np.clip(np.array([hit, bend, end]), [-w, -0.9], [w, 0.9]))
    web = ellipse(float(hit[0]), float(hit[1]), 0.16, 0.18)[::4]
    s.lines([*rays, np.clip(np.concatenate([web, web[:1]]), [-w, -0.9], [w, 0.9])], 0.018, WHITE, 0.8)


def _between(a: Corner, b: Corner, t: float) -> Corner:
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)
