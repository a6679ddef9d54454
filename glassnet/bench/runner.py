"""Run a workload: check that all do the same work, warm up, then time A B A B …"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from glassnet.bench.check import TOLERANCE, worst_difference
from glassnet.bench.contender import (
    CHECKED_ROWS,
    Contender,
    Variant,
    available_cores,
    contender_class,
    missing_packages,
)
from glassnet.bench.results import Check, Comparison, Timing, WorkloadResult
from glassnet.bench.worker import ContenderFailed, Job, Process, Side
from glassnet.bench.workloads import Target, Workload

HOPELESS = 2.0
"""A variant so many times slower than its contender's best in the first round is not run again."""
REST = 0.05
"""Seconds between two runs, in which thread pools go to sleep."""

Say = Callable[[str], None]
Start = Callable[[Job], Side]


@dataclass
class Lane:
    """One contender in one variant, with its process and its values."""

    contender: type[Contender]
    name: str
    variant: Variant
    side: Side
    timing: Timing

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.contender.title} ({self.variant.name})"


def run_workload(
    workload: Workload,
    runs: int,
    against: Collection[str] | None = None,
    start: Start = Process,
    say: Say = lambda text: None,
    rest: float = REST,
) -> WorkloadResult:
    """Measure one workload.

    Arguments:
        workload: what to do.
        runs: counted runs of each contender, after one that is not.
        against: contenders to compare with, of those that the workload names; None for all.
        start: what makes a side out of a job; a fresh process.
        say: told what is going on.
        rest: seconds between two runs.

    Raises:
        ContenderFailed: if ours fails; what others cannot do is noted.
    """
    result = WorkloadResult(workload.name, str(workload), workload.unit)
    if workload.note:
        result.notes.append(workload.note)
    with _lanes(workload, against, start, result, say) as lanes:
        if workload.check_steps:
            lanes = _checked(workload, lanes, result, say)
        lanes = _warmed_up(lanes, result, say)
        _time(lanes, runs, result, say, rest)
        result.timings = [lane.timing for lane in lanes]
    result.comparisons = compare(workload.targets, result.timings)
    return result


@contextmanager
def _lanes(
    workload: Workload,
    against: Collection[str] | None,
    start: Start,
    result: WorkloadResult,
    say: Say,
) -> Iterator[list[Lane]]:
    """Start every variant of every contender that is wanted and installed."""
    lanes: list[Lane] = []
    try:
        for name in ["ours", *(target.against for target in workload.targets)]:
            contender = contender_class(name)
            always = name in ("ours", "products")
            if not always and against is not None and name not in against:
                continue
            missing = missing_packages(contender)
            if missing:
                result.skipped[name] = f"not installed: {', '.join(missing)}"
                say(f"{workload.name}: {contender.title} skipped, {result.skipped[name]}")
                continue
            for variant in contender.variants(workload, available_cores()):
                say(f"{workload.name}: starting {contender.title} ({variant.name})")
                try:
                    side = start(Job(name, variant, workload))
                except ContenderFailed as error:
                    _give_up(result, name, f"{contender.title} ({variant.name})", error)
                    continue
                timing = Timing(name, contender.title, variant.name, [])
                lanes.append(Lane(contender, name, variant, side, timing))
        yield lanes
    finally:
        for lane in lanes:
            lane.side.close()


def _give_up(result: WorkloadResult, name: str, label: str, error: ContenderFailed) -> None:
    """Note that a variant failed; without ours there is nothing to compare."""
    if name == "ours":
        raise ContenderFailed(f"{result.name}: {label} failed: {error}") from None
    result.notes.append(f"{label} failed: {error}")


def _attempt(lane: Lane, command: str, result: WorkloadResult) -> object:
    """The answer, or None if the lane failed."""
    try:
        return lane.side.ask(command)
    except ContenderFailed as error:
        _give_up(result, lane.name, lane.label, error)
        return None


def _checked(workload: Workload, lanes: list[Lane], result: WorkloadResult, say: Say) -> list[Lane]:
    """Those lanes that compute the same numbers as ours."""
    what = {
        "predict": f"the probabilities of {CHECKED_ROWS} rows",
        "start": "the row's probabilities",
        "memory": "the epoch's mean losses",
    }
    default = f"the losses of {workload.check_steps} steps"
    result.check = Check(what.get(workload.measure, default), TOLERANCE)
    ours: dict[str, list[float]] = {}
    agreeing = []
    for lane in lanes:
        if not lane.contender.checked:
            agreeing.append(lane)
            continue
        command = "check plain" if lane.contender.plain_only else "check"
        if command not in ours:
            ours[command] = _numbers(_attempt(lanes[0], command, result))
        if lane is lanes[0]:
            agreeing.append(lane)
            continue
        say(f"{workload.name}: comparing losses with {lane.label}")
        answer = _attempt(lane, command, result)
        if answer is None:
            continue
        worst = worst_difference(_numbers(answer), ours[command])
        result.check.differences[lane.label] = worst
        if worst <= TOLERANCE:
            agreeing.append(lane)
        else:
            result.notes.append(
                f"{lane.label} computes other numbers (off by {worst:.2g}, allowed {TOLERANCE:g}) "
                "and was not timed."
            )
    return agreeing


def _numbers(answer: object) -> list[float]:
    return [float(number) for number in answer] if isinstance(answer, list) else []


def _warmed_up(lanes: list[Lane], result: WorkloadResult, say: Say) -> list[Lane]:
    """One run each that does not count: compilers, caches, memory."""
    ready = []
    for lane in lanes:
        say(f"{result.name}: warming up {lane.label}")
        if _attempt(lane, "measure", result) is not None:
            ready.append(lane)
    return ready


def _time(lanes: list[Lane], runs: int, result: WorkloadResult, say: Say, rest: float) -> None:
    """A B A B …; after the first round variants that cannot win are left out."""
    running = list(lanes)
    for number in range(runs):
        say(f"{result.name}: run {number + 1} of {runs}")
        for lane in list(running):
            value = _attempt(lane, "measure", result)
            if isinstance(value, int | float):
                lane.timing.values.append(float(value))
            else:
                running.remove(lane)
            time.sleep(rest)
        if number == 0:
            running = [lane for lane in running if not _hopeless(lane, running)]
    lanes[:] = [lane for lane in lanes if lane.timing.values]


def _hopeless(lane: Lane, lanes: list[Lane]) -> bool:
    best = min(other.timing.values[0] for other in lanes if other.name == lane.name)
    return lane.timing.values[0] > HOPELESS * best


def fastest(timings: list[Timing]) -> Timing:
    """The best variant, of those that were run to the end."""
    most = max(len(timing.values) for timing in timings)
    full = [timing for timing in timings if len(timing.values) == most]
    return min(full, key=lambda timing: timing.median)


def compare(targets: tuple[Target, ...], timings: list[Timing]) -> list[Comparison]:
    """Ours beside the best variant of each contender that was timed."""
    ours = next(timing for timing in timings if timing.contender == "ours")
    comparisons = []
    for target in targets:
        theirs = [timing for timing in timings if timing.contender == target.against]
        if not theirs:
            continue
        best = fastest(theirs)
        rounds = [b / a for a, b in zip(ours.values, best.values, strict=False)]
        ratio = best.median / ours.median
        if target.at_most:
            ratio, rounds = 1 / ratio, [1 / each for each in rounds]
        comparisons.append(
            Comparison(
                target.against,
                best.title,
                best.variant,
                ratio,
                min(rounds),
                max(rounds),
                target.ratio,
                target.stretch,
                target.at_most,
            )
        )
    return comparisons
