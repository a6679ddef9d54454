"""Twins of `layers/dense.py`: BLAS, and loops for one row, where a call of BLAS costs more.

Which of the two runs depends on shapes alone, so that equal runs have equal bits.

Over a single row, inputs that are zero are passed over where four of them come together (of MNIST's
pixels 81 % are zero). They would add 0 · w, which is nothing as long as w is finite: a weight that
has become infinite or NaN does not show in a row whose input beside it is zero.

BLAS reads xᵀ and Wᵀ in place, and arrays may be parts of others (`glassnet.owners`). Loops over
rows of W add four of them at a time, in order: as one after the other, but with a quarter of the
traffic to y. For several rows they would save a call of some 0.1 µs at best (8 × 8 × 8), and lose
from 16 × 16 × 16.
"""

from __future__ import annotations

import numpy as np

from glassnet.kernels.compile import compiled
from glassnet.kernels.products import multiply

ONE_ROW_BYTES = 32_768
"""Weights up to here are multiplied with a single row's dy by loops, one dot product after the
other. BLAS takes 1.6 times as long in float32 at 32 × 10, 1.2 at 64 × 64, but 0.9 at 128 × 128."""


@compiled(inline=True)
def row_times_matrix(x, weight, y):
    """y ← y + x W for one row, adding x₀ W₀, x₁ W₁, … in order; at any size as fast as BLAS."""
    fan_in, units = weight.shape
    fours = np.uint64(fan_in // 4)
    zero = x.dtype.type(0)
    for four in range(fours):
        k0 = np.uint64(4) * four
        k1, k2, k3 = k0 + np.uint64(1), k0 + np.uint64(2), k0 + np.uint64(3)
        x0, x1, x2, x3 = x[0, k0], x[0, k1], x[0, k2], x[0, k3]
        if abs(x0) + abs(x1) + abs(x2) + abs(x3) == zero:
            continue
        for j in range(np.uint64(units)):
            total = y[0, j] + x0 * weight[k0, j] + x1 * weight[k1, j]
            y[0, j] = total + x2 * weight[k2, j] + x3 * weight[k3, j]
    for k in range(np.uint64(4) * fours, np.uint64(fan_in)):
        xk = x[0, k]
        for j in range(np.uint64(units)):
            y[0, j] += xk * weight[k, j]


@compiled
def dense_forward(x, weight, bias, y):
    n, units = y.shape
    if n == 1:
        for j in range(np.uint64(units)):
            y[0, j] = bias[j]
        row_times_matrix(x, weight, y)
    else:
        multiply(x, weight, y)
        for i in range(np.uint64(n)):
            for j in range(np.uint64(units)):
                y[i, j] += bias[j]


@compiled
def dense_forward_without_bias(x, weight, y):
    n, units = y.shape
    if n == 1:
        for j in range(np.uint64(units)):
            y[0, j] = 0
        row_times_matrix(x, weight, y)
    else:
        multiply(x, weight, y)


@compiled
def dense_weight_gradient(x, dy, d_weight):
    fan_in, units = d_weight.shape
    if len(x) == 1:  # an outer product, which BLAS makes in twice the time at any size
        for k in range(np.uint64(fan_in)):
            xk = x[0, k]
            for j in range(np.uint64(units)):
                d_weight[k, j] = xk * dy[0, j]
    else:
        multiply(x.T, dy, d_weight)


@compiled
def dense_bias_gradient(dy, d_bias):
    n, units = dy.shape
    fours = np.uint64(n // 4)
    for j in range(np.uint64(units)):
        d_bias[j] = 0
    for four in range(fours):
        i0 = np.uint64(4) * four
        i1, i2, i3 = i0 + np.uint64(1), i0 + np.uint64(2), i0 + np.uint64(3)
        for j in range(np.uint64(units)):
            d_bias[j] = d_bias[j] + dy[i0, j] + dy[i1, j] + dy[i2, j] + dy[i3, j]
    for i in range(np.uint64(4) * fours, np.uint64(n)):
        for j in range(np.uint64(units)):
            d_bias[j] += dy[i, j]


@compiled(reassociate=True)
def dense_input_gradient(dy, weight, dx):
    fan_in, units = weight.shape
    if len(dy) == 1 and weight.nbytes <= ONE_ROW_BYTES:
        for k in range(np.uint64(fan_in)):
            total = dy.dtype.type(0)
            for j in range(np.uint64(units)):
                total += dy[0, j] * weight[k, j]
            dx[0, k] = total
    else:
        multiply(dy, weight.T, dx)
