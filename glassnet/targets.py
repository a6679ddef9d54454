"""Targets: what a network should say, read once and handed out batch by batch.

People write targets in several ways: class indices, one-hot rows, probabilities, numbers. A loss
sees only one: a row of K numbers for K outputs. The way they were written decides the *task*:

    classification   integers 0 … K−1, or rows that are one-hot or (for cross-entropy) sum to one
    binary           one output, targets 0 and 1
    multilabel       binary cross-entropy with K > 1 outputs: several yes-or-no questions
    regression       any other numbers

and the task decides what `predict` returns and which scores are computed. Integer or one-hot
targets mean classification under *any* loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.batches import Batch
from glassnet.losses import BinaryCrossEntropy, Loss

Task = Literal["classification", "binary", "multilabel", "regression"]

SUM_TOLERANCE = 1e-3
"""How far from one the probabilities of a row may sum, as float32 input often does."""


@accelerated
def one_hot(labels: Array, rows: Array) -> None:
    """rows[i, k] = 1 where k = labels[i], else 0."""
    rows.fill(0)
    rows[np.arange(len(labels)), labels] = 1


@dataclass(frozen=True)
class Targets:
    """The targets of n rows for K outputs.

    Attributes:
        task: what kind of question they answer.
        outputs: K.
        labels: class indices (n,) of int64, or None if the targets are kept as rows.
        values: rows (n, K) of the network's dtype, or None if labels say it all.
    """

    task: Task
    outputs: int
    labels: Array | None
    values: Array | None

    def __len__(self) -> int:
        return len(self.rows if self.labels is None else self.labels)

    @property
    def classes(self) -> Array:
        """Class indices (n,); for probabilities, the most probable class.

        Raises:
            ValueError: for regression and several labels a row, where there are none.
        """
        if self.labels is not None:
            return self.labels
        if self.values is not None and self.task == "classification":
            most_probable: Array = self.values.argmax(axis=1)
            return most_probable
        if self.values is not None and self.task == "binary":
            return (self.values[:, 0] > 0.5).astype(np.int64)
        raise ValueError(f"A {self.task} task has no single class a row.")

    @property
    def truth(self) -> Array:
        """What `predict` should return for these rows: labels, label rows or numbers."""
        if self.task in ("classification", "binary"):
            return self.classes
        return predictions(self.rows, self.task, threshold=0.5)

    @property
    def rows(self) -> Array:
        """All target rows, (n, K)."""
        if self.values is not None:
            return self.values
        rows = np.empty((len(self.classes), self.outputs))
        one_hot(self.classes, rows)
        return rows

    def take(self, rows: Array | slice, out: Array) -> None:
        """Write the target rows (batch, K) of these row numbers into `out`."""
        if self.values is not None:
            out[...] = self.values[rows]
        elif self.labels is not None:
            one_hot(self.labels[rows], out)


def read_targets(
    y: Any, outputs: int, loss: Loss, dtype: np.dtype[Any], task: Task | None = None
) -> Targets:
    """Read targets as a user wrote them.

    Arguments:
        y: (n,) or (n, K); integers, booleans or floats.
        outputs: K, how many outputs the network has.
        loss: decides in doubtful cases (0 and 1 in several columns).
        dtype: of the rows that the loss will see.
        task: if the network already has one, that is how y is read.

    Raises:
        ValueError: if the shape does not fit the outputs, a label is out of range, or a value is
            missing or infinite; the message names the row.

    Example:
        >>> from glassnet.losses import CrossEntropy
        >>> read_targets([2, 0], 3, CrossEntropy(), np.dtype("float32")).task
        'classification'
    """
    array = np.asarray(y)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"Targets must be numbers. Received {array.ravel()[:1].tolist()} … of dtype "
            f"{array.dtype}. Turn names into class indices 0, 1, … first (glassnet.data.load does "
            "this for files)."
        )
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2):
        raise ValueError(
            f"Targets must have shape (n,) or (n, {outputs}). Received: {array.shape}."
        )
    _refuse_non_finite(array)
    task = task or _task(array, outputs, loss)
    if loss.class_weight is not None and task in ("regression", "multilabel"):
        raise ValueError(
            f"class_weight needs one class a row, but the targets are those of a {task} task. "
            "Use sample_weight instead."
        )
    if task in ("classification", "binary") and array.ndim == 1:
        if task == "binary" and array.dtype.kind == "f" and not _whole(array):
            return Targets(task, 1, None, _within_unit(array)[:, None].astype(dtype))
        labels = _labels(array, max(2, outputs))
        return Targets(
            task, outputs, labels, labels[:, None].astype(dtype) if outputs == 1 else None
        )
    return Targets(task, outputs, None, _rows(array, outputs, loss, task).astype(dtype))


def _task(array: Array, outputs: int, loss: Loss) -> Task:
    """The task that these targets ask for."""
    if array.ndim == 1:
        if outputs == 1:
            if loss.needs_classes:
                raise ValueError(
                    f"{loss.name} compares classes and needs an output for each, but the network "
                    "has one output. Use Dense(number of classes) as the last layer, or "
                    "loss='binary_cross_entropy' for two classes on one output."
                )
            is_binary = array.dtype.kind != "f" or isinstance(loss, BinaryCrossEntropy)
            return "binary" if is_binary else "regression"
        if array.dtype.kind == "f" and not (loss.needs_classes and _whole(array)):
            raise ValueError(
                f"The network has {outputs} outputs, but y is one column of {array.dtype}. "
                f"Received {array[:1].tolist()} …. For classes pass integers 0 to {outputs - 1}; "
                "for regression end the network with Dense(1)."
            )
        return "classification"
    if isinstance(loss, BinaryCrossEntropy):
        return "multilabel"
    if loss.needs_classes or _one_hot_rows(array):
        return "classification"
    return "regression"


def _labels(array: Array, classes: int) -> Array:
    """Whole numbers 0 … classes − 1 as int64."""
    wrong = (array < 0) | (array >= classes) if array.dtype.kind != "b" else np.zeros(1, bool)
    if array.dtype.kind == "f":
        wrong = wrong | (array != np.floor(array))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"The label in row {row} is {array[row]}, but this network tells {classes} classes "
            f"apart: labels must be whole numbers from 0 to {classes - 1}. "
            "Number the classes from 0, widen the last layer, or pass floats for regression."
        )
    return array.astype(np.int64)


def _rows(array: Array, outputs: int, loss: Loss, task: Task) -> Array:
    """Targets that are given as rows of `outputs` numbers, checked for what the task allows."""
    rows = array[:, None] if array.ndim == 1 else array
    if rows.shape[1] != outputs:
        raise ValueError(
            f"Targets have {rows.shape[1]} columns, but the network has {outputs} outputs. "
            f"Received y of shape {array.shape}; expected (n, {outputs})"
            + (" or class indices of shape (n,)." if loss.needs_classes else ".")
        )
    if task in ("multilabel", "binary"):
        _within_unit(rows)
    if task == "classification":
        wrong = (np.abs(rows.sum(axis=1) - 1) > SUM_TOLERANCE) | (rows < 0).any(axis=1)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"Row {row} of the targets is not a distribution over {outputs} classes: its sum "
                f"is {rows[row].sum():g}, its smallest value {rows[row].min():g}. Probabilities "
                "must be ≥ 0 and sum to 1; for several labels a row use "
                "loss='binary_cross_entropy'."
            )
        rows = rows / rows.sum(axis=1, keepdims=True)  # exactly one, as the loss's gradient assumes
    return rows


def _within_unit(array: Array) -> Array:
    wrong = (array < 0) | (array > 1)
    if wrong.any():
        where = np.argwhere(wrong)[0]
        raise ValueError(
            f"Targets of yes-or-no questions must be between 0 and 1. Received "
            f"{array[tuple(where)]} in row {where[0]}."
        )
    return array


def _one_hot_rows(array: Array) -> bool:
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())


def _whole(array: Array) -> bool:
    return bool((array == np.floor(array)).all())


def _refuse_non_finite(array: Array) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise ValueError(
            f"The target in row {row} is {array[row]}: targets must be finite. "
            "Drop rows whose target is missing."
        )


def predictions(outputs: Array, task: Task, threshold: float) -> Array:
    """What a network says with these outputs: class indices (n,), label rows (n, K), or numbers.

    Regression with one output gives (n,), with several (n, K).
    """
    if task == "classification":
        most_probable: Array = outputs.argmax(axis=1)
        return most_probable
    if task == "binary":
        return (outputs[:, 0] > threshold).astype(np.int64)
    if task == "multilabel":
        return (outputs > threshold).astype(np.int64)
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs


# Scores of a batch, added to sums = [Σ wᵢ ℓᵢ, N, Σ wᵢ scoreᵢ, Σ wᵢ] (float64).


@accelerated
def add_loss(total: Array, sums: Array) -> None:
    """sums[:2] += total."""
    sums[:2] += total


@accelerated
def count_classes(outputs: Array, truth: Array, weights: Array, sums: Array) -> None:
    """Add the weight of the rows whose largest output is that of the true class."""
    right = outputs.argmax(axis=1) == truth.argmax(axis=1)
    sums[2] += weights[right].sum(dtype=np.float64)
    sums[3] += weights.sum(dtype=np.float64)


@accelerated
def count_decisions(
    outputs: Array, truth: Array, threshold: Array, weights: Array, sums: Array
) -> None:
    """Add the weight of the rows all of whose yes-or-no outputs are right."""
    right = ((outputs > threshold.item()) == (truth > 0.5)).all(axis=1)
    sums[2] += weights[right].sum(dtype=np.float64)
    sums[3] += weights.sum(dtype=np.float64)


@accelerated
def count_squares(outputs: Array, truth: Array, weights: Array, sums: Array) -> None:
    """Add each row's mean squared difference, times its weight."""
    squares = np.square(outputs - truth, dtype=np.float64).mean(axis=1)
    sums[2] += (squares * weights).sum()
    sums[3] += weights.sum(dtype=np.float64)


def add_scores(task: Task, loss: Loss, outputs: Array, batch: Batch, sums: Array) -> None:
    """Add the loss and the score of one batch to the running sums."""
    add_loss(batch.total, sums)
    if task == "classification":
        count_classes(outputs, batch.truth, batch.weights, sums)
    elif task == "regression":
        count_squares(outputs, batch.truth, batch.weights, sums)
    else:
        threshold = np.array(loss.threshold)
        count_decisions(outputs, batch.truth, threshold, batch.weights, sums)


def read_scores(task: Task, sums: Array) -> dict[str, float]:
    """The mean loss, and accuracy (classes) or RMSE (numbers), from running sums."""
    weighted, norm, score, weight = sums.tolist()
    score /= weight or 1.0
    named = {"rmse": score**0.5} if task == "regression" else {"accuracy": score}
    return {"loss": weighted / (norm or 1.0), **named}
