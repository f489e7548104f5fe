from __future__ import annotations

import polars as pl
import pytest

from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision.settings import DescriptorSettings, VisionSettings
from releaf.vision.transfer import TransferFigures, train_on, transfer

LOCAL = DescriptorSettings(words=2, pictures=8, patches=10, gradient_axes=4, colour_axes=4)


@pytest.fixture(scope="module")
def rows(
    squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
) -> list[TransferFigures]:
    return transfer(squares, taxonomy, tiny_settings, LOCAL, hardware)


def test_each_source_is_measured_on_itself_and_on_the_other(rows: list[TransferFigures]) -> None:
    assert [(row.trained_on, row.tested_on, row.label, row.n) for row in rows] == [
        ("photograph", "photograph", "family", 4),
        ("photograph", "rendered", "family", 20),
        ("rendered", "photograph", "family", 4),
        ("rendered", "rendered", "family", 20),
    ]


def test_colours_that_mean_the_same_in_both_sources_are_known_across_them(rows: list[TransferFigures]) -> None:
    assert min(row.accuracy for row in rows) > 0.7
    assert min(row.macro_f1 for row in rows) > 0.6


def test_nothing_of_the_other_source_reaches_training(
    squares: pl.DataFrame,
    taxonomy: Taxonomy,
    tiny_settings: VisionSettings,
    hardware: Hardware,
    rows: list[TransferFigures],
) -> None:
    """Labels of rendered training pictures turned round change what is trained on them, and nothing else."""
    one = (pl.col("source") == "rendered") & (pl.col("split") != "test")
    turned = {"plastic": "metal", "textile": "paper", "paper": "textile", "metal": "plastic"}
    family = pl.when(one).then(pl.col("family").replace_strict(turned)).otherwise(pl.col("family"))
    material = pl.when(one).then(None).otherwise(pl.col("material"))
    found = transfer(squares.with_columns(material=material, family=family), taxonomy, tiny_settings, LOCAL, hardware)
    assert found[:2] == rows[:2]
    assert found[2].accuracy < 0.3


@pytest.mark.parametrize(
    "lacking",
    [
        pl.col("source") == "rendered",
        pl.col("source") == "photograph",
        (pl.col("source") == "rendered") | (pl.col("split") != "validation"),
        (pl.col("source") == "rendered") | (pl.col("split") != "test"),
        (pl.col("source") == "rendered") | (pl.col("family") == "glass"),
    ],
    ids=["no photographs", "no rendered pictures", "no validation", "no test", "no family in common"],
)
def test_without_both_sources_in_every_split_there_is_nothing_to_say(
    squares: pl.DataFrame,
    taxonomy: Taxonomy,
    tiny_settings: VisionSettings,
    hardware: Hardware,
    lacking: pl.Expr,
) -> None:
    assert transfer(squares.filter(lacking), taxonomy, tiny_settings, LOCAL, hardware) == []


def test_only_families_that_both_sources_train_on_are_counted(
    squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
) -> None:
    unseen = (pl.col("source") == "photograph") & (pl.col("split") == "train") & (pl.col("family") == "paper")
    found = transfer(squares.filter(~unseen), taxonomy, tiny_settings, LOCAL, hardware)
    assert [row.n for row in found] == [3, 15, 3, 15]


def test_both_witnesses_are_trained_and_weighted(
    squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
) -> None:
    own = squares.filter(pl.col("source") == "rendered")
    predictor = train_on(own, taxonomy, tiny_settings, LOCAL, hardware)
    assert predictor.descriptors is not None
    assert set(predictor.descriptors.weights) == {"item", "material", "family", "bin"}
    assert predictor.weights["family"].descriptors > 0
