from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from releaf.errors import ArtifactError, DataError, InputError
from releaf.progress import silent
from releaf.taxonomy import Taxonomy
from releaf.vision.data import LABELS, ClassNames, encode_labels
from releaf.vision.descriptor_model import FILE, DescriptorModel, fit_ridge, train_descriptors
from releaf.vision.preprocessing import DETAIL, bounded, open_picture
from releaf.vision.settings import DescriptorSettings

SMALL = DescriptorSettings(words=4, pictures=20, patches=40, gradient_axes=8, colour_axes=6)


@pytest.fixture
def model(descriptors: DescriptorModel) -> DescriptorModel:
    return descriptors


def vectors_of(model: DescriptorModel, images: pl.DataFrame) -> np.ndarray:
    return np.stack([model.vector(bounded(open_picture(Path(path), DETAIL))) for path in images["path"]])


def test_it_tells_coloured_squares_apart_by_every_label(
    model: DescriptorModel, squares: pl.DataFrame, taxonomy: Taxonomy
):
    test = squares.filter(pl.col("split") == "test")
    truth = encode_labels(test, ClassNames.of(taxonomy))
    scores = model.scores(vectors_of(model, test))
    for column, label in enumerate(LABELS):
        known = truth[:, column] >= 0
        assert (scores[label].argmax(axis=1) == truth[:, column])[known].mean() > 0.9


def test_the_ridge_is_the_minimum_of_its_own_objective():
    """Against the normal equations of ‖XW − (Y − ȳ)‖² + λ‖W‖² in the primal."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 5)).astype(np.float32)
    labels = np.full((30, 4), -1)
    labels[:, 0] = rng.integers(0, 3, 30)
    weights, biases = fit_ridge(x, labels, {"item": 3}, penalty=0.5)
    targets = np.eye(3)[labels[:, 0]]
    ridge = 0.5 * np.trace(x @ x.T) / 30
    expected = np.linalg.solve(x.T @ x + ridge * np.eye(5), x.T @ (targets - targets.mean(axis=0)))
    np.testing.assert_allclose(weights["item"], expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(biases["item"], targets.mean(axis=0), rtol=1e-6)


def test_a_label_learns_from_the_pictures_that_know_it_alone():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 4)).astype(np.float32)
    labels = np.full((20, 4), -1)
    labels[:, 2] = rng.integers(0, 2, 20)
    labels[:12, 1] = rng.integers(0, 2, 12)
    weights, _ = fit_ridge(x, labels, {"material": 2, "family": 2}, penalty=0.1)
    alone, _ = fit_ridge(x[:12], labels[:12, :], {"material": 2, "family": 2}, penalty=0.1)
    assert set(weights) == {"material", "family"}
    np.testing.assert_allclose(weights["material"], alone["material"], rtol=1e-4, atol=1e-6)


def test_a_saved_model_gives_the_same_scores(model: DescriptorModel, squares: pl.DataFrame, tmp_path: Path):
    model.save(tmp_path)
    vectors = vectors_of(model, squares.head(3))
    back = DescriptorModel.load(tmp_path)
    for label, scores in model.scores(vectors).items():
        np.testing.assert_array_equal(back.scores(vectors)[label], scores)


def test_training_twice_gives_the_same_bytes(
    model: DescriptorModel, squares: pl.DataFrame, taxonomy: Taxonomy, tmp_path: Path
):
    names, train = ClassNames.of(taxonomy), squares.filter(pl.col("split") == "train")
    again = train_descriptors(train["path"].to_list(), encode_labels(train, names), names.counts, SMALL, silent)
    for name, one in (("first", model), ("second", again)):
        (tmp_path / name).mkdir()
        one.save(tmp_path / name)
    assert (tmp_path / "first" / FILE).read_bytes() == (tmp_path / "second" / FILE).read_bytes()


def test_a_damaged_or_missing_file_is_refused_with_its_name(model: DescriptorModel, tmp_path: Path):
    with pytest.raises(ArtifactError, match=FILE):
        DescriptorModel.load(tmp_path)
    model.save(tmp_path)
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:100])
    with pytest.raises(ArtifactError, match=FILE):
        DescriptorModel.load(tmp_path)


def test_more_pictures_than_the_limit_are_thinned_evenly(squares: pl.DataFrame, taxonomy: Taxonomy):
    names, train = ClassNames.of(taxonomy), squares.filter(pl.col("split") == "train")
    few = DescriptorSettings(words=2, pictures=5, patches=20, gradient_axes=4, colour_axes=4, limit=10)
    seen: list[tuple[int, str]] = []
    train_descriptors(
        train["path"].to_list(),
        encode_labels(train, names),
        names.counts,
        few,
        lambda done, total, note="": seen.append((total, note)),
    )
    assert seen[-1] == (10, "describing pictures")


def test_too_few_pictures_and_impossible_settings_are_refused():
    with pytest.raises(DataError, match="needs 2 training pictures; found 0"):
        train_descriptors([], np.empty((0, 4), dtype=np.int64), {}, SMALL, silent)
    with pytest.raises(InputError, match=r"descriptors\.words must be at least 1, not 0"):
        DescriptorSettings(words=0)
    with pytest.raises(InputError, match=r"descriptors\.penalty must be above 0, not 0"):
        DescriptorSettings(penalty=0)
