"""Sick trainings of the third held-out part: something is wrong with the network.

Two names stand only where both are true: of one and the same slip, or of its consequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import glassnet as gn
from glassnet.accelerate import Array
from glassnet.doctor.suite.third_rows import (
    arm,
    cancer,
    checkers,
    diabetes,
    digits,
    display,
    majority,
    peaks,
    roll,
    spirals,
    tenfold,
    twonorm,
    wave,
    waveform,
    wine,
)
from glassnet.doctor.suite.training import (
    AdamFromZero,
    Case,
    NaiveCrossEntropy,
    Training,
    mlp,
)
from glassnet.initializers import Constant, Normal, Orthogonal, Uniform

# Slips as parts of their own.


class LogLikelihood(gn.Loss):
    """−y log p − (1 − y) log(1 − p) as it stands in books: p rounds to 1, and 1 − p has no log."""

    name = "log_likelihood"
    threshold = 0.0

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        """Write the losses and their gradients."""
        p = 1 / (1 + np.exp(-outputs))
        losses[:] = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum(axis=1)
        gradient[:] = (p - targets) / (p * (1 - p)) * p * (1 - p)


class Logarithm(gn.Layer):
    """y = log x, for counts of which some are 0."""

    name = "Logarithm"

    def build(self, input_shape: Any, store: Any, rng: Any) -> Any:
        """Nothing to declare."""
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return log x."""
        self.x = x
        y: Array = np.log(x)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dy / x."""
        return dy / self.x


class Times(gn.Layer):
    """y = c x."""

    name = "Times"

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def build(self, input_shape: Any, store: Any, rng: Any) -> Any:
        """Nothing to declare."""
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return c x."""
        return self.factor * x

    def backward(self, dy: Array) -> Array:
        """Return c dy."""
        return self.factor * dy


def xavier_without_root(fan_in: int, fan_out: int) -> Normal:
    """The variance taken for the standard deviation."""
    return Normal(2 / (fan_in + fan_out))


