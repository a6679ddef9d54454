"""`glassnet trace`: one training step as its equations, with their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassnet.cli.errors import clean_errors
from glassnet.cli.json_text import json_text

if TYPE_CHECKING:
    from glassnet.glass.trace import Trace

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example: glassnet trace                                  (a network of 2-2-1)\n\n"
    "Example: glassnet trace runs/iris-1 --rows 4 --out step.html"
)
@clean_errors()
def trace(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN|RUN.toml",
            help="A run's folder, or a .toml file as for train: its first step. Without it, a "
            "small example that can be followed with a pencil.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(min=1, help="Rows of the batch. Default: the run's batch size.", metavar="N"),
    ] = None,
    whole: Annotated[
        int,
        typer.Option(min=0, help="Arrays of up to so many numbers are shown whole.", metavar="N"),
    ] = 24,
    out: Annotated[
        Path | None,
        typer.Option(help="Write a page: .html, .md or .txt, by its ending.", metavar="FILE"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing FILE.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show one training step, from the inputs to the updated weights, as its equations in order."""
    if out is not None and out.exists() and not force:
        raise ValueError(f"{out} exists already: choose another name, or replace it with --force.")
    step = _example(whole) if source is None else _of_run(source, rows, whole)
    if out is not None:
        step.save(out, overwrite=force)
    if as_json:
        typer.echo(json_text(_facts(step)))
    elif out is not None:
        typer.echo(f"trace: {out}")
    else:
        from rich.console import Console

        from glassnet.glass.trace_pages import show

        show(step, Console())


def _example(whole: int) -> Trace:
    """2-2-1 with a logistic hidden layer, at numbers that come out even."""
    import math

    import numpy as np

    from glassnet.layers import Dense, Sigmoid
    from glassnet.network import Network
    from glassnet.optimizers import SGD

    network = Network([Dense(2), Sigmoid(), Dense(1)], (2,), dtype="float64")
    network.parameters["layers.0.weight"].value = [[2.0, 1.0], [-1.0, -1.0]]
    network.parameters["layers.0.bias"].value = [0.0, 1 + math.log(3)]
    network.parameters["layers.2.weight"].value = [[2.0], [-4.0]]
    network.parameters["layers.2.bias"].value = [3.0]
    x, y = np.array([[1.0, 2.0]]), np.array([3.0])
    return network.trace(x, y, loss="squared_error", optimizer=SGD(0.5), whole=whole)


def _of_run(source: Path, rows: int | None, whole: int) -> Trace:
    from glassnet.cli.opened import opened

    run = opened(source)
    count = rows or run.batch_size
    x, y = run.x[:count], run.y[:count]
    return run.network.trace(x, y, loss=run.loss, optimizer=run.optimizer, whole=whole)


def _facts(step: Trace) -> dict[str, Any]:
    """The trace for programs: equations as text, arrays as lists where they were kept."""
    from glassnet.glass.notation import text

    return {
        "title": step.title,
        "rows": step.rows,
        "loss": step.loss,
        "calls": [
            {
                "number": call.number,
                "phase": call.phase,
                "part": call.part,
                "kernel": call.kernel,
                "title": call.title,
                "source": call.source,
                "equations": [text(line.equation) for line in call.lines],
                "latex": [line.equation for line in call.lines],
                "where": text(call.where) if call.where else "",
                "flops": call.flops,
                "bytes": call.bytes,
                "seconds": call.seconds,
                **{
                    role: [
                        {
                            "symbol": text(q.symbol),
                            "shape": list(q.shape),
                            "dtype": q.dtype,
                            **vars(q.summary),
                            "values": None if q.values is None else q.values.tolist(),
                        }
                        for q in quantities
                    ]
                    for role, quantities in (("reads", call.reads), ("writes", call.writes))
                },
            }
            for call in step.calls
        ],
    }
