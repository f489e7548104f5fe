from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from releaf.reporting import vision_plots
from releaf.reporting.pictures import DPI
from releaf.reporting.vision_plots import Contender, confusion, contenders, detected, reliability


def size(image: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(image)) as opened:
        return opened.size


class Kept:
    """What was drawn: the axes of the last plot, read before they are thrown away."""

    def __init__(self) -> None:
        self.axes: Sequence[Axes] = ()
        self.title = ""


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept, original = Kept(), vision_plots.png

    def png(figure: Any) -> bytes:
        kept.axes = figure.axes
        kept.title = figure.get_suptitle()
        return original(figure)

    monkeypatch.setattr(vision_plots, "png", png)
    return kept


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_confusion_shades_by_the_share_of_the_true_class_and_writes_counts(kept: Kept) -> None:
    confusion([[3, 1], [0, 2]], ["t_shirt", "can"], "item, photographs")
    axes = kept.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    assert texts(axes) == ["3", "1", "2"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["t shirt", "can"]
    assert (axes.get_xlabel(), axes.get_ylabel(), kept.title) == ("predicted", "true", "item, photographs")


def test_a_class_without_pictures_has_a_blank_row(kept: Kept) -> None:
    confusion([[0, 0], [1, 1]], ["a", "b"], "t")
    np.testing.assert_allclose(kept.axes[0].images[0].get_array(), [[0, 0], [0.5, 0.5]])


def test_twenty_classes_fit_beside_a_calibration_diagram() -> None:
    names = ["plastic food container"] + [f"class {n:02}" for n in range(19)]
    wide = size(confusion(np.eye(20, dtype=int).tolist(), names, "item"))[0]
    beside = size(reliability({"confidence": [0.9], "accuracy": [0.8], "count": [5]}, "t"))[0]
    assert (wide + beside) / DPI * 96 + 70 <= 1040  # CSS pixels: two frames and the gap between


def test_reliability_draws_accuracy_over_confidence_and_leaves_empty_bins_out(kept: Kept) -> None:
    bins = {"confidence": [0.0, 0.4, 0.9], "accuracy": [0.0, 0.5, 0.8], "count": [0, 4, 10]}
    reliability(bins, "family, photographs\nECE 0.100")
    above, below = kept.axes
    dots = above.lines[-1]
    np.testing.assert_allclose(dots.get_xydata(), [[0.4, 0.5], [0.9, 0.8]])
    gaps = [line.get_ydata() for line in above.lines if line.get_color() == vision_plots._GAP]
    np.testing.assert_allclose(gaps, [[0.5, 0.4], [0.8, 0.9]])
    assert above.get_title(loc="left") == "family, photographs\nECE 0.100"
    assert texts(below) == ["4", "10"]
    np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in below.patches], [0.5, 5 / 6])


def test_reliability_of_nothing_can_be_drawn(kept: Kept) -> None:
    nothing = {"confidence": [0.0, 0.0], "accuracy": [0.0, 0.0], "count": [0, 0]}
    assert reliability(nothing, "t").startswith(b"\x89PNG")
    assert texts(kept.axes[1]) == []


def test_contenders_stand_in_order_and_ours_alone_is_a_line(kept: Kept) -> None:
    ours = Contender("ours", {"": (0.9, 0.85)}, ours=True)
    plain = [Contender("forest", {"on a": (0.8, 0.7), "on b": (0.75, 0.72)}), Contender("majority", {"": (0.3, 0.1)})]
    contenders([[ours, Contender("part", {"": (0.7, 0.6)})], plain], 100)
    for axes, metric in zip(kept.axes, (0, 1), strict=True):
        dots = {
            (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
            for line in axes.lines
            if line.get_marker() in "osD"
        }
        values = [(row.values, place) for row, place in zip([ours, *plain], (0.0, 2.5, 3.5), strict=True)]
        expected = {(value[metric], place) for found, place in values for value in found.values()}
        assert expected <= dots
        lines = [line for line in axes.lines if line.get_linestyle() == "--"]
        assert [float(line.get_xdata()[0]) for line in lines] == [ours.values[""][metric]]
    assert [label.get_text() for label in kept.axes[0].get_yticklabels()] == ["ours", "part", "forest", "majority"]
    assert texts(kept.axes[0]) == ["0.900"]


def test_only_accuracies_have_intervals(kept: Kept) -> None:
    contenders([[Contender("ours", {"": (0.9, 0.85)}, ours=True)]], 100)
    whiskers = [[line for line in axes.lines if line.get_marker() == "None"] for axes in kept.axes]
    assert [len(found) for found in whiskers] == [2, 1]  # the dashed line is in both


def test_detection_draws_one_bar_a_kind_and_a_line_at_the_false_alarms(kept: Kept) -> None:
    detected({"photograph_crop": (200, 0.43), "synthetic": (50, 0.9)}, 0.05)
    axes = kept.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.43, 0.9]
    assert texts(axes) == ["0.430, n = 200", "0.900, n = 50", "known pictures refused: 0.050"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["photograph crop", "synthetic"]


def test_the_same_figures_give_the_same_picture() -> None:
    bins = {"confidence": [0.4], "accuracy": [0.5], "count": [4]}
    assert reliability(bins, "t") == reliability(bins, "t")
    assert confusion([[1]], ["a"], "t") == confusion([[1]], ["a"], "t")
