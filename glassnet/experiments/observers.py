"""What is measured while a cell trains: columns beside those of the history."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

import numpy as np

from glassnet.accelerate import Array
from glassnet.callbacks import Callback
from glassnet.experiments import columns
from glassnet.experiments.rows import Rows
from glassnet.experiments.specification import RecordSettings, StepRecord
from glassnet.network import Network

if TYPE_CHECKING:
    from glassnet.trainer import Trainer

MOST_PROBED = 2_000
"""Training rows on which units and gradients are looked at."""


class Observer(Callback):
    """Adds columns to the history after each epoch, and to `start` before the first.

    Attributes:
        start: the same columns before training.
        history: the trainer's, so that it is known even if training breaks down.
    """

    def __init__(self, record: RecordSettings, rows: Rows) -> None:
        self.record = record
        self.rows = rows
        self.start: dict[str, float] = {}
        self.history: list[dict[str, float]] = []

    def on_fit_begin(self, trainer: Trainer) -> None:
        self.history = trainer.history
        if self.record.each_epoch:
            self.start = self.columns(trainer.network, 0)

    def on_epoch_end(self, trainer: Trainer) -> None:
        trainer.history[-1].update(self.columns(trainer.network, trainer.epoch))

    def columns(self, network: Network, epoch: int) -> dict[str, float]:
        """All columns that were asked for, after an epoch."""
        found: dict[str, float] = {}
        dataset, wanted = self.rows.dataset, self.record.each_epoch
        for name, part in (("train", dataset.train), ("test", dataset.test)):
            if name in wanted and part is not None:
                scores = network.evaluate(part.x, part.y)
                found |= {f"{name}_{key}": value for key, value in scores.items()}
        if "classes_predicted" in wanted or "recall_by_class" in wanted:
            found |= self._predicted(network)
        if "dead_units" in wanted:
            found |= dead_units(network, dataset.train.x[:MOST_PROBED])
        if "gradient_norms" in wanted:
            x, y = dataset.train.x[:MOST_PROBED], dataset.train.y[:MOST_PROBED]
            found |= gradient_norms(network, x, y)
        for name in wanted:
            if name in columns.OWN:
                found |= columns.OWN[name](network, self.rows, epoch)
        return found

    def _predicted(self, network: Network) -> dict[str, float]:
        truth = self.rows.watched.y
        said = network.predict(self.rows.watched.x)
        counts = np.bincount(said, minlength=len(self.rows.dataset.classes))
        found = {
            "classes_predicted": float(np.count_nonzero(counts)),
            "said_class": float(counts.argmax()),
        }
        if "recall_by_class" in self.record.each_epoch:
            for k, name in enumerate(self.rows.dataset.classes):
                found[f"recall.{name}"] = float((said[truth == k] == k).mean())
        return found


def dead_units(network: Network, x: Array) -> dict[str, float]:
    """The share of rectified units that answer 0 to every row, in all and by layer.

    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(2, "zeros"), gn.ReLU()], input_shape=(1,))
    >>> dead_units(net, np.ones((3, 1)))
    {'dead_units': 1.0, 'dead_units.1': 1.0}
    """
    dead: dict[str, Array] = {}
    with network.lock:
        y = network.entry(network.checked_inputs(x))
        for index, layer in enumerate(network.layers):
            y = layer.forward(y, False)
            if layer.name == "ReLU":
                dead[f"dead_units.{index}"] = np.asarray((y <= 0).all(axis=0))
    every = np.concatenate([units.ravel() for units in dead.values()]) if dead else np.zeros(1)
    return {"dead_units": float(every.mean())} | {k: float(v.mean()) for k, v in dead.items()}


def gradient_norms(network: Network, x: Array, y: Array) -> dict[str, float]:
    """‖∂J/∂W‖ of every weight matrix, as `gradient_norm.<layer>`, layers counted from 1.

    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(1, "zeros")], input_shape=(1,), dtype="float64")
    >>> _ = net.fit(np.ones((2, 1)), np.ones(2), loss="squared_error", epochs=1)
    >>> list(gradient_norms(net, np.ones((2, 1)), np.ones(2)))
    ['gradient_norm.1']
    """
    network.loss_and_gradient(x, y, training=network.minimum_training_rows > 1)
    weights = [p for name, p in network.parameters.items() if name.endswith(".weight")]
    return {
        f"gradient_norm.{number}": float(np.linalg.norm(p.gradient))
        for number, p in enumerate(weights, start=1)
    }


class StepLosses(Callback):
    """The loss after each of the first steps of an epoch; training ends after them.

    Attributes:
        values: the loss before the first of these steps, then after each.
    """

    def __init__(self, record: StepRecord, rows: Rows) -> None:
        self.record = record
        self.rows = rows
        self.values: list[float] = []

    @property
    def change(self) -> float:
        """The last of them less the first; NaN if training broke down before there were any."""
        return self.values[-1] - self.values[0] if self.values else math.nan

    def on_epoch_begin(self, trainer: Trainer) -> None:
        if trainer.epoch + 1 == self.record.from_epoch and self.record.on != "batch":
            self.values.append(self._loss(trainer))

    def on_step_end(self, trainer: Trainer) -> None:
        if trainer.epoch + 1 != self.record.from_epoch:
            return
        self.values.append(self._loss(trainer))
        if len(self.values) >= self.record.count + (self.record.on != "batch"):
            trainer.stop(f"the losses of {self.record.count} steps are recorded")

    def _loss(self, trainer: Trainer) -> float:
        if self.record.on == "batch":
            return trainer.batch_loss
        dataset = self.rows.dataset
        part = dataset.train if self.record.on == "train" else dataset.test
        if part is None:
            raise ValueError("record.steps on test needs a test part: use on = 'train'.")
        return trainer.network.evaluate(part.x, part.y)["loss"]


class Halt(Callback):
    """Ends training when an event is set, within some 50 ms of compiled steps."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    @property
    def every_step(self) -> bool:
        """It need not hear of each step."""
        return False

    def on_step_end(self, trainer: Trainer) -> None:
        if self.event.is_set():
            trainer.stop("halted")
