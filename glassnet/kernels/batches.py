"""Twins of `glassnet/batches.py`."""

import numpy as np

from glassnet.kernels.compile import compiled


@compiled
def take_rows(data, order, starts, index, rows):
    start = starts[index[()]]
    for i in range(np.uint64(rows.shape[0])):
        row = order[start + i]
        for j in range(np.uint64(rows.shape[1])):
            rows[i, j] = data[row, j]


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
