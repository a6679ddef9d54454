"""Twins of `layers/activations.py`."""

import numpy as np

from glassnet.kernels import mathematics
from glassnet.kernels.compile import compiled


@compiled
def sigmoid_forward(x, y):
    x, y = x.reshape(x.size), y.reshape(y.size)
    for i in range(np.uint64(x.size)):
        y[i] = mathematics.sigmoid(x[i])


@compiled
def sigmoid_backward(dy, y, dx):
    dy, y, dx = dy.reshape(dy.size), y.reshape(y.size), dx.reshape(dx.size)
    one = y.dtype.type(1)
    for i in range(np.uint64(y.size)):
        dx[i] = (one - y[i]) * y[i] * dy[i]


@compiled
def tanh_forward(x, y):
    x, y = x.reshape(x.size), y.reshape(y.size)
    for i in range(np.uint64(x.size)):
        y[i] = mathematics.tanh(x[i])


@compiled
def tanh_backward(dy, y, dx):
    dy, y, dx = dy.reshape(dy.size), y.reshape(y.size), dx.reshape(dx.size)
    one = y.dtype.type(1)
    for i in range(np.uint64(y.size)):
        dx[i] = (one - y[i] * y[i]) * dy[i]


@compiled
def softplus_forward(x, y):
    x, y = x.reshape(x.size), y.reshape(y.size)
    for i in range(np.uint64(x.size)):
        y[i] = mathematics.softplus(x[i])


@compiled
def softplus_backward(dy, x, dx):
    dy, x, dx = dy.reshape(dy.size), x.reshape(x.size), dx.reshape(dx.size)
    for i in range(np.uint64(x.size)):
        dx[i] = mathematics.sigmoid(x[i]) * dy[i]
