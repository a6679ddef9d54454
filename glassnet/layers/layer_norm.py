"""Layer normalisation: every row brought to mean 0 and variance 1 over its d features.

    μ = 1/d Σ x        v = 1/d Σ (x − μ)²        x̂ = (x − μ) / √(v + ε)        y = γ x̂ + β

with sums over the features of one row, and γ and β a number for each feature. Rows don't mix, so
that training and inference are the same.

Going back, with g = ∂J/∂x̂ = γ dy, the derivation is batch norm's with rows and features exchanged:

    ∂J/∂β = Σ dy over the rows             ∂J/∂γ = Σ dy x̂ over the rows

    dx = 1/√(v + ε) · (g − 1/d Σ g − x̂ 1/d Σ g x̂)             sums over the features
"""

from __future__ import annotations

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.initializers import Constant
from glassnet.layers.base import LAYERS, Layer, Shape
from glassnet.parameters import ParameterStore


@accelerated
def layer_norm_forward(
    x: Array, gamma: Array, beta: Array, epsilon: Array, x_hat: Array, inv_std: Array, y: Array
) -> None:
    """y = γ x̂ + β; x: (n, d), inv_std: (n, 1)."""
    np.subtract(x, x.mean(axis=1, keepdims=True), out=x_hat)
    np.multiply(x_hat, x_hat, out=y)
    inv_std[...] = 1 / np.sqrt(y.mean(axis=1, keepdims=True) + epsilon.item())
    np.multiply(x_hat, inv_std, out=x_hat)
    np.multiply(x_hat, gamma, out=y)
    np.add(y, beta, out=y)


@accelerated
def layer_norm_backward(
    dy: Array,
    x_hat: Array,
    inv_std: Array,
    gamma: Array,
    dx: Array,
    d_gamma: Array,
    d_beta: Array,
) -> None:
    """dx = 1/√(v + ε) · (g − mean(g) − x̂ mean(g x̂)),  g = γ dy."""
    np.sum(dy, axis=0, out=d_beta)
    np.multiply(dy, x_hat, out=dx)
    np.sum(dx, axis=0, out=d_gamma)
    np.multiply(dx, gamma, out=dx)
    stretch = dx.mean(axis=1, keepdims=True)
    np.multiply(dy, gamma, out=dx)
    shift = dx.mean(axis=1, keepdims=True)
    np.subtract(dx, shift, out=dx)
    np.subtract(dx, x_hat * stretch, out=dx)
    np.multiply(dx, inv_std, out=dx)


@LAYERS.register
class LayerNorm(Layer):
    """y = γ (x − μ) / √(v + ε) + β, with μ and v over all features of a row.

    For inputs of several axes, all but the batch axis count as features, as in PyTorch's
    `LayerNorm` with `normalized_shape=input_shape`.

    Arguments:
        epsilon: ε > 0, added to the variance; 1e-5 as in PyTorch (Keras: 1e-3).

    Parameters: `gamma` and `beta` of the input's shape, from 1 and 0; weight decay does not apply.

    Raises:
        ValueError: for ε ≤ 0.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.LayerNorm()], input_shape=(2,), seed=0, dtype="float64")
        >>> net.forward(np.array([[1.0, 3.0], [40.0, 20.0]])).round(3).tolist()
        [[-1.0, 1.0], [1.0, -1.0]]

    Source: Ba, Kiros and Hinton, "Layer normalization", arXiv:1607.06450, 2016, section 3 (no ε).
    """

    name = "LayerNorm"
    default_initializer = "fan_in_uniform"

    def __init__(self, epsilon: float = 1e-5) -> None:
        if not 0 < epsilon < np.inf:
            raise ValueError(f"LayerNorm needs epsilon > 0. Received: {epsilon!r}.")
        self.epsilon = float(epsilon)
        self._epsilon = np.array(self.epsilon)

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Declare γ and β, one of each per feature."""
        self.gamma = store.parameter("gamma", input_shape, Constant(1.0), decays=False)
        self.beta = store.parameter("beta", input_shape, Constant(0.0), decays=False)
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y, of x's shape."""
        flat = (len(x), self.gamma.size)
        x_hat = self.scratch("x_hat", flat)
        inv_std = self.scratch("inv_std", (len(x), 1))
        y = self.scratch("y", flat)
        gamma, beta = self.gamma.value.reshape(-1), self.beta.value.reshape(-1)
        layer_norm_forward(x.reshape(flat), gamma, beta, self._epsilon, x_hat, inv_std, y)
        self.remember(x_hat=x_hat, inv_std=inv_std)
        return y.reshape(x.shape)

    def backward(self, dy: Array) -> Array:
        """Return dx, and write ∂J/∂γ and ∂J/∂β."""
        x_hat, inv_std = self.recall("x_hat"), self.recall("inv_std")
        dx = self.scratch("dx", x_hat.shape)
        gamma = self.gamma.value.reshape(-1)
        gradients = self.gamma.gradient.reshape(-1), self.beta.gradient.reshape(-1)
        layer_norm_backward(dy.reshape(x_hat.shape), x_hat, inv_std, gamma, dx, *gradients)
        return dx.reshape(dy.shape)

    def flops(self) -> int:
        """Floating-point operations of one forward pass over one row, as an estimate."""
        return 7 * self.gamma.size
