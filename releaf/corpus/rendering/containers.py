"""Drawings of vessels: bottles, cans, jars, tubs, cups, cartons, trays and cells.

Every function draws one item of the taxonomy into a `Sketch` in object coordinates. What is no vessel is in `soft`
and `rigid`.
"""

from __future__ import annotations

import numpy as np

from releaf.corpus.rendering.canvas import Points, arc, box, ellipse, moved, revolved, rounded_box, smooth
from releaf.corpus.rendering.sketch import DARK, WHITE, Sketch
from releaf.corpus.rendering.textures import print_colour


def plastic_bottle(s: Sketch) -> None:
    """Screw cap, short neck, round shoulder, ribs and a label band; detergent bottles have a handle."""
    w, neck = s.between(0.30, 0.42), s.between(0.12, 0.16)
    ribs = [s.between(0.94, 1.0) for _ in range(6)]
    ys = np.linspace(-0.15, 0.85, 6)
    profile = [(-0.80, neck), (-0.68, neck), (-0.55, neck * 1.6), (-0.38, w * 0.92), (-0.22, w)]
    profile += [(float(y), w * r) for y, r in zip(ys, ribs, strict=True)] + [(0.93, w * 0.86)]
    s.rounded(revolved(profile, tilt=0.1), w)
    if s.surface.alpha > 0.9 and s.chance(0.7):  # an opaque bottle often has a grip hole beside the neck
        s.print(s.canvas.mask(ellipse(w * 0.45, -0.12, 0.09, 0.17)), DARK, alpha=0.75)
    else:
        rings = [arc(0, y, w * 0.96, 0.05) for y in (-0.2, 0.55, 0.68, 0.8)]
        s.lines(rings, 0.02, alpha=0.35)
    top = s.between(0.02, 0.12)
    s.print(s.canvas.mask(_band(w, top, top + s.between(0.3, 0.42))), print_colour(s.rng), radius=w)
    s.print(s.canvas.mask(box(-w * 0.5, top + 0.12, w * 0.5, top + 0.2)), WHITE, alpha=0.8)
    s.print(
        s.canvas.mask(revolved([(-0.98, neck * 1.15), (-0.80, neck * 1.2)], tilt=0.15)), print_colour(s.rng), radius=0.2
    )
    s.lines([np.array([[x, -0.97], [x, -0.81]]) for x in np.linspace(-neck, neck, 6)], 0.015, alpha=0.4)


def glass_bottle(s: Sketch) -> None:
    """Long thin neck with a ringed mouth, sloping or square shoulder, paper label, no screw cap."""
    w, neck = s.between(0.25, 0.33), s.between(0.085, 0.11)
    shoulder = s.between(-0.28, -0.02)
    slope = s.between(0.12, 0.3)
    profile = [(-0.97, neck), (-0.55, neck), (shoulder - slope, neck * 1.15), (shoulder - slope * 0.4, w * 0.75)]
    profile += [(shoulder, w), (0.90, w), (0.95, w * 0.93)]
    s.rounded(revolved(profile, tilt=0.1), w)
    s.rounded(revolved([(-0.97, neck * 1.35), (-0.89, neck * 1.35)], tilt=0.2), neck * 1.35)
    if s.chance(0.7):
        top = shoulder + s.between(0.12, 0.2)
        s.print(s.canvas.mask(_band(w * 0.97, top, top + s.between(0.35, 0.5))), (0.93, 0.90, 0.80), radius=w)
        ink = print_colour(s.rng)
        s.print(s.canvas.mask(box(-w * 0.55, top + 0.1, w * 0.55, top + 0.17)), ink, alpha=0.8)
        s.print(s.canvas.mask(ellipse(0, top + 0.28, w * 0.3, 0.06)), ink, alpha=0.7)
    if s.chance(0.3):
        s.print(s.canvas.mask(_band(neck * 1.1, -0.88, -0.62)), print_colour(s.rng), radius=neck * 1.2)


