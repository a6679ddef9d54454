"""What was held out first: other data, architectures and seeds than `tuning`.

Rules were changed because of what happened here (`docs/doctor-suite-notes.md` says which), so these
trainings count among those for tuning now.
"""

from __future__ import annotations

import functools

import numpy as np

import glassnet as gn
from glassnet.doctor.suite.training import (
    AdamFromZero,
    Case,
    NaiveCrossEntropy,
    NaiveExp,
    Rows,
    Training,
    mlp,
    shuffled,
    split,
    standardized,
)
from glassnet.initializers import Constant, Normal, Uniform
from glassnet.schedules import Exponential, OneCycle

SEED = 11


@functools.cache
def wine(scaled: bool = True, train: int = 120) -> Rows:
    """Chemical analyses of wine: 13 columns, of which one is near 1,000."""
    from sklearn.datasets import load_wine

    x, y = shuffled(load_wine(return_X_y=True), SEED)
    return split((standardized(x) if scaled else x).astype(np.float32), y, train, 3)


@functools.cache
def cancer(scaled: bool = True, train: int = 400) -> Rows:
    """Breast cancer, 30 columns, one output."""
    from sklearn.datasets import load_breast_cancer

    x, y = shuffled(load_breast_cancer(return_X_y=True), SEED)
    x = (standardized(x) if scaled else x).astype(np.float32)
    return split(x, y, train, 1, "binary_cross_entropy")


@functools.cache
def diabetes(train: int = 300) -> Rows:
    """Progress of diabetes, 10 columns; a regression with much noise."""
    from sklearn.datasets import load_diabetes

    x, y = shuffled(load_diabetes(return_X_y=True), SEED)
    return split(
        standardized(x).astype(np.float32), standardized(y).astype(np.float32), train, 1, "mse"
    )


def spirals(rows: int = 500, arms: int = 3, noise: float = 0.15, held: int = 300) -> Rows:
    """Arms of a spiral, two inputs."""
    rng = np.random.default_rng(SEED)
    y = rng.integers(arms, size=rows + held)
    t = rng.uniform(0.3, 1.6, size=len(y))
    angle = 3 * t + 2 * np.pi * y / arms + noise * rng.normal(size=len(y))
    x = np.column_stack([t * np.cos(angle), t * np.sin(angle)]).astype(np.float32)
    return split(x, y, rows, arms)


def stripes(rows: int = 600, features: int = 20, classes: int = 6, noise: float = 0.3) -> Rows:
    """Sine waves of different frequencies and random phase, sampled at some places."""
    rng = np.random.default_rng(SEED + 1)
    y = rng.integers(classes, size=rows + 300)
    places = np.linspace(0, 1, features)
    phase = rng.uniform(0, 0.8, size=(len(y), 1))
    x = np.sin(2 * np.pi * (places * (y[:, None] + 1) * 0.5 + phase))
    x = (x + noise * rng.normal(size=x.shape)).astype(np.float32)
    return split(x, y, rows, classes)


def products(rows: int = 500, noise: float = 0.1, features: int = 6) -> Rows:
    """Numbers that depend on products and squares of uniform inputs."""
    rng = np.random.default_rng(SEED + 2)
    x = rng.uniform(-1, 1, size=(rows + 300, features)).astype(np.float32)
    y = 2 * x[:, 0] * x[:, 1] + x[:, 2] ** 2 - x[:, 3] + noise * rng.normal(size=len(x))
    return split(x, standardized(y).astype(np.float32), rows, 1, "mse")


def lopsided(shares: tuple[float, ...], rows: int, distance: float) -> Rows:
    """Classes of very different frequency, some distance apart."""
    rng = np.random.default_rng(SEED + 3)
    y = rng.choice(len(shares), size=rows, p=shares)
    x = rng.normal(size=(rows, 5))
    x[np.arange(rows), y] += distance
    return Rows(x.astype(np.float32), y, None, len(shares))


def alone(rows: Rows, **changes: object) -> Rows:
    """Without held-out rows, and with what is given."""
    parts = {"x": rows.x, "y": rows.y, "held": None, "outputs": rows.outputs, "loss": rows.loss}
    return Rows(**{**parts, **changes})  # type: ignore[arg-type]


