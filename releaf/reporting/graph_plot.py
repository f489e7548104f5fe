"""The knowledge graph as a picture in two parts: what is made of what and becomes what, and what materials hold.

Above, materials, items and projects in columns, each project in the rows of its items: projects of one item stand in
its row, others between the rows they share. Below, materials by properties, under the projects that ask for each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from releaf.reporting.pictures import COLOURS

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KIND_COLOURS = {"item": COLOURS[0], "material": COLOURS[1], "property": "#5a6570", "project": COLOURS[2]}
RELATION_COLOURS = {
    "made_of": COLOURS[1],
    "can_become": COLOURS[2],
    "similar_to": COLOURS[0],
    "compatible_with": COLOURS[4],
    "has_property": "#5a6570",
    "requires_property": COLOURS[3],
}
# More than these could not be told apart; those with most neighbours are drawn.
_MOST = {"item": 40, "material": 30, "property": 80, "project": 1_000}
_PLURAL = {"item": "items", "material": "materials", "property": "properties", "project": "projects"}
_MATERIAL_X, _ITEM_X, _FROM_X, _PROJECT_X = 0.0, 2.4, 4.3, 4.8  # columns, in the unit of a row's height
_STEP = 0.17  # between two dots of a row
_COLUMN_GAP = 0.75


@dataclass(frozen=True)
class _Drawn:
    """The nodes that are drawn, by kind and from top to bottom, and the facts among them, by relation."""

    kinds: dict[str, list[str]]
    facts: dict[str, list[tuple[str, str]]]
    names: dict[str, str]
    of: dict[str, int]

    def row(self, kind: str) -> dict[str, float]:
        """Height of each node of a column, all columns equally high."""
        nodes = self.kinds[kind]
        rows = max(len(self.kinds["item"]), len(self.kinds["material"]), 1)
        return {node: (place + 0.5) * rows / len(nodes) for place, node in enumerate(nodes)}


def draw_graph(figure: Figure, graph: nx.DiGraph[Any]) -> None:
    """Draw `graph` (nodes with `kind` and `name`, edges with `relation`) into an empty figure."""
    drawn = _drawn(graph)
    if not graph:
        axes = figure.subplots()
        axes.text(0.5, 0.5, "the graph is empty", ha="center", va="center", fontsize=12, color="#666666")
        axes.axis("off")
        return
    properties, materials = len(drawn.kinds["property"]), len(drawn.kinds["material"])
    if not (properties and materials):
        _draw_columns(figure.subplots(), drawn)
        return
    above, below = figure.subfigures(2, 1, height_ratios=[1.75, 1], squeeze=False)[:, 0]
    _draw_columns(above.subplots(), drawn)
    panels = below.subplots(
        2, 2, width_ratios=[max(properties, 4), max(materials, 4)], height_ratios=[1, 3], squeeze=False
    )
    _draw_bars(panels[0][0], drawn)
    panels[0][1].axis("off")
    _draw_matrix(panels[1][0], drawn, "has_property", "property", labels=True)
    _draw_matrix(panels[1][1], drawn, "compatible_with", "material", labels=False)


def _drawn(graph: nx.DiGraph[Any]) -> _Drawn:
    kinds: dict[str, list[str]] = {kind: [] for kind in KIND_COLOURS}
    for node, kind in graph.nodes(data="kind"):
        kinds[kind].append(node)
    of = {kind: len(nodes) for kind, nodes in kinds.items()}
    kinds = {
        kind: sorted(sorted(nodes, key=lambda node: (-graph.degree(node), node))[: _MOST[kind]])
        for kind, nodes in kinds.items()
    }
    kept = {node for nodes in kinds.values() for node in nodes}
    facts: dict[str, list[tuple[str, str]]] = {name: [] for name in RELATION_COLOURS}
    for start, end, relation in graph.edges(data="relation"):
        if start in kept and end in kept and relation in facts:
            facts[relation].append((start, end))
    asked: dict[str, int] = defaultdict(int)
    for _, property_ in facts["requires_property"]:
        asked[property_] += 1
    items = _ordered_items(kinds["item"], facts)
    place = {node: index for index, node in enumerate(items)}
    materials = sorted(kinds["material"], key=lambda node: (_mean(place, _joined(facts["made_of"], node)), node))
    properties = sorted(kinds["property"], key=lambda node: (-asked[node], node))
    names = {node: graph.nodes[node]["name"] for node in kept}
    return _Drawn({**kinds, "item": items, "material": materials, "property": properties}, facts, names, of)


def _ordered_items(items: Sequence[str], facts: Mapping[str, list[tuple[str, str]]]) -> list[str]:
    """Items so that those which share projects, materials or likeness stand near each other.

    By the vector of Fiedler 1973: the second eigenvector of the Laplacian of what they share.
    """
    import numpy as np

    if len(items) < 3:
        return list(items)
    row = {node: place for place, node in enumerate(items)}
    shared = np.full((len(items), len(items)), 1e-3)
    sharers: dict[str, list[int]] = defaultdict(list)
    for relation in ("can_become", "made_of"):
        for item, other in facts[relation]:
            sharers[other].append(row[item])
    for together in sharers.values():
        shared[np.ix_(together, together)] += 1 / len(together)
    for one, other in facts["similar_to"]:
        shared[row[one], row[other]] += 0.5
        shared[row[other], row[one]] += 0.5
    np.fill_diagonal(shared, 0)
    scale = 1 / np.sqrt(shared.sum(axis=1))
    _, vectors = np.linalg.eigh(np.eye(len(items)) - shared * scale[:, None] * scale)
    second = vectors[:, 1] * scale
    second *= np.sign(second[np.abs(second).argmax()])
    return [items[place] for place in np.argsort(np.round(second, 9), kind="stable")]


def _joined(pairs: Iterable[tuple[str, str]], end: str) -> list[str]:
    return [start for start, found in pairs if found == end]


def _mean(place: Mapping[str, float] | Mapping[str, int], nodes: Sequence[str]) -> float:
    return sum(place[node] for node in nodes) / len(nodes) if nodes else 0.0


def _draw_columns(axes: Axes, drawn: _Drawn) -> None:
    from matplotlib.collections import LineCollection

    items, materials = drawn.row("item"), drawn.row("material")
    projects, columns = _project_places(drawn, items)

    def lines(relation: str, curves: list[list[tuple[float, float]]], width: float, alpha: float) -> None:
        colour = RELATION_COLOURS[relation]
        axes.add_collection(LineCollection(curves, colors=colour, linewidths=width, alpha=alpha, zorder=1))

    made_of = [_curve((_MATERIAL_X, materials[m]), (_ITEM_X, items[i])) for i, m in drawn.facts["made_of"]]
    become = [_curve((_FROM_X, items[i]), projects[p]) for i, p in drawn.facts["can_become"]]
    alike = [_arc(items[one], items[other]) for one, other in drawn.facts["similar_to"]]
    lines("made_of", made_of, 1.1, 0.75)
    lines("can_become", become, 0.6, 0.3)
    lines("similar_to", alike, 0.7, 0.35)
    axes.scatter([_MATERIAL_X] * len(materials), list(materials.values()), s=34, color=KIND_COLOURS["material"])
    axes.scatter([_ITEM_X] * len(items), list(items.values()), s=34, color=KIND_COLOURS["item"], zorder=3)
    across, down = [x for x, _ in projects.values()], [y for _, y in projects.values()]
    axes.scatter(across, down, s=13, color=KIND_COLOURS["project"], zorder=3, linewidths=0)
    for node, height in materials.items():
        axes.text(_MATERIAL_X - 0.15, height, drawn.names[node], ha="right", va="center", fontsize=8.5)
    for node, height in items.items():
        axes.text(_ITEM_X + 0.15, height, drawn.names[node], ha="left", va="center", fontsize=8.5)
    top = max([*items.values(), *materials.values(), 1.0]) + 0.5
    for x, title in columns:
        axes.text(x, -0.2, title, ha="left", va="bottom", fontsize=8, color="#555555")
    right = max([x for x, _ in projects.values()] + [_PROJECT_X])
    axes.set(xlim=(_MATERIAL_X - 2.4, right + 0.3), ylim=(top, -1.0))
    axes.axis("off")
    _legend(axes, drawn)


def _project_places(
    drawn: _Drawn, items: Mapping[str, float]
) -> tuple[dict[str, tuple[float, float]], list[tuple[float, str]]]:
    """Where each project stands, and the columns' headings: one for each number of items, from one to five and more."""
    owners: dict[str, list[str]] = defaultdict(list)
    for item, project in drawn.facts["can_become"]:
        owners[project].append(item)
    places: dict[str, tuple[float, float]] = {}
    headings: list[tuple[float, str]] = []
    left = _PROJECT_X
    for count in (1, 2, 3, 4, 5, 0):
        mine = [p for p in drawn.kinds["project"] if (min(len(owners[p]), 5)) == count]
        if not mine:
            continue
        rows: dict[float, list[str]] = defaultdict(list)
        for project in sorted(mine, key=lambda node: (_mean(items, owners[node]), node)):
            rows[round(_mean(items, owners[project]) * 2) / 2].append(project)
        for height, row in rows.items():
            for step, project in enumerate(row):
                places[project] = (left + step * _STEP, height)
        told = ("of none", "projects of one item", "of two", "of three", "of four", "of five or more")[count]
        headings.append((left, told))
        left += max(max(map(len, rows.values())) * _STEP, 0.5) + _COLUMN_GAP
    return places, headings


