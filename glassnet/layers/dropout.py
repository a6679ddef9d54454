"""Dropout: in training, each value is set to zero with probability p.

With independent keep ∈ {0, 1}, P(keep = 1) = 1 − p, and m = keep / (1 − p), so that E[m] = 1:

    y = m x                        and therefore                  dx = m dy

Because the survivors are enlarged in training ("inverted" dropout), nothing is left to do
afterwards: in inference y = x.
"""

from __future__ import annotations

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.layers.base import LAYERS, Layer, Shape
from glassnet.layers.philox import philox_words
from glassnet.parameters import ParameterStore


@accelerated
def dropout_next_step(step: Array) -> None:
    """t ← t + 1."""
    np.add(step, 1, out=step)


@accelerated
def dropout_forward(x: Array, words: Array, rate: Array, mask: Array, y: Array) -> None:
    """y = m x, where m = 0 if a random 32-bit word is below p · 2³², else 1 / (1 − p)."""
    p = rate.item()
    threshold = np.uint32(min(round(p * 2**32), 2**32 - 1))
    np.greater_equal(words[: x.size].reshape(x.shape), threshold, out=mask)
    np.multiply(mask, 1 / (1 - p), out=mask)
    np.multiply(x, mask, out=y)


@accelerated
def dropout_backward(dy: Array, mask: Array, dx: Array) -> None:
    """dx = m dy."""
    np.multiply(dy, mask, out=dx)


@LAYERS.register
class Dropout(Layer):
    """In training y = m x, with m random: 0 with probability `rate`, else 1 / (1 − rate).

    The mask of the t-th training pass is a function of the layer's key, of t and of the element's
    position, and of nothing else (see `glassnet.layers.philox`).

    Arguments:
        rate: the share that is dropped, 0 ≤ rate < 1, as in PyTorch and Keras.

    Buffers: `key` (2,) uint32, drawn from the network's seed; `step` (1,) int64, the number of
    training passes so far.

    Raises:
        ValueError: if the rate is not in [0, 1).

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.Dropout(0.5)], input_shape=(1000,), seed=0)
        >>> y = net.forward(np.ones((1, 1000)), training=True)
        >>> sorted(set(y.ravel().tolist())), bool(abs(y.mean() - 1) < 0.1)
        ([0.0, 2.0], True)

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 15, 2014, section 4 (there p is the share that is kept), scaled in training as in
    section 10.
    """

    name = "Dropout"
    row_wise = False  # its masks are counted by batch

    def __init__(self, rate: float = 0.5) -> None:
        if not 0 <= rate < 1:
            raise ValueError(
                "Dropout's rate is the share of values that is dropped, 0 ≤ rate < 1. "
                f"Received: {rate!r}."
            )
        self.rate = float(rate)
        self._rate = np.array(self.rate)

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Draw the key and start counting."""
        self.key = store.buffer("key", rng.integers(2**32, size=2, dtype=np.uint32))
        self.step = store.buffer("step", np.zeros(1, np.int64))
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return m x with a new mask in training, and x itself in inference."""
        if not training:
            self.remember(mask=None)
            return x
        blocks = -(-x.size // 4)  # four words each, rounded up
        work = self.scratch("work", (6 * blocks,), np.uint64)
        words = self.scratch("words", (4 * blocks,), np.uint32)
        mask = self.scratch("mask", x.shape)
        y = self.scratch("y", x.shape)
        dropout_next_step(self.step)
        philox_words(self.key, self.step, work, words)
        dropout_forward(x, words, self._rate, mask, y)
        self.remember(mask=mask)
        return y

    def backward(self, dy: Array) -> Array:
        """Return m dy with the mask of the forward pass."""
        mask = self.recall("mask")
        if mask is None:
            return dy
        dx = self.scratch("dx", dy.shape)
        dropout_backward(dy, mask, dx)
        return dx

    def flops(self) -> int:
        """Floating-point operations of one training pass over one row, as an estimate."""
        return 2 * int(np.prod(self.input_shape, dtype=np.int64))
