"""`glassnet check`: are the gradients of this network right?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from glassnet.cli.errors import clean_errors
from glassnet.cli.json_text import json_text

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example: glassnet check runs/iris-1\n\nExample: glassnet check run.toml --rows 5 --json"
)
@clean_errors()
def check(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|RUN.toml", help="A run's folder, or a .toml file as for train."
        ),
    ],
    rows: Annotated[
        int, typer.Option(min=1, help="How many training rows the loss is taken over.", metavar="N")
    ] = 8,
    most: Annotated[
        int,
        typer.Option(
            min=1, help="Of larger arrays, check so many numbers, drawn at random.", metavar="N"
        ),
    ] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Compare all gradients with central differences, in float64; status 1 if one is wrong."""
    from glassnet.cli.opened import opened
    from glassnet.glass.gradient_check import gradient_check

    run = opened(source)
    x, y = run.x[:rows], run.y[:rows]
    report = gradient_check(run.network, run.loss, x, y, most=most)
    if as_json:
        facts = {
            "passed": report.passed,
            "loss": report.loss,
            "gradients": [asdict(row) | {"passed": row.passed} for row in report.rows],
            "suspicions": list(report.suspicions),
        }
        typer.echo(json_text(facts))
    else:
        typer.echo(str(report))
        typer.echo("all gradients are right" if report.passed else "a gradient is WRONG")
    if not report.passed:
        raise typer.Exit(1)
