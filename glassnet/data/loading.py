"""One door to all data: a named set, or a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from glassnet.data import cifar10, cifar10_pca, embedded, mnist
from glassnet.data.catalogue import CATALOGUE, Record, names
from glassnet.data.columns import Missing
from glassnet.data.dataset import Dataset, one_against_rest
from glassnet.data.frames import TABLE_SUFFIXES
from glassnet.data.npz import read_npz
from glassnet.data.table import read_table
from glassnet.data.target import TaskChoice
from glassnet.registry import did_you_mean

LOADERS: Mapping[str, Callable[[Record], Dataset]] = {
    "iris": embedded.iris,
    "digits": embedded.digits,
    "mnist": mnist.load,
    "fashion-mnist": mnist.load,
    "cifar10": cifar10.load,
    "cifar10-pca128": cifar10_pca.load,
}


def load(
    source: str | Path,
    *,
    target: str | Sequence[str] | None = None,
    missing: Missing = "refuse",
    positive: str | int | None = None,
    task: TaskChoice = "auto",
    drop: Sequence[str] = (),
) -> Dataset:
    """Load a data set by name, or read a file.

    A named set that needs files is looked for in `$GLASSNET_DATA`, then in the user's cache, and
    else downloaded there; its contents are compared with known sums every time.

    Arguments:
        source: one of `names()`, or a path that ends in .csv, .tsv, .parquet or .npz.
        target: for tables, the column to predict, or several for regression on all of them.
        missing: "refuse" missing features, or leave them as NaN for an `Impute` layer ("impute").
        positive: a class (name or index) to tell from all others; see `one_against_rest`.
        task: for files, what the target means; see `encode_target` for the rule behind "auto".
        drop: for tables, columns to leave out.

    Returns:
        The data, raw: uint8 images stay uint8, nothing is scaled.

    Raises:
        ValueError: for an unknown name, a file that can't be read or used, damaged archives.

    >>> load("iris")
    Dataset('iris': 150 train rows of 4, 3 classes)
    >>> load("digits", positive=3).classes
    ('not 3', '3')
    """
    if str(source) in CATALOGUE:
        _refuse_options(str(source), target=target, drop=drop)
        dataset = LOADERS[str(source)](CATALOGUE[str(source)])
    else:
        dataset = _read_file(Path(source), target, missing, task, drop)
    return dataset if positive is None else one_against_rest(dataset, positive)


def _read_file(
    path: Path,
    target: str | Sequence[str] | None,
    missing: Missing,
    task: TaskChoice,
    drop: Sequence[str],
) -> Dataset:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        _refuse_options(str(path), target=target, drop=drop)
        return read_npz(path, missing=missing, task=task)
    if suffix not in TABLE_SUFFIXES:
        raise ValueError(
            f"No data set is called {str(path)!r}.{did_you_mean(str(path), names())} "
            f"Known sets: {', '.join(names())}; or give a path that ends in "
            f"{', '.join(TABLE_SUFFIXES)} or .npz."
        )
    if not target:
        raise ValueError(
            f"{path} is a table: say which column is to be predicted (target=…, --target COLUMN); "
            f"its columns: {_columns(path)}."
        )
    return read_table(path, target, missing=missing, task=task, drop=drop)


def _columns(path: Path) -> str:
    from glassnet.data.columns import shortened
    from glassnet.data.frames import read_frame

    return shortened(read_frame(path).columns)


def _refuse_options(source: str, **options: object) -> None:
    for name, value in options.items():
        if value:
            raise ValueError(
                f"{name}={value!r} is for tables, but {source} knows its own target: leave it out."
            )
