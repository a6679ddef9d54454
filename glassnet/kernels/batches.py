"""Twins of `glassnet/batches.py`."""

import numpy as np

from glassnet.kernels.compile import compiled
from glassnet.kernels.prefetch import prefetch_row

NEAR_BYTES, FAR_BYTES = 16_384, 1_000_000
"""The rows of the next batch are asked for in advance if they fit well into the nearest cache, and
come from data that do not fit into the next one."""


@compiled
def take_rows(data, order, starts, index, rows):
    n, start = rows.shape[0], starts[index[()]]
    for i in range(np.uint64(n)):
        row = order[start + i]
        for j in range(np.uint64(rows.shape[1])):
            rows[i, j] = data[row, j]
    if rows.nbytes <= NEAR_BYTES and data.nbytes >= FAR_BYTES:
        for i in range(start + n, min(start + 2 * n, len(order))):
            prefetch_row(data, order[i])


@compiled
def take_labels(labels, order, starts, index, rows):
    start = starts[index[()]]
    for i in range(np.uint64(rows.shape[0])):
        for k in range(np.uint64(rows.shape[1])):
            rows[i, k] = 0
        rows[i, labels[order[start + i]]] = 1


@compiled
def set_rate(rates, index, learning_rate):
    learning_rate[()] = rates[index[()]]


@compiled
def next_batch(index, step):
    index[()] += 1
    step[()] += 1


@compiled
def add_to(part, whole):
    for i in range(np.uint64(whole.size)):
        whole[i] += part[i]


@compiled
def divide(whole, number):
    factor = whole.dtype.type(1.0 / number[()])
    for i in range(np.uint64(whole.size)):
        whole[i] *= factor
