"""Sick trainings of the third held-out part: something is wrong with the rows or the training.

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
    flipped,
    four_of_ten,
    iris,
    majority,
    mapped,
    peaks,
    ringnorm,
    roll,
    shuffled_targets,
    spirals,
    tenfold,
    twonorm,
    unseen,
    wave,
    waveform,
)
from glassnet.doctor.suite.training import (
    Case,
    Rows,
    Training,
    mlp,
)
from glassnet.schedules import Exponential, Step


def some_columns_lost(rows: Rows, kept: int) -> Rows:
    """All columns after the first `kept` hold the value of their first row."""
    first = rows.x[0]

    def lose(x: Array) -> Array:
        x = x.copy()
        x[:, kept:] = first[kept:]
        return x

    return mapped(rows, lose)


def few(rows: Rows, count: int) -> Rows:
    """Only the first rows to train on."""
    return Rows(rows.x[:count], rows.y[:count], rows.held, rows.outputs, rows.loss)


def only_class(rows: Rows, label: int) -> dict[str, Any]:
    """Sample weights that are 0 for the rows of all other classes."""
    return {"sample_weight": (rows.y == label).astype(np.float32)}


SICK = [
    # Rates.
    Case(
        "digits, sigmoids and a learning rate of 5",
        lambda: Training(digits(scale=1.0), mlp([30], 10, gn.Sigmoid), gn.SGD(5.0), 15, 10, 441),
        ("learning-rate-too-high",),
    ),
    Case(
        "waveform, Adam at 0.5",
        lambda: Training(waveform(), mlp([64, 32], 3, gn.SiLU), gn.Adam(0.5), 15, 30, 442),
        ("learning-rate-too-high",),
    ),
    Case(
        "iris, RMSProp at 1",
        lambda: Training(iris(), mlp([12, 12], 3, gn.GELU), gn.RMSProp(1.0), 40, 10, 443),
        ("learning-rate-too-high",),
    ),
    Case(
        "four of ten columns, momentum of 0.97 at 0.2",
        lambda: Training(four_of_ten(), mlp([24], 1, gn.Tanh), gn.Momentum(0.2, 0.97), 20, 20, 444),
        ("learning-rate-too-high",),
    ),
    Case(
        "twonorm, the loss summed over 100 rows and a rate for their mean",
        lambda: Training(
            twonorm(), mlp([40, 40], 2), gn.SGD(0.5), 12, 100, 445, gn.CrossEntropy(reduction="sum")
        ),
        ("learning-rate-too-high",),
    ),
    Case(
        "roll, Adam at 0.3 with PReLU",
        lambda: Training(roll(), mlp([40, 40], 1, gn.PReLU), gn.Adam(0.3), 15, 20, 446),
        ("learning-rate-too-high",),
    ),
    Case(
        "spirals, AdamW at 1",
        lambda: Training(spirals(), mlp([32, 32], 1, gn.Tanh), gn.AdamW(1.0), 20, 30, 447),
        ("learning-rate-too-high", "update-too-large"),
    ),
    Case(
        "digits, plain gradient descent at 0.00003",
        lambda: Training(digits(), mlp([64], 10), gn.SGD(3e-5), 20, 26, 451),
        ("learning-rate-too-low",),
    ),
    Case(
        "wave, Adam at 0.000003",
        lambda: Training(wave(), mlp([32, 32], 1, gn.Tanh), gn.Adam(3e-6), 20, 30, 452),
        ("learning-rate-too-low",),
    ),
    Case(
        "display, AdaGrad at 0.0001",
        lambda: Training(display(), mlp([30], 10, gn.Sigmoid), gn.AdaGrad(1e-4), 15, 30, 453),
        ("learning-rate-too-low",),
    ),
    Case(
        "checkers, a schedule that takes a tenth every epoch",
        lambda: Training(
            checkers(),
            mlp([64, 64], 2),
            gn.SGD(0.001),
            20,
            32,
            454,
            options={"schedule": Step(1, 0.1)},
        ),
        ("learning-rate-too-low",),
    ),
    Case(
        "ringnorm, layer norm at 0.00001",
        lambda: Training(
            unseen(ringnorm()), mlp([40], 1, norm=gn.LayerNorm), gn.Momentum(1e-5, 0.5), 10, 50, 455
        ),
        ("learning-rate-too-low",),
    ),
    Case(
        "cancer, a rate of 0.00000001",
        lambda: Training(cancer(), mlp([30], 2), gn.SGD(1e-8), 15, 20, 456),
        ("update-too-small", "learning-rate-too-low"),
    ),
    Case(
        "arm, Adam at 0.00000001 with a schedule",
        lambda: Training(
            arm(),
            mlp([40], 2, gn.ELU),
            gn.Adam(1e-8),
            12,
            20,
            457,
            options={"schedule": Exponential(0.9)},
        ),
        ("update-too-small", "learning-rate-too-low"),
    ),
    # Inputs.
    Case(
        "raw cancer, columns up to 4,254",
        lambda: Training(cancer(raw=True), mlp([24, 24], 2), gn.SGD(0.01), 20, 20, 471),
        ("unscaled-inputs",),
    ),
    Case(
        "four of ten columns in thousands",
        lambda: Training(
            mapped(four_of_ten(), lambda x: 1000 * x),
            mlp([24], 1, gn.ELU),
            gn.Adam(1e-3),
            20,
            20,
            472,
        ),
        ("unscaled-inputs",),
    ),
    Case(
        "iris in micrometres",
        lambda: Training(
            mapped(iris(raw=True), lambda x: 1e4 * x), mlp([16], 3), gn.SGD(1e-3), 40, 10, 473
        ),
        ("unscaled-inputs",),
    ),
    Case(
        "cancer, 22 of 30 columns lost in reading",
        lambda: Training(
            some_columns_lost(cancer(), 8), mlp([16], 2, gn.GELU), gn.Adam(1e-3), 15, 20, 474
        ),
        ("constant-features",),
    ),
    Case(
        "twonorm, half of the columns filled with the first row's",
        lambda: Training(
            some_columns_lost(twonorm(), 10), mlp([16], 2, gn.SELU), gn.Momentum(0.01), 10, 40, 475
        ),
        ("constant-features",),
    ),
    # Classes.
    Case(
        "twonorm in four columns, 2 % of the second class",
        lambda: Training(
            mapped(twonorm(rare=0.02), lambda x: x[:, :4]), mlp([16], 2), gn.SGD(0.05), 6, 40, 481
        ),
        ("class-imbalance",),
    ),
    Case(
        "waveform, 2 % of the third kind",
        lambda: Training(
            waveform(shares=(0.49, 0.49, 0.02)), mlp([20], 3, gn.Sigmoid), gn.SGD(0.1), 10, 30, 482
        ),
        ("class-imbalance",),
    ),
    Case(
        "digits, a weight of 5,000 for the zeros",
        lambda: Training(
            digits(),
            mlp([32], 10),
            gn.SGD(0.01),
            3,
            26,
            483,
            gn.CrossEntropy(class_weight={0: 5000.0}),
        ),
        ("one-class",),
    ),
    Case(
        "display, sample weights of 0 for all digits but 7",
        lambda: Training(
            display(), mlp([30], 10), gn.Adam(3e-3), 8, 30, 484, options=only_class(display(), 7)
        ),
        ("one-class",),
    ),
    # Too well known, or for too long.
    Case(
        "digits, 40 rows to train on",
        lambda: Training(few(digits(), 40), mlp([200, 200], 10), gn.Adam(1e-3), 60, 12, 511),
        ("overfitting",),
    ),
    Case(
        "tenfold, 250 rows and 300 units without dropout",
        lambda: Training(few(tenfold(), 250), mlp([300, 300], 2), gn.Adam(1e-3), 30, 25, 512),
        ("overfitting",),
    ),
    Case(
        "diabetes, 90 rows to train on, 200 epochs",
        lambda: Training(
            few(diabetes(), 90), mlp([100, 100], 1, gn.GELU), gn.Adam(1e-3), 200, 15, 513
        ),
        ("overfitting",),
    ),
    Case(
        "waveform, a quarter of the labels wrong",
        lambda: Training(
            flipped(few(waveform(), 400), 0.25), mlp([128, 128], 3), gn.Adam(1e-3), 80, 20, 514
        ),
        ("overfitting", "overtraining"),
    ),
    Case(
        "cancer, 120 rows with a third of the labels wrong",
        lambda: Training(
            flipped(few(cancer(), 120), 0.33), mlp([64], 2, gn.Tanh), gn.Adam(5e-3), 120, 12, 515
        ),
        ("overfitting", "overtraining"),
    ),
    Case(
        "display, 200 rows of 1,500, for 150 epochs",
        lambda: Training(few(display(), 200), mlp([100, 100], 10), gn.Adam(2e-3), 150, 20, 516),
        ("overtraining",),
    ),
    Case(
        "wave, 40 rows with much noise",
        lambda: Training(
            few(wave(noise=0.6), 40), mlp([100, 100], 1, gn.ELU), gn.Adam(5e-3), 400, 10, 517
        ),
        ("overfitting", "overtraining"),
    ),
    # Nothing is learned.
    Case(
        "iris, labels in another order than the rows",
        lambda: Training(
            shuffled_targets(iris()), mlp([3], 3, gn.Sigmoid), gn.SGD(0.05), 25, 20, 521
        ),
        ("loss-not-decreasing",),
    ),
    Case(
        "diabetes, a decay of 3 that takes all weights away",
        lambda: Training(diabetes(), mlp([20, 20], 1, gn.Tanh), gn.SGD(0.05, l2=3.0), 30, 30, 522),
        ("loss-not-decreasing",),
    ),
    Case(
        "majority, targets of other rows",
        lambda: Training(
            shuffled_targets(majority()), mlp([6], 2, gn.Tanh), gn.Momentum(0.01), 15, 50, 523
        ),
        ("loss-not-decreasing",),
    ),
    Case(
        "peaks, inputs divided by 10,000",
        lambda: Training(
            mapped(peaks(), lambda x: x / 10000), mlp([32, 32], 1), gn.SGD(0.02), 15, 40, 524
        ),
        ("loss-not-decreasing",),
    ),
]
