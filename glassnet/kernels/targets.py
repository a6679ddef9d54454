"""Twins of `targets.py`. A label outside of the classes gives a row of zeros here, not an error."""

from __future__ import annotations

import numpy as np

from glassnet.kernels.compile import compiled


@compiled
def one_hot(labels, rows):
    n, classes = rows.shape
    zero, one = rows.dtype.type(0), rows.dtype.type(1)
    for i in range(np.uint64(n)):
        label = np.uint64(labels[i])
        for k in range(np.uint64(classes)):  # rows are short: comparing costs less than filling
            rows[i, k] = one if k == label else zero


@compiled
def add_loss(total, sums):
    sums[0] += total[0]
    sums[1] += total[1]


@compiled(inline=True)
def largest(rows, i):
    """The column of the largest number of row i, the first of several.

    Nothing here is a branch, which would be guessed wrong at half of the rows. NaN is passed over,
    unless it comes first, where the reference takes it for the largest: the loss is NaN then.
    """
    where, most = np.uint64(0), rows[i, 0]
    for k in range(np.uint64(1), np.uint64(rows.shape[1])):
        is_larger = rows[i, k] > most
        where = k if is_larger else where
        most = rows[i, k] if is_larger else most
    return where


@compiled
def count_classes(outputs, truth, weights, sums):
    right, all_rows = 0.0, 0.0
    for i in range(np.uint64(len(outputs))):
        weight = np.float64(weights[i])
        all_rows += weight
        right += weight if largest(outputs, i) == largest(truth, i) else 0.0
    sums[2] += right
    sums[3] += all_rows


@compiled
def count_decisions(outputs, truth, threshold, weights, sums):
    n, width = outputs.shape
    right, all_rows, half = 0.0, 0.0, truth.dtype.type(0.5)
    limit = outputs.dtype.type(threshold[()])
    for i in range(np.uint64(n)):
        weight = np.float64(weights[i])
        all_rows += weight
        wrong = 0
        for k in range(np.uint64(width)):
            wrong += (outputs[i, k] > limit) != (truth[i, k] > half)
        if wrong == 0:
            right += weight
    sums[2] += right
    sums[3] += all_rows


@compiled(reassociate=True)
def count_squares(outputs, truth, weights, sums):
    n, width = outputs.shape
    squares, all_rows = 0.0, 0.0
    for i in range(np.uint64(n)):
        of_row = 0.0
        for k in range(np.uint64(width)):
            d = np.float64(outputs[i, k] - truth[i, k])
            of_row += d * d
        weight = np.float64(weights[i])
        squares += of_row / width * weight
        all_rows += weight
    sums[2] += squares
    sums[3] += all_rows
