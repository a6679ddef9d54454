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
ROWS, BATCH = 10_000, 64
TORCH_STEPS = 3_000

AXES: dict[str, tuple[int, ...]] = {
    "rows": (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
    "width": (16, 32, 64, 128, 256, 512, 1_024, 2_048),
    "depth": (1, 2, 4, 8, 16, 32),
    "batch": (1, 4, 16, 64, 256, 1_024, 4_096),
}

KNEE = 0.7
"""A change of the exponent from one interval to the next that has to be explained."""


def point(axis: str, value: int) -> Workload:
    """The workload at one value of one axis.

    >>> point("depth", 3).network.sizes
    (64, 128, 128, 128, 10)
    """
    width = value if axis == "width" else WIDTH
    depth = value if axis == "depth" else DEPTH
    rows = value if axis == "rows" else ROWS
    batch = value if axis == "batch" else BATCH
    return Workload(
        name=f"scaling {axis} {value:,}",
        measure="train",
        network=Architecture((INPUTS, *[width] * depth, OUTPUTS)),
        optimizer=Descent("adam", 1e-3),
        data="gaussian",
        rows=rows // batch * batch,
        batch=batch,
        steps={"torch": TORCH_STEPS},
        check_steps=5 if value == BATCH and axis == "batch" else 0,
        targets=(Target("torch"),),
    )


def run_scaling(
    runs: int,
    against: Collection[str] | None = None,
    quick: bool = False,
    start: Start = Process,
    say: Say = lambda text: None,
) -> list[ScalingPoint]:
    """Time all points of all axes, ours beside PyTorch; `quick` takes the ends and the middle."""
    points = []
    for axis, values in AXES.items():
        chosen = (values[0], values[len(values) // 2]) if quick else values
        for value in chosen:
            work = point(axis, value)
            result = run_workload(work.quick() if quick else work, runs, against, start, say)
            steps = work.rows // work.batch
            epochs = [
                replace(timing, values=[seconds * steps for seconds in timing.values])
                for timing in result.timings
            ]
            points.append(ScalingPoint(axis, value, epochs))
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
    """The local exponents: the slopes of the log-log plot."""
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
    return math.log(second.median / first.median) / math.log(high.value / low.value)


def knees(exponents: list[Growth]) -> list[str]:
    """Where our exponent jumps, in words: places that a note should explain."""
    sentences = []
    for before, after in pairwise(exponents):
        if before.axis != after.axis or after.ours - before.ours <= KNEE:
            continue
        theirs = ""
        if before.theirs is not None and after.theirs is not None:
            theirs = f"; PyTorch's from {before.theirs:.2f} to {after.theirs:.2f}"
        sentences.append(
            f"{after.axis} {after.low:,}: our exponent goes from {before.ours:.2f} to "
            f"{after.ours:.2f}{theirs}"
        )
    return sentences
