"""What a benchmark found, as plain data that goes into a JSON file and comes back from it."""

from __future__ import annotations

import dataclasses
import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glassnet.files import write_atomically

FORMAT = 1


@dataclass
class Timing:
    """One contender in one variant: a value for every counted run, in the order of the runs."""

    contender: str
    title: str
    variant: str
    values: list[float]

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between which the middle half of the values lies.

        >>> Timing("ours", "glassnet", "", [1, 2, 3, 4, 5]).quartiles
        (2.0, 4.0)
        """
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high


@dataclass
class Comparison:
    """Ours beside a contender's best variant.

    Arguments:
        against, variant: whom, and its fastest way.
        ratio: of the medians, theirs / ours; with `at_most` ours / theirs.
        low, high: smallest and largest ratio of a single round.
        target, stretch: what we meant to reach, or None.
        at_most: whether the ratio should be small.
    """

    against: str
    title: str
    variant: str
    ratio: float
    low: float
    high: float
    target: float | None = None
    stretch: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one.

        >>> Comparison("torch", "PyTorch", "", 3.0, 2.9, 3.1, target=2.6).met
        True
        """
        if self.target is None:
            return None
        return self.ratio <= self.target if self.at_most else self.ratio >= self.target


@dataclass
class Check:
    """Whether all computed the same: the worst difference from ours, by contender and variant."""

    what: str
    tolerance: float
    differences: dict[str, float] = field(default_factory=dict)

    @property
    def disagreeing(self) -> list[str]:
        """Those who did other work, and were not timed."""
        return [name for name, worst in self.differences.items() if not worst <= self.tolerance]


@dataclass
class WorkloadResult:
    """One workload: timings, comparisons, and what has to be said about them."""

    name: str
    what: str
    unit: str
    timings: list[Timing] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    check: Check | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class ScalingPoint:
    """Seconds an epoch at one value of one axis.

    Arguments:
        axis, value: what was varied, and how large it was.
        timings: of whole epochs, if need be scaled up.
        share: of an epoch's steps, those that were timed.
    """

    axis: str
    value: int
    timings: list[Timing]
    share: float = 1.0


@dataclass
class Report:
    """A whole benchmark."""

    machine: dict[str, Any]
    packages: dict[str, str]
    runs: int
    quick: bool
    date: str
    data: dict[str, str]
    format: int = FORMAT
    workloads: list[WorkloadResult] = field(default_factory=list)
    scaling: list[ScalingPoint] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write the report as JSON, in place of what was there."""
        text = json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)
        write_atomically(path, text + "\n", overwrite=True)

    def merge(self, newer: Report) -> None:
        """Take over the workloads and axes that `newer` measured; the others stay.

        Raises:
            ValueError: if it comes from another machine, other versions or another number of runs.
        """
        for name in ("machine", "packages", "runs", "quick"):
            mine, theirs = getattr(self, name), getattr(newer, name)
            if mine != theirs:
                raise ValueError(
                    f"The report to be updated has other {name}: {mine}, now {theirs}. Measure all "
                    "workloads again into a new file."
                )
        fresh = {result.name: result for result in newer.workloads}
        self.workloads = [fresh.pop(result.name, result) for result in self.workloads]
        self.workloads += fresh.values()
        axes = {point.axis for point in newer.scaling}
        self.scaling = [point for point in self.scaling if point.axis not in axes] + newer.scaling
        self.date = newer.date


def read_report(path: Path) -> Report:
    """Read what `Report.write` wrote.

    Raises:
        ValueError: for a file that is none, or of another format.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        report = TypeAdapter(Report).validate_json(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "its beginning"
        raise ValueError(
            f"{path} is no benchmark report: {first['msg']} at {place}. Make one with "
            "`glassnet bench --json FILE`."
        ) from None
    if report.format != FORMAT:
        raise ValueError(f"{path} has format {report.format}, expected {FORMAT}: measure again.")
    return report
