"""Twins of `optimizers.py`: one pass over θ, its gradient and what is remembered, for each step.

Hyperparameters are read once and products of them are formed in float64; what the loop uses of them
has the type of θ. Adam's bias corrections are moved from the vectors into two such numbers.
"""

from __future__ import annotations

import math

import numpy as np

from glassnet.kernels.compile import compiled


@compiled
def clip_by_value(gradient, limit):
    high = gradient.dtype.type(limit[()])
    low = -high
    for i in range(np.uint64(gradient.size)):
        g = gradient[i]
        g = high if g > high else g  # in this order NaN stays NaN
        gradient[i] = low if g < low else g


@compiled(reassociate=True)
def clip_by_norm(gradient, limit):
    squares = 0.0
    for i in range(np.uint64(gradient.size)):
        g = np.float64(gradient[i])
        squares += g * g
    shrink = limit[()] / (math.sqrt(squares) + 1e-6)
    if shrink < 1.0:  # a norm of NaN shrinks nothing, as min(1, NaN) does in the reference
        factor = gradient.dtype.type(shrink)
        for i in range(np.uint64(gradient.size)):
            gradient[i] *= factor


@compiled
def add_l2_gradient(theta, gradient, l2):
    strength = theta.dtype.type(l2[()])
    for i in range(np.uint64(theta.size)):
        gradient[i] += strength * theta[i]


@compiled
def decay_weights(theta, learning_rate, weight_decay):
    kept = theta.dtype.type(1.0 - learning_rate[()] * weight_decay[()])
    for i in range(np.uint64(theta.size)):
        theta[i] *= kept


@compiled
def sgd(theta, gradient, learning_rate):
    rate = theta.dtype.type(learning_rate[()])
    for i in range(np.uint64(theta.size)):
        theta[i] -= rate * gradient[i]


@compiled
def momentum_of_gradients(theta, gradient, velocity, learning_rate, momentum):
    rate, beta = theta.dtype.type(learning_rate[()]), theta.dtype.type(momentum[()])
    for i in range(np.uint64(theta.size)):
        velocity[i] = beta * velocity[i] + gradient[i]
        theta[i] -= rate * velocity[i]


@compiled
def momentum_of_steps(theta, gradient, velocity, learning_rate, momentum):
    rate, gamma = theta.dtype.type(learning_rate[()]), theta.dtype.type(momentum[()])
    for i in range(np.uint64(theta.size)):
        velocity[i] = gamma * velocity[i] + rate * gradient[i]
        theta[i] -= velocity[i]


@compiled
def nesterov(theta, gradient, velocity, learning_rate, momentum):
    rate, beta = theta.dtype.type(learning_rate[()]), theta.dtype.type(momentum[()])
    for i in range(np.uint64(theta.size)):
        velocity[i] = beta * velocity[i] + gradient[i]
        theta[i] -= rate * (gradient[i] + beta * velocity[i])


@compiled
def nesterov_of_steps(theta, gradient, velocity, learning_rate, momentum):
    rate, gamma = theta.dtype.type(learning_rate[()]), theta.dtype.type(momentum[()])
    for i in range(np.uint64(theta.size)):
        step = rate * gradient[i]
        velocity[i] = gamma * velocity[i] + step
        theta[i] -= step + gamma * velocity[i]


@compiled
def adagrad(theta, gradient, history, learning_rate, epsilon):
    rate, small = theta.dtype.type(learning_rate[()]), theta.dtype.type(epsilon[()])
    for i in range(np.uint64(theta.size)):
        history[i] += gradient[i] * gradient[i]
        theta[i] -= rate * gradient[i] / (math.sqrt(history[i]) + small)


@compiled
def rmsprop(theta, gradient, v, learning_rate, alpha, epsilon):
    rate, small = theta.dtype.type(learning_rate[()]), theta.dtype.type(epsilon[()])
    kept, new = theta.dtype.type(alpha[()]), theta.dtype.type(1.0 - alpha[()])
    for i in range(np.uint64(theta.size)):
        g = gradient[i]
        v[i] = kept * v[i] + new * (g * g)
        theta[i] -= rate * g / (math.sqrt(v[i]) + small)


@compiled(inline=True)
def adam_step(theta, gradient, m, v, rate, beta1, beta2, epsilon, correction):
    """One step in which v̂ = v · correction, and in which `rate` holds the correction of m."""
    step, grow = theta.dtype.type(rate), theta.dtype.type(correction)
    small = theta.dtype.type(epsilon)
    kept1, new1 = theta.dtype.type(beta1), theta.dtype.type(1.0 - beta1)
    kept2, new2 = theta.dtype.type(beta2), theta.dtype.type(1.0 - beta2)
    for i in range(np.uint64(theta.size)):
        g = gradient[i]
        m[i] = kept1 * m[i] + new1 * g
        v[i] = kept2 * v[i] + new2 * (g * g)
        theta[i] -= step * m[i] / (math.sqrt(grow * v[i]) + small)


@compiled
def count_step(t):
    t[()] += 1.0


@compiled
def adam(theta, gradient, m, v, t, learning_rate, beta1, beta2, epsilon):
    b1, b2 = beta1[()], beta2[()]
    rate = learning_rate[()] / (1.0 - b1 ** t[()])
    correction = 1.0 / (1.0 - b2 ** t[()])
    adam_step(theta, gradient, m, v, rate, b1, b2, epsilon[()], correction)


@compiled
def adam_uncorrected(theta, gradient, m, v, learning_rate, beta1, beta2, epsilon):
    adam_step(theta, gradient, m, v, learning_rate[()], beta1[()], beta2[()], epsilon[()], 1.0)
