"""Twins of `layers/preprocessing.py`.

x may hold integers, booleans or floats; y has the network's dtype.
"""

import numpy as np

from glassnet.kernels.compile import compiled


@compiled
def rescale_forward(x, scale, offset, y):
    x, y = x.reshape(x.size), y.reshape(y.size)
    factor, shift = y.dtype.type(scale[()]), y.dtype.type(offset[()])
    for i in range(np.uint64(x.size)):
        y[i] = factor * y.dtype.type(x[i]) + shift


@compiled
def rescale_backward(dy, scale, dx):
    dy, dx = dy.reshape(dy.size), dx.reshape(dx.size)
    factor = dy.dtype.type(scale[()])
    for i in range(np.uint64(dy.size)):
        dx[i] = factor * dy[i]


@compiled
def standardize_forward(x, mean, std, work, y):
    # `work` stays as it is: here x − mean is in a register, in float64 as in the reference.
    features = np.uint64(mean.size)
    x, y = x.reshape(x.size), y.reshape(y.size)
    mean, std = mean.reshape(mean.size), std.reshape(std.size)
    for start in range(np.uint64(0), np.uint64(x.size), features):
        for j in range(features):
            y[start + j] = (np.float64(x[start + j]) - mean[j]) / std[j]


@compiled
def standardize_backward(dy, std, dx):
    features = np.uint64(std.size)
    dy, dx, std = dy.reshape(dy.size), dx.reshape(dx.size), std.reshape(std.size)
    for start in range(np.uint64(0), np.uint64(dy.size), features):
        for j in range(features):
            dx[start + j] = dy[start + j] / std[j]


@compiled
def impute_forward(x, fill, chosen, missing, y):
    features = np.uint64(fill.size)
    x, y, missing = x.reshape(x.size), y.reshape(y.size), missing.reshape(missing.size)
    fill, chosen = fill.reshape(fill.size), chosen.reshape(chosen.size)
    for start in range(np.uint64(0), np.uint64(x.size), features):
        for j in range(features):
            value = x[start + j]
            unknown = (value != value) & chosen[j]  # only NaN differs from itself
            missing[start + j] = unknown
            y[start + j] = fill[j] if unknown else value


@compiled
def impute_backward(dy, missing, dx):
    dy, dx, missing = dy.reshape(dy.size), dx.reshape(dx.size), missing.reshape(missing.size)
    for i in range(np.uint64(dy.size)):
        dx[i] = dy.dtype.type(0) if missing[i] else dy[i]


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
