"""What is known before the first step: the setting of a training, and its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassnet.accelerate import Array
from glassnet.callbacks import EarlyStopping
from glassnet.doctor.measuring import Copy, Probe, make_probe, mean_loss
from glassnet.doctor.record import Column, Setting
from glassnet.layers import Dense
from glassnet.losses import Loss
from glassnet.network import Network
from glassnet.targets import Targets

if TYPE_CHECKING:
    from glassnet.trainer import Trainer

MOST_CONSTANTS = 20
"""So many constant features are named."""

FIRST_ROWS = 384
"""Rows whose loss is taken before the first step: a third of the doctor's time in a first epoch."""

CHOSEN = 1000
"""Rows on which features are looked at first, and classes counted in the end."""


def read_setting(trainer: Trainer, probe: Probe) -> Setting:
    """The setting of a training that is about to begin."""
    network, targets, x = trainer.network, trainer.steps.targets, trainer.steps.x
    is_classes = targets.task in ("classification", "binary")
    constants = constant_features(x) if x.ndim == 2 else []
    names = feature_names(network)
    loss, error, largest = first_pass(trainer)
    return Setting(
        layers=[layer.config() for layer in network.layers],
        task=targets.task,
        loss=trainer.loss.config(),
        optimizer=trainer.optimizer.config(),
        schedule=trainer.schedule.config(),
        batch_size=trainer.steps.largest_batch,
        rows=len(x),
        epochs=trainer.epochs,
        restores_best=any(
            isinstance(callback, EarlyStopping) and callback.restore_best
            for callback in trainer.callbacks
        ),
        initial_loss=loss,
        initial_error=error,
        baseline=baseline(trainer.loss, targets, trainer.steps.weights),
        counts=_counts(targets) if is_classes else [],
        classes=[str(name) for name in network.metadata.get("classes", [])],
        largest=largest,
        constant=[
            Column(c, names[c] if c < len(names) else "", float(x[0, c]), 0.0)
            for c in constants[:MOST_CONSTANTS]
        ],
        constants=len(constants),
        features=int(np.prod(network.input_shape)),
        probed=[]
        if probe.labels is None
        else np.bincount(probe.labels, minlength=max(2, targets.outputs)).tolist(),
        validation_rows=0 if trainer.validation is None else len(trainer.validation[0]),
    )


def _counts(targets: Targets) -> list[int]:
    counts: list[int] = np.bincount(targets.classes, minlength=max(2, targets.outputs)).tolist()
    return counts


def feature_names(network: Network) -> list[str]:
    """The names of the inputs, if the network knows them."""
    return [str(name) for name in network.metadata.get("feature_names", [])]


def constant_features(x: Array) -> list[int]:
    """The columns of x (n, features) that have one value only.

    A few rows tell of most columns that they are not constant, and the others are read whole.

    >>> constant_features(np.array([[1.0, 2.0], [1.0, 3.0]]))
    [0]
    """
    few = x[np.linspace(0, len(x) - 1, min(len(x), CHOSEN)).astype(np.int64)]
    doubtful = np.flatnonzero((few == few[0]).all(axis=0))
    found: list[int] = [int(c) for c in doubtful if (x[:, c] == x[0, c]).all()]
    return found


def baseline(loss: Loss, targets: Targets, weights: Array | None) -> float | None:
    """The loss of the best answer that does not look at the inputs; None where it is not known.

        cross-entropy      −Σₖ pₖ log pₖ, with p the shares of the classes
        squared error      the variance of the targets

    >>> from glassnet.losses import CrossEntropy
    >>> from glassnet.targets import read_targets
    >>> targets = read_targets([0, 0, 1, 1], 2, CrossEntropy(), np.dtype("float32"))
    >>> round(baseline(CrossEntropy(), targets, None), 4)                    # log 2
    0.6931
    """
    if weights is not None or loss.class_weight is not None:
        return None
    if loss.name == "cross_entropy" and not loss.options()["label_smoothing"]:
        rows = targets.labels
        shares = (
            targets.rows.mean(axis=0)
            if rows is None
            else np.bincount(rows, minlength=targets.outputs) / len(rows)
        )
        return _entropy(shares)
    if loss.name == "binary_cross_entropy":
        shares = targets.rows.mean(axis=0, dtype=np.float64)
        return float(np.mean([_entropy(np.array([p, 1 - p])) for p in shares]))
    if loss.name in ("mse", "squared_error"):
        variances = targets.rows.var(axis=0, dtype=np.float64)
        return float(variances.mean() if loss.name == "mse" else variances.sum() / 2)
    return None


def _entropy(shares: Array) -> float:
    some = shares[shares > 0].astype(np.float64)
    return float(-(some * np.log(some)).sum())


def first_pass(trainer: Trainer) -> tuple[float, float, Column]:
    """The loss before the first step, its standard error, and the largest input.

    That is the input of the first dense layer with the largest √(mean² + std²). The error counts:
    by what a few hundred rows differ from all, a loss at a standstill could seem to rise.
    """
    steps, network = trainer.steps, trainer.network
    data = steps.x, steps.targets, steps.weights
    probe = make_probe(*data, steps.largest_batch, network, FIRST_ROWS)
    twin = Copy(network, trainer.optimizer, trainer.loss)
    outputs = twin.forward(probe.x)
    dense = [i for i, layer in enumerate(network.layers) if isinstance(layer, Dense)]
    reached = outputs[dense[0] - 1] if dense and dense[0] > 0 else probe.x
    batch = twin.judge(outputs[-1], probe)
    error = float(batch.losses.std(dtype=np.float64)) / len(probe.x) ** 0.5
    return mean_loss(batch), error, _largest(reached, feature_names(network))


def _largest(inputs: Array, names: list[str]) -> Column:
    rows = inputs.reshape(len(inputs), -1).astype(np.float64)
    worst = int(np.argmax(np.square(rows).mean(axis=0)))
    # Preprocessing may have turned one column into several: then its names are no longer these.
    name = names[worst] if rows.shape[1] == len(names) else ""
    return Column(worst, name, float(rows[:, worst].mean()), float(rows[:, worst].std()))


def chosen_rows(labels: Array, classes: int) -> Array:
    """Some rows of each class, at most `CHOSEN` in all."""
    each = max(1, CHOSEN // classes)
    chosen: Array = np.concatenate([np.flatnonzero(labels == k)[:each] for k in range(classes)])
    return chosen


def recall(said: Array, truth: Array, classes: int) -> list[float | None]:
    """By class, the share of its rows that are recognised.

    >>> recall(np.array([0, 0]), np.array([0, 1]), 3)
    [1.0, 0.0, None]
    """
    return [
        float((said[truth == k] == k).mean()) if (truth == k).any() else None
        for k in range(classes)
    ]


def names_of(classes: Sequence[str], k: int) -> str:
    """What class k is called."""
    return classes[k] if k < len(classes) else str(k)
