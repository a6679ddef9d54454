"""What is measured at one moment of a training, on a few rows that stay the same.

Everything is computed on a copy of network and optimizer, so that training goes on as if nobody had
looked. One forward and one backward pass over the probe give the activations and the gradients by
layer. One step of the copied optimizer gives the size of the updates.

The gradients of single rows need no further pass. For y = x W the gradient of row i is xᵢᵀ dyᵢ, a
matrix of rank one, so that ‖xᵢᵀ dyᵢ‖² = ‖xᵢ‖² ‖dyᵢ‖²: with ḡ the mean over n rows,

    trace of the covariance = 1/n Σ ‖xᵢ‖² ‖dyᵢ‖² − ‖ḡ‖²

and the noise in the gradient of a batch of B rows has that over B as its mean squared length.

Sources: Goodfellow, "Efficient per-example gradient computations", 2015; the choice of quantities:
Schneider, Dangel and Hennig, "Cockpit: a practical debugging tool for the training of deep neural
networks", NeurIPS 2021; the noise: McCandlish et al., "An empirical model of large-batch training",
2018, section 2.2.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from glassnet.accelerate import Array, run_layer
from glassnet.batches import Batch
from glassnet.doctor.record import LayerFigures, Moment, WeightFigures
from glassnet.layers import Dense
from glassnet.losses import Loss
from glassnet.network import Network
from glassnet.optimizers import Optimizer
from glassnet.targets import Targets, Task, predictions

PROBE_ROWS = 128
"""Rows of the probe. The share of dead units among 64 is then known to some percent."""

FLAT = 0.05
"""A sigmoid or tanh is saturated where its slope is below this share of its largest."""


@dataclass(frozen=True)
class Probe:
    """The rows that are looked at, always the same ones.

    Attributes:
        x: (rows, *input_shape). truth: (rows, K). weights: (rows,).
        labels: the classes of the rows, or None.
        batch_rows: how many rows a batch of training has.
        task: what is predicted.
    """

    x: Array
    truth: Array
    weights: Array
    labels: Array | None
    batch_rows: int
    task: Task

    @property
    def first(self) -> int:
        """How many rows, the first ones, stand for a batch."""
        return min(self.batch_rows, len(self.x))


def make_probe(
    x: Array,
    targets: Targets,
    weights: Array | None,
    batch_rows: int,
    network: Network,
    most: int = PROBE_ROWS,
) -> Probe:
    """Rows from all over the training set, in a random order that is always the same."""
    count = min(len(x), most)
    chosen = np.linspace(0, len(x) - 1, count).round().astype(np.int64)
    chosen = np.random.default_rng(0).permutation(chosen)
    truth = np.empty((count, targets.outputs), network.dtype)
    targets.take(chosen, truth)
    return Probe(
        np.ascontiguousarray(x[chosen]),
        truth,
        np.ones(count, network.dtype) if weights is None else weights[chosen].astype(network.dtype),
        targets.classes[chosen] if targets.task in ("classification", "binary") else None,
        batch_rows,
        targets.task,
    )


class Copy:
    """A copy of a network and its optimizer, to be looked at and thrown away."""

    def __init__(self, network: Network, optimizer: Optimizer, loss: Loss) -> None:
        self.network, self.optimizer, self.loss = copy.deepcopy((network, optimizer, loss))
        self._buffers = {name: buffer.copy() for name, buffer in self.network.buffers.items()}

    def forward(self, x: Array, training: bool = True) -> list[Array]:
        """The outputs of every layer, with the masks and statistics of the next step."""
        for name, buffer in self.network.buffers.items():
            buffer[...] = self._buffers[name]
        outputs = [self.network.entry(x)]
        for layer in self.network.layers:
            run = partial(layer.forward, training=training)
            outputs.append(run_layer(layer, run, outputs[-1], self.network.dtype))
        return outputs[1:]

    def judge(self, outputs: Array, probe: Probe, rows: int | None = None) -> Batch:
        """Row losses and their gradient for the first so many rows of the probe."""
        batch = Batch(len(outputs), (), probe.truth.shape[1], outputs.dtype, outputs.dtype)
        batch.truth[:], batch.weights[:] = probe.truth[:rows], probe.weights[:rows]
        self.loss.into(outputs, batch)
        return batch

    def backward(self, dy: Array) -> list[Array]:
        """∂J/∂y of every layer."""
        gradients = []
        for layer in reversed(self.network.layers):
            gradients.append(dy)
            dy = run_layer(layer, layer.backward, dy, self.network.dtype)
        return gradients[::-1]


def mean_loss(batch: Batch) -> float:
    """The loss as the history has it: a mean, whatever the reduction."""
    return float(batch.total[0] / (batch.total[1] or 1.0))


def measure(
    network: Network,
    optimizer: Optimizer,
    loss: Loss,
    probe: Probe,
    start: Array,
    epoch: int,
    step: int,
) -> Moment:
    """Everything at this moment.

    Arguments:
        network, optimizer, loss: as they are in training; only copies are touched.
        probe: the rows to look at.
        start: θ before the first step.
        epoch, step: how many are done.
    """
    twin = Copy(network, optimizer, loss)
    inference = twin.forward(probe.x, training=False)[-1]
    said = predictions(inference, probe.task, loss.threshold)
    inference_loss = mean_loss(twin.judge(inference, probe))
    outputs = twin.forward(probe.x)
    layers = [
        layer_figures(index, layer.name, y)
        for index, (layer, y) in enumerate(zip(twin.network.layers, outputs, strict=True))
    ]
    batch = twin.judge(outputs[-1], probe)
    value = mean_loss(batch)
    figures = _gradients(twin, batch, probe)
    before, after = _try_a_step(twin, probe, start, figures)
    return Moment(
        epoch,
        step,
        optimizer.learning_rate,
        value,
        inference_loss,
        before,
        after,
        layers,
        [WeightFigures(**found) for found in figures.values()],
        np.bincount(said, minlength=max(2, probe.truth.shape[1])).tolist()
        if probe.labels is not None
        else [],
    )


def layer_figures(index: int, kind: str, y: Array) -> LayerFigures:
    """See `LayerFigures`.

    >>> layer_figures(1, "ReLU", np.array([[0.0, 2.0], [0.0, 0.0]]))
    LayerFigures(layer=1, kind='ReLU', variance=0.5, rms=1.0, zeros=0.75, dead=0.5, saturated=None)
    """
    rows = y.reshape(len(y), -1).astype(np.float64)
    zeros = dead = saturated = None
    if kind == "ReLU":
        active = rows > 0
        zeros, dead = float(1 - active.mean()), float(1 - active.any(axis=0).mean())
    if kind in ("Sigmoid", "Tanh"):
        slope = 4 * rows * (1 - rows) if kind == "Sigmoid" else 1 - rows**2
        saturated = float((slope < FLAT).mean())
    variance, rms = float(rows.var(axis=0).mean()), math.sqrt(np.square(rows).mean())
    return LayerFigures(index, kind, variance, rms, zeros, dead, saturated)


def _gradients(twin: Copy, batch: Batch, probe: Probe) -> dict[str, dict[str, Any]]:
    """Signal and noise by weight matrix, from one backward pass over the probe."""
    divided = float(batch.total[1]) if twin.loss.reduction == "mean" else 1.0
    n = len(probe.x)
    dys = twin.backward(batch.gradient)
    found: dict[str, dict[str, Any]] = {}
    for index, (layer, dy) in enumerate(zip(twin.network.layers, dys, strict=True)):
        if not isinstance(layer, Dense):
            continue
        x_squared = np.square(layer.recall("x"), dtype=np.float64).sum(axis=1)
        dy_squared = np.square(dy * divided, dtype=np.float64).sum(axis=1)
        mean = float(np.linalg.norm(layer.weight.gradient.astype(np.float64))) * divided / n
        trace = max(float((x_squared * dy_squared).mean()) - mean**2, 0.0)
        found[layer.weight.name] = {
            "name": layer.weight.name,
            "layer": index,
            "units": layer.units,
            "signal": math.sqrt(dy_squared.mean()),
            "noise": trace / probe.batch_rows,
            "mean_gradient": mean,
        }
    return found


def _try_a_step(
    twin: Copy, probe: Probe, start: Array, found: dict[str, dict[str, Any]]
) -> tuple[float, float]:
    """Let the copy take one step on a batch; the loss of that batch before and after."""
    rows, network = probe.first, twin.network
    batch = twin.judge(twin.forward(probe.x[:rows])[-1], probe, rows)
    twin.backward(batch.gradient)
    if twin.loss.reduction == "sum":  # the gradient grows with the rows
        network.gradient[:] *= probe.batch_rows / rows
    before, theta = mean_loss(batch), network.theta.copy()
    for name, figures in found.items():
        weight = network.parameters[name]
        figures["gradient"] = _norm(weight.gradient)
        figures["norm"] = _norm(weight.value)
        figures["distance"] = _norm(weight.value.ravel() - start[weight.span])
        first = weight.value[:, :1]
        figures["equal_units"] = weight.shape[1] > 1 and bool((weight.value == first).all())
    twin.optimizer.step()
    for name, figures in found.items():
        weight = network.parameters[name]
        figures["update"] = _norm(weight.value.ravel() - theta[weight.span])
    after = twin.judge(twin.forward(probe.x[:rows])[-1], probe, rows)
    return before, mean_loss(after)


def _norm(array: Array) -> float:
    """‖a‖ in float64, so that squares of float32 do not overflow."""
    return float(np.linalg.norm(array.astype(np.float64)))
