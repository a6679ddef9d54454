"""The command `glassnet`.

Each command is a module of its own that is imported when it is called, so that `glassnet --help`
and the short commands don't wait for the imports of the long ones.
"""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "train": "Train a network on a named data set, a table or an .npz file.",
    "evaluate": "Score a trained network on its test part or on a labelled file.",
    "predict": "Let a trained network predict the rows of a file.",
    "export": "Write a trained network for other programs: ONNX, PyTorch, a script.",
    "trace": "Show one training step as its equations, with their numbers.",
    "check": "Compare all gradients with central differences.",
    "plot": "Draw a run: diagram, activations, histograms, decision regions.",
    "doctor": "Say what went wrong in a training, with the evidence, and what to change.",
    "data": "List, describe, fetch and verify data sets.",
    "sweep": "Search over the settings of a run: a grid, at random, or guided.",
    "reproduce": "Run the from-scratch papers again: published beside reproduced.",
    "bench": "Time glassnet side by side with PyTorch, JAX, Keras and scikit-learn.",
}
"""The commands and what `glassnet --help` says of them; each is the `app` of a module so called."""


class LazyGroup(TyperGroup):
    """Commands that are imported when they are called, not when they are listed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}  # for suggestions
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            module = importlib.import_module(f"glassnet.cli.{name}")
            command = typer.main.get_command(module.app)
        return name, command, rest


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train, evaluate and use neural networks written from first principles.",
    epilog="Example: glassnet train digits",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from glassnet import __version__

        typer.echo(f"glassnet {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Options that belong to no command."""


def main() -> None:
    """Run the command line."""
    app(prog_name="glassnet")
