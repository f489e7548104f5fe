"""What plain classifiers reach on the same pictures: the floor that the trained classifier has to stand above.

Five classifiers of scikit-learn, each on the network's frozen features and on hand-made ones, and the commonest class.
Every source is learned and measured by itself, so a baseline for photographs is trained on photographs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from releaf.errors import DataError, InputError
from releaf.metrics.classification import confusion_matrix, macro_f1
from releaf.progress import Progress, silent
from releaf.vision.data import LABELS, MISSING, ClassNames, Labels
from releaf.vision.network import Floats

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

Rows: TypeAlias = npt.NDArray[np.int64]

CLASSIFIERS = ("logistic_regression", "nearest_neighbours", "naive_bayes", "decision_tree", "random_forest")
MAJORITY = "majority_class"
NO_FEATURES = "none"
MOST_PICTURES = 5000  # training pictures of a source that are used; of more, as many spread evenly over the table

# Chosen on 1,400 photographs and 4,000 rendered pictures with hand-made features, by accuracy.
_INVERSE_PENALTY = 0.1
_ITERATIONS = 60
_NEIGHBOURS = 5
_SMOOTHING = 1e-2  # share of the largest variance that naive Bayes adds to all: rare colours have almost none
_TREES = 200


@dataclass(frozen=True)
class BaselineFigures:
    """What one classifier reaches on the test pictures of one source about one label.

    features: "network", "simple" or whatever the caller named them; "none" for the majority class. classifier: one of
    CLASSIFIERS or MAJORITY.
    """

    source: str
    label: str
    features: str
    classifier: str
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, eq=False)
class _Table:
    """Features (N, F) by name and labels (N, 4) of N pictures."""

    features: Mapping[str, Floats]
    labels: Labels

    def rows(self, rows: Rows) -> _Table:
        return _Table({name: values[rows] for name, values in self.features.items()}, self.labels[rows])


def baselines(
    train_features: Mapping[str, Floats],
    train_labels: Labels,
    test_features: Mapping[str, Floats],
    test_labels: Labels,
    sources_train: Sequence[str],
    sources_test: Sequence[str],
    names: ClassNames,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> list[BaselineFigures]:
    """Train on the training pictures of each source and measure on its test pictures, label by label.

    Features are (N, F) by name, labels (N, 4) as `encode_labels` gives them. Of a source at most MOST_PICTURES training
    pictures are used. A label counts where both splits have it; one whose training pictures show a single class has the
    majority class alone. The same arguments give the same figures on any number of cores. Raises InputError for arrays
    that do not fit each other, DataError for features that are no numbers.
    """
    train, test = _Table(train_features, train_labels), _Table(test_features, test_labels)
    _check(train, test, sources_train, sources_test)
    found: list[BaselineFigures] = []
    shared = sorted(set(sources_train) & set(sources_test))
    for done, source in enumerate(shared):
        progress(done, len(shared), f"baselines, {source}")
        own = train.rows(_thinned(np.flatnonzero(np.array(sources_train) == source)))
        held_out = test.rows(np.flatnonzero(np.array(sources_test) == source))
        for columns, rows in _labels_by_pictures(own.labels):
            for column, features, classifier, predicted in _guesses(own.rows(rows), held_out, columns, seed):
                truth, label = held_out.labels[:, column], LABELS[column]
                if not (truth != MISSING).any():
                    continue
                right = float((predicted == truth)[truth != MISSING].mean())
                f1 = macro_f1(confusion_matrix(predicted, truth, len(names.ids(label))))
                found.append(BaselineFigures(source, label, features, classifier, right, f1))
    progress(len(shared), len(shared), "baselines")
    return sorted(found, key=lambda row: (row.source, LABELS.index(row.label)))


def _guesses(train: _Table, test: _Table, columns: list[int], seed: int) -> Iterator[tuple[int, str, str, Labels]]:
    """Yield (column, features, classifier, predicted classes (N,)) for labels that all training pictures have."""
    for column in columns:
        commonest = np.bincount(train.labels[:, column]).argmax()
        yield column, NO_FEATURES, MAJORITY, np.full(len(test.labels), commonest)
    varied = [column for column in columns if len(np.unique(train.labels[:, column])) > 1]
    for features in train.features if varied else ():
        seen, unseen = standardized(train.features[features], test.features[features])
        # One BLAS thread: sums in another order would give other figures on a machine with other cores.
        with _one_thread():
            predictions = dict(_predictions(seen, train.labels[:, varied], unseen, seed))
        for name, predicted in predictions.items():
            for column, classes in zip(varied, predicted.T, strict=True):
                yield column, features, name, classes


def standardized(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Return both with the training pictures' mean 0 and deviation 1; a feature that never varies becomes 0."""
    mean, deviation = train.mean(axis=0, dtype=np.float64), train.std(axis=0, dtype=np.float64)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 1e-6)
    seen, unseen = (np.asarray((part - mean) * scale, dtype=np.float32) for part in (train, test))
    return seen, unseen


