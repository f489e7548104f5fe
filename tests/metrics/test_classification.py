from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from releaf.errors import InputError
from releaf.metrics import classification as c


def softmax_rows(rng: np.random.Generator, n: int, classes: int) -> np.ndarray:
    values = np.exp(rng.normal(size=(n, classes)))
    return values / values.sum(axis=1, keepdims=True)


def test_accuracy_of_three_rows_of_which_two_are_right():
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1]])
    assert c.accuracy(probabilities, np.array([0, 1, 1])) == pytest.approx(2 / 3)


def test_a_missing_label_counts_nowhere():
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1]])
    labels = np.array([0, -1, 1])
    assert c.accuracy(probabilities, labels) == 0.5
    assert c.confusion_matrix(probabilities.argmax(1), labels, 2).sum() == 2
    assert c.reliability_bins(probabilities, labels).count.sum() == 2


def test_figures_over_no_labelled_row_are_not_numbers():
    probabilities, labels = np.array([[0.7, 0.3]]), np.array([-1])
    assert math.isnan(c.accuracy(probabilities, labels))
    assert math.isnan(c.expected_calibration_error(probabilities, labels))
    assert math.isnan(c.macro_f1(c.confusion_matrix(probabilities.argmax(1), labels, 2)))


def test_top_k_counts_the_label_among_the_k_most_probable():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    labels = np.array([1, 2])
    assert [c.top_k_accuracy(probabilities, labels, k) for k in (1, 2, 3)] == [0.0, 0.5, 1.0]


def test_of_equal_probabilities_the_first_class_ranks_higher():
    even = np.full((1, 4), 0.25)
    assert [c.top_k_accuracy(even, np.array([label]), 2) for label in range(4)] == [1.0, 1.0, 0.0, 0.0]


def test_confusion_matrix_has_labels_in_rows_and_predictions_in_columns():
    assert c.confusion_matrix(np.array([1, 1, 0]), np.array([0, 1, 0]), 2).tolist() == [[1, 1], [0, 1]]


def test_class_figures_by_hand():
    # class 0: 3 labelled, 4 predicted, 2 hits; class 1: 2 labelled, 1 predicted, 0 hits
    figures = c.class_figures(np.array([[2, 1], [2, 0]]))
    assert figures.precision.tolist() == [0.5, 0.0]
    assert figures.recall.tolist() == pytest.approx([2 / 3, 0.0])
    assert figures.f1.tolist() == pytest.approx([4 / 7, 0.0])
    assert figures.support.tolist() == [3, 2]


def test_macro_f1_leaves_out_a_class_that_occurs_nowhere():
    assert c.macro_f1(np.array([[3, 0, 0], [0, 2, 0], [0, 0, 0]])) == 1.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(2, 40))
def test_accuracy_f1_and_confusion_equal_scikit_learn(seed: int, classes: int, n: int):
    rng = np.random.default_rng(seed)
    labels, predictions = rng.integers(classes, size=(2, n))
    confusion = c.confusion_matrix(predictions, labels, classes)
    assert confusion.tolist() == metrics.confusion_matrix(labels, predictions, labels=range(classes)).tolist()
    assert c.macro_f1(confusion) == pytest.approx(
        metrics.f1_score(labels, predictions, average="macro", zero_division=0)
    )
    expected = metrics.precision_recall_fscore_support(labels, predictions, labels=range(classes), zero_division=0)
    figures = c.class_figures(confusion)
    np.testing.assert_allclose([figures.precision, figures.recall, figures.f1, figures.support], expected)


def test_top_k_equals_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities, labels = softmax_rows(rng, 60, 5), rng.integers(5, size=60)
    for k in (1, 2, 3):
        expected = metrics.top_k_accuracy_score(labels, probabilities, k=k, labels=range(5))
        assert c.top_k_accuracy(probabilities, labels, k) == pytest.approx(expected)


def test_ece_by_hand():
    # two predictions of confidence 0.8, one right: |0.5 - 0.8|; one of 0.6, right: |1 - 0.6|
    probabilities = np.array([[0.8, 0.2], [0.8, 0.2], [0.4, 0.6]])
    assert c.expected_calibration_error(probabilities, np.array([0, 1, 1])) == pytest.approx((2 * 0.3 + 0.4) / 3)


def test_ece_of_certain_and_right_predictions_is_zero_and_of_certain_and_wrong_ones_is_one():
    certain = np.eye(3)
    assert c.expected_calibration_error(certain, np.arange(3)) == 0.0
    assert c.expected_calibration_error(certain, np.array([1, 2, 0])) == 1.0


def test_a_confidence_on_a_bin_edge_belongs_to_the_lower_bin():
    table = c.reliability_bins(np.array([[0.5, 0.5], [0.75, 0.25]]), np.array([0, 0]), bins=4)
    assert table.count.tolist() == [0, 1, 1, 0]


def test_ece_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(1)
    probabilities, labels = softmax_rows(rng, 50, 4), rng.integers(4, size=50)
    order = rng.permutation(50)
    assert c.expected_calibration_error(probabilities[order], labels[order]) == pytest.approx(
        c.expected_calibration_error(probabilities, labels)
    )


def test_a_label_without_a_column_is_refused():
    with pytest.raises(InputError, match="label 3 has no column among 2 classes"):
        c.accuracy(np.array([[0.5, 0.5]]), np.array([3]))
    with pytest.raises(InputError, match="k must be at least 1, not 0"):
        c.top_k_accuracy(np.array([[0.5, 0.5]]), np.array([0]), 0)
    with pytest.raises(InputError, match="bins must be at least 1, not 0"):
        c.expected_calibration_error(np.array([[0.5, 0.5]]), np.array([0]), 0)
