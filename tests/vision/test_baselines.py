from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from releaf.errors import DataError, InputError
from releaf.taxonomy import Taxonomy
from releaf.vision import baselines as module
from releaf.vision.baselines import CLASSIFIERS, MAJORITY, BaselineFigures, baselines, standardized
from releaf.vision.data import ClassNames

MISSING = -1
TRAIN, TEST = 120, 60


@pytest.fixture(scope="module")
def names(taxonomy: Taxonomy) -> ClassNames:
    return ClassNames.of(taxonomy)


@pytest.fixture(scope="module", autouse=True)
def _small_forest() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TREES", 12)
        yield


def clusters(n: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray, list[str]]:
    """Three items, each around a point of its own; the last third are photographs that know only a family."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 3
    points = np.array([[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]])
    near = (points[kind] + rng.normal(size=(n, 3))).astype(np.float32)
    photographed = np.arange(n) >= 2 * n // 3
    family = np.array([0, 1, 1])[kind]
    labels = np.stack([kind, np.full(n, MISSING), family, np.zeros(n, np.int64)], axis=1)
    labels[photographed, 0] = labels[photographed, 3] = MISSING
    features = {"network": near, "simple": rng.normal(size=(n, 3)).astype(np.float32)}
    return features, labels, ["photograph" if flag else "rendered" for flag in photographed]


def run(names: ClassNames, **changes: object) -> list[BaselineFigures]:
    features, labels, sources = clusters(TRAIN, 0)
    others, truths, tested = clusters(TEST, 1)
    arguments = {
        "train_features": features,
        "train_labels": labels,
        "test_features": others,
        "test_labels": truths,
        "sources_train": sources,
        "sources_test": tested,
        "names": names,
    }
    return baselines(**{**arguments, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def rows(names: ClassNames) -> list[BaselineFigures]:
    return run(names)


def test_every_label_of_a_source_has_five_classifiers_on_each_features_and_the_majority(
    rows: list[BaselineFigures],
) -> None:
    for source, label in (("photograph", "family"), ("rendered", "item"), ("rendered", "family")):
        found = [(row.features, row.classifier) for row in rows if (row.source, row.label) == (source, label)]
        assert found == [("none", MAJORITY), *((f, c) for f in ("network", "simple") for c in CLASSIFIERS)]


def test_labels_that_a_source_lacks_have_no_rows_and_one_class_is_left_to_the_majority(
    rows: list[BaselineFigures],
) -> None:
    assert {row.label for row in rows if row.source == "photograph"} == {"family"}
    bins = [row for row in rows if row.label == "bin"]
    assert [(row.source, row.classifier, row.accuracy, row.macro_f1) for row in bins] == [
        ("rendered", MAJORITY, 1.0, 1.0)
    ]


def test_features_that_tell_classes_apart_are_learned_and_noise_is_not(rows: list[BaselineFigures]) -> None:
    items = {(row.features, row.classifier): row.accuracy for row in rows if row.label == "item"}
    assert all(items["network", name] > 0.85 for name in CLASSIFIERS)
    assert all(items["simple", name] < 0.65 for name in CLASSIFIERS)


def test_the_majority_is_the_commonest_training_class(rows: list[BaselineFigures]) -> None:
    family = next(r for r in rows if (r.source, r.label, r.classifier) == ("rendered", "family", MAJORITY))
    # 26 of 40 test pictures are of family 1, which is always said; family 0 never is.
    assert family.accuracy == pytest.approx(26 / 40)
    assert family.macro_f1 == pytest.approx(2 * 26 / (26 + 40) / 2)


def test_naive_bayes_is_that_of_the_library_on_standardized_features(
    rows: list[BaselineFigures],
) -> None:
    features, labels, sources = clusters(TRAIN, 0)
    others, truths, tested = clusters(TEST, 1)
    mine, theirs = np.array(sources) == "photograph", np.array(tested) == "photograph"
    seen, unseen = features["network"][mine], others["network"][theirs]
    mean, deviation = seen.mean(axis=0), seen.std(axis=0)
    model = GaussianNB(var_smoothing=1e-2).fit((seen - mean) / deviation, labels[mine, 2])
    expected = (model.predict((unseen - mean) / deviation) == truths[theirs, 2]).mean()
    found = next(
        row for row in rows if (row.source, row.features, row.classifier) == ("photograph", "network", "naive_bayes")
    )
    assert found.accuracy == pytest.approx(expected)


def test_the_same_tables_give_the_same_figures(rows: list[BaselineFigures], names: ClassNames) -> None:
    assert run(names) == rows


def test_one_source_does_not_change_the_figures_of_the_other(rows: list[BaselineFigures], names: ClassNames) -> None:
    _, labels, sources = clusters(TRAIN, 0)
    spoiled = labels.copy()
    spoiled[np.array(sources) == "rendered", 2] = 3
    changed = run(names, train_labels=spoiled)
    assert [row for row in changed if row.source == "photograph"] == [row for row in rows if row.source == "photograph"]


def test_a_source_without_training_pictures_has_no_rows(names: ClassNames) -> None:
    assert {row.source for row in run(names, sources_train=["rendered"] * TRAIN)} == {"rendered"}
    assert run(names, sources_train=["drawing"] * TRAIN) == []


def test_no_more_than_the_limit_of_pictures_is_learned_from(names: ClassNames, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PICTURES", 30)
    features, labels, sources = clusters(TRAIN, 0)
    thinned = run(names)
    rows = np.concatenate(
        [
            np.flatnonzero(np.array(sources) == s)[np.linspace(0, n - 1, 30).round().astype(int)]
            for s, n in (("rendered", 80), ("photograph", 40))
        ]
    )
    some = run(
        names,
        train_features={name: values[rows] for name, values in features.items()},
        train_labels=labels[rows],
        sources_train=[sources[row] for row in rows],
    )
    assert thinned == some


def test_fewer_pictures_than_neighbours_are_enough(names: ClassNames) -> None:
    features, labels, sources = clusters(TRAIN, 0)
    few = run(
        names,
        train_features={name: values[:3] for name, values in features.items()},
        train_labels=labels[:3],
        sources_train=sources[:3],
    )
    assert {row.classifier for row in few if row.label == "item"} == {MAJORITY, *CLASSIFIERS}


def test_a_feature_that_never_varies_becomes_zero() -> None:
    train = np.array([[1, 7], [3, 7]], dtype=np.float32)
    seen, unseen = standardized(train, np.array([[5, 8]], dtype=np.float32))
    np.testing.assert_array_equal(seen, [[-1, 0], [1, 0]])
    np.testing.assert_array_equal(unseen, [[3, 0]])


def test_tables_that_do_not_fit_are_refused(names: ClassNames) -> None:
    features, _, _ = clusters(TRAIN, 0)
    with pytest.raises(InputError, match="same widths by name"):
        run(names, train_features={"network": features["network"]})
    with pytest.raises(InputError, match="training has 2 sources"):
        run(names, sources_train=["rendered", "rendered"])
    broken = features["simple"].copy()
    broken[5, 1] = np.nan
    with pytest.raises(DataError, match="simple features of training pictures hold values that are no numbers"):
        run(names, train_features={**features, "simple": broken})
