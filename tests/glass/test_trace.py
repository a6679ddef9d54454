"""A traced step: its numbers are those of the step, and those of a derivation by hand."""

from __future__ import annotations

import copy
import math
import re
import xml.dom.minidom

import networks
import numpy as np
import pytest
from registries import our_names

import glassnet as gn
from glassnet.optimizers import OPTIMIZERS

LN3 = math.log(3)


def textbook() -> gn.Network:
    """2-2-1 with a logistic hidden layer, and numbers that can be followed with a pencil."""
    net = gn.Network([gn.Dense(2), gn.Sigmoid(), gn.Dense(1)], (2,), seed=0, dtype="float64")
    net.parameters["layers.0.weight"].value = [[2.0, 1.0], [-1.0, -1.0]]
    net.parameters["layers.0.bias"].value = [0.0, 1 + LN3]
    net.parameters["layers.2.weight"].value = [[2.0], [-4.0]]
    net.parameters["layers.2.bias"].value = [3.0]
    return net


# Worked by hand, for x = (1, 2), y = 3, ½ (z − y)² and η = ½:
#
#   z₀ = (1·2 − 2·1 + 0, 1·1 − 2·1 + 1 + ln 3) = (0, ln 3)
#   a₁ = (1/(1 + 1), 1/(1 + 1/3)) = (1/2, 3/4)
#   z₂ = 2·1/2 − 4·3/4 + 3 = 1              J = ½ (1 − 3)² = 2            ∂J/∂z₂ = 1 − 3 = −2
#   ∂J/∂W₂ = −2 a₁ = (−1, −3/2)             ∂J/∂b₂ = −2
#   ∂J/∂a₁ = −2 (2, −4) = (−4, 8)           a₁ (1 − a₁) = (1/4, 3/16)
#   ∂J/∂z₀ = (−4/4, 8·3/16) = (−1, 3/2)
#   ∂J/∂W₀ = (1, 2)ᵀ (−1, 3/2)              ∂J/∂b₀ = (−1, 3/2)
#   and every parameter moves by minus half of its gradient.
BY_HAND = {
    "z₀": [[0, LN3]],
    "a₁": [[1 / 2, 3 / 4]],
    "z₂": [[1]],
    "ℓ": [2],
    "∂ℓ/∂z₂": [[-2]],
    "∂J/∂z₂": [[-2]],
    "∂J/∂W₂": [[-1], [-3 / 2]],
    "∂J/∂b₂": [-2],
    "∂J/∂a₁": [[-4, 8]],
    "∂J/∂z₀": [[-1, 3 / 2]],
    "∂J/∂W₀": [[-1, 3 / 2], [-2, 3]],
    "∂J/∂b₀": [-1, 3 / 2],
    "W₀": [[5 / 2, 1 / 4], [0, -5 / 2]],
    "b₀": [1 / 2, 1 / 4 + LN3],
    "W₂": [[5 / 2], [-13 / 4]],
    "b₂": [4],
}


@pytest.fixture
def step():
    return textbook().trace(
        np.array([[1.0, 2.0]]), np.array([3.0]), loss="squared_error", optimizer=gn.SGD(0.5)
    )


@pytest.mark.parametrize("symbol", BY_HAND)
def test_textbook_example_as_worked_by_hand(step, symbol):
    np.testing.assert_allclose(step[symbol], BY_HAND[symbol], rtol=1e-14, atol=1e-15)


def test_textbook_example_reads_as_one(step):
    assert step.loss == pytest.approx(2, rel=1e-14)
    assert [call.phase for call in step.calls] == (
        ["forward"] * 3 + ["loss"] * 2 + ["backward"] * 6 + ["update"]
    )
    assert [call.number for call in step.calls] == list(range(1, 13))
    page = step.text()
    assert "∂J/∂W₂ = a₁ᵀ ∂J/∂z₂\n         = [0.5 0.75]ᵀ · (−2) = [−1; −1.5]" in page
    assert "∂J/∂z₀ = ∂J/∂a₁ ⊙ a₁ ⊙ (1 − a₁)" in page
    assert "W₀ ← W₀ − η ∂J/∂W₀" in page
    assert "Nature 323, 1986, eq. 7" in page
    # x W₀ + b₀: four products, two sums in the product, two for b₀
    assert step.calls[0].flops == 2 * 2 * 2 + 2
    assert step.calls[0].bytes == 8 * (2 + 4 + 2 + 2)
    assert all(call.seconds > 0 for call in step.calls)


