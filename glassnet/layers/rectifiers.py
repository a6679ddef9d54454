"""Rectifiers: the identity for positive inputs, something small for the others.

                x > 0      x ≤ 0             f′ for x ≤ 0
    ReLU        x          0                 0
    leaky ReLU  x          a x               a, a chosen constant
    PReLU       x          a x               a, learned
    ELU         x          α (eˣ − 1)        α eˣ
    SELU        λ x        λ α (eˣ − 1)      λ α eˣ

At x = 0, where ReLU and its leaky forms have no derivative, the one from the left is taken.
"""

from __future__ import annotations

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.initializers import Constant
from glassnet.layers.activations import Activation
from glassnet.layers.base import LAYERS, Layer, Shape
from glassnet.parameters import ParameterStore


@accelerated
def relu_forward(x: Array, y: Array) -> None:
    """y = max(x, 0)."""
    np.maximum(x, 0, out=y)


@accelerated
def relu_backward(dy: Array, y: Array, dx: Array) -> None:
    """dx = dy where y > 0, else 0."""
    np.multiply(dy, y > 0, out=dx)


@LAYERS.register
class ReLU(Activation):
    """y = max(x, 0).

    A unit whose x is negative for all rows gets no gradient any more: it is dead.

    Example:
        >>> import numpy as np
        >>> ReLU().forward(np.array([[-2.0, 0.0, 3.0]])).tolist()
        [[0.0, 0.0, 3.0]]

    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines",
    ICML 2010.
    """

    name = "ReLU"
    default_initializer = "he_normal"
    forward_kernel = relu_forward
    backward_kernel = relu_backward
    backward_reads = "y"


@accelerated
def leaky_relu_forward(x: Array, slope: Array, y: Array) -> None:
    """y = x where x > 0, else a x."""
    y[...] = np.where(x > 0, x, slope.item() * x)


@accelerated
def leaky_relu_backward(dy: Array, x: Array, slope: Array, dx: Array) -> None:
    """dx = dy where x > 0, else a dy."""
    dx[...] = np.where(x > 0, dy, slope.item() * dy)


@LAYERS.register
class LeakyReLU(Activation):
    """y = x where x > 0, else a x, with a fixed slope a: no unit can die.

    Arguments:
        slope: a, 0.01 by default as in PyTorch (Keras: 0.3).

    Raises:
        ValueError: if the slope is not a finite number.

    Example:
        >>> import numpy as np
        >>> LeakyReLU(0.25).forward(np.array([[-2.0, 0.0, 3.0]])).tolist()
        [[-0.5, 0.0, 3.0]]

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models",
    ICML 2013, section 2.
    """

    name = "LeakyReLU"
    default_initializer = "he_normal"
    forward_kernel = leaky_relu_forward
    backward_kernel = leaky_relu_backward
    flops_each = 2

    def __init__(self, slope: float = 0.01) -> None:
        if not np.isfinite(slope):
            raise ValueError(f"LeakyReLU needs a finite slope. Received: {slope!r}.")
        self.slope = float(slope)
        self.constants = (np.array(self.slope),)


@accelerated
def prelu_forward(x: Array, slope: Array, y: Array) -> None:
    """y = x where x > 0, else a x; x and y: (n, slopes, elements that share a slope)."""
    y[...] = np.where(x > 0, x, slope[:, np.newaxis] * x)


@accelerated
def prelu_backward(dy: Array, x: Array, slope: Array, dx: Array, d_slope: Array) -> None:
    """dx = dy where x > 0, else a dy; ∂J/∂a = Σ dy x over the x ≤ 0."""
    dx[...] = np.where(x > 0, dy, slope[:, np.newaxis] * dy)
    np.sum(dy * np.minimum(x, 0), axis=(0, 2), out=d_slope)