def _predictions(train: Floats, labels: Labels, test: Floats, seed: int) -> Iterator[tuple[str, Labels]]:
    """Yield each classifier's name and its predictions (N, K) for labels (M, K) of the training pictures."""
    from sklearn.exceptions import ConvergenceWarning

    for name, build in _single(len(train)).items():
        with warnings.catch_warnings():
            # 60 iterations are where accuracy on unseen pictures stops rising, short of the optimum.
            warnings.simplefilter("ignore", ConvergenceWarning)
            yield name, np.stack([build().fit(train, own).predict(test) for own in labels.T], axis=1)
    for name, tree in _joint(seed).items():
        tree.fit(train, labels if labels.shape[1] > 1 else labels[:, 0])
        if name == "random_forest":
            tree.set_params(n_jobs=1)  # threads would add up their trees' votes in any order
        yield name, np.asarray(tree.predict(test), dtype=np.int64).reshape(len(test), -1)


def _single(pictures: int) -> dict[str, Any]:
    """Return what makes the classifiers that learn one label at a time."""
    from functools import partial

    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier

    return {
        "logistic_regression": partial(LogisticRegression, C=_INVERSE_PENALTY, max_iter=_ITERATIONS),
        "nearest_neighbours": partial(KNeighborsClassifier, min(_NEIGHBOURS, pictures), algorithm="brute"),
        "naive_bayes": partial(GaussianNB, var_smoothing=_SMOOTHING),
    }


def _joint(seed: int) -> dict[str, DecisionTreeClassifier | RandomForestClassifier]:
    """Return the classifiers that learn all labels at once.

    A forest of its own for each label took four times as long for at most half a point of accuracy.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    return {
        "decision_tree": DecisionTreeClassifier(random_state=seed),
        "random_forest": RandomForestClassifier(_TREES, n_jobs=-1, random_state=seed),
    }


def _labels_by_pictures(labels: Labels) -> list[tuple[list[int], Rows]]:
    """Return the columns of labels that occur and the rows that have them, columns of the same rows together."""
    found: dict[bytes, tuple[list[int], Rows]] = {}
    for column in range(labels.shape[1]):
        known = labels[:, column] != MISSING
        if known.any():
            found.setdefault(known.tobytes(), ([], np.flatnonzero(known)))[0].append(column)
    return list(found.values())


def _thinned(rows: Rows) -> Rows:
    places = np.linspace(0, len(rows) - 1, min(len(rows), MOST_PICTURES)).round().astype(np.int64)
    return rows[places]


def _one_thread() -> Any:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")


def _check(train: _Table, test: _Table, sources_train: Sequence[str], sources_test: Sequence[str]) -> None:
    widths = [{name: values.shape[1:] for name, values in part.features.items()} for part in (train, test)]
    if widths[0] != widths[1]:
        raise InputError(f"features of training {widths[0]} and of test {widths[1]} must have the same widths by name")
    for split, part, sources in (("training", train, sources_train), ("test", test, sources_test)):
        lengths = {name: len(values) for name, values in part.features.items()} | {"labels": len(part.labels)}
        if set(lengths.values()) != {len(sources)}:
            raise InputError(f"{split} has {len(sources)} sources, but {lengths}: one row a picture in each")
        for name, values in part.features.items():
            if not np.isfinite(values).all():
                raise DataError(f"{name} features of {split} pictures hold values that are no numbers")
