"""Twins of `losses.py`: sums in float64, all else in the dtype of the outputs."""

from __future__ import annotations

import math

import numpy as np

from glassnet.kernels.compile import compiled
from glassnet.kernels.mathematics import exp, log1p


@compiled(inline=True, reassociate=True)
def row_sum(array, i):
    """Σₖ of row i in float64, in whatever order is fastest."""
    total = 0.0
    for k in range(np.uint64(array.shape[1])):
        total += np.float64(array[i, k])
    return total


@compiled(reassociate=True)
def squared_error(outputs, targets, losses, gradient):
    n, width = outputs.shape
    for i in range(np.uint64(n)):
        for k in range(np.uint64(width)):
            gradient[i, k] = outputs[i, k] - targets[i, k]
        total = 0.0
        for k in range(np.uint64(width)):
            total += np.float64(gradient[i, k]) * np.float64(gradient[i, k])
        losses[i] = 0.5 * total


@compiled(reassociate=True)
def summed_squares(outputs, targets, losses, gradient):
    n, width = outputs.shape
    for i in range(np.uint64(n)):
        total = 0.0
        for k in range(np.uint64(width)):
            d = outputs[i, k] - targets[i, k]
            total += np.float64(d) * np.float64(d)
        for k in range(np.uint64(width)):
            d = outputs[i, k] - targets[i, k]
            gradient[i, k] = d + d
        losses[i] = total


@compiled(reassociate=True)
def absolute_error(outputs, targets, losses, gradient):
    n, width = outputs.shape
    one = gradient.dtype.type(1)
    for i in range(np.uint64(n)):
        total = 0.0
        for k in range(np.uint64(width)):
            total += np.float64(abs(outputs[i, k] - targets[i, k]))
        for k in range(np.uint64(width)):
            d = outputs[i, k] - targets[i, k]
            # in this order the sign of zero is zero and that of NaN is NaN
            gradient[i, k] = one if d > 0 else -one if d < 0 else d
        losses[i] = total


@compiled(reassociate=True)
def huber(outputs, targets, delta, losses, gradient):
    n, width = outputs.shape
    high = gradient.dtype.type(delta[()])
    low, half = -high, gradient.dtype.type(0.5)
    for i in range(np.uint64(n)):
        for k in range(np.uint64(width)):
            d = outputs[i, k] - targets[i, k]
            cut = high if d > high else d
            gradient[i, k] = low if cut < low else cut
        total = 0.0
        for k in range(np.uint64(width)):
            d, cut = outputs[i, k] - targets[i, k], gradient[i, k]
            total += np.float64(cut * (d - half * cut))
        losses[i] = total


@compiled
def binary_cross_entropy(logits, targets, losses, gradient):
    # The terms of the losses first, where the gradient will be: flat loops vectorise even for rows
    # of one number, and exponentials computed twice are still cheaper than one at a time.
    n, size = len(logits), logits.size
    z, y, terms = logits.flat, targets.flat, gradient.flat
    zero, one = gradient.dtype.type(0), gradient.dtype.type(1)
    for e in range(np.uint64(size)):
        positive = z[e] if z[e] > zero else zero
        terms[e] = positive - z[e] * y[e] + log1p(exp(-abs(z[e])))
    for i in range(np.uint64(n)):
        losses[i] = row_sum(gradient, i)
    for e in range(np.uint64(size)):
        small = exp(-abs(z[e]))
        sigma = (one if z[e] >= zero else small) / (one + small)
        terms[e] = sigma - y[e]


@compiled
def softmax_cross_entropy(logits, targets, smoothing, losses, gradient):
    # Exponentials in one flat loop, which vectorises however short the rows are; what comes before
    # and after it goes row by row. The row's largest logit waits in `losses`.
    n, classes = logits.shape
    number = gradient.dtype.type
    kept, spread = number(1.0 - smoothing[()]), number(smoothing[()] / classes)
    for i in range(np.uint64(n)):
        top = logits[i, 0]
        for k in range(np.uint64(classes)):
            top = max(top, logits[i, k])
        losses[i] = top
        for k in range(np.uint64(classes)):
            gradient[i, k] = logits[i, k] - top
    p = gradient.flat
    for e in range(np.uint64(len(p))):
        p[e] = exp(p[e])
    for i in range(np.uint64(n)):
        total = row_sum(gradient, i)
        log_total, share, top = number(math.log(total)), number(1.0 / total), losses[i]
        loss = 0.0
        for k in range(np.uint64(classes)):
            q = kept * targets[i, k] + spread
            loss += np.float64(q * (log_total - (logits[i, k] - top)))
            gradient[i, k] = gradient[i, k] * share - q
        losses[i] = loss


@compiled(reassociate=True)
def weigh_by_class(targets, by_class, weights, row_weights):
    n, classes = targets.shape
    for i in range(np.uint64(n)):
        if classes == 1:
            of_row = by_class[0] + targets[i, 0] * (by_class[1] - by_class[0])
        else:
            of_row = 0.0
            for k in range(np.uint64(classes)):
                of_row += targets[i, k] * by_class[k]
        row_weights[i] = weights[i] * of_row


@compiled(inline=True, reassociate=True)
def add_up(weights, terms, losses, total):
    """total = Σ wᵢ ℓᵢ and N, of both reductions."""
    weighted, norm = 0.0, 0.0
    for i in range(np.uint64(losses.size)):
        weighted += np.float64(losses[i] * weights[i])
        norm += np.float64(weights[i])
    total[0], total[1] = weighted, terms[()] * norm


@compiled
def mean_of_rows(weights, terms, losses, gradient, total):
    add_up(weights, terms, losses, total)
    n, width = gradient.shape
    divisor = total[1] if total[1] != 0 else 1.0
    for i in range(np.uint64(n)):
        share = gradient.dtype.type(
            weights[i] / divisor
        )  # in double: tiny weights must not overflow
        for k in range(np.uint64(width)):
            gradient[i, k] *= share


@compiled
def sum_of_rows(weights, terms, losses, gradient, total):
    add_up(weights, terms, losses, total)
    n, width = gradient.shape
    for i in range(np.uint64(n)):
        weight = weights[i]
        for k in range(np.uint64(width)):
            gradient[i, k] *= weight


@compiled
def stop_unless_finite(total):
    if not math.isfinite(total[0]):
        raise FloatingPointError
