"""Every row of the table of layers as a network of its own, with random numbers in it."""

from __future__ import annotations

import numpy as np
from layers.table import ROWS, Row
from networks import draw_numbers

import glassnet as gn

__all__ = ["ROWS", "single_layer"]


def single_layer(row: Row, dtype: str = "float32") -> gn.Network:
    """The row's layer, with all its options, as a network."""
    network = gn.Network([row.make()], row.input_shape, dtype=dtype)
    draw_numbers(network, np.random.default_rng(7))
    return network
