"""Trainings drawn by lot: rows, network, optimizer and, for sick ones, how strong the defect is.

`healthy(number)` and `sick(rule, number)` always give the same training for the same number. Nobody
chose them one by one, so they say what the rules do on what they were not made for; `outcomes` says
which of them are what they ought to be, and `fifth_held_out` lists these.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import glassnet as gn
from glassnet.accelerate import Array
from glassnet.doctor.suite import fourth_rows, third_rows
from glassnet.doctor.suite.third_rows import flipped, mapped, shuffled_targets, unseen
from glassnet.doctor.suite.training import AdamFromZero, Rows, Training, mlp
from glassnet.initializers import Constant, Normal
from glassnet.schedules import Cosine, Exponential, OneCycle

Random = np.random.Generator

ROWS: tuple[Callable[[int], Rows], ...] = (
    lambda seed: third_rows.digits(1200, seed),
    lambda seed: third_rows.wine(118, seed),
    lambda seed: third_rows.cancer(380, seed),
    lambda seed: third_rows.cancer(380, seed, outputs=1),
    lambda seed: third_rows.twonorm(1000, 12, seed),
    lambda seed: third_rows.ringnorm(3000, 16, seed),
    lambda seed: third_rows.waveform(1800, seed),
    lambda seed: third_rows.display(1800, seed),
    lambda seed: third_rows.majority(1500, 13, seed),
    lambda seed: third_rows.peaks(1200, seed),
    lambda seed: third_rows.roll(1000, seed),
    lambda seed: third_rows.arm(1000, seed),
    lambda seed: third_rows.four_of_ten(700, seed),
    lambda seed: fourth_rows.strokes(1800, seed, 0.3),
    lambda seed: fourth_rows.topics(1000, seed),
    lambda seed: fourth_rows.sensors(1200, seed),
    lambda seed: fourth_rows.petals(1800, seed),
    lambda seed: fourth_rows.pendulum(900, seed),
    lambda seed: fourth_rows.hill(1000, seed),
    lambda seed: fourth_rows.prices(800, seed),
    lambda seed: fourth_rows.tanks(900, seed),
    lambda seed: fourth_rows.thirds(900, seed),
)

ACTIVATIONS = (gn.ReLU, gn.LeakyReLU, gn.ELU, gn.GELU, gn.SiLU, gn.Tanh, gn.Sigmoid, gn.PReLU)

OPTIMIZERS: tuple[tuple[type[gn.Optimizer], float], ...] = (
    (gn.SGD, 0.05),
    (gn.Momentum, 0.02),
    (gn.Nesterov, 0.01),
    (gn.Adam, 2e-3),
    (gn.AdamW, 2e-3),
    (gn.RMSProp, 1e-3),
)
"""With rates that usually do."""


@dataclass(frozen=True)
class Plan:
    """A training before its parts are made. `of` are the options of dense layers, see `mlp`."""

    rows: Rows
    widths: tuple[int, ...]
    activation: type[gn.Layer]
    optimizer: type[gn.Optimizer]
    rate: float
    epochs: int
    batch_size: int
    seed: int
    decay: dict[str, float] = field(default_factory=dict)
    of: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def training(self) -> Training:
        """With all its parts."""
        layers = mlp(self.widths, self.rows.outputs, self.activation, **self.of)
        optimizer = self.optimizer(self.rate, **self.decay)
        args = self.epochs, self.batch_size, self.seed
        return Training(self.rows, layers, optimizer, *args, options=self.options)


def pick(rng: Random, among: Any) -> Any:
    """One of several."""
    return among[rng.integers(len(among))]


def between(rng: Random, low: float, high: float) -> float:
    """A number, all sizes being equally likely."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def plan(rng: Random) -> Plan:
    """Any training with usual settings."""
    optimizer, rate = pick(rng, OPTIMIZERS)
    seed = int(rng.integers(10_000, 1_000_000))
    return Plan(
        rows=pick(rng, ROWS)(seed),
        widths=tuple(int(w) for w in rng.integers(16, 80, rng.integers(1, 4))),
        activation=pick(rng, ACTIVATIONS),
        optimizer=optimizer,
        rate=between(rng, rate / 2, rate * 2),
        epochs=int(rng.integers(10, 40)),
        batch_size=int(rng.integers(12, 64)),
        seed=seed,
    )


