"""Cells: the trainings that an experiment's grid comes to, each with seeds derived from names.

A cell's seed is a hash of the paper, the experiment, its point on every axis and the number of the
repetition. So a value that is added to an axis, or one repetition more, changes no other cell.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glassnet.experiments.measures import label_of
from glassnet.experiments.specification import (
    AxisPoint,
    Borrowed,
    Experiment,
    RecordSettings,
    Setup,
    nested,
    read_section,
)
from glassnet.registry import did_you_mean
from glassnet.runs.config import parse_spec


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes:
        paper, experiment: whose.
        labels: its point on every axis.
        repetition: from 0.
        setup: how it is trained; `setup.seed` decides dropout and the order of rows, and the
            initial weights too unless there is a `start_seed`.
        start_seed: of initial weights that other cells share.
        record: what is kept.
        alone: whether nothing may run beside it.
        beside: frameworks whose seconds are measured beside ours.
    """

    paper: str
    experiment: str
    labels: Mapping[str, str]
    repetition: int
    setup: Setup
    start_seed: int | None
    record: RecordSettings
    alone: bool = False
    beside: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What to call it while it runs."""
        where = ", ".join(f"{axis} {label}" for axis, label in self.labels.items())
        name = f"{self.paper}/{self.experiment}" if self.paper else self.experiment
        return f"{name}{': ' + where if where else ''} (repetition {self.repetition + 1})"

    def lies_at(self, wanted: Mapping[str, str]) -> bool:
        """Whether its labels are these, on the axes that are named."""
        return all(self.labels.get(axis) == label for axis, label in wanted.items())


def seed_from(*names: object) -> int:
    """A seed below 2³² that is a function of names and nothing else.

    >>> seed_from("a", 1) == seed_from("a", 1), seed_from("a", 1) == seed_from("a", 2)
    (True, False)
    """
    text = json.dumps([str(name) for name in names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A set-up with changes: tables key by key, while a part with a `name` replaces another.

    >>> merged({"training": {"epochs": 5, "optimizer": "adam"}}, {"training": {"epochs": 6}})
    {'training': {'epochs': 6, 'optimizer': 'adam'}}
    >>> merged({"optimizer": "adam"}, {"optimizer": {"beta1": 0.8}})
    {'optimizer': {'name': 'adam', 'beta1': 0.8}}
    >>> merged({"optimizer": {"name": "adam", "beta1": 0.8}}, {"optimizer": {"name": "sgd"}})
    {'optimizer': {'name': 'sgd'}}
    """
    result: dict[str, Any] = copy.deepcopy(dict(base))
    for key, value in changes.items():
        if not isinstance(value, Mapping) or "name" in value:
            result[key] = copy.deepcopy(value)
            continue
        before = result.get(key, {})
        if isinstance(before, str):  # a part without options
            before = parse_spec(before)
        result[key] = merged(before if isinstance(before, Mapping) else {}, value)
    return result


def expand(experiment: Experiment, quick: bool = False) -> list[Cell]:
    """All cells and repetitions that an experiment trains, repetition by repetition.

    Raises:
        ValueError: if a point of an axis gives a set-up that is not allowed.
    """
    if not experiment.train:
        return []
    seeds = experiment.quick.seeds if quick and experiment.quick.seeds else experiment.seeds
    elsewhere = [dict(borrowed.cell) for borrowed in experiment.borrowed]
    grid = [points for points in _grid(experiment, quick) if _labels(points) not in elsewhere]
    return [
        _cell(experiment, points, repetition, quick)
        for repetition in range(seeds)
        for points in grid
    ]


def check_cells(experiment: Experiment) -> None:
    """Read every cell's set-up and make its parts once, so that a slip is told before training.

    Raises:
        ValueError: for a set-up that is not allowed, or a name that does not exist.
    """
    from glassnet.runs.recipe import check_parts

    for name, kept in experiment.quick.keep.items():
        for label in map(label_of, kept):
            check_points(experiment, {name: label}, "quick.keep")
    for cell in experiment.twins:
        check_points(experiment, cell, "twins")
    for quick in (False, True):
        for cell_of_grid in expand(experiment, quick):
            if cell_of_grid.repetition == 0:
                check_parts(cell_of_grid.setup)


