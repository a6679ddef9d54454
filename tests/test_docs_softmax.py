"""docs/softmax.md: its example prints what stands there, and its equations are ours."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn

PAGE = (Path(__file__).parents[1] / "docs" / "softmax.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    code = re.search(r"```python\n(.*?)```\n\n(.*?)\n\n", PAGE, re.DOTALL)
    assert code is not None
    exec(code[1], {})
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert printed == [line.split() for line in code[2].splitlines()]


def test_whole_jacobian_is_softmax_and_the_diagonal_is_not_the_gradient() -> None:
    rng = np.random.default_rng(0)
    z, h = rng.normal(size=(1, 5)), 1e-6
    network = gn.Network([gn.layers.Softmax()], input_shape=(5,), dtype="float64")

    def softmax(z: np.ndarray) -> np.ndarray:
        return network.forward(z)[0].copy()  # the network's own array is written again

    steps = h * np.eye(5)
    jacobian = np.stack([(softmax(z + e) - softmax(z - e)) / (2 * h) for e in steps], axis=1)
    p = softmax(z)
    np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), atol=1e-9)

    y = rng.dirichlet(np.ones(5))  # soft targets: the derivation only needs that they sum to one
    whole = (-y / p) @ jacobian
    diagonal = (-y / p) * np.diag(jacobian)
    net = gn.Network([gn.Dense(5, "zeros")], input_shape=(1,), dtype="float64")
    net.parameters["layers.0.bias"].value[...] = z[0]
    net.loss_and_gradient(np.zeros((1, 1)), y[None], loss="cross_entropy")
    gradient = net.parameters["layers.0.bias"].gradient
    np.testing.assert_allclose(whole, gradient, atol=1e-9)
    np.testing.assert_allclose(p - y, gradient, atol=1e-12)
    assert np.abs(diagonal - gradient).max() > 0.01
