"""The tuning part of the suite: the thresholds were set by looking at these trainings."""

from __future__ import annotations

import functools

import numpy as np

import glassnet as gn
from glassnet.accelerate import Array
from glassnet.doctor.suite.training import (
    AdamFromZero,
    Case,
    NaiveCrossEntropy,
    Rows,
    Training,
    mlp,
    shuffled,
    split,
)
from glassnet.initializers import Constant, Normal
from glassnet.schedules import Cosine


@functools.cache
def digits(rows: int = 600) -> Rows:
    """Handwritten digits, 64 inputs from 0 to 1."""
    from sklearn.datasets import load_digits

    x, y = shuffled(load_digits(return_X_y=True), 1)
    return split((x / 16).astype(np.float32), y, rows, 10)


@functools.cache
def iris() -> Rows:
    """Iris, in centimetres as it is."""
    from sklearn.datasets import load_iris

    x, y = shuffled(load_iris(return_X_y=True), 1)
    return split(x.astype(np.float32), y, 100, 3)


def clouds(
    features: int = 8,
    classes: int = 4,
    spread: float = 1.0,
    counts: tuple[int, ...] = (),
    seed: int = 0,
    held: int = 400,
) -> Rows:
    """Gaussian clouds around random centres; as many rows a class as `counts` says, or 150."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, features)) * 1.5
    y = np.repeat(np.arange(classes), counts or [150] * classes)
    tested = rng.integers(classes, size=held)
    x = centres[y] + spread * rng.normal(size=(len(y), features))
    held_x = centres[tested] + spread * rng.normal(size=(held, features))
    x, y = shuffled((x.astype(np.float32), y), seed)
    return Rows(x, y, (held_x.astype(np.float32), tested) if held else None, classes)


def curve(rows: int = 400, noise: float = 0.1, features: int = 4, seed: int = 0) -> Rows:
    """A smooth function of a few inputs, with noise; targets of mean 0 and variance about 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows + 300, features)).astype(np.float32)
    y = np.sin(2 * x[:, 0]) + 0.7 * x[:, 1] + noise * rng.normal(size=len(x))
    return split(x, y.astype(np.float32), rows, 1, "mse")


def rings(rows: int = 400, seed: int = 0) -> Rows:
    """Two rings, one in the other, with a single output."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=rows + 200)
    angle = rng.uniform(0, 2 * np.pi, size=len(y))
    radius = 0.6 + 0.9 * y + 0.1 * rng.normal(size=len(y))
    x = (radius * np.array([np.cos(angle), np.sin(angle)])).T.astype(np.float32)
    return split(x, y, rows, 1, "binary_cross_entropy")


def changed(rows: Rows, x: Array | None = None, y: Array | None = None, held: bool = False) -> Rows:
    """The same rows with other inputs or targets, by default without those held out."""
    kept = rows.held if held else None
    return Rows(
        rows.x if x is None else x, rows.y if y is None else y, kept, rows.outputs, rows.loss
    )


def noisy(rows: Rows, share: float, seed: int = 0) -> Rows:
    """With a share of the labels drawn at random."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(rows.y)) < share
    y = np.where(wrong, rng.integers(rows.outputs, size=len(rows.y)), rows.y)
    return changed(rows, y=y, held=True)


def with_column(rows: Rows, column: Array) -> Rows:
    """With one more input."""
    return changed(rows, x=np.column_stack([rows.x, column]).astype(np.float32))


def wrong_xavier(fan_in: int, fan_out: int) -> Normal:
    """N(0, σ²) with √(6 / (fan_in + fan_out)), the bound of a uniform, taken for σ² (Khadka)."""
    return Normal((6 / (fan_in + fan_out)) ** 0.25)


