"""The knowledge graph as a picture: one arc of a circle for each kind of node, curves between them for the facts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from releaf.reporting.pictures import COLOURS

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

# Neighbours on the circle are the kinds that facts join: item–material–property–project–item.
KIND_COLOURS = {"item": COLOURS[0], "material": COLOURS[1], "property": "#5a6570", "project": COLOURS[2]}
RELATION_COLOURS = {
    "made_of": COLOURS[1],
    "has_property": "#5a6570",
    "requires_property": COLOURS[3],
    "can_become": COLOURS[2],
    "similar_to": COLOURS[0],
    "compatible_with": COLOURS[4],
}
# Room a node takes on the circle, relative: labels need some, projects carry none.
_ROOM = {"item": 3.4, "material": 3.4, "property": 1.65, "project": 0.62}
_GAP = 9.0  # between two arcs, in the same unit
_SIZE = {"item": 46, "material": 46, "property": 14, "project": 9}  # of the dots, in square points
_LABEL_SIZE = {"item": 8.5, "material": 8.5, "property": 5.6}
_SWEEPS = 6


def draw_graph(axes: Axes, graph: nx.DiGraph[Any]) -> None:
    """Draw `graph` (nodes with `kind` and `name`, edges with `relation`); projects are dots without a name."""
    from matplotlib.collections import LineCollection

    angle = _angles(graph)
    counts: dict[str, int] = {}
    for relation in dict.fromkeys(found for *_, found in graph.edges(data="relation")):
        curves = [_curve(angle[a], angle[b]) for a, b, found in graph.edges(data="relation") if found == relation]
        counts[relation] = len(curves)
        colour = RELATION_COLOURS.get(relation, "#999999")
        axes.add_collection(LineCollection(curves, colors=colour, linewidths=0.55, alpha=0.38, zorder=1))
    for kind, colour in KIND_COLOURS.items():
        nodes = [node for node, found in graph.nodes(data="kind") if found == kind]
        x, y = [math.cos(angle[node]) for node in nodes], [math.sin(angle[node]) for node in nodes]
        axes.scatter(x, y, s=_SIZE[kind], color=colour, zorder=2, linewidths=0)
        for node in nodes if kind in _LABEL_SIZE else []:
            _label(axes, angle[node], graph.nodes[node]["name"], _LABEL_SIZE[kind])
    _legend(axes, graph, counts)
    axes.set(xlim=(-1.5, 1.45), ylim=(-1.06, 1.38), aspect="equal")
    axes.axis("off")


def _angles(graph: nx.DiGraph[Any]) -> dict[str, float]:
    """Each node's angle; a few sweeps move nodes of an arc towards their neighbours so that curves cross less."""
    kinds = [kind for kind in KIND_COLOURS if any(found == kind for _, found in graph.nodes(data="kind"))]
    arcs = {kind: sorted(node for node, found in graph.nodes(data="kind") if found == kind) for kind in kinds}
    around = graph.to_undirected(as_view=True)
    places = _places(arcs)
    for _ in range(_SWEEPS):
        for kind, nodes in arcs.items():
            middle = sum(places[node] for node in nodes) / len(nodes)
            others = set(nodes)
            pulls = {
                node: _pull([places[other] for other in sorted(around.neighbors(node)) if other not in others], middle)
                for node in nodes
            }
            arcs[kind] = sorted(nodes, key=lambda node, pulls=pulls: (-pulls[node], node))  # type: ignore[misc]
            places = _places(arcs)
    return places


def _pull(neighbours: Sequence[float], middle: float) -> float:
    """Mean angle of the neighbours as seen from the middle of the arc, −π to π; 0 without any."""
    if not neighbours:
        return 0.0
    turned = [math.remainder(angle - middle, 2 * math.pi) for angle in neighbours]
    return sum(turned) / len(turned)


def _places(arcs: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Angles in radians, arcs in order round the circle, starting at the upper left."""
    total = sum(_ROOM[kind] * len(nodes) + _GAP for kind, nodes in arcs.items())
    at, places = 0.0, {}
    for kind, nodes in arcs.items():
        at += _GAP / 2
        for node in nodes:
            places[node] = math.pi + 0.25 - (at + _ROOM[kind] / 2) / total * 2 * math.pi
            at += _ROOM[kind]
        at += _GAP / 2
    return places


def _curve(start: float, end: float, points: int = 24) -> list[tuple[float, float]]:
    """A quadratic Bézier curve between two points of the circle, bent towards its centre."""
    bend = 0.25 + 0.45 * (1 - abs(math.remainder(start - end, 2 * math.pi)) / math.pi)
    middle = (math.cos(start) + math.cos(end)) / 2 * bend, (math.sin(start) + math.sin(end)) / 2 * bend
    curve = []
    for step in range(points + 1):
        t = step / points
        curve.append(
            tuple(
                (1 - t) ** 2 * edge(start) + 2 * t * (1 - t) * via + t * t * edge(end)
                for edge, via in zip((math.cos, math.sin), middle, strict=True)
            )
        )
    return [(x, y) for x, y in curve]


def _label(axes: Axes, angle: float, name: str, size: float) -> None:
    left = math.cos(angle) < 0
    degrees = math.degrees(angle)
    axes.text(
        1.03 * math.cos(angle),
        1.03 * math.sin(angle),
        name,
        rotation=degrees + 180 if left else degrees,
        rotation_mode="anchor",
        ha="right" if left else "left",
        va="center",
        fontsize=size,
        color="#222222",
    )


def _legend(axes: Axes, graph: nx.DiGraph[Any], counts: Mapping[str, int]) -> None:
    from matplotlib.lines import Line2D

    kinds = [kind for _, kind in graph.nodes(data="kind")]
    plural = {"item": "items", "material": "materials", "property": "properties", "project": "projects"}
    nodes = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=f"{kinds.count(kind)} {plural[kind]}")
        for kind, colour in KIND_COLOURS.items()
        if kind in kinds
    ]
    edges = [
        Line2D([], [], color=RELATION_COLOURS.get(name, "#999999"), label=f"{name.replace('_', ' ')} ({number:,})")
        for name, number in counts.items()
    ]
    axes.legend(handles=[*nodes, *edges], loc="lower left", fontsize=8.5, handlelength=1.2, borderaxespad=0)
