"""A run from beginning to end: data, network, training, model, scores, figures, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.callbacks import Callback
from glassnet.data import Dataset, names
from glassnet.doctor import Doctor
from glassnet.files import write_atomically
from glassnet.history import TrainingDiverged
from glassnet.runs.config import RunConfig, load_config, to_toml
from glassnet.runs.folder import Recorder, RunFolder, complete, exclusively, new_run
from glassnet.runs.recipe import (
    Recipe,
    check_parts,
    fingerprint,
    fold_score,
    folds,
    hold_out_test,
    load_data,
    prepare,
)
from glassnet.runs.report import (
    Result,
    describe_scale,
    draw_figures,
    score_rows,
    write_report,
)

if TYPE_CHECKING:
    from glassnet.trainer import History

Say = Callable[[str], None]


def start_run(
    config: RunConfig, folder: RunFolder, callbacks: list[Callback], say: Say
) -> dict[str, Any]:
    """Train anew.

    Arguments:
        config: what was asked for.
        folder: where everything goes; what stands there is replaced once this run is complete.
        callbacks: told of the training, such as `Progress`.
        say: takes notes for the user, a sentence each.

    Returns:
        What report.json holds.

    Raises:
        ValueError: for input that can't be used; nothing is left behind then.
        TrainingDiverged: if the loss is no longer a number; checkpoints stay.
    """
    check_parts(config)
    dataset = load_data(config)
    config = _stamped(config, dataset)
    recipe = prepare(config, dataset)
    if config.cross_validate is not None:
        folds(dataset, config.cross_validate, config.seed)  # too many are told before training
    say(_describe(recipe))
    for name in _identifiers(dataset):
        say(f"note: most rows have a {name} of their own: leave out identifiers by --drop {name}")
    with new_run(folder):
        write_atomically(folder.config, to_toml(recipe.config), overwrite=True)
        return _train(recipe, folder, callbacks, say)


def resume_run(
    folder: RunFolder, epochs: int | None, callbacks: list[Callback], say: Say
) -> dict[str, Any]:
    """Go on with a run from its checkpoint, bit for bit as if it had never stopped.

    Arguments:
        folder: of the run.
        epochs: how many there shall be in all, instead of what the run was begun with.
        callbacks, say: see `start_run`.

    Raises:
        ValueError: if there is nothing to go on from or with, or if the data have changed.
    """
    if not folder.checkpoint.is_file():
        raise ValueError(
            f"{folder.path} has no checkpoint, so there is nothing to go on from: train anew with "
            f"`glassnet train {folder.config}`."
        )
    with exclusively(folder.path):
        config = load_config(folder.config, {"epochs": epochs})
        _refuse_finished(folder, config)
        dataset = load_data(config)
        _refuse_other_data(config, dataset)
        recipe = prepare(config, dataset)
        say(_describe(recipe))
        write_atomically(folder.config, to_toml(recipe.config), overwrite=True)
        return _train(recipe, folder, callbacks, say, resume=folder.checkpoint)


def data_of(folder: RunFolder) -> Dataset:
    """The data of a run, with the test part that it was scored on.

    Raises:
        ValueError: if the data have changed since the run.
    """
    config = load_config(folder.config)
    dataset = load_data(config)
    _refuse_other_data(config, dataset)
    return hold_out_test(config, dataset)[1]


def recipe_of(folder: RunFolder) -> Recipe:
    """A run as it was before its first step: fresh network, rows, settings.

    Raises:
        ValueError: if the data have changed since the run.
    """
    config = load_config(folder.config)
    dataset = load_data(config)
    _refuse_other_data(config, dataset)
    return prepare(config, dataset)


def _train(
    recipe: Recipe,
    folder: RunFolder,
    callbacks: list[Callback],
    say: Say,
    resume: Path | None = None,
) -> dict[str, Any]:
    recorder = Recorder(folder, recipe.config.training.checkpoint_every)
    doctor = Doctor(file=folder.doctor)
    with _telling_what_went_wrong(folder, say):
        history = recipe.fit([doctor, recorder, *callbacks], resume)
    with _telling_how_to_go_on(folder, say):
        recipe.network.save(folder.model, overwrite=True)
        return _conclude(recipe, folder, history, doctor, say)


@contextmanager
def _telling_what_went_wrong(folder: RunFolder, say: Say) -> Iterator[None]:
    try:
        yield
    except TrainingDiverged:
        if not folder.replaced.exists():
            say(f"what went wrong, and what to change: glassnet doctor {folder.path}")
        raise


@contextmanager
def _telling_how_to_go_on(folder: RunFolder, say: Say) -> Iterator[None]:
    """The training is done and kept: what breaks off now can be made up for."""
    try:
        yield
    except (KeyboardInterrupt, ValueError, OSError):
        say(f"the training is kept; go on with: glassnet train --resume {folder.path}")
        raise


def _conclude(
    recipe: Recipe, folder: RunFolder, history: History, doctor: Doctor, say: Say
) -> dict[str, Any]:
    """Scores, figures and report."""
    dataset = recipe.dataset
    if dataset.test is None:
        raise ValueError(f"{dataset.name} has no test part to score.")
    seconds = sum(record["seconds"] for record in history)
    result = Result(history, score_rows(recipe.network, dataset.test), seconds)
    if "accuracy" in result.scores:
        doctor.hold_out(result.scores["accuracy"], len(dataset.test))
    result.findings = doctor.findings
    if not history.interrupted:
        result.folds = _cross_validate(recipe, say)
    result.figures = draw_figures(folder, recipe, result)
    facts = write_report(folder, recipe, result)
    if not history.interrupted:
        complete(folder)
    return facts


def _cross_validate(recipe: Recipe, say: Say) -> list[float]:
    """The score of each fold; empty if there are none to be, or if Ctrl-C ended it."""
    count = recipe.config.cross_validate
    if count is None:
        return []
    dataset = load_data(recipe.config)
    scores: list[float] = []
    for number, fold in enumerate(folds(dataset, count, recipe.config.seed), start=1):
        score = fold_score(recipe.config, fold)
        if score is None:
            say("cross-validation interrupted: it is left out of the report")
            return []
        scores.append(score)
        say(f"cross-validation, fold {number}/{count}: {score:.4f}")
    return scores


def _stamped(config: RunConfig, dataset: Dataset) -> RunConfig:
    """With the full path of the data and their fingerprint, so that the run can be repeated."""
    source = config.data.source
    if source not in names():
        source = str(Path(source).resolve())
    data = config.data.model_copy(update={"source": source, "fingerprint": fingerprint(dataset)})
    return config.model_copy(update={"data": data})


def _refuse_other_data(config: RunConfig, dataset: Dataset) -> None:
    known = config.data.fingerprint
    if known is not None and known != fingerprint(dataset):
        raise ValueError(
            f"{config.data.source} has changed since the run: its rows are no longer those that "
            "were trained on and tested. Put the old file back, or train anew."
        )


def _refuse_finished(folder: RunFolder, config: RunConfig) -> None:
    """A run that ended by itself has nothing to go on with, unless it gets more epochs."""
    facts = folder.read_facts()
    if not facts or facts.get("interrupted"):
        return
    done = facts.get("epochs", 0)
    if facts.get("stopped"):
        raise ValueError(
            f"{folder.path} ended early by itself ({facts['stopped']}): train anew with a longer "
            "--patience instead."
        )
    if done >= (config.training.epochs or 0):
        raise ValueError(
            f"{folder.path} has had all its {done} epochs: give it more with --epochs, for example "
            f"--epochs {2 * done}."
        )


def _identifiers(dataset: Dataset) -> list[str]:
    """Text columns that tell rows apart rather than kinds of rows."""
    most = max(20, len(dataset.train) // 2)
    return [name for name, values in dataset.categories.items() if len(values) > most]


def _describe(recipe: Recipe) -> str:
    """Data, scaling and size of what is about to be trained, in a sentence."""
    dataset, config = recipe.dataset, recipe.config
    rows = f"{len(recipe.train):,} training"
    if recipe.validation is not None:
        rows += f" + {len(recipe.validation):,} validation"
    if dataset.test is not None:
        rows += f" + {len(dataset.test):,} test"
    shape = "×".join(map(str, dataset.input_shape))
    what = f"{len(dataset.classes)} classes" if dataset.classes else "regression"
    scale = describe_scale(config.data.scale)
    penalty = (config.training.optimizer or {}).get("l2")
    return (
        f"{dataset.name}: {rows} rows of {shape}, {what}; scaling: {scale}; "
        f"{recipe.network.theta.size:,} parameters"
        + (f"; L2 penalty {penalty:g}" if penalty else "")
        + f"; batches of {config.training.batch_size}"
    )
