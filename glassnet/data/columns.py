"""Columns of a frame as one array of numbers; missing, infinite and unknown values are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from glassnet.data.dataset import Array
from glassnet.data.frames import is_number
from glassnet.data.target import as_text
from glassnet.registry import did_you_mean

if TYPE_CHECKING:
    import polars as pl

Missing = Literal["refuse", "impute"]
Categories = Mapping[str, tuple[str, ...]]

MAX_CATEGORIES = 1000  # a text column with more values is an identifier, not a feature
MOSTLY_NUMBERS = 0.9  # a text column with more numbers than that has a slip in the others


def matrix(
    frame: pl.DataFrame, names: Sequence[str], categories: Categories, missing: Missing, path: Path
) -> Array:
    """Columns as one array, row-major; filled column by column, so that little is held twice."""
    frame = frame.select(names)
    for name in names:
        if name not in categories:
            _check_numbers(frame[name], path)
    _refuse_infinite(frame, path)
    if missing == "refuse":
        _refuse_missing(frame, path)
    x = np.empty(frame.shape, _dtype(frame, categories))
    for j, name in enumerate(names):
        column = frame[name]
        x[:, j] = _codes(column, categories[name], path) if name in categories else numbers(column)
    return x


def _dtype(frame: pl.DataFrame, categories: Categories) -> type[np.generic]:
    import polars as pl

    if categories or any(frame.null_count().row(0)):
        return np.float64
    if all(_is_byte(frame[name]) for name in frame.columns):
        return np.uint8
    if all(dtype == pl.Float32 for dtype in frame.dtypes):
        return np.float32
    return np.float64


def _is_byte(column: pl.Series) -> bool:
    import polars as pl

    if column.dtype in (pl.UInt8, pl.Boolean):
        return True
    return column.dtype.is_integer() and bool(column.is_between(0, 255).all())


def numbers(column: pl.Series) -> Array:
    """A number or boolean column: as it is, or as float64 with NaN where values are missing."""
    import polars as pl

    if column.null_count() or column.dtype.is_decimal() or column.dtype == pl.Null:
        column = column.cast(pl.Float64)
    return column.to_numpy()


def _codes(column: pl.Series, known: tuple[str, ...], path: Path) -> Array:
    """Indices of a text column's values in the known ones, NaN where missing."""
    import polars as pl

    text = _text(column)
    codes = text.replace_strict(
        known, list(range(len(known))), default=None, return_dtype=pl.Float64
    )
    unknown = codes.is_null() & text.is_not_null()
    if unknown.any():
        row = int(unknown.arg_true()[0])
        raise ValueError(
            f"{path}: column '{column.name}', row {row + 1}: {text[row]!r} is not among the known "
            f"values.{did_you_mean(text[row], known)} Known: {shortened(known)}."
        )
    return codes.to_numpy()


def known_values(column: pl.Series, path: Path) -> tuple[str, ...]:
    """Sorted values of a text column; refused if they look like numbers or like identifiers."""
    text = _text(column)
    values = tuple(sorted(text.drop_nulls().unique().to_list()))
    odd = [value for value in values if not is_number(value)]
    if 0 < len(odd) <= (1 - MOSTLY_NUMBERS) * len(values):
        raise ValueError(
            f"{path}: column '{column.name}' holds numbers except for {odd[0]!r} in row "
            f"{text.to_list().index(odd[0]) + 1} ({len(odd)} such values): correct it, or leave "
            "the cell empty."
        )
    if len(values) > MAX_CATEGORIES:
        raise ValueError(
            f"{path}: text column '{column.name}' has {len(values):,} different values, such as "
            f"{values[0]!r}: at most {MAX_CATEGORIES:,} can be told apart; drop the column if it "
            "is an identifier."
        )
    return values


def _text(column: pl.Series) -> pl.Series:
    """Any column as text, written as class names are."""
    import polars as pl

    if is_text(column):
        return column.cast(pl.String).str.strip_chars()
    known = column.drop_nulls()
    words = iter(as_text(known.to_numpy()))
    values = [None if empty else next(words) for empty in column.is_null()]
    return pl.Series(column.name, values, pl.String)


def is_text(column: pl.Series) -> bool:
    """Whether a column holds text (and not nothing at all)."""
    import polars as pl

    return column.dtype in (pl.String, pl.Categorical, pl.Enum) and bool(
        column.null_count() < len(column)
    )


def is_numeric(column: pl.Series) -> bool:
    """Whether a column holds numbers or booleans, or nothing at all."""
    import polars as pl

    return (
        column.dtype.is_numeric()
        or column.dtype in (pl.Boolean, pl.Null)
        or (column.null_count() == len(column))
    )


def _check_numbers(column: pl.Series, path: Path) -> None:
    """A number column of a model must hold numbers."""
    if is_numeric(column):
        return
    if not is_text(column):
        raise ValueError(
            f"{path}: column '{column.name}' has type {column.dtype}, which is no number and no "
            "text: convert it or drop it."
        )
    values = column.to_list()
    row = next((i for i, v in enumerate(values) if v is not None and not is_number(str(v))), 0)
    raise ValueError(
        f"{path}: column '{column.name}', row {row + 1}: {values[row]!r} is not a number."
    )


def _refuse_missing(frame: pl.DataFrame, path: Path) -> None:
    counts = {n: c for n, c in zip(frame.columns, frame.null_count().row(0), strict=True) if c}
    if not counts:
        return
    name, count = next(iter(counts.items()))
    row = int(frame[name].is_null().arg_true()[0]) + 1
    others = f"; also missing in {shortened(list(counts)[1:])}" if len(counts) > 1 else ""
    raise ValueError(
        f"{path}: column '{name}' has {count:,} missing value{'s' * (count > 1)}, the first in row "
        f"{row}{others}: fill them, leave those rows out, or choose to impute them "
        "(missing='impute', --missing impute)."
    )


def _refuse_infinite(frame: pl.DataFrame, path: Path) -> None:
    for name in frame.columns:
        column = frame[name]
        if column.dtype.is_float() and column.is_infinite().any():
            row = int(column.is_infinite().fill_null(False).arg_true()[0])
            raise ValueError(
                f"{path}: column '{name}', row {row + 1} is {column[row]}: "
                "replace it by a finite number or leave the cell empty."
            )


def shortened(words: Sequence[str], most: int = 12) -> str:
    """The first words of a list, and how many there are if that is not all."""
    shown = ", ".join(words[:most])
    return shown + (f", … ({len(words)} in all)" if len(words) > most else "")


def check_missing(missing: str) -> None:
    """Raise ValueError unless `missing` is "refuse" or "impute"."""
    if missing not in ("refuse", "impute"):
        raise ValueError(
            f"missing is {missing!r}, expected 'refuse' or 'impute'."
            f"{did_you_mean(missing, ('refuse', 'impute'))}"
        )
