"""Drawings of food packages that are open or folded: tubs, cups, cartons and trays.

Every function draws one item of the taxonomy into a `Sketch` in object coordinates.
"""

from __future__ import annotations

import numpy as np

from releaf.corpus.rendering.canvas import (
    Colour,
    Points,
    arc,
    box,
    cone,
    ellipse,
    moved,
    on_face,
    revolved,
    rounded_box,
)
from releaf.corpus.rendering.sketch import DARK, WHITE, Sketch
from releaf.corpus.rendering.textures import print_colour

_FOIL = (0.82, 0.83, 0.85)
_CRAFT = (0.60, 0.42, 0.26)


def plastic_tub(s: Sketch) -> None:
    """Low pot, wider at the top, with a rim; open and hollow, or closed by a peel lid with a tab.

    Foamed polystyrene has a thick soft rim, polypropylene a thin one with a step below it.
    """
    foam = s.material == "polystyrene"
    w, tilt, base = s.between(0.62, 0.78), s.between(0.24, 0.38), s.between(0.7, 0.82)
    top, bottom = s.between(-0.35, -0.2), s.between(0.42, 0.6)
    s.rounded(revolved([(top, w), (top + 0.1, w * 0.96), (bottom, w * base)], tilt=tilt), w)
    if s.chance(0.6):
        fruit = print_colour(s.rng)
        spots = [ellipse(x * w, (top + bottom) / 2 + 0.22, 0.12, 0.12) for x in (-0.35, 0.0, 0.35)]
        s.print(s.canvas.mask(*spots), fruit, radius=w)
    if not foam:
        s.lines([arc(0, y, w * r, w * tilt) for y, r in ((top + 0.13, 0.95), (bottom - 0.06, base))], 0.02, alpha=0.35)
    rim = 0.12 if foam else 0.04
    s.rounded(revolved([(top - 0.05, w * 1.06), (top - 0.05 + rim, w * 1.06)], tilt=tilt), w * 1.06, 1.05)
    s.flat(ellipse(0, top - 0.05, w * 1.06, w * 1.06 * tilt), 1.08)
    if s.chance(0.6):
        inner = 0.84 if foam else 0.95
        s.print(s.canvas.mask(ellipse(0, top - 0.04, w * inner, w * inner * tilt)), DARK, alpha=0.4)
        s.flat(ellipse(0, top + 0.05, w * (inner - 0.12), w * (inner - 0.17) * tilt), 0.78)
    else:
        s.print(s.canvas.mask(ellipse(w * 1.1, top + 0.02, 0.12, 0.07)), _FOIL)
        s.print(s.canvas.mask(ellipse(0, top - 0.05, w * 0.98, w * 0.98 * tilt)), _FOIL)
        s.print(s.canvas.mask(ellipse(0, top - 0.05, w * 0.6, w * 0.5 * tilt)), print_colour(s.rng))


def paper_cup(s: Sketch) -> None:
    """Tall cup, narrower at the foot, rolled rim; open with a drink in it, or under a lid; often a sleeve."""
    w, foot, tilt = s.between(0.42, 0.50), s.between(0.58, 0.68), s.between(0.18, 0.28)
    top, bottom = -0.68, s.between(0.72, 0.85)

    def wall(y0: float, y1: float, spread: float = 1.0) -> Points:
        w0, w1 = (w * (1 - (1 - foot) * (y - top) / (bottom - top)) * spread for y in (y0, y1))
        return cone(w0, w1, y0, y1, tilt)

    s.rounded(revolved([(top, w), (bottom, w * foot)], tilt=tilt), w)
    if s.material == "paper" and s.chance(0.7):
        _cup_print(s, wall(-0.5, -0.36), wall(0.5, 0.62))
    if s.chance(0.65):
        y1 = s.between(0.3, 0.42)
        s.print(s.canvas.mask(wall(-0.2, y1, 1.05)), _CRAFT if s.chance(0.6) else print_colour(s.rng), radius=w)
        s.print(s.canvas.mask(ellipse(0, y1 / 2, w * 0.32, w * 0.32)), WHITE, radius=w, alpha=0.8)
        s.lines([arc(0, -0.2, w * 0.92, w * 0.92 * tilt)], 0.02, alpha=0.4)
    s.lines([arc(0, bottom - 0.05, w * foot * 1.02, w * foot * tilt)], 0.025, alpha=0.35)  # the foot's seam
    if s.chance(0.45):
        _cup_lid(s, w, tilt)
    else:
        s.print(s.canvas.mask(ellipse(0, top, w * 1.07, w * 1.07 * tilt)), WHITE)
        s.print(s.canvas.mask(ellipse(0, top, w * 0.93, w * 0.9 * tilt)), (0.62, 0.58, 0.54))
        s.print(s.canvas.mask(ellipse(0, top + 0.03, w * 0.82, w * 0.7 * tilt)), (0.28, 0.17, 0.10))
        s.lines([ellipse(0, top, w * 1.07, w * 1.07 * tilt)], 0.025, alpha=0.3)