def _curve(start: tuple[float, float], end: tuple[float, float], points: int = 20) -> list[tuple[float, float]]:
    """From left to right, level at both ends."""
    (x0, y0), (x1, y1) = start, end
    steps = [step / points for step in range(points + 1)]
    return [(x0 + (x1 - x0) * t, y0 + (y1 - y0) * (3 - 2 * t) * t * t) for t in steps]


def _arc(start: float, end: float, points: int = 20) -> list[tuple[float, float]]:
    """Between two rows of the items' column, bent to the left the further they are apart."""
    reach = 0.12 + 0.07 * abs(end - start)
    steps = [step / points for step in range(points + 1)]
    return [(_ITEM_X - 4 * reach * t * (1 - t), start + (end - start) * t) for t in steps]


def _draw_bars(axes: Axes, drawn: _Drawn) -> None:
    asked: dict[str, int] = defaultdict(int)
    for _, property_ in drawn.facts["requires_property"]:
        asked[property_] += 1
    properties = drawn.kinds["property"]
    axes.bar(range(len(properties)), [asked[p] for p in properties], 0.72, color=RELATION_COLOURS["requires_property"])
    axes.set(xlim=(-0.6, len(properties) - 0.4), xticks=[])
    axes.set_title("projects that require each property", fontsize=8.5, fontweight="normal")
    axes.grid(visible=False, axis="x")
    axes.tick_params(labelsize=7)


