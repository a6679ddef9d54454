"""From a configuration and a data set to everything that `Network.fit` takes.

What the configuration leaves open is decided here, by rules on the data that anybody can repeat:

    test part      the set's own, else a fifth of the rows, stratified by class
    scale          tables: standard;  images: divided by 255 (16 if no value is larger);
                   images with values from 0 to 1: none
    loss           classes: cross_entropy;  numbers: mse
    batch size     64 rows, or 32 below 2,000 training rows
    epochs         20, or more for small sets: as many as make about 3,000 steps, at most 500
    L2 penalty     0.03 on tables below 2,000 training rows, which a network soon learns by heart,
                   unless weight decay or dropout is set; else none
    patience       20 epochs for regression on such tables; else never stopped early
    validation     none, or a tenth of the training rows where patience or a plateau needs it
    schedule       cosine, down to 0 in the last step; constant where patience may end the training
                   at any epoch, or where phases set rates of their own

Everything is fitted on the training rows alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.callbacks import Callback, EarlyStopping
from glassnet.data import Dataset, Part, load, split, split_arrays
from glassnet.initializers import INITIALIZERS
from glassnet.layers import (
    LAYERS,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    Impute,
    Layer,
    LayerNorm,
    OneHot,
    Rescale,
    Standardize,
)
from glassnet.losses import LOSSES, Loss
from glassnet.network import Network
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.registry import did_you_mean
from glassnet.runs.config import ACTIVATIONS, RunConfig, Spec
from glassnet.runs.sections import Section
from glassnet.schedules import SCHEDULES, Schedule, as_phases

if TYPE_CHECKING:
    from pathlib import Path

    from glassnet.trainer import History

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
SMALL_SET = 2000
STEPS_OF_A_SMALL_SET = 3000
L2 = 0.03
PATIENCE = 20
MOST_EPOCHS = 500


@dataclass(frozen=True)
class Units:
    """The units of a regression's targets: training sees z = (y − mean) / std, its users see y.

    Numbers of about one suit the usual learning rates, and with several outputs each counts alike.
    Afterwards the last layer, z = h W + b, takes the units over: y = h (W std) + (b std + mean).

    Attributes:
        mean, std: of the training targets, (K,); std is 1 for an output that never changes.
    """

    mean: Array
    std: Array

    @classmethod
    def of(cls, y: Array) -> Units:
        """The units of these targets, (n,) or (n, K)."""
        columns = y.reshape(len(y), -1).astype(np.float64)
        std = columns.std(axis=0)
        return cls(columns.mean(axis=0), np.where(std > 0, std, 1.0))

    def standardized(self, y: Array) -> Array:
        """(y − mean) / std, of y's shape."""
        return ((y.reshape(len(y), -1) - self.mean) / self.std).reshape(y.shape)

    def move_into(self, last: Dense) -> None:
        """Let the last layer speak in these units: W ← W std, b ← b std + mean."""
        if last.bias is None:
            raise ValueError("The last layer needs a bias to take over the target's units.")
        last.weight.value = last.weight.value * self.std
        last.bias.value = last.bias.value * self.std + self.mean


