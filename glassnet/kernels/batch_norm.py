"""Twins of `layers/batch_norm.py`.

Sums over the batch are taken row by row, so that the inner loop runs along a row and vectorises.
What is had for each column is kept in outputs that are not needed yet: μ in the first row of y,
whose turn comes last. So nothing is allocated, and x and y (or dy and dx) cannot be the same array.

Some loops over a row stand in functions of their own and write one array each: a loop that writes
two of seven arrays, or whose row number is counted down in the same function, is not vectorised (4
times slower), because too much would have to be checked for arrays that overlap.
"""

import numpy as np

from glassnet.kernels.compile import compiled


@compiled(inline=True)
def column_statistics(x, first, last, running_mean, running_var, momentum, epsilon, mean, inv_std):
    """μ and 1/√(v + ε) of columns, and the running values moved; four rows at a time."""
    number = x.dtype.type
    n = np.uint64(x.shape[0])
    share, kept = number(1 / n), number(1 - momentum[()])
    taken, unbiased = number(momentum[()]), number(n / (n - 1.0))
    fours, var = n // np.uint64(4), inv_std

    for j in range(first, last):
        mean[j] = number(0)
        var[j] = number(0)
    for four in range(fours):
        i0 = np.uint64(4) * four
        i1, i2, i3 = i0 + np.uint64(1), i0 + np.uint64(2), i0 + np.uint64(3)
        for j in range(first, last):
            mean[j] = mean[j] + x[i0, j] + x[i1, j] + x[i2, j] + x[i3, j]
    for i in range(np.uint64(4) * fours, n):
        for j in range(first, last):
            mean[j] += x[i, j]
    for j in range(first, last):
        mean[j] *= share
    for four in range(fours):
        i0 = np.uint64(4) * four
        i1, i2, i3 = i0 + np.uint64(1), i0 + np.uint64(2), i0 + np.uint64(3)
        for j in range(first, last):
            c0, c1 = x[i0, j] - mean[j], x[i1, j] - mean[j]
            c2, c3 = x[i2, j] - mean[j], x[i3, j] - mean[j]
            var[j] = var[j] + c0 * c0 + c1 * c1 + c2 * c2 + c3 * c3
    for i in range(np.uint64(4) * fours, n):
        for j in range(first, last):
            centred = x[i, j] - mean[j]
            var[j] += centred * centred
    for j in range(first, last):
        v = var[j] * share
        running_mean[j] = kept * running_mean[j] + taken * mean[j]
        running_var[j] = kept * running_var[j] + taken * (v * unbiased)
        inv_std[j] = number(1) / np.sqrt(v + number(epsilon[()]))


@compiled(inline=True)
def standardise_row(x, i, first, last, mean, inv_std, x_hat):
    """x̂ = (x − μ) / √(v + ε) in columns of row i."""
    for j in range(first, last):
        x_hat[i, j] = (x[i, j] - mean[j]) * inv_std[j]


@compiled(inline=True)
def scale_row(x_hat, i, gamma, beta, y):
    """y = γ x̂ + β in row i."""
    for j in range(np.uint64(y.shape[1])):
        y[i, j] = x_hat[i, j] * gamma[j] + beta[j]


@compiled
def batch_norm_forward(
    x, gamma, beta, running_mean, running_var, momentum, epsilon, x_hat, inv_std, y
):
    n, d, zero = np.uint64(x.shape[0]), np.uint64(x.shape[1]), np.uint64(0)
    if n < 2:
        return  # the layer refuses it
    mean = y[0]
    column_statistics(x, zero, d, running_mean, running_var, momentum, epsilon, mean, inv_std)
    for back in range(n):
        i = n - np.uint64(1) - back
        standardise_row(x, i, zero, d, mean, inv_std, x_hat)
        scale_row(x_hat, i, gamma, beta, y)


@compiled
def batch_norm_backward(dy, x_hat, inv_std, gamma, dx, d_gamma, d_beta):
    n, d = np.uint64(dy.shape[0]), np.uint64(dy.shape[1])
    share = dy.dtype.type(1 / n)
    for j in range(d):
        d_gamma[j] = dy.dtype.type(0)
        d_beta[j] = dy.dtype.type(0)
    for i in range(n):
        for j in range(d):
            d_gamma[j] += dy[i, j] * x_hat[i, j]
            d_beta[j] += dy[i, j]
    for i in range(n):
        for j in range(d):
            undone = share * (d_beta[j] + x_hat[i, j] * d_gamma[j])
            dx[i, j] = gamma[j] * inv_std[j] * (dy[i, j] - undone)


@compiled(inline=True)
def running_scale(x, gamma, running_var, epsilon, scale):
    """γ/√(v + ε) of each column."""
    for j in range(np.uint64(x.shape[1])):
        scale[j] = gamma[j] / np.sqrt(running_var[j] + x.dtype.type(epsilon[()]))


@compiled(inline=True)
def normalise_row(x, i, running_mean, scale, beta, y):
    """y = γ x̂ + β in row i, with γ/√(v + ε) in `scale`."""
    for j in range(np.uint64(x.shape[1])):
        y[i, j] = (x[i, j] - running_mean[j]) * scale[j] + beta[j]


@compiled
def batch_norm_inference(x, gamma, beta, running_mean, running_var, epsilon, y):
    n = np.uint64(x.shape[0])
    if n == 0:
        return
    scale = y[0]  # until its turn comes, last
    running_scale(x, gamma, running_var, epsilon, scale)
    for back in range(n):
        normalise_row(x, n - np.uint64(1) - back, running_mean, scale, beta, y)


@compiled
def batch_norm_inference_backward(
    dy, x, gamma, running_mean, running_var, epsilon, dx, d_gamma, d_beta
):
    n, d = np.uint64(dy.shape[0]), np.uint64(dy.shape[1])
    number = dy.dtype.type
    for j in range(d):
        d_gamma[j] = number(0)
        d_beta[j] = number(0)
    if n == 0:
        return
    for i in range(n):
        for j in range(d):
            d_gamma[j] += dy[i, j] * (x[i, j] - running_mean[j])
            d_beta[j] += dy[i, j]
    first = dx[0]  # holds γ/√(v + ε) until its turn comes, last
    for j in range(d):
        inv_std = number(1) / np.sqrt(running_var[j] + number(epsilon[()]))
        d_gamma[j] *= inv_std
        first[j] = gamma[j] * inv_std
    for i in range(n):
        row = n - np.uint64(1) - i
        for j in range(d):
            dx[row, j] = first[j] * dy[row, j]


@compiled
def channels_to_rows(images, rows):
    n, channels, positions = images.shape
    for i in range(np.uint64(n)):
        for p in range(np.uint64(positions)):
            for c in range(np.uint64(channels)):
                rows[i * np.uint64(positions) + p, c] = images[i, c, p]


@compiled
def rows_to_channels(rows, images):
    n, channels, positions = images.shape
    for i in range(np.uint64(n)):
        for c in range(np.uint64(channels)):
            for p in range(np.uint64(positions)):
                images[i, c, p] = rows[i * np.uint64(positions) + p, c]
