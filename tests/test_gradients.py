"""The instrument itself: central differences are right, and wrong gradients are reported well."""

import numpy as np
import pytest
from gradients import assert_same_gradient, numerical_gradient, relative_error


def test_derivatives_from_the_textbook():
    x = np.random.default_rng(0).normal(size=(3, 4))
    kept = x.copy()
    assert relative_error(numerical_gradient(lambda: np.sin(x).sum(), x), np.cos(x)) < 1e-11
    assert relative_error(numerical_gradient(lambda: np.exp(x.T).sum(), x.T), np.exp(x.T)) < 1e-11
    np.testing.assert_array_equal(x, kept)


def test_only_the_indices_asked_for():
    x = np.ones((2, 2))
    gradient = numerical_gradient(lambda: 3 * x.sum(), x, where=np.eye(2, dtype=bool))
    np.testing.assert_allclose(gradient, 3 * np.eye(2))


def test_the_worst_index_is_named():
    right, wrong = np.ones((2, 3)), np.ones((2, 3))
    wrong[1, 2] = -1
    with pytest.raises(AssertionError, match=r"dx: .*worst at \(1, 2\): received -1, .* give 1$"):
        assert_same_gradient(wrong, right, what="dx")
    wrong[1, 2] = np.nan
    with pytest.raises(AssertionError, match=r"worst at \(1, 2\): received nan"):
        assert_same_gradient(wrong, right)
    with pytest.raises(AssertionError, match="shape"):
        assert_same_gradient(right.T, right)
