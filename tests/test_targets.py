"""Targets: every way to write them, what they are read as, and every way to get them wrong."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.batches import Batch
from glassnet.losses import LOSSES
from glassnet.targets import add_scores, predictions, read_scores, read_targets

CE, BCE, MSE, HALF = (
    LOSSES.create(name)
    for name in ("cross_entropy", "binary_cross_entropy", "mse", "squared_error")
)


class Focal(gn.BinaryCrossEntropy):
    """A yes-or-no loss of one's own."""

    name = "focal"


EYE = np.eye(3)
READ = [
    # y as written, outputs, loss → task, labels, rows
    ([2, 0, 1], 3, CE, "classification", [2, 0, 1], EYE[[2, 0, 1]]),
    ([2, 0, 1], 3, MSE, "classification", [2, 0, 1], EYE[[2, 0, 1]]),
    (np.array([2, 0], np.uint8), 3, HALF, "classification", [2, 0], EYE[[2, 0]]),
    (np.array([[2], [0]]), 3, CE, "classification", [2, 0], EYE[[2, 0]]),
    ([2.0, 0.0], 3, CE, "classification", [2, 0], EYE[[2, 0]]),
    ([True, False], 2, CE, "classification", [1, 0], np.eye(2)[[1, 0]]),
    (EYE[[1, 1]], 3, CE, "classification", [1, 1], EYE[[1, 1]]),
    (EYE[[1, 1]].astype(int), 3, MSE, "classification", [1, 1], EYE[[1, 1]]),
    (EYE[[1, 1]].astype(bool), 3, HALF, "classification", [1, 1], EYE[[1, 1]]),
    ([[0.2, 0.5, 0.3]], 3, CE, "classification", [1], [[0.2, 0.5, 0.3]]),
    ([0, 1, 1], 1, BCE, "binary", [0, 1, 1], [[0], [1], [1]]),
    ([0.0, 1.0], 1, BCE, "binary", [0, 1], [[0], [1]]),
    ([False, True], 1, BCE, "binary", [0, 1], [[0], [1]]),
    ([[0], [1]], 1, BCE, "binary", [0, 1], [[0], [1]]),
    ([0.25, 0.75], 1, BCE, "binary", [0, 1], [[0.25], [0.75]]),
    ([0.25, 0.75], 1, Focal(), "binary", [0, 1], [[0.25], [0.75]]),
    ([0, 1], 1, MSE, "binary", [0, 1], [[0], [1]]),
    ([[1, 1, 0]], 3, BCE, "multilabel", None, [[1, 1, 0]]),
    ([[1, 1, 0]], 3, Focal(), "multilabel", None, [[1, 1, 0]]),
    ([[True, True, False]], 3, BCE, "multilabel", None, [[1, 1, 0]]),
    ([[0.5, 1.0, 0.0]], 3, BCE, "multilabel", None, [[0.5, 1, 0]]),
    (EYE[[0, 1]], 3, BCE, "multilabel", None, EYE[[0, 1]]),
    ([0.0, 1.0], 1, MSE, "regression", None, [[0], [1]]),
    ([[1.5], [2.5]], 1, MSE, "regression", None, [[1.5], [2.5]]),
    ([[1, 2, 3]], 3, MSE, "regression", None, [[1, 2, 3]]),
    ([[1, 1, 0]], 3, MSE, "regression", None, [[1, 1, 0]]),
    (np.array([[0.5, 0.5]], np.float16), 2, MSE, "regression", None, [[0.5, 0.5]]),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("y", "outputs", "loss", "task", "labels", "rows"), READ)
