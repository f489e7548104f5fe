from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial.distance import cdist
from sklearn.covariance import ledoit_wolf as reference_ledoit_wolf
from sklearn.metrics import roc_auc_score

from releaf.errors import ArtifactError, DataError, InputError
from releaf.vision.data import Labels
from releaf.vision.novelty import (
    DESCRIPTION,
    SCORES,
    WEIGHTS,
    KindFigures,
    Neighbours,
    Novelty,
    Observed,
    fit_mahalanobis,
    fit_novelty,
    ledoit_wolf,
    novelty_figures,
    threshold_for,
    unit_rows,
)

WIDTH, CLASSES = 12, 3


class World(NamedTuple):
    """Three clusters of known pictures, and unknown ones between and beyond them."""

    train: Observed
    classes: Labels
    validation: Observed
    test: Observed
    others: Observed
    kinds: tuple[str, ...]

    def fit(self, **options: Any) -> Novelty:
        return fit_novelty(self.train, self.classes, self.validation, self.others, self.kinds, **options)


def observed(features: npt.NDArray[np.float64], rng: np.random.Generator) -> Observed:
    raw = rng.random((len(features), CLASSES))
    return Observed(features.astype(np.float32), (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32))


@pytest.fixture(scope="module")
def world() -> World:
    rng = np.random.default_rng(0)
    centres = 4 * np.eye(CLASSES, WIDTH)
    known = {}
    for name, count in (("train", 300), ("validation", 200), ("test", 200)):
        own = rng.integers(CLASSES, size=count)
        known[name] = own, observed(centres[own] + 0.5 * rng.normal(size=(count, WIDTH)), rng)
    between = centres.mean(axis=0) + 0.5 * rng.normal(size=(60, WIDTH))
    beyond = 4 * np.eye(1, WIDTH, 7) + 0.5 * rng.normal(size=(60, WIDTH))
    others = observed(np.concatenate([between, beyond]), rng)
    kinds = ("between",) * 60 + ("beyond",) * 60
    return World(known["train"][1], known["train"][0], known["validation"][1], known["test"][1], others, kinds)


def test_distances_find_what_lies_off_the_clusters_where_random_probabilities_find_nothing(world: World) -> None:
    novelty = world.fit()
    assert set(novelty.figures) == set(SCORES)
    assert novelty.figures["probability"] == pytest.approx(0.5, abs=0.1)
    assert novelty.figures[novelty.score_name] == max(novelty.figures.values()) > 0.99
    known, unknown = (novelty.score(one.features, one.probabilities) for one in (world.test, world.others))
    figures = novelty_figures(known, unknown, novelty.threshold, kinds=world.kinds)
    assert figures.detection_rate > 0.95
    assert figures.false_alarm_rate == pytest.approx(0.05, abs=0.04)
    found = novelty.is_novel(world.test.features, world.test.probabilities)
    assert found.mean() == pytest.approx(figures.false_alarm_rate)


def test_sure_and_right_probabilities_are_chosen_where_features_say_nothing(world: World) -> None:
    rng = np.random.default_rng(1)
    sure = np.tile(np.array([0.98, 0.01, 0.01], dtype=np.float32), (200, 1))
    unsure = np.full((120, 3), 1 / 3, dtype=np.float32)
    noise = [rng.normal(size=(n, WIDTH)).astype(np.float32) for n in (300, 200, 120)]
    validation, others = Observed(noise[1], sure), Observed(noise[2], unsure)
    train = replace(world.train, features=noise[0])
    novelty = world._replace(train=train, validation=validation, others=others).fit()
    assert novelty.score_name == "probability"
    assert novelty.figures["probability"] == 1.0
    assert novelty.threshold == pytest.approx(0.02, abs=1e-6)
    assert novelty.mahalanobis is None
    assert novelty.neighbours is None
    np.testing.assert_allclose(novelty.score(noise[2], unsure), 2 / 3, rtol=1e-6)


