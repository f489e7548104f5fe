"""Drawings of bottles and jars.

Every function draws one item of the taxonomy into a `Sketch` in object coordinates. Other vessels are in `cans` and
`packs`.
"""

from __future__ import annotations

import numpy as np

from releaf.corpus.rendering.canvas import Points, arc, band, box, ellipse, flowing, revolved, rounded_box, smooth
from releaf.corpus.rendering.sketch import DARK, WHITE, Sketch
from releaf.corpus.rendering.textures import print_colour


def plastic_bottle(s: Sketch) -> None:
    """Screw cap and label: a ribbed drink bottle of PET; a jug, a grip bottle or a shampoo bottle of HDPE."""
    kind = s.rng.random() if s.material == "hdpe" else 1.0
    if kind < 0.4:
        _jug(s)
    elif kind < 0.55:
        _shampoo(s)
    else:
        _drink(s)


def _drink(s: Sketch) -> None:
    w, neck = s.between(0.30, 0.42), s.between(0.12, 0.16)
    ribs = [s.between(0.94, 1.0) for _ in range(6)]
    waist = s.between(0.80, 0.9) if s.chance(0.3) else 1.0
    ys = np.linspace(-0.15, 0.85, 6)
    profile = [(-0.80, neck), (-0.68, neck), (-0.55, neck * 1.6), (-0.38, w * 0.92), (-0.22, w)]
    profile += [(float(y), w * r * (waist if k == 3 else 1.0)) for k, (y, r) in enumerate(zip(ys, ribs, strict=True))]
    s.rounded(revolved([*flowing(profile), (0.93, w * 0.86)], tilt=0.1), w)
    if s.material == "hdpe":  # an opaque bottle often has a grip hole beside the neck
        s.print(s.canvas.mask(ellipse(w * 0.45, -0.12, 0.09, 0.17)), DARK, alpha=0.75)
    else:
        rings = [arc(0, y, w * 0.96, 0.05) for y in (-0.28, -0.2, 0.55, 0.63, 0.71, 0.8)]
        s.lines(rings, 0.02, alpha=0.35)
        s.lines([arc(0, y + 0.025, w * 0.96, 0.05) for y in (-0.2, 0.55, 0.63, 0.71)], 0.015, WHITE, 0.5)
    top = s.between(0.0, 0.1)
    _label(s, w * 0.99, top, top + s.between(0.3, 0.42))
    _screw_cap(s, neck, -0.98)


def _jug(s: Sketch) -> None:
    """Draw a milk or detergent jug: square shoulders, a short neck to one side of a large handle."""
    w, top, neck = s.between(0.44, 0.56), s.between(-0.62, -0.5), s.between(0.13, 0.18)
    side = 1 if s.chance(0.5) else -1
    half = [(neck, top), (w * 0.55, top + 0.1), (w * 0.98, top + 0.42), (w, 0.2), (w, 0.78), (w * 0.9, 0.9)]
    outline = smooth([(-neck, top), *half, *[(-x, y) for x, y in reversed(half[1:])]], steps=4)
    s.rounded(outline, w * 1.1)
    hole = smooth(
        [
            (side * w * 0.42, top + 0.3),
            (side * w * 0.68, top + 0.36),
            (side * w * 0.78, top + 0.62),
            (side * w * 0.62, top + 0.78),
            (side * w * 0.45, top + 0.6),
        ]
    )
    s.print(s.canvas.mask(hole), (0.16, 0.16, 0.17), alpha=0.8)
    s.lines([np.concatenate([hole, hole[:1]])], 0.045, WHITE, 0.4)
    if s.chance(0.8):
        y, x = s.between(0.22, 0.32), w * s.between(0.6, 0.75)
        s.print(s.canvas.mask(rounded_box(-x, y, x, 0.76, 0.06)), print_colour(s.rng), radius=w * 1.2)
        s.print(s.canvas.mask(box(-x * 0.7, y + 0.12, x * 0.7, y + 0.21)), WHITE, alpha=0.85)
        s.print(s.canvas.mask(ellipse(0.0, y + 0.34, x * 0.4, 0.07)), print_colour(s.rng), alpha=0.85)
    _screw_cap(s, neck * 1.1, top - 0.2)