SICK = [
    # Numbers that are not finite.
    Case(
        "cancer, Adam whose t begins at 0",
        lambda: Training(cancer(), mlp([24, 12], 2, gn.Tanh), AdamFromZero(1e-3), 10, 16, 401),
        ("not-finite",),
    ),
    Case(
        "cancer, textbook logarithms of rounded probabilities",
        lambda: Training(
            cancer(outputs=1), mlp([40], 1), gn.Adam(0.02), 60, 16, 402, LogLikelihood()
        ),
        ("not-finite",),
    ),
    Case(
        "digits, the logarithm of pixels of which half are 0",
        lambda: Training(
            digits(), mlp([64], 10, first=[Logarithm()]), gn.Momentum(0.01), 5, 50, 403
        ),
        ("not-finite",),
    ),
    Case(
        "diabetes, targets up to 346 and a rate for targets near 1",
        lambda: Training(diabetes(raw_target=True), mlp([50, 50], 1), gn.SGD(0.1), 20, 20, 404),
        ("not-finite",),
    ),
    Case(
        "raw wine, softmax and logarithm apart",
        lambda: Training(
            wine(raw=True), mlp([20], 3), gn.SGD(0.01), 20, 10, 405, NaiveCrossEntropy()
        ),
        ("not-finite",),
    ),
    Case(
        "peaks, Nesterov with 0.99 at a rate of 0.5",
        lambda: Training(peaks(), mlp([48, 48], 1, gn.ELU), gn.Nesterov(0.5, 0.99), 10, 40, 406),
        ("not-finite",),
    ),
    # ReLU units that never fire.
    Case(
        "digits, weights between −0.2 and 0.05 on pixels that are never negative",
        lambda: Training(
            digits(), mlp([80, 40], 10, initializer=Uniform(-0.2, 0.05)), gn.SGD(0.05), 10, 25, 411
        ),
        ("dead-relu", "poor-initial-weights"),
    ),
    Case(
        "wine, biases of −6",
        lambda: Training(
            wine(), mlp([32, 16], 3, bias=Constant(-6.0)), gn.Momentum(0.01, 0.8), 30, 12, 412
        ),
        ("dead-relu",),
    ),
    Case(
        "waveform, one step too many: rate 3 with momentum",
        lambda: Training(waveform(), mlp([60, 60], 3), gn.Momentum(3.0), 10, 50, 413),
        ("dead-relu", "learning-rate-too-high"),
    ),
    Case(
        "diabetes, a ReLU behind the output layer, whose bias is −4",
        lambda: Training(
            diabetes(),
            [*mlp([30], 1, gn.Tanh)[:-1], gn.Dense(1, bias_initializer=Constant(-4.0)), gn.ReLU()],
            gn.SGD(0.05),
            30,
            30,
            414,
        ),
        ("dead-relu",),
    ),
    Case(
        "spirals, twelve layers of three units",
        lambda: Training(spirals(), mlp([3] * 12, 1), gn.Adam(3e-3), 15, 30, 415),
        ("dead-relu",),
    ),
    Case(
        "majority of bits, bits not centred and weights of mean −0.3",
        lambda: Training(
            majority(), mlp([50], 2, initializer=Uniform(-0.65, 0.05)), gn.RMSProp(1e-4), 8, 50, 416
        ),
        ("dead-relu",),
    ),
    # Sigmoid and tanh at their ends.
    Case(
        "cancer, sigmoids with weights of standard deviation 6",
        lambda: Training(
            cancer(),
            mlp([20, 20], 2, gn.Sigmoid, initializer=Normal(6.0)),
            gn.SGD(0.1),
            20,
            19,
            421,
        ),
        ("saturated", "poor-initial-weights"),
    ),
    Case(
        "raw wine into tanh",
        lambda: Training(wine(raw=True), mlp([24], 3, gn.Tanh), gn.SGD(0.02), 30, 10, 422),
        ("saturated", "unscaled-inputs"),
    ),
    Case(
        "wave, tanh with biases of 9",
        lambda: Training(
            wave(), mlp([30, 30], 1, gn.Tanh, bias=Constant(9.0)), gn.Adam(1e-3), 15, 25, 423
        ),
        ("saturated",),
    ),
    Case(
        "display, sigmoids driven to their ends by a rate of 100",
        lambda: Training(display(), mlp([40, 40], 10, gn.Sigmoid), gn.SGD(100.0), 15, 30, 424),
        ("saturated", "learning-rate-too-high"),
    ),
    # Gradients that vanish or explode on their way back.
    Case(
        "digits, ten layers of sigmoids",
        lambda: Training(digits(), mlp([48] * 10, 10, gn.Sigmoid), gn.SGD(0.1), 12, 26, 431),
        ("vanishing-gradient",),
    ),
    Case(
        "twonorm, seven layers of sigmoids with momentum",
        lambda: Training(twonorm(), mlp([30] * 7, 2, gn.Sigmoid), gn.Momentum(0.02), 12, 40, 432),
        ("vanishing-gradient",),
    ),
    Case(
        "arm, nine layers of tanh with weights of standard deviation 0.05",
        lambda: Training(
            arm(), mlp([25] * 9, 2, gn.Tanh, initializer=Normal(0.05)), gn.SGD(0.1), 12, 50, 433
        ),
        ("vanishing-gradient", "poor-initial-weights"),
    ),
    Case(
        "tenfold, fourteen layers of ReLU at a third of He's scale",
        lambda: Training(
            tenfold(1000),
            mlp([36] * 14, 2, initializer=Normal(0.08)),
            gn.Momentum(0.01),
            10,
            50,
            434,
        ),
        ("vanishing-gradient", "poor-initial-weights"),
    ),
    Case(
        "waveform, twelve layers of ReLU at thrice He's scale",
        lambda: Training(
            waveform(), mlp([40] * 12, 3, initializer=Normal(0.7)), gn.SGD(0.01), 10, 32, 435
        ),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    Case(
        "cancer, ten layers of leaky ReLU with orthogonal weights of gain 4",
        lambda: Training(
            cancer(),
            mlp([32] * 10, 2, gn.LeakyReLU, initializer=Orthogonal(4.0)),
            gn.Momentum(0.01),
            10,
            20,
            436,
        ),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    Case(
        "digits, a factor of 5 behind each of six layers",
        lambda: Training(
            digits(),
            [part for _ in range(6) for part in (gn.Dense(32), gn.ReLU(), Times(5.0))]
            + [gn.Dense(10)],
            gn.SGD(0.02),
            10,
            26,
            437,
        ),
        ("exploding-gradient",),
    ),
    # Initial weights.
    Case(
        "digits, all weights 0.01",
        lambda: Training(
            digits(),
            mlp([60, 60], 10, gn.SiLU, initializer=Constant(0.01)),
            gn.Adam(1e-3),
            8,
            26,
            461,
        ),
        ("poor-initial-weights",),
    ),
    Case(
        "wine, all weights 0",
        lambda: Training(
            wine(), mlp([20, 20], 3, gn.Tanh, initializer="zeros"), gn.SGD(0.1), 30, 12, 462
        ),
        ("poor-initial-weights",),
    ),
    Case(
        "display, Xavier's variance taken for the standard deviation, five layers of tanh",
        lambda: Training(
            display(),
            mlp([60] * 5, 10, gn.Tanh, initializer=xavier_without_root(60, 60)),
            gn.SGD(0.1),
            10,
            30,
            463,
        ),
        ("poor-initial-weights",),
    ),
    # Batch norm and dropout.
    Case(
        "digits, batch norm on two rows",
        lambda: Training(
            digits(400), mlp([64, 64], 10, norm=gn.BatchNorm), gn.Adam(1e-3), 8, 2, 491
        ),
        ("tiny-batches",),
    ),
    Case(
        "waveform, batch norm on three rows",
        lambda: Training(
            waveform(600), mlp([40, 40], 3, gn.Tanh, norm=gn.BatchNorm), gn.SGD(0.1), 8, 3, 492
        ),
        ("tiny-batches",),
    ),
    Case(
        "peaks, batch norm on two rows",
        lambda: Training(
            peaks(500), mlp([32, 32], 1, gn.GELU, norm=gn.BatchNorm), gn.Adam(3e-3), 10, 2, 493
        ),
        ("tiny-batches",),
    ),
    Case(
        "digits, 90 % dropped of 24 units, twice",
        lambda: Training(digits(), mlp([24, 24], 10, dropout=0.9), gn.Adam(2e-3), 15, 26, 501),
        ("dropout-too-high",),
    ),
    Case(
        "checkers, 75 % dropped in three layers",
        lambda: Training(
            checkers(), mlp([40, 40, 40], 2, dropout=0.75), gn.Adam(3e-3), 40, 32, 502
        ),
        ("dropout-too-high",),
    ),
    Case(
        "roll, 80 % dropped in two layers",
        lambda: Training(
            roll(), mlp([40, 40], 1, gn.SiLU, dropout=0.8), gn.AdamW(3e-3), 30, 25, 503
        ),
        ("dropout-too-high",),
    ),
]