@dataclass(frozen=True)
class Recipe:
    """A run that is ready to go.

    Attributes:
        config: resolved, nothing is left open.
        dataset: with its test part.
        train, validation: the rows that are learned from and watched.
        network: fresh, with the data's names as metadata.
        units: of a regression's targets, or None if they are learned as they are.
    """

    config: RunConfig
    dataset: Dataset
    train: Part
    validation: Part | None
    network: Network
    units: Units | None

    def fit(self, callbacks: Sequence[Callback] = (), resume: Path | None = None) -> History:
        """Train, then give the network the target's units.

        Arguments:
            callbacks: told after early stopping (if the run has it), so that they see its state.
            resume: a checkpoint to go on from.
        """
        patience = self.config.training.patience
        early = [EarlyStopping(patience)] if patience else []
        history = self.network.fit(
            **self.arguments(), callbacks=[*early, *callbacks], resume=resume
        )
        last = self.network.layers[-1]
        if self.units is not None and isinstance(last, Dense):
            self.units.move_into(last)
            del self.network.metadata["target_units"]
        return history

    def arguments(self) -> dict[str, Any]:
        """What `Network.fit` is given: the rows, and everything that decides a step."""
        training = self.config.training
        return {
            "x": self.train.x,
            "y": self._targets(self.train.y),
            "loss": make_loss(self.config, self.dataset),
            "optimizer": make_optimizer(self.config),
            "schedule": make_schedule(self.config),
            "phases": as_phases(self.config.phases),
            "batch_size": _known(training.batch_size),
            "epochs": _known(training.epochs),
            "validation": self._watched(),
        }

    def _watched(self) -> tuple[Array, Array] | None:
        watched = self.validation
        return None if watched is None else (watched.x, self._targets(watched.y))

    def _targets(self, y: Array) -> Array:
        return y if self.units is None else self.units.standardized(y)


def load_data(config: RunConfig) -> Dataset:
    """The data set that a configuration names.

    Raises:
        ValueError: if it can't be read, or if it is of another task than the configuration says.
    """
    data = config.data
    dataset = load(
        data.source,
        target=data.target,
        missing=data.missing,
        positive=data.positive,
        task=data.task,
        drop=data.drop,
    )
    if data.task not in ("auto", dataset.task):
        raise ValueError(f"{data.source} is a {dataset.task} set, not {data.task}: leave task out.")
    return dataset


def prepare(config: RunConfig, dataset: Dataset) -> Recipe:
    """Decide what is open, split the rows, build the network.

    Raises:
        ValueError: if the configuration does not fit the data or itself.
    """
    config, dataset = hold_out_test(config, dataset)
    config = resolved(config, dataset)
    train, validation = dataset.train, None
    if config.data.validation is not None:
        x, y, held_x, held_y = split_arrays(
            train.x, train.y, config.data.validation, config.seed, dataset.task == "classification"
        )
        train, validation = Part(x, y), Part(held_x, held_y)
    network = Network(
        make_layers(config, dataset), dataset.input_shape, config.seed, config.network.dtype
    )
    network.metadata = {
        "classes": list(dataset.classes),
        "feature_names": list(dataset.feature_names),
        "categories": {name: list(values) for name, values in dataset.categories.items()},
        "target": list(dataset.target),
    }
    units = None
    if config.data.target_scale == "standard":
        units = Units.of(train.y)
        # While it trains, the network speaks in other units: a checkpoint is no model to use.
        network.metadata["target_units"] = {"mean": units.mean.tolist(), "std": units.std.tolist()}
    return Recipe(config, dataset, train, validation, network, units)


def hold_out_test(config: RunConfig, dataset: Dataset) -> tuple[RunConfig, Dataset]:
    """The data set with a test part: its own, or the share that the configuration says."""
    if dataset.test is not None and config.data.test is None:
        return config, dataset
    share = config.data.test or TEST_SHARE
    return _changed(config, "data", test=share), split(dataset, share, config.seed)


def check_parts(config: RunConfig) -> None:
    """Make every part that needs no data once, so that a slip is told before anything is loaded."""
    make_optimizer(config)
    make_schedule(config)
    as_phases(config.phases)
    _body(config, outputs=1, has_axes=False)
    if config.training.loss is not None:
        LOSSES.create(_loss_spec(config))


def fingerprint(dataset: Dataset) -> str:
    """SHA-256 of all rows and targets, to notice that a file has changed."""
    digest = hashlib.sha256()
    for part in (dataset.train, dataset.test):
        for array in () if part is None else (part.x, part.y):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


# Decisions.


