"""The plots of the vision section, each from plain figures to PNG bytes: confusions, calibration, comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaf.reporting.blocks import wilson, words
from releaf.reporting.pictures import COLOURS, drawing, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _PALE = "#333333", "#b8c0c8"
_OURS, _GAP = COLOURS[0], COLOURS[4]
_SERIES = {0: (COLOURS[1], "s"), 1: (COLOURS[2], "D"), 2: (COLOURS[6], "v")}
_WIDEST = 7.3  # inches: 700 CSS pixels, what a page shows without shrinking the letters
_BESIDE_ANOTHER = 6.95  # leaves room for a calibration diagram on a wide page


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str], title: str) -> bytes:
    """Counts by true class (rows) and prediction (columns), shaded by their share of the true class; zeros blank."""
    names, count = [words(name) for name in classes], len(classes)
    beside = 0.55 + 0.066 * max(map(len, names), default=0)  # inches that names and axis title take
    cell = min(0.37, (_BESIDE_ANOTHER - beside) / max(1, count))
    shares = [[n / max(1, sum(row)) for n in row] for row in matrix]
    width = max(beside + cell * count, 0.085 * len(title) + 0.5)
    with drawing(width, 0.35 + 0.8 * beside + cell * count) as (figure, (axes,)):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(count), names, rotation=50, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(count), names)
        axes.set(xlabel="predicted", ylabel="true")
        figure.suptitle(title, x=0.02, ha="left", fontsize=10, fontweight="bold")
        axes.grid(visible=False)
        for set_ticks in (axes.set_xticks, axes.set_yticks):
            set_ticks([n + 0.5 for n in range(count - 1)], minor=True)
        axes.grid(visible=True, which="minor", color="#eeeeee", linewidth=0.6)
        axes.tick_params(which="both", length=0)
        for row, values in enumerate(matrix):
            for column in [place for place, n in enumerate(values) if n]:
                colour = "white" if shares[row][column] > 0.55 else _INK
                size = 7 if values[column] < 1000 else 5.5
                axes.text(column, row, str(values[column]), ha="center", va="center", fontsize=size, color=colour)
        return png(figure)


def reliability(bins: Mapping[str, Sequence[float]], title: str) -> bytes:
    """Accuracy over confidence, one dot a bin, and below how many answers are in it.

    `bins` holds `confidence`, `accuracy` (0 to 1) and `count`, one entry a bin of equal width. On the diagonal a
    probability means what it says; a line from a dot to the diagonal is what the bin adds to the calibration error,
    before it is weighted by its count. Whiskers: 95 % Wilson interval of the accuracy.
    """
    filled = [
        (float(confidence), float(accuracy), int(n))
        for confidence, accuracy, n in zip(bins["confidence"], bins["accuracy"], bins["count"], strict=True)
        if n > 0
    ]
    with drawing(3.15, 3.85) as (figure, (whole,)):
        whole.remove()
        axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
        axes.plot([0, 1], [0, 1], color="#888888", linestyle=":", linewidth=1)
        for confidence, accuracy, n in filled:
            axes.plot([confidence] * 2, wilson(accuracy, n), color=_PALE, linewidth=1.1, solid_capstyle="butt")
            axes.plot([confidence] * 2, [accuracy, confidence], color=_GAP, linewidth=2.2, solid_capstyle="butt")
        axes.plot([c for c, *_ in filled], [a for _, a, _ in filled], "o", color=_OURS, markersize=4.5, zorder=3)
        axes.set(title=title, ylabel="accuracy", xlim=(0, 1.03), ylim=(0, 1.03))
        _counts(counts, [int(n) for n in bins["count"]])
        return png(figure)


def _counts(axes: Axes, counts: Sequence[int]) -> None:
    """A bar for each bin that is not empty, its count above it."""
    filled = [place for place, n in enumerate(counts) if n]
    at = [(place + 0.5) / len(counts) for place in filled]
    bars = axes.bar(at, [counts[place] for place in filled], 0.86 / max(1, len(counts)), color=_PALE)
    axes.bar_label(bars, [f"{counts[place]:,}" for place in filled], fontsize=5.5, padding=1.5, rotation=90)
    axes.set(xlabel="confidence", ylabel="answers", ylim=(0, 1.7 * max([*counts, 1])))
    axes.set_yticks([])
    axes.grid(visible=False)


@dataclass(frozen=True)
class Contender:
    """A row of `contenders`: accuracy and macro F1 by series; "" for what belongs to none. `ours`: the one served."""

    name: str
    values: Mapping[str, tuple[float, float]]
    ours: bool = False


def contenders(groups: Sequence[Sequence[Contender]], n: int) -> bytes:
    """Accuracy and macro F1 as dots, one row a contender, groups set apart; a line where the served one stands.

    Whiskers on accuracies: 95 % Wilson interval for `n` pictures.
    """
    rows, at = [row for group in groups for row in group], list[float]()
    for number, group in enumerate(groups):
        at += [len(at) + 0.5 * number + place for place in range(len(group))]
    series = list(dict.fromkeys(name for row in rows for name in row.values if name))
    with drawing(_WIDEST, 1.15 + 0.27 * (at[-1] + 1), columns=2) as (figure, axes):
        for metric, (panel, title) in enumerate(zip(axes, ("accuracy", "macro F1"), strict=True)):
            for place, row in zip(at, rows, strict=True):
                _dots(panel, place, row, metric, series, n)
            panel.set(title=title, xlim=(0, 1.02), ylim=(at[-1] + 0.6, -0.6))
            panel.set_yticks(at, [row.name for row in rows] if metric == 0 else [""] * len(rows))
            panel.tick_params(axis="y", length=0)
            panel.spines["left"].set_visible(False)
        for label, row in zip(axes[0].get_yticklabels(), rows, strict=True):
            label.set_fontweight("bold" if row.ours else "normal")
        if series:
            figure.legend(handles=_legend(series), loc="outside lower left", ncols=len(series), handletextpad=0.1)
        return png(figure)


def _dots(axes: Axes, place: float, row: Contender, metric: int, series: Sequence[str], n: int) -> None:
    for name, values in row.values.items():
        colour, marker = _SERIES[series.index(name) % len(_SERIES)] if name else (_OURS if row.ours else _INK, "o")
        value = values[metric]
        if metric == 0:
            axes.plot(wilson(value, n), [place] * 2, color=colour, linewidth=1, alpha=0.45, zorder=2)
        axes.plot([value], [place], marker, color=colour, markersize=7.5 if row.ours else 5, zorder=3)
        if row.ours:
            axes.axvline(value, color=_OURS, linewidth=0.9, linestyle="--", alpha=0.6, zorder=1)
            beside = 1 if value < 0.8 else -1
            axes.text(
                value + 0.03 * beside,
                place,
                f"{value:.3f}",
                va="center",
                fontsize=8,
                fontweight="bold",
                color=_OURS,
                ha="left" if beside > 0 else "right",
            )


def _legend(series: Sequence[str]) -> list[object]:
    from matplotlib.lines import Line2D

    marks = [_SERIES[place % len(_SERIES)] for place in range(len(series))]
    return [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=5, label=name)
        for name, (colour, marker) in zip(series, marks, strict=True)
    ]


def detected(kinds: Mapping[str, tuple[int, float]], false_alarms: float) -> bytes:
    """Bars of the share of unknown pictures that were recognized as such, by kind; a line at the share of false alarms.

    `kinds` gives (number, share detected); whiskers are 95 % Wilson intervals.
    """
    with drawing(_WIDEST * 0.8, 1.2 + 0.34 * len(kinds)) as (figure, (axes,)):
        for row, (n, share) in enumerate(kinds.values()):
            low, high = wilson(share, n)
            reach = [[max(0.0, share - low)], [max(0.0, high - share)]]
            axes.barh(row, share, 0.62, color=_OURS, xerr=reach, ecolor="#444444", capsize=2.5)
            axes.text(1.04, row, f"{share:.3f}, n = {n:,}", va="center", fontsize=8, color=_INK)
        axes.axvline(false_alarms, color=_GAP, linestyle="--", linewidth=1.4)
        axes.text(
            false_alarms + 0.01,
            -0.62,
            f"known pictures refused: {false_alarms:.3f}",
            fontsize=8,
            color=_GAP,
            va="bottom",
        )
        axes.set(xlim=(0, 1.3), ylim=(len(kinds) - 0.45, -0.55))
        axes.set_xlabel("share said to show nothing known", loc="left")
        axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        axes.set_yticks(range(len(kinds)), [words(kind) for kind in kinds])
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_bounds(0, 1)
        return png(figure)
