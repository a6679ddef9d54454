"""A report as documentation: two pages with their figures, and the README's table."""

from __future__ import annotations

from pathlib import Path

from glassnet.bench import scaling
from glassnet.bench.report import (
    HEADER,
    SCALING_HEADER,
    Line,
    remarks,
    rows,
    scaling_rows,
    show_value,
    verdict,
)
from glassnet.bench.results import Comparison, Report
from glassnet.bench.workloads import WORKLOADS
from glassnet.files import write_atomically

BENCHMARKS, SCALING = "benchmarks", "scaling"
"""The two pages: each has a `.md`, an `.svg`, and explanations by hand in a `-notes.md`."""

TIMING_HEADER = ("workload", "contender", "way", "median", "middle half", "runs")
BEGIN = "<!-- benchmarks: written by `glassnet bench --readme`, not by hand -->"
END = "<!-- end of benchmarks -->"
AGAIN = (
    "This page is written from `benchmarks.json` by `glassnet bench --from docs/benchmarks.json "
    "--docs docs --readme README.md --force`: change nothing here by hand."
)


def write_docs(report: Report, folder: Path, overwrite: bool = False) -> list[Path]:
    """Write the page of every part that was measured, and its figure.

    Raises:
        ValueError: if a file exists and may not be replaced.
    """
    from glassnet.bench import figures
    from glassnet.plots import save

    texts, drawn = {}, {}
    if report.workloads:
        texts[BENCHMARKS] = benchmarks_page
    if _compared(report):
        drawn[BENCHMARKS] = figures.ratios
    if report.scaling:
        texts[SCALING], drawn[SCALING] = scaling_page, figures.scaling
    files = [folder / f"{name}.md" for name in texts] + [folder / f"{name}.svg" for name in drawn]
    taken = [path for path in files if path.exists()]
    if taken and not overwrite:
        raise ValueError(f"{taken[0]} exists already: add --force to replace it.")
    for name, page in texts.items():
        write_atomically(folder / f"{name}.md", page(report, read_notes(folder, name)), overwrite)
    for name, draw in drawn.items():
        save(draw(report), folder / f"{name}.svg", overwrite)
    return files


def _compared(report: Report) -> bool:
    return any(result.comparisons for result in report.workloads)


def read_notes(folder: Path, name: str) -> str:
    """What was written by hand for a page, or nothing."""
    path = folder / f"{name}-notes.md"
    return path.read_text("utf-8").strip() if path.exists() else ""


def write_readme(report: Report, path: Path, overwrite: bool = False) -> Path:
    """Put the table of ratios between its two marks in a file.

    Raises:
        ValueError: if the file has no marks, or may not be changed.
    """
    text = path.read_text("utf-8") if path.exists() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no place for the table: a line {BEGIN!r}, then {END!r}.")
    if not overwrite:
        raise ValueError(f"{path} exists already: add --force to change its table.")
    return write_atomically(path, before + readme_block(report) + after, overwrite=True)


def readme_block(report: Report) -> str:
    """The table of ratios, with its marks and what it says."""
    return "\n\n".join([BEGIN, f"{_standing(report)} {READING}", ratio_table(report), END])


READING = (
    "A figure is the other's time, in its best way, over glassnet's, and for memory likewise its "
    "bytes: above 1×, in bold, glassnet is ahead."
)


def _standing(report: Report) -> str:
    found = [comparison for _, comparison in _peers(report)]
    ahead = sum(comparison.ratio > 1 for comparison in found)
    where = f"{report.machine.get('processor')}, {report.machine.get('cores')} cores"
    return (
        f"Measured on {report.date} ({where}): glassnet is ahead in {ahead} of {len(found)} "
        "comparisons."
    )


def _peers(report: Report) -> list[tuple[str, Comparison]]:
    """All comparisons with others, which leaves out the physical floor, by workload."""
    return [
        (result.name, comparison)
        for result in report.workloads
        for comparison in result.comparisons
        if not comparison.at_most
    ]


def ratio_table(report: Report) -> str:
    """A line for each workload, a column for each contender."""
    titles = {entry.name: entry.title for entry in WORKLOADS}
    found = _peers(report)
    columns = dict.fromkeys(comparison.title for _, comparison in found)
    cells = {(name, c.title): _short_ratio(c.ratio) for name, c in found}
    names = dict.fromkeys(name for name, _ in found)
    lines = [
        (titles.get(name, name), *(cells.get((name, title), "") for title in columns))
        for name in names
    ]
    return _table(("", *columns), lines, numbers=len(columns))


