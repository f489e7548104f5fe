from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from releaf.errors import DataError
from releaf.vision.judging import Judgement, judge
from releaf.vision.publishing import Others
from tests.vision.conftest import Published


def noise(count: int = 12) -> Others:
    pixels = np.random.default_rng(9).integers(0, 256, size=(count, 40, 40, 3), dtype=np.uint8)
    return Others(pixels, ("noise",) * count)


@pytest.fixture(scope="module")
def judged(published: Published, squares: pl.DataFrame) -> Judgement:
    return judge(published.result.predictor, squares, noise())


def test_every_block_of_the_report_is_json(judged: Judgement):
    whole = json.loads(json.dumps(judged.to_json(), allow_nan=False))
    assert set(whole) == {"sources", "parts", "mistakes", "baselines", "novelty", "faithfulness"}
    assert whole["novelty"]["detection"]["noise"]["n"] == 12
    assert whole["faithfulness"]["n"] == len(judged.examples)
    assert set(judged.metrics()) >= {"rendered_item_accuracy", "novelty_detected", "explanation_gain"}


def test_baselines_learn_from_both_kinds_of_features_for_each_source(judged: Judgement):
    rows = {(row["source"], row["features"]) for row in judged.baselines}
    assert rows >= {("rendered", "network"), ("rendered", "simple"), ("rendered", "none"), ("photograph", "none")}


def test_refusals_of_known_pictures_are_counted_on_photographs_where_there_are_any(
    published: Published, squares: pl.DataFrame, judged: Judgement
):
    predictor = published.result.predictor
    test = squares.filter((pl.col("split") == "test") & (pl.col("source") == "photograph"))
    novel = predictor.novel(predictor.see(predictor.open_all(test["path"].to_list())))
    assert judged.novelty.false_alarm_rate == pytest.approx(novel.mean())


def test_examples_name_truth_and_answer_and_are_as_large_as_their_pictures(judged: Judgement):
    assert {example.source for example in judged.examples} == {"rendered", "photograph"}
    for example in judged.examples:
        assert example.overlay.size == example.picture.size == (40, 40)
        assert 0 < example.probability <= 1


def test_a_table_without_test_pictures_is_refused(published: Published, squares: pl.DataFrame):
    with pytest.raises(DataError, match="no images"):
        judge(published.result.predictor, squares.filter(pl.col("split") != "test"), noise())
