"""The kernels of `glassnet/fused.py`."""

from __future__ import annotations

import numpy as np
from kernel_cases.case import Case, blank
from kernel_cases.layers import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_inference,
    normal,
    step,
)

RATE, MOMENTUM, SLOPE = np.array(0.1), np.array(0.9), np.array(0.3)


def normalise_rectify_drop(rng, shape, dtype):
    *inputs, x_hat, inv_std, y = batch_norm_forward(rng, shape, dtype)
    key = rng.integers(2**32, size=2, dtype=np.uint32)
    work = blank(4 * -(-x_hat.size // 4), np.uint32)
    return [*inputs, key, step(rng), SLOPE, work, x_hat, inv_std, y]


def back(*constants):
    """dy, what the activation gave, its constants, and batch norm's arrays."""

    def draw(rng, shape, dtype):
        dy, *others = batch_norm_backward(rng, shape, dtype)
        y = np.maximum(normal(rng, shape, dtype), 0)
        return [dy, y, *constants, *others]

    return draw


def columns(draw):
    """The same for some columns, whose numbers are multiples of 4."""

    def draw_columns(rng, shape, dtype):
        wide = 4 * shape[1]
        first, last = sorted(4 * rng.integers(0, shape[1] + 1, 2))
        arrays = draw(rng, (shape[0], wide), dtype)
        for result in arrays:  # what stands in other columns stays
            if result.dtype == dtype:
                np.nan_to_num(result, copy=False, nan=0.5)
        return [np.array([first, last]), *arrays]

    return draw_columns


def row(rng, columns, dtype, zeros=0.0):
    x = normal(rng, (1, columns), dtype)
    x[rng.random(x.shape) < zeros] = 0
    return x


def by_rows(rows, remembered):
    def draw(rng, shape, dtype):
        fan_in, units = shape[1], 1 + shape[0]
        x, dy = normal(rng, (rows, fan_in), dtype), normal(rng, (rows, units), dtype)
        x[rng.random(x.shape) < 0.6] = 0
        matrices = normal(rng, (1 + remembered, fan_in, units), dtype)
        numbers = [RATE, MOMENTUM][: 1 + remembered]
        return [x, dy, *matrices, *numbers]

    return draw


def list_inputs(rng, shape, dtype):
    """Without zeros: behind what was found, `places` is left to chance."""
    return [row(rng, shape[1], dtype), np.zeros(1 + shape[1], np.int64)]


def listed(x):
    (found,) = np.nonzero(x[0])
    return np.concatenate([[len(found)], found, np.zeros(x.size - len(found), int)])


def dense_forward_listed(rng, shape, dtype):
    fan_in, units = shape[1], 1 + shape[0]
    x = row(rng, fan_in, dtype, zeros=0.6)
    weight, bias = normal(rng, (fan_in, units), dtype), normal(rng, units, dtype)
    return [x, listed(x), weight, bias, blank((1, units), dtype)]


def descend_listed(rng, shape, dtype):
    fan_in, units = shape[1], 1 + shape[0]
    x = row(rng, fan_in, dtype, zeros=0.6)
    weight = normal(rng, (fan_in, units), dtype)
    return [x, listed(x), row(rng, units, dtype), weight, RATE]


CASES = {
    "fused.normalise_rectify": Case(batch_norm_forward, rows=2),
    "fused.normalise_rectify_inference": Case(batch_norm_inference),
    "fused.normalise_rectify_backward": Case(back(), rows=1),
    "fused.normalise_rectify_drop": Case(normalise_rectify_drop, rows=2),
    "fused.normalise_rectify_drop_backward": Case(back(SLOPE), rows=1),
    "fused.normalise_rectify_columns": Case(columns(batch_norm_forward), rows=2),
    "fused.normalise_rectify_backward_columns": Case(columns(back()), rows=1),
    "fused.normalise_rectify_drop_columns": Case(columns(normalise_rectify_drop), rows=2),
    "fused.normalise_rectify_drop_backward_columns": Case(columns(back(SLOPE)), rows=1),
    "fused.descend_by_rows": Case(by_rows(1, 0)),
    "fused.descend_by_rows, two": Case(by_rows(2, 0)),
    "fused.descend_by_rows, three": Case(by_rows(3, 0)),
    "fused.descend_by_rows, four": Case(by_rows(4, 0)),
    "fused.momentum_by_rows": Case(by_rows(1, 1)),
    "fused.momentum_by_rows, two": Case(by_rows(2, 1)),
    "fused.list_inputs": Case(list_inputs, exact=True),
    "fused.dense_forward_listed": Case(dense_forward_listed),
    "fused.descend_listed": Case(descend_listed),
}
