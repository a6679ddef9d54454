"""Kernels that do the work of several others in one pass; `glassnet.fusing` says when.

Their references are the references of what they replace, one after the other.
"""

from __future__ import annotations

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.layers.batch_norm import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_inference,
)
from glassnet.layers.dense import dense_forward, dense_weight_gradient
from glassnet.layers.dropout import dropout_backward, dropout_forward, dropout_next_step
from glassnet.layers.philox import philox_words
from glassnet.layers.rectifiers import relu_backward, relu_forward
from glassnet.optimizers import momentum_of_gradients, sgd

# Batch norm with ReLU, and with dropout.


@accelerated
def normalise_rectify(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    momentum: Array,
    epsilon: Array,
    x_hat: Array,
    inv_std: Array,
    y: Array,
) -> None:
    """y = max(γ x̂ + β, 0), and the running values moved."""
    running = running_mean, running_var
    batch_norm_forward.reference(x, gamma, beta, *running, momentum, epsilon, x_hat, inv_std, y)
    relu_forward.reference(y, y)


@accelerated
def normalise_rectify_inference(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    epsilon: Array,
    y: Array,
) -> None:
    """y = max(γ x̂ + β, 0) with the running mean and variance."""
    batch_norm_inference.reference(x, gamma, beta, running_mean, running_var, epsilon, y)
    relu_forward.reference(y, y)


@accelerated
def normalise_rectify_backward(
    dy: Array,
    y: Array,
    x_hat: Array,
    inv_std: Array,
    gamma: Array,
    dx: Array,
    d_gamma: Array,
    d_beta: Array,
) -> None:
    """Back through ReLU, then through batch norm."""
    dz = np.empty_like(dy)
    relu_backward.reference(dy, y, dz)
    batch_norm_backward.reference(dz, x_hat, inv_std, gamma, dx, d_gamma, d_beta)


