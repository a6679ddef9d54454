"""One cell: trained, measured, and written down as a record that JSON can hold.

cell, repetition, seed, start_seed     which one
history                                a record an epoch, with the columns of [record]
diverged                               why training broke down, or null
measured                               what was measured at the end, and `start` before it
setup                                  the set-up, every open value decided
seconds, parameters, versions
"""

from __future__ import annotations

import hashlib
import json
import platform
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from glassnet import metrics
from glassnet.callbacks import Callback
from glassnet.data import Part
from glassnet.experiments import speed
from glassnet.experiments.cells import Cell
from glassnet.experiments.observers import Halt, Observer, StepLosses
from glassnet.experiments.results import Record
from glassnet.experiments.rows import Rows
from glassnet.history import TrainingDiverged
from glassnet.network import Network
from glassnet.plots import wrong_rows
from glassnet.runs.recipe import Recipe, prepare

OF_CLASSES = ("classes_predicted", "recall_by_class")
"""Columns that only a classifier has."""
PREDICTIONS = 5
"""How often predicting is timed; the median counts."""


def digest(cell: Cell, rows: Rows, parts: str = "") -> str:
    """SHA-256 of everything that decides a cell's record.

    Arguments:
        cell: the set-up, its seeds and what is recorded.
        rows: their contents count.
        parts: the source of a paper's own parts.
    """
    from glassnet import __version__

    decides = {
        "setup": cell.setup.model_dump(mode="json"),
        "start_seed": cell.start_seed,
        "record": cell.record.model_dump(mode="json"),
        "rows": rows.digest,
        "parts": parts,
        "version": __version__,
    }
    if cell.beside:
        decides["beside"] = speed.versions_of(cell.beside)
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def prepared(cell: Cell, rows: Rows) -> Recipe:
    """The cell's network with its initial weights, and its rows."""
    recipe = prepare(cell.setup, rows.dataset)
    if cell.start_seed is not None:
        shared = prepare(cell.setup.model_copy(update={"seed": cell.start_seed}), rows.dataset)
        recipe.network.theta[:] = shared.network.theta
    return replace(recipe, train=rows.dataset.train, validation=rows.watched)


def run_cell(
    cell: Cell,
    rows: Rows,
    halt: threading.Event,
    model: Path | None = None,
    callbacks: Sequence[Callback] = (),
) -> Record | None:
    """Train a cell.

    Arguments:
        cell, rows: what, and on which rows.
        halt: ends training when it is set.
        model: where the network goes, if the record asks for it.
        callbacks: told of the training as well.

    Returns:
        The record; None if it was halted.

    Raises:
        ValueError: if what is recorded needs classes and there are none.
        KeyboardInterrupt: after Ctrl-C.
    """
    _check_record(cell, rows)
    started = time.perf_counter()
    recipe = prepared(cell, rows)
    observer = Observer(cell.record, rows)
    observers: list[Callback] = [observer, Halt(halt)]
    steps = None if cell.record.steps is None else StepLosses(cell.record.steps, rows)
    diverged = None
    try:
        history = recipe.fit([*observers, *([] if steps is None else [steps]), *callbacks])
        if history.interrupted:  # only where this is the main thread
            raise KeyboardInterrupt
    except TrainingDiverged as error:
        diverged = str(error)
    if halt.is_set():
        return None
    measured = _measure(cell, recipe, rows) if diverged is None else {}
    measured["start"] = observer.start
    if steps is not None:
        measured["steps"] = steps.values
        measured["steps_change"] = steps.change
    if cell.record.model and model is not None:
        recipe.network.save(model, overwrite=True)
    return {
        "experiment": f"{cell.paper}/{cell.experiment}" if cell.paper else cell.experiment,
        "cell": dict(cell.labels),
        "repetition": cell.repetition,
        "seed": cell.setup.seed,
        "start_seed": cell.start_seed,
        "history": [dict(epoch) for epoch in observer.history],
        "diverged": diverged,
        "measured": measured,
        "setup": recipe.config.model_dump(mode="json", exclude_none=True),
        "parameters": int(recipe.network.theta.size),
        "seconds": time.perf_counter() - started,
        "versions": versions(),
    }


def _check_record(cell: Cell, rows: Rows) -> None:
    """Refuse to record about classes where numbers are regressed on."""
    record = cell.record
    asked = [name for name in record.each_epoch if name in OF_CLASSES]
    asked += [name for name in ("mistakes", "predictions") if getattr(record, name)]
    if asked and rows.dataset.task == "regression":
        raise ValueError(
            f"[record] asks for {', '.join(asked)}, which need classes, but the targets of "
            f"{rows.dataset.name} are numbers: leave that out."
        )


def _measure(cell: Cell, recipe: Recipe, rows: Rows) -> dict[str, Any]:
    """What is known of the trained network."""
    network, record = recipe.network, cell.record
    parts = {"watched": rows.watched}
    if rows.dataset.test is not None:
        parts["test"] = rows.dataset.test
    measured: dict[str, Any] = {
        name: network.evaluate(part.x, part.y) for name, part in parts.items()
    }
    if record.scores:
        measured["scores"] = _scores(network, rows.watched, rows.dataset.classes)
    if record.predictions:
        measured["predictions"] = _answers(
            network, rows, np.arange(min(record.predictions, len(rows.watched)))
        )
    if record.mistakes:
        probabilities = network.predict_proba(rows.watched.x)
        wrong = wrong_rows(rows.watched.y, probabilities, record.mistakes)
        measured["mistakes"] = _answers(network, rows, wrong)
    if record.predict_seconds:
        measured["predict_seconds"] = _time_prediction(network, rows.watched)
    if cell.beside:
        measured["speed"] = speed.measure(recipe, rows, cell.beside)
    return measured


def _scores(network: Network, part: Part, classes: tuple[str, ...]) -> dict[str, Any]:
    task = network.task or "classification"
    proba = None if task == "regression" else network.predict_proba(part.x)
    return metrics.report(task, part.y, network.predict(part.x), proba, classes)


def _answers(network: Network, rows: Rows, which: Any) -> list[dict[str, Any]]:
    """Row, truth and probabilities of some rows of the watched part."""
    if not len(which):
        return []
    probabilities = network.predict_proba(rows.watched.x[which])
    return [
        {"row": int(row), "is": int(rows.watched.y[row]), "probabilities": said.tolist()}
        for row, said in zip(which, probabilities, strict=True)
    ]


def _time_prediction(network: Network, part: Part) -> float:
    seconds = []
    for _ in range(PREDICTIONS):
        started = time.perf_counter()
        network.predict(part.x)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def versions() -> dict[str, str]:
    """What the figures depend on besides the set-up."""
    from glassnet import __version__

    return {
        "glassnet": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
    }