def check_borrowed(experiment: Experiment, paper: Mapping[str, Experiment]) -> None:
    """See that borrowed cells are trained where the experiment says, and in the same way.

    Raises:
        ValueError: if one is not.
    """
    for number, borrowed in enumerate(experiment.borrowed):
        try:
            if borrowed.experiment not in paper:
                raise ValueError(
                    f"there is no experiment {borrowed.experiment!r}."
                    f"{did_you_mean(borrowed.experiment, paper)} There are: {', '.join(paper)}."
                )
            _check_whole_cell(experiment, borrowed.cell)
            for quick in (False, True):
                _check_same_training(experiment, paper[borrowed.experiment], borrowed, quick)
        except ValueError as error:
            raise ValueError(f"borrowed.{number}: {error}") from None


def _check_whole_cell(experiment: Experiment, cell: Mapping[str, str]) -> None:
    check_points(experiment, cell, "cell")
    if len(cell) != len(experiment.axes):
        axes = ", ".join(experiment.axes) or "there is none"
        raise ValueError(f"the cell {dict(cell)} needs a point on each axis: {axes}.")


def _check_same_training(
    experiment: Experiment, lender: Experiment, borrowed: Borrowed, quick: bool
) -> None:
    """The lender trains one cell there, which is what the experiment would train itself."""
    own = [
        _setup(experiment, points, 0, quick)
        for points in _grid(experiment, quick)
        if _labels(points) == borrowed.cell
    ]
    if not own:  # the quick run leaves this point out
        return
    lent = [
        cell.setup.model_copy(update={"seed": 0})
        for cell in expand(lender, quick)
        if cell.repetition == 0 and cell.lies_at(borrowed.their)
    ]
    run = " in the quick run" * quick
    if len(lent) != 1:
        raise ValueError(
            f"{lender.id} trains {len(lent)} cells at {borrowed.their}{run}, expected one: name "
            "its points by their."
        )
    if lent != own:
        raise ValueError(
            f"{lender.id} trains that cell with another set-up{run}; a borrowed cell is the same "
            "training."
        )


def check_points(experiment: Experiment, cell: Mapping[str, str], where: str) -> None:
    """See that an experiment has these axes, and a point of this label on each.

    Raises:
        ValueError: if it has not; the message begins with `where` and the axis.
    """
    for axis, label in cell.items():
        labels = [point.label for point in experiment.axis(axis).points_list()]
        if label not in labels:
            raise ValueError(
                f"{where}.{axis}: there is no point {label!r}.{did_you_mean(label, labels)} "
                f"There are: {', '.join(labels)}."
            )


def _grid(experiment: Experiment, quick: bool) -> Iterator[dict[str, AxisPoint]]:
    sides = []
    for name, axis in experiment.axes.items():
        points = axis.points_list()
        if quick and name in experiment.quick.keep:
            kept = {label_of(label) for label in experiment.quick.keep[name]}
            points = [point for point in points if point.label in kept]
        sides.append([(name, point) for point in points])
    for points_of_cell in itertools.product(*sides):
        yield dict(points_of_cell)


def _labels(points: Mapping[str, AxisPoint]) -> dict[str, str]:
    return {axis: point.label for axis, point in points.items()}


def _setup(
    experiment: Experiment, points: Mapping[str, AxisPoint], seed: int, quick: bool
) -> Setup:
    values: dict[str, Any] = experiment.setup
    for point in points.values():
        values = merged(values, point.changes)
    if quick:
        values = merged(values, nested(experiment.quick.set))
    try:
        setup: Setup = read_section(Setup, {**values, "seed": seed})
    except ValueError as error:
        where = ", ".join(f"axes.{axis} at {label}" for axis, label in _labels(points).items())
        raise ValueError(f"{where}: {error}" if where else str(error)) from None
    return setup


def _cell(
    experiment: Experiment, points: Mapping[str, AxisPoint], repetition: int, quick: bool
) -> Cell:
    labels = _labels(points)
    names = [f"{axis}={label}" for axis, label in sorted(labels.items())]
    seed = seed_from("cell", experiment.paper, experiment.id, *names, repetition)
    start = None
    if experiment.start is not None:
        start = seed_from("start", experiment.paper, experiment.start, repetition)
    return Cell(
        experiment.paper,
        experiment.id,
        labels,
        repetition,
        _setup(experiment, points, seed, quick),
        start,
        experiment.record,
        experiment.alone or bool(experiment.beside),
        tuple(experiment.beside),
    )
