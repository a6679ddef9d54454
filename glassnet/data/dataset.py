"""What every loader returns: a `Dataset` with a training part and perhaps a test part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glassnet.registry import did_you_mean

Task = Literal["classification", "regression"]
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Part:
    """Rows with their targets.

    Arguments:
        x: raw values, shape (n, …): uint8 images stay uint8, tables are floats.
        y: class indices, int64 (n,); or regression targets, float64 (n,) or (n, k).

    Raises:
        ValueError: if `x` and `y` differ in length.

    >>> len(Part(np.zeros((3, 2)), np.array([0, 1, 0])))
    3
    """

    x: Array
    y: Array

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(
                f"x has {len(self.x):,} rows and y has {len(self.y):,}: give one target a row."
            )

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"Part({len(self):,} rows of {_times(self.x.shape[1:])}, {self.x.dtype})"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set: its parts, and the names that travel with a model trained on it.

    Arguments:
        name: the name of the set, or the file's name.
        train: the training part.
        test: the test part; `None` until `split`, except for sets that come with their own.
        task: "classification" or "regression".
        classes: class names; a label is an index into them. Empty for regression.
        feature_names: one a column of a table; empty for images.
        categories: for each text column its known values; `x` holds indices into them as floats.
        target: name(s) of the target column(s).
        description: a sentence on what the rows are.
        source: who made the data, or the path it was read from.
        licence: under which terms it may be used, as far as stated.

    >>> Dataset("tiny", Part(np.zeros((4, 2)), np.array([0, 1, 0, 1])), classes=("no", "yes"))
    Dataset('tiny': 4 train rows of 2, 2 classes)
    """

    name: str
    train: Part
    test: Part | None = None
    task: Task = "classification"
    classes: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    target: tuple[str, ...] = ()
    description: str = ""
    source: str = ""
    licence: str = ""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row, e.g. (28, 28)."""
        return tuple(self.train.x.shape[1:])

    def __repr__(self) -> str:
        rows = f"{len(self.train):,} train"
        if self.test is not None:
            rows += f" + {len(self.test):,} test"
        kind = f"{len(self.classes)} classes" if self.classes else self.task
        return f"Dataset({self.name!r}: {rows} rows of {_times(self.input_shape)}, {kind})"


def one_against_rest(dataset: Dataset, positive: str | int) -> Dataset:
    """Relabel a classification set as two classes: `positive` (1) against all others (0).

    Arguments:
        dataset: a classification set.
        positive: a class name, or the index of a class. A name wins where both fit.

    Returns:
        The same rows with classes ("not P", "P").

    Raises:
        ValueError: for a regression set or an unknown class.

    >>> three = Dataset("t", Part(np.zeros((3, 1)), np.array([0, 1, 2])), classes=("a", "b", "c"))
    >>> two = one_against_rest(three, "b")
    >>> two.classes, two.train.y.tolist()
    (('not b', 'b'), [0, 1, 0])
    """
    if dataset.task != "classification":
        raise ValueError(
            f"One-against-rest needs classes, but {dataset.name} is a regression set: "
            "leave `positive` out."
        )
    index = _class_index(positive, dataset.classes)
    name = dataset.classes[index]

    def relabel(part: Part) -> Part:
        return Part(part.x, (part.y == index).astype(np.int64))

    return replace(
        dataset,
        train=relabel(dataset.train),
        test=None if dataset.test is None else relabel(dataset.test),
        classes=(f"not {name}", name),
    )


def _class_index(positive: str | int, classes: tuple[str, ...]) -> int:
    if str(positive) in classes:
        return classes.index(str(positive))
    if isinstance(positive, int | np.integer) and 0 <= positive < len(classes):
        return int(positive)
    hint = did_you_mean(str(positive), classes)
    raise ValueError(
        f"No class is called {str(positive)!r}.{hint} The classes are: {', '.join(classes)}."
    )


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(str(size) for size in shape) or "1"
