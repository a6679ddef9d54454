"""Activations that act on each element alone: y = f(x), so that dx = f′(x) · dy.

    sigmoid     σ(x) = 1 / (1 + e⁻ˣ)         σ′ = σ (1 − σ)
    tanh        tanh(x)                      tanh′ = 1 − tanh²
    softplus    ln(1 + eˣ)                   softplus′ = σ
    identity    x                            1

None of them overflows: every exponential is taken of a number that is not positive.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from glassnet.accelerate import Array, Kernel, accelerated
from glassnet.layers.base import LAYERS, Layer, Shape
from glassnet.parameters import ParameterStore


class Activation(Layer):
    """Base of the layers without parameters whose output has the shape of their input.

    Such a layer is a pair of kernels, `forward_kernel(x, *constants, y)` and
    `backward_kernel(dy, v, *constants, dx)`, where v is x or y, whichever gives f′ more simply.

    Attributes:
        backward_reads: which of the two `backward_kernel` takes as v.
        constants: the layer's options as arrays without axes, in the order of the kernels'
        arguments. flops_each: floating-point operations for one element, as an estimate.
    """

    forward_kernel: Kernel
    backward_kernel: Kernel
    backward_reads: ClassVar[Literal["x", "y"]] = "x"
    constants: tuple[Array, ...] = ()
    flops_each: ClassVar[int] = 1

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Nothing to declare: the output has the shape of the input."""
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return f(x), of x's shape."""
        y = self.scratch("y", x.shape)
        self.forward_kernel(x, *self.constants, y)
        self.remember(x=x, y=y)
        return y

    def backward(self, dy: Array) -> Array:
        """Return f′(x) · dy, of x's shape."""
        v = self.recall(self.backward_reads)
        dx = self.scratch("dx", dy.shape)
        self.backward_kernel(dy, v, *self.constants, dx)
        return dx

    def flops(self) -> int:
        """Floating-point operations of one forward pass over one row, as an estimate."""
        return self.flops_each * int(np.prod(self.input_shape, dtype=np.int64))


@LAYERS.register
class Identity(Layer):
    """y = x: the very array, not a copy.

    Example:
        >>> import numpy as np
        >>> Identity().forward(np.array([[-1.0, 2.0]]))
        array([[-1.,  2.]])
    """

    name = "Identity"

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Nothing to declare: the output has the shape of the input."""
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x."""
        self.remember(x=x)
        return x

    def backward(self, dy: Array) -> Array:
        """Return dy."""
        self.recall("x")
        return dy


def sigmoid(x: Array, out: Array) -> None:
    """Write σ(x) = 1 / (1 + e⁻ˣ) into `out`.

    With e = exp(−|x|) ≤ 1 it is 1 / (1 + e) for x ≥ 0 and e / (1 + e) for x < 0; the second form
    also keeps the leading digits of very small results.
    """
    e = np.exp(-np.abs(x))
    np.divide(np.where(x >= 0, 1, e), 1 + e, out=out)


@accelerated
def sigmoid_forward(x: Array, y: Array) -> None:
    """y = σ(x)."""
    sigmoid(x, out=y)


@accelerated
def sigmoid_backward(dy: Array, y: Array, dx: Array) -> None:
    """dx = dy · y (1 − y)."""
    np.subtract(1, y, out=dx)
    np.multiply(dx, y, out=dx)
    np.multiply(dx, dy, out=dx)


@LAYERS.register
class Sigmoid(Activation):
    """y = σ(x) = 1 / (1 + e⁻ˣ), from 0 to 1.

    σ′ is at most ¼, which is why gradients vanish in deep stacks of sigmoids.

    Example:
        >>> import numpy as np
        >>> Sigmoid().forward(np.array([[-1e4, 0.0, 1e4]])).tolist()
        [[0.0, 0.5, 1.0]]

    Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
    Nature 323, 1986, eq. 2.
    """

    name = "Sigmoid"
    default_initializer = "xavier_uniform"
    forward_kernel = sigmoid_forward
    backward_kernel = sigmoid_backward
    backward_reads = "y"
    flops_each = 4


@accelerated
def tanh_forward(x: Array, y: Array) -> None:
    """y = tanh(x)."""
    np.tanh(x, out=y)


@accelerated
def tanh_backward(dy: Array, y: Array, dx: Array) -> None:
    """dx = dy · (1 − y²)."""
    np.multiply(y, y, out=dx)
    np.subtract(1, dx, out=dx)
    np.multiply(dx, dy, out=dx)


@LAYERS.register
class Tanh(Activation):
    """y = tanh(x) = 2σ(2x) − 1, from −1 to 1 and centred on 0.

    Example:
        >>> import numpy as np
        >>> Tanh().forward(np.array([[-1e4, 0.0, 1e4]])).tolist()
        [[-1.0, 0.0, 1.0]]

    Source: LeCun et al., "Efficient BackProp", 1998, section 4.4 (there 1.7159 tanh(2x/3)); with
    its derivative, Bishop, "Pattern Recognition and Machine Learning", 2006, eqs. 5.58 and 5.60.
    """

    name = "Tanh"
    default_initializer = "xavier_uniform"
    forward_kernel = tanh_forward
    backward_kernel = tanh_backward
    backward_reads = "y"
    flops_each = 5


@accelerated
def softplus_forward(x: Array, y: Array) -> None:
    """y = ln(1 + eˣ) = ln(e⁰ + eˣ)."""
    np.logaddexp(0, x, out=y)


@accelerated
def softplus_backward(dy: Array, x: Array, dx: Array) -> None:
    """dx = dy · σ(x)."""
    sigmoid(x, out=dx)
    np.multiply(dx, dy, out=dx)


@LAYERS.register
class Softplus(Activation):
    """y = ln(1 + eˣ), a smooth ReLU.

    Exact everywhere. (PyTorch's `Softplus` returns x itself above 20, which is off by up to 2e-9.)

    Example:
        >>> import numpy as np
        >>> Softplus().forward(np.array([[-1e4, 0.0, 1e4]])).round(4).tolist()
        [[0.0, 0.6930999755859375, 10000.0]]

    Source: Dugas et al., "Incorporating second-order functional knowledge for better option
    pricing", NIPS 2000.
    """

    name = "Softplus"
    default_initializer = "he_normal"
    forward_kernel = softplus_forward
    backward_kernel = softplus_backward
    flops_each = 5
