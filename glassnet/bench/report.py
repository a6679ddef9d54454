"""A report for people: a table on the terminal, and Markdown with figures for the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glassnet.bench.results import Comparison, Report, Timing, WorkloadResult
from glassnet.bench.scaling import AXES, best_of, growth, knees
from glassnet.bench.workloads import WORKLOADS, Target
from glassnet.files import write_atomically

if TYPE_CHECKING:
    from rich.console import Console

RATIOS, SCALING = "benchmarks.svg", "benchmarks-scaling.svg"
PAGE, NOTES = "benchmarks.md", "benchmarks-notes.md"
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
    """Print the seconds of all points and where our exponent jumps."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title="scaling: time an epoch", title_justify="left")
    for name in ("axis", "value", "ours", "PyTorch", "ratio"):
        table.add_column(name, justify="left" if name == "axis" else "right")
    for line in scaling_rows(report):
        table.add_row(*line)
    console.print(table)
    for sentence in knees(growth(report.scaling)):
        console.print(f"  knee at {sentence}", highlight=False, markup=False)


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
    table.add_row("scaling", f"time an epoch against {axes}", "reported")
    console.print(table)


def _targets(targets: tuple[Target, ...]) -> str:
    return "\n".join(f"{target.against} {show_target(target)}" for target in targets)


def scaling_rows(report: Report) -> list[Line]:
    """Axis, value, our time, PyTorch's best, ratio."""
    lines: list[Line] = []
    for point in report.scaling:
        ours, theirs = best_of(point, "ours"), best_of(point, "torch")
        if ours is None:
            continue
        beside = ("–", "–")
        if theirs is not None:
            ratio = show_ratio(theirs.median / ours.median)
            beside = (show_value(theirs.median), ratio)
        lines.append((point.axis, f"{point.value:,}", show_value(ours.median), *beside))
    return lines


# The documentation.


def write_docs(report: Report, folder: Path, overwrite: bool = False) -> list[Path]:
    """Write `benchmarks.md` and its figures; `benchmarks-notes.md`, if it is there, is taken in.

    Raises:
        ValueError: if a file exists and may not be replaced.
    """
    from glassnet.bench import figures
    from glassnet.plots import save

    drawn = {}
    if any(result.comparisons for result in report.workloads):
        drawn[folder / RATIOS] = figures.ratios(report)
    if report.scaling:
        drawn[folder / SCALING] = figures.scaling(report)
    page = folder / PAGE
    taken = [path for path in (page, *drawn) if path.exists()]
    if taken and not overwrite:
        raise ValueError(f"{taken[0]} exists already: add --force to replace it.")
    for path, figure in drawn.items():
        save(figure, path, overwrite=overwrite)
    notes = folder / NOTES
    text = markdown(report, notes.read_text("utf-8") if notes.exists() else "")
    return [write_atomically(page, text, overwrite=overwrite), *drawn]


def markdown(report: Report, notes: str = "") -> str:
    """The page: machine, table, figure, every timing, how cost grows, notes by hand."""
    parts = ["# Benchmarks", _generated(report), "## Ratios", _table(HEADER, _all_rows(report))]
    if any(result.comparisons for result in report.workloads):
        parts.append(f"![Ratios of all workloads beside their targets]({RATIOS})")
    parts += [_remarks(report)]
    if report.scaling:
        parts += _scaling_parts(report)
    parts += ["## Every timing", _table(TIMING_HEADER, _timing_rows(report))]
    parts += ["## Machine and versions", _machine(report)]
    parts += ["## Notes", notes.strip()] if notes.strip() else []
    return "\n\n".join(parts) + "\n"


TIMING_HEADER = ("workload", "contender", "way", "median", "middle half", "runs")


def _generated(report: Report) -> str:
    quick = " **A quick run: that everything works, not how fast.**" if report.quick else ""
    return (
        f"Measured on {report.date} by `glassnet bench`: {verdict(report)}.{quick} Written from "
        "its JSON by `glassnet bench --from FILE --docs docs`; change nothing here by hand.\n\n"
        f"A ratio is the contender's median over ours, of {report.runs} runs each that alternate "
        "A B A B, after one that does not count; the range is that of single rounds. Each "
        "contender is alone in its own process and run in every way that could be its best; that "
        "one counts. With “≤” it is turned round: our median over the physical floor."
    )


def _all_rows(report: Report) -> list[Line]:
    return [line for result in report.workloads for line in rows(result)]


def _remarks(report: Report) -> str:
    lines = []
    for result in report.workloads:
        said = " ".join(remarks(result))
        lines.append(f"- `{result.name}`: {result.what}; {result.unit}. {said}".rstrip())
    return "\n".join(lines)


def _scaling_parts(report: Report) -> list[str]:
    sentences = knees(growth(report.scaling))
    found = "\n".join(f"- {sentence}" for sentence in sentences)
    return [
        "## How cost grows",
        f"![Time an epoch against rows, width, depth and batch]({SCALING})",
        f"Places where our exponent jumps:\n\n{found}"
        if sentences
        else "No jump in our exponents.",
        _table(("axis", "value", "ours", "PyTorch", "ratio"), scaling_rows(report)),
    ]


def _timing_rows(report: Report) -> list[Line]:
    lines: list[Line] = []
    for result in report.workloads:
        for timing in result.timings:
            low, high = (show_value(value, result.unit) for value in timing.quartiles)
            lines.append(
                (
                    result.name,
                    timing.title,
                    timing.variant,
                    show_value(timing.median, result.unit),
                    f"{low} to {high}",
                    str(len(timing.values)),
                )
            )
    return lines


def _machine(report: Report) -> str:
    machine = {
        name.replace("_", " "): ", ".join(value) if isinstance(value, list) else str(value)
        for name, value in report.machine.items()
    }
    lines = [*machine.items(), *report.packages.items(), *report.data.items()]
    return _table(("what", "value"), [(name, value) for name, value in lines])


def _table(header: Line, lines: list[Line]) -> str:
    rule = tuple("---" for _ in header)
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *lines))
