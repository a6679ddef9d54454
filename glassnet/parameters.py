"""Parameters: all that a network learns, in one flat vector.

`ParameterStore` owns two contiguous arrays, θ (`theta`) and ∂J/∂θ (`gradient`). Every `Parameter`
is a window into both. An optimizer step, clipping, a snapshot or a gradient check is then one line
on one array, and a layer still sees a weight matrix.

Parameters that weight decay applies to come first in θ, so that decay is a slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array

if TYPE_CHECKING:
    from glassnet.initializers import Initializer


class Parameter:
    """One learned array, a view into the flat vectors of its `ParameterStore`.

    Attributes:
        name: full name in the network, such as `"layers.0.weight"`.
        shape: its shape; a dense weight is (fan_in, fan_out).
        decays: whether weight decay and the L2 penalty apply to it.
    """

    def __init__(
        self, name: str, shape: tuple[int, ...], initializer: Initializer, decays: bool
    ) -> None:
        self.name = name
        self.shape = shape
        self.initializer = initializer
        self.decays = decays
        self.size = int(np.prod(shape, dtype=np.int64))
        self.span = slice(0, 0)
        self._value: Array | None = None
        self._gradient: Array | None = None

    @property
    def value(self) -> Array:
        """The numbers, as a view into `theta`; assigning copies into the view."""
        if self._value is None:
            raise ValueError(f"{self.name} has no numbers yet: put its layer into a Network first.")
        return self._value

    @value.setter
    def value(self, new: Any) -> None:
        array = np.asarray(new)
        if array.shape != self.shape:
            raise ValueError(
                f"{self.name} has shape {self.shape}, but was given shape {array.shape}. "
                "Transpose or reshape the array first: dense weights are (fan_in, fan_out)."
            )
        self.value[...] = array

    @property
    def gradient(self) -> Array:
        """∂J/∂value, as a view into the store's `gradient`."""
        if self._gradient is None:
            raise ValueError(
                f"{self.name} has no gradient yet: put its layer into a Network first."
            )
        return self._gradient

    def bind(self, theta: Array, gradient: Array) -> None:
        """Become a view into these flat vectors."""
        self._value = theta[self.span].reshape(self.shape)
        self._gradient = gradient[self.span].reshape(self.shape)

    def __getstate__(self) -> dict[str, Any]:
        # Views would be copied as independent arrays; the store binds them anew.
        return self.__dict__ | {"_value": None, "_gradient": None}

    def __repr__(self) -> str:
        return f"Parameter({self.name!r}, shape={self.shape})"


class ParameterStore:
    """Declares the parameters of a network, then owns them as two flat vectors.

    Layers call `parameter` and `buffer` while they are built; `allocate` ends that phase.

    Attributes:
        theta: all parameter values, (size,).
        gradient: all gradients, (size,), in the same order.
        decaying: how many leading elements weight decay applies to.
        parameters: by full name, in the order of the layers.
        buffers: arrays that are saved but not learned (running statistics, fitted means), by name.

    Example:
        >>> import numpy as np
        >>> from glassnet.initializers import Constant
        >>> store = ParameterStore()
        >>> bias = store.parameter("bias", (2,), Constant(0.0), decays=False)
        >>> weight = store.parameter("weight", (1, 2), Constant(3.0))
        >>> store.allocate(np.dtype("float64"), np.random.default_rng(0))
        >>> store.theta                                       # what decays comes first
        array([3., 3., 0., 0.])
        >>> weight.value[0, 1] = 7.0
        >>> store.theta
        array([3., 7., 0., 0.])
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Parameter] = {}
        self.buffers: dict[str, Array] = {}
        self.theta: Array = np.empty(0)
        self.gradient: Array = np.empty(0)
        self.decaying = 0
        self.scope = ""

    def parameter(
        self, name: str, shape: tuple[int, ...], initializer: Initializer, decays: bool = True
    ) -> Parameter:
        """Declare an array to learn under the current scope; it has numbers after `allocate`."""
        parameter = Parameter(self.scope + name, shape, initializer, decays)
        self._refuse_twice(parameter.name)
        self.parameters[parameter.name] = parameter
        return parameter

    def buffer(self, name: str, values: Array) -> Array:
        """Declare an array that is saved with the network but not learned; returns that array."""
        self._refuse_twice(self.scope + name)
        self.buffers[self.scope + name] = values
        return values

    def _refuse_twice(self, name: str) -> None:
        if name in self.parameters or name in self.buffers:
            raise ValueError(f"{name!r} is declared twice; names within a layer must differ.")

    def allocate(self, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
        """Lay out θ, what decays first, and draw the initial values in the order of the layers."""
        ordered = sorted(self.parameters.values(), key=lambda parameter: not parameter.decays)
        start = 0
        for parameter in ordered:
            parameter.span = slice(start, start + parameter.size)
            start += parameter.size
        self.decaying = sum(parameter.size for parameter in ordered if parameter.decays)
        self.theta = np.zeros(start, dtype)
        self.gradient = np.zeros(start, dtype)
        self._bind()
        for parameter in self.parameters.values():
            parameter.value[...] = parameter.initializer(parameter.shape, rng)

    def _bind(self) -> None:
        for parameter in self.parameters.values():
            parameter.bind(self.theta, self.gradient)

    @contextmanager
    def other_gradient(self, gradient: Array) -> Iterator[None]:
        """Let gradients be written into another vector for a while."""
        for parameter in self.parameters.values():
            parameter.bind(self.theta, gradient)
        try:
            yield
        finally:
            self._bind()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()
