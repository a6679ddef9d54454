"""Scores: how good predictions are, as a table that a program and a person can read.

scikit-learn computes every number. What stands here decides which numbers suit a task, names them,
and says in a sentence why one is missing, instead of warning or making it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.inputs import checked_weights
from glassnet.targets import SUM_TOLERANCE, Task

if TYPE_CHECKING:
    from rich.console import Group

MOST_CLASSES = 20
"""Up to so many classes the confusion matrix is written out; beyond, only a picture serves."""


def report(
    task: Task,
    truth: Any,
    predicted: Any,
    probabilities: Any = None,
    classes: Sequence[object] = (),
    sample_weight: Any = None,
) -> dict[str, Any]:
    """All scores that suit a task, as plain numbers, lists and dictionaries that JSON can hold.

    Arguments:
        task: `"classification"`, `"binary"`, `"multilabel"` or `"regression"`.
        truth: class indices (n,), label rows of 0 and 1 (n, K), or numbers (n,) or (n, K).
        predicted: what `Network.predict` said, of the same shape.
        probabilities: what `Network.predict_proba` said, (n, K); for `"binary"` (n, 2), or (n,) for
            class 1 alone.
        classes: names of the classes, of the labels, or of the outputs of a regression.
        sample_weight: one weight ≥ 0 a row, (n,).

    Returns:
        For classes: `accuracy`, `balanced_accuracy` (the mean recall of the classes that occur),
        `log_loss` (nats), `roc_auc` (for K > 2 the mean over each class against the rest),
        `per_class` (`class`, `precision`, `recall`, `f1`, `support`), `macro_average` and
        `weighted_average` over the classes that occur in truth or predictions, and
        `confusion_matrix` (K × K, rows are true, columns predicted).

        For several labels a row: `subset_accuracy` (all labels of a row right), `roc_auc` (mean
        over the labels), `per_label` (also `roc_auc`), `macro_average`, `micro_average`.

        For numbers: `rmse` (over all elements, as `Network.evaluate` has it), `mae`, `r2` (mean
        over the outputs), `per_output`; in units of the target, and R² without one.

        All have `task`, `rows`, `classes` (for numbers `outputs`) and `notes`: sentences on what is
        missing (`None`) or 0 by convention. With weights, supports and matrix are sums of weights.

    Raises:
        ValueError: if shapes or lengths differ, labels are out of range, or a value is not finite.

    Example:
        >>> scores = report("binary", [0, 0, 1, 1], [0, 1, 1, 1], [0.1, 0.6, 0.8, 0.9])
        >>> scores["accuracy"], scores["roc_auc"], scores["confusion_matrix"]
        (0.75, 1.0, [[1, 1], [0, 2]])
    """
    truth, predicted = _rows(truth, "truth"), _rows(predicted, "predicted")
    if truth.shape != predicted.shape:
        raise ValueError(
            f"truth has shape {truth.shape}, predicted {predicted.shape}: they must be the same."
        )
    weights = _weights(sample_weight, len(truth))
    if probabilities is not None:
        probabilities = np.asarray(probabilities, np.float64)
    if task in ("classification", "binary"):
        return _of_classes(task, truth, predicted, probabilities, classes, weights)
    if task == "multilabel":
        return _of_labels(truth, predicted, probabilities, classes, weights)
    if task == "regression":
        return _of_numbers(truth, predicted, classes, weights)
    raise ValueError(
        "task must be 'classification', 'binary', 'multilabel' or 'regression'. "
        f"Received: {task!r}."
    )


# One class a row.


def _of_classes(
    task: Task,
    truth: Array,
    predicted: Array,
    probabilities: Array | None,
    classes: Sequence[object],
    weights: Array | None,
) -> dict[str, Any]:
    from sklearn import metrics

    if probabilities is not None and probabilities.shape in ((len(truth),), (len(truth), 1)):
        of_one = probabilities.reshape(-1, 1)
        probabilities = np.hstack([1 - of_one, of_one])
    if truth.ndim != 1:
        raise ValueError(f"A {task} task has one class index a row, (n,). Received {truth.shape}.")
    names = class_names(classes, _class_count(task, truth, predicted, probabilities, classes))
    truth = _checked_labels(truth, "truth", len(names))
    predicted = _checked_labels(predicted, "predicted", len(names))
    labels = np.arange(len(names))
    weighed = {"sample_weight": weights}
    present = _present(truth, len(names), weights)

    matrix = metrics.confusion_matrix(truth, predicted, labels=labels, **weighed)
    mean_recall = metrics.recall_score(
        truth, predicted, labels=labels[present], average="macro", zero_division=0, **weighed
    )
    # Averages go over the classes that occur, as in scikit-learn: the others have nothing to score.
    seen = np.union1d(truth, predicted)
    notes = _unseen(names, present, np.isin(labels, predicted))
    log_loss, roc_auc = _of_probabilities(truth, probabilities, present, weights, notes)
    return {
        "task": task,
        "rows": len(truth),
        "classes": names,
        "accuracy": float(metrics.accuracy_score(truth, predicted, **weighed)),
        "balanced_accuracy": float(mean_recall),
        "log_loss": log_loss,
        "roc_auc": roc_auc,
        "per_class": _by_class("class", names, truth, predicted, labels, weights),
        "macro_average": _average("macro", truth, predicted, seen, weights),
        "weighted_average": _average("weighted", truth, predicted, seen, weights),
        "confusion_matrix": matrix.tolist(),
        "notes": notes,
    }


def _of_probabilities(
    truth: Array,
    probabilities: Array | None,
    present: Array,
    weights: Array | None,
    notes: list[str],
) -> tuple[float | None, float | None]:
    """Log loss and ROC-AUC, or None and a note."""
    from sklearn import metrics

    if probabilities is None:
        return None, None
    if probabilities.shape != (len(truth), len(present)):
        raise ValueError(
            f"probabilities must have a row for each of {len(truth)} rows and a column for each of "
            f"{len(present)} classes. Received shape {probabilities.shape}."
        )
    if not is_distribution(probabilities):
        notes.append(
            "log_loss and roc_auc are left out: the outputs are no probabilities (rows between 0 "
            "and 1 that sum to 1). A network trained with a cross-entropy gives such."
        )
        return None, None
    probabilities = probabilities / probabilities.sum(
        axis=1, keepdims=True
    )  # float32 sums to nearly 1
    labels = np.arange(len(present))
    log_loss = float(metrics.log_loss(truth, probabilities, labels=labels, sample_weight=weights))
    if not present.all():
        notes.append("roc_auc is left out: it needs rows of every class among the true ones.")
        return log_loss, None
    if len(present) == 2:
        roc_auc = metrics.roc_auc_score(truth, probabilities[:, 1], sample_weight=weights)
    else:
        roc_auc = metrics.roc_auc_score(
            truth, probabilities, labels=labels, multi_class="ovr", sample_weight=weights
        )
    return log_loss, float(roc_auc)


def is_distribution(probabilities: Array) -> bool:
    """Whether every row lies in [0, 1] and sums to one, to float32's accuracy.

    >>> is_distribution(np.array([[0.25, 0.75]])), is_distribution(np.array([[0.9, 0.9]]))
    (True, False)
    """
    within = np.isfinite(probabilities) & (probabilities >= 0) & (probabilities <= 1)
    return bool(within.all() and (np.abs(probabilities.sum(axis=1) - 1) <= SUM_TOLERANCE).all())


# Several labels a row.


def _of_labels(
    truth: Array,
    predicted: Array,
    probabilities: Array | None,
    classes: Sequence[object],
    weights: Array | None,
) -> dict[str, Any]:
    from sklearn import metrics

    if truth.ndim != 2:
        raise ValueError(f"Multilabel truth has a column a label, (n, K). Received {truth.shape}.")
    names = class_names(classes, truth.shape[1], "label")
    truth = _checked_labels(truth, "truth", 2)
    predicted = _checked_labels(predicted, "predicted", 2)
    labels = np.arange(len(names))
    weighted = truth if weights is None else truth[weights > 0]
    notes = _unseen(names, weighted.max(axis=0) > 0, predicted.max(axis=0) > 0)
    per_label = _by_class("label", names, truth, predicted, labels, weights)
    aucs = _label_aucs(names, truth, probabilities, weights, notes)
    for row, auc in zip(per_label, aucs, strict=True):
        row["roc_auc"] = auc
    known = [auc for auc in aucs if auc is not None]
    right = metrics.accuracy_score(truth, predicted, sample_weight=weights)
    return {
        "task": "multilabel",
        "rows": len(truth),
        "classes": names,
        "subset_accuracy": float(right),
        "roc_auc": float(np.mean(known)) if len(known) == len(names) else None,
        "per_label": per_label,
        "macro_average": _average("macro", truth, predicted, labels, weights),
        "micro_average": _average("micro", truth, predicted, labels, weights),
        "notes": notes,
    }


def _label_aucs(
    names: list[str],
    truth: Array,
    probabilities: Array | None,
    weights: Array | None,
    notes: list[str],
) -> list[float | None]:
    """ROC-AUC of each label; None where all rows have it or none has."""
    from sklearn import metrics

    if probabilities is None:
        return [None] * len(names)
    if probabilities.shape != truth.shape:
        raise ValueError(
            f"probabilities must have shape {truth.shape}. Received: {probabilities.shape}."
        )
    if not (np.isfinite(probabilities) & (probabilities >= 0) & (probabilities <= 1)).all():
        notes.append("roc_auc is left out: the outputs are no probabilities between 0 and 1.")
        return [None] * len(names)
    aucs: list[float | None] = []
    for k, name in enumerate(names):
        if _present(truth[:, k], 2, weights).all():
            column = metrics.roc_auc_score(truth[:, k], probabilities[:, k], sample_weight=weights)
            aucs.append(float(column))
        else:
            notes.append(
                f"roc_auc of {name} is left out: it needs rows with and without the label."
            )
            aucs.append(None)
    return aucs


# What both have: precision, recall and F1.


def _by_class(
    key: str,
    names: list[str],
    truth: Array,
    predicted: Array,
    labels: Array,
    weights: Array | None,
) -> list[dict[str, Any]]:
    from sklearn import metrics

    columns = metrics.precision_recall_fscore_support(
        truth, predicted, labels=labels, zero_division=0, sample_weight=weights
    )
    return [
        {key: name, "precision": p, "recall": r, "f1": f, "support": support}
        for name, p, r, f, support in zip(names, *(c.tolist() for c in columns), strict=True)
    ]


def _average(
    kind: str, truth: Array, predicted: Array, labels: Array, weights: Array | None
) -> dict[str, float]:
    from sklearn import metrics

    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, predicted, labels=labels, average=kind, zero_division=0, sample_weight=weights
    )
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1)}


def _unseen(names: list[str], in_truth: Array, in_predicted: Array) -> list[str]:
    """Notes on scores that are 0 / 0 and written as 0."""
    notes = []
    for seen, what, score in (
        (in_predicted, "never predicted", "precision"),
        (in_truth, "absent from the true ones", "recall"),
    ):
        if not seen.all():
            missing = [name for name, is_seen in zip(names, seen, strict=True) if not is_seen]
            listed = ", ".join(missing[:10]) + (
                f" and {len(missing) - 10} more" if missing[10:] else ""
            )
            notes.append(f"{what[0].upper()}{what[1:]}: {listed}. The {score} is written as 0.")
    return notes


# Numbers.


def _of_numbers(
    truth: Array, predicted: Array, names: Sequence[object], weights: Array | None
) -> dict[str, Any]:
    truth, predicted = (a.reshape(len(a), -1).astype(np.float64) for a in (truth, predicted))
    for what, rows in (("truth", truth), ("predicted", predicted)):
        if not np.isfinite(rows).all():
            row = int(np.argwhere(~np.isfinite(rows))[0][0])
            raise ValueError(f"{what} is not finite in row {row}: {rows[row].tolist()}.")
    outputs = class_names(names, truth.shape[1], "output")
    notes: list[str] = []
    per_output = [
        {"output": name, **_errors(name, truth[:, k], predicted[:, k], weights, notes)}
        for k, name in enumerate(outputs)
    ]
    r2s = [row["r2"] for row in per_output if row["r2"] is not None]
    return {
        "task": "regression",
        "rows": len(truth),
        "outputs": outputs,
        "rmse": float(np.sqrt(np.mean([row["rmse"] ** 2 for row in per_output]))),
        "mae": float(np.mean([row["mae"] for row in per_output])),
        "r2": float(np.mean(r2s)) if len(r2s) == len(outputs) else None,
        "per_output": per_output,
        "notes": notes,
    }


def _errors(
    name: str, truth: Array, predicted: Array, weights: Array | None, notes: list[str]
) -> dict[str, Any]:
    """RMSE, MAE and R² of one output."""
    from sklearn import metrics

    rows = truth if weights is None else truth[weights > 0]
    r2 = None
    if np.ptp(rows) > 0:
        r2 = float(metrics.r2_score(truth, predicted, sample_weight=weights))
    else:
        notes.append(
            f"r2 of {name} is left out: it compares with the spread of the truth, which is 0."
        )
    rmse = metrics.root_mean_squared_error(truth, predicted, sample_weight=weights)
    mae = metrics.mean_absolute_error(truth, predicted, sample_weight=weights)
    return {"rmse": float(rmse), "mae": float(mae), "r2": r2}


# Reading what is handed in.


def class_names(classes: Sequence[object], count: int, what: str = "class") -> list[str]:
    """The names as text; without names, the numbers from 0.

    Raises:
        ValueError: if there are names, but not `count` of them.

    >>> class_names([], 3)
    ['0', '1', '2']
    """
    names = [str(name) for name in classes] or [str(k) for k in range(count)]
    if len(names) != count:
        raise ValueError(
            f"There must be one name for each {what}: expected {count}. "
            f"Received {len(names)}: {names[:10]}."
        )
    return names


def _class_count(
    task: Task,
    truth: Array,
    predicted: Array,
    probabilities: Array | None,
    classes: Sequence[object],
) -> int:
    """How many classes there are: so many names, or columns, or one more than the largest index."""
    if task == "binary":
        return 2
    if len(classes):
        return len(classes)
    if probabilities is not None and probabilities.ndim == 2:
        return int(probabilities.shape[1])
    return max(2, int(max(truth.max(), predicted.max())) + 1)


def _present(truth: Array, count: int, weights: Array | None) -> Array:
    """Which of the classes 0 … count − 1 have a row that weighs something, (count,) of booleans."""
    return np.bincount(truth, weights, minlength=count) > 0


def _weights(sample_weight: Any, rows: int) -> Array | None:
    weights = checked_weights(sample_weight, rows)
    if weights is not None and not weights.any():
        raise ValueError("All sample weights are 0, so there is nothing to score.")
    return weights


def _rows(values: Any, what: str) -> Array:
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or not len(array) or array.dtype.kind not in "biuf":
        raise ValueError(
            f"{what} must be numbers of shape (n,) or (n, K) with at least one row. "
            f"Received dtype {array.dtype}, shape {array.shape}."
        )
    return array


def _checked_labels(array: Array, what: str, count: int) -> Array:
    wrong = (array < 0) | (array >= count) | (array != np.floor(array))
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{what} holds {array[where]} in row {where[0]}: "
            f"expected whole numbers from 0 to {count - 1}."
        )
    return array.astype(np.int64)


# For people: the same tables in the terminal and in a file.


@dataclass(frozen=True)
class Table:
    """A table of text: a title, the heads of the columns, and rows."""

    title: str
    head: list[str]
    rows: list[list[str]]


def tables(scores: dict[str, Any]) -> list[Table]:
    """A report as tables of text: scores, then one by class or output, then the confusion matrix.

    >>> [table.title for table in tables(report("regression", [1.0, 2.0], [1.0, 2.5]))]
    ['Scores', 'By output']
    """
    kind = {"classification": "class", "binary": "class", "multilabel": "label"}
    key = kind.get(scores["task"], "output")
    found = [
        Table("Scores", ["score", "value"], _overall(scores)),
        Table(f"By {key}", *_by_name(key, scores)),
    ]
    matrix = scores.get("confusion_matrix")
    if matrix and len(matrix) <= MOST_CLASSES:
        names = scores["classes"]
        lines = [
            [name, *(_number(n) for n in line)] for name, line in zip(names, matrix, strict=True)
        ]
        found.append(Table("Confusion matrix", ["true \\ predicted", *names], lines))
    return found


_TITLES = {
    "accuracy": "accuracy",
    "subset_accuracy": "subset accuracy (all labels of a row right)",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss (nats)",
    "roc_auc": "ROC-AUC",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}


def _overall(scores: dict[str, Any]) -> list[list[str]]:
    rows = [["rows", _number(scores["rows"])]]
    return rows + [[title, _number(scores[key])] for key, title in _TITLES.items() if key in scores]


def _by_name(key: str, scores: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table by class, label or output, with the averages below."""
    lines: list[dict[str, Any]] = list(scores[f"per_{key}"])
    for average in ("macro_average", "weighted_average", "micro_average"):
        if average in scores:
            lines.append({key: average.replace("_", " "), **scores[average]})
    columns = list(lines[0])
    head = [_TITLES.get(column, column) for column in columns]
    return head, [[_number(line.get(column, "")) for column in columns] for line in lines]