def _draw_matrix(axes: Axes, drawn: _Drawn, relation: str, columns: str, *, labels: bool) -> None:
    """A square where a fact joins a material (row) to a property or material (column)."""
    rows = {node: place for place, node in enumerate(drawn.kinds["material"])}
    across = {node: place for place, node in enumerate(drawn.kinds[columns])}
    facts = drawn.facts[relation]
    right, down = [across[end] for _, end in facts], [rows[start] for start, _ in facts]
    axes.scatter(right, down, marker="s", s=20, color=RELATION_COLOURS[relation], linewidths=0)
    axes.set(xlim=(-0.6, len(across) - 0.4), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xticks(range(len(across)), [drawn.names[node] for node in across], rotation=90, fontsize=6.6)
    axes.set_yticks(range(len(rows)), [drawn.names[node] if labels else "" for node in rows], fontsize=7.6)
    axes.tick_params(length=0)
    axes.set_title("materials hold" if labels else "go together with", fontsize=8.5, fontweight="normal")


def _legend(axes: Axes, drawn: _Drawn) -> None:
    from matplotlib.lines import Line2D

    def counted(kind: str) -> str:
        shown, all_ = len(drawn.kinds[kind]), drawn.of[kind]
        return f"{all_:,} {_PLURAL[kind]}" if shown == all_ else f"{shown:,} of {all_:,} {_PLURAL[kind]}"

    nodes = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=counted(kind))
        for kind, colour in KIND_COLOURS.items()
        if drawn.of[kind]
    ]
    edges = [
        Line2D([], [], color=colour, label=f"{name.replace('_', ' ')} ({len(drawn.facts[name]):,})")
        for name, colour in RELATION_COLOURS.items()
        if drawn.facts[name]
    ]
    axes.legend(
        handles=[*nodes, *edges], loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, fontsize=8, handlelength=1.2
    )
