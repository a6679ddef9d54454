"""The healthy trainings of the third held-out part; `outcomes.content` says what that means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import glassnet as gn
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
    spirals,
    tenfold,
    twonorm,
    unseen,
    wave,
    waveform,
    wine,
)
from glassnet.doctor.suite.training import Case, Rows, Training, mlp
from glassnet.initializers import Orthogonal
from glassnet.schedules import Cosine, Exponential, OneCycle, Phase, Plateau


def one_digit(rows: Rows, label: int) -> Rows:
    """Whether it is this digit: one row in ten is."""
    held = rows.held and (rows.held[0], (rows.held[1] == label).astype(np.int64))
    y = (rows.y == label).astype(np.int64)
    return Rows(rows.x, y, held, 1, "binary_cross_entropy")


def itself(rows: Rows) -> Rows:
    """The inputs as targets."""
    held = rows.held and (rows.held[0], rows.held[0])
    return Rows(rows.x, rows.x, held, rows.x.shape[1], "mse")


def one_hot(rows: Rows) -> Rows:
    """Numbers as targets, 1 for the class and 0 for the others."""
    table = np.eye(rows.outputs, dtype=np.float32)
    held = rows.held and (rows.held[0], table[rows.held[1]])
    return replace(rows, y=table[rows.y], held=held, loss="mse")


HEALTHY = [
    Case(
        "digits, two layers, Adam",
        lambda: Training(digits(), mlp([96, 48], 10), gn.Adam(1e-3), 15, 64, 601),
    ),
    Case(
        "digits, batch norm and dropout",
        lambda: Training(
            digits(), mlp([128], 10, norm=gn.BatchNorm, dropout=0.3), gn.Adam(1e-3), 20, 32, 602
        ),
    ),
    Case(
        "digits, tanh, momentum, cosine with warm-up",
        lambda: Training(
            digits(),
            mlp([64], 10, gn.Tanh),
            gn.Momentum(0.05),
            25,
            32,
            603,
            options={"schedule": Cosine(warmup=2)},
        ),
    ),
    Case(
        "digits, one layer of sigmoids",
        lambda: Training(digits(), mlp([48], 10, gn.Sigmoid), gn.Adam(5e-3), 25, 40, 604),
    ),
    Case(
        "digits, GELU, AdamW, smoothed labels",
        lambda: Training(
            digits(),
            mlp([96], 10, gn.GELU),
            gn.AdamW(2e-3),
            15,
            50,
            605,
            gn.CrossEntropy(label_smoothing=0.1),
        ),
    ),
    Case(
        "digits from 0 to 16, divided by the first layer",
        lambda: Training(
            digits(scale=1.0),
            mlp([64, 64], 10, gn.SiLU, first=[gn.Rescale(1 / 16)]),
            gn.RMSProp(1e-3),
            15,
            32,
            606,
        ),
    ),
    Case(
        "digits, standardised by the first layer, whose corners never change",
        lambda: Training(
            digits(scale=1.0),
            mlp([64], 10, gn.LeakyReLU, first=[gn.Standardize()], dropout=0.2),
            gn.Adam(1e-3),
            15,
            32,
            607,
        ),
    ),
    Case(
        "digits, layer norm, one cycle",
        lambda: Training(
            digits(),
            mlp([64, 64], 10, gn.SiLU, norm=gn.LayerNorm),
            gn.AdamW(5e-3),
            15,
            50,
            608,
            options={"schedule": OneCycle()},
        ),
    ),
    Case(
        "digits, all rows a step",
        lambda: Training(digits(), mlp([40], 10, gn.Tanh), gn.Momentum(0.3), 150, "full", 609),
    ),
    Case(
        "digits, no hidden layer",
        lambda: Training(digits(), mlp([], 10), gn.SGD(0.2), 30, 20, 611),
    ),
    Case(
        "digits, squared error to one-hot rows",
        lambda: Training(one_hot(digits()), mlp([80], 10), gn.Adam(2e-3), 25, 32, 612),
    ),
    Case(
        "digits, eight layers of SELU",
        lambda: Training(digits(), mlp([40] * 8, 10, gn.SELU), gn.Momentum(0.005), 20, 26, 613),
    ),
    Case(
        "digits, is it a three? Balanced weights, one row in ten",
        lambda: Training(
            one_digit(digits(), 3),
            mlp([32], 1),
            gn.Adam(2e-3),
            8,
            25,
            614,
            gn.BinaryCrossEntropy(class_weight="balanced"),
        ),
    ),
    Case(
        "digits, is it a six? One row in ten, not weighted",
        lambda: Training(one_digit(digits(), 6), mlp([32], 1, gn.ELU), gn.Adam(2e-3), 15, 25, 615),
    ),
    Case(
        "digits, through 16 units back to their pixels",
        lambda: Training(
            itself(digits()), mlp([64, 16, 64], 64, gn.GELU), gn.Adam(2e-3), 40, 32, 616
        ),
    ),
    Case(
        "digits, phases of batch size and rate, not validated",
        lambda: Training(
            unseen(digits()),
            mlp([64], 10),
            gn.Momentum(0.05),
            15,
            16,
            617,
            options={"phases": [Phase(6, batch_size=64), Phase(11, learning_rate=0.2)]},
        ),
    ),
    Case(
        "wine, one small layer of tanh",
        lambda: Training(wine(), mlp([12], 3, gn.Tanh), gn.Adam(5e-3), 25, 12, 621),
    ),
    Case(
        "raw wine behind a layer that standardises",
        lambda: Training(
            wine(raw=True), mlp([16], 3, first=[gn.Standardize()]), gn.SGD(0.05), 30, 8, 622
        ),
    ),
    Case(
        "wine, rows one by one",
        lambda: Training(unseen(wine()), mlp([10], 3, gn.Sigmoid), gn.SGD(0.05), 25, 1, 623),
    ),
    Case(
        "cancer, dropout and early stopping",
        lambda: Training(
            cancer(),
            mlp([30], 2, dropout=0.2),
            gn.Adam(1e-3),
            80,
            20,
            624,
            callbacks=[gn.EarlyStopping(8)],
        ),
    ),
    Case(
        "cancer, layer norm and RMSProp",
        lambda: Training(
            cancer(outputs=1), mlp([24], 1, norm=gn.LayerNorm), gn.RMSProp(5e-4), 12, 16, 625
        ),
    ),
    Case(
        "cancer, logistic regression on all rows, not validated",
        lambda: Training(unseen(cancer(outputs=1)), mlp([], 1), gn.SGD(0.5), 150, "full", 626),
    ),
    Case(
        "cancer, batch norm on eight rows",
        lambda: Training(
            cancer(), mlp([20], 2, gn.Tanh, norm=gn.BatchNorm), gn.SGD(0.02), 12, 8, 627
        ),
    ),
    Case(
        "cancer, strong decay and clipped gradients",
        lambda: Training(
            cancer(),
            mlp([40, 40], 2, gn.GELU),
            gn.AdamW(1e-3, weight_decay=0.1, clip_norm=1.0),
            12,
            32,
            628,
        ),
    ),
    Case(
        "iris, a few units of tanh",
        lambda: Training(iris(), mlp([8], 3, gn.Tanh), gn.SGD(0.05), 25, 8, 631),
    ),
    Case(
        "iris in centimetres",
        lambda: Training(unseen(iris(raw=True)), mlp([16], 3, gn.SiLU), gn.Adam(5e-3), 40, 10, 632),
    ),
    Case(
        "diabetes, decay and early stopping",
        lambda: Training(
            diabetes(),
            mlp([8], 1, gn.Tanh),
            gn.Adam(3e-3, l2=0.02),
            80,
            20,
            633,
            callbacks=[gn.EarlyStopping(8)],
        ),
    ),
    Case(
        "diabetes, Huber loss, a few epochs",
        lambda: Training(diabetes(), mlp([16], 1), gn.SGD(0.03), 12, 20, 634, gn.Huber()),
    ),
    Case(
        "twonorm, one hidden layer",
        lambda: Training(twonorm(), mlp([24], 2), gn.Adam(1e-3), 10, 40, 641),
    ),
    Case(
        "twonorm, every tenth label wrong",
        lambda: Training(
            unseen(flipped(twonorm(), 0.1)), mlp([8], 2, gn.Tanh), gn.SGD(0.05), 10, 40, 642
        ),
    ),
    Case(
        "twonorm, ten layers of ReLU with batch norm",
        lambda: Training(
            twonorm(2000), mlp([32] * 10, 2, norm=gn.BatchNorm), gn.Adam(1e-3), 5, 64, 643
        ),
    ),
    Case(
        "twonorm, 20,000 rows, one epoch",
        lambda: Training(twonorm(20000), mlp([64, 64], 2), gn.Adam(1e-3), 1, 64, 644),
    ),
    Case(
        "twonorm, 8 % of the second class, which is found",
        lambda: Training(
            twonorm(2500, rare=0.08), mlp([16], 2, gn.SiLU), gn.Adam(2e-3), 10, 40, 645
        ),
    ),
    Case(
        "ringnorm, AdaGrad",
        lambda: Training(ringnorm(4000), mlp([40, 40], 1), gn.AdaGrad(0.02), 8, 50, 646),
    ),
    Case(
        "ringnorm, layer norm, half dropped of 128 units",
        lambda: Training(
            ringnorm(3000), mlp([128], 1, gn.GELU, dropout=0.5), gn.Adam(2e-3), 12, 50, 647
        ),
    ),
    Case(
        "waveform, SiLU",
        lambda: Training(waveform(3000), mlp([32], 3, gn.SiLU), gn.Adam(1e-3), 10, 50, 648),
    ),
    Case(
        "waveform, half dropped of 200 units",
        lambda: Training(
            waveform(3000), mlp([200], 3, dropout=0.5), gn.Momentum(0.02), 10, 50, 649
        ),
    ),
    Case(
        "waveform, one kind of 12 %, balanced weights",
        lambda: Training(
            waveform(3000, shares=(0.44, 0.44, 0.12)),
            mlp([24], 3, gn.Tanh),
            gn.RMSProp(1e-3),
            8,
            50,
            650,
            gn.CrossEntropy(class_weight="balanced"),
        ),
    ),
    Case(
        "display, of which 74 % can be read",
        lambda: Training(unseen(display()), mlp([24], 10, gn.Sigmoid), gn.Adam(1e-2), 25, 30, 651),
    ),
    Case(
        "display, two layers of ELU, exponential schedule",
        lambda: Training(
            display(3000),
            mlp([24, 24], 10, gn.ELU),
            gn.SGD(0.1),
            12,
            30,
            652,
            options={"schedule": Exponential(0.8)},
        ),
    ),
    Case(
        "majority of bits that are not centred",
        lambda: Training(majority(), mlp([24], 2), gn.Adam(3e-3), 15, 30, 653),
    ),
    Case(
        "tenfold, a wide layer on many rows",
        lambda: Training(tenfold(12000), mlp([128], 2), gn.Adam(3e-3), 8, 64, 654),
    ),
    Case(
        "tenfold, three layers with layer norm",
        lambda: Training(
            tenfold(12000), mlp([48, 48, 48], 2, norm=gn.LayerNorm), gn.Adam(2e-3), 6, 64, 655
        ),
    ),
    Case(
        "spirals, tanh",
        lambda: Training(spirals(), mlp([48, 48], 1, gn.Tanh), gn.Adam(1e-2), 40, 30, 661),
    ),
    Case(
        "checkers, batch norm",
        lambda: Training(
            checkers(4000), mlp([64, 64], 2, norm=gn.BatchNorm), gn.Adam(5e-3), 20, 64, 663
        ),
    ),
    Case(
        "wave, tanh, plateaus",
        lambda: Training(
            wave(),
            mlp([40, 40], 1, gn.Tanh),
            gn.Adam(5e-3),
            60,
            30,
            664,
            options={"schedule": Plateau(0.3, 6)},
        ),
    ),
    Case(
        "wave, absolute error",
        lambda: Training(wave(), mlp([64, 64], 1), gn.Adam(3e-3), 60, 30, 665, gn.MAE()),
    ),
    Case(
        "peaks, GELU and cosine",
        lambda: Training(
            peaks(),
            mlp([48, 48], 1, gn.GELU),
            gn.AdamW(5e-3),
            60,
            40,
            666,
            options={"schedule": Cosine()},
        ),
    ),
    Case(
        "peaks, summed loss with a rate for the sum, not validated",
        lambda: Training(
            unseen(peaks()),
            mlp([48, 48], 1, gn.Tanh),
            gn.Momentum(1e-3),
            60,
            30,
            667,
            gn.SquaredError(reduction="sum"),
        ),
    ),
    Case(
        "arm, two outputs, orthogonal weights",
        lambda: Training(
            arm(), mlp([40, 40], 2, gn.SiLU, initializer=Orthogonal()), gn.Adam(5e-3), 40, 25, 668
        ),
    ),
    Case(
        "arm, softplus and momentum",
        lambda: Training(arm(), mlp([32], 2, gn.Softplus), gn.Momentum(0.05), 40, 25, 669),
    ),
    Case(
        "roll, ReLU",
        lambda: Training(roll(), mlp([64, 64], 1), gn.Adam(5e-3), 60, 25, 670),
    ),
    Case(
        "s-shaped roll, Huber loss",
        lambda: Training(
            roll(s_curve=True), mlp([32, 32], 1, gn.ELU), gn.RMSProp(2e-3), 40, 25, 671, gn.Huber()
        ),
    ),
    Case(
        "four of ten columns, a line without hidden layers",
        lambda: Training(four_of_ten(), mlp([], 1), gn.SGD(0.02), 15, 20, 672),
    ),
    Case(
        "four of ten columns, some from 0 to 5, a layer of ReLU",
        lambda: Training(
            mapped(four_of_ten(), lambda x: x + 2),
            mlp([24], 1),
            gn.Adam(2e-3),
            25,
            20,
            673,
            callbacks=[gn.EarlyStopping(6)],
        ),
    ),
]
