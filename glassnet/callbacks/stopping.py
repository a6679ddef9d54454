"""Ending training early: because it gets no better, or because it has broken down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glassnet.accelerate import Array
from glassnet.callbacks.base import Callback

if TYPE_CHECKING:
    from glassnet.network import Network
    from glassnet.trainer import Trainer


class EarlyStopping(Callback):
    """Stop when a quantity has not improved for some epochs, and go back to the best weights.

    Arguments:
        patience: how many epochs without improvement are waited for, ≥ 1.
        monitor: a key of the history. By default `"val_loss"` if there is validation, else
            `"loss"`.
        mode: `"min"` if smaller is better, `"max"` if larger is; by default `"max"` for accuracies.
        minimum_change: what counts as an improvement, in the quantity's own units, ≥ 0.
        restore_best: put the weights and buffers of the best epoch back when training ends.

    Attributes:
        best: the best value so far.
        best_epoch: the epoch (from 1) that gave it.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> x = np.linspace(-1, 1, 40)[:, None]
        >>> y = np.random.default_rng(0).normal(size=40)                # nothing to learn
        >>> net = gn.Network([gn.Dense(30), gn.ReLU(), gn.Dense(1)], input_shape=(1,), seed=0)
        >>> history = net.fit(x, y, loss="mse", epochs=200, validation=0.5,
        ...                   callbacks=[gn.EarlyStopping(5)])
        >>> history.stopped.split(";")[0]
        'val_loss has not improved for 5 epochs'

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, algorithm 7.1; other criteria
    in Prechelt, "Early stopping — but when?", 1998.
    """

    def __init__(
        self,
        patience: int = 10,
        monitor: str | None = None,
        mode: Literal["min", "max"] | None = None,
        minimum_change: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        if patience < 1:
            raise ValueError(f"patience must be at least 1 epoch. Received: {patience}.")
        if minimum_change < 0:
            raise ValueError(f"minimum_change must be ≥ 0. Received: {minimum_change}.")
        if mode not in (None, "min", "max"):
            raise ValueError(f"mode must be 'min' or 'max'. Received: {mode!r}.")
        self.patience = patience
        self.monitor = monitor
        self.mode = mode
        self.minimum_change = minimum_change
        self.restore_best = restore_best
        self.best = math.inf
        self.best_epoch = 0
        self._weights: dict[str, Array] = {}
        self._resumed = False

    def on_fit_begin(self, trainer: Trainer) -> None:
        if not self._resumed:
            self.best, self.best_epoch, self._weights = math.inf, 0, {}
        self._resumed = False

    def on_epoch_end(self, trainer: Trainer) -> None:
        record = trainer.history[-1]
        key = self.monitor or ("val_loss" if "val_loss" in record else "loss")
        if key not in record:
            raise ValueError(
                f"EarlyStopping watches {key!r}, but the history has only {', '.join(record)}."
                + (" Pass validation to fit." if key.startswith("val_") else "")
            )
        sign = -1.0 if (self.mode or ("max" if "accuracy" in key else "min")) == "max" else 1.0
        value = record[key]
        first = not self.best_epoch and not math.isnan(value)
        if first or sign * value < sign * self.best - self.minimum_change:
            self.best, self.best_epoch = value, trainer.epoch
            self._weights = _snapshot(trainer) if self.restore_best else {}
        elif trainer.epoch - self.best_epoch >= self.patience:
            trainer.stop(
                f"{key} has not improved for {self.patience} epochs; its best was "
                f"{self.best:.6g} in epoch {self.best_epoch}"
            )

    def on_fit_end(self, trainer: Trainer) -> None:
        if self._weights and not trainer.history.interrupted:
            network = trainer.network
            network.theta[:] = self._weights["theta"]
            for name, buffer in network.buffers.items():
                buffer[...] = self._weights[name]

    def state(self) -> dict[str, Any]:
        return {"best": self.best if self.best_epoch else 0.0, "best_epoch": self.best_epoch}

    def arrays(self) -> dict[str, Array]:
        return self._weights

    def load_state(self, state: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        if state:
            self.best, self.best_epoch = state["best"], state["best_epoch"]
            self._weights = dict(arrays)
            self._resumed = True


def _snapshot(trainer: Trainer) -> dict[str, Array]:
    network = trainer.network
    return {"theta": network.theta.copy()} | {n: b.copy() for n, b in network.buffers.items()}


class StopOnNonFinite(Callback):
    """End training with `TrainingDiverged` as soon as the loss is infinite or not a number.

    Every `fit` has one, unless you pass one of your own. It acts before that loss has moved θ, so
    the network keeps the weights it had. The message names the first layer whose parameters or
    outputs are no longer finite, and what usually helps.

    Arguments:
        ignore: go on all the same (to watch a network break down).
    """

    def __init__(self, ignore: bool = False) -> None:
        self.ignore = ignore

    @property
    def stops_on_non_finite(self) -> bool:
        """Unless told to ignore it."""
        return not self.ignore

    @property
    def every_epoch(self) -> bool:
        """Not needed: a row of epochs ends after one that leaves θ with such numbers."""
        return False

    def on_non_finite_loss(self, trainer: Trainer, x: Array) -> None:
        if not self.ignore:
            where = first_non_finite(trainer.network, x)
            at = f"in epoch {trainer.epoch + 1}, step {trainer.step + 1}"
            self._stop(trainer, f"The loss became {trainer.batch_loss} {at}: {where}")

    def on_epoch_end(self, trainer: Trainer) -> None:
        if self.ignore or np.isfinite(trainer.network.theta).all():
            return
        bad = [p for p in trainer.network.parameters.values() if not np.isfinite(p.value).all()]
        where = f"{bad[0].name} holds numbers that are not finite"
        at = f"in epoch {trainer.epoch}, step {trainer.step}"
        self._stop(trainer, f"The last update was too large {at}: {where}")

    def _stop(self, trainer: Trainer, what: str) -> None:
        from glassnet.history import TrainingDiverged

        raise TrainingDiverged(
            f"{what}. Lower the learning rate (it is {trainer.optimizer.learning_rate:g}), clip "
            "the gradient (clip_norm=1.0), or scale the inputs."
        )


def first_non_finite(network: Network, x: Array) -> str:
    """Say where numbers first stop being finite: in a layer's parameters or its outputs for x."""
    y = network.entry(x)
    for index, layer in enumerate(network.layers):
        for name, parameter in network.parameters.items():
            if name.startswith(f"layers.{index}.") and not np.isfinite(parameter.value).all():
                return f"{name} ({layer!r}) holds numbers that are not finite"
        given, y = y, layer.forward(y, True)
        missing = np.isnan(given).any()  # not imputed yet: no layer's fault
        if not missing and not np.isfinite(y).all():
            return f"the outputs of layers.{index} ({layer!r}) are the first that are not finite"
    last = f"layers.{len(network.layers) - 1} ({network.layers[-1]!r})"
    return f"the outputs of {last} are still finite, but have grown to {np.abs(y).max():.3g}"


class LearningRateLog(Callback):
    """Keep the learning rate of every step.

    Attributes:
        steps: the step numbers, from 1.
        rates: the learning rate that each step used.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> log = gn.LearningRateLog()
        >>> net = gn.Network([gn.Dense(2)], input_shape=(2,), seed=0)
        >>> _ = net.fit(np.eye(2), [0, 1], loss="cross_entropy", optimizer=gn.SGD(1.0), epochs=3,
        ...             schedule=gn.schedules.Exponential(0.5), callbacks=[log])
        >>> log.rates
        [1.0, 0.5, 0.25]
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.rates: list[float] = []

    def on_step_end(self, trainer: Trainer) -> None:
        self.steps.append(trainer.step)
        self.rates.append(trainer.optimizer.learning_rate)

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps, "rates": self.rates}

    def load_state(self, state: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        self.steps, self.rates = list(state.get("steps", [])), list(state.get("rates", []))