def _cup_print(s: Sketch, upper: Points, lower: Points) -> None:
    ink = print_colour(s.rng)
    bands = (upper,) if s.chance(0.4) else (upper, lower)
    s.print(s.canvas.mask(*bands), ink, radius=0.5, alpha=0.85)


def _cup_lid(s: Sketch, w: float, tilt: float) -> None:
    lid = WHITE if s.chance(0.6) else (0.16, 0.14, 0.14)
    for y, r in ((-0.66, 1.12), (-0.80, 0.95)):
        s.print(s.canvas.mask(revolved([(y - 0.09, w * r * 0.95), (y, w * r)], tilt=tilt)), lid, radius=w * 1.15)
    edges = [ellipse(0, -0.89, w * 0.8, w * 0.8 * tilt), arc(0, -0.66, w * 1.12, w * tilt * 1.12)]
    s.lines([*edges, arc(0, -0.8, w * 0.95, w * 0.95 * tilt)], 0.03, alpha=0.45)
    s.lines([arc(0, -0.84, w * 0.9, w * 0.9 * tilt)], 0.025, WHITE, 0.6)
    s.print(s.canvas.mask(ellipse(0, -0.87, w * 0.24, w * 0.1)), DARK, alpha=0.8)


def beverage_carton(s: Sketch) -> None:
    """Upright box seen on its edge: tall with a gabled roof and a top fin, or a flat-topped brick with a straw."""
    front, side = s.between(0.42, 0.52), s.between(0.26, 0.36)
    drop, rise = s.between(0.03, 0.08), s.between(0.08, 0.14)
    top, bottom = -0.36, 0.9
    edge = (front - side) / 2
    near, left, right = (edge, top), (-front, -drop), (side, -rise)
    down = (0.0, bottom - top)
    whole = box(0, 0, 1, 1)
    s.flat(on_face(whole, near, left, down), 1.05)
    s.flat(on_face(whole, near, right, down), 0.62)
    if s.chance(0.65):
        _gable(s, near, left, right)
    else:
        s.flat(on_face(whole, near, left, right), 1.25)
        start = (edge - front * 0.35 + side * 0.5, top - 0.12)
        straw = np.array([start, (start[0] + 0.04, start[1] - 0.3), (start[0] + 0.2, start[1] - 0.38)])
        s.lines([straw], 0.065, DARK, 0.5)
        s.lines([straw], 0.045, WHITE if s.chance(0.6) else print_colour(s.rng), 0.95)
    _carton_print(s, near, left, down)
    seam = np.array([[0.5, 0.05], [0.5, 0.98]])
    s.lines([on_face(seam, near, right, down)], 0.02, alpha=0.3)


def _gable(s: Sketch, near: tuple[float, float], left: tuple[float, float], right: tuple[float, float]) -> None:
    height = s.between(0.24, 0.32)
    up = (right[0] / 2, right[1] / 2 - height)  # from the front edge of the roof to its ridge
    ridge = (near[0] + up[0], near[1] + up[1])
    far = (near[0] + right[0], near[1] + right[1])
    s.flat(np.array([near, far, ridge]), 0.75)
    s.flat(on_face(box(0, 0, 1, 1), near, left, up), 1.2)
    s.flat(on_face(box(0, 0, 1, 1), ridge, left, (0.0, -0.17)), 1.05)
    s.lines([on_face(np.array([[0.0, 0.5], [1.0, 0.5]]), ridge, left, (0.0, -0.17))], 0.02, alpha=0.4)
    if s.chance(0.7):
        cap = on_face(ellipse(0.5, 0.5, 0.2, 0.26), near, left, up)
        s.print(s.canvas.mask(cap), DARK, alpha=0.35)
        lid = WHITE if s.chance(0.5) else print_colour(s.rng)
        s.print(s.canvas.mask(moved(cap, 0.0, -0.04)), lid)


def _carton_print(s: Sketch, near: tuple[float, float], left: tuple[float, float], down: tuple[float, float]) -> None:
    def on_front(shape: Points) -> Points:
        return on_face(shape, near, left, down)

    panel: Colour = print_colour(s.rng)
    if s.chance(0.6):
        s.print(s.canvas.mask(on_front(ellipse(0.5, 0.34, 0.36, 0.17))), WHITE, alpha=0.95)
        s.print(s.canvas.mask(on_front(ellipse(0.5, 0.34, 0.25, 0.12))), panel)
    else:
        s.print(s.canvas.mask(on_front(box(0.12, 0.16, 0.88, 0.32))), WHITE, alpha=0.95)
        s.print(s.canvas.mask(on_front(box(0.2, 0.2, 0.8, 0.28))), panel)
        s.print(s.canvas.mask(on_front(ellipse(0.5, 0.46, 0.2, 0.09))), print_colour(s.rng))
    s.print(s.canvas.mask(on_front(box(0.06, 0.58, 0.94, 0.82))), WHITE, alpha=0.9)
    s.lines([on_front(np.array([[0.16, y], [0.84, y]])) for y in (0.64, 0.7, 0.76)], 0.03, panel, 0.8)


