"""Rows for the fourth held-out part: games, machines, logic and series, all computed."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from glassnet.accelerate import Array
from glassnet.doctor.suite.training import Rows, shuffled, split, standardized


def real(x: Array, y: Array, train: int, seed: int, outputs: int = 1) -> Rows:
    """Rows with numbers as targets, which are standardised."""
    x, y = shuffled((x.astype(np.float32), standardized(y).astype(np.float32)), seed)
    return split(x, y, train, outputs, "mse")


# Logic and games, of which all rows are known.


@functools.cache
def scales(train: int = 420, seed: int = 701) -> Rows:
    """A pair of scales: two weights at two distances, from 1 to 5; to which side does it tip?"""
    x = np.array(list(itertools.product(range(1, 6), repeat=4)))
    turn = x[:, 0] * x[:, 1] - x[:, 2] * x[:, 3]
    x, y = shuffled((x, np.sign(turn) + 1), seed)
    return split(((x - 3) / 2).astype(np.float32), y, train, 3)


@functools.cache
def multiplexer(train: int = 1400, seed: int = 702) -> Rows:
    """Three bits say which of eight others counts: all 2,048 rows."""
    x = np.array(list(itertools.product((0, 1), repeat=11)))
    chosen = 3 + x[:, 0] * 4 + x[:, 1] * 2 + x[:, 2]
    x, y = shuffled((x, x[np.arange(len(x)), chosen]), seed)
    return split((2 * x - 1).astype(np.float32), y, train, 2)


@functools.cache
def noughts(train: int = 3500, seed: int = 703) -> Rows:
    """Boards of three by three: are there three crosses in a row?"""
    x = np.array(list(itertools.product((-1, 0, 1), repeat=9)))
    board = x.reshape(-1, 3, 3)
    lines = [*board.sum(axis=1).T, *board.sum(axis=2).T]
    lines += [np.trace(board, axis1=1, axis2=2), np.trace(board[:, :, ::-1], axis1=1, axis2=2)]
    y = (np.max(lines, axis=0) == 3).astype(np.int64)
    x, y = shuffled((x, y), seed)
    x, y = x[: train + 1500].astype(np.float32), y[: train + 1500]
    return split(x, y, train, 1, "binary_cross_entropy")


# Small pictures.


@functools.cache
def strokes(train: int = 900, seed: int = 711, noise: float = 0.4) -> Rows:
    """Pictures of 7 × 7 with a stroke across, down, or along a diagonal."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, train + 600)
    x = rng.normal(0, noise, (len(y), 7, 7))
    at, i = rng.integers(1, 6, len(y)), np.arange(7)
    for picture, kind, k in zip(x, y, at, strict=True):
        if kind == 0:
            picture[k] += 1
        elif kind == 1:
            picture[:, k] += 1
        else:
            j = np.clip(i + k - 3, 0, 6)
            picture[i, j if kind == 2 else 6 - j] += 1
    return split(x.reshape(len(y), 49).astype(np.float32), y, train, 4)


@functools.cache
def topics(train: int = 1000, seed: int = 712, words: int = 60) -> Rows:
    """How often each of sixty words stands in a text, of five topics."""
    rng = np.random.default_rng(seed)
    means = rng.gamma(0.3, 1.0, (5, words))
    y = rng.integers(0, 5, train + 700)
    x = rng.poisson(means[y])
    return split(np.log1p(x).astype(np.float32), y, train, 5)


@functools.cache
def sensors(train: int = 1200, seed: int = 713, rare: float = 0.25) -> Rows:
    """Twelve sensors that see three hidden numbers; the last of four kinds may be rare."""
    rng = np.random.default_rng(seed)
    others = (1 - rare) / 3
    y = rng.choice(4, train + 800, p=[others, others, others, rare])
    centers = np.array([[2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0], [-1.2, -1.2, -1.2]])
    hidden = rng.normal(centers[y], 0.8)
    x = hidden @ rng.normal(size=(3, 12)) + rng.normal(0, 0.3, (len(y), 12))
    return split(standardized(x).astype(np.float32), y, train, 4)


