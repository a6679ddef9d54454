"""`glassnet train`: from a data set to a run's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassnet.cli.errors import INTERRUPTED, clean_errors

if TYPE_CHECKING:
    from glassnet.callbacks import Callback
    from glassnet.runs.config import RunConfig

app = typer.Typer(add_completion=False)

DATA, NETWORK, TRAINING, RUN = "Data", "Network", "Training", "Run"


def _option(panel: str, text: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(
        *names, help=text, rich_help_panel=panel, metavar=metavar, show_default=False
    )


@app.command(
    epilog="Example: glassnet train digits\n\n"
    "Example: glassnet train wine.csv --target quality --layers 64,64 --patience 20\n\n"
    "Example: glassnet train run.toml --epochs 50 --out runs/longer"
)
@clean_errors()
def train(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA|RUN.toml",
            help="A named set (glassnet data list), a .csv, .tsv, .parquet or .npz file, or a "
            ".toml file that holds all options.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        str | None,
        _option(
            DATA,
            "Column to predict; several, separated by commas, for regression on all.",
            "--target",
            metavar="COLUMN[,COLUMN]",
        ),
    ] = None,
    positive: Annotated[
        str | None, _option(DATA, "Tell this class from all others.", metavar="CLASS")
    ] = None,
    task: Annotated[
        str | None,
        _option(DATA, "classification or regression, where the target's values leave it open."),
    ] = None,
    drop: Annotated[
        str | None,
        _option(DATA, "Columns to leave out, such as row numbers.", metavar="COLUMN[,…]"),
    ] = None,
    missing: Annotated[
        str | None,
        _option(
            DATA,
            "Missing values: refuse (default), or impute: the median, the most frequent category.",
        ),
    ] = None,
    test: Annotated[
        float | None,
        _option(
            DATA,
            "Share of the rows held out for the scores, stratified by class. Default 0.2; "
            "named sets that come with a test part keep theirs.",
            metavar="SHARE",
        ),
    ] = None,
    validation: Annotated[
        float | None,
        _option(
            DATA,
            "Share of the training rows that is watched, not learned from. Default none, "
            "or 0.1 with --patience or a plateau schedule.",
            metavar="SHARE",
        ),
    ] = None,
    scale: Annotated[
        str | None,
        _option(
            DATA,
            "Scaling of the inputs: a number to divide by, standard (mean 0, standard "
            "deviation 1), none, or auto (default): images are divided, tables standardised.",
            metavar="255|standard|none|auto",
        ),
    ] = None,
    target_scale: Annotated[
        str | None,
        _option(
            DATA,
            "Units in which numbers are learned: standard (default) or none. Predictions "
            "are in the target's own units either way.",
            metavar="standard|none",
        ),
    ] = None,
    layers: Annotated[
        str | None,
        _option(
            NETWORK,
            "Units of the hidden layers, or none for a linear model. Default 128,64.",
            metavar="N[,N…]",
        ),
    ] = None,
    activation: Annotated[
        str | None,
        _option(
            NETWORK,
            "relu (default), sigmoid, tanh, leaky_relu, prelu, elu, selu, gelu, silu, "
            "softplus, identity; with options as in leaky_relu:slope=0.2.",
            metavar="NAME",
        ),
    ] = None,
    init: Annotated[
        str | None,
        _option(
            NETWORK,
            "Initial weights, such as he_normal, xavier_uniform, orthogonal, "
            "normal:sigma=0.1. Default: what suits the activation.",
            metavar="NAME",
        ),
    ] = None,
    batch_norm: Annotated[
        bool | None,
        _option(NETWORK, "Batch norm before each activation.", "--batch-norm/--no-batch-norm"),
    ] = None,
    layer_norm: Annotated[
        bool | None,
        _option(NETWORK, "Layer norm before each activation.", "--layer-norm/--no-layer-norm"),
    ] = None,
    dropout: Annotated[
        float | None,
        _option(
            NETWORK,
            "Share of each hidden layer dropped in training, 0 ≤ share < 1. Default 0.",
            metavar="SHARE",
        ),
    ] = None,
    dtype: Annotated[
        str | None, _option(NETWORK, "float32 (default) or float64.", metavar="DTYPE")
    ] = None,
    loss: Annotated[
        str | None,
        _option(
            TRAINING,
            "cross_entropy (default for classes), binary_cross_entropy, mse (default "
            "for numbers), squared_error, mae, huber:delta=1.",
            metavar="NAME",
        ),
    ] = None,
    label_smoothing: Annotated[
        float | None,
        _option(
            TRAINING, "Share of the target spread over all classes, 0 ≤ share < 1.", metavar="SHARE"
        ),
    ] = None,
    class_weight: Annotated[
        str | None,
        _option(TRAINING, "balanced, or one number for each class.", metavar="balanced|W,W…"),
    ] = None,
    optimizer: Annotated[
        str | None,
        _option(
            TRAINING,
            "sgd, momentum, nesterov, adagrad, rmsprop, adam (default), adamw; with "
            "options as in adam:beta1=0.8.",
            metavar="NAME",
        ),
    ] = None,
    lr: Annotated[
        float | None,
        _option(
            TRAINING,
            "Learning rate, > 0. Default: the optimizer's (adam 0.001, sgd 0.01).",
            metavar="RATE",
        ),
    ] = None,
    momentum: Annotated[
        float | None,
        _option(
            TRAINING, "Momentum in [0, 1), of momentum and nesterov. Default 0.9.", metavar="SHARE"
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        _option(
            TRAINING,
            "Decoupled weight decay λ ≥ 0: W ← (1 − rate · λ) W in each step. Default 0.",
            metavar="λ",
        ),
    ] = None,
    l2: Annotated[
        float | None,
        _option(
            TRAINING,
            "L2 penalty λ ≥ 0: adds ½ λ ‖W‖² to the loss. Default 0, or 0.03 on "
            "tables below 2,000 rows without weight decay and dropout.",
            "--l2",
            metavar="λ",
        ),
    ] = None,
    clip_norm: Annotated[
        float | None,
        _option(
            TRAINING,
            "Shorten gradients that are longer than this, > 0. Default: never.",
            metavar="NORM",
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        _option(
            TRAINING,
            "Of the learning rate: cosine (default; constant with --patience), constant, "
            "cosine:warmup=2 (epochs), step:every=10,factor=0.5, exponential:decay=0.95, "
            "one_cycle, plateau:patience=5.",
            metavar="NAME[:KEY=VALUE,…]",
        ),
    ] = None,
    batch_size: Annotated[
        str | None,
        _option(
            TRAINING,
            "Rows a step, or full. Default 64, or 32 below 2,000 training rows.",
            metavar="N|full",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        _option(
            TRAINING,
            "How often to go over the training rows. Default 20, up to 500 for small "
            "sets. With --resume: how many there shall be in all.",
            metavar="N",
        ),
    ] = None,
    patience: Annotated[
        int | None,
        _option(
            TRAINING,
            "End after so many epochs without a better validation loss, and go back to "
            "the best weights; 0 is never. Default 0, or 20 for regression on tables below "
            "2,000 rows.",
            metavar="N",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        _option(
            TRAINING,
            "Decides splits, initial weights, dropout and the order of rows. Default 0.",
            metavar="N",
        ),
    ] = None,
    cross_validate: Annotated[
        int | None,
        _option(
            RUN,
            "Also train on K folds of all rows (training rows only where there is a test "
            "part of its own) and report mean and standard deviation.",
            metavar="K",
        ),
    ] = None,
    out: Annotated[
        Path | None, _option(RUN, "The run's folder. Default: runs/NAME-1, -2, …", metavar="FOLDER")
    ] = None,
    force: Annotated[
        bool, _option(RUN, "Replace the run in FOLDER, once this one is complete.", "--force")
    ] = False,
    resume: Annotated[
        Path | None,
        _option(
            RUN,
            "Go on with an interrupted run, or with more --epochs, as if it had never stopped.",
            metavar="RUN",
        ),
    ] = None,
    checkpoint_every: Annotated[
        int | None, _option(RUN, "Epochs between checkpoints. Default 1.", metavar="N")
    ] = None,
    tensorboard: Annotated[
        Path | None,
        _option(
            RUN,
            "Write what TensorBoard shows into FOLDER (needs the extra tensorboard).",
            metavar="FOLDER",
        ),
    ] = None,
    histograms: Annotated[
        bool,
        _option(
            RUN,
            "Keep histograms of weights and gradients by epoch, for `glassnet plot`.",
            "--histograms",
        ),
    ] = False,
    as_json: Annotated[
        bool, _option(RUN, "Print one JSON object, for programs.", "--json")
    ] = False,
) -> None:
    """Train a network on a named data set, a table or an .npz file.

    Ctrl-C keeps what was learned and says how to go on.
    """
    given = dict(locals())
    from glassnet.runs.config import FLAGS

    flags = {flag: given[flag] for flag in FLAGS if flag != "source"}
    if resume is not None:
        _refuse_beside_resume(source, out, force, flags)
        facts = _resume(resume, epochs, _watching(tensorboard))
    else:
        facts = _start(source, flags, out, force, _watching(tensorboard), histograms)
    _show(facts, as_json)
    if facts["interrupted"]:
        raise typer.Exit(INTERRUPTED)


def _watching(tensorboard: Path | None) -> list[Callback]:
    """What is told of the training besides the progress bar."""
    from glassnet.callbacks import TensorBoard
    from glassnet.exchange import extra

    if tensorboard is None:
        return []
    extra("tensorboardX", "tensorboard")  # missing, this is told before the data are read
    return [TensorBoard(tensorboard)]


def _start(
    source: str | None,
    flags: dict[str, Any],
    out: Path | None,
    force: bool,
    watching: list[Callback],
    histograms: bool,
) -> Any:
    from glassnet.callbacks import Histograms
    from glassnet.callbacks.progress import Progress
    from glassnet.runs.folder import choose_folder, release
    from glassnet.runs.training import start_run

    if source is None:
        raise ValueError(
            "Nothing to train on: name a data set (glassnet data list), a file, or --resume RUN."
        )
    config = _config(source, flags)
    folder = choose_folder(Path(config.data.source).stem, out, force)
    try:
        with Progress() as progress:
            if histograms:
                watching = [*watching, Histograms(folder.path / "histograms.npz")]
            return start_run(config, folder, [*watching, progress], progress.say)
    finally:
        if out is None:
            release(folder)


def _config(source: str, flags: dict[str, Any]) -> RunConfig:
    from glassnet.runs.config import load_config, read_config

    path = Path(source)
    if path.suffix.lower() == ".toml":
        return load_config(path, flags)
    if (path / "config.toml").is_file():
        raise ValueError(
            f"{source} is a run's folder: go on with it by `--resume {source}`, or repeat it "
            f"with `glassnet train {path / 'config.toml'}`."
        )
    return read_config({}, flags | {"source": source})


def _resume(run: Path, epochs: int | None, watching: list[Callback]) -> Any:
    from glassnet.callbacks.progress import Progress
    from glassnet.runs.folder import open_run
    from glassnet.runs.training import resume_run

    with Progress() as progress:
        return resume_run(open_run(run), epochs, [*watching, progress], progress.say)


def _refuse_beside_resume(
    source: str | None, out: Path | None, force: bool, flags: dict[str, Any]
) -> None:
    """A resumed run has its own settings; only the number of epochs may change."""
    given = [f"--{flag.replace('_', '-')}" for flag, value in flags.items() if value is not None]
    given += ["--out"] * (out is not None) + ["--force"] * force
    others = [flag for flag in given if flag != "--epochs"]
    if source is not None:
        others.insert(0, source)
    if others:
        raise ValueError(
            f"--resume goes on with the run's own data and settings, received {', '.join(others)} "
            "too: leave that out (only --epochs may change), or train anew."
        )


def _show(facts: dict[str, Any], as_json: bool) -> None:
    from rich.console import Console

    from glassnet import metrics
    from glassnet.runs.report import describe_folds

    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        console = Console()
        console.print(metrics.render(facts["test"]))
        _show_findings(facts)
        if "cross_validation" in facts:
            typer.echo(describe_folds(facts["cross_validation"]))
        for name, path in _paths(facts):
            typer.echo(f"{name:<9} {path}")
    if facts["interrupted"]:
        typer.echo(f"go on with: glassnet train --resume {facts['run']}", err=True)


def _show_findings(facts: dict[str, Any]) -> None:
    rules = [f"{f['rule']} in {f['where']}" for f in facts["findings"] if f["severity"] != "note"]
    if rules:
        typer.echo(f"doctor    {'; '.join(rules)}: see glassnet doctor {facts['run']}")


def _paths(facts: dict[str, Any]) -> list[tuple[str, str]]:
    run = Path(facts["run"])
    figures = [("figure" if k else "figures", path) for k, path in enumerate(facts["figures"])]
    return [("model", facts["model"]), ("report", str(run / "report.md")), *figures]
