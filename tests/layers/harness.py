"""A layer by itself, as a network would hold it."""

from __future__ import annotations

import numpy as np

from glassnet.layers import Layer
from glassnet.parameters import ParameterStore


class Alone:
    """A built layer with its store, random parameters and random running statistics.

    A class of its own, so that pickle and deepcopy see layer and store together, as in a network.
    """

    def __init__(self, layer: Layer, input_shape, dtype="float64", seed=0, followers=()) -> None:
        rng = np.random.default_rng(seed)
        self.layer = layer
        self.store = ParameterStore()
        self.store.scope = "layers.0."
        layer.dtype = np.dtype(dtype)
        layer.input_shape = tuple(input_shape)
        layer.followers = tuple(followers)
        layer.output_shape = layer.build(layer.input_shape, self.store, rng)
        layer.built = True
        self.store.allocate(layer.dtype, rng)
        self.store.theta[...] = rng.normal(size=self.store.theta.shape)
        for name, buffer in self.store.buffers.items():
            if "running" in name:
                buffer[...] = rng.uniform(0.5, 2.0, buffer.shape)

    def forward(self, x, training=False):
        return self.layer.forward(x, training)

    def backward(self, dy):
        return self.layer.backward(dy)

    def buffers(self):
        """Copies of the buffers: step counters and running statistics move in training."""
        return {name: buffer.copy() for name, buffer in self.store.buffers.items()}

    def restore(self, buffers) -> None:
        for name, values in buffers.items():
            self.store.buffers[name][...] = values

    def pass_through(self, x, dy, training=False):
        """Forward and backward from the same buffers as before; copies of y, dx, gradient."""
        before = self.buffers()
        y = self.forward(x, training).copy()
        dx = self.backward(dy).copy()
        self.restore(before)
        return y, dx, self.store.gradient.copy()
