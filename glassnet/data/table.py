"""Tables: a CSV, TSV or Parquet file with named columns, and the same columns for a saved model.

Numbers stay raw (scaling is a layer), text columns become indices into their categories, booleans
0 and 1. A table of integers from 0 to 255 (pixels) stays uint8, one of float32 stays float32, all
others are float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glassnet.data.columns import (
    Categories,
    Missing,
    check_missing,
    is_numeric,
    is_text,
    known_values,
    matrix,
    numbers,
    shortened,
)
from glassnet.data.dataset import Array, Dataset, Part
from glassnet.data.frames import is_number, read_frame
from glassnet.data.target import (
    TaskChoice,
    check_task,
    encode_labels,
    encode_numbers,
    encode_target,
)
from glassnet.registry import did_you_mean

if TYPE_CHECKING:
    import polars as pl


def read_table(
    path: str | Path,
    target: str | Sequence[str],
    *,
    missing: Missing = "refuse",
    task: TaskChoice = "auto",
    drop: Sequence[str] = (),
) -> Dataset:
    """Read a table to learn from.

    Arguments:
        path: a .csv, .tsv or .parquet file with column names.
        target: the column to predict; or several, for regression on all of them.
        missing: "refuse" missing values in features, or leave them as NaN for an `Impute` layer
            to fill ("impute"). Rows without a target are refused either way.
        task: "auto" (see `encode_target` for the rule), "classification" or "regression".
        drop: columns to leave out, such as identifiers.

    Returns:
        Dataset without a test part; `x` (n, columns), `y` (n,) or (n, targets).

    Raises:
        ValueError: for a file or a column that can't be used; it names the row and the column.
    """
    path = Path(path)
    check_missing(missing)
    check_task(task)
    frame = read_frame(path)
    targets = (target,) if isinstance(target, str) else tuple(target)
    dropped = (drop,) if isinstance(drop, str) else tuple(drop)
    for name in (*targets, *dropped):
        _check_column(name, frame.columns, path)
    for name in set(targets) & set(dropped):
        raise ValueError(f"{path}: column '{name}' is the target and can't be dropped too.")
    features = [name for name in frame.columns if name not in {*targets, *dropped}]
    if not features:
        raise ValueError(
            f"{path} has no column besides {', '.join(targets)}: nothing to learn from."
        )
    if len(targets) > 1 and task == "auto":
        task = "regression"
    values = target_values(frame, targets, path)
    y, classes, decided = encode_target(values, task, targets, f"{path}")
    categories = {
        name: known_values(frame[name], path) for name in features if is_text(frame[name])
    }
    for name in features:
        if frame[name].null_count() == frame.height:
            raise ValueError(f"{path}: column '{name}' is empty in every row: leave it out.")
    return Dataset(
        name=path.name,
        train=Part(matrix(frame, features, categories, missing, path), y),
        task=decided,
        classes=classes,
        feature_names=tuple(features),
        categories=categories,
        target=targets,
        description=f"{frame.height:,} rows of {path.name}",
        source=str(path),
    )


def read_features(
    path: str | Path,
    feature_names: Sequence[str],
    categories: Categories | None = None,
    *,
    missing: Missing = "refuse",
) -> Array:
    """Read the columns that a saved model was trained on.

    Columns are found by name: their order is free and other columns are ignored.

    Arguments:
        path: a .csv, .tsv or .parquet file with column names.
        feature_names: the model's columns, in its order.
        categories: the model's known values of each text column.
        missing: "refuse" missing values, or leave them as NaN for the model to fill ("impute").

    Returns:
        x of shape (n, columns).

    Raises:
        ValueError: for a missing column, an unknown category, text in a number column, a missing
            or infinite value; it names the row, the column and the value.
    """
    path = Path(path)
    check_missing(missing)
    return _features(read_frame(path), feature_names, categories or {}, missing, path)


def read_labelled(
    path: str | Path,
    feature_names: Sequence[str],
    categories: Categories | None,
    target: str | Sequence[str],
    classes: Sequence[str] = (),
    *,
    missing: Missing = "refuse",
    input_shape: tuple[int, ...] | None = None,
) -> Part:
    """Read labelled rows with a saved model's names, to evaluate it.

    Arguments:
        path: a table with the model's columns and its target; for a model without feature names
            also an .npz file with `x` and `y`.
        feature_names, categories: as for `read_features`.
        target: the target column(s).
        classes: the model's class names; empty for regression.
        missing: as for `read_features`.
        input_shape: shape of a row, needed where `feature_names` is empty (images).

    Returns:
        Part with `y` as class indices (n,), or floats (n,) or (n, targets).

    Raises:
        ValueError: as `read_features`, and for a label that the model does not know.
    """
    from glassnet.data import rows

    path = Path(path)
    check_missing(missing)
    targets = (target,) if isinstance(target, str) else tuple(target)
    if path.suffix.lower() == ".npz":
        shape = input_shape or (len(feature_names),)
        x, values = rows.read_labelled_npz(path, shape, missing)
    else:
        frame = read_frame(path)
        for name in targets:
            _check_column(name, frame.columns, path)
        if feature_names:
            x = _features(frame, feature_names, categories or {}, missing, path)
        elif input_shape is None:
            raise ValueError(f"To read {path} for a model without feature names, give input_shape.")
        else:
            x = rows.shaped(frame.drop(targets), input_shape, missing, path)
        values = target_values(frame, targets, path)
    if classes:
        return Part(x, encode_labels(values, tuple(classes), targets, f"{path}"))
    return Part(x, encode_numbers(values, targets, f"{path}"))


def target_values(frame: pl.DataFrame, targets: tuple[str, ...], path: Path) -> Array:
    """Values of the target column (n,), or of several (n, k) as floats; none may be missing."""
    for name in targets:
        column = frame[name]
        if column.null_count():
            row = int(column.is_null().arg_true()[0]) + 1
            raise ValueError(
                f"{path}: target '{name}' is missing in row {row} ({column.null_count():,} such "
                "rows): leave those rows out."
            )
        if not (is_text(column) or is_numeric(column)):
            raise ValueError(
                f"{path}: target '{name}' has type {column.dtype}, which is no number and no text."
            )
        if len(targets) > 1 and is_text(column):
            raise ValueError(
                f"{path}: target '{name}' holds text such as {column[0]!r}; several targets mean "
                "regression and must all be numbers."
            )
    if len(targets) == 1:
        column = frame[targets[0]]
        return np.array(column.to_list(), object) if is_text(column) else numbers(column)
    return np.stack([numbers(frame[name]).astype(np.float64) for name in targets], axis=1)


def _features(
    frame: pl.DataFrame, names: Sequence[str], categories: Categories, missing: Missing, path: Path
) -> Array:
    lacking = [name for name in names if name not in frame.columns]
    if lacking:
        hint = did_you_mean(lacking[0], frame.columns)
        raise ValueError(
            f"{path} lacks column '{lacking[0]}'"
            + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "")
            + f" of the {len(names)} that the model was trained on.{hint}"
        )
    return matrix(frame, names, categories, missing, path)


def _check_column(name: str, columns: Sequence[str], path: Path) -> None:
    if name in columns:
        return
    hint = did_you_mean(name, columns)
    if all(is_number(column) for column in columns):
        hint += " The first line holds numbers only: it should hold the columns' names."
    raise ValueError(f"{path} has no column '{name}'.{hint} Its columns: {shortened(columns)}.")
