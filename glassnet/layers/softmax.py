"""Softmax: a row of scores becomes a row of probabilities.

    yᵢ = e^xᵢ / Σⱼ e^xⱼ

Each output depends on every input of its row: ∂yⱼ/∂xᵢ = yⱼ (δᵢⱼ − yᵢ). Summing over the outputs,

    ∂J/∂xᵢ = Σⱼ dyⱼ yⱼ (δᵢⱼ − yᵢ) = yᵢ (dyᵢ − Σⱼ dyⱼ yⱼ)
"""

from __future__ import annotations

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.layers.activations import Activation
from glassnet.layers.base import LAYERS


@accelerated
def softmax_forward(x: Array, y: Array) -> None:
    """y = eˣ / Σ eˣ along the last axis.

    Subtracting a row's largest score divides numerator and denominator by the same number, and no
    exponent is then positive.
    """
    np.subtract(x, x.max(axis=-1, keepdims=True), out=y)
    np.exp(y, out=y)
    np.divide(y, y.sum(axis=-1, keepdims=True), out=y)


@accelerated
def softmax_backward(dy: Array, y: Array, dx: Array) -> None:
    """dx = y (dy − Σ dy·y)."""
    np.multiply(dy, y, out=dx)
    inner = dx.sum(axis=-1, keepdims=True)
    np.subtract(dy, inner, out=dx)
    np.multiply(dx, y, out=dx)


@LAYERS.register
class Softmax(Activation):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ along the last axis.

    For classification leave it out and use the loss "cross_entropy", which works on the scores
    themselves: the two together are more exact and cheaper than one after the other.

    Example:
        >>> import numpy as np
        >>> Softmax().forward(np.array([[1e4, 1e4, -1e4]])).tolist()
        [[0.5, 0.5, 0.0]]

    Source: Bridle, "Training stochastic model recognition algorithms as networks can lead to
    maximum mutual information estimation of parameters", NIPS 1989.
    """

    name = "Softmax"
    default_initializer = "xavier_uniform"
    forward_kernel = softmax_forward
    backward_kernel = softmax_backward
    backward_reads = "y"
    flops_each = 5