@LAYERS.register
class PReLU(Layer):
    """y = x where x > 0, else a x, with a learned slope a.

    Arguments:
        initial_slope: where a starts, 0.25 as in the paper and in PyTorch.
        per_feature: whether each feature (for images: each channel) has its own slope; otherwise
            all share one.

    Parameters: `slope`, (1,) or (features,). Weight decay does not apply to it: decay would pull
    towards ReLU.

    Raises:
        ValueError: if the initial slope is not a finite number.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.PReLU()], input_shape=(2,), seed=0)
        >>> net.forward(np.array([[-2.0, 3.0]])).tolist()
        [[-0.5, 3.0]]

    Source: He et al., "Delving deep into rectifiers", ICCV 2015, eqs. 1–3.
    """

    name = "PReLU"
    default_initializer = "he_normal"

    def __init__(self, initial_slope: float = 0.25, per_feature: bool = False) -> None:
        if not np.isfinite(initial_slope):
            raise ValueError(f"PReLU needs a finite initial_slope. Received: {initial_slope!r}.")
        self.initial_slope = float(initial_slope)
        self.per_feature = bool(per_feature)

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Declare the slopes."""
        slopes = input_shape[0] if self.per_feature else 1
        self.slope = store.parameter("slope", (slopes,), Constant(self.initial_slope), decays=False)
        self.sharing = int(np.prod(input_shape, dtype=np.int64)) // slopes
        return input_shape

    def _grouped(self, array: Array) -> Array:
        """The same numbers as (n, slopes, elements that share a slope)."""
        return array.reshape(len(array), self.slope.size, self.sharing)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y, of x's shape."""
        y = self.scratch("y", x.shape)
        prelu_forward(self._grouped(x), self.slope.value, self._grouped(y))
        self.remember(x=x)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx and write ∂J/∂a."""
        x = self._grouped(self.recall("x"))
        dx = self.scratch("dx", dy.shape)
        prelu_backward(
            self._grouped(dy), x, self.slope.value, self._grouped(dx), self.slope.gradient
        )
        return dx

    def flops(self) -> int:
        """Floating-point operations of one forward pass over one row, as an estimate."""
        return 2 * self.slope.size * self.sharing


@accelerated
def elu_forward(x: Array, alpha: Array, scale: Array, y: Array) -> None:
    """y = λ x where x > 0, else λ α (eˣ − 1)."""
    negative = alpha.item() * np.expm1(np.minimum(x, 0))
    np.multiply(np.where(x > 0, x, negative), scale.item(), out=y)


@accelerated
def elu_backward(dy: Array, x: Array, alpha: Array, scale: Array, dx: Array) -> None:
    """dx = λ dy where x > 0, else λ α eˣ dy."""
    negative = alpha.item() * np.exp(np.minimum(x, 0))
    np.multiply(np.where(x > 0, 1, negative), scale.item(), out=dx)
    np.multiply(dx, dy, out=dx)


@LAYERS.register
class ELU(Activation):
    """y = x where x > 0, else α (eˣ − 1), which levels off at −α.

    Arguments:
        alpha: α > 0.

    Raises:
        ValueError: if α is not a positive number.

    Example:
        >>> import numpy as np
        >>> ELU().forward(np.array([[-1e4, 0.0, 3.0]])).tolist()
        [[-1.0, 0.0, 3.0]]

    Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by
    exponential linear units (ELUs)", ICLR 2016, section 3.
    """

    name = "ELU"
    default_initializer = "he_normal"
    forward_kernel = elu_forward
    backward_kernel = elu_backward
    flops_each = 4

    def __init__(self, alpha: float = 1.0) -> None:
        if not 0 < alpha < np.inf:
            raise ValueError(f"ELU needs alpha > 0. Received: {alpha!r}.")
        self.alpha = float(alpha)
        self.constants = (np.array(self.alpha), np.array(1.0))


# The α and λ for which mean 0 and variance 1 are a stable fixed point from layer to layer.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@LAYERS.register
class SELU(Activation):
    """y = λ x where x > 0, else λ α (eˣ − 1), with λ = 1.0507… and α = 1.6733….

    With LeCun-normal weights (the default before it) and standardised inputs, the outputs of every
    layer tend to mean 0 and variance 1.

    Example:
        >>> import numpy as np
        >>> SELU().forward(np.array([[-1e4, 0.0, 1.0]])).round(4).tolist()
        [[-1.7581000328063965, 0.0, 1.0506999492645264]]

    Source: Klambauer et al., "Self-normalizing neural networks", NIPS 2017, eq. 2.
    """

    name = "SELU"
    default_initializer = "lecun_normal"
    forward_kernel = elu_forward
    backward_kernel = elu_backward
    constants = (np.array(SELU_ALPHA), np.array(SELU_SCALE))
    flops_each = 4