def healthy(number: int) -> Training:
    """With a normalisation, dropout, a schedule or validation, as the lot wills."""
    rng = np.random.default_rng([1, number])
    p = plan(rng)
    norm = pick(rng, (None, None, gn.BatchNorm, gn.LayerNorm))
    dropout = pick(rng, (0.0, 0.0, 0.0, 0.1, 0.3))
    schedule = pick(rng, (None, None, Cosine(warmup=1), Exponential(0.93), OneCycle()))
    rows = pick(rng, (p.rows, p.rows, unseen(p.rows)))
    of, options = {"norm": norm, "dropout": dropout}, {"schedule": schedule}
    return replace(p, rows=rows, of=of, options=options).training()


def sick(rule: str, number: int) -> Training:
    """Spoilt so that it ought to have this defect."""
    rng = np.random.default_rng([2, number, zlib.crc32(rule.encode())])
    return SPOILT[rule](rng, plan(rng)).training()


# Each defect, in a strength that is drawn.


def not_finite(rng: Random, p: Plan) -> Plan:
    """Adam from t = 0, or a rate beyond all measure."""
    if rng.random() < 0.5:
        return replace(p, optimizer=AdamFromZero, rate=between(rng, 1e-4, 1e-2))
    return replace(p, optimizer=gn.Momentum, rate=between(rng, 1e2, 1e6), activation=gn.ELU)


def unscaled_inputs(rng: Random, p: Plan) -> Plan:
    """Hundreds to ten thousands instead of ones."""
    factor, shift = between(rng, 100, 10_000), rng.normal(0, 100)
    return replace(p, rows=mapped(p.rows, lambda x: factor * x + shift))


def poor_initial_weights(rng: Random, p: Plan) -> Plan:
    """All equal, or far too small or too large for a stack."""
    deep = tuple(int(w) for w in rng.integers(20, 60, 5))
    weights = (
        (p.widths, Constant(between(rng, 1e-3, 1.0))),
        (deep, Normal(between(rng, 1e-3, 3e-2))),
        (deep, Normal(between(rng, 1.5, 5.0))),
    )
    widths, initializer = pick(rng, weights)
    return replace(p, widths=widths, of={"initializer": initializer})


def dead_relu(rng: Random, p: Plan) -> Plan:
    """Biases that no input makes up for."""
    return replace(p, activation=gn.ReLU, of={"bias": Constant(-between(rng, 4, 20))})


def saturated(rng: Random, p: Plan) -> Plan:
    """Biases or weights far up the curve."""
    activation = pick(rng, (gn.Tanh, gn.Sigmoid))
    spoil = pick(rng, ({"bias": Constant(between(rng, 7, 20))}, {"initializer": Normal(6.0)}))
    return replace(p, activation=activation, of=spoil)


def vanishing_gradient(rng: Random, p: Plan) -> Plan:
    """Seven to twelve layers of sigmoids."""
    widths = (int(rng.integers(16, 60)),) * int(rng.integers(7, 13))
    return replace(p, widths=widths, activation=gn.Sigmoid)


def exploding_gradient(rng: Random, p: Plan) -> Plan:
    """Three to six times He's scale, in seven to twelve layers."""
    width, layers = int(rng.integers(16, 60)), int(rng.integers(7, 13))
    sigma = between(rng, 3, 6) * (2 / width) ** 0.5
    activation = pick(rng, (gn.ReLU, gn.LeakyReLU, gn.ELU))
    return replace(
        p, widths=(width,) * layers, activation=activation, of={"initializer": Normal(sigma)}
    )


def learning_rate_too_high(rng: Random, p: Plan) -> Plan:
    """A hundred to a thousand times the usual."""
    return replace(p, rate=p.rate * between(rng, 100, 1000))


def update_too_large(rng: Random, p: Plan) -> Plan:
    """Decoupled decay at a high rate."""
    decay = {"weight_decay": float(rng.uniform(0.5, 1.0))}
    return replace(p, optimizer=gn.AdamW, rate=between(rng, 0.4, 1.5), decay=decay)


