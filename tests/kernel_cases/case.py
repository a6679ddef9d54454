"""What a row of the tables of kernels says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Draw = Callable[[np.random.Generator, tuple[int, ...], Any], list[Any]]


@dataclass(frozen=True)
class Case:
    """How a kernel is compared with its twin.

    Attributes:
        draw: (rng, shape, dtype) → a list of arrays, in the order of the kernel's arguments.
            `shape` is that of the kernel's main input, (rows, columns); a kernel that takes
            something else makes of it what suits.
        pointwise: whether it works on each element alone, so that it takes any number of axes and
            can be compared at ±10⁴, ±∞ and NaN.
        exact: whether reference and twin have to be equal bit for bit.
        rows: the smallest number of rows that it takes.
    """

    draw: Draw
    pointwise: bool = False
    exact: bool = False
    rows: int = 0


def blank(shape: Any, dtype: Any) -> Any:
    """An array to write to, full of nonsense, so that a forgotten element is seen."""
    return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 1, dtype)
