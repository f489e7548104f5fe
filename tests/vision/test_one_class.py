"""Training where there is nothing to tell apart, and where it cannot go on: figures that are numbers, or words."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from releaf.corpus.splits import assign_splits
from releaf.errors import DataError, TrainingError
from releaf.progress import silent
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision.blend import Evidence, blended
from releaf.vision.calibration import calibrate
from releaf.vision.data import LABELS, MISSING, ClassNames, encode_labels
from releaf.vision.descriptor_model import fit_ridge, train_descriptors
from releaf.vision.evaluation import VisionEvaluation, evaluate
from releaf.vision.inference import Classifier, Prediction
from releaf.vision.probabilities import label_log_probabilities
from releaf.vision.publishing import Others, PublishedClassifier, publish
from releaf.vision.settings import DescriptorSettings, VisionSettings
from releaf.vision.training import TrainedVision, train


@dataclass(frozen=True)
class OneClass:
    images: pl.DataFrame
    trained: TrainedVision
    published: PublishedClassifier
    evaluation: VisionEvaluation


@pytest.fixture(scope="module")
def one_class(
    squares: pl.DataFrame,
    taxonomy: Taxonomy,
    tiny_settings: VisionSettings,
    hardware: Hardware,
    tmp_path_factory: pytest.TempPathFactory,
) -> OneClass:
    """The whole recipe on pictures of plastic bottles alone."""
    images, names = squares.filter(pl.col("family") == "plastic"), ClassNames.of(taxonomy)
    trained = train(images, taxonomy, replace(tiny_settings, epochs=2), hardware)
    rows = images.filter(pl.col("split") == "train")
    few = DescriptorSettings(words=2, pictures=10, patches=20, gradient_axes=4, colour_axes=4)
    descriptors = train_descriptors(rows["path"].to_list(), encode_labels(rows, names), names.counts, few, silent)
    noise = np.random.default_rng(5).integers(0, 256, size=(10, 40, 40, 3), dtype=np.uint8)
    folder = tmp_path_factory.mktemp("one_class")
    published = publish(trained.checkpoint, descriptors, images, Others(noise, ("noise",) * 10), folder)
    return OneClass(images, trained, published, evaluate(published.predictor, images.filter(pl.col("split") == "test")))


def test_every_figure_of_a_single_class_is_a_number(one_class: OneClass):
    json.dumps(
        [
            one_class.trained.history.epochs,
            one_class.published.metrics(),
            [vars(weights) for weights in one_class.published.calibration.weights.values()],
            one_class.evaluation.to_json(),
            one_class.evaluation.metrics(),
        ],
        allow_nan=False,
    )
    figures = one_class.evaluation.sources["rendered"]["family"]
    assert (figures.accuracy, figures.macro_f1, figures.n) == (1.0, 1.0, 5)


def test_a_classifier_of_a_single_class_answers_with_it(one_class: OneClass):
    paths = [Path(path) for path in one_class.images.filter(pl.col("source") == "rendered")["path"][:4]]
    for found in Classifier(one_class.published.predictor).classify(paths, 20):
        assert isinstance(found, Prediction)
        assert (found.item[0].id, found.family[0].id) == ("plastic_bottle", "plastic")
        assert sum(score.probability for score in found.item) == pytest.approx(1)


def test_a_ridge_on_a_single_class_says_that_class_of_everything():
    vectors = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    labels = np.full((6, len(LABELS)), MISSING)
    labels[:, LABELS.index("bin")] = 2
    weights, biases = fit_ridge(vectors, labels, {"bin": 4}, penalty=0.1)
    np.testing.assert_array_equal(weights["bin"], np.zeros((5, 4)))
    np.testing.assert_array_equal(biases["bin"], [0, 0, 1, 0])


@pytest.mark.parametrize("right", [True, False])
def test_weights_fitted_to_a_single_class_are_numbers_within_their_bounds(taxonomy: Taxonomy, right: bool):
    names, rng = ClassNames.of(taxonomy), np.random.default_rng(1)
    logits = {head: rng.normal(size=(8, names.counts[head])) for head in ("item", "material", "bin")}
    logits["item"][:, 3] += 9 if right else -9
    scores = {"item": np.eye(names.counts["item"], dtype=np.float32)[np.full(8, 3 if right else 5)]}
    labels = np.full((8, len(LABELS)), MISSING)
    labels[:, 0] = 3
    evidence = Evidence(label_log_probabilities(logits, names), scores)
    found = calibrate(evidence, labels, ["photograph"] * 8, names)
    assert set(found.ece_after) == {"item"}
    assert np.isfinite(found.ece_after["item"])
    for weights in found.weights.values():
        assert 0 <= weights.network <= 20
        assert 0 <= weights.descriptors <= 100
    for values in blended(evidence, found.weights, names).values():
        np.testing.assert_allclose(values.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("train", "training needs 2 images and validation 1; found 96 and 0"),
        ("validation", "training needs 2 images and validation 1; found 0 and 96"),
        ("test", "training needs 2 images and validation 1; found 0 and 0"),
    ],
)
def test_pictures_that_all_stand_in_one_split_are_refused_with_the_counts(
    squares: pl.DataFrame,
    taxonomy: Taxonomy,
    tiny_settings: VisionSettings,
    hardware: Hardware,
    split: str,
    message: str,
):
    with pytest.raises(DataError, match=message):
        train(squares.with_columns(split=pl.lit(split)), taxonomy, tiny_settings, hardware)


def test_pictures_that_are_all_near_duplicates_stand_in_one_split(squares: pl.DataFrame):
    alike = squares.drop("split").with_columns(group=pl.lit("one"))
    assert assign_splits(alike, by="family", group="group")["split"].unique().to_list() == ["train"]


def test_a_loss_that_is_no_number_ends_training_with_the_epoch_the_batch_and_the_way_out(
    squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
):
    message = r"the loss became nan in epoch 1, batch 2; lower the learning rate \(now 1e\+30\) or look for broken rows"
    with pytest.raises(TrainingError, match=message):
        train(squares, taxonomy, replace(tiny_settings, learning_rate=1e30), hardware)
