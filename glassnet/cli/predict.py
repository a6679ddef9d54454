"""`glassnet predict`: what a trained network says of new rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassnet.cli.errors import clean_errors

if TYPE_CHECKING:
    from glassnet.accelerate import Array
    from glassnet.network import Network

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example: glassnet predict runs/wine-1 new.csv --out predictions.csv --proba\n\n"
    "Example: glassnet predict runs/wine-1 new.csv --explain --figure why.png"
)
@clean_errors()
def predict(
    model: Annotated[
        Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run's folder or a model file.")
    ],
    file: Annotated[
        Path,
        typer.Argument(
            help="Rows, raw as those trained on: .csv, .tsv, .parquet (columns are found by name), "
            ".npz or .npy."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Write a .csv file instead of printing it.", metavar="FILE"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing FILE.")] = False,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add a column p(class) with the probability of each.")
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Add a column with the three inputs that moved each prediction most: + towards "
            "the predicted class, or for a single output towards the second class.",
        ),
    ] = False,
    figure: Annotated[
        Path | None,
        typer.Option(
            help="Draw what moved the first eight predictions, as .png or .svg: for images, over "
            "the image.",
            metavar="FILE",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Let a trained network predict the rows of a file."""
    from glassnet.cli.models import load_model
    from glassnet.files import write_atomically

    for path in (out, figure):
        if path is not None and path.exists() and not force:
            raise ValueError(
                f"{path} exists already: choose another name, or replace it with --force."
            )
    network = load_model(model)
    rows = _rows(network, file)
    columns = _columns(network, rows, proba)
    if explain:
        columns["because"] = _reasons(network, rows)
    if figure is not None:
        from glassnet import plots

        plots.save(network.explain(rows[:8]).plot(), figure, overwrite=force)
    if out is not None:
        write_atomically(out, _csv(columns), overwrite=force)
    if as_json:
        count = len(next(iter(columns.values())))
        facts = {"rows": count, "out": out and str(out)} | columns
        typer.echo(json.dumps(facts, indent=2))
    elif out is None:
        typer.echo(_csv(columns), nl=False)
    else:
        typer.echo(f"predictions: {out}")


def _rows(network: Network, file: Path) -> Array:
    from glassnet.cli.models import missing_rule
    from glassnet.data import read_features, read_rows

    names, missing = network.metadata, missing_rule(network)
    if names.get("feature_names") and file.suffix.lower() not in (".npz", ".npy"):
        categories = {n: tuple(values) for n, values in names.get("categories", {}).items()}
        return read_features(file, names["feature_names"], categories, missing=missing)
    target = (names.get("target") or [None])[0]
    return read_rows(file, network.input_shape, target=target, missing=missing)


def _columns(network: Network, x: Array, proba: bool) -> dict[str, list[Any]]:
    """What is written: a column or more of predictions, then the probabilities."""
    names = network.metadata
    predicted = network.predict(x)
    if network.task == "regression":
        if proba:
            raise ValueError(
                "The model predicts numbers, which have no probabilities: leave --proba out."
            )
        targets = names.get("target") or range(predicted[0].size)
        return _by_name("prediction", targets, predicted)
    count = max(2, network.output_shape[0])
    classes = names.get("classes") or [str(k) for k in range(count)]
    if network.task == "multilabel":
        columns = _by_name("prediction", classes, predicted)
    else:
        columns = {"prediction": [classes[k] for k in predicted]}
    if proba:
        probabilities = network.predict_proba(x)
        columns |= {
            f"p({name})": _numbers(probabilities[:, k])
            for k, name in enumerate(classes[: probabilities.shape[1]])
        }
    return columns


def _reasons(network: Network, x: Array) -> list[str]:
    """The inputs that moved each row's prediction most, with their contributions."""
    why = network.explain(x)
    return [
        ", ".join(f"{name} {moved:+.3g}" for name, _, moved in why.largest(row, 3))
        for row in range(len(x))
    ]


def _by_name(head: str, names: Any, values: Array) -> dict[str, list[Any]]:
    """One column called `head`, or one for each name: `prediction(height)`."""
    if values.ndim == 1:
        return {head: _numbers(values)}
    return {f"{head}({name})": _numbers(values[:, k]) for k, name in enumerate(names)}


def _numbers(values: Array) -> list[Any]:
    """As Python numbers with no more digits than it takes to read the same number back."""
    if values.dtype.kind == "f":
        return [float(str(value)) for value in values]
    return list(values.tolist())


def _csv(columns: dict[str, list[Any]]) -> str:
    import polars as pl

    return pl.DataFrame(columns).write_csv()
