"""Central differences: what a gradient must be, computed without knowing how it was derived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def numerical_gradient(
    f: Callable[[], float], array: Array, epsilon: float = 1e-3, where: Array | None = None
) -> Array:
    """∂f/∂array, one index at a time, while `f` reads `array` (float64, changed and restored).

    D(h) = (f(x + h) − f(x − h)) / 2h is off by a multiple of h² and smaller terms of h⁴; the
    combination (4 D(h/2) − D(h)) / 3 cancels the first (Richardson), so that a step is possible at
    which rounding does not show yet.

    Arguments:
        f: returns the number to differentiate.
        array: any shape, contiguous or not.
        epsilon: h.
        where: a mask of the indices to look at; the others get 0.
    """
    gradient = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        if where is not None and not where[index]:
            continue
        kept = array[index]

        def difference(h: float, index: Any = index, kept: Any = kept) -> float:
            array[index] = kept + h
            above = f()
            array[index] = kept - h
            below = f()
            array[index] = kept
            return (above - below) / (2 * h)

        gradient[index] = (4 * difference(epsilon / 2) - difference(epsilon)) / 3
    return gradient


def relative_error(a: Array, b: Array, floor: float = 1e-4) -> float:
    """max|a − b| / max(floor, max|a|, max|b|): how far apart two gradients are, as a share of them.

    `floor` keeps rounding noise around gradients that are zero from counting as an error.
    """
    if np.size(a) == 0:
        return 0.0
    scale = max(floor, float(np.abs(a).max()), float(np.abs(b).max()))
    return float(np.abs(np.subtract(a, b)).max()) / scale


def assert_same_gradient(
    received: Array, expected: Array, tolerance: float = 1e-7, what: str = "gradient"
) -> None:
    """Fail, naming the worst index with both values, unless the relative error is ≤ tolerance."""
    assert received.shape == expected.shape, (
        f"{what} has shape {received.shape}, expected {expected.shape}"
    )
    error = relative_error(received, expected)
    if not error <= tolerance:  # also for NaN
        apart = np.nan_to_num(np.abs(received - expected), nan=np.inf)
        worst = tuple(int(i) for i in np.unravel_index(apart.argmax(), apart.shape))
        raise AssertionError(
            f"{what}: relative error {error:.1e} > {tolerance:.0e}; worst at {worst}: "
            f"received {received[worst]:.12g}, central differences give {expected[worst]:.12g}"
        )
