"""A report for people: what the tables say, and how they look on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassnet.bench.results import Comparison, Report, Timing, WorkloadResult
from glassnet.bench.scaling import AXES, best_of, growth, knees
from glassnet.bench.workloads import WORKLOADS, Target

if TYPE_CHECKING:
    from rich.console import Console

HEADER = (
    "workload",
    "against",
    "ratio",
    "range",
    "target",
    "met",
    "ours",
    "theirs",
    "their best way",
)
NUMBERS = ("ratio", "range", "ours", "theirs")
SCALING_HEADER = (
    "axis",
    "value",
    "ours",
    "PyTorch",
    "its best way",
    "ratio",
    "our exponent",
    "PyTorch's",
    "timed",
)
Line = tuple[str, ...]


def show_value(value: float, unit: str = "time") -> str:
    """A measured value with three digits.

    >>> show_value(0.0000017, "time a step"), show_value(104_857_600, "memory at the peak")
    ('1.70 µs', '100 MiB')
    """
    if unit.startswith("memory"):
        return f"{_three_digits(value / 2**20)} MiB"
    size, name = next(((s, n) for s, n in ((1.0, "s"), (1e-3, "ms")) if value >= s), (1e-6, "µs"))
    return f"{_three_digits(value / size)} {name}"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def show_ratio(ratio: float) -> str:
    """A ratio with as many digits as matter.

    >>> show_ratio(2.345), show_ratio(104.2)
    ('2.35×', '104×')
    """
    return f"{_three_digits(ratio)}×"


def show_target(target: Target | Comparison) -> str:
    """What is to be reached.

    >>> show_target(Target("torch", 2.6, stretch=3))
    '≥ 2.6× (stretch 3×)'
    >>> show_target(Target("products", 1.3, at_most=True))
    '≤ 1.3×'
    """
    ratio = target.ratio if isinstance(target, Target) else target.target
    if ratio is None:
        return "–"
    stretch = f" (stretch {target.stretch:g}×)" if target.stretch else ""
    return f"{'≤' if target.at_most else '≥'} {ratio:g}×{stretch}"


def rows(result: WorkloadResult) -> list[Line]:
    """The lines of the table for one workload, in the order of `HEADER`."""
    ours = _timing(result, "ours")
    lines: list[Line] = []
    for found in result.comparisons:
        theirs = _timing(result, found.against, found.variant)
        met = {True: "yes", False: "no", None: "–"}[found.met]
        lines.append(
            (
                result.name,
                found.title,
                show_ratio(found.ratio),
                f"{show_ratio(found.low)} to {show_ratio(found.high)}",
                show_target(found),
                met,
                show_value(ours.median, result.unit),
                show_value(theirs.median, result.unit),
                found.variant,
            )
        )
    return lines


def _timing(result: WorkloadResult, contender: str, variant: str | None = None) -> Timing:
    return next(
        timing
        for timing in result.timings
        if timing.contender == contender and variant in (None, timing.variant)
    )


def remarks(result: WorkloadResult) -> list[str]:
    """What else is to be said about a workload: the check, who was skipped, notes."""
    lines = []
    if result.check is not None and result.check.differences:
        agreeing = [
            worst for worst in result.check.differences.values() if worst <= result.check.tolerance
        ]
        if agreeing:
            lines.append(
                f"Same work: {result.check.what} agree within {max(agreeing):.1g} "
                f"(allowed {result.check.tolerance:g})."
            )
    lines += [f"{name} skipped: {reason}." for name, reason in result.skipped.items()]
    return lines + result.notes


def verdict(report: Report) -> str:
    """How many targets are met.

    >>> verdict(Report({}, {}, 5, False, "", {}))
    '0 of 0 targets met'
    """
    judged = [found.met for result in report.workloads for found in result.comparisons]
    judged = [met for met in judged if met is not None]
    return f"{sum(map(bool, judged))} of {len(judged)} targets met"


# The terminal.


def print_result(result: WorkloadResult, console: Console) -> None:
    """Print one workload as soon as it is measured."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        box=SIMPLE_HEAD, title=f"{result.name}: {result.what}; {result.unit}", title_justify="left"
    )
    for name in HEADER[1:]:
        style = "bold" if name == "ratio" else ""
        table.add_column(name, justify="right" if name in NUMBERS else "left", style=style)
    for line in rows(result):
        table.add_row(*line[1:])
    if not result.comparisons:
        ours = _timing(result, "ours")
        table.add_row("nobody", "–", "–", "–", "–", show_value(ours.median, result.unit), "–", "–")
    console.print(table)
    for remark in remarks(result):
        console.print(f"  {remark}", style="dim", highlight=False, markup=False)


def print_scaling(report: Report, console: Console) -> None:
    """Print the seconds of all points, and where ours has a knee."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title="scaling: time an epoch; exponents from the value before")
    shown = [name for name in SCALING_HEADER if name not in ("its best way", "timed")]
    for name in shown:
        table.add_column(name, justify="left" if name == "axis" else "right")
    for line in scaling_rows(report):
        table.add_row(*(line[SCALING_HEADER.index(name)] for name in shown))
    console.print(table)
    for knee in knees(report.scaling):
        console.print(f"  knee at {knee}", highlight=False, markup=False)


def print_list(console: Console) -> None:
    """Print the workloads and their targets."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for name in ("workload", "what", "targets"):
        table.add_column(
            name, no_wrap=name == "workload", style="bold" if name == "workload" else ""
        )
    for entry in WORKLOADS:
        table.add_row(entry.name, str(entry), _targets(entry.targets))
    axes = "; ".join(f"{axis} {values[0]:,} to {values[-1]:,}" for axis, values in AXES.items())
    table.add_row("scaling", f"time an epoch against {axes}; also scaling-rows, …", "reported")
    estimators = "our estimators beside scikit-learn's on ten of its data sets: score, time"
    table.add_row("estimators", estimators, "reported")
    console.print(table)


def _targets(targets: tuple[Target, ...]) -> str:
    return "\n".join(f"{target.against} {show_target(target)}" for target in targets)


def scaling_rows(report: Report) -> list[Line]:
    """The lines of the table of all points, in the order of `SCALING_HEADER`."""
    grown = {(since.axis, since.high): since for since in growth(report.scaling)}
    lines: list[Line] = []
    for point in report.scaling:
        ours, theirs = best_of(point, "ours"), best_of(point, "torch")
        if ours is None:
            continue
        beside: Line = ("–", "–", "–")
        if theirs is not None:
            ratio = show_ratio(theirs.median / ours.median)
            beside = (show_value(theirs.median), theirs.variant, ratio)
        since = grown.get((point.axis, point.value))
        exponents = [None, None] if since is None else [since.ours, since.theirs]
        lines.append(
            (
                point.axis,
                f"{point.value:,}",
                show_value(ours.median),
                *beside,
                *("–" if exponent is None else f"{exponent:z.2f}" for exponent in exponents),
                f"{point.share:.0%}",
            )
        )
    return lines