def test_ways_to_write_targets(y, outputs, loss, task, labels, rows, dtype):
    targets = read_targets(y, outputs, loss, np.dtype(dtype))
    assert (targets.task, targets.outputs, len(targets)) == (task, outputs, len(rows))
    np.testing.assert_allclose(targets.rows, rows, rtol=1e-6)
    batch = np.full((len(rows), outputs), np.nan, dtype)
    targets.take(slice(None), batch)
    np.testing.assert_allclose(batch, rows, rtol=1e-6)
    backwards = np.arange(len(rows))[::-1]
    targets.take(backwards, batch)
    np.testing.assert_array_equal(batch, np.asarray(rows, dtype)[::-1])
    if targets.values is not None:
        assert targets.values.dtype == dtype
    if labels is None:
        with pytest.raises(ValueError, match=f"{task} task has no single class a row"):
            _ = targets.classes
    else:
        assert targets.classes.tolist() == labels
        assert targets.truth.tolist() == labels


@pytest.mark.parametrize(
    ("y", "outputs", "task", "labels"),
    [
        ([0.0, 1.0], 3, "classification", [0, 1]),
        ([0.0, 1.0], 1, "binary", [0, 1]),
        ([0.5, 1.0], 1, "binary", [0, 1]),
        ([3, 4], 1, "regression", None),
        ([[0, 1], [1, 0]], 2, "regression", None),
        ([[0, 1], [1, 0]], 2, "multilabel", None),
    ],
)
def test_a_known_task_decides(y, outputs, task, labels):
    targets = read_targets(y, outputs, MSE, np.dtype("float64"), task)
    assert targets.task == task
    if labels is not None:
        assert targets.classes.tolist() == labels


def test_truth_is_what_predict_should_say():
    def read(y, outputs, loss):
        return read_targets(y, outputs, loss, np.dtype("float64")).truth.tolist()

    assert read([[0.4, 0.6], [1.0, 0.0]], 2, BCE) == [[0, 1], [1, 0]]
    assert read([1.5, 2.5], 1, MSE) == [1.5, 2.5]
    assert read([[1.5, 2.5]], 2, MSE) == [[1.5, 2.5]]


