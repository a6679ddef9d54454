"""Seconds of an epoch and of a prediction, ours beside other frameworks'.

They are measured as `glassnet bench` measures: everybody in a process of its own, on as many
threads as suit it best, in turn, after all have computed the same losses and probabilities. The
rows are random, as many and as wide as those of the cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from glassnet.bench.contender import contender_class, missing_packages, versions
from glassnet.bench.results import WorkloadResult
from glassnet.bench.runner import fastest, run_workload
from glassnet.bench.worker import ContenderFailed
from glassnet.bench.workloads import Architecture, Descent, Target, Workload
from glassnet.experiments.rows import Rows
from glassnet.runs.recipe import Recipe, make_loss, make_optimizer

RUNS = 3
"""Counted runs of each; their median counts."""
CALLS = 10
"""Predictions in a run."""

ACTIVATIONS = ("relu", "sigmoid", "tanh")
OPTIMIZERS = ("sgd", "momentum", "adam")


def measure(recipe: Recipe, rows: Rows, against: Sequence[str]) -> dict[str, Any]:
    """Time a cell's network in glassnet and in other frameworks.

    Arguments:
        recipe: the network, its loss, optimizer and batch size.
        rows: how many are trained on, and how many are predicted.
        against: "torch", "jax", "keras", "sklearn".

    Returns:
        `epoch` and `predict`, each with seconds by name ("ours" among them), NaN for a framework
        that is not installed; and by name the `variant` of the fastest epoch, such as "eager, 2
        cores".

    Raises:
        ValueError: for a network or a training that the frameworks are not given, or if ours can't
            be timed.
    """
    training = epoch_of(recipe, len(rows.dataset.train), against)
    held = len(rows.watched)
    predicting = replace(
        training, name="predict", measure="predict", rows=held, batch=held, calls=CALLS
    )
    try:
        epoch, predict = run_workload(training, RUNS), run_workload(predicting, RUNS)
    except ContenderFailed as error:
        raise ValueError(f"Seconds can't be measured here: {error}") from None
    steps = training.rows // training.batch
    return {
        "epoch": {name: steps * _seconds(epoch, name) for name in ("ours", *against)},
        "predict": {name: _seconds(predict, name) for name in ("ours", *against)},
        "variant": {t.contender: t.variant for t in map(fastest, _by_contender(epoch).values())},
        "notes": [*epoch.notes, *predict.notes],
    }


def epoch_of(recipe: Recipe, rows: int, against: Sequence[str]) -> Workload:
    """An epoch of a recipe's training as a workload.

    Raises:
        ValueError: as `measure`.
    """
    network, training = recipe.config.network, recipe.config.training
    optimizer = make_optimizer(recipe.config)
    loss = make_loss(recipe.config, recipe.dataset)
    batch = rows if training.batch_size == "full" else int(training.batch_size or rows)
    for what, name, known in (
        ("activation", network.activation["name"], ACTIVATIONS),
        ("optimizer", optimizer.name, OPTIMIZERS),
        ("loss", loss.name, ("cross_entropy",)),
    ):
        if name not in known:
            raise ValueError(
                f"beside times no {what} {name!r}: it knows {', '.join(known)}. "
                "Leave beside out of this experiment."
            )
    if network.layer_norm or any(not isinstance(width, int) for width in network.layers):
        raise ValueError("beside times networks given by widths of hidden layers, no layer norm.")
    inputs, outputs = recipe.network.input_shape[0], len(recipe.dataset.classes)
    return Workload(
        name="epoch",
        title="an epoch",
        measure="train",
        network=Architecture(
            (inputs, *network.layers, outputs),
            network.activation["name"],
            batch_norm=network.batch_norm,
            dropout=network.dropout,
        ),
        optimizer=Descent(
            optimizer.name,  # type: ignore[arg-type]  # one of OPTIMIZERS
            optimizer.base_learning_rate,
            getattr(optimizer, "momentum", 0.0),
        ),
        data="gaussian",
        rows=rows // batch * batch,
        batch=batch,
        compiled=False,
        targets=tuple(Target(name) for name in against),
    )


def _by_contender(result: WorkloadResult) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for timing in result.timings:
        found.setdefault(timing.contender, []).append(timing)
    return found


def _seconds(result: WorkloadResult, name: str) -> float:
    """The median of a contender's fastest variant; NaN if it was not timed."""
    timings = _by_contender(result).get(name)
    return fastest(timings).median if timings else math.nan


def versions_of(frameworks: Sequence[str]) -> dict[str, str]:
    """Versions of what is compared with, on which the figures depend; empty where not installed."""
    found: dict[str, str] = {}
    for name in frameworks:
        contender = contender_class(name)
        if not missing_packages(contender):
            found |= versions(contender)
    return found
