"""Large batches of inputs that are mostly zero: only the other numbers are visited.

A zero adds nothing to x W or xᵀ dy, and of MNIST's pixels 81 % are zero. A batch that is all of the
training set has the same inputs in every step, so what is not zero is listed once: along the rows
of x for x W, along its columns for xᵀ dy. Both are then a sparse matrix times a dense one. The
lists take 12 bytes for every float32 that is not zero, and as long as a dense step or two to make.

Zeros are passed over whatever the weights are, so a weight that has become infinite or NaN does not
show in a row whose input beside it is zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.accelerate import Array, Call, accelerated
from glassnet.batches import take_rows
from glassnet.inputs import chunks
from glassnet.layers.dense import (
    dense_forward,
    dense_forward_without_bias,
    dense_weight_gradient,
)

MOST = 0.25
"""Share of numbers that are not zero up to which they are listed. Steps are then 1.3 times as fast
or more, from 784 × 10 to 784 × 1024 and 3072 × 200; from a share of about 0.3 on they are slower.
"""

MOST_FEATURES = 65_536
"""Places in a list are numbers of 16 bits."""


@accelerated
def sparse_product(
    starts: Array,
    places: Array,
    values: Array,
    index: Array,
    matrix: Array,
    initial: Array,
    product: Array,
) -> None:
    """product[r] = initial + Σ values[p] matrix[places[p]].

    For row r of block `index`, p goes from starts[index, r] to starts[index, r + 1].
    """
    bounds = starts[index.item()]
    for r in range(len(product)):
        own = slice(bounds[r], bounds[r + 1])
        product[r] = initial + values[own] @ matrix[places[own]]


@accelerated
def list_rows(x: Array, starts: Array, columns: Array, values: Array) -> None:
    """List what is not zero in x, row after row, from place starts[0] on.

    >>> starts, columns, values = np.zeros(3, np.int64), np.zeros(4, np.uint16), np.zeros(4)
    >>> list_rows(np.array([[0.0, 7.0], [8.0, 9.0]]), starts, columns, values)
    >>> starts.tolist(), columns[:3].tolist(), values[:3].tolist()
    ([0, 1, 3], [1, 0, 1], [7.0, 8.0, 9.0])
    """
    rows, found = np.nonzero(x)
    starts[1:] = starts[0] + np.cumsum(np.count_nonzero(x, axis=1))
    own = slice(starts[0], starts[-1])
    columns[own], values[own] = found, x[rows, found]


@accelerated
def list_columns(
    row_starts: Array, columns: Array, row_values: Array, starts: Array, rows: Array, values: Array
) -> None:
    """The same list in the order of columns, and of rows within a column.

    >>> row_starts, columns = np.array([0, 1, 3]), np.array([1, 0, 1], np.uint16)
    >>> starts, rows, values = np.zeros(3, np.int64), np.zeros(3, np.uint16), np.zeros(3)
    >>> list_columns(row_starts, columns, np.array([7.0, 8.0, 9.0]), starts, rows, values)
    >>> starts.tolist(), rows.tolist(), values.tolist()
    ([0, 1, 3], [1, 0, 1], [8.0, 7.0, 9.0])
    """
    own = slice(row_starts[0], row_starts[-1])
    order = np.argsort(columns[own], kind="stable")
    counts = np.bincount(columns[own], minlength=len(starts) - 1)
    starts[0] = row_starts[0]
    starts[1:] = row_starts[0] + np.cumsum(counts)
    rows[own] = np.repeat(np.arange(len(row_starts) - 1), np.diff(row_starts))[order]
    values[own] = row_values[own][order]


class Nonzeros:
    """What is not zero in x, block by block.

    Arguments:
        x: inputs, (n, features).
        count: how many numbers are not zero.
        block: rows in a block, ≤ 65,536.
        dtype: that the numbers are wanted in.

    Attributes:
        by_row, by_column: starts, places and values of `sparse_product`, for x and for xᵀ.
    """

    def __init__(self, x: Array, count: int, block: int, dtype: np.dtype[Any]) -> None:
        blocks = list(chunks(len(x), block))

        def lists(rows: int) -> tuple[Array, Array, Array]:
            starts = np.zeros((len(blocks), rows + 1), np.int64)
            return starts, np.empty(count + 1, np.uint16), np.empty(count + 1, dtype)

        self.by_row, self.by_column = lists(block), lists(x.shape[1])
        (row_starts, *row_lists), (column_starts, *column_lists) = self.by_row, self.by_column
        listed = 0
        for number, rows in enumerate(blocks):
            starts = row_starts[number, : 1 + rows.stop - rows.start]
            starts[0] = listed
            list_rows(x[rows], starts, *row_lists)
            list_columns(starts, *row_lists, column_starts[number], *column_lists)
            listed = starts[-1]


FORWARD = dense_forward, dense_forward_without_bias


def listed(calls: list[Call], batch: Array, x: Array) -> Nonzeros | None:
    """What is not zero in x, by a fixed rule: if it is few, and nothing but a dense layer reads it.

    Arguments:
        calls: a recorded step, which takes a block of x into `batch`.
        batch: (rows, *input_shape).
        x: all inputs, (n, *input_shape).
    """
    reading = [call for call in calls if _touches(call, batch)]
    if not {kernel for kernel, _ in reading} <= {take_rows, *FORWARD, dense_weight_gradient}:
        return None
    rows, count = x.reshape(len(x), -1), int(np.count_nonzero(x))
    if rows.shape[1] > MOST_FEATURES or count > MOST * x.size:
        return None
    return Nonzeros(rows, count, len(batch), batch.dtype)


def from_lists(calls: list[Call], batch: Array, nonzeros: Nonzeros, index: Array) -> list[Call]:
    """The same step with products of what is listed; `batch` is not filled any more.

    Arguments:
        calls, batch: as above.
        nonzeros: what is listed of x.
        index: the number of the block whose turn it is, ().
    """
    listed: list[Call] = []
    for kernel, arrays in calls:
        if not _touches((kernel, arrays), batch):
            listed.append((kernel, arrays))
        elif kernel is dense_weight_gradient:
            _, dy, d_weight = arrays
            zero = np.zeros_like(d_weight[0])
            listed.append((sparse_product, (*nonzeros.by_column, index, dy, zero, d_weight)))
        elif kernel is not take_rows:
            _, weight, *bias, y = arrays
            initial = bias[0] if bias else np.zeros_like(weight[0])
            listed.append((sparse_product, (*nonzeros.by_row, index, weight, initial, y)))
    return listed


def _touches(call: Call, array: Array) -> bool:
    return any(np.may_share_memory(array, other) for other in call[1])