def test_pages_are_whole_and_need_nothing_else(step, tmp_path):
    page = step.save(tmp_path / "step.html").read_text()
    equations = re.findall(r"<math.*?</math>", page)
    assert len(equations) > 50
    for equation in equations:
        xml.dom.minidom.parseString(equation)
    assert not re.search(r"<script|<link|src=|url\(|https?://", page)
    markdown = step.save(tmp_path / "step.md").read_text()
    assert r"\frac{\partial J}{\partial {W_{0}}}" in markdown or "$$" in markdown
    with pytest.raises(ValueError, match=r"\.html, \.md or \.txt"):
        step.save(tmp_path / "step.pdf")
    with pytest.raises(ValueError, match="exists already"):
        step.save(tmp_path / "step.html")


@pytest.mark.parametrize("seed", range(12))
def test_trace_is_the_step_that_fit_takes_and_changes_nothing(seed):
    net = networks.random_network(seed, rate=0.3)
    x, y = networks.random_inputs(net, 6), networks.targets_for("mse", 6)
    names = our_names(OPTIMIZERS)
    optimizer = OPTIMIZERS.create(names[seed % len(names)], l2=0.01, clip_norm=0.5)
    before = copy.deepcopy(net)
    step = net.trace(x, y, loss="mse", optimizer=optimizer, whole=10**6)
    assert np.array_equal(net.theta, before.theta)
    assert np.array_equal(net.gradient, before.gradient)
    for name, buffer in net.buffers.items():
        assert np.array_equal(buffer, before.buffers[name]), name
    assert optimizer.state == {}
    fitted = copy.deepcopy(before)
    for layer in fitted.layers:
        layer.needs_fit, layer.fitted = False, True
    fitted.fit(
        x, y, loss="mse", optimizer=optimizer, batch_size="full", epochs=1, shuffle=False,
        compile=False, callbacks=[],
    )  # fmt: skip
    for name, parameter in fitted.parameters.items():
        index, _, own = name.removeprefix("layers.").partition(".")
        letter = {"weight": "W", "bias": "b", "gamma": "γ", "beta": "β", "slope": "a"}[own]
        digits = "₀₁₂₃₄₅₆₇₈₉"
        symbol = letter + "".join(digits[int(d)] for d in index)
        assert np.array_equal(step[symbol], parameter.value), name


@pytest.mark.parametrize("rectifier", [gn.PReLU(per_feature=True), gn.LeakyReLU(0.1)])
def test_a_slope_and_what_it_gives_have_two_names(rectifier):
    net = gn.Network([gn.Dense(2), rectifier, gn.Dense(1)], (2,), seed=0)
    step = net.trace(np.array([[1.0, 2.0], [-1.0, 3.0]]), np.array([3.0, 1.0]), loss="mse")
    assert step["y₁"].size == step["∂J/∂y₁"].size == 4
    assert "y₁ = z₀ where z₀ > 0; a₁ " in step.text()
    if isinstance(rectifier, gn.PReLU):
        assert step["∂J/∂a₁"].size == 2


def test_length_and_moments_are_not_said_to_be_those_of_one_parameter():
    adam = gn.Adam(0.5, clip_norm=0.1)
    x, y = np.array([[1.0, 2.0]]), np.array([3.0])
    page = textbook().trace(x, y, loss="mse", optimizer=adam).text()
    assert "∂J/∂b₂ ← ∂J/∂b₂ min(1, c/(‖g‖ + 10⁻⁶))" in page
    assert "where ‖g‖ = √(∑ g²), over all parameters together" in page
    assert "where m̂ = m/(1 − β₁ᵗ)   v̂ = v/(1 − β₂ᵗ)" in page


def test_optimizer_in_the_middle_of_a_training_goes_on():
    net = textbook()
    x, y = np.array([[1.0, 2.0]]), np.array([3.0])
    adam = gn.Adam(0.1)
    net.fit(x, y, loss="squared_error", optimizer=adam, epochs=3)
    memory = {name: array.copy() for name, array in adam.state.items()}
    step = net.trace(x, y, optimizer=adam)
    assert step["t"] == 4
    for name, array in adam.state.items():
        assert np.array_equal(array, memory[name])


