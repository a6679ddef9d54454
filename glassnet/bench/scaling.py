"""How cost grows: an epoch against rows, width, depth and batch, everything else held."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

from glassnet.bench.results import ScalingPoint, Timing
from glassnet.bench.runner import Say, Start, fastest, run_workload
from glassnet.bench.worker import Process
from glassnet.bench.workloads import Architecture, Descent, Target, Workload

INPUTS, WIDTH, DEPTH, OUTPUTS = 64, 128, 2, 10
ROWS, BATCH = 16_384, 64

AXES: dict[str, tuple[int, ...]] = {
    "rows": (1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576),
    "width": (16, 32, 64, 128, 256, 512, 1_024, 2_048),
    "depth": (1, 2, 4, 8, 16, 32),
    "batch": (1, 4, 16, 64, 256, 1_024, 4_096),
}
"""Every other size is held. Powers of two, so that all batches are whole."""

SHORTEST, LONGEST = 0.3, 0.8
"""Seconds of a timed run by `rough_step`: short epochs are repeated, long ones cut."""

KNEE = 0.4
"""A rise of our exponent, and its excess over PyTorch's rise at the same place, that is a knee."""


def point(axis: str, value: int) -> Workload:
    """The workload at one value of one axis: as many epochs, or steps, as a timed run takes.

    Along the axis of rows epochs are never cut, since what a larger set costs is asked there.

    >>> point("depth", 3).network.sizes
    (64, 128, 128, 128, 10)
    """
    width = value if axis == "width" else WIDTH
    depth = value if axis == "depth" else DEPTH
    batch = value if axis == "batch" else BATCH
    network = Architecture((INPUTS, *[width] * depth, OUTPUTS))
    steps, step = epoch_steps(axis, value), rough_step(network, batch)
    if axis != "rows":
        steps = min(steps, max(1, int(LONGEST / step)))
    return Workload(
        name=f"scaling-{axis} {value:,}",
        title=f"train with {axis} {value:,}",
        measure="train",
        network=network,
        optimizer=Descent("adam", 1e-3),
        data="gaussian",
        rows=steps * batch,
        batch=batch,
        epochs=max(1, int(SHORTEST / (steps * step))),
        compiled=False,
        check_steps=3,
        targets=(Target("torch"),),
    )


def epoch_steps(axis: str, value: int) -> int:
    """Steps of a whole epoch.

    >>> epoch_steps("width", 16), epoch_steps("batch", 4_096)
    (256, 4)
    """
    rows = value if axis == "rows" else ROWS
    return rows // (value if axis == "batch" else BATCH)


def rough_step(network: Architecture, batch: int) -> float:
    """Seconds of a step for PyTorch, roughly: calls, six flops a weight and row, Adam.

    Only how long a run takes depends on it, never what is measured.
    """
    weights = sum(fan_in * fan_out for fan_in, fan_out in pairwise(network.sizes))
    return 1e-4 * len(network.sizes) + weights * (6 * batch / 6e10 + 4e-9)


def run_axis(
    axis: str,
    runs: int,
    against: Collection[str] | None = None,
    quick: bool = False,
    start: Start = Process,
    say: Say = lambda text: None,
) -> list[ScalingPoint]:
    """Time all points of an axis, ours beside PyTorch; `quick` takes an end and the middle."""
    values = AXES[axis]
    points = []
    for value in (values[0], values[len(values) // 2]) if quick else values:
        work = point(axis, value)
        work = work.quick() if quick else work
        result = run_workload(work, runs, against, start, say)
        steps = epoch_steps(axis, value)
        epochs = [
            replace(timing, values=[seconds * steps for seconds in timing.values])
            for timing in result.timings
        ]
        points.append(ScalingPoint(axis, value, epochs, work.rows // work.batch / steps))
    return points


@dataclass(frozen=True)
class Growth:
    """Between two values of an axis time grows as value^exponent."""

    axis: str
    low: int
    high: int
    ours: float
    theirs: float | None


def growth(points: list[ScalingPoint]) -> list[Growth]:
    """The local exponents: the slopes of the log-log plot of the shortest runs.

    Other programs can only make a run longer, and a slope shows it twice.
    """
    found = []
    for axis in AXES:
        line = sorted((p for p in points if p.axis == axis), key=lambda p: p.value)
        for low, high in pairwise(line):
            slopes = [_slope(low, high, name) for name in ("ours", "torch")]
            if slopes[0] is not None:
                found.append(Growth(axis, low.value, high.value, slopes[0], slopes[1]))
    return found


def best_of(point: ScalingPoint, contender: str) -> Timing | None:
    """The contender's fastest variant at this point."""
    of_it = [timing for timing in point.timings if timing.contender == contender]
    return fastest(of_it) if of_it else None


def _slope(low: ScalingPoint, high: ScalingPoint, contender: str) -> float | None:
    first, second = best_of(low, contender), best_of(high, contender)
    if first is None or second is None:
        return None
    return math.log(min(second.values) / min(first.values)) / math.log(high.value / low.value)


@dataclass(frozen=True)
class Knee:
    """A place where our curve turns upwards and PyTorch's does not.

    Arguments:
        before, after: the growth on both sides of it.
    """

    before: Growth
    after: Growth

    def __str__(self) -> str:
        theirs = ""
        if self.before.theirs is not None and self.after.theirs is not None:
            theirs = f"; PyTorch's from {self.before.theirs:.2f} to {self.after.theirs:.2f}"
        return (
            f"{self.after.axis} {self.after.low:,}: our exponent goes from {self.before.ours:.2f} "
            f"to {self.after.ours:.2f}{theirs}"
        )


def knees(points: list[ScalingPoint]) -> list[Knee]:
    """Where our exponent rises by more than `KNEE`, and by so much more than PyTorch's."""
    found = []
    for before, after in pairwise(growth(points)):
        rise, theirs = after.ours - before.ours, 0.0
        if before.theirs is not None and after.theirs is not None:
            theirs = after.theirs - before.theirs
        if before.axis == after.axis and min(rise, rise - theirs) > KNEE:
            found.append(Knee(before, after))
    return found
