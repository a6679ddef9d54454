"""Twins of `layers/dense.py`: BLAS, and loops for one row, where a call of BLAS costs more.

Which of the two runs depends on shapes alone, so that equal runs have equal bits.

Over a single row, inputs that are zero are passed over where four of them come together (of MNIST's
pixels 81 % are zero). They would add 0 · w, which is nothing as long as w is finite: a weight that
has become infinite or NaN does not show in a row whose input beside it is zero.

BLAS reads xᵀ and Wᵀ in place, and arrays may be parts of others (`glassnet.owners`). Loops over
rows of W add four of them at a time, in order: as one after the other, but with a quarter of the
traffic to y. For several rows they would save a call of some 0.1 µs at best (8 × 8 × 8), and lose
from 16 × 16 × 16, unless most inputs are zero (`few_inputs`). The sum of a few outer products,
xᵀ dy, is another matter: it takes its time to be written down, which loops do as fast as BLAS
(`few_rows`).
"""

from __future__ import annotations

import numpy as np

from glassnet.kernels.compile import compiled
from glassnet.kernels.products import multiply

ONE, TWO = np.uint64(1), np.uint64(2)

FEW_ROWS, MANY_UNITS = 4, 64
"""xᵀ dy of so few rows for so many units is made by loops: 1.0 to 1.8 times as fast as by BLAS, and
an optimizer can take its step in the same pass (`fused.descend_by_rows`). With 32 units it is 0.7
to 1.0 in float32; with 5 to 8 rows 0.5 to 1.0."""

FEW_INPUTS, WIDE_BYTES = 0.25, 512
"""x W of few rows passes zeros over if at most this share of x is not zero and a row of W has so
many bytes. Over MNIST, 19 %, BLAS takes 1.4 to 2 times as long for 784 × 128 to 784 × 256 in
float32, but 0.5 to 1.6 for 784 × 32 to 784 × 64."""

ONE_ROW_BYTES = 32_768
"""Weights up to here are multiplied with a single row's dy by loops, one dot product after the
other. BLAS takes 1.6 times as long in float32 at 32 × 10, 1.2 at 64 × 64, but 0.9 at 128 × 128."""


@compiled(inline=True, rounded=True)
def product(a, b):
    """a · b, rounded."""
    return a * b


@compiled(inline=True)
def few_inputs(x, weight):
    """Whether x W is made by loops: over a single row, or over few inputs that are not zero.

    Half of the columns of W has the answer of the whole: what counts is how far rows are apart.
    """
    n, fan_in = x.shape
    if n == 1:
        return True
    if n > FEW_ROWS or weight.strides[0] < WIDE_BYTES:
        return False
    zero, allowed, found = x.dtype.type(0), FEW_INPUTS * x.size, 0
    for i in range(np.uint64(n)):
        in_row = np.int32(0)
        for k in range(np.uint64(fan_in)):
            in_row += np.int32(x[i, k] != zero)
        found += in_row
        if found > allowed:
            return False
    return True


@compiled(inline=True)
def row_times_matrix(x, i, weight, y):
    """y ← y + x W in row i, adding x₀ W₀, x₁ W₁, … in order; at any size as fast as BLAS."""
    fan_in, units = weight.shape
    fours = np.uint64(fan_in // 4)
    zero = x.dtype.type(0)
    for four in range(fours):
        k0 = np.uint64(4) * four
        k1, k2, k3 = k0 + np.uint64(1), k0 + np.uint64(2), k0 + np.uint64(3)
        x0, x1, x2, x3 = x[i, k0], x[i, k1], x[i, k2], x[i, k3]
        if abs(x0) + abs(x1) + abs(x2) + abs(x3) == zero:
            continue
        for j in range(np.uint64(units)):
            total = y[i, j] + x0 * weight[k0, j] + x1 * weight[k1, j]
            y[i, j] = total + x2 * weight[k2, j] + x3 * weight[k3, j]
    for k in range(np.uint64(4) * fours, np.uint64(fan_in)):
        xk = x[i, k]
        for j in range(np.uint64(units)):
            y[i, j] += xk * weight[k, j]


@compiled
def dense_forward(x, weight, bias, y):
    n, units = y.shape
    if few_inputs(x, weight):
        for i in range(np.uint64(n)):
            for j in range(np.uint64(units)):
                y[i, j] = bias[j]
            row_times_matrix(x, i, weight, y)
    else:
        multiply(x, weight, y)
        for i in range(np.uint64(n)):
            for j in range(np.uint64(units)):
                y[i, j] += bias[j]


@compiled
def dense_forward_without_bias(x, weight, y):
    n, units = y.shape
    if few_inputs(x, weight):
        for i in range(np.uint64(n)):
            for j in range(np.uint64(units)):
                y[i, j] = 0
            row_times_matrix(x, i, weight, y)
    else:
        multiply(x, weight, y)


# xᵀ dy of a few rows. Two of its rows are made at a time, which read each dy once for both. Batches
# of three rows are taken for four, the last with inputs of zero.


@compiled(inline=True)
def few_rows(n, units):
    """Whether xᵀ dy of n rows for so many units is made by loops."""
    return n == 1 or (1 < n <= FEW_ROWS and units >= MANY_UNITS)


@compiled(inline=True)
def column(x, k):
    """xₖ of each of up to four rows."""
    n, zero = x.shape[0], x.dtype.type(0)
    x1 = x[1, k] if n > 1 else zero
    x2 = x[2, k] if n > 2 else zero
    x3 = x[3, k] if n > 3 else zero
    return x[0, k], x1, x2, x3


@compiled(inline=True)
def two_rows(dy, j):
    """dyⱼ of two rows."""
    return dy[0, j], dy[1, j]


@compiled(inline=True)
def four_rows(dy, j):
    """dyⱼ of up to four rows; the last stands in for those that there are not."""
    last = np.uint64(len(dy) - 1)
    return dy[0, j], dy[min(ONE, last), j], dy[min(TWO, last), j], dy[last, j]


@compiled(inline=True)
def of_two_rows(xk, d):
    """Σ over two rows of xₖ dyⱼ."""
    return product(xk[0], d[0]) + xk[1] * d[1]


@compiled(inline=True)
def of_four_rows(xk, d):
    """Σ over four rows of xₖ dyⱼ."""
    return product(xk[0], d[0]) + xk[1] * d[1] + xk[2] * d[2] + xk[3] * d[3]


@compiled
def dense_weight_gradient(x, dy, d_weight):
    n = len(x)
    fan_in, units = np.uint64(d_weight.shape[0]), np.uint64(d_weight.shape[1])
    if n == 1:  # an outer product, which BLAS makes in twice the time at any size
        for k in range(fan_in):
            xk = x[0, k]
            for j in range(units):
                d_weight[k, j] = xk * dy[0, j]
    elif few_rows(n, units):
        for pair in range(fan_in // TWO):
            k = TWO * pair
            q = k + ONE
            xk, xq = column(x, k), column(x, q)
            if n == 2:
                for j in range(units):
                    d = two_rows(dy, j)
                    d_weight[k, j] = of_two_rows(xk, d)
                    d_weight[q, j] = of_two_rows(xq, d)
            else:
                for j in range(units):
                    d = four_rows(dy, j)
                    d_weight[k, j] = of_four_rows(xk, d)
                    d_weight[q, j] = of_four_rows(xq, d)
        for k in range(fan_in // TWO * TWO, fan_in):
            xk = column(x, k)
            for j in range(units):
                d_weight[k, j] = of_four_rows(xk, four_rows(dy, j))
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
