"""The plots that reports are made of, each from plain figures to PNG bytes. The graph's picture is in `graph_plot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from releaf.reporting.pictures import COLOURS, drawing, png, with_few_colours

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

Interval = Sequence[float]


def training_curves(epochs: Sequence[Mapping[str, float]], monitor: str, best_epoch: int) -> bytes:
    """Loss, the watched figure, learning rate and gradient norm by epoch, the kept epoch marked."""
    from matplotlib.ticker import MaxNLocator

    steps = [entry["epoch"] for entry in epochs]
    marker = "o" if len(steps) < 12 else ""  # a line through few points hides where they are
    panels = {
        "loss": "training loss",
        monitor: f"{'' if monitor.startswith('validation') else 'validation '}{monitor.replace('_', ' ')}",
        "learning_rate": "learning rate",
        "gradient_norm": "gradient norm",
    }
    with drawing(10.4, 2.4, columns=len(panels)) as (figure, axes):
        for panel, (key, title), colour in zip(axes, panels.items(), COLOURS, strict=False):
            panel.plot(
                steps, [entry[key] for entry in epochs], color=colour, linewidth=1.4, marker=marker, markersize=3
            )
            panel.axvline(best_epoch, color="#999999", linestyle=":", linewidth=1)
            panel.set(title=title, xlabel="epoch")
            panel.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4))
            panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes[1].set_xlabel(f"epoch (kept: {best_epoch})")
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
                spread = _reaches(heights, bounds)
            colour = COLOURS[offset % len(COLOURS)]
            bars = axes.bar(
                at, heights, width * 0.92, label=name, color=colour, yerr=spread, ecolor="#444444", capsize=2
            )
            axes.bar_label(bars, fmt="%.2f", fontsize=6.5, padding=1)
        axes.set_xticks(range(len(groups)), [group.replace("_", " ") for group in groups])
        axes.set_title(title)
        axes.grid(visible=False, axis="x")
        axes.margins(y=0.12)
        if len(series) > 1:
            figure.legend(ncols=min(4, len(series)), loc="outside lower left")
        return png(figure)


def scoreboard(
    panels: Mapping[str, Mapping[str, float]],
    highlight: str,
    *,
    intervals: Mapping[str, Mapping[str, Interval]] | None = None,
    panel: float = 2.9,
) -> bytes:
    """Small panels of horizontal bars, one a metric, the same names in each; `highlight` alone is in colour.

    `intervals` gives (low, high) by metric and name; a whisker stands where it does. `panel` is a panel's width in
    inches.
    """
    names = list(dict.fromkeys(name for values in panels.values() for name in values))
    with drawing(1.6 + panel * len(panels), 0.75 + 0.3 * len(names), columns=len(panels)) as (figure, axes):
        for index, (board, (metric, values)) in enumerate(zip(axes, panels.items(), strict=True)):
            bounds = (intervals or {}).get(metric, {})
            _panel(board, names, values, bounds, highlight)
            board.set_title(metric)
            board.set_yticks(range(len(names)), [n.replace("_", " ") for n in names] if index == 0 else [])
        return png(figure)


def _panel(
    axes: Axes, names: Sequence[str], values: Mapping[str, float], bounds: Mapping[str, Interval], highlight: str
) -> None:
    widths = [values.get(name, 0.0) for name in names]
    colours = [COLOURS[0] if name == highlight else "#b8c0c8" for name in names]
    spread = _reaches(widths, [bounds.get(n, (w, w)) for n, w in zip(names, widths, strict=True)]) if bounds else None
    bars = axes.barh(range(len(names)), widths, 0.68, color=colours, xerr=spread, ecolor="#444444", capsize=2.5)
    texts = [f"{values[name]:.3g}" if values.get(name, 0) >= 1 else f"{values.get(name, 0.0):.3f}" for name in names]
    axes.bar_label(bars, texts, fontsize=8, padding=4)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, 1.25 * max([*widths, *(high for _, high in bounds.values()), 1e-9]))


def _reaches(values: Sequence[float], bounds: Sequence[Interval]) -> list[list[float]]:
    """Distances from each value down to the low and up to the high bound, as error bars want them."""
    return [
        [max(0.0, value - low) for value, (low, _) in zip(values, bounds, strict=True)],
        [max(0.0, high - value) for value, (_, high) in zip(values, bounds, strict=True)],
    ]


def differences(values: Mapping[str, float], title: str, *, ours: str, theirs: str) -> bytes:
    """One thin bar a query, sorted: above zero where `ours` is better, below where `theirs` is."""
    ordered = sorted(values.values(), reverse=True)
    better, worse = sum(value > 0 for value in ordered), sum(value < 0 for value in ordered)
    colours = [COLOURS[0] if value > 0 else COLOURS[4] for value in ordered]
    with drawing(7.3, 2.5) as (figure, (axes,)):
        axes.bar(range(len(ordered)), ordered, 0.86, color=colours)
        axes.axhline(0, color="#666666", linewidth=0.8)
        axes.grid(visible=False, axis="x")
        axes.set(title=title, ylabel=f"{ours} − {theirs}", xlabel=f"{len(ordered)} queries, sorted by difference")
        axes.set_xticks([])
        axes.set_xlim(-1, len(ordered))
        reach = 1.1 * max([abs(value) for value in ordered] + [0.05])
        axes.set_ylim(-reach, reach)
        summary = f"{ours} better: {better}    equal: {len(ordered) - better - worse}    {theirs} better: {worse}"
        axes.set_title(summary, loc="right", fontsize=8.5, fontweight="normal")
        return png(figure)


def graph_picture(graph: nx.DiGraph[Any]) -> bytes:
    """The whole graph: materials, items and projects in columns, and what materials hold below; colours tell kinds."""
    from releaf.reporting.graph_plot import draw_graph

    with drawing(11.4, 12.2) as (figure, (axes,)):
        axes.remove()
        draw_graph(figure, graph)
        return with_few_colours(png(figure))
