"""Batches: the arrays that a training step reads and writes, and the kernels that fill them.

What changes from one step to the next stands in arrays too: which batch of the epoch it is
(`index`), where each batch begins in the epoch's order of rows (`starts`), the learning rate of
each step (`rates`). So a step is the same list of kernel calls on the same arrays every time, and
can be recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array, accelerated

if TYPE_CHECKING:
    from glassnet.targets import Targets


@accelerated
def take_rows(data: Array, order: Array, starts: Array, index: Array, rows: Array) -> None:
    """rows[i] = data[order[start + i]] in the dtype of `rows`, with the start of batch `index`."""
    start = starts[index.item()]
    rows[...] = data[order[start : start + len(rows)]]


@accelerated
def take_labels(labels: Array, order: Array, starts: Array, index: Array, rows: Array) -> None:
    """rows[i, k] = 1 where k is the label of row order[start + i], else 0."""
    start = starts[index.item()]
    rows[...] = 0
    rows[np.arange(len(rows)), labels[order[start : start + len(rows)]]] = 1


@accelerated
def set_rate(rates: Array, index: Array, learning_rate: Array) -> None:
    """η = rates[index]."""
    learning_rate[...] = rates[index.item()]


@accelerated
def next_batch(index: Array, step: Array) -> None:
    """Count the step that was taken."""
    index += 1
    step += 1


@accelerated
def add_to(part: Array, whole: Array) -> None:
    """whole ← whole + part."""
    np.add(whole, part, out=whole)


@accelerated
def divide(whole: Array, number: Array) -> None:
    """whole ← whole / number, in the dtype of `whole`."""
    np.multiply(whole, 1.0 / number.item(), out=whole)


class Epoch:
    """The rows of a training set in the order of one epoch, cut into batches.

    Attributes:
        order: row numbers, (n,).
        starts: where each batch begins in `order`, (batches,).
        rates: the learning rate of each batch's step, (batches,).
        index: the number of the batch that comes next, from 0.
        step: how many steps have been taken in all.
    """

    def __init__(self, rows: int) -> None:
        self.order = np.arange(rows)
        self.starts = np.zeros(0, np.int64)
        self.rates = np.zeros(0)
        self.index = np.zeros((), np.int64)
        self.step = np.zeros((), np.int64)


class Batch:
    """The arrays of a batch of one size.

    Attributes:
        x: the inputs, (rows, *input_shape), in the dtype that the first layer takes.
        truth: the targets, (rows, K).
        weights: sample weights, (rows,), ones if there are none.
        row_weights: the same times class weights.
        losses: row losses, (rows,). gradient: ∂J/∂outputs, (rows, K).
        total: Σ wᵢ ℓᵢ and the N that a mean divides it by, float64.
    """

    def __init__(
        self,
        rows: int,
        input_shape: tuple[int, ...],
        outputs: int,
        raw: np.dtype[Any],
        dtype: np.dtype[Any],
    ) -> None:
        self.x = np.empty((rows, *input_shape), raw)
        self.truth = np.empty((rows, outputs), dtype)
        self.weights = np.ones(rows, dtype)
        self.row_weights = np.ones(rows, dtype)
        self.losses = np.empty(rows, dtype)
        self.gradient = np.empty((rows, outputs), dtype)
        self.total = np.zeros(2)

    def head(self, rows: int) -> Batch:
        """The first rows of this batch, as views (and the same `total`)."""
        part = Batch.__new__(Batch)
        for name, array in vars(self).items():
            setattr(part, name, array if name == "total" else array[:rows])
        return part

    def fill(self, epoch: Epoch, x: Array, targets: Targets, weights: Array | None) -> None:
        """Take the next batch of the epoch."""
        where = epoch.order, epoch.starts, epoch.index
        take_rows(x.reshape(len(x), -1), *where, self.x.reshape(len(self.x), -1))
        if targets.values is not None:
            take_rows(targets.values, *where, self.truth)
        elif targets.labels is not None:
            take_labels(targets.labels, *where, self.truth)
        if weights is not None:
            take_rows(weights[:, None], *where, self.weights[:, None])
