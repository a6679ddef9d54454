"""Rows for the third held-out part: scikit-learn's sets, and generators from the literature."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.doctor.suite.training import Rows, shuffled, split, standardized

# Sets that come with scikit-learn.


@functools.cache
def digits(train: int = 1300, seed: int = 301, scale: float = 1 / 16) -> Rows:
    """Handwritten digits, 64 pixels from 0 to 16, times `scale`."""
    x, y = shuffled(_embedded("load_digits"), seed)
    return split((scale * x).astype(np.float32), y, train, 10)


@functools.cache
def wine(train: int = 118, seed: int = 302, raw: bool = False) -> Rows:
    """Thirteen measurements of wines from three growers; raw ones reach 1,680."""
    x, y = shuffled(_embedded("load_wine"), seed)
    return split((x if raw else standardized(x)).astype(np.float32), y, train, 3)


@functools.cache
def cancer(train: int = 380, seed: int = 303, raw: bool = False, outputs: int = 2) -> Rows:
    """Thirty measurements of tumours, of which 37 % are malignant; raw ones reach 4,254."""
    x, y = shuffled(_embedded("load_breast_cancer"), seed)
    loss = "cross_entropy" if outputs == 2 else "binary_cross_entropy"
    return split((x if raw else standardized(x)).astype(np.float32), y, train, outputs, loss)


@functools.cache
def iris(train: int = 100, seed: int = 304, raw: bool = False) -> Rows:
    """Four lengths of flowers of three species."""
    x, y = shuffled(_embedded("load_iris"), seed)
    return split((x if raw else standardized(x)).astype(np.float32), y, train, 3)


@functools.cache
def diabetes(train: int = 300, seed: int = 305, raw_target: bool = False) -> Rows:
    """How diabetes went on within a year (25 to 346), from ten standardised measurements."""
    x, y = shuffled(_embedded("load_diabetes"), seed)
    target = y if raw_target else standardized(y)
    return split(standardized(x).astype(np.float32), target.astype(np.float32), train, 1, "mse")


def _embedded(loader: str) -> tuple[Array, Array]:
    from sklearn import datasets

    rows: tuple[Array, Array] = getattr(datasets, loader)(return_X_y=True)
    return rows


# Breiman's, from "Bias, variance, and arcing classifiers", 1996, and "Classification and regression
# trees", 1984.


@functools.cache
def twonorm(train: int = 1200, features: int = 20, seed: int = 311, rare: float = 0.5) -> Rows:
    """Two normal clouds at −a and a; `rare` is the share of the second."""
    rng = np.random.default_rng(seed)
    y = (rng.random(train + 800) < rare).astype(np.int64)
    center = 2 / np.sqrt(features)
    x = rng.normal((2 * y[:, None] - 1) * center, 1.0, (len(y), features))
    return split(x.astype(np.float32), y, train, 2)


@functools.cache
def ringnorm(train: int = 1500, features: int = 20, seed: int = 312) -> Rows:
    """A wide normal cloud, and a narrow one in the midst of it."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, train + 800)
    narrow = rng.normal(1 / np.sqrt(features), 1.0, (len(y), features))
    x = np.where(y[:, None] == 1, narrow, rng.normal(0.0, 2.0, (len(y), features)))
    return split(x.astype(np.float32), y, train, 1, "binary_cross_entropy")


@functools.cache
def waveform(
    train: int = 1500, seed: int = 313, shares: tuple[float, float, float] | None = None
) -> Rows:
    """Mixtures of two of three triangles at 21 points, with noise; 86 % can be told apart."""
    rng = np.random.default_rng(seed)
    i = np.arange(1, 22)
    triangles = np.stack([np.maximum(6 - np.abs(i - peak), 0) for peak in (7, 15, 11)])
    first, second = triangles[[0, 0, 1]], triangles[[1, 2, 2]]
    y = rng.choice(3, train + 1000, p=shares)
    u = rng.random((len(y), 1))
    x = u * first[y] + (1 - u) * second[y] + rng.normal(size=(len(y), 21))
    return split((x / 3).astype(np.float32), y, train, 3)


@functools.cache
def display(train: int = 1500, seed: int = 314, broken: float = 0.1) -> Rows:
    """The seven segments of a digit on a display, of which each is wrong with 10 %."""
    segments = "1110111 0010010 1011101 1011011 0111010 1101011 1101111 1010010 1111111 1111011"
    lit = np.array([[int(on) for on in digit] for digit in segments.split()])
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, train + 1000)
    x = lit[y] ^ (rng.random((len(y), 7)) < broken)
    return split(x.astype(np.float32), y, train, 10)


# Shapes and functions.