def _shampoo(s: Sketch) -> None:
    """Draw an oval bottle with a broad flip cap."""
    w, cap = s.between(0.32, 0.42), s.between(0.16, 0.24)
    shoulder = s.between(-0.62, -0.5)
    profile = [(shoulder, cap), (shoulder + 0.06, w * 0.8), (shoulder + 0.25, w), (0.5, w * s.between(0.88, 1.0))]
    s.rounded(revolved([*flowing([*profile, (0.86, w * 0.84)]), (0.9, w * 0.78)], tilt=0.06), w)
    lid = print_colour(s.rng) if s.chance(0.6) else WHITE
    s.print(s.canvas.mask(rounded_box(-cap, shoulder - 0.28, cap, shoulder + 0.04, 0.05)), lid, radius=cap * 1.2)
    s.lines([np.array([[-cap, shoulder - 0.16], [cap, shoulder - 0.16]])], 0.025, alpha=0.6)
    y = s.between(-0.3, -0.1)
    ink = print_colour(s.rng)
    s.print(s.canvas.mask(ellipse(0, y + 0.32, w * 0.7, 0.38)), ink, radius=w, alpha=0.9)
    s.print(s.canvas.mask(box(-w * 0.5, y + 0.18, w * 0.5, y + 0.28)), WHITE, alpha=0.85)
    s.lines([np.array([[-w * 0.4, y + v], [w * 0.4, y + v]]) for v in (0.4, 0.48)], 0.03, WHITE, 0.7)


def _screw_cap(s: Sketch, neck: float, top: float) -> None:
    cap: Points = revolved([(top, neck * 1.15), (top + 0.18, neck * 1.2)], tilt=0.15)
    s.print(s.canvas.mask(cap), print_colour(s.rng), radius=neck * 1.5)
    s.lines([np.array([[x, top + 0.01], [x, top + 0.17]]) for x in np.linspace(-neck, neck, 6)], 0.015, alpha=0.4)


def _label(s: Sketch, w: float, top: float, bottom: float) -> None:
    s.print(s.canvas.mask(band(w, top, bottom)), print_colour(s.rng), radius=w)
    if s.chance(0.5):
        s.print(s.canvas.mask(box(-w * 0.5, top + 0.12, w * 0.5, top + 0.2)), WHITE, alpha=0.8)
    else:
        s.print(s.canvas.mask(ellipse(0, (top + bottom) / 2 + 0.04, w * 0.45, 0.1)), WHITE, alpha=0.85)
        s.lines([arc(0, bottom - 0.05, w, w * 0.12)], 0.03, print_colour(s.rng), 0.8)


def glass_bottle(s: Sketch) -> None:
    """Long thin neck with a ringed mouth, sloping or square shoulder, paper label, no screw cap."""
    w, neck = s.between(0.25, 0.33), s.between(0.085, 0.11)
    shoulder, slope = s.between(-0.28, -0.02), s.between(0.12, 0.3)
    profile = [(-0.97, neck), (-0.75, neck), (shoulder - slope, neck * 1.15), (shoulder - slope * 0.4, w * 0.75)]
    profile += [(shoulder + 0.04, w), (0.4, w), (0.88, w)]
    s.rounded(revolved([*flowing(profile), (0.95, w * 0.93)], tilt=0.1), w)
    s.rounded(revolved([(-0.97, neck * 1.35), (-0.89, neck * 1.35)], tilt=0.2), neck * 1.35)
    s.lines([arc(0, 0.9, w * 0.8, -0.09), arc(0, 0.93, w * 0.9, 0.03)], 0.03, s.surface.edge, 0.6)  # the punt
    if s.chance(0.7):
        top = shoulder + s.between(0.12, 0.2)
        paper = (0.93, 0.90, 0.80) if s.chance(0.7) else print_colour(s.rng)
        s.print(s.canvas.mask(band(w * 0.97, top, top + s.between(0.35, 0.5))), paper, radius=w)
        ink = print_colour(s.rng)
        s.print(s.canvas.mask(box(-w * 0.55, top + 0.1, w * 0.55, top + 0.17)), ink, alpha=0.8)
        s.print(s.canvas.mask(ellipse(0, top + 0.28, w * 0.3, 0.06)), ink, alpha=0.7)
    closure = s.rng.random()
    if closure < 0.3:  # the foil of a wine bottle
        s.print(s.canvas.mask(band(neck * 1.1, -0.88, -0.62)), print_colour(s.rng), radius=neck * 1.2)
    elif closure < 0.5:  # a crown cork
        crown = np.array([[-neck * 1.3, -1.0], [neck * 1.3, -1.0], [neck * 1.7, -0.89], [-neck * 1.7, -0.89]])
        s.print(s.canvas.mask(crown), print_colour(s.rng) if s.chance(0.5) else (0.82, 0.70, 0.35), radius=neck * 1.8)
        s.lines([np.array([[x, -0.97], [x * 1.2, -0.89]]) for x in np.linspace(-neck, neck, 5)], 0.015, alpha=0.5)


