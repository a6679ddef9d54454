"""`glassnet export`: a trained network for other programs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassnet.cli.errors import clean_errors

if TYPE_CHECKING:
    from glassnet.network import Network

app = typer.Typer(add_completion=False)

ENDINGS = {"onnx": ".onnx", "torch": ".pt", "safetensors": ".safetensors", "script": ".py"}
"""The forms, and how their files' names end."""


@app.command(
    epilog="Example: glassnet export runs/wine-1 --to onnx\n\n"
    "Example: glassnet export runs/digits-1 --to script --training --out digits.py"
)
@clean_errors()
def export(
    model: Annotated[
        Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run's folder or a model file.")
    ],
    to: Annotated[
        str,
        typer.Option(
            help="onnx: a graph that takes raw rows; torch: PyTorch's state_dict; safetensors: the "
            "same tensors, for any program; script: one Python file that needs NumPy alone.",
            metavar="onnx|torch|safetensors|script",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file. Default: named after the run, in this folder.", metavar="FILE"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    training: Annotated[
        bool,
        typer.Option(
            "--training",
            help="With --to script: the whole training too, from the run's first step on, and its "
            "rows.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Write a trained network for other programs."""
    from glassnet.cli.models import load_model
    from glassnet.registry import did_you_mean

    if to not in ENDINGS:
        raise ValueError(
            f"--to is {to!r}: expected one of {', '.join(ENDINGS)}.{did_you_mean(to, ENDINGS)}"
        )
    if training and to != "script":
        raise ValueError(f"--training goes with --to script, not with --to {to}: leave it out.")
    path = out or Path(_name(model) + ENDINGS[to])
    files = [path, path.with_suffix(".npz")] if to == "script" else [path]
    for file in files:
        if file.exists() and not force:
            raise ValueError(
                f"{file} exists already: choose another name with --out, or replace it with "
                "--force."
            )
    if training:
        _training_script(model, path, force)
    else:
        WRITERS[to](load_model(model), path, force)
    if as_json:
        typer.echo(json.dumps({"to": to, "files": [str(file) for file in files]}, indent=2))
    else:
        typer.echo("\n".join(f"{to}: {file}" for file in files))


def _name(model: Path) -> str:
    """A name for the file that can also be imported: `runs/digits-1` gives `digits_1`."""
    name = model.resolve().name if model.is_dir() else model.stem
    plain = "".join(letter if letter.isalnum() else "_" for letter in name)
    return plain if plain.isidentifier() else f"network_{plain}"


def _torch(network: Network, path: Path, force: bool) -> Path:
    from glassnet.exchange import extra
    from glassnet.files import write_atomically

    torch = extra("torch", "torch")
    tensors = {name: torch.from_numpy(array) for name, array in network.state_dict().items()}
    packed = io.BytesIO()
    torch.save(tensors, packed)
    return write_atomically(path, packed.getvalue(), overwrite=force)


WRITERS: dict[str, Callable[[Any, Path, bool], Path]] = {
    "onnx": lambda network, path, force: network.to_onnx(path, overwrite=force),
    "torch": _torch,
    "safetensors": lambda network, path, force: network.to_safetensors(path, overwrite=force),
    "script": lambda network, path, force: network.to_script(path, overwrite=force),
}


def _training_script(model: Path, path: Path, force: bool) -> None:
    """The run again from its configuration: its first weights, its rows, its steps."""
    from glassnet.runs.folder import open_run
    from glassnet.runs.training import recipe_of

    if not model.is_dir():
        raise ValueError(
            f"{model} is a model without its data: --training needs the folder of a run."
        )
    recipe = recipe_of(open_run(model))
    recipe.network.to_script(path, recipe.arguments(), overwrite=force)
    if recipe.units is not None:
        typer.echo(
            "note: the script learns the target in units of its standard deviation", err=True
        )
