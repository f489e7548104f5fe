"""Plots of studies of the language model: load of experts, scaling laws. Each goes from plain figures to PNG bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from releaf.reporting.pictures import COLOURS, drawing, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float, float]
"""Parameters, tokens, loss."""
Law = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""Losses of parameters and tokens."""


def expert_loads(loads: Mapping[str, Sequence[Sequence[float]]], active: int) -> bytes:
    """A panel a training, a cluster a layer, a bar an expert: the share of tokens it sees; the line is an even load."""
    count = len(next(iter(loads.values()))[0])
    with drawing(4.6 * len(loads), 2.9, columns=len(loads)) as (figure, axes):
        for panel, (name, load) in zip(axes, loads.items(), strict=True):
            width = 0.8 / count
            for expert in range(count):
                places = [layer + (expert - (count - 1) / 2) * width for layer in range(len(load))]
                heights = [active * layer[expert] for layer in load]
                panel.bar(
                    places, heights, 0.92 * width, color=COLOURS[expert % len(COLOURS)], label=f"expert {expert + 1}"
                )
            panel.axhline(active / count, color="#666666", linestyle=":", linewidth=1)
            panel.set(title=name, ylabel="share of tokens", ylim=(0, 1.02))
            panel.set_xticks(range(len(load)), [f"layer {layer + 1}" for layer in range(len(load))])
            panel.grid(visible=False, axis="x")
        figure.legend(*axes[0].get_legend_handles_labels(), ncols=count, loc="outside lower center")
        return png(figure)


def loss_curves(curves: Mapping[str, Sequence[tuple[float, float]]]) -> bytes:
    """Training loss by tokens read, a line a model."""
    with drawing(5.6, 3.4) as (figure, (axes,)):
        for (name, curve), colour in zip(curves.items(), COLOURS * 4, strict=False):
            axes.plot(*zip(*curve, strict=True), color=colour, linewidth=1.2, label=name)
        axes.set(
            title="training loss, largest budget of each size",
            xlabel="tokens read",
            ylabel="nats a token",
            xscale="log",
        )
        axes.legend(fontsize=7)
        return png(figure)


def law_fits(grid: Sequence[Point], held_out: Point, law: Law, others: Sequence[Law]) -> bytes:
    """Loss by parameters and by tokens: runs as dots, the law as lines, the middle 90 % of resampled laws as bands."""
    with drawing(9.4, 3.4, columns=2) as (figure, axes):
        _slices(axes[0], grid, held_out, law, others, along=0)
        _slices(axes[1], grid, held_out, law, others, along=1)
        axes[0].set(
            title="loss by parameters, a line a budget",
            xlabel="non-embedding parameters N",
            ylabel="held-out nats a token",
        )
        axes[1].set(title="loss by tokens, a line a size", xlabel="tokens D")
        return png(figure)


def _slices(axes: Axes, grid: Sequence[Point], held_out: Point, law: Law, others: Sequence[Law], *, along: int) -> None:
    """The law along parameters (0) or tokens (1), a line for each value of the other, the held-out run as a star."""
    across = 1 - along
    points = [*grid, held_out]
    x = np.geomspace(min(p[along] for p in points) * 0.8, max(p[along] for p in points) * 1.6, 60)
    for value, colour in zip(sorted({point[across] for point in points}), COLOURS, strict=False):
        fixed = np.full_like(x, value)
        arguments = (x, fixed) if along == 0 else (fixed, x)
        low, high = np.quantile([other(*arguments) for other in others], [0.05, 0.95], axis=0)
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(x, law(*arguments), color=colour, linewidth=1.2, label=f"{'D' if along == 0 else 'N'} = {value:,.0f}")
        dots = [point for point in grid if point[across] == value]
        axes.plot([p[along] for p in dots], [p[2] for p in dots], "o", color=colour, markersize=4)
    axes.plot(held_out[along], held_out[2], "*", color="#222222", markersize=11, label="held out")
    axes.set_xscale("log")
    at = sorted({point[along] for point in points})
    axes.set_xticks(at, [f"{value / 1000:,.0f}k" for value in at])
    axes.minorticks_off()
    axes.legend(fontsize=6.5)


def iso_compute(
    grid: Sequence[Point], law: Law, budgets: Sequence[float], best: Sequence[tuple[float, float]]
) -> bytes:
    """Loss by parameters at equal compute 6·N·D, a line a budget, the best size of each marked."""
    sizes = np.geomspace(min(point[0] for point in grid) / 4, max(point[0] for point in grid) * 8, 120)
    with drawing(5.6, 3.4) as (figure, (axes,)):
        for budget, (parameters, loss), colour in zip(budgets, best, COLOURS, strict=False):
            axes.plot(sizes, law(sizes, budget / 6 / sizes), color=colour, linewidth=1.2, label=f"C = {budget:.1e}")
            axes.plot(parameters, loss, "v", color=colour, markersize=7)
        losses = [point[2] for point in grid]
        axes.set_ylim(min([loss for _, loss in best] + losses) * 0.95, max(losses) * 1.1)
        axes.set(
            title="loss at equal compute", xlabel="non-embedding parameters N", ylabel="nats a token", xscale="log"
        )
        axes.legend(fontsize=7)
        return png(figure)