def glass_jar(s: Sketch) -> None:
    """Wide straight jar, thick glass base, broad flat lid; sometimes with something inside."""
    w, top = s.between(0.46, 0.58), s.between(-0.62, -0.5)
    bottom = s.between(0.62, 0.82)
    profile = [(top, w * 0.8), (top + 0.08, w * 0.82), (top + 0.2, w), (bottom - 0.08, w), (bottom, w * 0.93)]
    if s.chance(0.5):
        level = s.between(-0.2, 0.3)
        s.print(s.canvas.mask(_band(w * 0.92, level, bottom - 0.06)), print_colour(s.rng), radius=w, alpha=0.85)
    s.rounded(revolved(profile, tilt=0.12), w)
    s.lines([arc(0, bottom - 0.1, w * 0.9, 0.07), arc(0, bottom - 0.03, w * 0.85, 0.06)], 0.025, WHITE, 0.5)
    if s.chance(0.75):
        lid = print_colour(s.rng) if s.chance(0.5) else (0.75, 0.75, 0.72)
        s.print(s.canvas.mask(revolved([(top - 0.2, w * 0.88), (top + 0.02, w * 0.88)], tilt=0.14)), lid, radius=w)
        s.lines(
            [np.array([[x, top - 0.15], [x, top + 0.05]]) for x in np.linspace(-w * 0.8, w * 0.8, 12)],
            0.015,
            alpha=0.35,
        )
    else:
        s.lines(
            [ellipse(0, top, w * 0.8, 0.11), arc(0, top + 0.07, w * 0.82, 0.1), arc(0, top + 0.13, w * 0.84, 0.1)],
            0.03,
            WHITE,
            0.7,
        )
    if s.chance(0.4):
        s.print(s.canvas.mask(_band(w * 0.9, -0.05, 0.3)), (0.95, 0.93, 0.88), radius=w)


def beverage_can(s: Sketch) -> None:
    """Slim printed cylinder, necked in at both ends, metal lid with ring pull and opening."""
    w, tilt = s.between(0.40, 0.46), s.between(0.2, 0.3)
    profile = [(-0.72, w * 0.82), (-0.58, w), (0.68, w), (0.80, w * 0.85)]
    body = s.rounded(revolved(profile, tilt=tilt * 0.8), w)
    if s.chance(0.8):
        s.print(s.canvas.mask(_band(w, -0.52, 0.64, tilt)), print_colour(s.rng), radius=w, alpha=0.93)
        swoosh = smooth([(-w, 0.35), (0, 0.0), (w, -0.15), (w, 0.1), (0, 0.28), (-w, 0.5)])
        ink = WHITE if s.chance(0.5) else print_colour(s.rng)
        s.print(body * s.canvas.mask(swoosh), ink, radius=w, alpha=0.85)
    s.flat(ellipse(0, -0.72, w * 0.82, w * tilt), 1.05)
    s.lines([ellipse(0, -0.72, w * 0.7, w * tilt * 0.8)], 0.03, alpha=0.5)
    s.print(s.canvas.mask(ellipse(0.0, -0.68, w * 0.25, w * tilt * 0.3)), DARK, alpha=0.75)
    s.lines([ellipse(0.0, -0.75, w * 0.22, w * tilt * 0.33)], 0.045, WHITE, 0.9)


def food_can(s: Sketch) -> None:
    """Squat ribbed cylinder with a rolled rim; the lid is on, or bent open and jagged."""
    w, tilt, top = s.between(0.50, 0.60), s.between(0.2, 0.34), s.between(-0.55, -0.4)
    bottom = s.between(0.5, 0.65)
    s.rounded(revolved([(top, w), (bottom, w)], tilt=tilt), w)
    ys = np.linspace(top + 0.14, bottom - 0.1, 9)
    s.lines([arc(0, float(y), w, w * tilt) for y in ys], 0.04, alpha=0.4)
    s.lines([arc(0, float(y) + 0.035, w, w * tilt) for y in ys], 0.025, WHITE, 0.5)
    if s.chance(0.45):
        middle = (top + bottom) / 2
        s.print(s.canvas.mask(_band(w, middle - 0.22, middle + 0.3, tilt)), print_colour(s.rng), radius=w)
        s.print(s.canvas.mask(ellipse(0, middle + 0.13, w * 0.4, 0.14)), WHITE, radius=w, alpha=0.9)
    s.flat(ellipse(0, top, w, w * tilt), 0.95)
    if s.chance(0.5):  # opened: dark inside, the lid stands up behind
        s.print(s.canvas.mask(ellipse(0, top, w * 0.9, w * tilt * 0.86)), (0.16, 0.14, 0.13), alpha=0.92)
        s.flat(ellipse(0, top - 0.3, w * 0.82, 0.28), 0.9)
        s.lines([ellipse(0, top - 0.3, w * r, 0.28 * r) for r in (0.6, 0.4)], 0.03, alpha=0.4)
    else:
        s.lines([ellipse(0, top, w * r, w * tilt * r) for r in (0.88, 0.7, 0.5)], 0.03, alpha=0.4)


