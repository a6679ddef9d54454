"""From the values of a target column to what a loss takes: class indices or floats."""

from __future__ import annotations

from typing import Literal

import numpy as np

from glassnet.data.dataset import Array, Task
from glassnet.registry import did_you_mean

TaskChoice = Literal["auto", "classification", "regression"]
TASKS = ("auto", "classification", "regression")


def encode_target(
    values: Array, task: TaskChoice, names: tuple[str, ...], where: str
) -> tuple[Array, tuple[str, ...], Task]:
    """Decide what is to be learned, and encode it.

    With `task="auto"`: text and booleans are classes; floats are numbers to regress on; integers
    are classes, unless they take more than 20 values and those are more than 5 % of the rows
    (ages, counts, prices in whole units: regression). Several columns are regression, except
    rows of zeros with a single one, which are classes (one-hot).

    Arguments:
        values: shape (n,), text, booleans, integers or floats; or (n, k) numbers.
        task: "auto", or the answer where the rule guesses wrong.
        names: name(s) of the target, for messages.
        where: file name, for messages.

    Returns:
        y, int64 (n,) or float64 (n,) or (n, k); class names, sorted (numbers by value); the task.

    Raises:
        ValueError: for a target that is constant, infinite or missing, or does not fit `task`.

    >>> encode_target(np.array(["b", "a", "b"]), "auto", ("kind",), "t.csv")
    (array([1, 0, 1]), ('a', 'b'), 'classification')
    >>> y, classes, task = encode_target(np.array([1.5, 2.5]), "auto", ("price",), "t.csv")
    >>> y.tolist(), classes, task
    ([1.5, 2.5], (), 'regression')
    """
    check_task(task)
    if _is_one_hot(values) and task != "regression":
        return (
            np.argmax(values, axis=1).astype(np.int64),
            tuple(map(str, range(values.shape[1]))),
            "classification",
        )
    _refuse_unknown_values(values, names, where)
    decided = _decide(values, task, names, where)
    _refuse_constant(values, names, where)
    if decided == "classification":
        found, indices = np.unique(values, return_inverse=True)
        return indices.astype(np.int64), tuple(as_text(found)), decided
    return encode_numbers(values, names, where), (), decided


def encode_labels(
    values: Array, classes: tuple[str, ...], names: tuple[str, ...], where: str
) -> Array:
    """Indices of labels in the classes of a model.

    Where the model was trained one against rest, with classes ("not P", "P"), every label other
    than P counts as "not P".

    Arguments:
        values: shape (n,), text, booleans or numbers.
        classes: the model's class names.
        names, where: target and file name, for messages.

    Returns:
        int64 (n,).

    Raises:
        ValueError: for a label that is not among the classes, with its row.

    >>> encode_labels(np.array([1, 0, 1]), ("0", "1"), ("label",), "t.csv").tolist()
    [1, 0, 1]
    """
    _refuse_unknown_values(values, names, where)
    if _is_one_hot(values) and values.shape[1] == len(classes):
        indices: Array = np.argmax(values, axis=1)
        return indices
    if values.ndim != 1:
        raise ValueError(
            f"{where}: the model tells {len(classes)} classes apart and takes one target, "
            f"received {values.shape[1]} columns: name one target column."
        )
    text = as_text(values)
    index = {name: i for i, name in enumerate(classes)}
    if len(classes) == 2 and classes[0] == f"not {classes[1]}":
        return np.array([int(label == classes[1]) for label in text], np.int64)
    for row, label in enumerate(text, start=1):
        if label not in index:
            raise ValueError(
                f"{where}: row {row} of target '{names[0]}' holds the label {label!r}, which the "
                f"model does not know.{did_you_mean(label, classes)} "
                f"Its classes: {', '.join(classes)}."
            )
    return np.array([index[label] for label in text], np.int64)


def encode_numbers(values: Array, names: tuple[str, ...], where: str) -> Array:
    """Targets of a regression as float64, (n,) or (n, k).

    Raises:
        ValueError: for text, and for missing or infinite values.

    >>> encode_numbers(np.array([1, 2]), ("price",), "t.csv").tolist()
    [1.0, 2.0]
    """
    if is_text(values):
        raise ValueError(
            f"{where}: target '{names[0]}' holds text such as {str(values[0])!r}, which can't be "
            "regressed on: expected numbers."
        )
    _refuse_unknown_values(values, names, where)
    return values.astype(np.float64)


def check_task(task: str) -> None:
    """Raise ValueError unless `task` is one of `TASKS`."""
    if task not in TASKS:
        raise ValueError(
            f"task is {task!r}, expected one of {', '.join(TASKS)}.{did_you_mean(task, TASKS)}"
        )


def as_text(values: Array) -> list[str]:
    """Values as class names: whole floats without ".0", booleans in lower case, text stripped.

    >>> as_text(np.array([1.0, 2.5])), as_text(np.array([True]))
    (['1', '2.5'], ['true'])
    """
    if values.dtype.kind == "b":
        return ["true" if value else "false" for value in values]
    if values.dtype.kind == "f":
        return [str(int(v)) if v == int(v) else str(v) for v in values.tolist()]
    return [str(value).strip() for value in values.tolist()]


def is_text(values: Array) -> bool:
    """Whether an array holds strings."""
    return values.dtype.kind in "OUT"


def _decide(values: Array, task: TaskChoice, names: tuple[str, ...], where: str) -> Task:
    if values.ndim == 2:
        if task == "classification":
            raise ValueError(
                f"{where}: {values.shape[1]} targets can't be classified at once: name one target, "
                "or leave task to 'auto' for regression."
            )
        return "regression"
    if task != "auto":
        return task
    if values.dtype.kind in "iu":
        distinct = len(np.unique(values))
        return "regression" if distinct > max(20, 0.05 * len(values)) else "classification"
    return "regression" if values.dtype.kind == "f" else "classification"


def _is_one_hot(values: Array) -> bool:
    return (
        values.ndim == 2
        and values.shape[1] > 1
        and values.dtype.kind in "biuf"
        and bool(np.isin(values, (0, 1)).all())
        and bool((values.sum(axis=1) == 1).all())
    )


def _refuse_unknown_values(values: Array, names: tuple[str, ...], where: str) -> None:
    """Missing and infinite targets can't be imputed or learned."""
    if values.dtype.kind != "f":
        return
    bad = ~np.isfinite(values).reshape(len(values), -1)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        value = values.reshape(len(values), -1)[row, column]
        what = "is missing" if np.isnan(value) else f"is {value}"
        raise ValueError(
            f"{where}: target '{names[min(column, len(names) - 1)]}' {what} in row {row + 1} "
            f"({int(bad.sum()):,} such rows): leave those rows out."
        )


def _refuse_constant(values: Array, names: tuple[str, ...], where: str) -> None:
    for i, column in enumerate(values.reshape(len(values), -1).T):
        if (column == column[0]).all():
            name = names[min(i, len(names) - 1)]
            raise ValueError(
                f"{where}: target '{name}' is {str(column[0])!r} in all {len(column):,} rows: "
                "there is nothing to learn."
            )