def test_of_equally_good_scores_the_earlier_candidate_is_kept(world: World) -> None:
    far = replace(world.others, features=world.others.features * 100)
    alone = world._replace(others=far)
    figures = alone.fit().figures
    assert figures["mahalanobis"] == figures["distances"] == 1.0
    assert alone.fit(candidates=["mahalanobis", "distances"]).score_name == "mahalanobis"
    assert alone.fit(candidates=["distances", "mahalanobis"]).score_name == "distances"
    assert alone.fit(candidates=["probability"]).figures == figures
    with pytest.raises(InputError, match="candidates energy must be some of probability, mahalanobis"):
        world.fit(candidates=["energy"])


@pytest.mark.parametrize("refused", [0.01, 0.05, 0.2])
def test_the_stated_share_of_validation_pictures_is_refused(refused: float, world: World) -> None:
    novelty = world.fit(refused=refused)
    assert novelty.is_novel(world.validation.features, world.validation.probabilities).mean() == pytest.approx(refused)


def test_a_source_without_weight_does_not_move_the_threshold(world: World) -> None:
    weights = np.concatenate([np.ones(100), np.zeros(100)])
    novelty = world.fit(weights=weights)
    assert novelty.is_novel(world.validation.features, world.validation.probabilities)[:100].mean() == 0.05


def test_the_threshold_by_hand() -> None:
    scores = np.array([5.0, 1.0, 3.0, 2.0, 4.0])
    assert threshold_for(scores, 0.2) == 4.0  # one of five, the 5, lies above
    assert threshold_for(scores, 0.39) == 4.0  # two would be 0.4
    assert threshold_for(scores, 0.4) == 3.0
    assert threshold_for(scores, 0.001) == 5.0
    # The 5 weighs a half: it must not be above, whatever else is.
    assert threshold_for(scores, 0.4, [4, 1, 1, 1, 1]) == 5.0
    assert threshold_for(scores, 0.5, [4, 1, 1, 1, 1]) == 4.0


@pytest.mark.parametrize(("n", "width"), [(200, 5), (30, 40), (8, 3)])
def test_the_shrunk_covariance_is_scikit_learns(n: int, width: int) -> None:
    rng = np.random.default_rng(n)
    rows = rng.normal(size=(n, width)) * rng.uniform(0.1, 3, size=width)
    rows -= rows.mean(axis=0)
    np.testing.assert_allclose(ledoit_wolf(rows), reference_ledoit_wolf(rows, assume_centered=True)[0], rtol=1e-9)


def test_the_mahalanobis_distance_is_that_of_its_formula(world: World) -> None:
    fitted = fit_mahalanobis(world.train.features, world.classes)
    x = world.train.features.astype(np.float64)
    z, q = ((values - x.mean(axis=0)) / x.std(axis=0) for values in (x, world.test.features))
    means = np.stack([z[world.classes == k].mean(axis=0) for k in range(CLASSES)])
    precision = np.linalg.inv(reference_ledoit_wolf(z - means[world.classes], assume_centered=True)[0])
    expected = cdist(q, means, metric="mahalanobis", VI=precision).min(axis=1)
    np.testing.assert_allclose(fitted.distance(world.test.features), expected, rtol=1e-4)


