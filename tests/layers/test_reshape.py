"""Flatten and Reshape keep the order of the numbers and say what does not fit."""

import numpy as np
import pytest
from layers.harness import Alone

from glassnet.layers import Flatten, Reshape


def test_order_is_kept_and_nothing_is_copied():
    x = np.arange(12.0).reshape(2, 2, 3)
    y = Alone(Flatten(), (2, 3)).forward(x)
    assert y.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert np.shares_memory(x, y)
    y = Alone(Reshape((3, -1)), (2, 3)).forward(x)
    assert y[0].tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("shape", [(-1, -1), (0, 3), (-2,)])
def test_bad_shapes(shape):
    with pytest.raises(ValueError, match=r"positive numbers, of which one may be -1\. Received"):
        Reshape(shape)


@pytest.mark.parametrize("shape", [(4,), (5, -1)])
def test_shapes_that_do_not_fit(shape):
    with pytest.raises(ValueError, match=r"cannot turn 6 numbers of shape \(2, 3\)"):
        Alone(Reshape(shape), (2, 3))