def aerosol_can(s: Sketch) -> None:
    """Tall thin printed cylinder, domed shoulder, nozzle button on top, sometimes a warning diamond."""
    w = s.between(0.24, 0.30)
    s.rounded(revolved([(-0.58, w * 0.6), (-0.50, w * 0.9), (-0.42, w), (0.92, w)], tilt=0.16), w)
    s.print(s.canvas.mask(_band(w, -0.36, 0.86)), print_colour(s.rng), radius=w, alpha=0.94)
    stripe = s.between(-0.1, 0.25)
    s.print(s.canvas.mask(_band(w, stripe, stripe + 0.2)), WHITE if s.chance(0.5) else print_colour(s.rng), radius=w)
    s.lines([arc(0, -0.42, w, w * 0.16), arc(0, 0.9, w, w * 0.16)], 0.035, (0.85, 0.85, 0.85), 0.8)
    s.rounded(revolved([(-0.66, w * 0.42), (-0.56, w * 0.55)], tilt=0.2), w * 0.55)
    nozzle = print_colour(s.rng) if s.chance(0.4) else WHITE
    s.print(s.canvas.mask(rounded_box(-w * 0.36, -0.92, w * 0.36, -0.64, 0.04)), nozzle, radius=w * 0.5)
    s.print(s.canvas.mask(ellipse(w * 0.12, -0.82, 0.03, 0.03)), DARK, alpha=0.9)
    if s.chance(0.6):
        diamond = np.array([[0, 0.45], [0.14, 0.6], [0, 0.75], [-0.14, 0.6]])
        s.print(s.canvas.mask(diamond), (0.95, 0.75, 0.1))
        s.print(s.canvas.mask(np.array([[0, 0.53], [0.05, 0.66], [-0.05, 0.66]])), DARK)


def plastic_tub(s: Sketch) -> None:
    """Low pot, wider at the top, with a thick rim; open and hollow, or closed by a peel lid with a tab."""
    w, tilt, base = s.between(0.62, 0.78), s.between(0.24, 0.38), s.between(0.7, 0.82)
    top, bottom = s.between(-0.35, -0.2), s.between(0.42, 0.6)
    s.rounded(revolved([(top, w), (top + 0.1, w * 0.96), (bottom, w * base)], tilt=tilt), w)
    if s.chance(0.6):
        fruit = print_colour(s.rng)
        spots = [ellipse(x * w, (top + bottom) / 2 + 0.22, 0.12, 0.12) for x in (-0.35, 0.0, 0.35)]
        s.print(s.canvas.mask(*spots), fruit, radius=w)
    s.rounded(revolved([(top - 0.05, w * 1.06), (top + 0.04, w * 1.06)], tilt=tilt), w * 1.06, 1.05)
    s.flat(ellipse(0, top - 0.05, w * 1.06, w * 1.06 * tilt), 1.08)
    if s.chance(0.6):
        s.print(s.canvas.mask(ellipse(0, top - 0.04, w * 0.92, w * 0.92 * tilt)), DARK, alpha=0.35)
        s.flat(ellipse(0, top + 0.05, w * 0.8, w * 0.75 * tilt), 0.78)
    else:
        s.print(s.canvas.mask(ellipse(w * 1.1, top + 0.02, 0.12, 0.07)), (0.82, 0.83, 0.85))
        s.print(s.canvas.mask(ellipse(0, top - 0.05, w * 0.98, w * 0.98 * tilt)), (0.82, 0.83, 0.85))
        s.print(s.canvas.mask(ellipse(0, top - 0.05, w * 0.6, w * 0.5 * tilt)), print_colour(s.rng))