def takeaway_tray(s: Sketch) -> None:
    """Shallow food tray with a wide rim: a thick foam clamshell, a moulded plastic tray or a fluted foil pan."""
    w = s.between(0.74, 0.9)
    if s.material == "aluminium":
        _foil_pan(s, w)
    elif s.material == "polystyrene":
        _foam_shell(s, w)
    else:
        _meal_tray(s, w)
    if s.chance(0.6):  # grease and sauce
        for _ in range(3):
            spot = ellipse(s.between(-0.4, 0.4), s.between(0.2, 0.34), s.between(0.05, 0.15), 0.05)
            s.print(s.canvas.mask(spot), (0.62, 0.30, 0.10), alpha=0.55)


def _foam_shell(s: Sketch, w: float) -> None:
    if s.chance(0.7):
        lean = s.between(0.06, 0.16)
        s.flat(np.array([[-w + lean, -0.74], [w - lean, -0.74], [w, 0.0], [-w, 0.0]]), 1.0)
        s.flat(rounded_box(-w + 0.2, -0.63, w - 0.2, -0.1, 0.1), 0.84)
        s.flat(rounded_box(-w + 0.3, -0.54, w - 0.3, -0.16, 0.08), 0.95)
    s.flat(np.array([[-w + 0.02, 0.2], [w - 0.02, 0.2], [w - 0.16, 0.78], [-w + 0.16, 0.78]]), 0.72)
    s.flat(rounded_box(-w, -0.04, w, 0.56, 0.16), 1.1)
    s.flat(rounded_box(-w + 0.13, 0.05, w - 0.13, 0.47, 0.12), 0.72)
    s.flat(rounded_box(-w + 0.24, 0.14, w - 0.24, 0.46, 0.08), 0.92)


def _meal_tray(s: Sketch, w: float) -> None:
    if s.chance(0.2):  # a clear lid, half open
        lid = np.array([[-w + 0.1, -0.66], [w - 0.1, -0.66], [w, -0.1], [-w, -0.1]])
        s.print(s.canvas.mask(lid), (0.86, 0.92, 0.96), alpha=0.45)
        s.lines([np.concatenate([lid, lid[:1]])], 0.03, WHITE, 0.7)
        s.lines([np.array([[-0.5, -0.55], [-0.62, -0.2]]), np.array([[-0.38, -0.55], [-0.5, -0.2]])], 0.05, WHITE, 0.7)
    s.flat(np.array([[-w + 0.04, 0.2], [w - 0.04, 0.2], [w - 0.2, 0.72], [-w + 0.2, 0.72]]), 0.66)
    s.flat(rounded_box(-w, -0.12, w, 0.54, 0.07), 1.12)
    rooms = [(-w + 0.08, 0.06), (0.13, w - 0.08)] if s.chance(0.65) else [(-w + 0.08, w - 0.08)]
    for x0, x1 in rooms:
        s.flat(rounded_box(x0, -0.05, x1, 0.47, 0.05), 0.62)
        s.flat(rounded_box(x0 + 0.08, 0.06, x1 - 0.08, 0.46, 0.04), 0.88)
    s.lines([np.array([[-w + 0.05, -0.085], [w - 0.05, -0.085]])], 0.025, WHITE, 0.6)


def _foil_pan(s: Sketch, w: float) -> None:
    wall = np.array([[-w + 0.06, 0.2], [w - 0.06, 0.2], [w - 0.24, 0.76], [-w + 0.24, 0.76]])
    s.flat(wall, 0.8)
    flutes = np.linspace(-0.94, 0.94, 15)
    s.lines([np.array([[x * w, 0.5], [x * (w - 0.2), 0.75]]) for x in flutes], 0.035, (0.3, 0.3, 0.32), 0.6)
    s.lines([np.array([[(x + 0.05) * w, 0.5], [(x + 0.05) * (w - 0.2), 0.75]]) for x in flutes], 0.03, WHITE, 0.7)
    s.crumpled(rounded_box(-w, -0.2, w, 0.54, 0.12), 12, 0.5)
    s.crumpled(rounded_box(-w + 0.12, -0.1, w - 0.12, 0.44, 0.09), 9, 0.9)
    s.print(s.canvas.mask(box(-w + 0.14, -0.09, w - 0.14, 0.04)), DARK, alpha=0.35)
    s.lines([np.array([[x * w, -0.09], [x * (w - 0.12), 0.04]]) for x in flutes[1:-1]], 0.03, WHITE, 0.6)
    s.crumpled(rounded_box(-w + 0.22, 0.05, w - 0.22, 0.42, 0.06), 8, 1.1)
    if s.chance(0.15):  # a board lid, slid back
        lid = np.array([[-w + 0.1, -0.5], [w - 0.05, -0.56], [w - 0.02, -0.06], [-w + 0.14, -0.02]])
        s.print(s.canvas.mask(lid), (0.92, 0.91, 0.88))
        s.lines([np.array([[-0.4, -0.35], [0.4, -0.39]]), np.array([[-0.4, -0.24], [0.2, -0.27]])], 0.04, DARK, 0.5)
