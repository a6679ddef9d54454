"""Batch normalisation: every feature brought to mean 0 and variance 1 over the batch.

Over the n rows of a batch, for each feature by itself:

    μ = 1/n Σ x        v = 1/n Σ (x − μ)²        x̂ = (x − μ) / √(v + ε)        y = γ x̂ + β

Going back. β and γ are reached directly:

    ∂J/∂β = Σ dy            ∂J/∂γ = Σ dy x̂

A row xᵢ reaches J by its own x̂ᵢ, and by μ and v through the x̂ⱼ of all rows. With s = 1/√(v + ε),
∂μ/∂xᵢ = 1/n and ∂v/∂xᵢ = 2/n (xᵢ − μ) = 2/n x̂ᵢ / s, and so ∂s/∂xᵢ = −½ s³ ∂v/∂xᵢ = −s² x̂ᵢ / n:

    ∂x̂ⱼ/∂xᵢ = s (δᵢⱼ − 1/n) + (xⱼ − μ) ∂s/∂xᵢ = s (δᵢⱼ − 1/n − x̂ᵢ x̂ⱼ / n)

    ∂J/∂xᵢ = γ Σⱼ dyⱼ ∂x̂ⱼ/∂xᵢ = γ s (dyᵢ − 1/n ∂J/∂β − x̂ᵢ 1/n ∂J/∂γ)

In words: what would only shift or stretch a whole feature is taken out of the gradient, because the
normalisation undoes it. (So dy = 1 gives dx = 0 whatever the code does, and proves nothing in a
test.)

In inference μ and v are running averages, constants: then simply dx = γ s dy.
"""

from __future__ import annotations

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.initializers import Constant
from glassnet.layers.base import LAYERS, Layer, Shape
from glassnet.parameters import ParameterStore


