"""A training of the suite: what it is made of, how it is run, and what the doctor says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import glassnet as gn
from glassnet.accelerate import Array
from glassnet.doctor.finding import Finding


@dataclass(frozen=True)
class Rows:
    """Rows to learn from, and rows that are held out.

    Attributes:
        x, y: to learn from. held: (x, y) that are held out, or None.
        outputs: of a network for them. loss: its name.
        kept: (x, y) that neither the training nor the doctor is given.
    """

    x: Array
    y: Array
    held: tuple[Array, Array] | None
    outputs: int
    loss: str = "cross_entropy"
    kept: tuple[Array, Array] | None = None


@dataclass(frozen=True)
class Training:
    """What is trained, and how; the arguments are those of `Network.fit`."""

    rows: Rows
    layers: Sequence[gn.Layer]
    optimizer: gn.Optimizer
    epochs: int = 20
    batch_size: int | str = 32
    seed: int = 0
    loss: Any = None
    callbacks: Sequence[gn.Callback] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def run(self) -> tuple[list[Finding], float]:
        """What the doctor finds, and how many seconds all took."""
        doctor = gn.Doctor()
        started = time.perf_counter()
        self.fit([doctor])
        return doctor.findings, time.perf_counter() - started

    def fit(self, watchers: Sequence[gn.Callback]) -> gn.Network:
        """The network after training, which may have broken down on the way."""
        rows = self.rows
        network = gn.Network(self.layers, rows.x.shape[1:], self.seed)
        with suppress(gn.TrainingDiverged):  # that is what some of them are here for
            network.fit(
                rows.x,
                rows.y,
                loss=self.loss or rows.loss,
                optimizer=self.optimizer,
                epochs=self.epochs,
                batch_size=self.batch_size,
                validation=rows.held,
                callbacks=[*watchers, *self.callbacks],
                **self.options,
            )
        return network


@dataclass(frozen=True)
class Case:
    """A training with what is known of it.

    Attributes:
        name: in words.
        make: builds it.
        expects: the rules of which at least one has to find something; none for a healthy training.
    """

    name: str
    make: Callable[[], Training]
    expects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the doctor said of a case.

    Attributes:
        found: the rules that found an error or a warning. notes: those that found only a note.
    """

    case: Case
    found: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether a sick training was recognised, or a healthy one left alone."""
        if self.case.expects:
            return any(rule in self.found + self.notes for rule in self.case.expects)
        return not self.found


def examine(case: Case) -> Outcome:
    """Run a case."""
    findings, seconds = case.make().run()
    found = {f.rule: None for f in findings if f.severity != "note"}  # a set that keeps its order
    notes = {f.rule: None for f in findings if f.severity == "note"}
    return Outcome(case, tuple(found), tuple(notes), seconds)


# What networks are made of.


def mlp(
    widths: Sequence[int],
    outputs: int,
    activation: Callable[[], gn.Layer] = gn.ReLU,
    *,
    first: Sequence[gn.Layer] = (),
    norm: Callable[[], gn.Layer] | None = None,
    dropout: float = 0.0,
    initializer: Any = None,
    bias: Any = "zeros",
) -> list[gn.Layer]:
    """Dense layers with activations, and perhaps normalisation and dropout, after `first`."""
    layers = list(first)
    for width in widths:
        layers.append(gn.Dense(width, initializer, bias_initializer=bias))
        layers += [norm()] if norm else []
        layers.append(activation())
        layers += [gn.Dropout(dropout)] if dropout else []
    return [*layers, gn.Dense(outputs, initializer)]


def split(x: Array, y: Array, train: int, outputs: int, loss: str = "cross_entropy") -> Rows:
    """The first rows to learn from, the others held out."""
    held = (x[train:], y[train:]) if len(x) > train else None
    return Rows(x[:train].copy(), y[:train].copy(), held, outputs, loss)


def shuffled(rows: tuple[Array, Array], seed: int) -> tuple[Array, Array]:
    """Rows (x, y) in another order."""
    x, y = rows
    order = np.random.default_rng(seed).permutation(len(x))
    return x[order], y[order]


def standardized(x: Array) -> Array:
    """Every column with mean 0 and standard deviation 1."""
    std = x.std(axis=0)
    scaled: Array = (x - x.mean(axis=0)) / np.where(std > 0, std, 1.0)
    return scaled


# Slips that people make, as parts of their own.


class AdamFromZero(gn.Adam):
    """Adam whose t begins at 0: its first correction divides by 1 − β⁰ = 0 (see Nasuti 2023)."""

    name = "adam_from_zero"

    def update(self) -> None:
        """Use t before it is counted."""
        t, g, m, v = self.state["t"], self.gradient, self.state["m"], self.state["v"]
        m += (1 - self.beta1) * (g - m)
        v += (1 - self.beta2) * (g**2 - v)
        m_hat, v_hat = m / (1 - self.beta1**t), v / (1 - self.beta2**t)
        self.theta -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)
        t += 1


class NaiveCrossEntropy(gn.Loss):
    """−log softmax(a), with softmax and logarithm taken one after the other: both overflow."""

    name = "naive_cross_entropy"
    needs_classes = True

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        """Write the losses and their gradients."""
        e = np.exp(outputs)
        p = e / e.sum(axis=1, keepdims=True)
        losses[:] = -(targets * np.log(p)).sum(axis=1)
        gradient[:] = p - targets


class NaiveExp(gn.Layer):
    """y = eˣ, which overflows from x = 88 on in float32."""

    name = "NaiveExp"

    def build(self, input_shape: Any, store: Any, rng: Any) -> Any:
        """Nothing to declare."""
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return eˣ."""
        self.y: Array = np.exp(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return dy eˣ."""
        return dy * self.y