def resolved(config: RunConfig, dataset: Dataset) -> RunConfig:
    """The configuration with every open value decided, for a data set with its test part.

    Raises:
        ValueError: for a loss that does not suit the task.
    """
    training = config.training
    patience = _patience(config, dataset)
    schedule = _schedule(config, patience)
    needs_validation = patience or schedule["name"] == "plateau"
    rows = len(dataset.train)
    config = _changed(
        config,
        "data",
        task=dataset.task,
        scale=_scale(config, dataset),
        target_scale=_target_scale(config, dataset),
        validation=config.data.validation or (VALIDATION_SHARE if needs_validation else None),
    )
    config = _changed(
        config,
        "training",
        batch_size=training.batch_size or _batch_size(rows),
        l2=_l2(config, dataset),
        patience=patience,
        schedule=SCHEDULES.create(schedule).config(),
    )
    config = _changed(
        config,
        "training",
        epochs=training.epochs or _epochs(rows, _known(config.training.batch_size)),
        loss=make_loss(config, dataset).config() | _loss_spec(config, dataset),
        label_smoothing=None,
        class_weight=None,
        optimizer=make_optimizer(config).config(),
        **dict.fromkeys(_OPTIMIZER_FLAGS),
    )
    return config


def _changed(config: RunConfig, section: str, **values: Any) -> RunConfig:
    """A copy in which these keys of a section have other values."""
    settings: Section = getattr(config, section)
    return config.model_copy(update={section: settings.model_copy(update=values)})


def _scale(config: RunConfig, dataset: Dataset) -> float | str:
    """See the rule above; a number divides."""
    if config.data.scale != "auto":
        return config.data.scale
    x = dataset.train.x
    if x.dtype.kind == "b" or (x.ndim > 2 and np.nanmin(x) >= 0 and np.nanmax(x) <= 1):
        return "none"
    if x.ndim > 2 and x.dtype == np.uint8:
        return 16.0 if x.max() <= 16 else 255.0
    return "standard"


def _target_scale(config: RunConfig, dataset: Dataset) -> str:
    wish = config.data.target_scale
    if dataset.task != "regression":
        return "none"
    if _is_explicit(config):
        last = str(config.network.layers[-1])
        ends_in_dense = _takes_units(config.network.layers[-1])
    else:
        last = f"followed by {config.network.output_activation}"
        ends_in_dense = config.network.output_activation is None
    if wish == "auto":
        return "standard" if ends_in_dense else "none"
    if wish == "standard" and not ends_in_dense:
        raise ValueError(
            "target_scale standard needs a Dense layer with a bias as the last one, to take over "
            f"the target's units, but the last layer is {last}: "
            "use target_scale none."
        )
    return wish


def _takes_units(last: Spec) -> bool:
    return last["name"] == "Dense" and last.get("use_bias", True) is not False


def _patience(config: RunConfig, dataset: Dataset) -> int:
    """See the rule above; 0 is never."""
    if config.training.patience is not None:
        return config.training.patience
    return PATIENCE if _is_small_table(dataset) and dataset.task == "regression" else 0


def _l2(config: RunConfig, dataset: Dataset) -> float | None:
    training = config.training
    options = {key for key, value in training.optimizer.items() if value}
    guarded = training.weight_decay or config.network.dropout or options & {"weight_decay"}
    if training.l2 is not None or "l2" in training.optimizer or guarded:
        return training.l2
    return L2 if _is_small_table(dataset) else None


def _is_small_table(dataset: Dataset) -> bool:
    return len(dataset.input_shape) == 1 and len(dataset.train) < SMALL_SET


def _schedule(config: RunConfig, patience: int) -> Spec:
    if config.training.schedule is not None:
        return config.training.schedule
    return {"name": "constant" if patience or config.phases else "cosine"}


def _batch_size(rows: int) -> int:
    return 32 if rows < SMALL_SET else 64


def _epochs(rows: int, batch_size: int | str) -> int:
    steps = 1 if batch_size == "full" else math.ceil(rows / int(batch_size))
    return min(MOST_EPOCHS, max(20, math.ceil(STEPS_OF_A_SMALL_SET / steps)))


# Parts.


def make_layers(config: RunConfig, dataset: Dataset) -> list[Layer]:
    """Preprocessing, then the layers that the configuration describes."""
    outputs = _outputs(config, dataset)
    body = _body(config, outputs, has_axes=len(dataset.input_shape) > 1)
    return [*_preprocessing(config, dataset), *body]