@accelerated
def batch_norm_forward(
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
    """y = γ x̂ + β with the mean and variance of this batch, which also move the running ones."""
    n = len(x)
    mean = x.mean(axis=0)
    np.subtract(x, mean, out=x_hat)
    np.multiply(x_hat, x_hat, out=y)
    var = y.mean(axis=0)
    inv_std[...] = 1 / np.sqrt(var + epsilon.item())
    np.multiply(x_hat, inv_std, out=x_hat)
    np.multiply(x_hat, gamma, out=y)
    np.add(y, beta, out=y)

    m = momentum.item()
    running_mean[...] = (1 - m) * running_mean + m * mean
    running_var[...] = (1 - m) * running_var + m * (var * (n / (n - 1)))


@accelerated
def batch_norm_backward(
    dy: Array,
    x_hat: Array,
    inv_std: Array,
    gamma: Array,
    dx: Array,
    d_gamma: Array,
    d_beta: Array,
) -> None:
    """dx = γ s (dy − (∂J/∂β + x̂ ∂J/∂γ) / n)."""
    n = len(dy)
    np.sum(dy, axis=0, out=d_beta)
    np.multiply(dy, x_hat, out=dx)
    np.sum(dx, axis=0, out=d_gamma)
    np.multiply(x_hat, d_gamma / n, out=dx)
    np.add(dx, d_beta / n, out=dx)
    np.subtract(dy, dx, out=dx)
    np.multiply(dx, gamma * inv_std, out=dx)


@accelerated
def batch_norm_inference(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    epsilon: Array,
    y: Array,
) -> None:
    """y = γ x̂ + β with the running mean and variance."""
    scale = gamma / np.sqrt(running_var + epsilon.item())
    np.subtract(x, running_mean[np.newaxis], out=y)  # as one row: twice as fast if x is one, too
    np.multiply(y, scale[np.newaxis], out=y)
    np.add(y, beta[np.newaxis], out=y)


@accelerated
def batch_norm_inference_backward(
    dy: Array,
    x: Array,
    gamma: Array,
    running_mean: Array,
    running_var: Array,
    epsilon: Array,
    dx: Array,
    d_gamma: Array,
    d_beta: Array,
) -> None:
    """dx = γ s dy, ∂J/∂γ = Σ dy x̂, ∂J/∂β = Σ dy, with the running mean and variance."""
    inv_std = 1 / np.sqrt(running_var + epsilon.item())
    np.sum(dy, axis=0, out=d_beta)
    np.subtract(x, running_mean, out=dx)
    np.multiply(dx, inv_std, out=dx)
    np.multiply(dx, dy, out=dx)
    np.sum(dx, axis=0, out=d_gamma)
    np.multiply(dy, gamma * inv_std, out=dx)


@accelerated
def channels_to_rows(images: Array, rows: Array) -> None:
    """(n, channels, positions) → (n · positions, channels): each pixel becomes a row."""
    n, channels, positions = images.shape
    rows.reshape(n, positions, channels)[...] = images.transpose(0, 2, 1)


@accelerated
def rows_to_channels(rows: Array, images: Array) -> None:
    """(n · positions, channels) → (n, channels, positions)."""
    n, channels, positions = images.shape
    images[...] = rows.reshape(n, positions, channels).transpose(0, 2, 1)


@LAYERS.register
class BatchNorm(Layer):
    """y = γ (x − μ) / √(v + ε) + β, with μ and v of the batch, or in inference running averages.

    Features are the columns of x (n, features). For images (n, channels, height, width) they are
    the channels, and every pixel counts as a row.

    Arguments:
        epsilon: ε > 0, added to the variance.
        momentum: how far each training batch moves the running values, in [0, 1]:
            running ← (1 − momentum) · running + momentum · batch.

    The conventions are PyTorch's: ε 1e-5, momentum 0.1, and the running variance takes the unbiased
    estimate, v · n/(n − 1). Keras writes the share that is *kept* (its 0.99 is a momentum of 0.01
    here), has ε 1e-3, and its running variance takes v itself.

    Parameters: `gamma` and `beta` (features,), from 1 and 0; weight decay does not apply to them.
    Buffers: `running_mean` and `running_var` (features,), from 0 and 1.

    A dense bias just before would be subtracted again with the mean, so `Dense` leaves it out
    there.

    Raises:
        ValueError: for ε ≤ 0 or a momentum outside [0, 1]; in training, for a batch of one row,
            which has no variance.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.BatchNorm()], input_shape=(1,), seed=0, dtype="float64")
        >>> net.forward(np.array([[1.0], [3.0]]), training=True).round(3).tolist()
        [[-1.0], [1.0]]
        >>> net.layers[0].running_mean.tolist()                   # 0.9 · 0 + 0.1 · 2
        [0.2]

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", ICML 2015, algorithm 1; going back, section 3. Algorithm 2 averages
    over batches after training; the moving averages taken here are those of section 3.1.
    """

    name = "BatchNorm"
    default_initializer = "fan_in_uniform"
    minimum_training_rows = 2
    row_wise = False

    def __init__(self, epsilon: float = 1e-5, momentum: float = 0.1) -> None:
        if not 0 < epsilon < np.inf:
            raise ValueError(f"BatchNorm needs epsilon > 0. Received: {epsilon!r}.")
        if not 0 <= momentum <= 1:
            raise ValueError(
                "BatchNorm's momentum is the weight of the newest batch, from 0 to 1 "
                f"(Keras's 0.99 is 0.01 here). Received: {momentum!r}."
            )
        self.epsilon = float(epsilon)
        self.momentum = float(momentum)
        self._epsilon = np.array(self.epsilon)
        self._momentum = np.array(self.momentum)

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Declare γ, β and the running values, one of each per feature."""
        self.features = input_shape[0]
        self.positions = int(np.prod(input_shape[1:], dtype=np.int64))  # 1 unless these are images
        shape = (self.features,)
        self.gamma = store.parameter("gamma", shape, Constant(1.0), decays=False)
        self.beta = store.parameter("beta", shape, Constant(0.0), decays=False)
        self.running_mean = store.buffer("running_mean", np.zeros(shape, self.dtype))
        self.running_var = store.buffer("running_var", np.ones(shape, self.dtype))
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y, of x's shape; in training also move the running values."""
        rows = self._to_rows("x_rows", x)
        y = self.scratch("y_rows", rows.shape)
        gamma, beta = self.gamma.value, self.beta.value
        running = self.running_mean, self.running_var
        if training:
            self._refuse_one_row(len(rows))
            x_hat = self.scratch("x_hat", rows.shape)
            inv_std = self.scratch("inv_std", (self.features,))
            batch_norm_forward(
                rows, gamma, beta, *running, self._momentum, self._epsilon, x_hat, inv_std, y
            )
            self.remember(training=True, x_hat=x_hat, inv_std=inv_std)
        else:
            batch_norm_inference(rows, gamma, beta, *running, self._epsilon, y)
            self.remember(training=False, x=rows)
        return self._from_rows(y, "y", x.shape)

    def backward(self, dy: Array) -> Array:
        """Return dx, and write ∂J/∂γ and ∂J/∂β."""
        training = self.recall("training")
        dy_rows = self._to_rows("dy_rows", dy)
        dx = self.scratch("dx_rows", dy_rows.shape)
        gradients = self.gamma.gradient, self.beta.gradient
        if training:
            x_hat, inv_std = self.recall("x_hat"), self.recall("inv_std")
            batch_norm_backward(dy_rows, x_hat, inv_std, self.gamma.value, dx, *gradients)
        else:
            running = self.running_mean, self.running_var
            batch_norm_inference_backward(
                dy_rows, self.recall("x"), self.gamma.value, *running, self._epsilon, dx, *gradients
            )
        return self._from_rows(dx, "dx", dy.shape)

    def _refuse_one_row(self, rows: int) -> None:
        if rows < 2:
            layer = self.gamma.name.removesuffix(".gamma")
            raise ValueError(
                f"BatchNorm ({layer}) cannot be trained on a batch of {('no', 'one')[rows]} row: "
                "the variance of one value is zero. Use batches of two rows or more."
            )

    def _to_rows(self, name: str, array: Array) -> Array:
        """The same numbers as (rows, features); the array itself if that is its shape."""
        if array.ndim == 2:
            return array
        n = len(array)
        rows = self.scratch(name, (n * self.positions, self.features))
        channels_to_rows(array.reshape(n, self.features, self.positions), rows)
        return rows

    def _from_rows(self, rows: Array, name: str, shape: Shape) -> Array:
        """The inverse of `_to_rows`."""
        if len(shape) == 2:
            return rows
        images = self.scratch(name, shape)
        rows_to_channels(rows, images.reshape(shape[0], self.features, self.positions))
        return images

    def flops(self) -> int:
        """Floating-point operations of one training pass over one row, as an estimate."""
        return 7 * self.features * self.positions
