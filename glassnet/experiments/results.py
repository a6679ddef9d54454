"""Trained cells as numbers: which records belong to a quantity, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.experiments.measures import Measure, Quantity
from glassnet.registry import did_you_mean

if TYPE_CHECKING:
    from glassnet.experiments.specification import Experiment

Record = dict[str, Any]
"""What is kept of a trained cell; see `glassnet.experiments.work`."""


@dataclass(frozen=True)
class Sample:
    """A quantity's values, one a repetition, in the order of the repetitions.

    >>> sample = Sample((1.0, 3.0))
    >>> sample.mean, round(sample.spread, 3)
    (2.0, 1.414)
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Their mean; NaN if one is missing."""
        return float(np.mean(self.values))

    @property
    def spread(self) -> float:
        """Their standard deviation (n − 1); 0 for a single one."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0

    def value(self, over: str) -> float:
        """Their mean, max or min; for "each" the mean as well, which is what is shown."""
        if over in ("max", "min"):
            return float(np.max(self.values) if over == "max" else np.min(self.values))
        return self.mean


@dataclass
class Results:
    """All records of an experiment, and the other experiments of the same paper.

    Attributes:
        experiment: what was asked.
        records: of all cells and repetitions.
        others: by name, for quantities that compare experiments; this one included.
        defaults: the measure of the target that is being judged.
        quick: whether this was a cut-down run.
    """

    experiment: Experiment
    records: list[Record]
    others: Mapping[str, Results] = field(default_factory=dict)
    defaults: Measure | None = None
    quick: bool = False

    def under(self, measure: Measure) -> Results:
        """The same with a target's measure as defaults."""
        return Results(self.experiment, self.records, self.others, measure, self.quick)

    def of(self, name: str | None) -> Results:
        """Another experiment of the paper, or this one.

        Raises:
            ValueError: if there is none of that name.
        """
        if name is None or name == self.experiment.id:
            return self
        if name not in self.others:
            raise ValueError(
                f"There is no experiment {name!r} beside {self.experiment.id!r}."
                f"{did_you_mean(name, self.others)} There are: {', '.join(self.others)}."
            )
        return self.others[name]

    @cached_property
    def _groups(self) -> dict[tuple[tuple[str, str], ...], list[Record]]:
        groups: dict[tuple[tuple[str, str], ...], list[Record]] = {}
        for record in sorted(self.records, key=lambda record: int(record["repetition"])):
            groups.setdefault(tuple(record["cell"].items()), []).append(record)
        return groups

    def cells(self, wanted: Mapping[str, str]) -> list[dict[str, str]]:
        """The cells that lie at these points, in the order of the axes."""
        return [
            dict(labels)
            for labels in self._groups
            if all(dict(labels).get(axis) == label for axis, label in wanted.items())
        ]

    def repetitions(self, cell: Mapping[str, str]) -> list[Record]:
        """The records of one cell, a repetition each."""
        return self._groups[tuple(cell.items())]

    def only_cell(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """The one cell at these points.

        Raises:
            ValueError: if there is none, or more than one.
        """
        found = self.cells(wanted)
        if len(found) != 1:
            axes = ", ".join(self.experiment.axes) or "none"
            raise ValueError(
                f"{dict(wanted)} is {len(found)} cells of {self.experiment.id}, expected one: name "
                f"a point on each axis ({axes}), or say which counts by across."
            )
        return found[0]

    def sample(self, quantity: Quantity) -> Sample:
        """A quantity's values over the repetitions."""
        asked = quantity.with_defaults(self.defaults)
        where = self.of(asked.experiment)
        if asked.across is None:
            return where._measure(where.only_cell(asked.cell), asked)
        samples = [where._measure(cell, asked) for cell in where.cells(asked.cell)]
        known = [sample for sample in samples if sample.mean == sample.mean]
        if not known:
            return Sample((float("nan"),))
        best = max if asked.across == "max" else min
        return best(known, key=lambda sample: sample.mean)

    def _measure(self, cell: Mapping[str, str], measure: Measure) -> Sample:
        return Sample(tuple(read(record, measure) for record in self.repetitions(cell)))

    def filled(self, quantity: Quantity) -> Quantity:
        """The quantity with the target's measure where it was silent."""
        return quantity.with_defaults(self.defaults)


def read(record: Record, measure: Measure) -> float:
    """The number that a measure takes from a record; NaN where training broke down before it.

    Raises:
        ValueError: if nothing of that name was recorded.
    """
    if measure.of == "diverged":
        return float(record["diverged"] is not None)
    if measure.at == "start":
        value = record["measured"].get("start", {}).get(measure.of)
    elif measure.by_class is not None:
        if record["diverged"] is not None:
            return float("nan")
        value = _of_class(measured(record, "scores").get("per_class", []), measure)
    elif any(measure.of in epoch for epoch in record["history"]):
        value = _moment(column(record, measure.of), measure, record["diverged"] is not None)
    else:
        value = _at_path(record["measured"], measure.of)
        if value is None and record["diverged"] is not None:
            return float("nan")
    if value is None:
        known = list(record["history"][-1]) if record["history"] else []
        raise ValueError(
            f"Nothing called {measure.of!r} was recorded (at {measure.at})."
            f"{did_you_mean(measure.of, known)} The history has {', '.join(known) or 'nothing'}; "
            "[record] adds to it."
        )
    return float(value) * measure.scale


def measured(record: Record, what: str) -> Any:
    """What was measured of a training at its end because `[record]` asked for it.

    Raises:
        ValueError: if it was not, or training broke down before.
    """
    if what not in record["measured"]:
        reason = (
            "training broke down" if record["diverged"] else f"[record] does not ask for {what}"
        )
        raise ValueError(f"There are no {what} of {record['cell'] or 'the training'}: {reason}.")
    return record["measured"][what]


def column(record: Record, of: str) -> Array:
    """A column of the history, (epochs,)."""
    return np.array([epoch.get(of, np.nan) for epoch in record["history"]], np.float64)


def _moment(values: Array, measure: Measure, diverged: bool) -> float:
    """The value of a column at the moment that a measure names."""
    if measure.at in ("max", "min", "epoch_of_max", "epoch_of_min"):
        where = np.nanargmax(values) if str(measure.at).endswith("max") else np.nanargmin(values)
        return float(where + 1) if str(measure.at).startswith("epoch") else float(values[where])
    if isinstance(measure.at, int):
        return float(values[measure.at - 1]) if measure.at <= len(values) else float("nan")
    return float("nan") if diverged else float(values[-1])


def _of_class(rows: Sequence[Mapping[str, Any]], measure: Measure) -> float | None:
    for index, row in enumerate(rows):
        if measure.by_class in (index, row["class"]):
            return row.get(measure.of)
    return None


def _at_path(measured: Any, path: str) -> float | None:
    for step in path.split("."):
        if isinstance(measured, list) and step.isdigit() and int(step) < len(measured):
            measured = measured[int(step)]
        elif isinstance(measured, Mapping) and step in measured:
            measured = measured[step]
        else:
            return None
    return measured if isinstance(measured, int | float) else None
