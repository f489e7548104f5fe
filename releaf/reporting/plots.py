"""The plots that reports are made of, each from plain figures to PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from releaf.reporting.pictures import COLOURS, drawing, png

if TYPE_CHECKING:
    import networkx as nx

KIND_COLOURS = {"item": COLOURS[0], "material": COLOURS[1], "property": COLOURS[6], "project": COLOURS[2]}


def training_curves(epochs: Sequence[Mapping[str, float]], monitor: str, best_epoch: int) -> bytes:
    """Loss and the watched figure by epoch, the kept epoch marked, and learning rate with gradient norm beside them."""
    steps = [entry["epoch"] for entry in epochs]
    with drawing(9.2, 2.9, columns=3) as (figure, (left, middle, right)):
        left.plot(steps, [entry["loss"] for entry in epochs], color=COLOURS[0])
        left.set(title="training loss", xlabel="epoch")
        middle.plot(steps, [entry[monitor] for entry in epochs], color=COLOURS[2])
        middle.axvline(best_epoch, color=COLOURS[4], linestyle=":", label=f"kept: epoch {best_epoch}")
        middle.set(title=f"validation {monitor.replace('_', ' ')}", xlabel="epoch")
        middle.legend()
        right.plot(steps, [entry["learning_rate"] for entry in epochs], color=COLOURS[3])
        right.set(title="learning rate, gradient norm", xlabel="epoch")
        right.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        norms = right.twinx()
        norms.plot(steps, [entry["gradient_norm"] for entry in epochs], color=COLOURS[6], linewidth=0.9)
        norms.grid(visible=False)
        return png(figure)


def confusion(matrix: Sequence[Sequence[float]], labels: Sequence[str], title: str) -> bytes:
    """A confusion matrix as shares of each true class; counts stand in the cells where there is room for them."""
    import numpy as np

    counts = np.asarray(matrix, dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 1.9 + 0.27 * len(labels)
    with drawing(side + 0.8, side) as (figure, (axes,)):
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(labels)), labels)
        axes.set(title=title, xlabel="predicted", ylabel="true")
        axes.grid(visible=False)
        for row, column in np.argwhere(counts > 0):
            colour = "white" if shares[row, column] > 0.55 else "#333333"
            axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", fontsize=6, color=colour)
        figure.colorbar(image, ax=axes, shrink=0.7, label="share of true class")
        return png(figure)


def grouped_bars(
    groups: Mapping[str, Mapping[str, float]],
    title: str,
    *,
    errors: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
) -> bytes:
    """One cluster of bars a group, one colour a series; `errors` gives (low, high) of an interval for a bar."""
    series = list(dict.fromkeys(name for values in groups.values() for name in values))
    width = 0.8 / max(1, len(series))
    with drawing(max(4.6, 1.6 + 0.5 * len(groups) * len(series)), 3.1) as (figure, (axes,)):
        for offset, name in enumerate(series):
            at = [place + offset * width - 0.4 + width / 2 for place in range(len(groups))]
            heights = [values.get(name, 0.0) for values in groups.values()]
            spread = None
            if errors:
                bounds = [errors.get(group, {}).get(name, (h, h)) for group, h in zip(groups, heights, strict=True)]
                spread = [
                    [max(0.0, h - low) for h, (low, _) in zip(heights, bounds, strict=True)],
                    [max(0.0, high - h) for h, (_, high) in zip(heights, bounds, strict=True)],
                ]
            colour = COLOURS[offset % len(COLOURS)]
            bars = axes.bar(
                at, heights, width * 0.92, label=name, color=colour, yerr=spread, ecolor="#444444", capsize=2
            )
            axes.bar_label(bars, fmt="%.2f", fontsize=6.5, padding=1)
        axes.set_xticks(range(len(groups)), list(groups))
        axes.set_title(title)
        axes.margins(y=0.12)
        if len(series) > 1:
            axes.legend(ncols=min(4, len(series)), loc="upper left", bbox_to_anchor=(0, -0.1))
        return png(figure)


def reliability(bins: Sequence[Mapping[str, float]], title: str) -> bytes:
    """Confidence against accuracy: on the diagonal a probability means what it says.

    Each bin holds `confidence`, `accuracy` (0 to 1) and `count`.
    """
    with drawing(3.6, 3.2) as (figure, (axes,)):
        axes.plot([0, 1], [0, 1], color="#999999", linestyle=":")
        filled = [entry for entry in bins if entry["count"] > 0]
        sizes = [8 + 90 * entry["count"] / max(e["count"] for e in filled) for entry in filled]
        axes.scatter(
            [e["confidence"] for e in filled], [e["accuracy"] for e in filled], s=sizes, color=COLOURS[0], alpha=0.8
        )
        axes.set(title=title, xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
        return png(figure)


def graph_picture(graph: nx.DiGraph[Any]) -> bytes:
    """The graph by rows of kind: items, materials and properties in the middle, projects below; edges as thin lines."""
    rows = {"item": 3.0, "material": 2.0, "property": 1.0, "project": 0.0}
    members: dict[str, list[str]] = {kind: [n for n, k in graph.nodes(data="kind") if k == kind] for kind in rows}
    place = {
        node: ((index + 0.5) / len(nodes), rows[kind])
        for kind, nodes in members.items()
        for index, node in enumerate(_by_neighbours(graph, nodes))
    }
    with drawing(11.0, 5.2) as (figure, (axes,)):
        for source, target in graph.edges:
            (x1, y1), (x2, y2) = place[source], place[target]
            axes.plot([x1, x2], [y1, y2], color="#9aa5b1", linewidth=0.25, alpha=0.5, zorder=1)
        for kind, nodes in members.items():
            axes.scatter(
                *zip(*(place[n] for n in nodes), strict=True), s=26, color=KIND_COLOURS[kind], zorder=2
            ) if nodes else None
            axes.text(
                -0.01,
                rows[kind],
                f"{len(nodes)} {kind} nodes",
                ha="right",
                va="center",
                fontsize=9,
                color=KIND_COLOURS[kind],
            )
            if kind in ("item", "material"):
                lift = 0.12 if kind == "item" else 0.1
                for node in nodes:
                    x, y = place[node]
                    axes.text(x, y + lift, graph.nodes[node]["name"], rotation=35, fontsize=6.5, ha="left", va="bottom")
        axes.set(xlim=(-0.12, 1.05), ylim=(-0.25, 3.9))
        axes.axis("off")
        return png(figure)


def _by_neighbours(graph: nx.DiGraph[Any], nodes: Sequence[str]) -> list[str]:
    """Order a row so that nodes with common neighbours stand together."""
    undirected = graph.to_undirected(as_view=True)
    return sorted(nodes, key=lambda node: (sorted(undirected.neighbors(node))[:1], node))
