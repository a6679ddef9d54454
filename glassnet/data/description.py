"""What is in a data set: rows, features with ranges and outliers, classes, duplicates."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.columns import shortened
from glassnet.data.dataset import Array, Dataset, Part

if TYPE_CHECKING:
    from rich.console import Console

BLOCK = 4096  # image rows that are turned into floats at a time
WIDE = 100  # columns of a terminal on which medians have room
MOST_LINES = 40  # features that are printed; JSON has all
WHISKER = 1.5  # outliers lie further than 1.5 interquartile ranges from the quartiles (Tukey)


def describe(dataset: Dataset) -> dict[str, Any]:
    """Facts on a data set, as plain values that JSON can hold.

    Arguments:
        dataset: any data set; features are described on its training part.

    Returns:
        name, task, description, source, licence; rows of each part; input_shape and dtype;
        `features` (a table: for each column type, range, mean, standard deviation, missing values,
        outliers by Tukey's 1.5 interquartile ranges, whether constant, or a text column's
        categories with counts) or `pixels` (images: range, mean, standard deviation, share of
        zeros, number of constant pixels); `classes` with counts and shares, or `targets`;
        `duplicates`: training rows that repeat another, and test rows that are in training.

    >>> from glassnet.data import load
    >>> facts = describe(load("iris"))
    >>> facts["rows"], facts["classes"][0], facts["duplicates"]["train"]
    ({'train': 150, 'test': 0}, {'name': 'setosa', 'train': 50, 'test': 0, 'share': 0.3333}, 1)
    """
    train, test = dataset.train, dataset.test
    facts: dict[str, Any] = {
        "name": dataset.name,
        "task": dataset.task,
        "description": dataset.description,
        "source": dataset.source,
        "licence": dataset.licence,
        "rows": {"train": len(train), "test": 0 if test is None else len(test)},
        "input_shape": list(dataset.input_shape),
        "dtype": str(train.x.dtype),
    }
    if dataset.feature_names:
        facts["features"] = [
            _feature(name, train.x[:, j], dataset.categories.get(name, ()))
            for j, name in enumerate(dataset.feature_names)
        ]
    else:
        facts["pixels"] = _pixels(train.x)
    if dataset.task == "classification":
        facts["classes"] = _classes(dataset)
    else:
        columns = train.y.reshape(len(train), -1).T
        facts["targets"] = [
            _feature(_target_name(dataset, j), column, ()) for j, column in enumerate(columns)
        ]
    facts["duplicates"] = _duplicates(train, test)
    return facts


def _feature(name: str, column: Array, categories: tuple[str, ...]) -> dict[str, Any]:
    known = column[~np.isnan(column)].astype(np.float64)
    missing = len(column) - len(known)
    if categories:
        counts = np.bincount(known.astype(np.int64), minlength=len(categories))
        return {
            "name": name,
            "type": "text",
            "missing": missing,
            "constant": int((counts > 0).sum()) <= 1,
            "categories": dict(zip(categories, counts.tolist(), strict=True)),
        }
    facts = {"name": name, "type": _kind(known), "missing": missing}
    if not len(known):
        return {**facts, "constant": True, "outliers": 0}
    low, median, high = np.percentile(known, (25, 50, 75))
    whisker = WHISKER * (high - low)
    outliers = (known < low - whisker) | (known > high + whisker)
    return {
        **facts,
        "min": _rounded(known.min()),
        "max": _rounded(known.max()),
        "mean": _rounded(known.mean()),
        "std": _rounded(known.std()),
        "median": _rounded(median),
        "outliers": int(outliers.sum()),
        "constant": bool(known.min() == known.max()),
    }


def _kind(known: Array) -> str:
    if np.isin(known, (0, 1)).all():
        return "0/1"
    return "integer" if (known == np.round(known)).all() else "number"


def _pixels(x: Array) -> dict[str, Any]:
    """Range and moments over all values, in blocks: images stay uint8 in memory."""
    flat = x.reshape(len(x), -1)
    total = squares = zeros = missing = 0.0
    for start in range(0, len(flat), BLOCK):
        block = flat[start : start + BLOCK].astype(np.float64)
        missing += np.isnan(block).sum()
        total += np.nansum(block)
        squares += np.nansum(block * block)
        zeros += (block == 0).sum()
    known = max(flat.size - missing, 1)
    mean = total / known
    lowest, highest = flat.min(axis=0), flat.max(axis=0)
    return {
        "min": _rounded(np.nanmin(lowest)),
        "max": _rounded(np.nanmax(highest)),
        "mean": _rounded(mean),
        "std": _rounded(max(squares / known - mean * mean, 0.0) ** 0.5),
        "zeros": _rounded(zeros / known),
        "missing": int(missing),
        "constant": int((lowest == highest).sum()),
        "count": flat.shape[1],
    }


def _classes(dataset: Dataset) -> list[dict[str, Any]]:
    size = len(dataset.classes)
    train = np.bincount(dataset.train.y, minlength=size)
    test = np.bincount(dataset.test.y, minlength=size) if dataset.test is not None else train * 0
    return [
        {
            "name": name,
            "train": int(train[i]),
            "test": int(test[i]),
            "share": _rounded(train[i] / len(dataset.train)),
        }
        for i, name in enumerate(dataset.classes)
    ]


def _duplicates(train: Part, test: Part | None) -> dict[str, int]:
    """Rows that are equal in all their features (by 128-bit digest)."""
    seen = _digests(train.x)
    distinct = set(seen)
    in_training = 0 if test is None else sum(d in distinct for d in _digests(test.x))
    return {"train": len(seen) - len(distinct), "test_in_train": in_training}


def _digests(x: Array) -> list[bytes]:
    x = np.ascontiguousarray(x).reshape(len(x), -1)
    return [hashlib.blake2b(row.data, digest_size=16).digest() for row in x]


def _target_name(dataset: Dataset, j: int) -> str:
    single = dataset.train.y.ndim == 1
    if single or len(dataset.target) != dataset.train.y.shape[1]:
        return dataset.target[0] if single and dataset.target else f"target {j + 1}"
    return dataset.target[j]


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"


def _rounded(value: Any) -> float:
    return float(f"{float(value):.4g}")


def findings(facts: dict[str, Any]) -> list[str]:
    """Sentences on what deserves a look before training: gaps, constants, imbalance, repeats."""
    notes = []
    columns = [*facts.get("features", []), *facts.get("targets", [])]
    missing = [f"{c['name']} ({c['missing']:,})" for c in columns if c["missing"]]
    constant = [c["name"] for c in columns if c["constant"]]
    if missing:
        notes.append(f"missing values in {shortened(missing, 6)}")
    if constant:
        notes.append(f"the same value in every row: {shortened(constant, 6)}")
    pixels = facts.get("pixels")
    if pixels and pixels["constant"]:
        notes.append(f"{pixels['constant']} of {pixels['count']} pixels are constant")
    counts = [entry["train"] for entry in facts.get("classes", [])]
    if counts and max(counts) > 3 * max(min(counts), 1):
        notes.append(f"classes are unbalanced: {min(counts):,} to {max(counts):,} rows")
    repeats = facts["duplicates"]
    if repeats["train"]:
        notes.append(f"{_count(repeats['train'], 'repeated row')} among the training rows")
    if repeats["test_in_train"]:
        notes.append(f"{_count(repeats['test_in_train'], 'test row')} also among the training rows")
    return notes


def render(facts: dict[str, Any], console: Console) -> None:
    """Print `describe`'s facts as tables.

    Arguments:
        facts: what `describe` returned.
        console: a rich console.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shape = "×".join(map(str, facts["input_shape"]))
    console.print(f"[bold]{facts['name']}[/bold]  {facts['description']}")
    rows = facts["rows"]
    test = f" + {rows['test']:,} test" if rows["test"] else ""
    console.print(
        f"{rows['train']:,} train{test} rows of {shape}, {facts['dtype']}; {facts['task']}"
    )
    console.print(f"[dim]Source: {facts['source']}[/dim]")
    if facts["licence"]:
        console.print(f"[dim]Licence: {facts['licence']}[/dim]")
    for kind, title in (("features", "Features"), ("targets", "Targets")):
        if facts.get(kind):
            console.print(_feature_table(facts[kind], title, console.width))
            for feature in facts[kind][:MOST_LINES]:
                if "categories" in feature:
                    console.print(_texts(feature), markup=False, highlight=False)
    if "pixels" in facts:
        pixels = facts["pixels"]
        console.print(
            f"Values {pixels['min']:g} to {pixels['max']:g}, mean {pixels['mean']:g}, standard "
            f"deviation {pixels['std']:g}, {pixels['zeros']:.1%} zeros"
        )
    if "classes" in facts:
        table = Table(title="Classes", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for column in ("label", "class"):
            table.add_column(column)
        for column in ("train", "test", "share"):
            table.add_column(column, justify="right")
        for label, entry in enumerate(facts["classes"]):
            counts = (f"{entry['train']:,}", f"{entry['test']:,}", f"{entry['share']:.1%}")
            table.add_row(str(label), entry["name"], *counts)
        console.print(table)
    for note in findings(facts):
        console.print(f"• {note}")


def _texts(feature: dict[str, Any]) -> str:
    """A text column's values and how often each occurs."""
    shown = [f"{value} ({count:,})" for value, count in feature["categories"].items()]
    return f"{feature['name']}: {shortened(shown, 8)}"


def _feature_table(features: list[dict[str, Any]], title: str, width: int) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("name", min_width=8, overflow="fold")  # gives way on a narrow terminal
    table.add_column("type", no_wrap=True)
    median = ("median",) if width >= WIDE else ()
    numbers = ("min", *median, "max", "mean", "std", "missing", "outliers")
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    for feature in features[:MOST_LINES]:
        kind = feature["type"]
        if "categories" in feature:
            kind = _count(len(feature["categories"]), "text")
        cells = (f"{feature[c]:,g}" if c in feature else "" for c in numbers)
        table.add_row(feature["name"], kind, *cells)
    if len(features) > MOST_LINES:
        table.caption = f"{len(features) - MOST_LINES:,} more are not shown (--json shows all)"
    return table
