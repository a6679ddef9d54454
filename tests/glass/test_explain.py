"""Explanations: gradient × input, by finite differences, by properties, and by PyTorch."""

from __future__ import annotations

import gradients
import networks
import numpy as np
import pytest

import glassnet as gn


@pytest.mark.parametrize("seed", range(10))
def test_gradient_is_that_of_finite_differences(seed):
    net = networks.random_network(seed)
    x = networks.smooth_inputs(net)
    before = net.gradient.copy()
    why = net.explain(x, output=1)
    assert np.array_equal(net.gradient, before)
    np.testing.assert_allclose(why.outputs, net.forward(x), rtol=1e-12)
    assert len(why.activations) == len(net.layers)
    layers = net.layers[len(net.layers) - _learning(net) :]

    def f() -> float:
        y = u
        for layer in layers:
            y = layer.forward(y, False)
        return float(y[:, 1].sum())

    u = why.inputs.copy()
    numeric = gradients.numerical_gradient(f, u)
    np.testing.assert_allclose(why.gradient, numeric, rtol=1e-6, atol=1e-8)
    assert why.contributions.shape == x.shape
    total = why.contributions.reshape(len(x), -1).sum(axis=1)
    np.testing.assert_allclose(total, (u * numeric).reshape(len(x), -1).sum(axis=1), atol=1e-7)


def _learning(net: gn.Network) -> int:
    """How many layers there are from the first that is no preprocessing and no change of shape."""
    before = {"Rescale", "Standardize", "Impute", "OneHot", "Flatten", "Reshape"}
    return len(net.layers) - next(k for k, a in enumerate(net.layers) if a.name not in before)


def test_sum_is_the_output_without_biases():
    layers = [gn.Dense(8, use_bias=False), gn.ReLU(), gn.Dense(3, use_bias=False)]
    net = gn.Network(layers, (4,), seed=0, dtype="float64")
    why = net.explain(np.random.default_rng(0).normal(size=(20, 4)))
    np.testing.assert_allclose(why.remainder, 0, atol=1e-12)
    assert np.array_equal(why.output, why.outputs.argmax(axis=1))


def test_standardised_columns_count_from_their_mean():
    net = gn.Network([gn.Standardize(), gn.Dense(1, use_bias=False)], (2,), seed=0, dtype="float64")
    net.buffers["layers.0.mean"][:] = [1999.0, 5.0]
    net.buffers["layers.0.std"][:] = [2.0, 1.0]
    net.parameters["layers.1.weight"].value = [[3.0], [1.0]]
    why = net.explain(np.array([[2001.0, 5.0]]))
    np.testing.assert_allclose(why.contributions, [[3.0, 0.0]])


def test_columns_of_a_category_are_added_up():
    net = gn.Network([gn.OneHot({1: 3}), gn.Dense(1, use_bias=False)], (2,), dtype="float64")
    net.parameters["layers.1.weight"].value = [[2.0], [10.0], [20.0], [30.0]]
    why = net.explain(np.array([[0.5, 2.0], [1.0, 0.0]]))
    np.testing.assert_allclose(why.contributions, [[1.0, 30.0], [2.0, 10.0]])


def test_words():
    net = gn.Network([gn.Dense(2, use_bias=False)], (2,), seed=0, dtype="float64")
    net.metadata = {"feature_names": ["height", "width"], "classes": ["cat", "dog"]}
    net.parameters["layers.0.weight"].value = [[1.0, 2.0], [0.5, -1.0]]
    said = str(net.explain(np.array([[3.0, 1.0]])))
    assert said.splitlines()[0] == "row 0: dog = 5"
    assert "+6  height = 3" in said
    with pytest.raises(ValueError, match="one of the 2 outputs"):
        net.explain(np.ones((1, 2)), output=2)


def test_a_single_output_speaks_for_the_second_class():
    net = gn.Network([gn.Dense(1, use_bias=False)], (2,), seed=0, dtype="float64")
    net.metadata = {"classes": ["no", "yes"]}
    net.parameters["layers.0.weight"].value = [[-1.0], [-2.0]]
    assert str(net.explain(np.array([[1.0, 1.0]]))).startswith("row 0: yes = -3")
