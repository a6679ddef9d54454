"""The sick trainings of the fourth held-out part; `outcomes` says what each name means."""

from __future__ import annotations

from typing import Any

import numpy as np

import glassnet as gn
from glassnet.accelerate import Array
from glassnet.doctor.suite.fourth_rows import (
    hill,
    multiplexer,
    noughts,
    pendulum,
    petals,
    prices,
    scales,
    sensors,
    strokes,
    tanks,
    thirds,
    topics,
)
from glassnet.doctor.suite.third_rows import flipped, mapped, shuffled_targets, unseen
from glassnet.doctor.suite.training import AdamFromZero, Case, Rows, Training, mlp
from glassnet.initializers import Constant, Normal, Orthogonal, Uniform
from glassnet.schedules import Cosine, Exponential


class Relative(gn.Loss):
    """Errors relative to the targets, of which some are 0."""

    name = "relative"

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        """Write the losses and their gradients."""
        d = (outputs - targets) / targets
        losses[:] = (d**2).sum(axis=1)
        gradient[:] = 2 * d / targets


class Root(gn.Layer):
    """y = √x, whose slope at 0 is infinite."""

    name = "Root"

    def build(self, input_shape: Any, store: Any, rng: Any) -> Any:
        """Nothing to declare."""
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return √x."""
        self.y: Array = np.sqrt(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return dy / 2√x."""
        dx: Array = dy / (2 * self.y)
        return dx


def first(rows: Rows, count: int) -> Rows:
    """Only the first rows to train on."""
    return Rows(rows.x[:count], rows.y[:count], rows.held, rows.outputs, rows.loss)


def unread(rows: Rows, columns: slice) -> Rows:
    """Some columns were read as 0."""

    def zero(x: Array) -> Array:
        x = x.copy()
        x[:, columns] = 0
        return x

    return mapped(rows, zero)


def mostly_outside(inside: int) -> Rows:
    """Petals with only so many rows of the inside, and 500 of the outside."""
    x, y = petals().x, petals().y
    rows = np.concatenate([np.flatnonzero(y == 0)[:500], np.flatnonzero(y == 1)[:inside]])
    return Rows(x[rows], y[rows], None, 2)


