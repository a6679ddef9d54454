"""The paper's data, MNIST as a table of 42,000 lines, and readings of its Xavier start."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from glassnet.accelerate import Array
from glassnet.data import Dataset, Part, load
from glassnet.data.store import cache_folder, roots
from glassnet.experiments.rows import source
from glassnet.files import replacing
from glassnet.initializers import INITIALIZERS, Initializer, fans

ROWS, PIXELS = 42_000, 784

FOLDER = "digit-recognizer"
"""Below a data root. Who has the paper's own file puts it there as `train.csv`."""


@source("mnist-csv")
@functools.cache
def mnist_csv() -> Dataset:
    """The table, read as any table of a user's is.

    Raises:
        ValueError: for a file that is not such a table, or if MNIST can't be had.
    """
    path = find_or_write()
    dataset = load(path, target="label", task="classification")
    found = dataset.train.x.shape
    if found != (ROWS, PIXELS):
        raise ValueError(
            f"{path} has {found[0]:,} rows of {found[1]:,} pixels, expected {ROWS:,} of {PIXELS}: "
            "delete it, and it is written again from MNIST."
        )
    return replace(dataset, name="mnist-csv")


def find_or_write() -> Path:
    """The paper's own file if there is one, else a stand-in in the user's cache, written once."""
    for root in roots():
        own = root / FOLDER / "train.csv"
        if own.is_file():
            return own
    path = cache_folder() / FOLDER / "mnist-train.csv"
    if not path.is_file():
        train = load("mnist").train
        write_table(path, Part(train.x[:ROWS], train.y[:ROWS]))
    return path


def write_table(path: Path, part: Part) -> None:
    """Write images as lines `label,pixel0,…`, the whole file or nothing.

    Arguments:
        path: where; a file that is there is replaced.
        part: x (n, height, width) or (n, pixels), whole numbers from 0 to 255; y (n,) labels.
    """
    import polars as pl

    pixels = part.x.reshape(len(part), -1)
    labels = pl.DataFrame({"label": part.y.astype(np.int64)})
    names = [f"pixel{number}" for number in range(pixels.shape[1])]
    with replacing(path) as file:
        labels.hstack(pl.from_numpy(pixels, schema=names)).write_csv(file)


@INITIALIZERS.register
class PrintedXavier(Initializer):
    """What √(6 / (fan_in + fan_out)) may have been, which the paper's equation 19 calls a variance.

    Arguments:
        as_: "variance" or "deviation" of a normal distribution with mean 0; or "factor" of numbers
            drawn from U(0, 1), as in NumPy's `rand(n, m) * √…`.
    """

    name = "printed_xavier"

    def __init__(self, as_: str = "variance") -> None:
        if as_ not in ("variance", "deviation", "factor"):
            raise ValueError(f"as_ must be variance, deviation or factor. Received: {as_!r}.")
        self.as_ = as_

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw float64 values of this shape."""
        printed = math.sqrt(6 / sum(fans(shape)))
        if self.as_ == "factor":
            return rng.uniform(0.0, printed, shape)
        sigma = math.sqrt(printed) if self.as_ == "variance" else printed
        return rng.normal(0.0, sigma, shape)
