"""The gradient check passes what is right, finds what is planted, and says where."""

from __future__ import annotations

import copy

import networks
import numpy as np
import pytest

import glassnet as gn
from glassnet.losses import LOSSES

ROWS = 5


def rows(features: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(ROWS, features)), rng.normal(size=(ROWS, features))


def check(*layers, features: int = 3, loss="squared_error", **options):
    net = gn.Network(layers, (features,), seed=1)
    net.theta[:] += np.random.default_rng(2).normal(0, 0.3, net.theta.shape)
    return gn.gradient_check(net, loss, *rows(features), **options)


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("training", [False, True])
def test_right_networks_pass_and_stay_as_they_are(seed, training):
    net = networks.random_network(seed, dtype="float32", rate=0.4)
    before = copy.deepcopy(net)
    x, y = networks.random_inputs(net, ROWS), networks.targets_for("mse", ROWS)
    report = gn.gradient_check(net, "mse", x, y, training=training)
    assert report.passed, report
    assert {row.name for row in report.rows} == {"outputs", "inputs", *net.parameters}
    assert np.array_equal(net.theta, before.theta)
    assert np.array_equal(net.gradient, before.gradient)
    for name, buffer in net.buffers.items():
        assert np.array_equal(buffer, before.buffers[name])


@pytest.mark.parametrize("loss", LOSSES.names())
def test_every_loss_passes(loss):
    net = gn.Network([gn.Dense(4), gn.Tanh(), gn.Dense(3)], (3,), seed=0)
    report = gn.gradient_check(net, loss, rows()[0], networks.targets_for(loss, ROWS))
    assert report.passed, report


class Scale(gn.Layer):
    """y = a x for each feature, with a right backward pass to plant mistakes in."""

    name = "Scale"

    def build(self, input_shape, store, rng):
        self.scale = store.parameter("scale", input_shape, gn.initializers.Constant(1.5))
        return input_shape

    def forward(self, x, training=False):
        self.x = x
        return x * self.scale.value

    def backward(self, dy):
        self.scale.gradient[...] = (dy * self.x).sum(axis=0)
        return dy * self.scale.value


