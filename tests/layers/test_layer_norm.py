"""Layer norm: a worked example, and rows that don't mix."""

import numpy as np
import pytest
from layers.harness import Alone

from glassnet.layers import LayerNorm


def test_worked_by_hand():
    alone = Alone(LayerNorm(1e-12), (3,))
    alone.layer.gamma.value, alone.layer.beta.value = [1.0, 2.0, 1.0], [0.0, 0.0, 5.0]
    a, b = np.sqrt(1.5), np.sqrt(0.5)
    y = alone.forward(np.array([[0.0, 2.0, 4.0], [1.0, 4.0, 1.0]]))
    np.testing.assert_allclose(y, [[-a, 0, a + 5], [-b, 4 * b, 5 - b]], atol=1e-11)


def test_rows_do_not_mix():
    alone = Alone(LayerNorm(), (5,))
    x = np.random.default_rng(0).normal(size=(6, 5))
    y = alone.forward(x, True).copy()
    np.testing.assert_array_equal(alone.forward(x[2:3], True), y[2:3])
    np.testing.assert_array_equal(alone.forward(x), y)


def test_images_count_all_pixels_of_a_row():
    alone = Alone(LayerNorm(), (2, 3, 3))
    alone.layer.gamma.value, alone.layer.beta.value = np.ones((2, 3, 3)), np.zeros((2, 3, 3))
    y = alone.forward(np.random.default_rng(0).normal(4, 2, (5, 2, 3, 3)))
    np.testing.assert_allclose(y.mean(axis=(1, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=(1, 2, 3)), 1, rtol=1e-4)


def test_bad_epsilon():
    with pytest.raises(ValueError, match=r"epsilon > 0\. Received: -1"):
        LayerNorm(-1)