def test_large_arrays_are_summed_up():
    net = gn.Network([gn.Dense(100), gn.ReLU(), gn.Dense(3)], (20,), seed=0)
    x = np.random.default_rng(0).normal(size=(16, 20))
    step = net.trace(x, np.arange(16) % 3, loss="cross_entropy")
    rectified = step.calls[1].writes[0]
    assert rectified.values is None
    y = net.layers[1].forward(net.layers[0].forward(x.astype("float32")))
    s = rectified.summary
    assert (s.low, s.high) == (y.min(), y.max())
    assert s.zeros == np.mean(y == 0)
    assert s.norm == pytest.approx(np.linalg.norm(y.astype(float)))
    with pytest.raises(ValueError, match="larger `whole`"):
        step["a₁"]
    with pytest.raises(ValueError, match="It has: x, W₀"):
        step["Q"]


def test_layers_that_only_change_the_shape_have_no_name_of_their_own():
    net = gn.Network([gn.Rescale(0.5), gn.Flatten(), gn.Dense(1)], (2, 2), seed=0, dtype="float64")
    step = net.trace(np.ones((1, 2, 2)), np.array([1.0]), loss="mse")
    assert step.calls[1].lines[0].equation.replace("{", "").replace("}", "").startswith("z_2 = u_0")


def test_only_what_is_there_before_a_call_is_read():
    net = gn.Network([gn.BatchNorm(), gn.Dense(1)], (2,), seed=0, dtype="float64")
    step = net.trace(np.arange(6.0).reshape(3, 2), np.arange(3.0), loss="mse")
    read = {quantity.argument for quantity in step.calls[0].reads}
    assert read == {"x", "gamma", "beta", "running_mean", "running_var", "momentum", "epsilon"}


class Halve(gn.Layer):
    """y = x / 2."""

    name = "Halve"

    def build(self, input_shape, store, rng):
        return input_shape

    def forward(self, x, training=False):
        return x / 2

    def backward(self, dy):
        return dy / 2


def test_part_of_ones_own_is_one_call():
    net = gn.Network([gn.Dense(2), Halve(), gn.Dense(1)], (2,), seed=0, dtype="float64")
    step = net.trace(np.ones((1, 2)), np.array([1.0]), loss="squared_error")
    own = [call for call in step.calls if call.kernel.startswith("Halve")]
    assert [call.phase for call in own] == ["forward", "backward"]
    assert own[0].title == "y = x / 2."
    assert own[0].flops is None
    assert np.array_equal(step["h₁"], step["z₀"] / 2)
    assert np.array_equal(step["∂J/∂z₀"], step["∂J/∂h₁"] / 2)


def test_loss_and_optimizer_of_ones_own():
    class Distance(gn.Loss):
        """Half the squared distance."""

        name = "distance"

        def rows(self, outputs, targets, losses, gradient):
            losses[:] = 0.5 * ((outputs - targets) ** 2).sum(axis=1)
            gradient[:] = outputs - targets

    class Plain(gn.Optimizer):
        """Steps of a tenth."""

        name = "plain"

        def update(self):
            self.theta -= 0.1 * self.gradient

    net = textbook()
    x, y = np.array([[1.0, 2.0]]), np.array([3.0])
    step = net.trace(x, y, loss=Distance(), optimizer=Plain(), whole=100)
    assert step.loss == pytest.approx(2)
    assert [call.title for call in step.calls if call.flops is None] == [
        "Half the squared distance.",
        "Steps of a tenth.",
    ]
    np.testing.assert_allclose(step["∂J/∂b₂"], [-2])
    np.testing.assert_allclose(step["θ"] - net.theta, -0.1 * step["g"])


def test_bad_input_is_refused():
    net = gn.Network([gn.Dense(2), gn.BatchNorm(), gn.Dense(1)], (2,), seed=0)
    with pytest.raises(ValueError, match="at least 2 rows"):
        net.trace(np.ones((1, 2)), np.array([1.0]), loss="mse")
    with pytest.raises(ValueError, match="no loss yet"):
        net.trace(np.ones((2, 2)), np.array([1.0, 2.0]))


def test_a_step_that_overflows_is_shown_without_warnings():
    net = gn.Network([gn.Dense(4), gn.ReLU(), gn.Dense(3)], (2,), seed=0)
    net.theta[...] *= 1e25
    x, y = np.random.default_rng(0).normal(size=(5, 2)), np.zeros((5, 3))
    step = net.trace(x, y, loss="mse", optimizer="sgd")
    assert step.loss == np.inf
    assert "inf" in step.text()
    assert "inf" in step.html()
