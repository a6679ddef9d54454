"""The dense layer: every output is a weighted sum of all inputs.

    y = x W + b                      x: (n, fan_in),  W: (fan_in, fan_out),  b: (fan_out,)

Going back with dy = ∂J/∂y, summing over all the ways in which each quantity reaches J:

    ∂J/∂W = xᵀ dy          ∂J/∂b = Σ over rows of dy          ∂J/∂x = dy Wᵀ
"""

from __future__ import annotations

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.initializers import INITIALIZERS, Initializer
from glassnet.layers.base import LAYERS, Layer, Shape
from glassnet.parameters import Parameter, ParameterStore


@accelerated
def dense_forward(x: Array, weight: Array, bias: Array, y: Array) -> None:
    """y = x W + b."""
    np.dot(x, weight, out=y)
    np.add(y, bias, out=y)


@accelerated
def dense_forward_without_bias(x: Array, weight: Array, y: Array) -> None:
    """y = x W."""
    np.dot(x, weight, out=y)


@accelerated
def dense_weight_gradient(x: Array, dy: Array, d_weight: Array) -> None:
    """∂J/∂W = xᵀ dy."""
    np.matmul(x.T, dy, out=d_weight)


@accelerated
def dense_bias_gradient(dy: Array, d_bias: Array) -> None:
    """∂J/∂b = Σ dy over the rows."""
    np.sum(dy, axis=0, out=d_bias)


@accelerated
def dense_input_gradient(dy: Array, weight: Array, dx: Array) -> None:
    """∂J/∂x = dy Wᵀ."""
    np.matmul(dy, weight.T, out=dx)


@LAYERS.register
class Dense(Layer):
    """y = x W + b, for x of shape (n, fan_in) and y of shape (n, units).

    Arguments:
        units: how many outputs, ≥ 1.
        initializer: of the weights; by default the one that suits what follows: He before ReLU and
            its relatives, LeCun before SELU, Xavier before sigmoid, tanh and softmax, and PyTorch's
            smaller U(−1/√fan_in, 1/√fan_in) before a normalisation and before the loss.
        use_bias: whether b is there. By default it is, unless batch norm follows: batch norm
            subtracts the mean again, so that such a bias has a gradient of exactly zero.
        bias_initializer: of b, zeros by default.

    Parameters: `weight` (fan_in, units), `bias` (units,).

    Raises:
        ValueError: if units < 1, or if the input is not one axis of features.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], input_shape=(2,), seed=0, dtype="float64")
        >>> net.parameters["layers.0.weight"].value = [[1.0], [10.0]]
        >>> net.forward(np.array([[3.0, 4.0]]))
        array([[43.]])

    Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
    Nature 323, 1986, eqs. 1, 6 and 7.
    """

    name = "Dense"

    def __init__(
        self,
        units: int,
        initializer: str | dict[str, object] | Initializer | None = None,
        use_bias: bool | None = None,
        bias_initializer: str | dict[str, object] | Initializer = "zeros",
    ) -> None:
        if units < 1 or int(units) != units:
            raise ValueError(f"Dense needs a whole number of units ≥ 1. Received: {units!r}.")
        self.units = int(units)
        self.initializer = None if initializer is None else INITIALIZERS.create(initializer)
        self.use_bias = use_bias
        self.bias_initializer = INITIALIZERS.create(bias_initializer)

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        if len(input_shape) != 1:
            raise ValueError(
                f"Dense takes one axis of features, but its input has shape {input_shape} "
                "(batch axis left out). Put a Flatten() before it."
            )
        initializer = self.initializer or INITIALIZERS.create(self._suitable_initializer())
        self.weight = store.parameter("weight", (input_shape[0], self.units), initializer)
        self.bias: Parameter | None = None
        if self._wants_bias():
            self.bias = store.parameter("bias", (self.units,), self.bias_initializer, decays=False)
        return (self.units,)

    def _suitable_initializer(self) -> str:
        for layer in self.followers:
            if layer.default_initializer is not None:
                return layer.default_initializer
            if isinstance(layer, Dense):
                break
        return "fan_in_uniform"

    def _wants_bias(self) -> bool:
        if self.use_bias is not None:
            return self.use_bias
        return not (self.followers and self.followers[0].name == "BatchNorm")

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.scratch("y", (len(x), self.units))
        if self.bias is None:
            dense_forward_without_bias(x, self.weight.value, y)
        else:
            dense_forward(x, self.weight.value, self.bias.value, y)
        self.remember(x=x)
        return y

    def backward(self, dy: Array) -> Array:
        x = self.recall("x")
        dense_weight_gradient(x, dy, self.weight.gradient)
        if self.bias is not None:
            dense_bias_gradient(dy, self.bias.gradient)
        dx = self.scratch("dx", x.shape)
        if self.needs_dx:  # nobody reads it in the first layer, where it costs a third of the step
            dense_input_gradient(dy, self.weight.value, dx)
        return dx

    def flops(self) -> int:
        return 2 * self.input_shape[0] * self.units