@functools.cache
def spirals(train: int = 900, seed: int = 321, noise: float = 0.04) -> Rows:
    """Two arms, each of one and a quarter turns."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, train + 500)
    t = np.sqrt(rng.random(len(y)))
    angle = 2.5 * np.pi * t + np.pi * y
    x = np.stack([t * np.cos(angle), t * np.sin(angle)], axis=1)
    x += rng.normal(0, noise, x.shape)
    return split((2 * x).astype(np.float32), y, train, 1, "binary_cross_entropy")


@functools.cache
def checkers(train: int = 1600, seed: int = 322, fields: int = 3) -> Rows:
    """A draughtboard: black and white fields."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, fields, (train + 800, 2))
    y = np.floor(x).sum(axis=1).astype(np.int64) % 2
    return split((x - fields / 2).astype(np.float32), y, train, 2)


@functools.cache
def majority(train: int = 1500, bits: int = 15, seed: int = 323) -> Rows:
    """Whether more than half of the bits are set."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (train + 700, bits))
    y = (2 * x.sum(axis=1) > bits).astype(np.int64)
    return split(x.astype(np.float32), y, train, 2)


@functools.cache
def tenfold(train: int = 3000, seed: int = 324) -> Rows:
    """Whether ten normal numbers lie outside of a sphere (Hastie et al., eq. 10.2)."""
    from sklearn.datasets import make_hastie_10_2

    x, y = make_hastie_10_2(train + 1000, random_state=seed)
    return split(x.astype(np.float32), (y > 0).astype(np.int64), train, 2)


@functools.cache
def wave(train: int = 600, seed: int = 331, noise: float = 0.1) -> Rows:
    """sin 2x on −3 to 3."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, (train + 400, 1))
    y = np.sin(2 * x[:, 0]) + rng.normal(0, noise, len(x))
    return split(x.astype(np.float32), y.astype(np.float32), train, 1, "mse")


@functools.cache
def peaks(train: int = 1200, seed: int = 332) -> Rows:
    """Hills and valleys over a square (MATLAB's `peaks`)."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-2.5, 2.5, (2, train + 500))
    y = 3 * (1 - a) ** 2 * np.exp(-(a**2) - (b + 1) ** 2)
    y -= 10 * (a / 5 - a**3 - b**5) * np.exp(-(a**2) - b**2) + np.exp(-((a + 1) ** 2) - b**2) / 3
    x = np.stack([a, b], axis=1)
    return split(x.astype(np.float32), standardized(y).astype(np.float32), train, 1, "mse")


@functools.cache
def arm(train: int = 1000, seed: int = 333) -> Rows:
    """Where an arm with two joints reaches to: two angles in, two coordinates out."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, np.pi, (2, train + 500))
    reach = [np.cos(a) + np.cos(a + b), np.sin(a) + np.sin(a + b)]
    x, y = np.stack([a, b], axis=1) - np.pi / 2, np.stack(reach, axis=1)
    return split(x.astype(np.float32), y.astype(np.float32), train, 2, "mse")


@functools.cache
def roll(train: int = 1000, seed: int = 334, s_curve: bool = False) -> Rows:
    """Where on a rolled-up sheet a point in space lies."""
    from sklearn.datasets import make_s_curve, make_swiss_roll

    make = make_s_curve if s_curve else make_swiss_roll
    x, y = make(train + 500, noise=0.05, random_state=seed)
    columns, target = standardized(x).astype(np.float32), standardized(y).astype(np.float32)
    return split(columns, target, train, 1, "mse")


@functools.cache
def four_of_ten(train: int = 600, seed: int = 335) -> Rows:
    """A line through four of ten columns, with noise (Celeux et al., 2009)."""
    from sklearn.datasets import make_sparse_uncorrelated

    x, y = make_sparse_uncorrelated(train + 500, random_state=seed)
    return split(x.astype(np.float32), standardized(y).astype(np.float32), train, 1, "mse")


# What becomes of rows on the way.


def unseen(rows: Rows) -> Rows:
    """Trained without validation: what was held out is kept from the training and the doctor."""
    return replace(rows, held=None, kept=rows.held)


def flipped(rows: Rows, share: float, seed: int = 341) -> Rows:
    """With a share of wrong labels, also among the rows that are held out."""
    rng = np.random.default_rng(seed)

    def spoil(y: Array) -> Array:
        wrong = rng.random(len(y)) < share
        return np.where(wrong, (y + 1) % max(2, rows.outputs), y)

    y = spoil(rows.y)
    held = None if rows.held is None else (rows.held[0], spoil(rows.held[1]))
    return replace(rows, y=y, held=held)


def mapped(rows: Rows, function: Any) -> Rows:
    """With other inputs: `function` of them."""
    held = None if rows.held is None else (function(rows.held[0]), rows.held[1])
    return replace(rows, x=function(rows.x), held=held)


def shuffled_targets(rows: Rows, seed: int = 342) -> Rows:
    """With every row's target given to another row, also among those that are held out."""
    rng = np.random.default_rng(seed)
    held = None if rows.held is None else (rows.held[0], rng.permutation(rows.held[1]))
    return replace(rows, y=rng.permutation(rows.y), held=held)
