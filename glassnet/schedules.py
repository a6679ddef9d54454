"""Schedules: how the learning rate changes while a network trains.

A schedule is a factor on the optimizer's base rate, worked out before every step:

    η = base rate · factor(position)

where `Position` says how far training has come. So one schedule fits every rate, and rates that
`phases` set at given epochs are base rates too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

from glassnet.registry import Configurable, Registry, did_you_mean

SCHEDULES: Registry[Schedule] = Registry("schedule")


@dataclass(frozen=True, slots=True)
class Position:
    """How far training has come, before a step.

    Attributes:
        epoch: 0 in the first epoch.
        step: epoch · steps_per_epoch + the batch's number in its epoch; with batches of one size,
            how many steps were taken.
        steps_per_epoch: how many steps an epoch has.
        epochs: how many epochs the run is to have.
    """

    epoch: int
    step: int
    steps_per_epoch: int
    epochs: int

    @property
    def steps(self) -> int:
        """How many steps the run is to have."""
        return self.steps_per_epoch * self.epochs


def _require(name: str, value: object, holds: bool, expected: str) -> None:
    """Refuse a value that does not hold."""
    if not holds:
        raise ValueError(f"{name} must be {expected}. Received: {value!r}.")


def _within(value: Any, low: float, high: float = math.inf) -> bool:
    """Whether it is a finite number, low ≤ value ≤ high."""
    number = not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    return number and low <= value <= high


def _positive(value: Any) -> bool:
    return _within(value, 0.0) and value > 0


def _whole(value: Any, low: int) -> bool:
    return _within(value, low) and int(value) == value


class Schedule(Configurable):
    """Base of all schedules.

    A schedule of one's own has `factor`; one that listens to the training has `observe` as well.

    Attributes:
        changes_within_epochs: whether the factor may differ between the steps of an epoch.

    Example, a rate like 1/√t:

        >>> class InverseRoot(Schedule):
        ...     name = "inverse_root"
        ...     def factor(self, position):
        ...         return (1 + position.step) ** -0.5
        >>> InverseRoot().factor(Position(epoch=0, step=3, steps_per_epoch=10, epochs=5))
        0.5
    """

    name: ClassVar[str]
    changes_within_epochs: ClassVar[bool] = True

    def factor(self, position: Position) -> float:
        """What the base rate is multiplied by for the step at this position, ≥ 0."""
        raise NotImplementedError(f"{type(self).__name__} has no factor")

    def prepare(self) -> None:
        """Forget what was observed: a run begins."""

    def observe(self, record: Mapping[str, float]) -> None:
        """Take note of the history's record of an epoch that has ended; nothing by default."""

    @property
    def state(self) -> dict[str, Any]:
        """What was observed, as JSON-able values, for exact resume; empty by default."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved `state`.

        Raises:
            ValueError: if it has other names than `state`.
        """
        if set(state) != set(self.state):
            raise ValueError(
                f"The schedule {self.name!r} keeps {', '.join(self.state) or 'no state'}. "
                f"Received: {', '.join(state) or 'nothing'}. Was it saved by another schedule?"
            )


@SCHEDULES.register
class Constant(Schedule):
    """η = base rate, always.

    >>> Constant().factor(Position(epoch=4, step=40, steps_per_epoch=10, epochs=5))
    1.0
    """

    name = "constant"
    changes_within_epochs = False

    def factor(self, position: Position) -> float:
        """1."""
        return 1.0


