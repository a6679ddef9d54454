"""The rows and initial weights that every contender of a workload gets: functions of it alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from glassnet.accelerate import Array
from glassnet.bench.workloads import Architecture, Workload

MNIST_ROWS = 60_000
MNIST_ZEROS = 0.81
"""Share of MNIST's pixels that are zero, which the stand-in has too."""


@dataclass(frozen=True)
class Rows:
    """Training rows and held-out rows.

    Arguments:
        x, held_x: float32 (n, inputs).
        y, held_y: classes, int64 (n,).
    """

    x: Array
    y: Array
    held_x: Array
    held_y: Array

    def one_hot(self, classes: int) -> Array:
        """The training classes as float32 (n, classes)."""
        return np.eye(classes, dtype=np.float32)[self.y]


def load_rows(workload: Workload) -> Rows:
    """The rows of a workload: the first `rows` for training, what is left is held out."""
    inputs, outputs = workload.network.sizes[0], workload.network.sizes[-1]
    if workload.data == "mnist":
        images, y = mnist()
        x = images[: workload.rows].reshape(-1, inputs).astype(np.float32) / np.float32(255)
    elif workload.data == "gaussian":
        x, y = gaussian(workload.rows, inputs, outputs)
    else:
        x, y = embedded(workload.data)
    n = workload.rows
    return Rows(np.ascontiguousarray(x[:n]), y[:n], np.ascontiguousarray(x[n:]), y[n:])


def gaussian(rows: int, inputs: int, classes: int) -> tuple[Array, Array]:
    """Standard normal inputs; the class is the largest of as many random projections."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, inputs), np.float32)
    y = np.argmax(x @ rng.standard_normal((inputs, classes), np.float32), axis=1)
    return x, y.astype(np.int64)


def embedded(name: str) -> tuple[Array, Array]:
    """Iris, standardized, or digits, scaled to 0…1, in random order."""
    from sklearn import datasets

    bunch = datasets.load_iris() if name == "iris" else datasets.load_digits()
    x = np.asarray(bunch.data, np.float32)
    x = (x - x.mean(axis=0)) / x.std(axis=0) if name == "iris" else x / np.float32(16)
    order = np.random.default_rng(0).permutation(len(x))
    return x[order], np.asarray(bunch.target, np.int64)[order]


def mnist_folder() -> Path | None:
    """Where MNIST's raw files are, or None; nothing is downloaded."""
    from glassnet.data import store
    from glassnet.data.catalogue import record

    return store.locate(record("mnist"))


def mnist() -> tuple[Array, Array]:
    """MNIST's training images, uint8 (60000, 28, 28), and labels; else the stand-in."""
    if mnist_folder() is None:
        return stand_in()
    from glassnet.data import load

    part = load("mnist").train
    return part.x, part.y


def stand_in() -> tuple[Array, Array]:
    """Random images of MNIST's shape and share of zeros."""
    rng = np.random.default_rng(0)
    images = rng.integers(1, 256, (MNIST_ROWS, 28, 28), np.uint8)
    images[rng.random(images.shape, np.float32) < MNIST_ZEROS] = 0
    return images, rng.integers(0, 10, MNIST_ROWS)


def write_stand_in(folder: Path) -> None:
    """Write the stand-in as MNIST's two training files, packed."""
    import gzip

    images, labels = stand_in()
    files = {"train-images-idx3-ubyte.gz": images, "train-labels-idx1-ubyte.gz": labels}
    for name, array in files.items():
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        with gzip.open(folder / name, "wb", compresslevel=1) as file:
            file.write(header + array.astype(np.uint8).tobytes())


def initial_weights(network: Architecture, seed: int = 0) -> list[tuple[Array, Array | None]]:
    """Weight (fan_in, fan_out) and bias of every dense layer, float32.

    Weights are uniform within ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010, eq. 16), biases
    zero; a hidden layer before batch norm has no bias, which its mean would take away again.

    >>> [weight.shape for weight, bias in initial_weights(Architecture((4, 16, 3)))]
    [(4, 16), (16, 3)]
    """
    rng = np.random.default_rng(seed)
    layers: list[tuple[Array, Array | None]] = []
    for fan_in, fan_out in pairwise(network.sizes):
        bound = np.sqrt(6 / (fan_in + fan_out))
        weight = rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
        last = len(layers) == len(network.sizes) - 2
        with_bias = last or not network.batch_norm
        layers.append((weight, np.zeros(fan_out, np.float32) if with_bias else None))
    return layers