def _number(value: Any) -> str:
    """Four digits after the point; a dash for what is missing."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def render(scores: dict[str, Any]) -> Group:
    """A report for the terminal: `rich.print(render(scores))`.

    Example:
        >>> from rich.console import Console
        >>> scores = report("binary", [0, 1, 1], [0, 1, 0], classes=["cat", "dog"])
        >>> Console(width=60).print(render(scores).renderables[1])
                            By class
        <BLANKLINE>
          class              precision   recall       f1   support
         ──────────────────────────────────────────────────────────
          cat                   0.5000   1.0000   0.6667         1
          dog                   1.0000   0.5000   0.6667         2
          macro average         0.7500   0.7500   0.6667
          weighted average      0.8333   0.6667   0.6667
        <BLANKLINE>
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    parts: list[RichTable | Text] = []
    for table in tables(scores):
        drawn = RichTable(title=table.title, box=box.SIMPLE)
        for place, column in enumerate(table.head):
            drawn.add_column(Text(column), justify="left" if place == 0 else "right")
        for row in table.rows:
            drawn.add_row(*(Text(cell) for cell in row))  # Text: a class may be called "[a]"
        parts.append(drawn)
    parts.extend(Text(f"Note: {note}") for note in scores["notes"])
    return Group(*parts)


def markdown(scores: dict[str, Any]) -> str:
    """A report as Markdown: a section a table, and the notes.

    Example:
        >>> print(markdown(report("binary", [0, 1, 1], [0, 1, 0]))[:78])
        ## Scores
        <BLANKLINE>
        | score | value |
        | :-- | --: |
        | rows | 3 |
        | accuracy | 0.6667 |
    """
    parts = [f"## {table.title}\n\n{markdown_table(table)}" for table in tables(scores)]
    if scores["notes"]:
        parts.append("## Notes\n\n" + "".join(f"- {_cell(note)}\n" for note in scores["notes"]))
    return "\n".join(parts)


def markdown_table(table: Table) -> str:
    """One table as Markdown, the first column to the left, the others to the right.

    >>> print(markdown_table(Table("", ["a", "b"], [["x|y", "1"]])), end="")
    | a | b |
    | :-- | --: |
    | x\\|y | 1 |
    """
    aligned = [":--", *["--:"] * (len(table.head) - 1)]
    lines = [[_cell(c) for c in table.head], aligned, *([_cell(c) for c in r] for r in table.rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