@SCHEDULES.register
class Step(Schedule):
    """η = base rate · factor^⌊epoch / every⌋: drops after every so many epochs.

    Arguments:
        every: epochs between drops, ≥ 1.
        factor: what a drop multiplies the rate by, > 0; kept in the attribute `drop`.

    The same as PyTorch's `StepLR(step_size=every, gamma=factor)`, stepped once an epoch.

    Source: Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 6: 4 % less after
    every 8 epochs.

    >>> step = Step(every=10, factor=0.5)
    >>> [step.factor(Position(epoch, epoch, 1, 30)) for epoch in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """

    name = "step"
    changes_within_epochs = False

    def __init__(self, every: int, factor: float = 0.1) -> None:
        _require("every", every, _whole(every, 1), "a whole number of epochs ≥ 1")
        _require("factor", factor, _positive(factor), "a number > 0, such as 0.1")
        self.every = int(every)
        self.drop = factor

    def options(self) -> dict[str, Any]:
        """`every` and `factor`."""
        return super().options() | {"factor": self.drop}

    def factor(self, position: Position) -> float:
        """factor^⌊epoch / every⌋."""
        return float(self.drop ** (position.epoch // self.every))


@SCHEDULES.register
class Exponential(Schedule):
    """η = base rate · decay^epoch.

    Arguments:
        decay: what each epoch multiplies the rate by, in (0, 1].

    The same as PyTorch's `ExponentialLR(gamma=decay)`, stepped once an epoch.

    Source: Senior et al., "An empirical study of learning rates in deep neural networks for speech
    recognition", ICASSP 2013.

    >>> Exponential(0.5).factor(Position(epoch=3, step=3, steps_per_epoch=1, epochs=9))
    0.125
    """

    name = "exponential"
    changes_within_epochs = False

    def __init__(self, decay: float) -> None:
        holds = _positive(decay) and decay <= 1
        _require("decay", decay, holds, "in (0, 1], such as 0.95: the rate falls by 5 % an epoch")
        self.decay = decay

    def factor(self, position: Position) -> float:
        """decay^epoch."""
        return float(self.decay**position.epoch)


def _cosine(start: float, end: float, share: float) -> float:
    """From `start` to `end` along half a cosine, as `share` goes from 0 to 1 (and no further)."""
    return end + (start - end) * (1.0 + math.cos(math.pi * min(share, 1.0))) / 2.0


@SCHEDULES.register
class Cosine(Schedule):
    """A straight rise, then half a cosine down to the minimum; worked out for every step.

        rise     (s + 1) / W                                           for steps s < W
        fall     m + (1 − m) · (1 + cos(π (s − W) / (S − W))) / 2      for W ≤ s < S

    where s counts steps from 0, S is how many the run has, and W those of the warm-up. The first
    step moves already, and the whole rate is reached with the last step of the warm-up.

    Arguments:
        warmup: length of the rise in epochs, ≥ 0; 0.5 is half an epoch (rounded to whole steps).
        minimum: m, a share of the base rate in [0, 1] (not a rate, as PyTorch's `eta_min` is).

    Without warm-up the same as PyTorch's `CosineAnnealingLR(T_max=S)`, stepped once a step.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR
    2017, eq. 5, without restarts; the rise as in Goyal et al., "Accurate, large minibatch SGD:
    training ImageNet in 1 hour", 2017, section 2.2.

    >>> cosine = Cosine(warmup=2)
    >>> [round(cosine.factor(Position(s, s, 1, 6)), 3) for s in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """

    name = "cosine"

    def __init__(self, warmup: float = 0.0, minimum: float = 0.0) -> None:
        _require("warmup", warmup, _within(warmup, 0), "a number of epochs ≥ 0")
        _require(
            "minimum", minimum, _within(minimum, 0, 1), "a share of the base rate, from 0 to 1"
        )
        self.warmup = warmup
        self.minimum = minimum

    def factor(self, position: Position) -> float:
        """The rise, then the fall.

        Raises:
            ValueError: if the warm-up is longer than the whole run.
        """
        if self.warmup > position.epochs:
            raise ValueError(
                f"A warm-up of {self.warmup} epochs does not fit into {position.epochs} epochs. "
                "Shorten the warm-up or train for longer."
            )
        rise = round(self.warmup * position.steps_per_epoch)
        if position.step < rise:
            return (position.step + 1) / rise
        fall = max(position.steps - rise, 1)
        return _cosine(1.0, self.minimum, (position.step - rise) / fall)


@SCHEDULES.register
class OneCycle(Schedule):
    """Up to the base rate and far below where it began, each along half a cosine, step by step.

        1 / start_divisor → 1                                      over the first `warmup_share`
        1 → 1 / (start_divisor · end_divisor)                      over the rest

    Here the base rate is the *highest* one, what PyTorch calls `max_lr`: several times the rate
    that suits the same network at a constant rate.

    Arguments:
        warmup_share: share of the run's steps that the rise takes, from 0 to 1.
        start_divisor: the first rate is the base rate divided by it, > 0.
        end_divisor: the last rate is the *first* rate divided by it, > 0.

    The same as PyTorch's `OneCycleLR(cycle_momentum=False)`; momentum stays as it is.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large
    learning rates", arXiv:1708.07120, 2017, with the cosines that are usual today instead of
    straight lines.

    >>> cycle = OneCycle(warmup_share=0.5, start_divisor=10, end_divisor=10)
    >>> [round(cycle.factor(Position(0, s, 6, 1)), 3) for s in range(6)]
    [0.1, 0.55, 1.0, 0.752, 0.258, 0.01]
    """

    name = "one_cycle"

    def __init__(
        self, warmup_share: float = 0.3, start_divisor: float = 25.0, end_divisor: float = 1e4
    ) -> None:
        _require("warmup_share", warmup_share, _within(warmup_share, 0, 1), "a share from 0 to 1")
        _require("start_divisor", start_divisor, _positive(start_divisor), "a number > 0")
        _require("end_divisor", end_divisor, _positive(end_divisor), "a number > 0")
        self.warmup_share = warmup_share
        self.start_divisor = start_divisor
        self.end_divisor = end_divisor

    def factor(self, position: Position) -> float:
        """The rise, then the fall; the last rate for steps after the end."""
        start = 1.0 / self.start_divisor
        top = self.warmup_share * position.steps - 1  # where the whole rate is: maybe in between
        last = position.steps - 1
        if position.step < top:
            return _cosine(start, 1.0, position.step / top)
        if last <= top:
            return 1.0
        return _cosine(1.0, start / self.end_divisor, (position.step - top) / (last - top))


@SCHEDULES.register
class Plateau(Schedule):
    """Lowers the rate when what is monitored has stopped getting better.

    An epoch counts as better when its value is below best · (1 − threshold), or above
    best · (1 + threshold) where more is better. After more than `patience` epochs in a row that
    were not, the rate is multiplied by `factor`, and counting starts anew.

    Arguments:
        factor: what the rate is multiplied by, in (0, 1); kept in the attribute `drop`.
        patience: how many epochs without progress are waited for, ≥ 0.
        minimum: the rate falls no lower than this share of the base rate, in [0, 1].
        monitor: a column of the history; without validation rows, `"val_loss"` means `"loss"` and
            so on. Columns that end in "accuracy" are better when higher, all others when lower.
        threshold: the relative progress that counts, ≥ 0.

    The same as PyTorch's `ReduceLROnPlateau`, except that `minimum` is a share (`min_lr` is a
    rate), that drops of less than 1e-8 count, and that there is no `cooldown`.

    Source: done by hand in Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
    convolutional neural networks", NIPS 2012, section 5: a tenth of the rate when the validation
    error no longer improved.

    >>> plateau = Plateau(factor=0.5, patience=1)
    >>> for loss in (1.0, 1.1, 1.2):
    ...     plateau.observe({"loss": loss})
    >>> plateau.factor(Position(epoch=3, step=3, steps_per_epoch=1, epochs=9))
    0.5
    """

    name = "plateau"
    changes_within_epochs = False

    def __init__(
        self,
        factor: float = 0.1,
        patience: int = 10,
        minimum: float = 0.0,
        monitor: str = "val_loss",
        threshold: float = 1e-4,
    ) -> None:
        holds = _positive(factor) and factor < 1
        _require("factor", factor, holds, "between 0 and 1, such as 0.1")
        _require("patience", patience, _whole(patience, 0), "a whole number of epochs ≥ 0")
        _require(
            "minimum", minimum, _within(minimum, 0, 1), "a share of the base rate, from 0 to 1"
        )
        _require("threshold", threshold, _within(threshold, 0), "a number ≥ 0")
        self.drop = factor
        self.patience = int(patience)
        self.minimum = minimum
        self.monitor = monitor
        self.threshold = threshold
        self.prepare()

    def options(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().options() | {"factor": self.drop}

    def prepare(self) -> None:
        """Nothing seen yet, the whole rate."""
        self.current = 1.0
        self.best: float | None = None
        self.waited = 0

    def factor(self, position: Position) -> float:
        """What all drops so far come to."""
        return self.current

    def observe(self, record: Mapping[str, float]) -> None:
        """Compare an epoch with the best before it.

        Raises:
            ValueError: if the record does not hold what is monitored.
        """
        value = self._monitored(record)
        if self._is_better(value):
            self.best = value
            self.waited = 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.current = max(self.current * self.drop, self.minimum)
            self.waited = 0

    def _monitored(self, record: Mapping[str, float]) -> float:
        for column in (self.monitor, self.monitor.removeprefix("val_")):
            if column in record:
                return float(record[column])
        raise ValueError(
            f"plateau monitors {self.monitor!r}, which the history does not hold."
            f"{did_you_mean(self.monitor, record)} Its columns: {', '.join(record)}."
        )

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return not math.isnan(value)
        if self.monitor.endswith("accuracy"):
            return value > self.best * (1.0 + self.threshold)
        return value < self.best * (1.0 - self.threshold)

    @property
    def state(self) -> dict[str, Any]:
        """The factor now, the best value so far (None before the first), epochs waited since."""
        return {"current": self.current, "best": self.best, "waited": self.waited}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved `state`."""
        super().load_state(state)
        self.current = float(state["current"])
        self.best = None if state["best"] is None else float(state["best"])
        self.waited = int(state["waited"])


_PHASES: Registry[Phase] = Registry("phase")


@_PHASES.register
class Phase(Configurable):
    """Settings that hold from an epoch on, until a later phase changes them.

    Arguments:
        start: the first epoch that it holds for, counted from 0: `Phase(25, …)` holds from the 26th
            epoch on, after 25 epochs of training.
        batch_size: rows in a batch, ≥ 1, or `"full"`; None leaves it as it was.
        learning_rate: the base rate, > 0, which a schedule multiplies; None leaves it as it was.
        momentum: of an optimizer that has one, in [0, 1); None leaves it as it was.

    Raises:
        ValueError: if a value is out of range.

    Source: Sundström and Raittila, "Building a Deep Neural Network From Scratch", 2023, Figures 12
    and 14, where batch 1 gives way to batch 50.

    >>> Phase(25, batch_size=50, learning_rate=0.71)
    Phase(start=25, batch_size=50, learning_rate=0.71)
    """

    name = "phase"

    def __init__(
        self,
        start: int,
        batch_size: int | str | None = None,
        learning_rate: float | None = None,
        momentum: float | None = None,
    ) -> None:
        _require("start", start, _whole(start, 0), "a whole number of epochs ≥ 0 (0 is the first)")
        if batch_size is not None and batch_size != "full":
            holds = _whole(batch_size, 1)
            _require("batch_size", batch_size, holds, "a whole number ≥ 1, 'full' or None")
            batch_size = int(batch_size)
        if learning_rate is not None:
            _require("learning_rate", learning_rate, _positive(learning_rate), "> 0 or None")
        if momentum is not None:
            holds = _within(momentum, 0) and momentum < 1
            _require("momentum", momentum, holds, "in [0, 1) or None")
        self.start = int(start)
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.momentum = momentum

    def settings(self) -> dict[str, Any]:
        """What it sets: its options without `start` and without those that are None."""
        options = self.options()
        return {key: options[key] for key in options if key != "start" and options[key] is not None}


def as_phases(specs: Iterable[Phase | Mapping[str, Any]]) -> list[Phase]:
    """Make phases of phases and of mappings (`{"start": 25, "batch_size": 50}`), and check them.

    Raises:
        ValueError: for an unknown setting, a value out of range, a phase that sets nothing, or
            starts that do not rise from phase to phase.

    >>> as_phases([{"start": 0, "momentum": 0.8}, {"start": 25, "batch_size": 50}])[1]
    Phase(start=25, batch_size=50)
    """
    if isinstance(specs, str | Mapping) or not hasattr(specs, "__iter__"):
        raise ValueError(
            f"phases is a list, as in [gn.Phase(25, batch_size=50)]. Received: {specs!r}."
        )
    phases = [
        _PHASES.create({"name": "phase", **spec} if isinstance(spec, Mapping) else spec)
        for spec in specs
    ]
    for phase in phases:
        if not phase.settings():
            raise ValueError(
                f"The phase that starts at epoch {phase.start} sets nothing. "
                "Give it a batch_size, a learning_rate or a momentum, or leave it out."
            )
    starts = [phase.start for phase in phases]
    if starts != sorted(set(starts)):
        raise ValueError(
            f"Phases come in order, each with a start of its own. Received starts: {starts}. "
            "Sort them, and join those that start together."
        )
    return phases


def phase_at(phases: Sequence[Phase], epoch: int) -> Phase:
    """All that is set in an epoch (counted from 0) by the phases up to then, as one phase.

    Arguments:
        phases: in order, as `as_phases` returns them.
        epoch: 0 is the first.

    Returns:
        A phase whose settings are the latest of each kind; None where no phase has set one yet.

    >>> phases = [Phase(0, batch_size=1, momentum=0.8), Phase(25, batch_size=50)]
    >>> phase_at(phases, 24).settings(), phase_at(phases, 25).settings()
    ({'batch_size': 1, 'momentum': 0.8}, {'batch_size': 50, 'momentum': 0.8})
    """
    merged: dict[str, Any] = {"start": 0}
    for phase in phases:
        if phase.start <= epoch:
            merged |= phase.settings() | {"start": phase.start}
    return Phase(**merged)