def rng(seed: int = SEED) -> np.random.Generator:
    """A generator."""
    return np.random.default_rng(seed)


SICK = [
    Case(
        "stripes, ReLU with biases of −30",
        lambda: Training(stripes(), mlp([40, 20], 6, bias=Constant(-30.0)), gn.Adam(), seed=5),
        ("dead-relu",),
    ),
    Case(
        "wine, first ReLU layer pushed down by rate 3 (dying ReLU)",
        lambda: Training(
            wine(), mlp([20, 20], 3, initializer=Uniform(-2.0, 1.0)), gn.SGD(3.0), seed=6
        ),
        ("dead-relu", "poor-initial-weights", "learning-rate-too-high", "update-too-large"),
    ),
    Case(
        "spirals, half the layers dead from the start",
        lambda: Training(
            spirals(),
            [
                gn.Dense(30, bias_initializer=Constant(-8.0)),
                gn.ReLU(),
                gn.Dense(30),
                gn.Tanh(),
                gn.Dense(3),
            ],
            gn.Momentum(0.05),
        ),
        ("dead-relu",),
    ),
    Case(
        "cancer, tanh with uniform weights up to 4",
        lambda: Training(
            cancer(), mlp([25, 25], 1, gn.Tanh, initializer=Uniform(-4.0, 4.0)), gn.Adam(), seed=2
        ),
        ("saturated", "poor-initial-weights"),
    ),
    Case(
        "stripes, sigmoids under momentum with rate 40",
        lambda: Training(stripes(), mlp([30], 6, gn.Sigmoid), gn.Momentum(40.0, 0.5), seed=4),
        ("saturated", "learning-rate-too-high", "update-too-large"),
    ),
    Case(
        "stripes, seven sigmoid layers (Khadka)",
        lambda: Training(stripes(), mlp([20] * 7, 6, gn.Sigmoid), gn.Momentum(0.05), seed=3),
        ("vanishing-gradient",),
    ),
    Case(
        "cancer, five wide sigmoid layers",
        lambda: Training(cancer(), mlp([40] * 5, 1, gn.Sigmoid), gn.SGD(0.05), seed=9),
        ("vanishing-gradient",),
    ),
    Case(
        "products, ten ReLU layers with N(0, 0.1²) weights",
        lambda: Training(products(), mlp([20] * 10, 1, initializer=Normal(0.1)), gn.Adam()),
        ("vanishing-gradient", "poor-initial-weights"),
    ),
    Case(
        "stripes, seven ReLU layers with uniform weights up to 1.5",
        lambda: Training(stripes(), mlp([36] * 7, 6, initializer=Uniform(-1.5, 1.5)), gn.SGD(1e-8)),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    Case(
        "cancer, eight leaky layers with N(0, 0.7²) weights",
        lambda: Training(
            cancer(), mlp([40] * 8, 1, gn.LeakyReLU, initializer=Normal(0.7)), gn.Adam(1e-4)
        ),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    Case(
        "wine, all weights equal",
        lambda: Training(wine(), mlp([12, 12], 3, gn.Tanh, initializer=Constant(0.05)), gn.Adam()),
        ("poor-initial-weights",),
    ),
    Case(
        "diabetes, all weights 0",
        lambda: Training(diabetes(), mlp([16, 8], 1, initializer="zeros"), gn.SGD(0.01)),
        ("poor-initial-weights",),
    ),
    Case(
        "stripes, a variance taken for a standard deviation (Xavier's wrong scale, Khadka)",
        lambda: Training(
            stripes(),
            mlp([40, 40], 6, gn.Sigmoid, initializer=Normal((6 / 80) ** 0.25)),
            gn.SGD(0.05),
            seed=8,
        ),
        ("poor-initial-weights",),
    ),
    Case(
        "wine, Adam with rate 3",
        lambda: Training(wine(), mlp([20], 3, gn.Tanh), gn.Adam(3.0), seed=1),
        ("update-too-large", "learning-rate-too-high"),
    ),
    Case(
        "stripes, sigmoid and squared error, rate 5 on single rows (Nasuti)",
        lambda: Training(
            alone(stripes(300)),
            [*mlp([24], 6, gn.Sigmoid), gn.Sigmoid()],
            gn.SGD(5.0),
            batch_size=1,
            loss="squared_error",
            epochs=8,
        ),
        ("learning-rate-too-high", "update-too-large", "saturated"),
    ),
    Case(
        "diabetes, gradient descent with rate 0.5",
        lambda: Training(diabetes(), mlp([24], 1, gn.Tanh), gn.SGD(0.5), seed=3),
        ("learning-rate-too-high", "update-too-large"),
    ),
    Case(
        "spirals, RMSProp with rate 0.5",
        lambda: Training(spirals(), mlp([32, 32], 3), gn.RMSProp(0.5), seed=3),
        ("learning-rate-too-high", "update-too-large", "dead-relu"),
    ),
    Case(
        "cancer, AdamW with rate 3e-7",
        lambda: Training(cancer(), mlp([20, 20], 1), gn.AdamW(3e-7), epochs=25),
        ("learning-rate-too-low", "update-too-small"),
    ),
    Case(
        "products, momentum with rate 1e-6",
        lambda: Training(products(), mlp([24], 1), gn.Momentum(1e-6, 0.9), epochs=25),
        ("learning-rate-too-low", "update-too-small"),
    ),
    Case(
        "cancer, labels at random",
        lambda: Training(
            alone(cancer(), y=rng().integers(2, size=400)), mlp([2], 1, gn.Tanh), gn.SGD(0.01)
        ),
        ("loss-not-decreasing",),
    ),
    Case(
        "stripes, rows sorted after the labels were taken",
        lambda: Training(
            alone(stripes(), x=np.sort(stripes().x[:, :4], axis=0)),
            mlp([3], 6, gn.Sigmoid),
            gn.SGD(0.02),
        ),
        ("loss-not-decreasing",),
    ),
    Case(
        "wine, divided by a million",
        lambda: Training(
            wine(), mlp([14], 3, gn.Tanh, first=[gn.Rescale(1e-6)]), gn.Adam(1e-3), seed=2
        ),
        ("one-class", "loss-not-decreasing", "learning-rate-too-low"),
    ),
    Case(
        "wine, 25 rows and 300 units (overfitting without dropout, Chen)",
        lambda: Training(
            alone(wine(train=25), held=wine(train=25).held, y=rng().permutation(wine(train=25).y)),
            mlp([300], 3),
            gn.Adam(3e-3),
            epochs=80,
        ),
        ("overfitting",),
    ),
    Case(
        "diabetes, 60 rows learned by heart",
        lambda: Training(diabetes(60), mlp([80, 80], 1), gn.Adam(3e-3), epochs=150),
        ("overfitting",),
    ),
    Case(
        "stripes with much noise, no dropout",
        lambda: Training(
            stripes(rows=120, noise=1.5), mlp([128, 64], 6), gn.Adam(2e-3), epochs=60, seed=4
        ),
        ("overfitting",),
    ),
    Case(
        "stripes, two sigmoid layers, RMSProp",
        lambda: Training(
            stripes(), mlp([32, 32], 6, gn.Sigmoid), gn.RMSProp(3e-3), epochs=40, seed=6
        ),
        ("overfitting",),
    ),
    Case(
        "diabetes, ten times as long as needed",
        lambda: Training(diabetes(150), mlp([64], 1), gn.Adam(3e-3), epochs=150),
        ("overtraining",),
    ),
    Case(
        "wine as it was measured",
        lambda: Training(wine(scaled=False), mlp([24], 3), gn.Adam(1e-3), epochs=40),
        ("unscaled-inputs",),
    ),
    Case(
        "cancer as it was measured",
        lambda: Training(cancer(scaled=False), mlp([24, 12], 1, gn.Tanh), gn.SGD(0.01)),
        ("unscaled-inputs",),
    ),
    Case(
        "products with two columns that never change",
        lambda: Training(
            alone(products(), x=np.insert(products().x, [1, 4], [[2.0, 0.0]], axis=1)),
            mlp([24], 1),
            gn.Adam(3e-3),
        ),
        ("constant-features",),
    ),
    Case(
        "one row in forty is of the third class",
        lambda: Training(lopsided((0.6, 0.375, 0.025), 800, 1.2), mlp([16], 3), gn.SGD(0.02)),
        ("class-imbalance",),
    ),
    Case(
        "one row in fifty is of the second class",
        lambda: Training(lopsided((0.98, 0.02), 1000, 1.0), mlp([8, 8], 2, gn.Tanh), gn.Adam(1e-3)),
        ("class-imbalance",),
    ),
    Case(
        "spirals, batch norm on batches of 3",
        lambda: Training(
            spirals(), mlp([24, 24], 3, norm=gn.BatchNorm), gn.Adam(), batch_size=3, epochs=8
        ),
        ("tiny-batches",),
    ),
    Case(
        "stripes, dropout 0.9 after each layer",
        lambda: Training(stripes(), mlp([50, 50], 6, dropout=0.9), gn.Adam(), seed=2),
        ("dropout-too-high",),
    ),
    Case(
        "products, dropout 0.85",
        lambda: Training(products(), mlp([30, 30], 1, gn.Tanh, dropout=0.85), gn.Adam(2e-3)),
        ("dropout-too-high",),
    ),
    Case(
        "wine, Adam that begins at t = 0 (Nasuti)",
        lambda: Training(wine(), mlp([16, 16], 3, gn.Tanh), AdamFromZero(1e-2)),
        ("not-finite",),
    ),
    Case(
        "diabetes, rate 100",
        lambda: Training(diabetes(), mlp([16, 16], 1, gn.LeakyReLU), gn.SGD(100.0)),
        ("not-finite",),
    ),
    Case(
        "stripes through a layer that takes exp",
        lambda: Training(
            alone(stripes(), x=stripes().x * 60),
            [gn.Dense(20), NaiveExp(), gn.Dense(6)],
            gn.SGD(0.1),
        ),
        ("not-finite",),
    ),
    Case(
        "spirals, logarithm of a softmax that underflows",
        lambda: Training(
            spirals(), mlp([30], 3, initializer=Normal(20.0)), gn.Adam(), loss=NaiveCrossEntropy()
        ),
        ("not-finite",),
    ),
]

HEALTHY = [
    Case("wine, ReLU", lambda: Training(wine(), mlp([16], 3), gn.Adam(3e-3), epochs=40)),
    Case(
        "wine, standardised by a layer",
        lambda: Training(
            wine(scaled=False), mlp([24], 3, first=[gn.Standardize()]), gn.Adam(3e-3), epochs=40
        ),
    ),
    Case(
        "wine, tanh, momentum", lambda: Training(wine(), mlp([12], 3, gn.Tanh), gn.Momentum(0.02))
    ),
    Case(
        "wine, batch norm",
        lambda: Training(wine(), mlp([20, 20], 3, norm=gn.BatchNorm), gn.Adam(), seed=7),
    ),
    Case("wine, GELU", lambda: Training(wine(), mlp([24], 3, gn.GELU), gn.AdamW(3e-3), epochs=30)),
    Case(
        "wine, full batches",
        lambda: Training(wine(), mlp([16], 3), gn.SGD(0.2), batch_size="full", epochs=120),
    ),
    Case("cancer, ReLU", lambda: Training(cancer(), mlp([16], 1), gn.Adam(1e-3), epochs=25)),
    Case("cancer, logistic regression", lambda: Training(cancer(), [gn.Dense(1)], gn.SGD(0.1))),
    Case(
        "cancer, two tanh layers",
        lambda: Training(cancer(), mlp([16, 16], 1, gn.Tanh), gn.SGD(0.05), epochs=25),
    ),
    Case(
        "cancer, dropout 0.4",
        lambda: Training(cancer(), mlp([48, 24], 1, dropout=0.4), gn.Adam(2e-3), epochs=25),
    ),
    Case(
        "cancer, layer norm",
        lambda: Training(cancer(), mlp([24, 24], 1, norm=gn.LayerNorm), gn.Adam(1e-3), epochs=15),
    ),
    Case(
        "cancer, sigmoid",
        lambda: Training(cancer(), mlp([20], 1, gn.Sigmoid), gn.Nesterov(0.1), batch_size=16),
    ),
    Case(
        "cancer, stopped early",
        lambda: Training(
            cancer(),
            mlp([64, 32], 1),
            gn.Adam(1e-3),
            epochs=150,
            callbacks=[gn.EarlyStopping(8)],
        ),
    ),
    Case(
        "diabetes, linear",
        lambda: Training(diabetes(), [gn.Dense(1)], gn.SGD(0.02), epochs=30),
    ),
    Case(
        "diabetes, small network with decay",
        lambda: Training(diabetes(), mlp([8], 1), gn.AdamW(3e-3, weight_decay=0.1), epochs=25),
    ),
    Case(
        "diabetes, stopped early",
        lambda: Training(
            diabetes(), mlp([32], 1), gn.Adam(1e-3), epochs=200, callbacks=[gn.EarlyStopping(10)]
        ),
    ),
    Case(
        "diabetes, absolute error",
        lambda: Training(diabetes(), mlp([6], 1, gn.Tanh), gn.Adam(3e-3), loss="mae", epochs=25),
    ),
    Case("spirals, ReLU", lambda: Training(spirals(), mlp([48, 48], 3), gn.Adam(5e-3), epochs=60)),
    Case(
        "spirals, tanh",
        lambda: Training(spirals(), mlp([32, 32], 3, gn.Tanh), gn.Adam(5e-3), epochs=60),
    ),
    Case(
        "spirals, batch norm on batches of 20",
        lambda: Training(
            spirals(),
            mlp([32, 32], 3, norm=gn.BatchNorm),
            gn.Adam(5e-3),
            batch_size=20,
            epochs=40,
        ),
    ),
    Case(
        "spirals, four ELU layers, one cycle",
        lambda: Training(
            spirals(),
            mlp([24] * 4, 3, gn.ELU),
            gn.Adam(5e-3),
            epochs=40,
            options={"schedule": OneCycle()},
        ),
    ),
    Case("stripes, ReLU", lambda: Training(stripes(), mlp([48], 6), gn.Adam(2e-3), epochs=25)),
    Case(
        "stripes, three ReLU layers, decaying rate",
        lambda: Training(
            stripes(),
            mlp([40, 40, 40], 6),
            gn.Adam(2e-3),
            options={"schedule": Exponential(0.9)},
            epochs=25,
        ),
    ),
    Case(
        "stripes, SELU, seven layers",
        lambda: Training(stripes(), mlp([28] * 7, 6, gn.SELU), gn.Adam(1e-3), epochs=20),
    ),
    Case(
        "stripes, batch norm and dropout 0.25",
        lambda: Training(
            stripes(), mlp([64, 64], 6, norm=gn.BatchNorm, dropout=0.25), gn.Adam(), epochs=25
        ),
    ),
    Case(
        "stripes, dropout 0.5",
        lambda: Training(stripes(), mlp([96], 6, dropout=0.5), gn.Adam(2e-3), epochs=30, seed=3),
    ),
    Case(
        "stripes, sigmoid, single rows",
        lambda: Training(stripes(), mlp([30], 6, gn.Sigmoid), gn.SGD(0.1), batch_size=1, epochs=20),
    ),
    Case(
        "stripes, leaky ReLU, momentum",
        lambda: Training(stripes(), mlp([40, 20], 6, gn.LeakyReLU), gn.Momentum(0.03, 0.9)),
    ),
    Case("products, ReLU", lambda: Training(products(), mlp([32], 1), gn.Adam(5e-3), epochs=40)),
    Case(
        "products, SiLU, two layers",
        lambda: Training(products(), mlp([24, 24], 1, gn.SiLU), gn.Adam(3e-3), epochs=40),
    ),
    Case(
        "products, tanh, momentum",
        lambda: Training(products(), mlp([24], 1, gn.Tanh), gn.Momentum(0.02, 0.9), epochs=60),
    ),
    Case(
        "one row in fifteen of the second class, far away",
        lambda: Training(lopsided((0.93, 0.07), 900, 4.0), mlp([12], 2), gn.Adam(5e-3)),
    ),
    Case(
        "three classes, the rarest weighed",
        lambda: Training(
            lopsided((0.7, 0.26, 0.04), 900, 2.5),
            mlp([16], 3),
            gn.Adam(5e-3),
            loss={"name": "cross_entropy", "class_weight": "balanced"},
        ),
    ),
]