def _preprocessing(config: RunConfig, dataset: Dataset) -> list[Layer]:
    """Scale the numbers, fill what is missing, spread out the categories.

    Scaling comes first since it works in float64; layers after it see the network's dtype.
    """
    codes = {
        column: len(dataset.categories[name])
        for column, name in enumerate(dataset.feature_names)
        if name in dataset.categories
    }
    numbers = [c for c in range(dataset.input_shape[0]) if c not in codes] if codes else None
    layers: list[Layer] = []
    if config.data.scale == "standard" and numbers != []:
        layers.append(Standardize(numbers))
    elif isinstance(config.data.scale, int | float):
        if codes:
            raise ValueError(
                f"scale {config.data.scale:g} would divide the categories of the text columns too: "
                "use scale standard or none."
            )
        layers.append(Rescale(1 / config.data.scale))
    if config.data.missing == "impute":
        if numbers != []:
            layers.append(Impute("median", numbers))
        if codes:
            layers.append(Impute("most_frequent", list(codes)))
    if codes:
        layers.append(OneHot(codes))
    return layers


def _is_explicit(config: RunConfig) -> bool:
    return any(isinstance(layer, Mapping) for layer in config.network.layers)


def _body(config: RunConfig, outputs: int, has_axes: bool) -> list[Layer]:
    """The layers after preprocessing: those of the file as they stand, or made from the widths."""
    network = config.network
    if _is_explicit(config):
        _refuse_shorthands(config)
        return [LAYERS.create(spec) for spec in network.layers]
    layers: list[Layer] = [Flatten()] if has_axes else []
    for width in network.layers:
        layers.append(_dense(config, width))
        if network.batch_norm:
            layers.append(BatchNorm())
        if network.layer_norm:
            layers.append(LayerNorm())
        layers.append(_activation(network.activation))
        if network.dropout:
            layers.append(Dropout(network.dropout))
    last = [] if network.output_activation is None else [_activation(network.output_activation)]
    return [*layers, _dense(config, outputs), *last]


def _activation(spec: Spec) -> Layer:
    return LAYERS.create({**spec, "name": ACTIVATIONS.get(spec["name"], spec["name"])})


def _dense(config: RunConfig, units: int) -> Dense:
    init, bias_init = config.network.init, config.network.bias_init
    return Dense(
        units,
        initializer=None if init is None else INITIALIZERS.create(init),
        bias_initializer="zeros" if bias_init is None else INITIALIZERS.create(bias_init),
    )


_SHORTHANDS = (
    "activation",
    "output_activation",
    "init",
    "bias_init",
    "batch_norm",
    "layer_norm",
    "dropout",
)


def _refuse_shorthands(config: RunConfig) -> None:
    defaults = type(config.network)()
    for key in _SHORTHANDS:
        if getattr(config.network, key) != getattr(defaults, key):
            raise ValueError(
                f"network.{key} goes with widths of hidden layers (layers = [256, 128]), but "
                "[[network.layers]] describes every layer: put it among those, or leave it out."
            )


def _outputs(config: RunConfig, dataset: Dataset) -> int:
    """One output for each class or target; a single one for binary cross-entropy on two classes."""
    if dataset.task == "regression":
        return 1 if dataset.train.y.ndim == 1 else int(dataset.train.y.shape[1])
    is_binary = _loss_spec(config, dataset)["name"] == "binary_cross_entropy"
    return 1 if is_binary and len(dataset.classes) == 2 else len(dataset.classes)


def make_loss(config: RunConfig, dataset: Dataset) -> Loss:
    """The loss that suits the task, or the one that was asked for.

    Raises:
        ValueError: for a loss on classes where the target is numbers.
    """
    spec = _loss_spec(config, dataset)
    if isinstance(spec.get("class_weight"), Mapping):
        spec["class_weight"] = _by_index(spec["class_weight"], dataset.classes)
    loss = LOSSES.create(spec)
    if spec["name"] == "poisson":
        raise ValueError(
            "The loss poisson is for counts, but a run learns standardised numbers. Use "
            "glassnet.estimators.MLPRegressor(loss='poisson')."
        )
    if dataset.task == "regression" and spec["name"] in ("cross_entropy", "binary_cross_entropy"):
        raise ValueError(
            f"The loss {spec['name']} compares classes, but the target "
            f"{', '.join(dataset.target)} holds numbers (regression): use mse, mae or huber, or "
            "say that its values are classes (--task classification)."
        )
    return loss


