"""The healthy trainings of the fourth held-out part; `outcomes.content` says what that means."""

from __future__ import annotations

import glassnet as gn
from glassnet.doctor.suite.fourth_rows import (
    hill,
    logistic_map,
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
from glassnet.doctor.suite.third_rows import flipped, mapped, unseen
from glassnet.doctor.suite.training import Case, Training, mlp
from glassnet.initializers import Orthogonal
from glassnet.schedules import Cosine, Exponential, OneCycle, Plateau, Step

HEALTHY = [
    Case(
        "scales, tanh",
        lambda: Training(scales(), mlp([24], 3, gn.Tanh), gn.Adam(1e-2), 50, 20, 1001),
    ),
    Case(
        "scales, sigmoids, one cycle",
        lambda: Training(
            scales(500),
            mlp([24], 3, gn.Sigmoid),
            gn.Adam(5e-2),
            40,
            20,
            1003,
            options={"schedule": OneCycle()},
        ),
    ),
    Case(
        "multiplexer, GELU",
        lambda: Training(
            multiplexer(1700), mlp([64, 64], 2, gn.GELU), gn.AdamW(5e-3), 30, 32, 1004
        ),
    ),
    Case(
        "multiplexer, batch norm",
        lambda: Training(
            multiplexer(1700), mlp([96, 96], 2, norm=gn.BatchNorm), gn.Adam(5e-3), 25, 32, 1005
        ),
    ),
    Case(
        "noughts, ReLU",
        lambda: Training(noughts(12000), mlp([64, 32], 1), gn.Adam(3e-3), 10, 50, 1006),
    ),
    Case(
        "noughts, stopped when it is best",
        lambda: Training(
            noughts(10000),
            mlp([80], 1, gn.Tanh),
            gn.RMSProp(3e-3),
            40,
            64,
            1008,
            callbacks=[gn.EarlyStopping(4)],
        ),
    ),
    Case(
        "strokes, half dropped of 100 units",
        lambda: Training(strokes(2500), mlp([100], 4, dropout=0.5), gn.Adam(2e-3), 12, 32, 1011),
    ),
    Case(
        "strokes, three layers of ELU",
        lambda: Training(
            strokes(2500, noise=0.25), mlp([32, 32, 32], 4, gn.ELU), gn.SGD(0.05), 12, 25, 1012
        ),
    ),
    Case(
        "strokes, batch norm on sixteen rows, smoothed labels",
        lambda: Training(
            strokes(2500, noise=0.3),
            mlp([48], 4, gn.SiLU, norm=gn.BatchNorm),
            gn.Momentum(0.01),
            10,
            16,
            1013,
            gn.CrossEntropy(label_smoothing=0.05),
        ),
    ),
    Case(
        "strokes, SELU, exponential schedule, not validated",
        lambda: Training(
            unseen(strokes(2500, noise=0.25)),
            mlp([30] * 5, 4, gn.SELU),
            gn.Momentum(0.005),
            10,
            32,
            1014,
            options={"schedule": Exponential(0.85)},
        ),
    ),
    Case(
        "topics, one layer",
        lambda: Training(topics(), mlp([32], 5), gn.Adam(1e-3), 10, 25, 1015),
    ),
    Case(
        "topics, multinomial regression, decay",
        lambda: Training(topics(), mlp([], 5), gn.SGD(0.1, l2=1e-3), 20, 25, 1016),
    ),
    Case(
        "topics, PReLU and AdaGrad",
        lambda: Training(topics(), mlp([24, 24], 5, gn.PReLU), gn.AdaGrad(0.02), 10, 20, 1017),
    ),
    Case(
        "topics, all rows a step",
        lambda: Training(
            unseen(topics()), mlp([20], 5, gn.Tanh), gn.Nesterov(0.1), 80, "full", 1018
        ),
    ),
    Case(
        "sensors, two layers",
        lambda: Training(sensors(), mlp([24, 24], 4), gn.Adam(1e-3), 12, 30, 1019),
    ),
    Case(
        "sensors, 8 % of the fourth kind, found all the same",
        lambda: Training(
            sensors(2500, rare=0.08), mlp([24], 4, gn.GELU), gn.Adam(2e-3), 10, 40, 1020
        ),
    ),
    Case(
        "sensors, every twelfth label wrong",
        lambda: Training(
            flipped(sensors(2500), 0.08), mlp([16], 4, gn.Tanh), gn.SGD(0.05), 10, 40, 1021
        ),
    ),
    Case(
        "sensors not centred, standardised by the first layer",
        lambda: Training(
            mapped(sensors(), lambda x: 300 * x + 2000),
            mlp([24], 4, gn.SiLU, first=[gn.Standardize()]),
            gn.Momentum(0.02),
            12,
            30,
            1022,
        ),
    ),
    Case(
        "sensors, 15,000 rows, one epoch",
        lambda: Training(sensors(15000), mlp([48, 48], 4), gn.Adam(2e-3), 1, 32, 1023),
    ),
    Case(
        "petals, ReLU, cosine with warm-up",
        lambda: Training(
            petals(2500),
            mlp([64, 64], 2),
            gn.Adam(1e-2),
            30,
            40,
            1025,
            options={"schedule": Cosine(warmup=3)},
        ),
    ),
    Case(
        "pendulum, SiLU",
        lambda: Training(pendulum(), mlp([32, 32], 1, gn.SiLU), gn.Adam(5e-3), 40, 30, 1031),
    ),
    Case(
        "pendulum, Huber and momentum",
        lambda: Training(
            pendulum(), mlp([24], 1, gn.Tanh), gn.Momentum(0.03), 40, 20, 1032, gn.Huber(0.5)
        ),
    ),
    Case(
        "pendulum, ReLU, steps of the rate",
        lambda: Training(
            pendulum(),
            mlp([48, 48], 1),
            gn.RMSProp(2e-3),
            40,
            30,
            1033,
            options={"schedule": Step(15, 0.3)},
        ),
    ),
    Case(
        "chaos, tanh, plateaus",
        lambda: Training(
            logistic_map(),
            mlp([48, 48], 1, gn.Tanh),
            gn.Adam(1e-2),
            60,
            30,
            1034,
            options={"schedule": Plateau(0.3, 6)},
        ),
    ),
    Case(
        "chaos with noise, GELU",
        lambda: Training(
            logistic_map(noise=0.05), mlp([40, 40], 1, gn.GELU), gn.Adam(5e-3), 40, 30, 1035
        ),
    ),
    Case(
        "hill, ELU",
        lambda: Training(hill(), mlp([40, 40], 1, gn.ELU), gn.Adam(5e-3), 40, 25, 1036),
    ),
    Case(
        "hill, sigmoids, all rows a step",
        lambda: Training(
            unseen(hill(400)),
            mlp([40], 1, gn.Sigmoid, initializer=Orthogonal(3.0)),
            gn.Adam(3e-2),
            300,
            "full",
            1038,
        ),
    ),
    Case(
        "prices, ReLU",
        lambda: Training(prices(), mlp([32, 32], 1), gn.Adam(3e-3), 30, 20, 1039),
    ),
    Case(
        "raw prices behind a layer that standardises",
        lambda: Training(
            unseen(prices(raw=True)),
            mlp([24], 1, gn.Softplus, first=[gn.Standardize()]),
            gn.Momentum(0.02),
            30,
            20,
            1040,
        ),
    ),
    Case(
        "prices, a line",
        lambda: Training(prices(), mlp([], 1), gn.SGD(0.02), 15, 20, 1041),
    ),
    Case(
        "prices, layer norm, AdamW",
        lambda: Training(
            prices(), mlp([32], 1, gn.GELU, norm=gn.LayerNorm), gn.AdamW(5e-3), 30, 25, 1042
        ),
    ),
    Case(
        "tanks, three outputs",
        lambda: Training(tanks(), mlp([40, 40], 3, gn.SiLU), gn.Adam(3e-3), 25, 30, 1043),
    ),
    Case(
        "tanks, tanh, summed loss with a rate for the sum",
        lambda: Training(
            tanks(),
            mlp([32], 3, gn.Tanh),
            gn.Momentum(5e-4),
            40,
            20,
            1044,
            gn.SquaredError(reduction="sum"),
        ),
    ),
    Case(
        "tanks, a little dropped, stopped when it is best",
        lambda: Training(
            tanks(),
            mlp([80], 3, dropout=0.1),
            gn.Adam(3e-3),
            60,
            30,
            1045,
            callbacks=[gn.EarlyStopping(8)],
        ),
    ),
    Case(
        "thirds, PReLU",
        lambda: Training(thirds(), mlp([32, 32], 1, gn.PReLU), gn.Adam(3e-3), 30, 25, 1046),
    ),
    Case(
        "thirds, leaky ReLU, Nesterov",
        lambda: Training(thirds(), mlp([40], 1, gn.LeakyReLU), gn.Nesterov(0.02), 30, 25, 1047),
    ),
]
