"""The rows of an experiment: a data set, split exactly as a paper split it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from glassnet.accelerate import Array
from glassnet.data import Dataset, Part
from glassnet.data.splits import check_strata
from glassnet.experiments.specification import ExperimentData, Setup, Split
from glassnet.runs.recipe import fingerprint, load_data

SOURCES: dict[str, Callable[[], Dataset]] = {}
"""Data that a paper's own module makes, by the name that `data.source` gives; see `source`."""


def source(name: str) -> Callable[[Callable[[], Dataset]], Callable[[], Dataset]]:
    """Decorator for a paper's module: make a data set known under a name of `data.source`."""

    def register(make: Callable[[], Dataset]) -> Callable[[], Dataset]:
        SOURCES[name] = make
        return make

    return register


@dataclass(frozen=True)
class Rows:
    """What a cell is trained on.

    Attributes:
        dataset: with training and test part, as they are after all splits.
        watched: the part that `val_…` in the history is about.
    """

    dataset: Dataset
    watched: Part

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all of them."""
        watched = replace(self.dataset, train=self.watched, test=None)
        return fingerprint(self.dataset) + fingerprint(watched)


def load_rows(setup: Setup) -> Rows:
    """The rows that a set-up names.

    Raises:
        ValueError: if the data can't be had, or the splits leave no part to watch.
    """
    data = setup.data
    dataset = SOURCES[data.source]() if data.source in SOURCES else load_data(setup)
    parts: dict[str, Part] = {"train": dataset.train}
    if dataset.test is not None:
        parts["test"] = dataset.test
    for split in data.splits:
        if split.part in parts:
            raise ValueError(
                f"data.splits takes a {split.part} part out of {dataset.name}, which has one "
                "already: leave that split out."
            )
        parts["train"], parts[split.part] = _take(parts["train"], split, dataset)
    watched = parts.get(data.watch or ("validation" if "validation" in parts else "test"))
    if watched is None:
        raise ValueError(
            f"{dataset.name} has no {data.watch or 'test'} part to watch: hold rows out by "
            "[[data.splits]]."
        )
    whole_test = parts.get("test", watched)
    test = _first(whole_test, data.test_rows)
    if watched is whole_test:
        watched = test
    return Rows(replace(dataset, train=_first(parts["train"], data.rows), test=test), watched)


def _take(part: Part, split: Split, dataset: Dataset) -> tuple[Part, Part]:
    """Both parts of scikit-learn's train_test_split with this random_state."""
    from sklearn.model_selection import train_test_split

    held_out = split.rows or math.ceil((split.share or 0) * len(part))
    if held_out >= len(part):
        raise ValueError(
            f"data.splits holds {held_out:,} rows out as {split.part} part, but only "
            f"{len(part):,} rows of {dataset.name} are left: take fewer."
        )
    if split.stratify and dataset.task == "regression":
        raise ValueError(
            f"data.splits can't stratify {dataset.name}, whose targets are numbers: leave "
            "stratify out."
        )
    if split.stratify:
        check_strata(part.y, held_out, dataset.classes)
    kept, held = train_test_split(
        np.arange(len(part)),
        test_size=split.rows if split.rows is not None else split.share,
        random_state=split.random_state,
        stratify=part.y if split.stratify else None,
    )
    return _at(part, kept), _at(part, held)


def _at(part: Part, rows: Array) -> Part:
    return Part(part.x[rows], part.y[rows])


def _first(part: Part, rows: int | None) -> Part:
    return part if rows is None else Part(part.x[:rows], part.y[:rows])


def data_key(data: ExperimentData) -> str:
    """Equal for set-ups that are trained on the same rows, however these are scaled."""
    return data.model_copy(update={"scale": "auto", "target_scale": "auto"}).model_dump_json()
