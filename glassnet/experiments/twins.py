"""Twins: a cell trained in another framework, from the same weights, on the same batches.

What is compared is the training itself: preprocessing is done once, by our layers, and the order of
rows, the batches and the learning rates are those of our trainer. A twin makes one step at a time
and says the mean loss of its batch before the step.

It goes for chains of Dense, batch norm, dropout and activations with SGD, momentum or Adam. Every
framework draws dropout masks of its own, so that losses agree only as two runs of one network do.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from glassnet.accelerate import Array
from glassnet.batches import Epoch
from glassnet.epochs import Epochs
from glassnet.experiments.cells import Cell
from glassnet.experiments.results import Record
from glassnet.experiments.work import prepared
from glassnet.files import write_atomically
from glassnet.layers import Layer
from glassnet.network import Network
from glassnet.registry import did_you_mean
from glassnet.runs.recipe import Recipe, make_loss, make_optimizer, make_schedule
from glassnet.schedules import Position, as_phases, phase_at
from glassnet.trainer import batch_starts

if TYPE_CHECKING:
    from glassnet.experiments.runner import Runner

TwinHistories = dict[tuple[tuple[str, str], ...], dict[str, dict[str, Any]]]
"""By cell, by framework: history, and how far it is from ours."""

FRAMEWORKS = {"torch": "torch_twin", "keras": "keras_twin"}
"""Frameworks by their names on the command line, and the modules of their twins."""

ACTIVATIONS = ("Identity", "Sigmoid", "Tanh", "ReLU", "Softplus", "SiLU", "ELU", "SELU")
LAYERS = (*ACTIVATIONS, "Dense", "BatchNorm", "Dropout")
OPTIMIZERS = ("sgd", "momentum", "adam")
LOSSES = ("squared_error", "mse", "cross_entropy", "binary_cross_entropy")
NEUTRAL = {"weight_decay": 0.0, "l2": 0.0, "clip_norm": None, "clip_value": None}


@dataclass(frozen=True)
class Lesson:
    """What a twin is to learn.

    Attributes:
        inputs: how many numbers a row has.
        layers: configurations, without preprocessing.
        arrays: initial weights by "layer.name".
        loss, optimizer: configurations.
        outputs: how many.
        dtype: "float32" or "float64".
    """

    inputs: int
    layers: list[dict[str, Any]]
    arrays: dict[str, Array]
    loss: dict[str, Any]
    optimizer: dict[str, Any]
    outputs: int
    dtype: str

    @property
    def divisor(self) -> int:
        """What a row's loss is divided by besides the number of rows: K for the mean of squares."""
        return self.outputs if self.loss["name"] == "mse" else 1


class Twin(Protocol):
    """A network in another framework."""

    framework: str

    def step(self, x: Array, y: Array, rate: float) -> float:
        """Take a step on a batch; returns the mean loss of its rows before it."""

    def outputs(self, x: Array) -> Array:
        """Outputs for rows, as at inference."""