def glass_jar(s: Sketch) -> None:
    """Wide jar with a short thread, a thick glass base and a broad flat lid; sometimes with something inside."""
    w, top = s.between(0.46, 0.58), s.between(-0.62, -0.5)
    bottom = s.between(0.62, 0.82)
    profile = [(top, w * 0.8), (top + 0.08, w * 0.82), (top + 0.22, w), (0.2, w), (bottom - 0.08, w)]
    if s.chance(0.5):
        level = s.between(-0.2, 0.3)
        s.print(s.canvas.mask(band(w * 0.92, level, bottom - 0.06)), print_colour(s.rng), radius=w, alpha=0.85)
        s.print(s.canvas.mask(ellipse(0, level, w * 0.92, w * 0.11)), WHITE, alpha=0.25)
    s.rounded(revolved([*flowing(profile), (bottom, w * 0.93)], tilt=0.12), w)
    s.lines([arc(0, bottom - 0.1, w * 0.9, 0.07), arc(0, bottom - 0.03, w * 0.85, 0.06)], 0.03, s.surface.edge, 0.5)
    s.lines([arc(0, bottom - 0.07, w * 0.9, 0.07)], 0.025, WHITE, 0.6)
    if s.chance(0.4):
        s.print(s.canvas.mask(band(w * 0.9, -0.05, 0.3)), (0.95, 0.93, 0.88), radius=w)
        s.lines([arc(0, y, w * 0.55, w * 0.07) for y in (0.06, 0.16)], 0.035, print_colour(s.rng), 0.8)
    # A window mirrored in the shoulder: what a shiny pot of another material does not show so sharply.
    pane = s.light * 0.5 * w
    s.print(s.canvas.mask(rounded_box(pane - 0.07, top + 0.3, pane + 0.07, top + 0.62, 0.03)), WHITE, alpha=0.5)
    if s.chance(0.75):
        _jar_lid(s, w, top)
    else:
        rings = [(0.0, 0.8), (0.07, 0.82), (0.13, 0.84)]
        s.lines([ellipse(0, top, w * 0.8, 0.11)], 0.04, s.surface.edge, 0.7)
        s.lines([arc(0, top + dy, w * r, 0.1) for dy, r in rings], 0.03, WHITE, 0.7)


def _jar_lid(s: Sketch, w: float, top: float) -> None:
    lid = print_colour(s.rng) if s.chance(0.5) else (0.78, 0.77, 0.72)
    s.print(s.canvas.mask(revolved([(top - 0.2, w * 0.88), (top + 0.02, w * 0.88)], tilt=0.14)), lid, radius=w)
    s.print(s.canvas.mask(ellipse(0, top - 0.2, w * 0.86, w * 0.14)), WHITE, alpha=0.3)
    edges = [np.array([[x, top - 0.1], [x, top + 0.07]]) for x in np.linspace(-w * 0.8, w * 0.8, 12)]
    s.lines([*edges, arc(0, top - 0.13, w * 0.88, w * 0.13)], 0.015, alpha=0.35)