def paper_cup(s: Sketch) -> None:
    """Tall cup, narrower at the foot, rolled rim; open with a drink in it, or under a domed lid; often a sleeve."""
    w, foot, tilt = s.between(0.42, 0.50), s.between(0.62, 0.72), s.between(0.18, 0.28)
    top, bottom = -0.68, s.between(0.72, 0.85)
    s.rounded(revolved([(top, w), (bottom, w * foot)], tilt=tilt), w)
    if s.chance(0.65):
        y0, y1 = -0.2, s.between(0.3, 0.42)
        w0, w1 = (w * (1 - (1 - foot) * (y - top) / (bottom - top)) * 1.04 for y in (y0, y1))
        sleeve = (0.60, 0.42, 0.26) if s.chance(0.6) else print_colour(s.rng)
        s.print(s.canvas.mask(_cone(w0, w1, y0, y1, tilt)), sleeve, radius=w)
        s.print(s.canvas.mask(ellipse(0, (y0 + y1) / 2 + 0.1, w * 0.32, w * 0.32)), WHITE, radius=w, alpha=0.8)
    if s.chance(0.45):
        lid = WHITE if s.chance(0.5) else (0.15, 0.13, 0.13)
        for y, r in ((-0.70, 1.1), (-0.80, 0.95)):
            s.print(s.canvas.mask(revolved([(y - 0.09, w * r * 0.95), (y, w * r)], tilt=tilt)), lid, radius=w)
        s.lines([ellipse(0, -0.89, w * 0.8, w * 0.8 * tilt), arc(0, -0.70, w * 1.1, w * tilt * 1.1)], 0.025, alpha=0.5)
    else:
        s.print(s.canvas.mask(ellipse(0, top, w * 1.07, w * 1.07 * tilt)), WHITE)
        s.print(s.canvas.mask(ellipse(0, top, w * 0.93, w * 0.9 * tilt)), (0.62, 0.58, 0.54))
        s.print(s.canvas.mask(ellipse(0, top + 0.03, w * 0.82, w * 0.7 * tilt)), (0.28, 0.17, 0.10))
        s.lines([ellipse(0, top, w * 1.07, w * 1.07 * tilt)], 0.025, alpha=0.3)


def beverage_carton(s: Sketch) -> None:
    """Upright box seen on its edge with a gabled roof and a top fin; small ones are flat bricks with a straw."""
    front, side, depth = s.between(0.38, 0.48), s.between(0.22, 0.32), s.between(0.05, 0.1)
    left, right, ridge = -(front + side) / 2, (front + side) / 2, s.between(-0.72, -0.62)
    edge = left + front
    panel = print_colour(s.rng)
    s.flat(np.array([[left, -0.4], [edge, -0.4], [edge, 0.9], [left, 0.9 - depth]]), 1.05)
    s.flat(np.array([[edge, -0.4], [right, -0.4 - depth], [right, 0.9 - 2 * depth], [edge, 0.9]]), 0.62)
    if s.chance(0.7):
        roof = np.array([[left, -0.4], [edge, -0.4], [edge - 0.05, ridge], [left + 0.08, ridge - 0.03]])
        s.flat(roof, 1.2)
        gable = np.array([[edge, -0.4], [right, -0.4 - depth], [edge - 0.05, ridge]])
        s.flat(gable, 0.75)
        s.flat(
            np.array(
                [
                    [left + 0.08, ridge - 0.03],
                    [edge - 0.05, ridge],
                    [edge - 0.05, ridge - 0.2],
                    [left + 0.08, ridge - 0.23],
                ]
            ),
            1.1,
        )
        s.print(s.canvas.mask(ellipse((left + edge) / 2, -0.52, 0.1, 0.07)), WHITE if s.chance(0.5) else panel)
    else:
        s.flat(np.array([[left, -0.4], [edge, -0.4], [right, -0.4 - depth], [right - front, -0.4 - depth]]), 1.25)
        s.lines([np.array([[0.0, -0.45], [0.05, -0.8], [0.25, -0.9]])], 0.05, WHITE, 0.95)
    s.print(s.canvas.mask(box(left + 0.04, 0.28, edge - 0.02, 0.6)), WHITE, alpha=0.9)
    s.print(s.canvas.mask(ellipse((left + edge) / 2, 0.05, front * 0.32, 0.2)), WHITE, alpha=0.95)
    s.print(s.canvas.mask(ellipse((left + edge) / 2, 0.05, front * 0.22, 0.14)), panel)
    s.lines([np.array([[left + 0.08, y], [edge - 0.08, y]]) for y in (0.36, 0.44, 0.52)], 0.03, panel, 0.8)


