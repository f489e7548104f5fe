from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from releaf.errors import DataError, TrainingError
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision import training
from releaf.vision.data import ClassNames, encode_labels, load_pixels
from releaf.vision.settings import VisionSettings
from releaf.vision.training import Examples, TrainedVision, VisionTask, optimization, train


@pytest.fixture(scope="module")
def task(squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware) -> VisionTask:
    names = ClassNames.of(taxonomy)
    parts = []
    for split in ("train", "validation"):
        part = squares.filter(pl.col("split") == split)
        parts.append(Examples(load_pixels(part, 32), encode_labels(part, names), tuple(part["source"])))
    return VisionTask(parts[0], parts[1], names, tiny_settings, hardware)


def test_training_learns_to_tell_the_squares_apart(trained: TrainedVision):
    best = trained.history.epochs[trained.history.best_epoch - 1]
    assert best["rendered_item_accuracy"] >= 0.75
    assert best["photograph_family_accuracy"] >= 0.75
    assert trained.history.epochs[-1]["loss"] < trained.history.epochs[0]["loss"]


def test_sources_are_reported_apart_and_weigh_alike_in_the_score(trained: TrainedVision):
    record = trained.history.epochs[0]
    rendered = [record[f"rendered_{label}_accuracy"] for label in ("item", "material", "family", "bin")]
    photographed = record["photograph_family_accuracy"]
    assert sum(name.endswith("_accuracy") for name in record) == 5
    assert record["validation_score"] == pytest.approx((sum(rendered) / 4 + photographed) / 2)


def test_training_again_gives_the_same_weights_bit_for_bit(
    trained: TrainedVision, squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
):
    again = train(squares, taxonomy, tiny_settings, hardware).checkpoint
    first = trained.checkpoint.model.state_dict()
    assert all(torch.equal(tensor, first[name]) for name, tensor in again.model.state_dict().items())


def test_the_cache_changes_no_weight(
    trained: TrainedVision,
    squares: pl.DataFrame,
    taxonomy: Taxonomy,
    tiny_settings: VisionSettings,
    hardware: Hardware,
    tmp_path: Path,
):
    cached = train(squares, taxonomy, tiny_settings, hardware, cache=tmp_path).checkpoint
    first = trained.checkpoint.model.state_dict()
    assert all(torch.equal(tensor, first[name]) for name, tensor in cached.model.state_dict().items())


def test_test_images_are_never_opened_in_training(
    squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
):
    hidden = squares.with_columns(
        path=pl.when(pl.col("split") == "test").then(pl.lit("/nowhere.png")).otherwise(pl.col("path"))
    )
    train(hidden, taxonomy, replace(tiny_settings, epochs=1), hardware)


def test_batches_of_an_epoch_can_be_repeated_and_differ_between_epochs(task: VisionTask):
    first, again, other = (list(task.batches(epoch)) for epoch in (0, 0, 1))
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].pixels, other[0].pixels)


def test_batches_made_ahead_are_those_made_when_asked_for(task: VisionTask):
    for ahead, direct in zip(task.batches(2), task._made(2), strict=True):
        assert torch.equal(ahead.pixels, direct.pixels)
        assert all(torch.equal(one, other) for one, other in zip(ahead.targets, direct.targets, strict=True))


def test_elsewhere_than_on_a_cpu_no_thread_makes_batches(task: VisionTask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(task, "_hardware", replace(task._hardware, device="mps"))
    monkeypatch.setattr(training, "ahead", None)
    assert isinstance(task.batches(0), Iterator)


def test_an_epoch_has_as_many_batches_as_it_says_and_every_image_once(task: VisionTask):
    batches = list(task.batches(0))
    assert len(batches) == task.steps_per_epoch() == 6
    assert sum(task.samples(batch) for batch in batches) == 48


def test_a_last_single_image_joins_the_batch_before_it():
    sizes = [len(piece) for piece in training._pieces(np.arange(17), 8)]
    assert sizes == [8, 9]
    assert [len(piece) for piece in training._pieces(np.arange(16), 8)] == [8, 8]


def test_photographs_among_the_training_images_change_epochs_and_size(
    squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
):
    settings = replace(tiny_settings, epochs=1, photograph_epochs=2, photograph_image_size=40)
    made = train(squares, taxonomy, settings, hardware)
    assert (len(made.history.epochs), made.checkpoint.settings.image_size) == (2, 40)
    rendered = train(squares.filter(pl.col("source") == "rendered"), taxonomy, settings, hardware)
    assert (len(rendered.history.epochs), rendered.checkpoint.settings.image_size) == (1, 32)


def test_settings_become_the_plan_of_the_loop(tiny_settings: VisionSettings):
    plan = optimization(replace(tiny_settings, epochs=2, patience=4, ema_decay=0.9))
    assert (plan.epochs, plan.patience, plan.ema_decay, plan.seed) == (2, 4, 0.9, tiny_settings.seed)


def test_a_split_without_images_is_refused(
    squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
):
    with pytest.raises(DataError, match="validation 1; found 48 and 0"):
        train(squares.filter(pl.col("split") == "train"), taxonomy, tiny_settings, hardware)


def test_images_without_any_label_are_refused_before_training(
    squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
):
    bare = squares.with_columns(pl.lit(None, pl.String).alias(label) for label in ("item", "material", "family", "bin"))
    with pytest.raises(DataError, match="none of 48 training images has a label"):
        train(bare, taxonomy, tiny_settings, hardware)


def test_a_killed_run_goes_on_to_the_same_weights(
    trained: TrainedVision,
    squares: pl.DataFrame,
    taxonomy: Taxonomy,
    tiny_settings: VisionSettings,
    hardware: Hardware,
    tmp_path: Path,
):
    def kill(done: int, total: int, note: str = "") -> None:
        if note.startswith("loss") and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(squares, taxonomy, tiny_settings, hardware, state_dir=tmp_path, progress=kill)
    resumed = train(squares, taxonomy, tiny_settings, hardware, state_dir=tmp_path).checkpoint.model.state_dict()
    first = trained.checkpoint.model.state_dict()
    assert all(torch.equal(tensor, first[name]) for name, tensor in resumed.items())
    with pytest.raises(TrainingError, match="another run"):
        train(squares, taxonomy, replace(tiny_settings, seed=8), hardware, state_dir=tmp_path)
