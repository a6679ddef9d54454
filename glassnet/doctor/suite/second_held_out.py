"""The second held-out part of the suite. What was missed here was looked at: it is spent.

The first had shown that rules were too narrow; these trainings replaced it, with other data,
architectures and seeds, and `third_held_out` replaces them.
"""

from __future__ import annotations

import functools

import numpy as np

import glassnet as gn
from glassnet.accelerate import Array
from glassnet.doctor.suite.training import (
    AdamFromZero,
    Case,
    NaiveCrossEntropy,
    NaiveExp,
    Rows,
    Training,
    mlp,
    split,
    standardized,
)
from glassnet.initializers import Constant, Normal, Uniform
from glassnet.schedules import Cosine, Step


@functools.cache
def moons(rows: int = 400, noise: float = 0.15) -> Rows:
    """Two crescents, two inputs, one output."""
    from sklearn.datasets import make_moons

    x, y = make_moons(rows + 300, noise=noise, random_state=21)
    return split(x.astype(np.float32), y, rows, 1, "binary_cross_entropy")


@functools.cache
def shells(rows: int = 700, classes: int = 4) -> Rows:
    """Shells around the origin in five dimensions."""
    from sklearn.datasets import make_gaussian_quantiles

    x, y = make_gaussian_quantiles(
        n_samples=rows + 300, n_features=5, n_classes=classes, random_state=22
    )
    return split(x.astype(np.float32), y, rows, classes)


@functools.cache
def corners(rows: int = 600, features: int = 16, wrong: float = 0.0, apart: float = 1.5) -> Rows:
    """Clusters at the corners of a cube, among columns that say nothing."""
    from sklearn.datasets import make_classification

    x, y = make_classification(
        rows + 400,
        features,
        n_informative=6,
        n_redundant=4,
        n_classes=5,
        n_clusters_per_class=1,
        flip_y=wrong,
        class_sep=apart,
        random_state=23,
    )
    return split(standardized(x).astype(np.float32), y, rows, 5)


@functools.cache
def friedman(rows: int = 500, noise: float = 1.0, features: int = 8) -> Rows:
    """Friedman's first function: uniform inputs, of which five matter."""
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(rows + 300, features, noise=noise, random_state=24)
    return split((2 * x - 1).astype(np.float32), scaled(y), rows, 1, "mse")


@functools.cache
def circuit(rows: int = 500, raw: bool = False) -> Rows:
    """Friedman's second function, an electrical circuit: inputs from 0 to 1,800 if they are raw."""
    from sklearn.datasets import make_friedman2

    x, y = make_friedman2(rows + 300, noise=10.0, random_state=25)
    return split((x if raw else standardized(x)).astype(np.float32), scaled(y), rows, 1, "mse")


def scaled(y: Array) -> Array:
    """Targets with mean 0 and standard deviation 1."""
    return standardized(y).astype(np.float32)


def rare(shares: tuple[float, ...], apart: float, rows: int = 900) -> Rows:
    """Blobs, of which some are rare."""
    from sklearn.datasets import make_blobs

    counts = [round(share * rows) for share in shares]
    centers = apart * np.eye(len(shares), 7)
    x, y = make_blobs(counts, centers=centers, cluster_std=1.0, random_state=26)
    return Rows(x.astype(np.float32), y, None, len(shares))


def but(rows: Rows, x: Array | None = None, y: Array | None = None) -> Rows:
    """With other inputs or targets, and none held out."""
    return Rows(
        rows.x if x is None else x.astype(np.float32),
        rows.y if y is None else y,
        None,
        rows.outputs,
        rows.loss,
    )


def permuted(y: Array) -> Array:
    """Targets in an order that has nothing to do with the rows."""
    return np.random.default_rng(27).permutation(y)


