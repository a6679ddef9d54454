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
    number = x.dtype.type
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        y[i] = x[i] * number(normal_distribution(x[i]))


@compiled
def gelu_backward(dy, x, dx):
    number = x.dtype.type
    limit, half = number(FLAT), number(0.5)
    peak = number(1 / math.sqrt(2 * math.pi))
    dy, x, dx = dy.flat, x.flat, dx.flat
    for i in range(np.uint64(len(x))):
        z = clipped(x[i], limit)
        density = peak * exp(-half * z * z)
        dx[i] = dy[i] * (number(normal_distribution(x[i])) + z * density)


@compiled
def gelu_tanh_forward(x, y):
    limit, cubic = x.dtype.type(FLAT), x.dtype.type(0.044715)
    steepness = x.dtype.type(2 * math.sqrt(2 / math.pi))
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        z = clipped(x[i], limit)
        y[i] = x[i] * sigmoid(steepness * (z + cubic * z * z * z))


@compiled
def gelu_tanh_backward(dy, x, dx):
    limit, cubic = x.dtype.type(FLAT), x.dtype.type(0.044715)
    steepness = x.dtype.type(2 * math.sqrt(2 / math.pi))
    one, three = x.dtype.type(1), x.dtype.type(3)
    dy, x, dx = dy.flat, x.flat, dx.flat
    for i in range(np.uint64(len(x))):
        z = clipped(x[i], limit)
        gate = sigmoid(steepness * (z + cubic * z * z * z))
        d_inner = steepness * (one + three * cubic * z * z)
        dx[i] = dy[i] * (gate + z * d_inner * gate * (one - gate))


@compiled
def silu_forward(x, y):
    x, y = x.flat, y.flat
    for i in range(np.uint64(len(x))):
        y[i] = x[i] * sigmoid(x[i])


@compiled
def silu_backward(dy, x, dx):
    one = x.dtype.type(1)
    dy, x, dx = dy.flat, x.flat, dx.flat
    for i in range(np.uint64(len(x))):
        gate = sigmoid(x[i])
        dx[i] = dy[i] * (gate + x[i] * gate * (one - gate))
