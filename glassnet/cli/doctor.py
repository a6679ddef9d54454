"""`glassnet doctor`: what went wrong in a training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassnet.cli.errors import clean_errors
from glassnet.cli.json_text import json_text

if TYPE_CHECKING:
    from glassnet.doctor import Record

app = typer.Typer(add_completion=False)

FOUND = 3
"""The exit status if there is an error or a warning among the findings."""


@app.command(
    epilog="Example: glassnet doctor runs/digits-1\n\n"
    "Example: glassnet doctor runs/wine-1 --html wine.html --threshold dead_share=0.7\n\n"
    "Exit status: 0 if nothing worse than a note was found, 3 if there are errors or warnings, "
    "1 for bad input."
)
@clean_errors()
def doctor(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run's folder, also of one that broke down.")
    ],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with plots.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the findings as Markdown.")
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="Set a threshold; see docs/doctor.md."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Say what went wrong in a training, with the evidence, and what to change.

    Reads what `glassnet train` has recorded; nothing is trained or loaded again.
    """
    from glassnet.doctor import Thresholds, diagnose
    from glassnet.doctor.report import render, to_html, to_markdown
    from glassnet.files import write_atomically

    for path in (html, markdown):
        if path is not None and path.exists() and not force:
            raise ValueError(
                f"{path} exists already: choose another name, or replace it with --force."
            )
    record = _read(run)
    findings = diagnose(record, Thresholds().changed(_numbers(threshold or [])))
    if html is not None:
        write_atomically(html, to_html(findings, record, f"Findings in {run}"), overwrite=force)
    if markdown is not None:
        write_atomically(markdown, to_markdown(findings, record), overwrite=force)
    if as_json:
        typer.echo(json_text([finding.to_dict() for finding in findings]))
    else:
        from rich.console import Console

        Console().print(render(findings, record), highlight=False)
    if any(finding.severity != "note" for finding in findings):
        raise typer.Exit(FOUND)


def _read(run: Path) -> Record:
    from glassnet.doctor import read_record
    from glassnet.runs.folder import open_run

    folder = open_run(run)
    if not folder.doctor.is_file():
        raise ValueError(
            f"{run} has no {folder.doctor.name}: its first epoch has not ended, or it was trained "
            f"by an older version. Train it again with `glassnet train {folder.config}`."
        )
    return read_record(folder.doctor)


def _numbers(settings: list[str]) -> dict[str, float]:
    """`["dead_share=0.7"]` as `{"dead_share": 0.7}`."""
    numbers = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"A threshold is set as in dead_share=0.7. Received: {setting!r}.")
        numbers[name.strip()] = number
    return numbers
