"""NPZ files: arrays `x` and `y`, or `x_train`, `y_train` and perhaps `x_test`, `y_test`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glassnet.data.columns import Missing, check_missing
from glassnet.data.dataset import Array, Dataset, Part
from glassnet.data.rows import check_values, load_npz
from glassnet.data.target import TaskChoice, encode_target


def read_npz(
    path: str | Path, *, missing: Missing = "refuse", task: TaskChoice = "auto"
) -> Dataset:
    """Read rows and targets from an .npz file, without unpickling anything.

    Arguments:
        path: file with `x`, `y`, or with `x_train`, `y_train` and optionally `x_test`, `y_test`.
            Rows have any shape; targets are text, integers or floats, (n,) or (n, k).
        missing: "refuse" NaN in rows, or leave it for an `Impute` layer ("impute").
        task: "auto" (see `encode_target` for the rule), "classification" or "regression".

    Returns:
        Dataset; its rows keep their shape and type.

    Raises:
        ValueError: for other array names, lengths that differ, or values that can't be used.
    """
    path = Path(path)
    check_missing(missing)
    arrays = load_npz(path)
    pairs = _pairs(arrays, path)
    for x_name, y_name in pairs:
        check_values(arrays[x_name], missing, f"{path}: {x_name}")
        _check_pair(arrays[x_name], arrays[y_name], f"{path}: {x_name}", y_name)
    train_x, train_y = pairs[0]
    for x_name, _ in pairs[1:]:
        if arrays[x_name].shape[1:] != arrays[train_x].shape[1:]:
            raise ValueError(
                f"{path}: {x_name} has rows of shape {arrays[x_name].shape[1:]}, but {train_x} of "
                f"{arrays[train_x].shape[1:]}: give both the same columns."
            )
    # Encoded together, so that both parts share one list of classes.
    values = np.concatenate([_flat(arrays[y_name]) for _, y_name in pairs])
    y, classes, decided = encode_target(values, task, (train_y,), f"{path}")
    rows = len(arrays[train_x])
    return Dataset(
        name=path.name,
        train=Part(arrays[train_x], y[:rows]),
        test=Part(arrays[pairs[1][0]], y[rows:]) if len(pairs) == 2 else None,
        task=decided,
        classes=classes,
        target=(train_y,),
        description=f"{rows:,} rows of {path.name}",
        source=str(path),
    )


def _pairs(arrays: dict[str, Array], path: Path) -> list[tuple[str, str]]:
    if "x" in arrays and "y" in arrays:
        return [("x", "y")]
    if "x_train" in arrays and "y_train" in arrays:
        test = [("x_test", "y_test")] if "x_test" in arrays and "y_test" in arrays else []
        return [("x_train", "y_train"), *test]
    raise ValueError(
        f"{path} holds the arrays {', '.join(arrays) or 'none'}: expected x and y, or x_train and "
        "y_train (and perhaps x_test and y_test)."
    )


def _check_pair(x: Array, y: Array, where: str, y_name: str) -> None:
    if x.ndim < 2:
        raise ValueError(f"{where} has shape {x.shape}, expected rows: (n, columns) or (n, …).")
    if y.ndim not in (1, 2) or len(y) != len(x):
        raise ValueError(
            f"{where} has {len(x):,} rows, but {y_name} has shape {y.shape}: "
            f"expected ({len(x)},) or ({len(x)}, targets)."
        )
    if y.dtype.kind not in "biufU":
        raise ValueError(f"{where}: {y_name} has type {y.dtype}, expected numbers or text.")


def _flat(y: Array) -> Array:
    """A single column (n, 1) as (n,)."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
