"""What is kept of a training for the doctor: plain numbers that JSON can hold.

A record is all that the rules see. So a training can be judged while it runs, after it has ended,
or from the file that it left behind, and always with the same findings.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class LayerFigures:
    """The outputs of one layer for the probe.

    Attributes:
        layer: its place in the network. kind: its name, `"ReLU"`.
        variance: over the rows, mean over the units. rms: √ of the mean square of all outputs.
        zeros: share of the outputs of a ReLU that are 0. dead: share of its units that answer 0 to
            every row. None for other layers.
        saturated: share of the outputs of a sigmoid or tanh where the slope is under a twentieth of
            its largest. None for other layers.
    """

    layer: int
    kind: str
    variance: float
    rms: float
    zeros: float | None = None
    dead: float | None = None
    saturated: float | None = None


@dataclass(frozen=True)
class WeightFigures:
    """A weight matrix, its gradient and the step that the optimizer would take with it.

    Attributes:
        name: of the parameter. layer: its layer's place in the network. units: its outputs.
        norm: ‖W‖. equal_units: whether all units have the same weights.
        gradient: ‖∂J/∂W‖ for one batch as large as those of training.
        signal: √ of the mean over the rows of ‖∂ℓ/∂y‖², what arrives from above for each row.
        noise: trace of the covariance of the rows' gradients, divided by the rows of a batch: the
            squared length of the noise in a batch's gradient.
        mean_gradient: length of the mean gradient over the probe, which the noise is compared with.
        update: ‖ΔW‖ of one step. distance: ‖W − W₀‖ from where training began.
    """

    name: str
    layer: int
    units: int
    norm: float
    equal_units: bool
    gradient: float
    signal: float
    noise: float
    mean_gradient: float
    update: float
    distance: float

    @property
    def gain(self) -> float:
        """fan_in · mean of W²: what the mean square of a signal is multiplied by, on average."""
        return self.norm**2 / self.units

    @property
    def update_ratio(self) -> float:
        """‖ΔW‖ / ‖W‖."""
        return self.update / self.norm if self.norm else float("inf") if self.update else 0.0

    @property
    def signal_to_noise(self) -> float:
        """‖ḡ‖² / noise: below 1 a batch's gradient points mostly at random; NaN where there is
        neither, as in units that are dead."""
        if not self.noise:
            return float("inf") if self.mean_gradient else float("nan")
        return self.mean_gradient**2 / self.noise


@dataclass(frozen=True)
class Moment:
    """A training at one moment.

    Attributes:
        epoch, step: how many are done. learning_rate: as it is now.
        loss: J over the probe, as in training (batch norm, dropout).
        inference_loss: J over the probe as `predict` computes it.
        before, after: J of one batch before and after the optimizer's step on that very batch.
        layers, weights: see there.
        predicted: how many rows of the probe are said to be of each class; empty for numbers.
    """

    epoch: int
    step: int
    learning_rate: float
    loss: float
    inference_loss: float
    before: float
    after: float
    layers: list[LayerFigures]
    weights: list[WeightFigures]
    predicted: list[int]

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """Back from JSON."""
        layers = [LayerFigures(**layer) for layer in values["layers"]]
        weights = [WeightFigures(**weight) for weight in values["weights"]]
        return cls(**{**values, "layers": layers, "weights": weights})


@dataclass(frozen=True)
class Column:
    """A feature as it reaches the first layer with weights: its place, name, mean and spread."""

    index: int
    name: str
    mean: float
    std: float


@dataclass(frozen=True)
class Setting:
    """What was trained, on what, and how.

    Attributes:
        layers: name and options of every layer, as in configurations.
        task: see `glassnet.targets`. loss, optimizer, schedule: as in configurations.
        batch_size: rows of a batch. rows: of the training set. epochs: planned.
        restores_best: whether early stopping puts the best weights back.
        initial_loss, initial_error: before the first step, of up to 384 rows, and how far that is
            off by chance.
        baseline: the loss of the best constant answer; None where that is not known.
        counts: rows of each class; empty for numbers.
        largest: the feature of the largest scale √(mean² + std²).
        constant: features that have the same value in every row (of tables; at most 20).
        constants: how many there are. features: how many features there are.
        probed: the rows of each class in the probe; empty for numbers.
        validation_rows: how many rows are held out.
    """

    layers: list[dict[str, Any]]
    task: str
    loss: dict[str, Any]
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    batch_size: int
    rows: int
    epochs: int
    restores_best: bool
    initial_loss: float
    initial_error: float
    baseline: float | None
    counts: list[int]
    classes: list[str]
    largest: Column
    constant: list[Column]
    constants: int
    features: int
    probed: list[int]
    validation_rows: int

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """Back from JSON."""
        columns = {
            "largest": Column(**values["largest"]),
            "constant": [Column(**column) for column in values["constant"]],
        }
        return cls(**{**values, **columns})

    def layer(self, index: int) -> str:
        """What a layer is called in messages: `layers.1 (ReLU)`."""
        return f"layers.{index} ({self.layers[index]['name']})"


@dataclass(frozen=True)
class Breakdown:
    """Where numbers first stopped being finite.

    Attributes:
        epoch, step: in which, from 1.
        kernel: the function that made the first such number, or the user's own part.
        layer: the layer, loss or optimizer that it belongs to, in words.
        pass_: `"forward"`, `"loss"`, `"backward"` or `"update"`.
        largest: the largest absolute value among the finite numbers of that call.
    """

    epoch: int
    step: int
    kernel: str
    layer: str
    pass_: str
    largest: float


@dataclass
class Record:
    """A training, as the doctor sees it.

    Attributes:
        setting: what was trained, on what, and how.
        moments: from before the first step on.
        history: a record an epoch, as `Network.fit` returns it.
        breakdown: where it broke down, if it did.
        recall: by class, the share of its rows that are recognised in the end (rows of the training
            set); None for a class that has none. Empty where no class is rare, and for numbers.
        held_out: `accuracy` and `rows` of a test part, if there is one.
        finished: whether training has ended.
    """

    setting: Setting
    moments: list[Moment] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    breakdown: Breakdown | None = None
    recall: list[float | None] = field(default_factory=list)
    held_out: dict[str, float] = field(default_factory=dict)
    finished: bool = False

    @property
    def left_of_weights(self) -> float:
        """‖W‖ now over that at the beginning, of the matrix of which least is left."""
        pairs = zip(self.moments[0].weights, self.moments[-1].weights, strict=True)
        return min((now.norm / then.norm for then, now in pairs if then.norm), default=1.0)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, for `read`."""
        return asdict(self)

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """Back from `to_dict`."""
        broken = values["breakdown"]
        return cls(
            Setting.read(values["setting"]),
            [Moment.read(moment) for moment in values["moments"]],
            values["history"],
            None if broken is None else Breakdown(**broken),
            values["recall"],
            values["held_out"],
            values["finished"],
        )


def read_record(path: Path) -> Record:
    """Read what `Doctor` wrote.

    Raises:
        ValueError: if the file is missing or is no such record.
    """
    try:
        return Record.read(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no record of a training ({error}): train again.") from None
