"""Twins of `layers/layer_norm.py`. Sums along a row may be reordered, so that they vectorise."""

import numpy as np

from glassnet.kernels.compile import compiled


@compiled(reassociate=True)
def layer_norm_forward(x, gamma, beta, epsilon, x_hat, inv_std, y):
    number = x.dtype.type
    n, d = np.uint64(x.shape[0]), np.uint64(x.shape[1])
    share, small = number(1 / d), number(epsilon[()])
    for i in range(n):
        total = number(0)
        for j in range(d):
            total += x[i, j]
        mean = total * share
        squares = number(0)
        for j in range(d):
            centred = x[i, j] - mean
            squares += centred * centred
        scale = number(1) / np.sqrt(squares * share + small)
        inv_std[i, 0] = scale
        for j in range(d):
            standard = (x[i, j] - mean) * scale
            x_hat[i, j] = standard
            y[i, j] = standard * gamma[j] + beta[j]


@compiled(reassociate=True)
def layer_norm_backward(dy, x_hat, inv_std, gamma, dx, d_gamma, d_beta):
    number = dy.dtype.type
    n, d = np.uint64(dy.shape[0]), np.uint64(dy.shape[1])
    share = number(1 / d)
    for j in range(d):
        d_gamma[j] = number(0)
        d_beta[j] = number(0)
    for i in range(n):
        shift = number(0)
        stretch = number(0)
        for j in range(d):
            g = gamma[j] * dy[i, j]
            shift += g
            stretch += g * x_hat[i, j]
        shift *= share
        stretch *= share
        scale = inv_std[i, 0]
        for j in range(d):
            d_gamma[j] += dy[i, j] * x_hat[i, j]
            d_beta[j] += dy[i, j]
        for j in range(d):
            dx[i, j] = scale * (gamma[j] * dy[i, j] - shift - x_hat[i, j] * stretch)
