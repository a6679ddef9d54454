"""Twins of `estimators/objectives.py`."""

import math

import numpy as np

from glassnet.kernels.compile import compiled
from glassnet.kernels.mathematics import exp


@compiled
def poisson(log_rates, targets, losses, gradient):
    n, width = log_rates.shape
    for i in range(np.uint64(n)):
        loss = 0.0
        for k in range(np.uint64(width)):
            z, y = log_rates[i, k], targets[i, k]
            mu = exp(z)
            y_log_y = y * math.log(y) if y > 0 else 0.0
            loss += y_log_y - np.float64(y) * z - y + mu
            gradient[i, k] = mu - y
        losses[i] = loss


@compiled(reassociate=True)
def add_penalty(weights, alpha, terms, scale, total, l2):
    rows = total[1] / terms[()]
    l2[()] = alpha[()] / rows if rows != 0 else 0.0
    squares = 0.0
    for i in range(np.uint64(weights.size)):
        w = np.float64(weights[i])
        squares += w * w
    total[0] += 0.5 * scale[()] * alpha[()] * squares