def takeaway_tray(s: Sketch) -> None:
    """Open clamshell whose lid stands up behind a hollow base, or a shallow tray with a wide rim and dividers."""
    w, lean = s.between(0.72, 0.88), s.between(0.06, 0.16)
    if s.chance(0.5):
        s.flat(np.array([[-w + lean, -0.72], [w - lean, -0.72], [w, 0.0], [-w, 0.0]]), 1.0)
        s.flat(np.array([[-w + 0.2, -0.6], [w - 0.2, -0.6], [w - 0.12, -0.1], [-w + 0.12, -0.1]]), 0.86)
        tabs = [np.array([[x, -0.52], [x * 1.05, -0.16]]) for x in (-0.35 * w, 0.0, 0.35 * w)]
        s.lines(tabs, 0.05, alpha=0.18)
    rim = rounded_box(-w, 0.0, w, 0.55, 0.12)
    s.flat(np.array([[-w + 0.02, 0.2], [w - 0.02, 0.2], [w - 0.18, 0.75], [-w + 0.18, 0.75]]), 0.72)
    s.flat(rim, 1.1)
    s.flat(rounded_box(-w + 0.1, 0.07, w - 0.1, 0.48, 0.1), 0.74)
    s.flat(rounded_box(-w + 0.22, 0.16, w - 0.22, 0.46, 0.07), 0.92)
    if s.chance(0.5):
        s.lines([np.array([[0.15, 0.1], [0.2, 0.46]]), np.array([[0.17, 0.28], [w - 0.15, 0.28]])], 0.06, WHITE, 0.6)
    if s.chance(0.6):  # grease and sauce
        for _ in range(3):
            spot = ellipse(s.between(-0.4, 0.4), s.between(0.24, 0.4), s.between(0.05, 0.15), 0.05)
            s.print(s.canvas.mask(spot), (0.62, 0.30, 0.10), alpha=0.55)


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
    ink = (0.78, 0.50, 0.18) if s.chance(0.5) else print_colour(s.rng)
    s.rounded(moved(revolved([(-0.98, w * 0.36), (-0.84, w * 0.36)], tilt=0.25), shift, 0), w * 0.4, 1.2)
    s.rounded(moved(revolved([(-0.82, w * 0.95), (-0.78, w), (0.86, w)], tilt=0.18), shift, 0), w)
    s.print(s.canvas.mask(moved(_band(w, -0.74, s.between(-0.38, -0.2)), shift, 0)), ink, radius=w)
    s.print(s.canvas.mask(moved(_band(w, 0.78, 0.84), shift, 0)), (0.80, 0.80, 0.80), radius=w)
    plus = [np.array([[-0.09, -0.5], [0.09, -0.5]]), np.array([[0, -0.59], [0, -0.41]])]
    s.lines([moved(p, shift, 0.04) for p in plus], 0.045, WHITE, 0.95)
    s.lines([moved(np.array([[-0.09, 0.62], [0.09, 0.62]]), shift, 0)], 0.045, WHITE, 0.8)
    s.print(s.canvas.mask(moved(box(-w * 0.5, 0.0, w * 0.5, 0.12), shift, 0)), ink, radius=w, alpha=0.9)
    s.canvas.u = frame


def _block_cell(s: Sketch) -> None:
    s.flat(rounded_box(-0.46, -0.6, 0.46, 0.85, 0.05), 1.1)
    s.print(s.canvas.mask(box(-0.46, -0.5, 0.46, -0.05)), (0.78, 0.50, 0.18) if s.chance(0.5) else print_colour(s.rng))
    s.print(s.canvas.mask(box(-0.46, -0.62, 0.46, -0.52)), (0.72, 0.72, 0.70))
    for x, r in ((-0.22, 0.12), (0.22, 0.16)):
        s.print(s.canvas.mask(box(x - r, -0.78, x + r, -0.6), ellipse(x, -0.78, r, 0.05)), (0.80, 0.80, 0.78))
        s.lines([ellipse(x, -0.78, r, 0.05)], 0.025, alpha=0.7)
    s.lines([np.array([[-0.3, -0.3], [-0.14, -0.3]]), np.array([[0.14, -0.3], [0.3, -0.3]])], 0.05, WHITE, 0.9)
    s.lines([np.array([[0.22, -0.38], [0.22, -0.22]])], 0.05, WHITE, 0.9)
    s.print(s.canvas.mask(box(-0.3, 0.2, 0.3, 0.4)), WHITE, alpha=0.7)


def _band(radius: float, top: float, bottom: float, tilt: float = 0.12) -> Points:
    return _cone(radius, radius, top, bottom, tilt)


def _cone(top_radius: float, bottom_radius: float, top: float, bottom: float, tilt: float) -> Points:
    """Return the front of a sleeve around a body of revolution: both edges curve downwards."""
    upper = arc(0, top, top_radius, top_radius * tilt)
    lower = arc(0, bottom, bottom_radius, bottom_radius * tilt)[::-1]
    return np.concatenate([upper, lower])