SICK = [
    Case(
        "moons, ReLU with biases of −12",
        lambda: Training(moons(), mlp([28], 1, bias=Constant(-12.0)), gn.SGD(0.1), seed=31),
        ("dead-relu",),
    ),
    Case(
        "corners, last of four ReLU layers has biases of −15",
        lambda: Training(
            corners(),
            [
                *mlp([30, 30, 30], 5)[:-1],
                gn.Dense(30, bias_initializer=Constant(-15.0)),
                gn.ReLU(),
                gn.Dense(5),
            ],
            gn.Adam(2e-3),
            seed=32,
        ),
        ("dead-relu",),
    ),
    Case(
        "shells, N(−1, …) weights and rate 2 (dying ReLU)",
        lambda: Training(
            shells(), mlp([36, 36], 4, initializer=Uniform(-2.5, 0.5)), gn.SGD(2.0), seed=33
        ),
        ("dead-relu", "poor-initial-weights"),
    ),
    Case(
        "corners, tanh with N(0, 4²) weights",
        lambda: Training(
            corners(), mlp([40, 20], 5, gn.Tanh, initializer=Normal(4.0)), gn.Momentum(0.01)
        ),
        ("saturated", "poor-initial-weights"),
    ),
    Case(
        "shells, sigmoid units under gradient descent with rate 200",
        lambda: Training(shells(), mlp([24], 4, gn.Sigmoid), gn.SGD(200.0), seed=34),
        ("saturated", "learning-rate-too-high", "update-too-large"),
    ),
    Case(
        "corners, six sigmoid layers (Khadka)",
        lambda: Training(corners(), mlp([28] * 6, 5, gn.Sigmoid), gn.Adam(1e-3), seed=35),
        ("vanishing-gradient",),
    ),
    Case(
        "moons, eight narrow sigmoid layers",
        lambda: Training(moons(), mlp([10] * 8, 1, gn.Sigmoid), gn.SGD(0.2), seed=36),
        ("vanishing-gradient",),
    ),
    Case(
        "friedman, twelve tanh layers with U(−0.15, 0.15) weights",
        lambda: Training(
            friedman(), mlp([16] * 12, 1, gn.Tanh, initializer=Uniform(-0.15, 0.15)), gn.Adam()
        ),
        ("vanishing-gradient", "poor-initial-weights"),
    ),
    Case(
        "corners, eight ReLU layers with N(0, 0.6²) weights",
        lambda: Training(corners(), mlp([60] * 8, 5, initializer=Normal(0.6)), gn.Adam(1e-5)),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    Case(
        "shells, six SiLU layers with N(0, 1) weights",
        lambda: Training(
            shells(), mlp([32] * 6, 4, gn.SiLU, initializer=Normal(1.0)), gn.SGD(1e-7)
        ),
        ("exploding-gradient", "poor-initial-weights"),
    ),
    Case(
        "corners, all weights −0.2",
        lambda: Training(
            corners(), mlp([20, 10], 5, gn.GELU, initializer=Constant(-0.2)), gn.Adam()
        ),
        ("poor-initial-weights",),
    ),
    Case(
        "friedman, all weights 0",
        lambda: Training(friedman(), mlp([24], 1, gn.Tanh, initializer="zeros"), gn.Momentum(0.01)),
        ("poor-initial-weights",),
    ),
    Case(
        "corners, Xavier's variance taken for a standard deviation's root (Khadka)",
        lambda: Training(
            corners(), mlp([50, 50], 5, initializer=Normal((6 / 100) ** 0.25)), gn.SGD(1e-3)
        ),
        ("poor-initial-weights",),
    ),
    Case(
        "corners, Adam with rate 0.7",
        lambda: Training(corners(), mlp([40, 40], 5), gn.Adam(0.7), seed=37),
        ("learning-rate-too-high", "update-too-large"),
    ),
    Case(
        "shells, sigmoid and squared error, rate 5 on single rows (Nasuti)",
        lambda: Training(
            but(shells(300)),
            [*mlp([30], 4, gn.Sigmoid), gn.Sigmoid()],
            gn.SGD(5.0),
            batch_size=1,
            loss="squared_error",
            epochs=8,
            seed=38,
        ),
        ("learning-rate-too-high", "update-too-large", "saturated"),
    ),
    Case(
        "friedman, gradient descent with rate 0.8",
        lambda: Training(friedman(), mlp([40], 1, gn.Tanh), gn.SGD(0.8), seed=39),
        ("learning-rate-too-high", "update-too-large"),
    ),
    Case(
        "moons, momentum 0.95 with rate 3",
        lambda: Training(moons(), mlp([24, 24], 1, gn.Tanh), gn.Momentum(3.0, 0.95), seed=40),
        ("learning-rate-too-high", "update-too-large", "saturated"),
    ),
    Case(
        "corners, gradient descent with rate 3e-6",
        lambda: Training(corners(), mlp([32], 5), gn.SGD(3e-6), seed=41),
        ("learning-rate-too-low", "update-too-small"),
    ),
    Case(
        "circuit, Adam with rate 5e-7",
        lambda: Training(circuit(), mlp([20, 20], 1), gn.Adam(5e-7), seed=42),
        ("learning-rate-too-low", "update-too-small"),
    ),
    Case(
        "moons, labels in another order",
        lambda: Training(but(moons(), y=permuted(moons().y)), mlp([3], 1, gn.Tanh), gn.SGD(0.02)),
        ("loss-not-decreasing",),
    ),
    Case(
        "friedman, targets in another order",
        lambda: Training(but(friedman(), y=permuted(friedman().y)), mlp([2], 1), gn.SGD(0.005)),
        ("loss-not-decreasing",),
    ),
    Case(
        "shells, inputs lost by a slip in scaling",
        lambda: Training(but(shells(), x=shells().x * 1e-5), mlp([24], 4), gn.Adam(1e-3), seed=43),
        ("one-class", "loss-not-decreasing", "learning-rate-too-low"),
    ),
    Case(
        "corners, 70 rows, half of the labels wrong",
        lambda: Training(corners(70, wrong=0.5), mlp([200], 5), gn.Adam(3e-3), epochs=60, seed=44),
        ("overfitting",),
    ),
    Case(
        "corners close to one another, 100 rows, no dropout (Chen)",
        lambda: Training(
            corners(100, features=40, apart=0.5), mlp([128, 128], 5), gn.Adam(1e-3), epochs=50
        ),
        ("overfitting",),
    ),
    Case(
        "friedman, 40 noisy rows",
        lambda: Training(
            friedman(40, noise=4.0), mlp([100], 1, gn.Tanh), gn.Adam(5e-3), epochs=200
        ),
        ("overfitting",),
    ),
    Case(
        "friedman with noise, 150 epochs",
        lambda: Training(friedman(200, noise=5.0), mlp([64, 32], 1), gn.Adam(2e-3), epochs=150),
        ("overtraining",),
    ),
    Case(
        "circuit as it comes",
        lambda: Training(circuit(raw=True), mlp([32], 1), gn.Adam(1e-3), seed=45),
        ("unscaled-inputs",),
    ),
    Case(
        "corners around 500",
        lambda: Training(
            but(corners(), x=500 + 20 * corners().x), mlp([32], 5, gn.Tanh), gn.SGD(0.01)
        ),
        ("unscaled-inputs",),
    ),
    Case(
        "moons with a column of sevens",
        lambda: Training(
            but(moons(), x=np.insert(moons().x, 1, 7.0, axis=1)), mlp([16], 1), gn.Adam()
        ),
        ("constant-features",),
    ),
    Case(
        "one row in sixty of the fourth class",
        lambda: Training(rare((0.5, 0.3, 0.183, 0.017), 1.5), mlp([16], 4), gn.SGD(0.02), seed=46),
        ("class-imbalance",),
    ),
    Case(
        "three rows in a hundred of the second class",
        lambda: Training(rare((0.97, 0.03), 0.8), mlp([12], 2, gn.Tanh), gn.Adam(1e-3), seed=47),
        ("class-imbalance",),
    ),
    Case(
        "corners, batch norm on batches of 5",
        lambda: Training(
            corners(), mlp([40], 5, norm=gn.BatchNorm), gn.RMSProp(), batch_size=5, epochs=6
        ),
        ("tiny-batches",),
    ),
    Case(
        "corners, dropout 0.92",
        lambda: Training(corners(), mlp([60, 30], 5, gn.Tanh, dropout=0.92), gn.Adam(), seed=48),
        ("dropout-too-high",),
    ),
    Case(
        "friedman, dropout 0.8 three times",
        lambda: Training(friedman(), mlp([40] * 3, 1, dropout=0.8), gn.Adam(), seed=49),
        ("dropout-too-high",),
    ),
    Case(
        "corners, Adam that begins at t = 0 (Nasuti)",
        lambda: Training(corners(), mlp([30], 5, gn.Sigmoid), AdamFromZero(5e-4), seed=50),
        ("not-finite",),
    ),
    Case(
        "circuit, rate 1000",
        lambda: Training(circuit(), mlp([24, 24], 1, gn.ELU), gn.Momentum(1000.0), seed=51),
        ("not-finite",),
    ),
    Case(
        "shells through a layer that takes exp of large numbers",
        lambda: Training(
            but(shells(), x=shells().x * 80), [gn.Dense(12), NaiveExp(), gn.Dense(4)], gn.Adam()
        ),
        ("not-finite",),
    ),
    Case(
        "corners, a loss that takes exp without care",
        lambda: Training(
            corners(), mlp([20], 5, initializer=Normal(12.0)), gn.SGD(0.1), loss=NaiveCrossEntropy()
        ),
        ("not-finite",),
    ),
]

HEALTHY = [
    Case("moons, ReLU", lambda: Training(moons(), mlp([24], 1), gn.Adam(5e-3), epochs=30, seed=61)),
    Case(
        "moons, tanh", lambda: Training(moons(), mlp([12, 12], 1, gn.Tanh), gn.SGD(0.1), epochs=40)
    ),
    Case(
        "moons, ELU, Nesterov", lambda: Training(moons(), mlp([16], 1, gn.ELU), gn.Nesterov(0.05))
    ),
    Case(
        "moons, sigmoid",
        lambda: Training(moons(), mlp([16], 1, gn.Sigmoid), gn.Adam(0.02), epochs=30),
    ),
    Case(
        "moons, batch norm on batches of 24",
        lambda: Training(
            moons(), mlp([20], 1, norm=gn.BatchNorm), gn.Adam(3e-3), batch_size=24, epochs=25
        ),
    ),
    Case(
        "moons, full batches",
        lambda: Training(
            moons(), mlp([20], 1, gn.Tanh), gn.SGD(0.3), batch_size="full", epochs=200
        ),
    ),
    Case(
        "shells, ReLU", lambda: Training(shells(), mlp([48], 4), gn.Adam(5e-3), epochs=30, seed=62)
    ),
    Case(
        "shells, two ReLU layers",
        lambda: Training(shells(), mlp([40, 20], 4), gn.Adam(2e-3), epochs=30, seed=63),
    ),
    Case(
        "shells, layer norm",
        lambda: Training(shells(), mlp([32, 32], 4, norm=gn.LayerNorm), gn.AdamW(2e-3), epochs=20),
    ),
    Case(
        "shells, GELU, cosine",
        lambda: Training(
            shells(),
            mlp([40, 40], 4, gn.GELU),
            gn.Adam(3e-3),
            epochs=25,
            options={"schedule": Cosine(warmup=1)},
        ),
    ),
    Case(
        "shells, RMSProp",
        lambda: Training(shells(), mlp([32], 4, gn.Tanh), gn.RMSProp(3e-3), epochs=30, seed=64),
    ),
    Case(
        "shells, stopped early",
        lambda: Training(
            shells(), mlp([64], 4), gn.Adam(2e-3), epochs=100, callbacks=[gn.EarlyStopping(6)]
        ),
    ),
    Case("corners, ReLU", lambda: Training(corners(), mlp([32], 5), gn.Adam(2e-3), seed=65)),
    Case("corners, linear", lambda: Training(corners(), [gn.Dense(5)], gn.SGD(0.1), epochs=25)),
    Case(
        "corners, five ReLU layers",
        lambda: Training(corners(), mlp([40] * 5, 5), gn.Adam(1e-3), epochs=15, seed=66),
    ),
    Case(
        "corners, batch norm and dropout 0.3 (Chen)",
        lambda: Training(
            corners(), mlp([64, 64], 5, norm=gn.BatchNorm, dropout=0.3), gn.Adam(1e-3), epochs=25
        ),
    ),
    Case(
        "corners, dropout 0.5",
        lambda: Training(corners(), mlp([100], 5, dropout=0.5), gn.Adam(2e-3), epochs=25, seed=67),
    ),
    Case(
        "corners, SELU, eight layers",
        lambda: Training(corners(), mlp([24] * 8, 5, gn.SELU), gn.Adam(5e-4), epochs=15),
    ),
    Case(
        "corners, tanh, momentum, rate in steps",
        lambda: Training(
            corners(),
            mlp([32, 16], 5, gn.Tanh),
            gn.Momentum(0.02, 0.9),
            options={"schedule": Step(every=8, factor=0.5)},
            epochs=24,
        ),
    ),
    Case(
        "corners, sigmoid, single rows",
        lambda: Training(
            corners(), mlp([24], 5, gn.Sigmoid), gn.SGD(0.05), batch_size=1, epochs=15
        ),
    ),
    Case(
        "corners, label smoothing",
        lambda: Training(
            corners(),
            mlp([48], 5, gn.LeakyReLU),
            gn.Adam(2e-3),
            loss={"name": "cross_entropy", "label_smoothing": 0.05},
        ),
    ),
    Case(
        "corners close to one another, with decay",
        lambda: Training(
            corners(apart=0.8), mlp([8], 5), gn.AdamW(3e-3, weight_decay=0.1), epochs=12
        ),
    ),
    Case("corners, PReLU", lambda: Training(corners(), mlp([32], 5, gn.PReLU), gn.AdaGrad(0.03))),
    Case(
        "corners from 0 to 255, standardised by a layer",
        lambda: Training(
            but(corners(), x=127 + 30 * corners().x),
            mlp([32], 5, first=[gn.Standardize()]),
            gn.Adam(2e-3),
        ),
    ),
    Case(
        "friedman, tanh",
        lambda: Training(friedman(), mlp([16], 1, gn.Tanh), gn.Adam(5e-3), epochs=30),
    ),
    Case(
        "friedman, ReLU", lambda: Training(friedman(), mlp([24, 24], 1), gn.Adam(2e-3), epochs=30)
    ),
    Case("friedman, linear", lambda: Training(friedman(), [gn.Dense(1)], gn.SGD(0.05), epochs=30)),
    Case(
        "friedman, Huber, momentum",
        lambda: Training(
            friedman(), mlp([24], 1, gn.SiLU), gn.Momentum(0.02, 0.9), loss="huber", epochs=30
        ),
    ),
    Case(
        "friedman with noise, stopped early",
        lambda: Training(
            friedman(200, noise=3.0),
            mlp([32], 1),
            gn.Adam(1e-3),
            epochs=200,
            callbacks=[gn.EarlyStopping(10)],
        ),
    ),
    Case(
        "circuit, ReLU",
        lambda: Training(circuit(), mlp([32], 1), gn.Adam(5e-3), epochs=30, seed=68),
    ),
    Case(
        "circuit, standardised by a layer",
        lambda: Training(
            circuit(raw=True),
            mlp([24], 1, gn.Tanh, first=[gn.Standardize()]),
            gn.Adam(5e-3),
            epochs=30,
        ),
    ),
    Case(
        "one row in eight of the second class",
        lambda: Training(rare((0.875, 0.125), 3.0), mlp([16], 2), gn.Adam(3e-3), seed=69),
    ),
    Case(
        "one row in thirty of the third class, far away",
        lambda: Training(rare((0.6, 0.367, 0.033), 6.0), mlp([16], 3), gn.Adam(5e-3), seed=70),
    ),
    Case(
        "one row in thirty of the second class, weighed",
        lambda: Training(
            rare((0.967, 0.033), 2.5),
            mlp([12], 2, gn.Tanh),
            gn.Adam(5e-3),
            loss={"name": "cross_entropy", "class_weight": "balanced"},
        ),
    ),
]
