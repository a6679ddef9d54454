"""The kernels of `glassnet/nonzeros.py`.

Where numbers are listed, the last one of all is not zero: behind it the lists are left to chance.
"""

from __future__ import annotations

import numpy as np
from kernel_cases.case import Case, blank
from kernel_cases.layers import normal


def mostly_zero(rng, shape, dtype):
    x = normal(rng, shape, dtype)
    x[rng.random(shape) < 0.7] = 0
    x[-1:, -1:] = 1
    return x


def lists(x, first):
    """Where rows begin, and columns and values from place `first` on."""
    rows, columns = np.nonzero(x)
    starts = first + np.searchsorted(rows, np.arange(len(x) + 1))
    before = np.zeros(first, np.uint16), np.zeros(first, x.dtype)
    after = np.zeros(1, np.uint16), np.zeros(1, x.dtype)
    places = np.concatenate([before[0], columns.astype(np.uint16), after[0]])
    return starts, places, np.concatenate([before[1], x[rows, columns], after[1]])


def sparse_product(rng, shape, dtype):
    x = mostly_zero(rng, shape, dtype)
    starts, places, values = lists(x, first=3)
    blocks = np.stack([np.zeros_like(starts), starts])
    matrix = normal(rng, (shape[1], 1 + shape[0]), dtype)
    initial = normal(rng, 1 + shape[0], dtype)
    product = blank((shape[0], 1 + shape[0]), dtype)
    return [blocks, places, values, np.array(1), matrix, initial, product]


def list_rows(rng, shape, dtype):
    x = mostly_zero(rng, shape, dtype)
    starts, places, values = lists(x, first=2)
    starts[1:] = 0
    return [x, starts, blank(places.shape, np.uint16), blank(values.shape, dtype)]


def list_columns(rng, shape, dtype):
    starts, places, values = lists(mostly_zero(rng, shape, dtype), first=2)
    of_columns = np.zeros(shape[1] + 1, np.int64)
    blanks = blank(places.shape, np.uint16), blank(values.shape, dtype)
    return [starts, places, values, of_columns, *blanks]


CASES = {
    "nonzeros.sparse_product": Case(sparse_product),
    "nonzeros.list_rows": Case(list_rows, exact=True),
    "nonzeros.list_columns": Case(list_columns, exact=True),
}
