"""Twins of `layers/rectifiers.py`.

Each comparison is such that NaN goes where it goes in the reference: `zero if v <= zero else v` is
max(v, 0) with max(NaN, 0) = NaN.
"""

import numpy as np

from glassnet.kernels.compile import compiled
from glassnet.kernels.mathematics import exp, expm1


@compiled
def relu_forward(x, y):
    zero = x.dtype.type(0)
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        y[i] = zero if x[i] <= zero else x[i]


@compiled
def relu_backward(dy, y, dx):
    zero, one = y.dtype.type(0), y.dtype.type(1)
    dy, y, dx = dy.flat, y.flat, dx.flat
    for i in range(np.uint64(len(y))):
        dx[i] = dy[i] * (one if y[i] > zero else zero)


@compiled
def leaky_relu_forward(x, slope, y):
    zero, a = x.dtype.type(0), x.dtype.type(slope[()])
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        y[i] = x[i] if x[i] > zero else a * x[i]


@compiled
def leaky_relu_backward(dy, x, slope, dx):
    zero, a = x.dtype.type(0), x.dtype.type(slope[()])
    dy, x, dx = dy.flat, x.flat, dx.flat
    for i in range(np.uint64(len(x))):
        dx[i] = dy[i] if x[i] > zero else a * dy[i]


@compiled
def prelu_forward(x, slope, y):
    zero = x.dtype.type(0)
    for i in range(np.uint64(x.shape[0])):
        for k in range(np.uint64(x.shape[1])):
            a = slope[k]
            for j in range(np.uint64(x.shape[2])):
                y[i, k, j] = x[i, k, j] if x[i, k, j] > zero else a * x[i, k, j]


@compiled(reassociate=True)
def prelu_backward(dy, x, slope, dx, d_slope):
    zero = x.dtype.type(0)
    for k in range(np.uint64(d_slope.size)):
        d_slope[k] = zero
    for i in range(np.uint64(x.shape[0])):
        for k in range(np.uint64(x.shape[1])):
            a = slope[k]
            for j in range(np.uint64(x.shape[2])):
                dx[i, k, j] = dy[i, k, j] if x[i, k, j] > zero else a * dy[i, k, j]
            total = zero
            for j in range(np.uint64(x.shape[2])):
                total += dy[i, k, j] * (zero if x[i, k, j] > zero else x[i, k, j])
            d_slope[k] += total


@compiled
def elu_forward(x, alpha, scale, y):
    zero, a, s = x.dtype.type(0), x.dtype.type(alpha[()]), x.dtype.type(scale[()])
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        negative = a * expm1(zero if x[i] > zero else x[i])
        y[i] = s * (x[i] if x[i] > zero else negative)


@compiled
def elu_backward(dy, x, alpha, scale, dx):
    zero, one = x.dtype.type(0), x.dtype.type(1)
    a, s = x.dtype.type(alpha[()]), x.dtype.type(scale[()])
    dy, x, dx = dy.flat, x.flat, dx.flat
    for i in range(np.uint64(len(x))):
        negative = a * exp(zero if x[i] > zero else x[i])
        dx[i] = s * (one if x[i] > zero else negative) * dy[i]
