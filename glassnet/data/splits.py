"""Parts of a data set: training and test, training and validation, class shares kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from glassnet.data.dataset import Array, Dataset, Part


def split(dataset: Dataset, share: float, seed: int, stratify: bool = True) -> Dataset:
    """Hold out a share of the rows as test part.

    Arguments:
        dataset: a set without a test part.
        share: share of rows held out, between 0 and 1 (rounded up to whole rows).
        seed: the same seed gives the same rows.
        stratify: keep each class's share in both parts; classification only.

    Returns:
        The set with both parts, rows shuffled.

    Raises:
        ValueError: for a share outside (0, 1), a set that has a test part, or a class with a
            single row, which can't be in both parts.

    >>> from glassnet.data import load
    >>> split(load("iris"), share=1 / 3, seed=0)
    Dataset('iris': 100 train + 50 test rows of 4, 3 classes)
    """
    if dataset.test is not None:
        raise ValueError(
            f"{dataset.name} comes with a test part of {len(dataset.test):,} rows: "
            "use it, and split only its training part (split_arrays)."
        )
    stratify = stratify and dataset.task == "classification"
    train, test = _split_rows(dataset.train.y, share, seed, stratify, dataset.classes)
    x, y = dataset.train.x, dataset.train.y
    return replace(dataset, train=Part(x[train], y[train]), test=Part(x[test], y[test]))


def split_arrays(
    x: Array, y: Array, share: float, seed: int, stratify: bool = True
) -> tuple[Array, Array, Array, Array]:
    """Split arrays in two, for instance into training and validation rows.

    Arguments:
        x: shape (n, …).
        y: shape (n,) or (n, k).
        share: share of rows in the second part, between 0 and 1.
        seed: the same seed gives the same rows.
        stratify: keep class shares where `y` holds integer labels; no effect on float targets.

    Returns:
        x and y of the first part, x and y of the second (of about `share` · n rows).

    Raises:
        ValueError: as `split`.

    >>> x, y = np.arange(10.0)[:, None], np.array([0, 1] * 5)
    >>> first_x, first_y, second_x, second_y = split_arrays(x, y, share=0.4, seed=0)
    >>> first_x.shape, np.bincount(second_y).tolist()
    ((6, 1), [2, 2])
    """
    if len(x) != len(y):
        raise ValueError(f"x has {len(x):,} rows and y has {len(y):,}: give one target a row.")
    labelled = y.ndim == 1 and y.dtype.kind in "biu"
    first, second = _split_rows(y, share, seed, stratify and labelled, ())
    return x[first], y[first], x[second], y[second]


def _split_rows(
    y: Array, share: float, seed: int, stratify: bool, classes: tuple[str, ...]
) -> tuple[Array, Array]:
    from sklearn.model_selection import train_test_split

    n = len(y)
    if not 0 < share < 1:
        raise ValueError(f"The share held out is {share}, expected a number between 0 and 1.")
    held_out = int(np.ceil(share * n))
    if held_out >= n:
        raise ValueError(
            f"A share of {share} of {n} rows leaves no row to train on: lower it, or add rows."
        )
    if stratify:
        check_strata(y, held_out, classes)
    first, second = train_test_split(
        np.arange(n), test_size=held_out, random_state=seed, stratify=y if stratify else None
    )
    return first, second


def check_strata(y: Array, held_out: int, classes: tuple[str, ...]) -> None:
    """Raise ValueError unless both parts of a split can hold rows of every class.

    Arguments:
        y: class indices, (n,).
        held_out: rows of the second part.
        classes: their names; may be empty.
    """
    labels, counts = np.unique(y, return_counts=True)
    if counts.min() < 2:
        label = labels[counts.argmin()]
        name = classes[label] if classes else label
        raise ValueError(
            f"Class '{name}' has a single row, which can't be in both parts: add rows of it, leave "
            "it out, or split without stratifying (stratify=False)."
        )
    if min(held_out, len(y) - held_out) < len(labels):
        raise ValueError(
            f"A split of {len(y):,} rows into {len(y) - held_out:,} and {held_out:,} can't hold "
            f"each of {len(labels)} classes in both parts: choose another share, or split without "
            "stratifying (stratify=False)."
        )
