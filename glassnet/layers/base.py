"""What a layer is.

A layer is a differentiable function y = f(x; θ) with both directions written out by hand: `forward`
computes y and remembers what `backward` will need; `backward` takes ∂J/∂y and returns ∂J/∂x,
writing the gradients of its own parameters on the way (writing, not adding).

A layer of your own is a subclass with `build`, `forward` and `backward`, in plain NumPy if you
like.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from glassnet.accelerate import Array
from glassnet.parameters import Parameter, ParameterStore
from glassnet.registry import Configurable, Registry

Shape = tuple[int, ...]

LAYERS: Registry[Layer] = Registry("layer")


class Layer(Configurable):
    """Base of all layers.

    Shapes named here leave the batch axis out: a layer sees x of shape (batch, *input_shape).

    Attributes:
        input_shape, output_shape: set when the layer becomes part of a `Network`.
        dtype: the network's dtype, set at the same time.
        needs_dx: whether anybody reads ∂J/∂x; a layer may skip that product when nobody does.
        needs_fit: whether it learns statistics from the training rows before training
            (`Standardize`).
        fitted: whether it has done so; `Network` sets it.
        accepts_raw: whether it takes unconverted input (integers, booleans, any float).
        accepts_nan: whether it takes missing values (`Impute`).
        followers: the layers after it, from which `Dense` chooses its defaults.
        default_initializer: for an activation, what suits the weights of the layer before it.
        minimum_training_rows: the smallest batch that it can be trained on.
        row_wise: whether a row's y depends on that row alone, also in training.

    Example, a layer of one's own (a learned scale a feature):
        >>> import glassnet as gn
        >>> class Scale(gn.Layer):
        ...     name = "Scale"
        ...     def build(self, input_shape, store, rng):
        ...         one = gn.initializers.Constant(1.0)
        ...         self.scale = store.parameter("scale", input_shape, one)
        ...         return input_shape
        ...     def forward(self, x, training=False):
        ...         self.x = x
        ...         return x * self.scale.value
        ...     def backward(self, dy):
        ...         self.scale.gradient[...] = (dy * self.x).sum(axis=0)
        ...         return dy * self.scale.value
        >>> net = gn.Network([gn.Dense(3), Scale()], input_shape=(2,), seed=0)
        >>> net.output_shape
        (3,)
    """

    name: ClassVar[str]
    accepts_raw: ClassVar[bool] = False
    accepts_nan: ClassVar[bool] = False
    needs_fit: ClassVar[bool] = False
    minimum_training_rows: ClassVar[int] = 1
    row_wise: ClassVar[bool] = True
    default_initializer: ClassVar[str | None] = None

    input_shape: Shape
    output_shape: Shape
    dtype: np.dtype[Any] = np.dtype("float32")
    needs_dx: bool = True
    followers: tuple[Layer, ...] = ()
    built: bool = False
    fitted: bool = False

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Declare parameters and buffers for inputs of this shape; return that of the outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no build")

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y for x of shape (batch, *input_shape); the array is reused by the next call."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, dy: Array) -> Array:
        """Return ∂J/∂x for ∂J/∂y of y's shape, and write the gradients of the parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def fit(self, x: Array) -> None:
        """Learn statistics from the training rows as they reach this layer (if `needs_fit`)."""

    def flops(self) -> int:
        """Floating-point operations of one forward pass over one row, as an estimate."""
        return 0

    # Buffers: arrays that are allocated once and reused.

    def scratch(self, name: str, shape: Shape, dtype: Any = None) -> Array:
        """An uninitialised work array of this shape, the same memory at every call.

        The first axis is the batch. An array grows to the largest batch seen; smaller batches get
        its leading rows, so that a short last batch costs no new memory.
        """
        buffers: dict[str, Array] = self.__dict__.setdefault("_buffers", {})
        array = buffers.get(name)
        if array is not None and array.shape == shape:
            return array
        if array is None or array.shape[1:] != shape[1:] or len(array) < shape[0]:
            array = buffers[name] = np.empty(shape, self.dtype if dtype is None else dtype)
        return array[: shape[0]]

    def remember(self, **arrays: Any) -> None:
        """Keep what `backward` will need."""
        self.__dict__["_remembered"] = arrays

    def recall(self, name: str) -> Any:
        """What `forward` remembered under this name.

        Raises:
            ValueError: if there was no forward pass to go back through.
        """
        remembered = self.__dict__.get("_remembered")
        if remembered is None:
            raise ValueError(
                f"{type(self).__name__}.backward was called without a forward pass before it; "
                "call forward first."
            )
        return remembered[name]

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_buffers", "_remembered")}


@contextmanager
def separate_buffers(layers: Sequence[Layer]) -> Iterator[list[Array]]:
    """Let layers use new work arrays for a while, for something recorded that keeps them.

    Yields:
        A list that holds those arrays afterwards.
    """
    own = ("_buffers", "_remembered")
    kept = [
        {name: layer.__dict__.pop(name) for name in own if name in layer.__dict__}
        for layer in layers
    ]
    work: list[Array] = []
    try:
        yield work
    finally:
        for layer, before in zip(layers, kept, strict=True):
            work.extend(layer.__dict__.pop("_buffers", {}).values())
            layer.__dict__.pop("_remembered", None)
            layer.__dict__.update(before)


__all__ = ["LAYERS", "Layer", "Parameter", "Shape", "separate_buffers"]