def test_the_mahalanobis_distance_does_not_depend_on_units_or_on_features_that_never_vary(world: World) -> None:
    factors = np.geomspace(1e-3, 1e3, WIDTH).astype(np.float32)

    def changed(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.concatenate([factors * features + 7, np.full((len(features), 1), 3.0)], axis=1, dtype=np.float32)

    plain = fit_mahalanobis(world.train.features, world.classes).distance(world.others.features)
    fitted = fit_mahalanobis(changed(world.train.features), world.classes)
    np.testing.assert_allclose(fitted.distance(changed(world.others.features)), plain, rtol=2e-3)


def test_pictures_without_a_class_leave_the_class_means_alone(world: World) -> None:
    stray = np.full((5, WIDTH), 50.0, dtype=np.float32)
    features = np.concatenate([world.train.features, stray])
    fitted = fit_mahalanobis(features, np.concatenate([world.classes, np.full(5, -1)]))
    alone = fit_mahalanobis(world.train.features, world.classes)
    np.testing.assert_array_equal(fitted.means, alone.means)


def test_neighbours_by_hand_on_the_unit_circle() -> None:
    bank = unit_rows(np.array([[2, 0], [0, 5], [-1, 0]], dtype=np.float32), (2,))
    query = np.array([[3, 0], [1, 1]], dtype=np.float32)
    np.testing.assert_allclose(Neighbours(bank, (2,), 1).distance(query), [0, np.sqrt(2 - np.sqrt(2))], atol=1e-3)
    np.testing.assert_allclose(Neighbours(bank, (2,), 2).distance(query)[0], np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(Neighbours(bank, (2,), 3).distance(query)[0], 2, rtol=1e-6)


def test_blocks_count_equally_among_neighbours_whatever_their_scale(world: World) -> None:
    rows = unit_rows(np.array([[3, 4, 0.1], [0, 0, 9]], dtype=np.float32), (2, 1))
    np.testing.assert_allclose(rows[0], np.array([0.6, 0.8, 1]) / np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(rows[1], np.array([0, 0, 1]) / np.sqrt(2), rtol=1e-6)
    scale = np.repeat([1, 1000], 6).astype(np.float32)
    louder = World(
        *(replace(one, features=one.features * scale) if isinstance(one, Observed) else one for one in world)
    )
    assert louder.fit(widths=(6, 6)).figures["neighbours"] == pytest.approx(
        world.fit(widths=(6, 6)).figures["neighbours"]
    )
    assert louder.fit().figures["neighbours"] != pytest.approx(world.fit().figures["neighbours"], abs=1e-4)


def test_the_joint_score_adds_standard_logarithms(world: World) -> None:
    novelty = world.fit(candidates=["distances"])
    assert novelty.mahalanobis is not None
    assert novelty.neighbours is not None
    on_validation = novelty.score(world.validation.features, world.validation.probabilities)
    assert on_validation.mean() == pytest.approx(0, abs=1e-5)
    parts = [np.log(part.distance(world.validation.features)) for part in (novelty.mahalanobis, novelty.neighbours)]
    expected = sum((part - part.mean()) / part.std() for part in parts)
    np.testing.assert_allclose(on_validation, expected, rtol=1e-5, atol=1e-6)


def test_a_score_depends_on_its_own_picture_alone_and_twice_fitted_is_the_same(world: World) -> None:
    novelty, again = world.fit(bank=100), world.fit(bank=100)
    features, probabilities = world.test.features, world.test.probabilities
    scores = novelty.score(features, probabilities)
    np.testing.assert_array_equal(scores, again.score(features, probabilities))
    shuffled = np.random.default_rng(0).permutation(len(features))
    np.testing.assert_allclose(novelty.score(features[shuffled], probabilities[shuffled]), scores[shuffled], rtol=1e-4)
    single = [novelty.score(features[i : i + 1], probabilities[i : i + 1])[0] for i in range(20)]
    np.testing.assert_allclose(single, scores[:20], rtol=1e-4, atol=1e-5)
    assert novelty.neighbours is not None
    assert novelty.neighbours.bank.shape == (100, WIDTH)
    assert novelty.score(features[:0], probabilities[:0]).shape == (0,)


def test_features_that_are_no_numbers_are_novel(world: World) -> None:
    features = world.test.features[:2].copy()
    features[0, 3] = np.nan
    assert world.fit().is_novel(features, world.test.probabilities[:2])[0]


@pytest.mark.parametrize("score_name", SCORES)
def test_what_was_saved_gives_the_same_scores(score_name: str, world: World, tmp_path: Path) -> None:
    novelty = world.fit(candidates=[score_name])
    novelty.save(tmp_path)
    loaded = Novelty.load(tmp_path)
    assert loaded.described() == novelty.described() == json.loads((tmp_path / DESCRIPTION).read_text())
    one = world.test
    np.testing.assert_array_equal(
        loaded.score(one.features, one.probabilities), novelty.score(one.features, one.probabilities)
    )


def test_a_missing_or_damaged_file_is_named(world: World, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"novelty\.json is missing"):
        Novelty.load(tmp_path)
    world.fit(candidates=["distances"]).save(tmp_path)
    described = json.loads((tmp_path / DESCRIPTION).read_text())
    (tmp_path / DESCRIPTION).write_text(json.dumps({**described, "score": "energy"}))
    with pytest.raises(ArtifactError, match="'energy' is none of probability, mahalanobis"):
        Novelty.load(tmp_path)
    (tmp_path / DESCRIPTION).write_text(json.dumps({**described, "neighbours": None}))
    with pytest.raises(ArtifactError, match="no novelty score"):
        Novelty.load(tmp_path)
    (tmp_path / DESCRIPTION).write_text(json.dumps(described))
    (tmp_path / WEIGHTS).write_bytes(b"no tensors")
    with pytest.raises(ArtifactError, match="no novelty score"):
        Novelty.load(tmp_path)


def test_figures_by_hand() -> None:
    figures = novelty_figures([1, 2, 3, 4], [2.5, 3, 9, 0], 3.5, kinds=["a", "a", "b", "b"])
    # 2.5 beats two of four; 3 beats two and ties with one; 9 beats all, 0 none.
    assert figures.by_kind == {"a": KindFigures(0.5625, 0.0, 2), "b": KindFigures(0.5, 0.5, 2)}
    assert figures.auroc == pytest.approx((0.5625 + 0.5) / 2)
    assert figures.detection_rate == 0.25
    assert figures.false_alarm_rate == 0.25


def test_weights_stand_for_repeated_pictures() -> None:
    rng = np.random.default_rng(0)
    known, others, times = rng.random(30), rng.random(20), rng.integers(1, 5, size=30)
    weighted = novelty_figures(known, others, 0.6, weights=times)
    repeated = novelty_figures(np.repeat(known, times), others, 0.6)
    assert weighted.auroc == pytest.approx(repeated.auroc)
    assert weighted.false_alarm_rate == pytest.approx(repeated.false_alarm_rate)


def test_the_auroc_is_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    known, others = rng.integers(0, 9, size=50), rng.integers(3, 12, size=40)
    expected = roc_auc_score([0] * 50 + [1] * 40, np.concatenate([known, others]))
    assert novelty_figures(known, others, 0).auroc == pytest.approx(expected)


def test_figures_need_scores_that_are_numbers() -> None:
    for known, others in (([], [1.0]), ([1.0], []), ([np.nan], [1.0]), ([1.0], [np.nan])):
        with pytest.raises(DataError, match="must be at least one each, all numbers"):
            novelty_figures(known, others, 0)
    with pytest.raises(InputError, match="1 kinds were given for 2 unknown pictures"):
        novelty_figures([1.0], [1.0, 2.0], 0, kinds=["a"])
    with pytest.raises(InputError, match="must be 1 numbers of at least 0"):
        novelty_figures([1.0], [1.0], 0, weights=[0.0])


def test_arrays_that_do_not_fit_each_other_are_refused(world: World) -> None:
    with pytest.raises(InputError, match=r"features \(2, 3\) and probabilities \(1, 3\) must be"):
        Observed(np.zeros((2, 3), dtype=np.float32), np.zeros((1, 3)))
    with pytest.raises(InputError, match=r"validation features \(2, 5\) must be at least one row of 12 columns"):
        world._replace(validation=Observed(np.zeros((2, 5), dtype=np.float32), np.zeros((2, 3)))).fit()
    with pytest.raises(InputError, match="299 classes and 120 kinds"):
        world._replace(classes=world.classes[1:]).fit()
    with pytest.raises(InputError, match="blocks of 6, 5 columns do not make 12 features"):
        world.fit(widths=(6, 5))
    with pytest.raises(InputError, match=r"k 301 in 1 to 300"):
        world.fit(k=301)
    with pytest.raises(InputError, match=r"refused 1 must lie in \(0, 1\)"):
        world.fit(refused=1)
    wide = Observed(np.zeros((3, 2049), dtype=np.float32), np.zeros((3, 3)))
    with pytest.raises(InputError, match=r"2049 features are more than 2,048"):
        fit_novelty(wide, np.zeros(3, dtype=np.int64), wide, wide, ["a"] * 3)


def test_training_pictures_that_say_nothing_are_refused(world: World) -> None:
    with pytest.raises(DataError, match="no training picture has a class"):
        world._replace(classes=np.full(300, -1)).fit()
    same = replace(world.train, features=np.ones((300, WIDTH), dtype=np.float32))
    with pytest.raises(DataError, match="all 300 training pictures equal their class's mean"):
        world._replace(train=same).fit()
    broken = replace(world.train, features=np.full((300, WIDTH), np.inf, dtype=np.float32))
    with pytest.raises(DataError, match="training features hold values that are no numbers"):
        world._replace(train=broken).fit()
