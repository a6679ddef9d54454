"""`glassnet sweep`: a search over the settings of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassnet.cli.errors import clean_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassnet.experiments.sweep import Sweep, Trial

app = typer.Typer(add_completion=False)

SHOWN = 20
"""Configurations that are printed; the report has all."""


@app.command(
    epilog='Example of a file: [data] with source = "iris", [network] and [training] as for '
    "`glassnet train`, and\n\n"
    '[sweep] with method = "grid" and seeds = 3,\n\n'
    '[sweep.axes] with "training.learning_rate" = [0.001, 0.01, 0.1] and '
    '"network.layers" = [[16], [32, 16]]\n\n'
    "Example: glassnet sweep run.toml --out runs/rates\n\n"
    "Example: glassnet train runs/rates/best.toml"
)
@clean_errors()
def sweep(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="RUN.toml",
            help="A run's configuration with a [sweep] table: axes, method (grid, random, tpe), "
            "seeds, metric.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="For finished trainings, table, heat map and best.toml. "
            "Default runs/sweep-NAME; what is kept there is not trained again.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, for programs.")
    ] = False,
) -> None:
    """Train a run with many settings and rank them by validation score.

    The test part stays untouched; `glassnet train` on best.toml scores it.
    """
    from glassnet.experiments.runner import CellProgress
    from glassnet.experiments.sweep import load_sweep, run_sweep, write_sweep

    search = load_sweep(config, out)
    with CellProgress() as progress:
        trials = run_sweep(search, progress)
    facts = write_sweep(search, trials)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    _show(search, trials, facts)


def _show(search: Sweep, trials: Sequence[Trial], facts: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from glassnet.experiments.sweep import table

    head, rows = table(search, trials)
    shown = Table(box=box.SIMPLE)
    for name in head:
        shown.add_column(Text(name))
    for row in rows[:SHOWN]:
        shown.add_row(*map(Text, row))
    Console().print(shown)
    if len(rows) > SHOWN:
        typer.echo(f"… and {len(rows) - SHOWN} more in {search.out / 'README.md'}")
    if facts["figure"]:
        typer.echo(f"heat map  {facts['figure']}")
    typer.echo(f"report    {search.out / 'README.md'}")
    typer.echo(f"best      glassnet train {facts['best']['config']}")
