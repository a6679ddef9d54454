"""`glassnet plot`: pictures of a run and its network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassnet.cli.errors import clean_errors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

app = typer.Typer(add_completion=False)

KINDS = ("diagram", "activations", "histograms", "regions", "weights", "curves")


@app.command(
    epilog="Example: glassnet plot runs/iris-1 diagram histograms\n\n"
    "Example: glassnet plot runs/iris-1 regions --features petal_length,petal_width --format svg"
)
@clean_errors()
def plot(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    kinds: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE…",
            help="diagram: units and weights; activations: functions with derivatives; "
            "histograms: of weights and gradients by epoch (train --histograms; else as they are "
            "now); regions: decisions in the plane of two features; weights: of the first layer; "
            "curves: loss and score by epoch.",
        ),
    ],
    features: Annotated[
        str | None,
        typer.Option(
            help="For regions: two columns by name. Default: the first two of numbers.",
            metavar="NAME,NAME",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder. Default: figures in the run's.", metavar="FOLDER")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="png or svg.", metavar="png|svg")] = "png",
    force: Annotated[bool, typer.Option("--force", help="Replace existing pictures.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Draw pictures of a run, as PNG or SVG."""
    from glassnet import plots
    from glassnet.registry import did_you_mean
    from glassnet.runs.folder import open_run

    if form not in ("png", "svg"):
        raise ValueError(f"--format is png or svg. Received: {form!r}.")
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(
                f"There is no picture {kind!r}.{did_you_mean(kind, KINDS)} Known: "
                f"{', '.join(KINDS)}."
            )
    folder = out or open_run(run).figures
    paths = {kind: folder / f"{kind}.{form}" for kind in kinds}
    for path in paths.values():
        if path.exists() and not force:
            raise ValueError(f"{path} exists already: choose another --out, or add --force.")
    for kind, path in paths.items():
        plots.save(_figure(run, kind, features), path, overwrite=force)
    if as_json:
        typer.echo(json.dumps({kind: str(path) for kind, path in paths.items()}, indent=2))
        return
    for kind, path in paths.items():
        typer.echo(f"{kind}: {path}")


def _figure(run: Path, kind: str, features: str | None) -> Figure:
    from glassnet import plots
    from glassnet.cli.models import load_model

    drawn: dict[str, Callable[[], Figure]] = {
        "diagram": lambda: load_model(run).plot_diagram(),
        "activations": lambda: load_model(run).plot_activations(),
        "histograms": lambda: _histograms(run),
        "regions": lambda: _regions(run, features),
        "weights": lambda: plots.first_layer_weights(load_model(run)),
        "curves": lambda: _curves(run),
    }
    return drawn[kind]()


def _curves(run: Path) -> Figure:
    from glassnet import plots
    from glassnet.runs.folder import open_run

    history = open_run(run).history
    if not history.is_file():
        raise ValueError(f"{run} has no {history.name}, so there are no curves to draw.")
    return plots.curves([json.loads(line) for line in history.read_text("utf-8").splitlines()])


def _histograms(run: Path) -> Figure:
    """Those of the training, if it kept any, else those of the trained network."""
    from glassnet.cli.opened import opened
    from glassnet.glass.histograms import ROWS, Distributions, gradient_of
    from glassnet.runs.folder import open_run

    kept = open_run(run).path / "histograms.npz"
    if kept.is_file():
        return Distributions.load(kept).plot()
    look = opened(run)
    network, x = look.network, look.x[:ROWS]
    loss, targets = network.prepared_targets(look.y[:ROWS], len(x), look.loss)
    now = Distributions()
    now.add(network.epochs_trained, network, gradient_of(network, loss, x, targets))
    return now.plot()


def _regions(run: Path, features: str | None) -> Figure:
    from glassnet.cli.opened import opened
    from glassnet.registry import did_you_mean

    look = opened(run)
    names = look.network.metadata.get("feature_names") or []
    texts = look.network.metadata.get("categories") or {}
    count = look.network.input_shape[0]
    chosen = [k for k in range(count) if not names or names[k] not in texts][:2]
    if features is not None:
        wanted = [name.strip() for name in features.split(",")]
        for name in wanted:
            if name not in names:
                raise ValueError(
                    f"The run has no column {name!r}.{did_you_mean(name, names)} It has: "
                    f"{', '.join(names) or 'no names'}."
                )
        chosen = [names.index(name) for name in wanted]
    return look.network.plot_decision_regions(look.x, look.y, chosen)
