"""The plots of the retrieval section, each from plain figures to PNG bytes: figures over depth, confidence, choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from releaf.reporting.blocks import wilson
from releaf.reporting.pictures import COLOURS, drawing, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE_INCHES = 7.3  # 700 CSS pixels: what a page shows without shrinking the letters
_INK = "#333333"
_OURS, _OTHERS = COLOURS[0], (COLOURS[6], *COLOURS[1:6])  # the plainest method first, in grey
_MARKERS = "osD^vPX"
_LETTER = 0.062  # height of a label as a share of the axes


def over_depth(panels: Mapping[str, Mapping[str, Mapping[int, float]]], highlight: str, depths: Sequence[int]) -> bytes:
    """One panel a metric, one line a method over the depths, named at its end; `highlight` is the thick one.

    `panels` gives values by metric, method and depth. The vertical axis begins where the values do.
    """
    with drawing(PAGE_INCHES, 3.3, columns=len(panels)) as (figure, axes):
        for panel, (metric, methods) in zip(axes, panels.items(), strict=True):
            colours = _colours(methods, highlight)
            for place, (name, values) in enumerate(methods.items()):
                _line(panel, values, depths, colours[name], _MARKERS[place % len(_MARKERS)], name == highlight)
            panel.set(title=metric, xlabel="k, first documents", xscale="log")
            panel.set_xticks(list(depths), [str(depth) for depth in depths])
            panel.minorticks_off()
            _end_labels(panel, {name: values[depths[-1]] for name, values in methods.items()}, depths[-1], highlight)
        return png(figure)


def _colours(names: Iterable[str], highlight: str) -> dict[str, str]:
    others = [name for name in names if name != highlight]
    return {name: _OTHERS[place % len(_OTHERS)] for place, name in enumerate(others)} | {highlight: _OURS}


def _line(axes: Axes, values: Mapping[int, float], depths: Sequence[int], colour: str, marker: str, ours: bool) -> None:
    axes.plot(
        list(depths),
        [values[depth] for depth in depths],
        color=colour,
        marker=marker,
        markersize=5 if ours else 3.6,
        linewidth=2.6 if ours else 1.2,
        zorder=4 if ours else 3,
    )


def _end_labels(axes: Axes, ends: Mapping[str, float], depth: int, highlight: str) -> None:
    """Names right of the axes, each joined to the end of its line in the line's colour, none over another."""
    colours = _colours(ends, highlight)
    low, high = axes.get_ylim()
    gap = _LETTER * (high - low)
    at = apart(list(ends.values()), gap)
    axes.set_ylim(min(low, min(at) - gap / 2), max(high, max(at) + gap / 2))
    for (name, value), height in zip(ends.items(), at, strict=True):
        axes.annotate(
            name,
            (depth, value),
            (1.12, height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
            color=_OURS if name == highlight else _INK,
            fontweight="bold" if name == highlight else "normal",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colours[name],
                "linewidth": 0.9,
                "shrinkA": 1,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def apart(values: Sequence[float], gap: float) -> list[float]:
    """Places as near to the values as they can be, by squared distance, with at least `gap` between any two.

    The order of the values is kept; equal ones stand in the order given.
    """
    order = sorted(range(len(values)), key=lambda place: (values[place], -place))
    # With i·gap taken off, places that keep the gap are places that do not fall: pooled violators find the nearest.
    pools: list[tuple[float, int]] = []
    for rank, place in enumerate(order):
        mean, size = values[place] - rank * gap, 1
        while pools and pools[-1][0] >= mean:
            before, count = pools.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        pools.append((mean, size))
    flat = [mean for mean, size in pools for _ in range(size)]
    placed = [0.0] * len(values)
    for rank, place in enumerate(order):
        placed[place] = flat[rank] + rank * gap
    return placed


def level_bars(panels: Mapping[str, Mapping[str, tuple[int, float | None]]], highlight: str) -> bytes:
    """One panel a method, one bar a level: the share that was right with its 95 % interval, and of how many.

    `panels` gives (number, share right) by method and level; a level that never occurred has no bar.
    """
    levels = list(dict.fromkeys(level for found in panels.values() for level in found))
    with drawing(1.3 + 3.0 * len(panels), 0.8 + 0.32 * len(levels), columns=len(panels)) as (figure, axes):
        for index, (panel, (method, found)) in enumerate(zip(axes, panels.items(), strict=True)):
            for row, level in enumerate(levels):
                _level(panel, row, *found.get(level, (0, None)), _OURS if method == highlight else "#b8c0c8")
            panel.set(title=method, xlim=(0, 1.45))
            panel.set_xlabel("share of right first documents", loc="left")
            panel.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
            panel.set_yticks(range(len(levels)), levels if index == 0 else [""] * len(levels))
            panel.set_ylim(len(levels) - 0.5, -0.5)
            panel.grid(visible=False, axis="y")
            panel.tick_params(axis="y", length=0)
            panel.spines["left"].set_visible(False)
            panel.spines["bottom"].set_bounds(0, 1)
        return png(figure)


def _level(axes: Axes, row: int, n: int, right: float | None, colour: str) -> None:
    text = "n = 0" if right is None or not n else f"{right:.2f}, n = {n}"
    axes.text(1.04, row, text, va="center", fontsize=8, color=_INK)
    if right is None or not n:
        return
    low, high = wilson(right, n)
    reach = [[max(0.0, right - low)], [max(0.0, high - right)]]
    axes.barh(row, right, 0.68, color=colour, xerr=reach, ecolor="#444444", capsize=2.5)


@dataclass(frozen=True)
class Sweep:
    """A figure over one weight.

    curves: values by name and weight. levels: figures that do not depend on the weight, each with the name of the curve
    whose colour it has, or "" for grey. chosen: where the choice fell, (weight or None for a level, value).
    """

    title: str
    label: str
    curves: Mapping[str, Mapping[float, float]]
    levels: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    chosen: tuple[float | None, float] | None = None


def sweeps(panels: Sequence[Sweep], ylabel: str) -> bytes:
    """Panels side by side on one scale: curves with dots, levels dashed, a ring around what was chosen."""
    values = [value for sweep in panels for curve in sweep.curves.values() for value in curve.values()]
    values += [value for sweep in panels for value, _ in sweep.levels.values()]
    margin = 0.08 * (max(values) - min(values)) or 0.01
    with drawing(PAGE_INCHES if len(panels) > 1 else 4.6, 3.5, columns=len(panels)) as (figure, axes):
        for panel, sweep in zip(axes, panels, strict=True):
            _sweep(panel, sweep)
            panel.set(title=sweep.title, xlabel=sweep.label, xlim=(-0.03, 1.03))
            panel.set_ylim(min(values) - margin, max(values) + margin)
            panel.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
            panel.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.2), ncols=2, columnspacing=1.2, handlelength=2.2)
        axes[0].set_ylabel(ylabel)
        for panel in axes[1:]:
            panel.tick_params(labelleft=False)
        return png(figure)


def _sweep(axes: Axes, sweep: Sweep) -> None:
    for place, (name, curve) in enumerate(sweep.curves.items()):
        weights = sorted(curve)
        heights = [curve[weight] for weight in weights]
        axes.plot(
            weights, heights, _MARKERS[place] + "-", color=COLOURS[place], markersize=4, linewidth=1.5, label=name
        )
    if sweep.chosen is not None:  # before the levels, so that the legend has these in a column of their own
        weight, value = sweep.chosen
        at = 1.0 if weight is None else weight
        axes.plot(
            [at],
            [value],
            "o",
            color=_INK,
            fillstyle="none",
            markersize=9,
            markeredgewidth=1.5,
            zorder=4,
            label="chosen",
        )
    colours = dict(zip(sweep.curves, COLOURS, strict=False))
    for name, (value, partner) in sweep.levels.items():
        axes.axhline(value, color=colours.get(partner, COLOURS[6]), linestyle="--", linewidth=1.3, label=name)
