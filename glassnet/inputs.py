"""Reading what users hand in: arrays and numbers, with one clear sentence for what does not fit."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from glassnet.accelerate import Array

CHUNK = 1024
"""Rows that are looked at, or sent through a network, at a time, so that memory stays bounded."""

TAKEN_AS = {np.dtype(np.float16): np.dtype(np.float32), np.dtype(np.longdouble): np.dtype(float)}
"""Floats that kernels do not compute with, and what they become."""


def checked_inputs(x: Any, input_shape: tuple[int, ...], allow_nan: bool = False) -> Array:
    """x as a contiguous numeric array of shape (n, *input_shape).

    Raises:
        ValueError: for another shape, a dtype that is not numeric, no rows, or values that are
            missing (unless allowed) or infinite; the message says where.
    """
    array = _array(x)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"Inputs must be numbers. Received dtype {array.dtype}. "
            "Encode text columns first (glassnet.data.load does this for files)."
        )
    array = _as_kernels_take_it(array)
    if array.shape[1:] != input_shape:
        raise ValueError(
            f"The network takes rows of shape {input_shape}: expected x of shape "
            f"(n, {', '.join(map(str, input_shape))}). Received x of shape {array.shape}."
            + (" Wrap a single row: x[None]." if array.shape == input_shape else "")
        )
    if not len(array):
        raise ValueError(f"There are no rows: received x of shape {array.shape}.")
    if array.dtype.kind == "f":
        _refuse_non_finite(array, allow_nan)
    return array


def chunks(rows: int, size: int = CHUNK) -> Iterator[slice]:
    """Slices of at most `size` rows that cover all rows.

    >>> list(chunks(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))


def checked_weights(sample_weight: Any, rows: int) -> Array | None:
    """Sample weights as a float64 vector (n,), or None.

    Raises:
        ValueError: for another length, or weights that are negative or not finite.
    """
    if sample_weight is None:
        return None
    try:
        weights = np.asarray(sample_weight, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"sample_weight needs one number a row. Received: {sample_weight!r}."
        ) from None
    if weights.shape != (rows,):
        raise ValueError(
            f"sample_weight needs one number a row: expected shape ({rows},). Received: "
            f"{weights.shape}."
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        row = int(np.argmin(np.isfinite(weights) & (weights >= 0)))
        raise ValueError(f"Sample weights must be finite and ≥ 0. Row {row} has {weights[row]}.")
    return weights


def checked_shape(input_shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of one row as whole numbers ≥ 1."""
    try:
        shape = tuple(
            operator.index(size) for size in np.atleast_1d(np.asarray(input_shape)).tolist()
        )
    except TypeError:
        shape = ()
    if not shape or min(shape) < 1:
        raise ValueError(
            "input_shape is the shape of one row, such as (4,) or (28, 28). Received: "
            f"{input_shape!r}."
        )
    return shape


def checked_seed(seed: int) -> int:
    """A whole number ≥ 0."""
    try:
        checked = operator.index(seed)
    except TypeError:
        checked = -1
    if checked < 0:
        raise ValueError(f"seed must be a whole number ≥ 0. Received: {seed!r}.")
    return checked


def checked_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64."""
    try:
        checked: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        checked = np.dtype(object)
    if checked not in (np.dtype("float32"), np.dtype("float64")):
        raise ValueError(f"dtype must be 'float32' or 'float64'. Received: {dtype!r}.")
    return checked


def checked_batch_size(batch_size: int | str) -> int | str:
    """A number of rows, or `"full"` for all of them."""
    size = _whole(batch_size)
    if batch_size != "full" and size < 1:
        raise ValueError(
            f"batch_size must be a whole number of rows ≥ 1, or 'full'. Received: {batch_size!r}."
        )
    return "full" if batch_size == "full" else size


def checked_epochs(epochs: int) -> int:
    """A whole number ≥ 1."""
    if _whole(epochs) < 1:
        raise ValueError(f"epochs must be a whole number ≥ 1. Received: {epochs!r}.")
    return _whole(epochs)


def _whole(number: Any) -> int:
    """A whole number as int; −1 for anything else."""
    try:
        return operator.index(number)
    except TypeError:
        return int(number) if isinstance(number, float) and number.is_integer() else -1


def _array(x: Any) -> Array:
    """x as a contiguous array; frames of mixed number types, which come as objects, as float64."""
    try:
        array = np.ascontiguousarray(x)
        if array.dtype == object and array.size and not isinstance(array.flat[0], str):
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Inputs must be rows of numbers, all of one length. Received: {type(x).__name__} "
            f"({error})."
        ) from None
    return array


def _as_kernels_take_it(array: Array) -> Array:
    """The same numbers in this machine's byte order, and in floats that it computes with."""
    native = array.dtype.newbyteorder("=")
    return array.astype(TAKEN_AS.get(native, native), copy=False)


def _refuse_non_finite(array: Array, allow_nan: bool) -> None:
    """Say where the first missing or infinite value stands."""
    for chunk in chunks(len(array)):
        part = array[chunk]
        # Not by Σ x², which BLAS would share between threads: its threads go on spinning for some
        # 0.1 s, on the core of a training that begins.
        fine = np.isfinite(part)
        if allow_nan:
            fine |= np.isnan(part)
        if not fine.all():
            row, *column = (int(i) for i in np.argwhere(~fine)[0])
            where = column[0] if len(column) == 1 else tuple(column)
            raise ValueError(
                f"The input in row {chunk.start + row}, column {where} is "
                f"{array[(chunk.start + row, *column)]}: inputs must be finite. Drop or fill such "
                "values (an Impute() layer as the first one fills missing ones)."
            )