def _short_ratio(ratio: float) -> str:
    """A ratio with two digits, in bold where ours is ahead."""
    text = f"{ratio:.0f}×" if ratio >= 10 else f"{ratio:#.2g}×"
    return f"**{text}**" if ratio > 1 else text


# The pages.


def benchmarks_page(report: Report, notes: str = "") -> str:
    """Ratios first, then what stands in the way, every figure, and on what machine."""
    parts = [
        "# Benchmarks",
        "**A quick run: it shows that everything works, not how fast.**" if report.quick else "",
        "The same training, predictions and starts, done by glassnet and by the libraries that "
        "people take for it otherwise: from equal weights, on equal rows, and losses or "
        "probabilities are compared before anything is timed.",
        *(_ratios(report) if _compared(report) else []),
        "`make bench` in a clone measures all of it again, and `glassnet bench tabular --against "
        "torch` one line of it where those packages are installed; `glassnet bench --list` names "
        f"the lines. {AGAIN}",
        f"[How cost grows]({SCALING}.md) is a page of its own." if report.scaling else "",
        notes,
        "## Every ratio, with its range and target",
        _how_measured(report),
        _table(HEADER, [line for result in report.workloads for line in rows(result)]),
        "## What is computed",
        _what_is_computed(report),
        "## Every timing",
        _table(TIMING_HEADER, _timing_rows(report)),
        "## Machine and versions",
        _machine(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _ratios(report: Report) -> list[str]:
    return [
        f"{_standing(report)} {READING}",
        ratio_table(report),
        f"Beside their targets, with ranges; {verdict(report)}:",
        f"![Ratios of all comparisons beside their targets]({BENCHMARKS}.svg)",
    ]


def _how_measured(report: Report) -> str:
    return (
        "A ratio is the contender's median over ours, of "
        f"{_counted(report.runs, 'run')} each that alternate A B A B, after one that does not "
        "count; the range is that of single rounds. Each contender is alone in its own process and "
        "runs in every way that could be its best, on one core and on all; the best counts. With "
        "“≤” it is turned round: our median over the physical floor, which is the matrix products "
        "of a step and nothing else."
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _what_is_computed(report: Report) -> str:
    lines = []
    for result in report.workloads:
        said = " ".join(remarks(result))
        lines.append(f"- `{result.name}`: {result.what}; {result.unit}. {said}".rstrip())
    return "\n".join(lines)


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
    return _table(
        ("what", "value"), [*machine.items(), *report.packages.items(), *report.data.items()]
    )


def scaling_page(report: Report, notes: str = "") -> str:
    """The figure, where our curves have knees, why, and every point."""
    knees = [f"- {knee}" for knee in scaling.knees(report.scaling)]
    parts = [
        "# How cost grows",
        "Seconds that an epoch of training takes, against the number of rows, the width, the depth "
        "and the batch, beside PyTorch at its best of one thread and all. What is not varied is "
        f"held: {scaling.INPUTS} inputs, {scaling.DEPTH} hidden layers of {scaling.WIDTH} ReLU "
        f"units, {scaling.OUTPUTS} classes, {scaling.ROWS:,} rows, batches of {scaling.BATCH}, "
        "cross-entropy, Adam.",
        f"![Time an epoch against rows, width, depth and batch, log-log]({SCALING}.svg)",
        "## Knees",
        "Between neighbouring points time grows as valueᵏ. A knee is a point at which our exponent "
        f"k rises by more than {scaling.KNEE}, and by so much more than PyTorch's does there.",
        "\n".join(knees) or "There is none.",
        notes,
        "## Every point",
        f"Medians of {_counted(report.runs, 'run')} that alternate A B A B, after one that does "
        "not count; exponents are those since the line before, of the shortest runs. Short epochs "
        "are repeated within a run. Of long ones, except along the axis of rows, only so many "
        "steps are timed as take about a second, and their time is scaled up: the last column has "
        "the share of an epoch that was timed. PyTorch runs eagerly, with fused Adam. Machine and "
        f"versions are on [the page of benchmarks]({BENCHMARKS}.md).",
        _table(SCALING_HEADER, scaling_rows(report)),
        "`make bench WORKLOADS=scaling BENCH_OPTIONS=--update` in a clone measures this again. "
        + AGAIN,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(header: Line, lines: list[Line], numbers: int = 0) -> str:
    """A Markdown table whose last `numbers` columns are flush right."""
    rule = ("---",) * (len(header) - numbers) + ("--:",) * numbers
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *lines))