def class_imbalance(rng: Random, p: Plan) -> Plan:
    """One to four in a hundred of the rows of a class are left."""
    p = classes(rng, p)
    rare = int(rng.integers(p.rows.y.max() + 1))
    kept = (p.rows.y != rare) | (rng.random(len(p.rows.y)) < rng.uniform(0.01, 0.04))
    rows = replace(p.rows, x=p.rows.x[kept], y=p.rows.y[kept], held=None)
    return replace(p, rows=rows, widths=(12,), optimizer=gn.SGD, rate=0.02, epochs=6)


def one_class(rng: Random, p: Plan) -> Plan:
    """Only the rows of one class weigh anything."""
    p = classes(rng, p)
    only = int(rng.integers(p.rows.y.max() + 1))
    return replace(p, options={"sample_weight": (p.rows.y == only).astype(np.float32)})


def tiny_batches(rng: Random, p: Plan) -> Plan:
    """Batch norm on two or three rows."""
    return replace(
        p,
        rows=few(p.rows, 400),
        of={"norm": gn.BatchNorm},
        batch_size=int(rng.integers(2, 4)),
        epochs=8,
    )


def dropout_too_high(rng: Random, p: Plan) -> Plan:
    """0.8 to 0.95, in narrow layers."""
    widths = tuple(int(w) for w in rng.integers(12, 40, 2))
    return replace(p, widths=widths, of={"dropout": float(rng.uniform(0.8, 0.95))})


def learned_by_heart(rng: Random, p: Plan) -> Plan:
    """A few dozen rows, perhaps with wrong labels, and many units."""
    rows = few(p.rows, int(rng.integers(40, 150)))
    if rows.y.dtype.kind in "iu":
        rows = flipped(rows, float(rng.uniform(0.0, 0.3)), p.seed)
    p = replace(p, optimizer=gn.Adam, rate=between(rng, 1e-3, 1e-2))
    return replace(p, rows=rows, widths=(120, 120), epochs=100)


def constant_features(rng: Random, p: Plan) -> Plan:
    """Two to four fifths of the columns read as 0."""
    lost = rng.random(p.rows.x.shape[1]) < rng.uniform(0.4, 0.8)

    def lose(x: Array) -> Array:
        return np.where(lost, np.float32(0), x)

    return replace(p, rows=mapped(p.rows, lose))


def learning_rate_too_low(rng: Random, p: Plan) -> Plan:
    """A thousandth of the usual, or less."""
    return replace(p, rate=p.rate / between(rng, 1000, 10_000))


def update_too_small(rng: Random, p: Plan) -> Plan:
    """A millionth of the usual, or less."""
    return replace(p, rate=p.rate / between(rng, 1e6, 1e8))


def loss_not_decreasing(rng: Random, p: Plan) -> Plan:
    """Targets of other rows, or a decay that takes all weights."""
    small = replace(p, widths=(6,), epochs=15)
    if rng.random() < 0.5:
        return replace(small, rows=shuffled_targets(p.rows, p.seed))
    decay = {"l2": between(rng, 1.0, 4.0)}
    return replace(small, widths=p.widths, optimizer=gn.SGD, rate=0.05, decay=decay)


SPOILT: dict[str, Callable[[Random, Plan], Plan]] = {
    "overfitting": learned_by_heart,
    "overtraining": learned_by_heart,
    **{
        spoil.__name__.replace("_", "-"): spoil
        for spoil in (
            not_finite,
            unscaled_inputs,
            poor_initial_weights,
            dead_relu,
            saturated,
            vanishing_gradient,
            exploding_gradient,
            learning_rate_too_high,
            update_too_large,
            class_imbalance,
            one_class,
            tiny_batches,
            dropout_too_high,
            constant_features,
            learning_rate_too_low,
            update_too_small,
            loss_not_decreasing,
        )
    },
}


def classes(rng: Random, p: Plan) -> Plan:
    """With other rows, if these have numbers as targets."""
    while p.rows.y.dtype.kind not in "iu":
        p = replace(p, rows=pick(rng, ROWS)(p.seed))
    return p


def few(rows: Rows, count: int) -> Rows:
    """Only the first rows to train on."""
    return replace(rows, x=rows.x[:count], y=rows.y[:count])
