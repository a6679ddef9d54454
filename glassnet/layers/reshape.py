"""Layers that arrange a row's numbers in another shape: views, which cost nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from glassnet.accelerate import Array
from glassnet.layers.base import LAYERS, Layer, Shape
from glassnet.parameters import ParameterStore


class _View(Layer):
    """Base: the same numbers in another shape, forth and back."""

    shape_of_row: Shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x as (n, *output shape), a view."""
        self.remember(shape=x.shape)
        return x.reshape(len(x), *self.shape_of_row)

    def backward(self, dy: Array) -> Array:
        """Return dy in the shape of x, a view."""
        return dy.reshape(self.recall("shape"))


@LAYERS.register
class Flatten(_View):
    """All axes of a row in one: (n, channels, height, width) → (n, channels · height · width).

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.Flatten()], input_shape=(28, 28), seed=0)
        >>> net.forward(np.zeros((5, 28, 28))).shape
        (5, 784)
    """

    name = "Flatten"

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Return the one axis that is left."""
        self.shape_of_row = (math.prod(input_shape),)
        return self.shape_of_row


@LAYERS.register
class Reshape(_View):
    """The numbers of a row, in the same (C) order, in another shape.

    Arguments:
        shape: the new shape without the batch axis; one entry may be −1, "what is left".

    Raises:
        ValueError: if an entry is neither positive nor −1, if there are two −1, or if the shape
            does not hold as many numbers as the input.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.Reshape((1, 28, -1))], input_shape=(784,), seed=0)
        >>> net.forward(np.zeros((5, 784))).shape
        (5, 1, 28, 28)
    """

    name = "Reshape"

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(int(axis) for axis in shape)
        if any(axis < 1 and axis != -1 for axis in self.shape) or self.shape.count(-1) > 1:
            raise ValueError(
                "Reshape needs a shape of positive numbers, of which one may be -1. "
                f"Received: {self.shape}."
            )

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Return the new shape, with −1 worked out."""
        size, known = math.prod(input_shape), math.prod(axis for axis in self.shape if axis != -1)
        self.shape_of_row = tuple(size // known if axis == -1 else axis for axis in self.shape)
        if math.prod(self.shape_of_row) != size:
            raise ValueError(
                f"Reshape cannot turn {size} numbers of shape {input_shape} into {self.shape} "
                "(batch axis left out). Choose a shape of as many numbers, or let one axis be -1."
            )
        return self.shape_of_row