@functools.cache
def petals(train: int = 1000, seed: int = 714) -> Rows:
    """A flower of five petals: inside or outside."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.5, 1.5, (train + 700, 2))
    angle, radius = np.arctan2(x[:, 1], x[:, 0]), np.hypot(x[:, 0], x[:, 1])
    y = (radius < 1 + 0.4 * np.cos(5 * angle)).astype(np.int64)
    return split(x.astype(np.float32), y, train, 2)


# Machines and series.


@functools.cache
def pendulum(train: int = 900, seed: int = 721) -> Rows:
    """The period of a pendulum from its length (m), its swing (rad) and the gravity (m/s²)."""
    rng = np.random.default_rng(seed)
    length, swing = rng.uniform(0.2, 3, train + 500), rng.uniform(0, 2, train + 500)
    gravity = rng.uniform(1.6, 20, train + 500)
    y = 2 * np.pi * np.sqrt(length / gravity) * (1 + swing**2 / 16 + 11 * swing**4 / 3072)
    return real(standardized(np.stack([length, swing, gravity], axis=1)), y, train, seed)


@functools.cache
def logistic_map(train: int = 1200, seed: int = 722, noise: float = 0.0) -> Rows:
    """The number after next of a chaotic series, from four numbers of it."""
    rng = np.random.default_rng(seed)
    series = np.empty(train + 700)
    series[0] = 0.3
    for t in range(1, len(series)):
        series[t] = 3.9 * series[t - 1] * (1 - series[t - 1])
    windows = np.lib.stride_tricks.sliding_window_view(series, 6)
    y = windows[:, 5] + rng.normal(0, noise, len(windows))
    return real(standardized(windows[:, :4]), y, train, seed)


@functools.cache
def hill(train: int = 1000, seed: int = 723, noise: float = 0.05) -> Rows:
    """Franke's function over the unit square."""
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, train + 600))
    y = 0.75 * np.exp(-((9 * a - 2) ** 2 + (9 * b - 2) ** 2) / 4)
    y += 0.75 * np.exp(-((9 * a + 1) ** 2) / 49 - (9 * b + 1) / 10)
    y += 0.5 * np.exp(-((9 * a - 7) ** 2 + (9 * b - 3) ** 2) / 4)
    y -= 0.2 * np.exp(-((9 * a - 4) ** 2) - (9 * b - 7) ** 2)
    y += rng.normal(0, noise, len(y))
    return real(standardized(np.stack([a, b], axis=1)), y, train, seed)


@functools.cache
def prices(train: int = 800, seed: int = 724, raw: bool = False) -> Rows:
    """What a house costs: area, rooms, age, distance (in m, up to 30,000 if raw), floor."""
    rng = np.random.default_rng(seed)
    n = train + 500
    area, rooms, age = rng.uniform(30, 250, n), rng.integers(1, 8, n), rng.uniform(0, 120, n)
    away, floor = rng.uniform(100, 30000, n), rng.integers(0, 20, n)
    y = area * (30 + 40 * np.exp(-away / 8000)) * (1 - 0.004 * age) + 40 * rooms + 15 * floor
    y *= rng.normal(1, 0.05, n)
    x = np.stack([area, rooms, age, away, floor], axis=1)
    return real(x if raw else standardized(x), y, train, seed)


@functools.cache
def tanks(train: int = 900, seed: int = 725) -> Rows:
    """Two tanks: six readings in, three levels a while later out."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, (train + 500, 6))
    a, b, c = x[:, 0] * x[:, 3], np.sqrt(x[:, 1] + x[:, 4]), np.tanh(3 * x[:, 2] - 2 * x[:, 5])
    y = np.stack([a + 0.3 * b, b - 0.5 * c, c + a * b], axis=1)
    return real(2 * x - 1, y + rng.normal(0, 0.02, y.shape), train, seed, outputs=3)


@functools.cache
def thirds(train: int = 900, seed: int = 726) -> Rows:
    """Friedman's third function, the phase of a circuit."""
    from sklearn.datasets import make_friedman3

    x, y = make_friedman3(train + 500, noise=0.05, random_state=seed)
    return real(standardized(x), y, train, seed)
