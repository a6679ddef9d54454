"""Twins of `layers/dropout.py`, equal to the references bit for bit."""

import numpy as np

from glassnet.kernels.compile import compiled


@compiled
def dropout_next_step(step):
    step[0] += 1


@compiled
def dropout_forward(x, words, rate, mask, y):
    threshold = np.uint32(min(np.rint(rate[()] * 2.0**32), 2.0**32 - 1.0))
    dropped, enlarged = x.dtype.type(0), x.dtype.type(1 / (1 - rate[()]))
    x, mask, y = x.flat, mask.flat, y.flat
    for i in range(np.uint64(len(x))):
        m = enlarged if words[i] >= threshold else dropped
        mask[i] = m
        y[i] = x[i] * m


@compiled
def dropout_backward(dy, mask, dx):
    dy, mask, dx = dy.flat, mask.flat, dx.flat
    for i in range(np.uint64(len(dy))):
        dx[i] = dy[i] * mask[i]