def _loss_spec(config: RunConfig, dataset: Dataset | None = None) -> Spec:
    training = config.training
    by_task = "mse" if dataset is not None and dataset.task == "regression" else "cross_entropy"
    spec = dict(training.loss or {"name": by_task})
    for key in ("label_smoothing", "class_weight"):
        if getattr(training, key) is not None:
            spec[key] = getattr(training, key)
    return spec


def _by_index(weights: Mapping[str, float], classes: Sequence[str]) -> dict[int, float]:
    """Class weights by number instead of by name."""
    for name in weights:
        if name not in classes:
            raise ValueError(
                f"class_weight names the class {name!r}, which does not exist."
                f"{did_you_mean(name, classes)} The classes are: {', '.join(classes)}."
            )
    return {classes.index(name): weight for name, weight in weights.items()}


_OPTIMIZER_FLAGS = ("learning_rate", "momentum", "weight_decay", "l2", "clip_norm")


def make_optimizer(config: RunConfig) -> Optimizer:
    """The optimizer with its options, those of the flags included.

    Raises:
        ValueError: for an option that it does not have, or a value that is not allowed.
    """
    training = config.training
    spec = dict(training.optimizer)
    for key in _OPTIMIZER_FLAGS:
        if getattr(training, key) is not None:
            spec[key] = getattr(training, key)
    optimizer = OPTIMIZERS[spec["name"]]
    if "momentum" in spec and not hasattr(optimizer, "momentum"):
        raise ValueError(
            f"{spec['name']} has no momentum to set: use --optimizer momentum or nesterov, or "
            "leave --momentum out."
        )
    return OPTIMIZERS.create(spec)


def make_schedule(config: RunConfig) -> Schedule:
    """The schedule of the learning rate."""
    return SCHEDULES.create(config.training.schedule or "constant")


def _known(value: Any) -> Any:
    """A value that `resolved` has decided."""
    if value is None:
        raise ValueError("This configuration is not resolved yet: use prepare(config, dataset).")
    return value


# K-fold cross-validation.


def folds(dataset: Dataset, count: int, seed: int) -> list[Dataset]:
    """The same rows split `count` times, so that each row is tested once; stratified for classes.

    A set that comes with its own test part keeps that out of it: only its training rows are used.

    Raises:
        ValueError: for fewer rows, or fewer rows of a class, than folds.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    x, y = dataset.train.x, dataset.train.y
    is_classes = dataset.task == "classification"
    fewest = int(np.bincount(y).min()) if is_classes else len(y)
    if fewest < count:
        what = "of the rarest class" if is_classes else "in the data"
        raise ValueError(
            f"{count} folds need at least {count} rows {what}, but there are {fewest}: "
            "use fewer folds (--cross-validate)."
        )
    kind = StratifiedKFold if is_classes else KFold
    splitter = kind(n_splits=count, shuffle=True, random_state=seed)
    return [
        replace(dataset, train=Part(x[train], y[train]), test=Part(x[test], y[test]))
        for train, test in splitter.split(np.zeros(len(y)), y)
    ]


def fold_score(config: RunConfig, fold: Dataset) -> float | None:
    """Train on a fold and score the rest: accuracy, or RMSE in the target's units.

    None if Ctrl-C ended it.
    """
    recipe = prepare(_changed(config, "data", test=None), fold)
    if recipe.fit().interrupted:
        return None
    test = _known(recipe.dataset.test)
    scores = recipe.network.evaluate(test.x, test.y)
    return scores["rmse" if fold.task == "regression" else "accuracy"]
