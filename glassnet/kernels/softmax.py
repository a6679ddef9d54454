"""Twins of `layers/softmax.py`. All axes but the last are taken as one axis of rows."""

import numpy as np

from glassnet.kernels.compile import compiled
from glassnet.kernels.mathematics import exp


@compiled(reassociate=True)
def softmax_forward(x, y):
    columns = np.uint64(x.shape[x.ndim - 1])
    x, y = x.reshape(x.size), y.reshape(y.size)
    for start in range(np.uint64(0), np.uint64(x.size), columns):
        end = start + columns
        largest = x[start]
        for i in range(start, end):
            largest = x[i] if x[i] > largest else largest
        total = x.dtype.type(0)
        for i in range(start, end):
            y[i] = exp(x[i] - largest)
        for i in range(start, end):
            total += y[i]
        for i in range(start, end):
            y[i] = y[i] / total


@compiled(reassociate=True)
def softmax_backward(dy, y, dx):
    columns = np.uint64(y.shape[y.ndim - 1])
    dy, y, dx = dy.reshape(dy.size), y.reshape(y.size), dx.reshape(dx.size)
    for start in range(np.uint64(0), np.uint64(y.size), columns):
        end = start + columns
        inner = y.dtype.type(0)
        for i in range(start, end):
            inner += dy[i] * y[i]
        for i in range(start, end):
            dx[i] = y[i] * (dy[i] - inner)
