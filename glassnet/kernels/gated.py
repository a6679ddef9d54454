"""Twins of `layers/gated.py`.

Φ is had from erfc, which keeps the digits of very small shares, in double precision, which the
argument −x/√2 needs far out: there a relative error δ of x becomes one of x² δ in Φ.
"""

import math

import numpy as np

from glassnet.kernels.compile import compiled
from glassnet.kernels.mathematics import exp, sigmoid

FLAT = 40.0  # see the references


@compiled(inline=True)
def normal_distribution(x):
    """Φ(x) as float64."""
    return 0.5 * math.erfc(-math.sqrt(0.5) * np.float64(x))


@compiled(inline=True)
def clipped(x, limit):
    """x cut to [−limit, limit]; NaN stays."""
    x = -limit if x < -limit else x
    return limit if x > limit else x


@compiled
def gelu_forward(x, y):
    x, y = x.reshape(x.size), y.reshape(y.size)
    for i in range(np.uint64(x.size)):
        y[i] = x[i] * x.dtype.type(normal_distribution(x[i]))


@compiled
def gelu_backward(dy, x, dx):
    dy, x, dx = dy.reshape(dy.size), x.reshape(x.size), dx.reshape(dx.size)
    limit, half = x.dtype.type(FLAT), x.dtype.type(0.5)
    peak = x.dtype.type(1 / math.sqrt(2 * math.pi))
    for i in range(np.uint64(x.size)):
        z = clipped(x[i], limit)
        density = peak * exp(-half * z * z)
        dx[i] = dy[i] * (x.dtype.type(normal_distribution(x[i])) + z * density)


@compiled
def gelu_tanh_forward(x, y):
    x, y = x.reshape(x.size), y.reshape(y.size)
    limit, cubic = x.dtype.type(FLAT), x.dtype.type(0.044715)
    steepness = x.dtype.type(2 * math.sqrt(2 / math.pi))
    for i in range(np.uint64(x.size)):
        z = clipped(x[i], limit)
        y[i] = x[i] * sigmoid(steepness * (z + cubic * z * z * z))


@compiled
def gelu_tanh_backward(dy, x, dx):
    dy, x, dx = dy.reshape(dy.size), x.reshape(x.size), dx.reshape(dx.size)
    limit, cubic = x.dtype.type(FLAT), x.dtype.type(0.044715)
    steepness = x.dtype.type(2 * math.sqrt(2 / math.pi))
    one, three = x.dtype.type(1), x.dtype.type(3)
    for i in range(np.uint64(x.size)):
        z = clipped(x[i], limit)
        gate = sigmoid(steepness * (z + cubic * z * z * z))
        d_inner = steepness * (one + three * cubic * z * z)
        dx[i] = dy[i] * (gate + z * d_inner * gate * (one - gate))


@compiled
def silu_forward(x, y):
    x, y = x.reshape(x.size), y.reshape(y.size)
    for i in range(np.uint64(x.size)):
        y[i] = x[i] * sigmoid(x[i])


@compiled
def silu_backward(dy, x, dx):
    dy, x, dx = dy.reshape(dy.size), x.reshape(x.size), dx.reshape(dx.size)
    one = x.dtype.type(1)
    for i in range(np.uint64(x.size)):
        gate = sigmoid(x[i])
        dx[i] = dy[i] * (gate + x[i] * gate * (one - gate))
