"""Twins of `layers/preprocessing.py`.

x may hold integers, booleans or floats; y has the network's dtype.
"""

import numpy as np

from glassnet.kernels.compile import compiled


@compiled
def rescale_forward(x, scale, offset, y):
    number = y.dtype.type
    factor, shift = number(scale[()]), number(offset[()])
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        y[i] = factor * number(x[i]) + shift


@compiled
def rescale_backward(dy, scale, dx):
    factor = dy.dtype.type(scale[()])
    dy, dx = dy.flat, dx.flat
    for i in range(np.uint64(len(dy))):
        dx[i] = factor * dy[i]


@compiled
def standardize_forward(x, mean, std, work, y):
    # `work` stays as it is: here x − mean is in a register, in float64 as in the reference.
    features = np.uint64(mean.size)
    x, y = x.flat, y.flat
    mean, std = mean.flat, std.flat
    for start in range(np.uint64(0), np.uint64(len(x)), features):
        for j in range(features):
            y[start + j] = (np.float64(x[start + j]) - mean[j]) / std[j]


@compiled
def standardize_backward(dy, std, dx):
    features = np.uint64(std.size)
    dy, dx, std = dy.flat, dx.flat, std.flat
    for start in range(np.uint64(0), np.uint64(len(dy)), features):
        for j in range(features):
            dx[start + j] = dy[start + j] / std[j]


@compiled
def impute_forward(x, fill, chosen, missing, y):
    features = np.uint64(fill.size)
    x, y, missing = x.flat, y.flat, missing.flat
    fill, chosen = fill.flat, chosen.flat
    for start in range(np.uint64(0), np.uint64(len(x)), features):
        for j in range(features):
            value = x[start + j]
            unknown = (value != value) & chosen[j]  # only NaN differs from itself
            missing[start + j] = unknown
            y[start + j] = fill[j] if unknown else value


@compiled
def impute_backward(dy, missing, dx):
    zero = dy.dtype.type(0)
    dy, dx, missing = dy.flat, dx.flat, missing.flat
    for i in range(np.uint64(len(dy))):
        dx[i] = zero if missing[i] else dy[i]


@compiled
def one_hot_forward(x, source, code, y):
    for i in range(np.uint64(y.shape[0])):
        for k in range(np.uint64(y.shape[1])):
            value = x[i, source[k]]
            y[i, k] = value if code[k] < 0 else value == code[k]


@compiled
def one_hot_backward(dy, source, code, dx):
    for i in range(np.uint64(dx.shape[0])):
        for j in range(np.uint64(dx.shape[1])):
            dx[i, j] = 0
        for k in range(np.uint64(dy.shape[1])):
            if code[k] < 0:
                dx[i, source[k]] = dy[i, k]


@compiled
def refuse_unknown_codes(x, columns, sizes):
    for k in range(np.uint64(columns.size)):
        column, size = columns[k], sizes[k]
        for i in range(np.uint64(x.shape[0])):
            code = x[i, column]
            if not (code >= 0 and code < size and code == np.floor(code)):
                raise ValueError  # the reference says which