def train_twins(
    cell: Cell, runner: Runner, ours: Record, names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """A cell's twins by name, trained or kept from before.

    Raises:
        ValueError: for an unknown framework, one that is not installed, or a cell whose network a
            twin can't have.
    """
    found = {}
    for name in names:
        framework = twin_class(name)
        kept = runner.store.path(cell, runner.key(cell))
        path = kept.with_name(f"{kept.stem}-{name}.json")
        if path.is_file() and not runner.fresh:
            found[framework.framework] = json.loads(path.read_text(encoding="utf-8"))
            continue
        recipe = prepared(cell, runner.rows(cell))
        own_masks = any(layer.name == "Dropout" for layer in recipe.network.layers)
        history = train_twin(framework, recipe)
        twin = {"history": history, "framework": framework.framework, "own_masks": own_masks}
        twin |= difference(ours["history"], history)
        write_atomically(path, json.dumps(twin), overwrite=True)
        found[framework.framework] = twin
    return found


def twin_class(name: str) -> Any:
    """The class of a framework's twins.

    Raises:
        ValueError: if it is unknown or not installed.
    """
    if name not in FRAMEWORKS:
        raise ValueError(
            f"There are no twins in {name!r}.{did_you_mean(name, FRAMEWORKS)} "
            f"Known: {', '.join(FRAMEWORKS)}."
        )
    try:
        return importlib.import_module(f"glassnet.experiments.{FRAMEWORKS[name]}").TWIN
    except ImportError as error:
        raise ValueError(
            f"{name} is not installed ({error}): install it, or leave it out of --compare."
        ) from None


def difference(ours: Sequence[Mapping[str, float]], twin: Sequence[Mapping[str, float]]) -> Any:
    """The largest difference in training loss between two histories, and where.

    >>> difference([{"loss": 1.0}, {"loss": 0.5}], [{"loss": 1.0}, {"loss": 0.25}])
    {'largest_difference': 0.25, 'at_epoch': 2, 'relative_difference': 0.5}
    """
    gaps = [abs(a["loss"] - b["loss"]) for a, b in zip(ours, twin, strict=False)]
    at = int(np.argmax(gaps))
    relative = gaps[at] / (abs(ours[at]["loss"]) or 1.0)
    return {
        "largest_difference": gaps[at],
        "at_epoch": at + 1,
        "relative_difference": relative,
    }


def train_twin(framework: Any, recipe: Recipe) -> list[dict[str, float]]:
    """Train a twin of a recipe's network; returns its history: loss and validation by epoch."""
    first, x = _preprocess(recipe.network, recipe.train.x)
    watched = recipe.validation
    if watched is None:
        raise ValueError("A twin needs a part to watch.")
    held_x = _preprocess(recipe.network, watched.x)[1]
    loss, targets = recipe.network.prepared_targets(
        recipe.train.y, len(x), make_loss(recipe.config, recipe.dataset)
    )
    y = np.empty((len(x), targets.outputs), recipe.network.dtype)
    targets.take(slice(None), y)
    recipe.network.loss, recipe.network.task = loss, targets.task
    _, held_targets = recipe.network.prepared_targets(watched.y, len(held_x), loss)
    held_y = np.empty((len(held_x), targets.outputs), recipe.network.dtype)
    held_targets.take(slice(None), held_y)
    twin: Twin = framework(_lesson(recipe, first, loss.config(), targets.outputs, x))
    history = []
    for epoch, batches in enumerate(_epochs(recipe), start=1):
        total = sum(twin.step(x[rows], y[rows], rate) * len(rows) for rows, rate in batches)
        outputs = np.asarray(twin.outputs(held_x), recipe.network.dtype)
        value = loss(outputs, held_y)[0]
        if loss.reduction == "sum":
            value /= len(held_x) * (targets.outputs if loss.mean_over_outputs else 1)
        right = _said(outputs, loss.threshold) == _said(held_y, 0.5)
        record = {"epoch": epoch, "loss": total / len(x), "val_loss": float(value)}
        history.append({**record, "val_accuracy": float(right.mean())})
    return history


def _said(outputs: Array, threshold: float) -> Array:
    if outputs.shape[1] == 1:
        return outputs[:, 0] > threshold
    return np.asarray(outputs.argmax(axis=1))


def _preprocess(network: Network, x: Array) -> tuple[int, Array]:
    """The first layer that learns, and the rows as they reach it."""
    y = network.entry(network.checked_inputs(x))
    for index, layer in enumerate(network.layers):
        if any(name.startswith(f"layers.{index}.") for name in network.parameters):
            return index, np.ascontiguousarray(y, network.dtype)
        if layer.needs_fit and not layer.fitted:
            layer.fit(y)
            layer.fitted = True
        y = np.array(layer.forward(y, False))
    raise ValueError("This network learns nothing, so there is nothing to compare.")


def _lesson(recipe: Recipe, first: int, loss: dict[str, Any], outputs: int, x: Array) -> Lesson:
    layers = recipe.network.layers[first:]
    optimizer = make_optimizer(recipe.config)
    options = optimizer.config()
    _refuse("layer", [layer.name for layer in layers], LAYERS)
    _refuse("optimizer", [optimizer.name], OPTIMIZERS)
    _refuse("loss", [loss["name"]], LOSSES)
    for name, neutral in NEUTRAL.items():
        if options.get(name, neutral) != neutral:
            raise ValueError(
                f"A twin has no {name} = {options[name]}: leave the cell out of twins."
            )
    return Lesson(
        inputs=x.shape[1],
        layers=[layer.config() for layer in layers],
        arrays=_arrays(recipe.network, first, layers),
        loss=loss,
        optimizer=options,
        outputs=outputs,
        dtype=recipe.network.dtype.name,
    )


def _refuse(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(
                f"A twin has no {kind} {name!r}: it knows {', '.join(known)}. "
                "Leave the cell out of twins."
            )


def _arrays(network: Network, first: int, layers: Sequence[Layer]) -> dict[str, Array]:
    """Initial weights, by the layer's number among those that a twin has."""
    found = {}
    for name, parameter in network.parameters.items():
        index, own = name.removeprefix("layers.").split(".")
        found[f"{int(index) - first}.{own}"] = np.array(parameter.value)
    return found


def _epochs(recipe: Recipe) -> Iterator[list[tuple[Array, float]]]:
    """For every epoch its batches: which rows, and the rate of the step."""
    training = recipe.config.training
    optimizer, schedule = make_optimizer(recipe.config), make_schedule(recipe.config)
    phases = as_phases(recipe.config.phases)
    schedule.prepare()
    if schedule.name == "plateau" or any(phase.momentum is not None for phase in phases):
        raise ValueError("A twin follows no plateau and no momentum of phases: leave the cell out.")
    n = len(recipe.train)
    epochs = int(training.epochs or 0)
    for epoch in range(epochs):
        phase = phase_at(phases, epoch)
        size = phase.batch_size or training.batch_size
        starts = batch_starts(
            n, n if size == "full" else int(size or n), recipe.network.minimum_training_rows
        )
        order = _order(n, len(starts), recipe.network.seed, epoch)
        base = phase.learning_rate or optimizer.base_learning_rate
        steps, count = range(epoch * len(starts), (epoch + 1) * len(starts)), len(starts)
        rates = [base * schedule.factor(Position(epoch, s, count, epochs)) for s in steps]
        yield list(zip(np.split(order, starts[1:]), rates, strict=True))


def _order(rows: int, batches: int, seed: int, epoch: int) -> Array:
    """The order of the rows in an epoch, as our trainer has it."""
    laid_out = Epoch(rows)
    laid_out.rates = np.zeros(batches)
    epochs = Epochs(laid_out, np.zeros(4), {}, seed, shuffle=True)
    epochs.arrange(batches)
    epochs.number[...] = epoch
    epochs.begin()
    return laid_out.order