class WrongSign(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.scale.gradient[...] = -(dy * self.x).sum(axis=0)
        return dx


class MeanOverBatch(Scale):
    """y = a · mean of the rows: the gradient of a has a 1/m, and so has that of x."""

    def forward(self, x, training=False):
        self.x = x
        return np.tile(self.scale.value * x.mean(axis=0), (len(x), 1))

    def backward(self, dy):
        self.scale.gradient[...] = dy.sum(axis=0) * self.x.sum(axis=0)  # / m
        return np.tile(dy.sum(axis=0) * self.scale.value / len(dy), (len(dy), 1))


class Centre(Scale):
    """y = x − mean of the rows."""

    def build(self, input_shape, store, rng):
        return input_shape

    def forward(self, x, training=False):
        return x - x.mean(axis=0)

    def backward(self, dy):
        return dy - dy.sum(axis=0)  # / m


class Mix(Scale):
    """y = x W with a square W."""

    def build(self, input_shape, store, rng):
        square = 2 * tuple(input_shape)
        self.weight = store.parameter("weight", square, gn.initializers.Normal(0.5))
        return input_shape

    def forward(self, x, training=False):
        self.x = x
        return x @ self.weight.value

    def backward(self, dy):
        self.weight.gradient[...] = self.x.T @ dy
        return dy @ self.weight.value.T


class SwappedWeightGradient(Mix):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.gradient[...] = dy.T @ self.x
        return dx


class SwappedInputGradient(Mix):
    def backward(self, dy):
        super().backward(dy)
        return dy @ self.weight.value


class Cut(Scale):
    """y = 2 x where x > 0, else 0."""

    def build(self, input_shape, store, rng):
        return input_shape

    def forward(self, x, training=False):
        return 2 * np.maximum(x, 0)

    def backward(self, dy):
        return 2 * dy  # where x > 0


class CutAndForgetAll(Cut):
    def backward(self, dy):
        return dy


class Add(Scale):
    def backward(self, dy):
        self.scale.gradient[...] += (dy * self.x).sum(axis=0)
        return dy * self.scale.value


class Forget(Scale):
    def backward(self, dy):
        return dy * self.scale.value


class SummedOverRows(gn.Loss):
    """Half the squared error whose author multiplied by the rows instead of leaving that alone."""

    name = "summed"

    def rows(self, outputs, targets, losses, gradient):
        losses[:] = 0.5 * ((outputs - targets) ** 2).sum(axis=1)
        gradient[:] = len(outputs) * (outputs - targets)


PLANTED = {
    "sign": (WrongSign, "∂J/∂scale: received is −1 times", "a sign is wrong"),
    "1/m of a parameter": (MeanOverBatch, "∂J/∂scale: received is 5 times", "a 1/m is missing"),
    "1/m of an input": (Centre, "∂J/∂x: the part besides dy is 5 times", "a 1/m is missing"),
    "transposed gradient": (SwappedWeightGradient, "∂J/∂weight: received is the transpose", "swap"),
    "transposed product": (SwappedInputGradient, "received is dy weight, but", "dy weightᵀ"),
    "mask": (Cut, "∂J/∂x: a mask is forgotten:", "nothing goes forward"),
    "mask and factor": (CutAndForgetAll, "a mask is forgotten, and a factor of 2 with it", "comes"),
    "unwritten": (Forget, "∂J/∂scale: received is zero everywhere", "never written"),
    "adds": (Add, "layers.1.scale: its gradient changes when backward runs again", "add to them"),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_planted_mistake_is_found_and_named(mistake):
    layer, what, why = PLANTED[mistake]
    report = check(gn.Dense(3), layer(), gn.Dense(3), gn.Tanh(), gn.Dense(3))
    assert not report.passed
    said = "\n".join(report.suspicions)
    assert what in said
    assert why in said
    assert "layers.1" in said
    assert len(report.suspicions) == 1, said  # no other is accused
    if mistake != "adds":
        assert f"{layer.__name__}.backward (test_gradient_check.py, line" in said


def test_right_layers_of_ones_own_pass():
    assert check(gn.Dense(3), Scale(), Mix(), gn.Dense(3)).passed


def test_mistake_in_a_loss_of_ones_own():
    report = check(gn.Dense(3), loss=SummedOverRows())
    assert "SummedOverRows, ∂ℓ/∂outputs: received is 5 times" in report.suspicions[0]
    assert "SummedOverRows.rows (test_gradient_check.py, line" in report.suspicions[0]


def test_worst_index_is_named_with_both_values():
    class OneWrong(Scale):
        def backward(self, dy):
            dx = super().backward(dy)
            self.scale.gradient[2] += 7
            return dx

    report = check(OneWrong())
    assert report.worst.name == "layers.0.scale"
    assert report.worst.index == (2,)
    assert report.worst.received - report.worst.expected == pytest.approx(7, rel=1e-6)
    assert "WRONG" in str(report)
    assert "(2,): " in str(report)


def test_bends_are_left_out():
    """At x = 0 the rectifier has a slope on either side: any number between may come back."""
    net = gn.Network([gn.ReLU(), gn.Dense(1, gn.initializers.Constant(1.0))], (2,), seed=0)
    x = np.array([[0.0, 1.0], [1e-7, -3e-6]])
    report = gn.gradient_check(net, "squared_error", x, np.array([3.0, 2.0]))
    assert report.passed, report
    assert report.rows[-1].skipped == 1


def test_sample_of_large_arrays():
    net = gn.Network([gn.Dense(50), gn.ReLU(), gn.Dense(3)], (40,), seed=0)
    x, y = np.random.default_rng(0).normal(size=(4, 40)), np.arange(4) % 3
    report = gn.gradient_check(net, "cross_entropy", x, y, most=25)
    assert report.passed
    weight = next(row for row in report.rows if row.name == "layers.0.weight")
    assert weight.checked == 25
    assert "25 of 2,000" in str(report)


def test_codes_and_missing_values_have_no_slope():
    layers = [gn.Impute("mean", [0]), gn.OneHot({1: 3}), gn.Dense(2)]
    net = gn.Network(layers, (2,), seed=0)
    x = np.array([[0.5, 1.0], [np.nan, 2.0], [1.5, 0.0]])
    report = gn.gradient_check(net, "cross_entropy", x, np.array([0, 1, 1]))
    assert report.passed, report
    assert report.rows[-1].skipped == 1 + 3


def test_randomness_that_is_not_kept_is_refused():
    class Noise(Scale):
        def forward(self, x, training=False):
            return super().forward(x) + np.random.default_rng().normal(size=x.shape)

    with pytest.raises(ValueError, match="draws new random numbers"):
        check(Noise())


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("backward", r"layers\.1 Misshapen\(\): backward returned shape \(3,\).*\(5, 3\)"),
        ("forward", r"layers\.1 Misshapen\(\): forward returned shape \(3,\).*\(5, 3\)"),
    ],
)
def test_a_wrong_shape_is_said_before_anything_is_compared(method, said):
    class Misshapen(gn.Layer):
        name = "Misshapen"

        def build(self, input_shape, store, rng):
            return input_shape

        def forward(self, x, training=False):
            return x.sum(axis=0) if method == "forward" else 2 * x

        def backward(self, dy):
            return 2 * dy.sum(axis=0)

    net = gn.Network([gn.Dense(3), Misshapen(), gn.Dense(2)], (4,), seed=0)
    with pytest.raises(ValueError, match=said):
        gn.gradient_check(net, "cross_entropy", np.ones((5, 4)), np.arange(5) % 2)
