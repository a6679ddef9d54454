"""Rows for models without feature names: images as columns of pixels, or arrays of any shape."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glassnet.data.columns import Missing, matrix
from glassnet.data.dataset import Array
from glassnet.data.frames import check_file, read_frame

if TYPE_CHECKING:
    import polars as pl


def read_rows(
    path: str | Path,
    input_shape: tuple[int, ...],
    *,
    target: str | None = None,
    missing: Missing = "refuse",
) -> Array:
    """Read rows of a known shape.

    Arguments:
        path: a .csv, .tsv or .parquet file with one column for each of the prod(input_shape)
            values (a header is optional), an .npy file, or an .npz file with the array `x` or a
            single array.
        input_shape: shape of a row, e.g. (28, 28).
        target: a column of a table to leave out, such as the label.
        missing: "refuse" missing values or leave them as NaN ("impute").

    Returns:
        x of shape (n, *input_shape).

    Raises:
        ValueError: for another number of values a row, or a file that can't be read.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        return _reshaped(_load_npy(path), input_shape, missing, path)
    if path.suffix.lower() == ".npz":
        arrays = load_npz(path)
        if "x" not in arrays and len(arrays) != 1:
            raise ValueError(
                f"{path} holds the arrays {', '.join(arrays)}: expected one called x, or only one."
            )
        x = arrays["x"] if "x" in arrays else next(iter(arrays.values()))
        return _reshaped(x, input_shape, missing, path)
    frame = read_frame(path, header=False)
    if target is not None and target in frame.columns:
        frame = frame.drop(target)
    return shaped(frame, input_shape, missing, path)


def read_labelled_npz(
    path: Path, input_shape: tuple[int, ...], missing: Missing
) -> tuple[Array, Array]:
    """`x` of shape (n, *input_shape) and raw `y` of an .npz file (or its x_test and y_test)."""
    arrays = load_npz(path)
    for x, y in (("x", "y"), ("x_test", "y_test")):
        if x in arrays and y in arrays:
            return _reshaped(arrays[x], input_shape, missing, path), arrays[y]
    raise ValueError(
        f"{path} holds the arrays {', '.join(arrays)}: expected x and y (or x_test and y_test)."
    )


def shaped(
    frame: pl.DataFrame, input_shape: tuple[int, ...], missing: Missing, path: Path
) -> Array:
    """All columns of a frame, in their order, as rows of `input_shape`."""
    size = math.prod(input_shape)
    if frame.width != size:
        times = "×".join(map(str, input_shape)) + f" = {size:,}" * (len(input_shape) > 1)
        hint = ": if one of them is the label, name it as the target" * (frame.width == size + 1)
        raise ValueError(
            f"{path} has {frame.width:,} columns of values, but the model takes {times}{hint}."
        )
    return matrix(frame, frame.columns, {}, missing, path).reshape(-1, *input_shape)


def load_npz(path: Path) -> dict[str, Array]:
    """All arrays of an .npz file; never unpickles anything.

    Raises:
        ValueError: for a file that is cut, not an .npz, or holds Python objects.
    """
    check_file(path)
    try:
        # Opened here, since np.load leaves the file of a damaged archive open.
        with path.open("rb") as raw:
            file = np.load(raw, allow_pickle=False)
            if isinstance(file, np.lib.npyio.NpzFile):
                return {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise ValueError(f"{path} is not a whole .npz file ({error}): write it again.") from error
    except ValueError as error:
        raise ValueError(_explained(error, path)) from error
    raise ValueError(f"{path} holds a single array, not an .npz archive of named ones.")


def _load_npy(path: Path) -> Array:
    check_file(path)
    try:
        with path.open("rb") as raw:
            array: Array = np.load(raw, allow_pickle=False)
    except (EOFError, OSError) as error:
        raise ValueError(f"{path} is not a whole .npy file ({error}): write it again.") from error
    except ValueError as error:
        raise ValueError(_explained(error, path)) from error
    return array


def _explained(error: ValueError, path: Path) -> str:
    """NumPy says "allow_pickle" both for Python objects and for a file that is no array at all."""
    if "Object arrays" in str(error):
        return (
            f"{path} holds Python objects, which are not read: save numbers or fixed-length text."
        )
    return f"{path} is not a NumPy file or is cut: write it again with np.save or np.savez."


def _reshaped(x: Array, input_shape: tuple[int, ...], missing: Missing, path: Path) -> Array:
    if x.ndim == 0 or x[:1].size != (math.prod(input_shape) if len(x) else 0):
        raise ValueError(
            f"{path} holds rows of shape {tuple(x.shape[1:])}, but the model takes {input_shape}."
        )
    check_values(x, missing, f"{path}")
    return x.reshape(-1, *input_shape)


def check_values(x: Array, missing: Missing, where: str) -> None:
    """Raise ValueError for no rows, text, and infinite or (if refused) missing values."""
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{where}: the rows have type {x.dtype}, expected numbers.")
    if len(x) == 0:
        raise ValueError(f"{where} has no rows.")
    if x.dtype.kind != "f":
        return
    bad = np.isinf(x) if missing == "impute" else ~np.isfinite(x)
    if bad.any():
        row, *column = np.argwhere(bad)[0].tolist()
        value = x[(row, *column)]
        place = ", ".join(str(i + 1) for i in column)
        impute = " or choose to impute it (missing='impute', --missing impute)" * bool(
            np.isnan(value)
        )
        raise ValueError(
            f"{where}: row {row + 1}, column {place} is {value} ({int(bad.sum()):,} such values): "
            f"replace it by a finite number{impute}."
        )
