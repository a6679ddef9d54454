"""`glassnet evaluate`: scores of a trained network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassnet.cli.errors import clean_errors

if TYPE_CHECKING:
    from glassnet.data import Part
    from glassnet.network import Network

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example: glassnet evaluate runs/digits-1\n\n"
    "Example: glassnet evaluate runs/wine-1 more.csv --json"
)
@clean_errors()
def evaluate(
    model: Annotated[
        Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run's folder or a model file.")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Labelled rows: .csv, .tsv, .parquet or .npz, raw as those trained on. "
            "Without it, the run's own test part."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="Target column(s) of FILE, if called otherwise than in training.",
            metavar="COLUMN",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Score a trained network on its test part or on a labelled file."""
    from glassnet import metrics
    from glassnet.cli.models import load_model
    from glassnet.runs.report import score_rows

    network = load_model(model)
    part = _test_part(model) if file is None else _labelled(network, file, target)
    scores = score_rows(network, part)
    if as_json:
        typer.echo(json.dumps(scores, indent=2))
        return
    from rich.console import Console

    Console().print(metrics.render(scores))


def _test_part(model: Path) -> Part:
    from glassnet.runs.folder import open_run
    from glassnet.runs.training import data_of

    if not model.is_dir():
        raise ValueError(f"{model} is a model without its data: name a file of labelled rows too.")
    part = data_of(open_run(model)).test
    if part is None:
        raise ValueError(f"{model} has no test part: name a file of labelled rows.")
    return part


def _labelled(network: Network, file: Path, target: str | None) -> Part:
    from glassnet.cli.models import missing_rule
    from glassnet.data import read_labelled

    names = network.metadata
    targets = [name.strip() for name in target.split(",")] if target else names.get("target", [])
    if not targets and file.suffix.lower() != ".npz":
        raise ValueError("The model does not know what its target is called: name it (--target).")
    return read_labelled(
        file,
        names.get("feature_names", []),
        {name: tuple(values) for name, values in names.get("categories", {}).items()},
        targets or ["y"],
        names.get("classes", []),
        missing=missing_rule(network),
        input_shape=network.input_shape,
    )
