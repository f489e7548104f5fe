from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from releaf.errors import DataError
from releaf.taxonomy import Taxonomy
from releaf.vision.data import ClassNames
from releaf.vision.evaluation import evaluate, figures_of
from releaf.vision.network import Outputs
from releaf.vision.predictor import Predictor


@pytest.fixture(scope="module")
def held_out(squares: pl.DataFrame) -> pl.DataFrame:
    return squares.filter(pl.col("split") == "test")


def test_sources_are_never_mixed_and_labels_count_where_they_are(predictor: Predictor, held_out: pl.DataFrame):
    found = evaluate(predictor, held_out)
    assert {source: {label: f.n for label, f in labels.items()} for source, labels in found.sources.items()} == {
        "photograph": {"family": 4},
        "rendered": {"item": 20, "material": 20, "family": 20, "bin": 20},
    }


def test_the_report_is_json_and_its_headline_figures_are_flat(predictor: Predictor, held_out: pl.DataFrame):
    found = evaluate(predictor, held_out)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False)) is not None
    assert found.metrics()["rendered_item_accuracy"] == found.sources["rendered"]["item"].accuracy
    assert found.metrics()["photograph_family_n"] == 4.0


def says_the_same(names: ClassNames) -> Predictor:
    """Answers battery, steel and hazardous to everything, with 60 % on the item."""
    answer = {
        "item": names.item.index("battery"),
        "material": names.material.index("steel"),
        "bin": names.bin.index("hazardous"),
    }

    def network(pixels: np.ndarray) -> Outputs:
        logits = {}
        for head, best in answer.items():
            p = np.full((len(pixels), names.counts[head]), 0.4 / (names.counts[head] - 1), dtype=np.float32)
            p[:, best] = 0.6
            logits[head] = np.log(p)
        return Outputs(logits, np.zeros((len(pixels), 2), dtype=np.float32))

    return Predictor(names, 32, network, None, {})


def test_a_model_that_always_says_battery_is_right_on_batteries(held_out: pl.DataFrame, taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    found = evaluate(says_the_same(names), held_out)
    item = found.sources["rendered"]["item"]
    assert item.accuracy == 0.25
    assert item.ece == pytest.approx(0.35)  # sure of 0.6, right in 0.25
    battery = names.item.index("battery")
    assert item.confusion[battery][battery] == 5
    assert item.per_class["battery"] == pytest.approx({"precision": 0.25, "recall": 1.0, "f1": 0.4, "support": 5})
    assert found.sources["photograph"]["family"].accuracy == 0.25


def test_mistakes_are_listed_surest_first_with_path_truth_and_prediction(held_out: pl.DataFrame, taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    mistakes = evaluate(says_the_same(names), held_out).mistakes
    assert len(mistakes["rendered"]) == 12  # of 15
    assert len(mistakes["photograph"]) == 3
    first = mistakes["rendered"][0]
    assert first.predicted == "battery"
    assert first.truth in ("plastic_bottle", "t_shirt", "newspaper")
    assert first.probability == pytest.approx(0.6)
    assert first.truth_probability == pytest.approx(0.4 / 19)
    assert first.path in held_out["path"].to_list()
    assert mistakes["photograph"][0].label == "family"


def test_each_witness_is_measured_by_itself_beside_both(predictor: Predictor, held_out: pl.DataFrame):
    found = evaluate(predictor, held_out)
    for labels in found.parts.values():
        for label, parts in labels.items():
            assert set(parts) == {"network", "descriptors", "both"}, label
    both = found.parts["rendered"]["item"]["both"]
    assert both.accuracy == found.sources["rendered"]["item"].accuracy
    assert both.macro_f1 == found.sources["rendered"]["item"].macro_f1
    assert (
        found.metrics()["photograph_family_accuracy_network"] == found.parts["photograph"]["family"]["network"].accuracy
    )


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


def test_an_empty_table_is_refused(predictor: Predictor, held_out: pl.DataFrame):
    with pytest.raises(DataError, match="no images to evaluate"):
        evaluate(predictor, held_out.clear())
