"""Twins of `layers/activations.py`."""

import numpy as np

from glassnet.kernels import mathematics
from glassnet.kernels.compile import compiled


@compiled
def sigmoid_forward(x, y):
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        y[i] = mathematics.sigmoid(x[i])


@compiled
def sigmoid_backward(dy, y, dx):
    one = y.dtype.type(1)
    dy, y, dx = dy.flat, y.flat, dx.flat
    for i in range(np.uint64(len(y))):
        dx[i] = (one - y[i]) * y[i] * dy[i]


@compiled
def tanh_forward(x, y):
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        y[i] = mathematics.tanh(x[i])


@compiled
def tanh_backward(dy, y, dx):
    one = y.dtype.type(1)
    dy, y, dx = dy.flat, y.flat, dx.flat
    for i in range(np.uint64(len(y))):
        dx[i] = (one - y[i] * y[i]) * dy[i]


@compiled
def softplus_forward(x, y):
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        y[i] = mathematics.softplus(x[i])


@compiled
def softplus_backward(dy, x, dx):
    dy, x, dx = dy.flat, x.flat, dx.flat
    for i in range(np.uint64(len(x))):
        dx[i] = mathematics.sigmoid(x[i]) * dy[i]
