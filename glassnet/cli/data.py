"""`glassnet data list | show | fetch | verify`: what data there is, and what is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from glassnet.cli.errors import clean_errors
from glassnet.data import store
from glassnet.data.catalogue import CATALOGUE, Record, record

app = typer.Typer(
    no_args_is_help=True, help="List, describe, fetch and verify data sets.", add_completion=False
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list", epilog="Example: glassnet data list")
@clean_errors()
def list_sets(as_json: AsJson = False) -> None:
    """List the named data sets, and where each is."""
    rows = [_facts(entry) for entry in CATALOGUE.values()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("name", style="bold", no_wrap=True)
    for column in ("train", "test", "shape", "classes"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("where", overflow="fold")
    for row in rows:
        shape = "×".join(map(str, row["shape"]))
        counts = (f"{row['train']:,}", f"{row['test']:,}" if row["test"] else "–")
        table.add_row(row["name"], *counts, shape, str(row["classes"]), row["where"])
    Console().print(table)


@app.command(
    epilog="Example: glassnet data show titanic.csv --target survived --figure titanic.png"
)
@clean_errors()
def show(
    source: Annotated[
        str, typer.Argument(help="A named set, or a .csv, .tsv, .parquet, .npz file.")
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(help="Column to predict, for tables (repeat it for several)."),
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Also draw a picture into this .png, .svg or .pdf.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing picture.")] = False,
    as_json: AsJson = False,
) -> None:
    """Describe a data set: rows, features, ranges, classes, missing values and outliers."""
    from glassnet.data import describe, load, picture
    from glassnet.data.description import render

    dataset = load(source, target=_one_or_several(target), missing="impute")
    if figure is not None:
        picture.save(dataset, figure, force=force)
    facts = describe(dataset)
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    render(facts, Console())
    if figure is not None:
        typer.echo(f"picture: {figure}")


@app.command(epilog="Example: glassnet data fetch mnist")
@clean_errors()
def fetch(name: Annotated[str, typer.Argument(help="A named set.")]) -> None:
    """Download a named set into the cache, unless it is there, and verify it."""
    entry = record(name)
    if entry.derived_from:
        from glassnet.data import load

        load(name)
        typer.echo(f"{name}: derived from {entry.derived_from} and cached")
    elif entry.embedded:
        typer.echo(f"{name}: embedded, nothing to fetch")
    else:
        store.fetch(entry)
        typer.echo(_verified(entry))


@app.command(epilog="Example: glassnet data verify mnist")
@clean_errors()
def verify(
    name: Annotated[
        str | None, typer.Argument(help="A named set; all that are here if left out.")
    ] = None,
) -> None:
    """Compare the unpacked contents of a set's files with the published sums."""
    entries = list(CATALOGUE.values()) if name is None else [record(name)]
    failures = []
    for entry in entries:
        if not entry.archives:
            base = entry.derived_from
            typer.echo(f"{entry.name}: " + (f"derived from {base}" if base else "embedded"))
            continue
        try:
            typer.echo(_verified(entry, required=name is not None))
        except ValueError as error:  # go on: the other sets are to be verified as well
            failures.append(str(error))
    if failures:
        raise ValueError(" ".join(failures))


def _verified(entry: Record, required: bool = True) -> str:
    folder = store.verify(entry)
    if folder is not None:
        return f"{entry.name}: verified in {folder}"
    if required:
        raise ValueError(f"{entry.name} is not here: run `glassnet data fetch {entry.name}`.")
    return f"{entry.name}: not here"


def _facts(entry: Record) -> dict[str, Any]:
    train, test = entry.rows
    return {
        "name": entry.name,
        "train": train,
        "test": test,
        "shape": list(entry.shape),
        "classes": len(entry.classes),
        "where": _where(entry),
        "description": entry.description,
        "source": entry.source,
        "licence": entry.licence,
    }


def _where(entry: Record) -> str:
    if entry.embedded:
        return "embedded"
    if entry.derived_from:
        base = record(entry.derived_from)
        return f"derived from {base.name}" + ("" if store.locate(base) else ", which needs fetch")
    folder = store.locate(entry)
    return f"found in {folder}" if folder else f"needs fetch ({entry.megabytes} MB)"


def _one_or_several(target: list[str] | None) -> str | list[str] | None:
    return target[0] if target and len(target) == 1 else target