@accelerated
def normalise_rectify_drop(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    momentum: Array,
    epsilon: Array,
    key: Array,
    step: Array,
    rate: Array,
    work: Array,
    x_hat: Array,
    inv_std: Array,
    y: Array,
) -> None:
    """y = m max(γ x̂ + β, 0), with the mask m of the next step; `work` is where its words were."""
    running = running_mean, running_var
    batch_norm_forward.reference(x, gamma, beta, *running, momentum, epsilon, x_hat, inv_std, y)
    relu_forward.reference(y, y)
    dropout_next_step.reference(step)
    words = np.empty_like(work)
    philox_words.reference(key, step, np.empty(6 * len(words) // 4, np.uint64), words)
    dropout_forward.reference(y, words, rate, np.empty_like(y), y)


@accelerated
def normalise_rectify_drop_backward(
    dy: Array,
    y: Array,
    rate: Array,
    x_hat: Array,
    inv_std: Array,
    gamma: Array,
    dx: Array,
    d_gamma: Array,
    d_beta: Array,
) -> None:
    """Back through dropout and ReLU, whose product of derivatives is 1 / (1 − p) where y > 0."""
    dz = np.multiply(y > 0, 1 / (1 - rate.item()), dtype=dy.dtype)
    dropout_backward.reference(dy, dz, dz)
    batch_norm_backward.reference(dz, x_hat, inv_std, gamma, dx, d_gamma, d_beta)


# The same for some columns, in which a thread does its part of the work (`glassnet.owners`): batch
# norm, ReLU and dropout treat each column by itself.


@accelerated
def normalise_rectify_columns(
    columns: Array,
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    momentum: Array,
    epsilon: Array,
    x_hat: Array,
    inv_std: Array,
    y: Array,
) -> None:
    """`normalise_rectify` in columns from columns[0] to before columns[1]."""
    part = slice(*columns)
    vectors = (vector[part] for vector in (gamma, beta, running_mean, running_var))
    results = x_hat[:, part], inv_std[part], y[:, part]
    normalise_rectify.reference(x[:, part], *vectors, momentum, epsilon, *results)


@accelerated
def normalise_rectify_backward_columns(
    columns: Array,
    dy: Array,
    y: Array,
    x_hat: Array,
    inv_std: Array,
    gamma: Array,
    dx: Array,
    d_gamma: Array,
    d_beta: Array,
) -> None:
    """`normalise_rectify_backward` in columns."""
    part = slice(*columns)
    inputs = dy[:, part], y[:, part], x_hat[:, part], inv_std[part], gamma[part]
    normalise_rectify_backward.reference(*inputs, dx[:, part], d_gamma[part], d_beta[part])


@accelerated
def normalise_rectify_drop_columns(
    columns: Array,
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    momentum: Array,
    epsilon: Array,
    key: Array,
    step: Array,
    rate: Array,
    work: Array,
    x_hat: Array,
    inv_std: Array,
    y: Array,
) -> None:
    """`normalise_rectify_drop` in columns, multiples of 4, for a step that is counted already."""
    numbers = momentum, epsilon, x_hat, inv_std, y
    normalise_rectify_columns.reference(
        columns, x, gamma, beta, running_mean, running_var, *numbers
    )
    words = np.empty_like(work)
    philox_words.reference(key, step, np.empty(6 * len(words) // 4, np.uint64), words)
    part, kept = slice(*columns), y.copy()
    dropout_forward.reference(y, words, rate, np.empty_like(y), kept)
    y[:, part] = kept[:, part]


@accelerated
def normalise_rectify_drop_backward_columns(
    columns: Array,
    dy: Array,
    y: Array,
    rate: Array,
    x_hat: Array,
    inv_std: Array,
    gamma: Array,
    dx: Array,
    d_gamma: Array,
    d_beta: Array,
) -> None:
    """`normalise_rectify_drop_backward` in columns."""
    part = slice(*columns)
    inputs = dy[:, part], y[:, part], rate, x_hat[:, part], inv_std[part], gamma[part]
    normalise_rectify_drop_backward.reference(*inputs, dx[:, part], d_gamma[part], d_beta[part])


# A batch of few rows: the gradient of a dense layer's weights is xᵀ dy, which need not be written
# down for plain SGD or momentum to take their step.


@accelerated
def descend_by_rows(x: Array, dy: Array, weight: Array, learning_rate: Array) -> None:
    """W ← W − η xᵀ dy."""
    d_weight = np.empty_like(weight)
    dense_weight_gradient.reference(x, dy, d_weight)
    sgd.reference(weight, d_weight, learning_rate)


@accelerated
def momentum_by_rows(
    x: Array, dy: Array, weight: Array, velocity: Array, learning_rate: Array, momentum: Array
) -> None:
    """G ← βG + xᵀ dy; W ← W − ηG."""
    d_weight = np.empty_like(weight)
    dense_weight_gradient.reference(x, dy, d_weight)
    momentum_of_gradients.reference(weight, d_weight, velocity, learning_rate, momentum)


# The same for inputs many of which are zero: only the others, and their rows of W, are visited.


@accelerated
def list_inputs(x: Array, places: Array) -> None:
    """places = how many inputs are not zero, and then which.

    >>> places = np.zeros(5, np.int64)
    >>> list_inputs(np.array([[0.0, 7.0, 0.0, 9.0]]), places)
    >>> places[: 1 + places[0]].tolist()
    [2, 1, 3]
    """
    (found,) = np.nonzero(x[0])
    places[0] = len(found)
    places[1 : 1 + len(found)] = found


@accelerated
def dense_forward_listed(x: Array, places: Array, weight: Array, bias: Array, y: Array) -> None:
    """y = x W + b. The list leaves out what adds nothing as long as the weights are finite."""
    dense_forward.reference(x, weight, bias, y)


@accelerated
def descend_listed(x: Array, places: Array, dy: Array, weight: Array, learning_rate: Array) -> None:
    """W ← W − η xᵀ dy. The list leaves out rows of W that stay as they are if dy is finite."""
    descend_by_rows.reference(x, dy, weight, learning_rate)