def test_probabilities_are_made_to_sum_to_one_exactly():
    """Float32 probabilities do not quite, and the loss's gradient p − q assumes it."""
    rows = np.array([[0.2, 0.3, 0.5005], [1, 0, 0]])
    targets = read_targets(rows, 3, CE, np.dtype("float64"))
    np.testing.assert_allclose(targets.rows.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(targets.rows, rows, atol=1e-3)
    assert targets.rows[1].tolist() == [1, 0, 0]


WEIGHTED = gn.MSE(class_weight={0: 2.0})


@pytest.mark.parametrize(
    ("y", "outputs", "loss", "message"),
    [
        (["cat", "dog"], 2, CE, r"must be numbers. Received \['cat'\] … of dtype <U3"),
        ([None, 1], 2, CE, r"Received \[None\] … of dtype object"),
        (None, 2, CE, "of dtype object"),
        ([1j], 1, MSE, "of dtype complex128"),
        (np.zeros((2, 2, 2)), 2, CE, r"shape \(n,\) or \(n, 2\). Received: \(2, 2, 2\)"),
        (3, 2, CE, r"Received: \(\)"),
        ([0, 1, 3], 3, CE, "label in row 2 is 3, .* 3 classes .* from 0 to 2"),
        ([0, -1], 3, CE, "label in row 1 is -1"),
        ([1, 2, 3], 3, MSE, "label in row 2 is 3.* Number the classes from 0"),
        ([0, 2], 1, BCE, "label in row 1 is 2, .* tells 2 classes apart"),
        ([151, 75], 1, MSE, "label in row 0 is 151.* or pass floats for regression"),
        ([0.5, 1.0], 3, CE, r"3 outputs, but y is one column of float64. .*\[0.5\]"),
        ([0.0, 1.0], 3, MSE, "pass integers 0 to 2; for regression end the network with Dense"),
        ([0, 1], 1, CE, "one output. Use .* or loss='binary_cross_entropy'"),
        ([0.5, -0.5], 1, BCE, "between 0 and 1. Received -0.5 in row 1"),
        ([[0, 1], [0, 2]], 2, BCE, "between 0 and 1. Received 2 in row 1"),
        ([[1, 1, 0]], 3, CE, "Row 0 .* sum is 2.* use loss='binary_cross_entropy'"),
        ([[1, 0, 0], [0.5, 0.2, 0.2]], 3, CE, "Row 1 .* its sum is 0.9"),
        ([[1.5, -0.5, 0]], 3, CE, "its smallest value -0.5"),
        ([[1, 0], [0, 1]], 3, CE, r"2 columns, but .* 3 outputs. .* or class indices"),
        ([[1.0, 2.0]], 3, MSE, r"2 columns, .* Received y of shape \(1, 2\); expected \(n, 3\)\.$"),
        ([[1.0, 2.0]], 1, MSE, "2 columns, but the network has 1 outputs"),
        ([1.0, np.nan], 1, MSE, "target in row 1 is nan: targets must be finite"),
        ([[1.0, 1.0], [np.inf, 1.0]], 2, MSE, "target in row 1 is .*inf"),
        ([1.5, 2.5], 1, WEIGHTED, "those of a regression task. Use sample_weight"),
        ([[1, 1]], 2, gn.BinaryCrossEntropy(class_weight=[1, 2]), "those of a multilabel task"),
    ],
)
def test_bad_targets(y, outputs, loss, message):
    with pytest.raises(ValueError, match=message):
        read_targets(y, outputs, loss, np.dtype("float32"))


@pytest.mark.parametrize(
    ("y", "outputs", "task", "message"),
    [
        ([0.5, 1.0], 3, "classification", "label in row 0 is 0.5"),
        ([0, 1], 2, "multilabel", "1 columns, but the network has 2 outputs"),
        ([0, 1], 2, "regression", "1 columns, but the network has 2 outputs"),
        ([[2, 0]], 2, "multilabel", "between 0 and 1"),
    ],
)
def test_targets_that_do_not_fit_a_known_task(y, outputs, task, message):
    with pytest.raises(ValueError, match=message):
        read_targets(y, outputs, MSE, np.dtype("float32"), task)


Z = np.array([[2.0, -1.0], [-3.0, 0.5], [0.2, 0.1]])


@pytest.mark.parametrize(
    ("outputs", "task", "threshold", "said"),
    [
        (Z, "classification", 0.0, [0, 1, 0]),
        (Z[:, :1], "binary", 0.0, [1, 0, 1]),
        (Z[:, :1], "binary", 0.5, [1, 0, 0]),
        (Z, "multilabel", 0.0, [[1, 0], [0, 1], [1, 1]]),
        (Z[:, :1], "regression", 0.0, [2.0, -3.0, 0.2]),
        (Z, "regression", 0.0, Z.tolist()),
    ],
)
def test_predictions(outputs, task, threshold, said):
    assert predictions(outputs, task, threshold).tolist() == said


@pytest.mark.parametrize(
    ("outputs", "targets", "task", "right"),
    [
        (Z, np.eye(2)[[0, 1, 1]], "classification", 2),
        (Z, [[0.6, 0.4], [0.6, 0.4], [0.6, 0.4]], "classification", 2),
        (Z[:, :1], [[1], [1], [1]], "binary", 2),
        (Z[:, :1], [[0.9], [0.1], [0.2]], "binary", 2),
        (Z, [[1, 0], [0, 1], [1, 0]], "multilabel", 2),
    ],
)
def test_scores_count_right_rows_by_weight(outputs, targets, task, right):
    rows, width = outputs.shape
    batch = Batch(rows, (), width, outputs.dtype, outputs.dtype)
    batch.truth[:] = targets
    sums = np.zeros(4)
    for weight in (1.0, 3.0):
        batch.weights[:] = weight
        add_scores(task, BCE, outputs, batch, sums)
    assert read_scores(task, sums)["accuracy"] == pytest.approx(right / rows)
    assert sums[3] == 4 * rows