SICK = [
    Case(
        "ReLU with biases of −20",
        lambda: Training(digits(), mlp([32], 10, bias=Constant(-20.0)), gn.Adam()),
        ("dead-relu",),
    ),
    Case(
        "third of three ReLU layers has biases of −9",
        lambda: Training(
            clouds(),
            [
                *mlp([24, 24], 4)[:-1],
                gn.Dense(24, bias_initializer=Constant(-9.0)),
                gn.ReLU(),
                gn.Dense(4),
            ],
            gn.SGD(0.05),
        ),
        ("dead-relu",),
    ),
    Case(
        "dying ReLU: N(0, 1) weights, gradient descent with rate 1 (Nasuti)",
        lambda: Training(digits(), mlp([32, 32], 10, initializer=Normal(1.0)), gn.SGD(1.0)),
        ("dead-relu", "poor-initial-weights"),
    ),
    Case(
        "sigmoid units under gradient descent with rate 100",
        lambda: Training(digits(), mlp([32], 10, gn.Sigmoid), gn.SGD(100.0)),
        ("saturated", "learning-rate-too-high", "update-too-large"),
    ),
    Case(
        "tanh with N(0, 3²) weights",
        lambda: Training(clouds(), mlp([32, 32], 4, gn.Tanh, initializer=Normal(3.0)), gn.Adam()),
        ("saturated", "poor-initial-weights"),
    ),
    Case(
        "tanh on inputs up to 255",
        lambda: Training(
            changed(digits(), x=digits().x * 255), mlp([32], 10, gn.Tanh), gn.SGD(0.01)
        ),
        ("unscaled-inputs",),
    ),
    Case(
        "six sigmoid layers (Khadka)",
        lambda: Training(digits(), mlp([32] * 6, 10, gn.Sigmoid), gn.SGD(0.1)),
        ("vanishing-gradient",),
    ),
    Case(
        "five sigmoid layers, Adam",
        lambda: Training(clouds(), mlp([16] * 5, 4, gn.Sigmoid), gn.Adam(1e-3)),
        ("vanishing-gradient",),
    ),
    Case(
        "eight tanh layers with N(0, 0.05²) weights",
        lambda: Training(clouds(), mlp([24] * 8, 4, gn.Tanh, initializer=Normal(0.05)), gn.Adam()),
        ("vanishing-gradient", "poor-initial-weights"),
    ),
    Case(
        "six ReLU layers with N(0, 1) weights",
        lambda: Training(digits(), mlp([48] * 6, 10, initializer=Normal(1.0)), gn.Adam(1e-4)),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    Case(
        "five linear-ish ReLU layers with N(0, 0.8²) weights, regression",
        lambda: Training(curve(), mlp([32] * 5, 1, initializer=Normal(0.8)), gn.SGD(1e-9)),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    Case(
        "all weights 0",
        lambda: Training(digits(), mlp([32], 10, gn.Tanh, initializer="zeros"), gn.Adam()),
        ("poor-initial-weights",),
    ),
    Case(
        "all weights 0.1",
        lambda: Training(clouds(), mlp([16, 16], 4, initializer=Constant(0.1)), gn.SGD(0.1)),
        ("poor-initial-weights",),
    ),
    Case(
        "Xavier's bound taken for a variance (Khadka)",
        lambda: Training(
            digits(), mlp([32], 10, gn.Tanh, initializer=wrong_xavier(64, 32)), gn.SGD(0.01)
        ),
        ("poor-initial-weights",),
    ),
    Case(
        "Adam with rate 1",
        lambda: Training(digits(), mlp([32], 10), gn.Adam(1.0)),
        ("update-too-large", "learning-rate-too-high"),
    ),
    Case(
        "gradient descent with rate 5 on every row (Nasuti)",
        lambda: Training(
            changed(digits(300)), mlp([32], 10, gn.Sigmoid), gn.SGD(5.0), batch_size=1, epochs=8
        ),
        ("learning-rate-too-high", "update-too-large", "saturated"),
    ),
    Case(
        "regression with rate 0.6",
        lambda: Training(curve(), mlp([32], 1, gn.Tanh), gn.SGD(0.6), epochs=20),
        ("learning-rate-too-high", "update-too-large"),
    ),
    Case(
        "momentum 0.9 with rate 1",
        lambda: Training(clouds(), mlp([24], 4), gn.Momentum(1.0, 0.9)),
        ("learning-rate-too-high", "update-too-large", "dead-relu"),
    ),
    Case(
        "Adam with rate 1e-6",
        lambda: Training(digits(), mlp([32], 10), gn.Adam(1e-6)),
        ("learning-rate-too-low", "update-too-small"),
    ),
    Case(
        "gradient descent with rate 1e-5",
        lambda: Training(clouds(), mlp([16], 4, gn.Tanh), gn.SGD(1e-5)),
        ("learning-rate-too-low", "update-too-small"),
    ),
    Case(
        "labels in another order than the rows",
        lambda: Training(
            changed(clouds(held=0), y=np.roll(clouds(held=0).y, 77)), mlp([4], 4), gn.SGD(0.02)
        ),
        ("loss-not-decreasing",),
    ),
    Case(
        "targets that have nothing to do with the inputs",
        lambda: Training(
            changed(curve(), y=np.random.default_rng(5).normal(size=400).astype(np.float32)),
            mlp([3], 1, gn.Tanh),
            gn.SGD(0.01),
            loss="mse",
        ),
        ("loss-not-decreasing",),
    ),
    Case(
        "all rows nearly alike",
        lambda: Training(
            changed(clouds(), x=clouds().x * 1e-4), mlp([16], 4, gn.Tanh), gn.Adam(1e-3)
        ),
        ("one-class", "loss-not-decreasing", "learning-rate-too-low"),
    ),
    Case(
        "80 digits, 256 units, a third of the labels wrong",
        lambda: Training(noisy(digits(80), 0.33), mlp([256], 10), gn.Adam(3e-3), epochs=60),
        ("overfitting",),
    ),
    Case(
        "overfitting without dropout (Chen)",
        lambda: Training(
            clouds(features=40, classes=5, spread=4.0, counts=(40,) * 5),
            mlp([128, 128], 5),
            gn.Adam(1e-3),
            epochs=40,
        ),
        ("overfitting",),
    ),
    Case(
        "30 noisy rows learned by heart",
        lambda: Training(
            curve(rows=30, noise=0.8), mlp([64, 64], 1, gn.Tanh), gn.Adam(5e-3), epochs=200
        ),
        ("overfitting",),
    ),
    Case(
        "trained long after its best epoch",
        lambda: Training(
            clouds(features=20, classes=3, spread=3.5, counts=(100,) * 3),
            mlp([64], 3),
            gn.Adam(3e-3),
            epochs=80,
        ),
        ("overtraining",),
    ),
    Case(
        "one column in the thousands",
        lambda: Training(
            with_column(iris(), 3000 + 800 * np.random.default_rng(0).normal(size=100)),
            mlp([16], 3),
            gn.Adam(1e-3),
            epochs=60,
        ),
        ("unscaled-inputs",),
    ),
    Case(
        "a constant column",
        lambda: Training(with_column(iris(), np.ones(100)), mlp([16], 3), gn.Adam(0.01)),
        ("constant-features",),
    ),
    Case(
        "2 % of the rows are of the second class",
        lambda: Training(
            clouds(classes=2, spread=2.5, counts=(588, 12), held=0), mlp([16], 2), gn.SGD(0.01)
        ),
        ("class-imbalance",),
    ),
    Case(
        "batch norm on batches of 2",
        lambda: Training(
            digits(300), mlp([32], 10, norm=gn.BatchNorm), gn.Adam(), batch_size=2, epochs=8
        ),
        ("tiny-batches",),
    ),
    Case(
        "batch norm on batches of 4",
        lambda: Training(
            clouds(), mlp([32, 32], 4, norm=gn.BatchNorm), gn.SGD(0.05), batch_size=4, epochs=8
        ),
        ("tiny-batches",),
    ),
    Case(
        "dropout 0.95",
        lambda: Training(digits(), mlp([64], 10, dropout=0.95), gn.Adam()),
        ("dropout-too-high",),
    ),
    Case(
        "dropout 0.8 twice",
        lambda: Training(digits(), mlp([32, 32], 10, dropout=0.8), gn.Adam(2e-3)),
        ("dropout-too-high",),
    ),
    Case(
        "Adam that begins at t = 0 (Nasuti)",
        lambda: Training(digits(), mlp([32], 10), AdamFromZero()),
        ("not-finite",),
    ),
    Case(
        "regression with rate 30",
        lambda: Training(curve(), mlp([32], 1), gn.SGD(30.0)),
        ("not-finite",),
    ),
    Case(
        "a loss that takes exp without care",
        lambda: Training(
            changed(clouds(), x=clouds().x * 100),
            mlp([16], 4),
            gn.SGD(0.1),
            loss=NaiveCrossEntropy(),
        ),
        ("not-finite",),
    ),
]

HEALTHY = [
    Case("digits, Adam", lambda: Training(digits(), mlp([64], 10), gn.Adam())),
    Case("digits, two layers", lambda: Training(digits(), mlp([64, 32], 10), gn.Adam(2e-3))),
    Case(
        "digits, sigmoid, gradient descent on every row",
        lambda: Training(digits(), mlp([32], 10, gn.Sigmoid), gn.SGD(0.1), batch_size=1, epochs=15),
    ),
    Case(
        "digits, sigmoid and squared error (Nasuti)",
        lambda: Training(
            digits(),
            [*mlp([32], 10, gn.Sigmoid), gn.Sigmoid()],
            gn.SGD(0.5),
            batch_size=1,
            loss="squared_error",
            epochs=15,
        ),
    ),
    Case(
        "digits, momentum (Sundström)",
        lambda: Training(digits(), mlp([100], 10, gn.Tanh), gn.Momentum(0.05, 0.9), epochs=20),
    ),
    Case(
        "digits, batch norm and dropout (Chen)",
        lambda: Training(
            digits(),
            mlp([64, 64, 64], 10, norm=gn.BatchNorm, dropout=0.3),
            gn.Adam(5e-4),
            epochs=25,
        ),
    ),
    Case(
        "digits, dropout 0.5",
        lambda: Training(digits(), mlp([128], 10, dropout=0.5), gn.Adam(), epochs=25),
    ),
    Case(
        "digits, layer norm",
        lambda: Training(digits(), mlp([48, 48], 10, norm=gn.LayerNorm), gn.AdamW(1e-3)),
    ),
    Case(
        "digits, five ReLU layers",
        lambda: Training(digits(), mlp([48] * 5, 10), gn.Adam(1e-3)),
    ),
    Case(
        "digits, softmax regression from zeros",
        lambda: Training(digits(), [gn.Dense(10, "zeros")], gn.SGD(0.3), epochs=30),
    ),
    Case(
        "digits, label smoothing",
        lambda: Training(
            digits(),
            mlp([64], 10),
            gn.Adam(),
            loss={"name": "cross_entropy", "label_smoothing": 0.1},
        ),
    ),
    Case(
        "digits, cosine with warm-up",
        lambda: Training(
            digits(), mlp([64], 10), gn.Adam(3e-3), options={"schedule": Cosine(warmup=2)}
        ),
    ),
    Case(
        "digits, raw from 0 to 16, standardised by a layer",
        lambda: Training(
            changed(digits(), x=digits().x * 16),
            mlp([64], 10, first=[gn.Standardize()]),
            gn.Adam(),
        ),
    ),
    Case(
        "digits, all rows in one batch",
        lambda: Training(digits(), mlp([32], 10), gn.SGD(0.3), batch_size="full", epochs=150),
    ),
    Case(
        "digits, sum instead of mean, small batches",
        lambda: Training(
            digits(),
            mlp([32], 10, gn.Tanh),
            gn.SGD(0.01),
            batch_size=8,
            loss={"name": "cross_entropy", "reduction": "sum"},
        ),
    ),
    Case("iris in centimetres", lambda: Training(iris(), mlp([16], 3), gn.Adam(0.01), epochs=60)),
    Case(
        "iris, tanh, gradient descent",
        lambda: Training(iris(), mlp([8], 3, gn.Tanh), gn.SGD(0.05), batch_size=16, epochs=80),
    ),
    Case("clouds, GELU", lambda: Training(clouds(), mlp([32, 32], 4, gn.GELU), gn.Adam())),
    Case(
        "clouds, SELU, six layers", lambda: Training(clouds(), mlp([24] * 6, 4, gn.SELU), gn.Adam())
    ),
    Case(
        "clouds, tanh, four layers",
        lambda: Training(clouds(), mlp([24] * 4, 4, gn.Tanh), gn.SGD(0.1)),
    ),
    Case(
        "clouds, leaky ReLU",
        lambda: Training(clouds(), mlp([24, 24], 4, gn.LeakyReLU), gn.RMSProp(1e-3)),
    ),
    Case("clouds, AdaGrad", lambda: Training(clouds(), mlp([24], 4), gn.AdaGrad(0.05))),
    Case(
        "clouds, two sigmoid layers",
        lambda: Training(clouds(), mlp([24, 24], 4, gn.Sigmoid), gn.Adam(0.01), epochs=40),
    ),
    Case(
        "clouds that overlap, with decay",
        lambda: Training(
            clouds(spread=2.0), mlp([16], 4), gn.AdamW(3e-3, weight_decay=0.05), epochs=15
        ),
    ),
    Case(
        "clouds, one class five times as large",
        lambda: Training(clouds(classes=3, counts=(300, 60, 60)), mlp([16], 3), gn.Adam(3e-3)),
    ),
    Case(
        "clouds, one class in twenty, weighed",
        lambda: Training(
            clouds(classes=2, spread=1.2, counts=(570, 30), held=0),
            mlp([16], 2),
            gn.Adam(3e-3),
            loss={"name": "cross_entropy", "class_weight": "balanced"},
        ),
    ),
    Case(
        "clouds, one class in twenty, far apart",
        lambda: Training(
            clouds(classes=2, spread=0.6, counts=(570, 30), held=0), mlp([16], 2), gn.Adam(3e-3)
        ),
    ),
    Case(
        "clouds, stopped early",
        lambda: Training(
            clouds(features=12, classes=3, spread=2.0, counts=(200,) * 3),
            mlp([24], 3),
            gn.Adam(1e-3),
            epochs=100,
            callbacks=[gn.EarlyStopping(5)],
        ),
    ),
    Case(
        "regression, tanh",
        lambda: Training(curve(), mlp([32], 1, gn.Tanh), gn.Adam(0.01), epochs=60),
    ),
    Case(
        "regression, ReLU, momentum",
        lambda: Training(curve(), mlp([32, 32], 1), gn.Momentum(0.01, 0.9), epochs=60),
    ),
    Case(
        "regression, Huber",
        lambda: Training(curve(noise=0.3), mlp([32], 1), gn.Adam(3e-3), loss="huber", epochs=40),
    ),
    Case("rings, one output", lambda: Training(rings(), mlp([16], 1), gn.Adam(0.01), epochs=50)),
    Case(
        "rings, batch norm on batches of 16",
        lambda: Training(
            rings(), mlp([16, 16], 1, norm=gn.BatchNorm), gn.Adam(0.01), batch_size=16, epochs=30
        ),
    ),
    Case(
        "rings, tanh, Nesterov",
        lambda: Training(rings(), mlp([12], 1, gn.Tanh), gn.Nesterov(0.1, 0.9), epochs=50),
    ),
]
