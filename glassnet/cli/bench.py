"""`glassnet bench`: side by side with PyTorch, JAX, Keras and scikit-learn."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassnet.cli.errors import clean_errors

if TYPE_CHECKING:
    from rich.console import Console

    from glassnet.bench.results import Report
    from glassnet.bench.workloads import Workload

app = typer.Typer(add_completion=False)

RUNS, QUICK_RUNS = 5, 2


@app.command(
    epilog="Example: glassnet bench --json bench.json --docs docs\n\n"
    "Example: glassnet bench tabular tiny --against torch --runs 9\n\n"
    "Example: glassnet bench estimators --json estimators-comparison.json --docs docs"
)
@clean_errors()
def bench(
    workloads: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORKLOAD]…", help="Names from --list; all of them if left out."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures as JSON.")
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Keep the other workloads that the JSON file holds already."),
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="Only these: torch, jax, keras, sklearn, onnxruntime, by commas."
        ),
    ] = None,
    runs: Annotated[
        int | None, typer.Option(min=1, help=f"Counted runs of each; {RUNS}, or {QUICK_RUNS}.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A little of everything: shows that it runs.")
    ] = False,
    show_list: Annotated[
        bool, typer.Option("--list", help="List the workloads and targets, and stop.")
    ] = False,
    docs: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write benchmarks.md and scaling.md there."),
    ] = None,
    readme: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also put the table of ratios between its marks there."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Measure nothing; show this JSON file."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Time glassnet beside other frameworks doing the same work."""
    from rich.console import Console

    from glassnet.bench.pages import write_docs, write_readme
    from glassnet.bench.report import print_list, verdict
    from glassnet.bench.results import read_report

    console = Console()
    if show_list:
        print_list(console)
        return
    chosen, axes = ([], []) if workloads == ["estimators"] else _chosen(workloads)
    contenders = _contenders(against)
    if json_file is not None and json_file.exists() and not (force or update):
        raise ValueError(
            f"{json_file} exists already: add --force to replace it, --update to add to it."
        )
    if update and json_file is None:
        raise ValueError("--update needs --json FILE: the file to be updated.")
    if workloads == ["estimators"]:
        _compare_estimators(json_file, docs, source, runs, quick, force, console)
        return
    if source is not None:
        report = read_report(source)
        _show(report, console)
    else:
        earlier = json_file if update and json_file is not None and json_file.exists() else None
        report = _measure(
            chosen,
            axes,
            contenders,
            runs or (QUICK_RUNS if quick else RUNS),
            quick,
            json_file,
            read_report(earlier) if earlier else None,
            console,
        )
    console.print(verdict(report))
    written = write_docs(report, docs, overwrite=force) if docs is not None else []
    written += [write_readme(report, readme, overwrite=force)] if readme is not None else []
    for path in written:
        console.print(f"written: {path}", highlight=False)
    if any(r.check is not None and r.check.disagreeing for r in report.workloads):
        raise ValueError("some contenders computed other numbers and were not timed, see above")


def _compare_estimators(
    json_file: Path | None,
    docs: Path | None,
    source: Path | None,
    runs: int | None,
    quick: bool,
    force: bool,
    console: Console,
) -> None:
    """scikit-learn's multi-layer perceptrons beside ours; `runs` is the number of seeds."""
    from glassnet.bench import estimators

    if source is not None:
        found = estimators.read_json(source)
    else:
        seeds = runs or (QUICK_RUNS if quick else RUNS)
        found = estimators.compare(seeds, quick, say=console.print)
        if json_file is not None:
            estimators.write_json(found, json_file, overwrite=force)
    console.print(estimators.verdict(found))
    if docs is not None:
        console.print(f"written: {estimators.write_page(found, docs, force)}", highlight=False)


def _chosen(names: list[str] | None) -> tuple[list[Workload], list[str]]:
    """The workloads, and the axes along which scaling is wanted."""
    from glassnet.bench.scaling import AXES
    from glassnet.bench.workloads import WORKLOADS, workload

    if not names:
        return list(WORKLOADS), list(AXES)
    panels = {f"scaling-{axis}": axis for axis in AXES}
    axes = [axis for name, axis in panels.items() if {name, "scaling"} & {*names}]
    return [workload(name) for name in names if name not in ("scaling", *panels)], axes


def _contenders(against: str | None) -> set[str] | None:
    """The names asked for."""
    from glassnet.bench.contender import contender_class

    if against is None:
        return None
    names = {name.strip() for name in against.split(",") if name.strip()}
    for name in names:
        contender_class(name)  # says which names there are
    return names


def _measure(
    workloads: list[Workload],
    axes: list[str],
    against: set[str] | None,
    runs: int,
    quick: bool,
    json_file: Path | None,
    earlier: Report | None,
    console: Console,
) -> Report:
    """Measure and write each workload and axis at once, so that an interrupt loses only one."""
    from glassnet.bench import inputs, machine, report, scaling
    from glassnet.bench.results import Report
    from glassnet.bench.runner import run_workload
    from glassnet.bench.worker import ContenderFailed
    from glassnet.bench.workloads import WORKLOADS

    mnist = "the original files" if inputs.mnist_folder() else "a stand-in of its shape and zeros"
    fresh = Report(
        machine=machine.describe_machine(),
        packages=machine.describe_packages(),
        runs=runs,
        quick=quick,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        data={"MNIST": mnist},
    )
    warning = machine.busy()
    if warning:
        console.print(warning, style="bold")
    names = [entry.name for entry in WORKLOADS]
    total = fresh if earlier is None else earlier

    def keep() -> None:
        if earlier is not None:
            earlier.merge(fresh)
            earlier.workloads.sort(key=lambda result: names.index(result.name))
            earlier.scaling.sort(key=lambda point: [*scaling.AXES].index(point.axis))
        if json_file is not None:
            total.write(json_file)

    keep()  # an earlier file that does not fit is found out now, not in an hour
    try:
        with console.status("starting") as status:
            for entry in workloads:
                work = entry.quick() if quick else entry
                found = run_workload(work, runs, against, say=status.update)
                fresh.workloads.append(found)
                report.print_result(found, console)
                keep()
            for axis in axes:
                fresh.scaling += scaling.run_axis(axis, runs, against, quick, say=status.update)
                keep()
        if axes:
            report.print_scaling(fresh, console)
    except ContenderFailed as error:
        raise ValueError(str(error)) from error
    return total


def _show(found: Report, console: Console) -> None:
    from glassnet.bench import report

    for result in found.workloads:
        report.print_result(result, console)
    if found.scaling:
        report.print_scaling(found, console)
