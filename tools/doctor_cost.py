"""What the doctor costs beside a training: `make doctor-cost`.

Trains the benchmark's `tabular` network in pairs, one with the doctor and one without, the other
one first in every second pair, and prints the median of the pairs' quotients.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

import glassnet as gn

ROWS, FEATURES, CLASSES = 50_000, 128, 10


def seconds(x: np.ndarray, y: np.ndarray, epochs: int, callbacks: list[gn.Callback]) -> float:
    """The time of one training, its network not counted."""
    layers: list[gn.Layer] = []
    for _ in range(3):
        layers += [gn.Dense(256), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.3)]
    net = gn.Network([*layers, gn.Dense(CLASSES)], (FEATURES,), seed=0)
    started = time.perf_counter()
    net.fit(
        x,
        y,
        loss="cross_entropy",
        optimizer=gn.Adam(1e-3),
        batch_size=64,
        epochs=epochs,
        callbacks=callbacks,
    )
    return time.perf_counter() - started


def main() -> None:
    """Measure for each number of epochs that is asked for."""
    parser = argparse.ArgumentParser(description="What the doctor costs beside a training.")
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--pairs", type=int, default=9)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    y = rng.integers(CLASSES, size=ROWS)
    for callbacks in ([], [gn.Doctor()]):  # loads compiled kernels
        seconds(x[:640], y[:640], 1, callbacks)
    for epochs in options.epochs:
        quotients = []
        for pair in range(options.pairs):
            ways = [False, True] if pair % 2 else [True, False]
            took = {w: seconds(x, y, epochs, [gn.Doctor()] if w else []) for w in ways}
            quotients.append(took[True] / took[False])
        print(
            f"{epochs} epochs: {statistics.median(quotients):.3f} times as long with the doctor "
            f"(median of {options.pairs} pairs, {min(quotients):.2f} to {max(quotients):.2f})"
        )


if __name__ == "__main__":
    main()
