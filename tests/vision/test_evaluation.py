from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from releaf.errors import DataError
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision.checkpoint import VisionCheckpoint
from releaf.vision.data import ClassNames
from releaf.vision.evaluation import evaluate, figures_of
from releaf.vision.training import TrainedVision


@pytest.fixture(scope="module")
def held_out(squares: pl.DataFrame) -> pl.DataFrame:
    return squares.filter(pl.col("split") == "test")


def test_sources_are_never_mixed_and_labels_count_where_they_are(
    trained: TrainedVision, held_out: pl.DataFrame, hardware: Hardware
):
    found = evaluate(trained.checkpoint, held_out, hardware)
    assert {source: {label: f.n for label, f in labels.items()} for source, labels in found.sources.items()} == {
        "photograph": {"family": 4},
        "rendered": {"item": 20, "material": 20, "family": 20, "bin": 20},
    }


def test_the_report_is_json_and_its_headline_figures_are_flat(
    trained: TrainedVision, held_out: pl.DataFrame, hardware: Hardware
):
    found = evaluate(trained.checkpoint, held_out, hardware)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False)) is not None
    assert found.metrics()["rendered_item_accuracy"] == found.sources["rendered"]["item"].accuracy
    assert found.metrics()["photograph_family_n"] == 4.0


class _SaysTheSame(nn.Module):
    """Answers battery, steel and hazardous to everything, with 60 % on the item."""

    def __init__(self, names: ClassNames) -> None:
        super().__init__()
        self.counts = {head: names.counts[head] for head in ("item", "material", "bin")}
        self.answer = {
            "item": names.item.index("battery"),
            "material": names.material.index("steel"),
            "bin": names.bin.index("hazardous"),
        }

    def forward(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = {}
        for head, count in self.counts.items():
            p = torch.full((len(pixels), count), 0.4 / (count - 1))
            p[:, self.answer[head]] = 0.6
            logits[head] = p.log()
        return logits


def test_a_model_that_always_says_battery_is_right_on_batteries(
    held_out: pl.DataFrame, trained: TrainedVision, taxonomy: Taxonomy, hardware: Hardware
):
    names = ClassNames.of(taxonomy)
    constant = VisionCheckpoint(_SaysTheSame(names), names, trained.checkpoint.settings, {})  # type: ignore[arg-type]
    found = evaluate(constant, held_out, hardware)
    item = found.sources["rendered"]["item"]
    assert item.accuracy == 0.25
    assert item.ece == pytest.approx(0.35)  # sure of 0.6, right in 0.25
    battery = names.item.index("battery")
    assert item.confusion[battery][battery] == 5
    assert item.per_class["battery"] == pytest.approx({"precision": 0.25, "recall": 1.0, "f1": 0.4, "support": 5})
    assert found.sources["photograph"]["family"].accuracy == 0.25


def test_mistakes_are_listed_surest_first_with_path_truth_and_prediction(
    held_out: pl.DataFrame, trained: TrainedVision, taxonomy: Taxonomy, hardware: Hardware
):
    names = ClassNames.of(taxonomy)
    constant = VisionCheckpoint(_SaysTheSame(names), names, trained.checkpoint.settings, {})  # type: ignore[arg-type]
    mistakes = evaluate(constant, held_out, hardware).mistakes
    assert len(mistakes["rendered"]) == 12  # of 15
    assert len(mistakes["photograph"]) == 3
    first = mistakes["rendered"][0]
    assert first.predicted == "battery"
    assert first.truth in ("plastic_bottle", "t_shirt", "newspaper")
    assert first.probability == pytest.approx(0.6)
    assert first.truth_probability == pytest.approx(0.4 / 19)
    assert first.path in held_out["path"].to_list()
    assert mistakes["photograph"][0].label == "family"


def test_figures_by_hand():
    raw = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    softer = np.array([[0.6, 0.4], [0.6, 0.4], [0.3, 0.7]])
    found = figures_of(raw, softer, np.array([0, 1, -1]), ("a", "b"))
    assert found.n == 2
    assert found.accuracy == 0.5
    assert found.ece_before == pytest.approx(0.4)
    assert found.ece == pytest.approx(0.1)
    assert found.confusion == [[1, 0], [1, 0]]
    assert sum(found.reliability["count"]) == 2


def test_an_empty_table_is_refused(trained: TrainedVision, held_out: pl.DataFrame, hardware: Hardware):
    with pytest.raises(DataError, match="no images to evaluate"):
        evaluate(trained.checkpoint, held_out.clear(), hardware)