SICK = [
    # Numbers that are not finite.
    Case(
        "strokes, Adam whose t begins at 0",
        lambda: Training(strokes(), mlp([36], 4, gn.SiLU), AdamFromZero(3e-3), 8, 18, 801),
        ("not-finite",),
    ),
    Case(
        "topics, errors divided by targets of 0",
        lambda: Training(
            Rows(topics().x, np.eye(5, dtype=np.float32)[topics().y], None, 5, "mse"),
            mlp([30], 5),
            gn.SGD(1e-3),
            8,
            20,
            802,
            Relative(),
        ),
        ("not-finite",),
    ),
    Case(
        "petals, the root of ReLU",
        lambda: Training(
            petals(),
            [gn.Dense(40), gn.ReLU(), Root(), gn.Dense(2)],
            gn.Momentum(0.01),
            8,
            25,
            803,
        ),
        ("not-finite",),
    ),
    Case(
        "raw prices at a rate for columns near 1",
        lambda: Training(prices(raw=True), mlp([32, 32], 1, gn.ELU), gn.SGD(0.05), 15, 20, 804),
        ("not-finite",),
    ),
    # ReLU units that never fire.
    Case(
        "sensors, biases of −10",
        lambda: Training(
            sensors(), mlp([28, 28], 4, bias=Constant(-10.0)), gn.Nesterov(0.01), 12, 30, 811
        ),
        ("dead-relu",),
    ),
    Case(
        "hill, ten layers of two units",
        lambda: Training(hill(), mlp([2] * 10, 1), gn.Adam(2e-3), 12, 20, 812),
        ("dead-relu",),
    ),
    Case(
        "topics, weights between −0.4 and 0.05 on counts",
        lambda: Training(
            topics(), mlp([50], 5, initializer=Uniform(-0.4, 0.05)), gn.SGD(0.02), 10, 25, 813
        ),
        ("dead-relu",),
    ),
    Case(
        "multiplexer, the first steps kill at a rate of 10",
        lambda: Training(multiplexer(), mlp([50, 50], 2), gn.SGD(10.0), 12, 28, 814),
        ("dead-relu",),
    ),
    # Sigmoid and tanh at their ends.
    Case(
        "raw prices into sigmoids",
        lambda: Training(prices(raw=True), mlp([30], 1, gn.Sigmoid), gn.SGD(0.02), 20, 20, 821),
        ("saturated", "unscaled-inputs"),
    ),
    Case(
        "strokes, tanh with weights of standard deviation 4",
        lambda: Training(
            strokes(), mlp([40, 40], 4, gn.Tanh, initializer=Normal(4.0)), gn.SGD(0.03), 15, 30, 822
        ),
        ("saturated", "poor-initial-weights"),
    ),
    Case(
        "pendulum, sigmoids with biases of −8",
        lambda: Training(
            pendulum(),
            mlp([24, 24], 1, gn.Sigmoid, bias=Constant(-8.0)),
            gn.Momentum(0.02),
            15,
            30,
            823,
        ),
        ("saturated",),
    ),
    # Gradients.
    Case(
        "scales, nine layers of sigmoids",
        lambda: Training(scales(), mlp([20] * 9, 3, gn.Sigmoid), gn.SGD(0.3), 15, 14, 831),
        ("vanishing-gradient",),
    ),
    Case(
        "thirds, eight layers of sigmoids, not validated",
        lambda: Training(
            unseen(thirds()), mlp([32] * 8, 1, gn.Sigmoid), gn.Nesterov(0.02), 10, 30, 832
        ),
        ("vanishing-gradient",),
    ),
    Case(
        "tanks, sixteen layers of SiLU at a small scale",
        lambda: Training(
            tanks(), mlp([24] * 16, 3, gn.SiLU, initializer=Normal(0.1)), gn.SGD(0.1), 10, 30, 833
        ),
        ("vanishing-gradient", "poor-initial-weights"),
    ),
    Case(
        "sensors, eleven layers of leaky ReLU with orthogonal weights of gain 5",
        lambda: Training(
            sensors(),
            mlp([24] * 11, 4, gn.LeakyReLU, initializer=Orthogonal(5.0)),
            gn.SGD(0.01),
            10,
            40,
            834,
        ),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    Case(
        "strokes, nine layers of ReLU with weights of standard deviation 1",
        lambda: Training(
            strokes(), mlp([36] * 9, 4, initializer=Normal(1.0)), gn.Adam(1e-3), 3, 300, 835
        ),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    # Initial weights.
    Case(
        "topics, all weights 0 behind ReLU",
        lambda: Training(
            topics(), mlp([40, 40], 5, initializer="zeros"), gn.Momentum(0.02), 10, 25, 842
        ),
        ("poor-initial-weights",),
    ),
    Case(
        "strokes, the scale divided by the fan-in instead of its root, six layers",
        lambda: Training(
            strokes(),
            mlp([49] * 6, 4, gn.ELU, initializer=Normal(1 / 49)),
            gn.SGD(0.05),
            12,
            30,
            843,
        ),
        ("poor-initial-weights",),
    ),
    # Rates.
    Case(
        "strokes, sigmoids and a learning rate of 50",
        lambda: Training(strokes(), mlp([30], 4, gn.Sigmoid), gn.SGD(50.0), 15, 15, 851),
        ("learning-rate-too-high",),
    ),
    Case(
        "pendulum, Adam at 0.8",
        lambda: Training(pendulum(), mlp([32, 32], 1, gn.GELU), gn.Adam(0.8), 15, 30, 852),
        ("learning-rate-too-high",),
    ),
    Case(
        "noughts, AdamW at 0.6 with cosine",
        lambda: Training(
            noughts(1500),
            mlp([40, 40], 1, gn.ELU),
            gn.AdamW(0.6),
            10,
            50,
            854,
            options={"schedule": Cosine()},
        ),
        ("learning-rate-too-high",),
    ),
    Case(
        "tanks, Nesterov of 0.98 at 0.3",
        lambda: Training(tanks(), mlp([30], 3, gn.Tanh), gn.Nesterov(0.3, 0.98), 15, 15, 855),
        ("learning-rate-too-high",),
    ),
    Case(
        "sensors, gradient descent at 0.00001",
        lambda: Training(sensors(), mlp([32, 32], 4, gn.GELU), gn.SGD(1e-5), 12, 40, 856),
        ("learning-rate-too-low",),
    ),
    Case(
        "scales, Adam at 0.000002",
        lambda: Training(scales(), mlp([32], 3), gn.Adam(2e-6), 25, 20, 857),
        ("learning-rate-too-low",),
    ),
    Case(
        "hill, a schedule that halves twice an epoch",
        lambda: Training(
            hill(),
            mlp([40, 40], 1, gn.Tanh),
            gn.SGD(1e-4),
            20,
            20,
            858,
            options={"schedule": Exponential(0.25)},
        ),
        ("learning-rate-too-low",),
    ),
    Case(
        "petals, RMSProp at 0.000000001",
        lambda: Training(petals(), mlp([40], 2, gn.SiLU), gn.RMSProp(1e-9), 10, 25, 859),
        ("update-too-small", "learning-rate-too-low"),
    ),
    Case(
        "thirds, momentum at 0.00000001",
        lambda: Training(thirds(), mlp([30], 1, gn.PReLU), gn.Momentum(1e-8), 10, 30, 860),
        ("update-too-small", "learning-rate-too-low"),
    ),
    Case(
        "strokes, AdamW at 0.4 with a decay of 0.8",
        lambda: Training(
            strokes(), mlp([30, 30], 4, gn.SiLU), gn.AdamW(0.4, weight_decay=0.8), 12, 30, 861
        ),
        ("update-too-large", "learning-rate-too-high"),
    ),
    # Inputs and classes.
    Case(
        "raw prices, Adam",
        lambda: Training(prices(raw=True), mlp([40, 40], 1), gn.Adam(1e-3), 15, 20, 871),
        ("unscaled-inputs",),
    ),
    Case(
        "sensors in thousandths",
        lambda: Training(
            mapped(sensors(), lambda x: 1000 * x + 5000), mlp([24], 4), gn.Adam(1e-3), 12, 40, 872
        ),
        ("unscaled-inputs",),
    ),
    Case(
        "topics, 40 of 60 words read as 0",
        lambda: Training(
            unread(topics(), slice(20, 60)), mlp([24], 5, gn.SiLU), gn.Adam(2e-3), 10, 25, 873
        ),
        ("constant-features",),
    ),
    Case(
        "tanks, three of six readings lost",
        lambda: Training(
            unread(tanks(), slice(0, 3)), mlp([24], 3, gn.GELU), gn.Adam(3e-3), 15, 25, 874
        ),
        ("constant-features",),
    ),
    Case(
        "sensors, 1 % of the fourth kind",
        lambda: Training(sensors(rare=0.012), mlp([8], 4, gn.Sigmoid), gn.SGD(0.05), 6, 40, 875),
        ("class-imbalance",),
    ),
    Case(
        "petals, 3 % inside",
        lambda: Training(
            mostly_outside(15),
            mlp([12], 2, gn.Tanh),
            gn.SGD(0.05),
            15,
            25,
            876,
        ),
        ("class-imbalance",),
    ),
    Case(
        "sensors, rows of three of the four kinds weigh nothing",
        lambda: Training(
            sensors(),
            mlp([20], 4, gn.SiLU),
            gn.Nesterov(0.1),
            20,
            30,
            878,
            options={"sample_weight": (sensors().y == 1).astype(np.float32)},
        ),
        ("one-class",),
    ),
    # Batch norm and dropout.
    Case(
        "strokes, batch norm on two rows",
        lambda: Training(
            strokes(400), mlp([40, 40], 4, gn.LeakyReLU, norm=gn.BatchNorm), gn.SGD(0.05), 8, 2, 881
        ),
        ("tiny-batches",),
    ),
    Case(
        "thirds, batch norm on two rows",
        lambda: Training(
            thirds(400), mlp([30, 30], 1, norm=gn.BatchNorm), gn.Adam(2e-3), 8, 2, 882
        ),
        ("tiny-batches",),
    ),
    Case(
        "strokes, 90 % dropped of 20 units, twice",
        lambda: Training(strokes(), mlp([20, 20], 4, dropout=0.9), gn.Adam(2e-3), 15, 30, 883),
        ("dropout-too-high",),
    ),
    Case(
        "pendulum, 85 % dropped of 30 units, twice",
        lambda: Training(
            pendulum(), mlp([30, 30], 1, gn.GELU, dropout=0.85), gn.Adam(3e-3), 30, 30, 884
        ),
        ("dropout-too-high",),
    ),
    # Too well known, or for too long.
    Case(
        "strokes in much noise, 80 rows",
        lambda: Training(first(strokes(noise=0.7), 80), mlp([200], 4), gn.Adam(1e-3), 60, 16, 891),
        ("overfitting",),
    ),
    Case(
        "multiplexer, 120 of 2,048 rows, no dropout",
        lambda: Training(first(multiplexer(), 120), mlp([256, 256], 2), gn.Adam(1e-3), 50, 20, 892),
        ("overfitting",),
    ),
    Case(
        "hill, 60 rows with noise",
        lambda: Training(
            first(hill(noise=0.3), 60), mlp([100, 100], 1, gn.Tanh), gn.Adam(1e-2), 300, 10, 893
        ),
        ("overfitting", "overtraining"),
    ),
    Case(
        "sensors, 150 rows, a third of the labels wrong",
        lambda: Training(
            flipped(first(sensors(), 150), 0.33), mlp([80, 80], 4), gn.AdamW(2e-3), 80, 15, 894
        ),
        ("overfitting", "overtraining"),
    ),
    # Nothing is learned.
    Case(
        "scales, labels of other rows",
        lambda: Training(
            shuffled_targets(scales()), mlp([4], 3, gn.Tanh), gn.Momentum(0.005), 15, 30, 901
        ),
        ("loss-not-decreasing",),
    ),
    Case(
        "pendulum, targets of other rows",
        lambda: Training(
            shuffled_targets(pendulum()), mlp([6], 1, gn.SiLU), gn.SGD(0.02), 15, 30, 902
        ),
        ("loss-not-decreasing",),
    ),
    Case(
        "sensors, weights decayed away",
        lambda: Training(
            sensors(), mlp([24, 24], 4, gn.GELU), gn.Momentum(0.02, l2=1.5), 12, 40, 903
        ),
        ("loss-not-decreasing",),
    ),
]
