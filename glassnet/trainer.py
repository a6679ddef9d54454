"""Training: fit → epoch → steps.

An epoch is one pass over the rows in a new order; a step takes one batch of them (see
`glassnet.steps`). All that changes from step to step is kept in arrays or plain numbers that
`state` returns, and nothing random is drawn from a running generator: the order of an epoch is a
function of (seed, epoch), a dropout mask of (key, step). So a run that goes on from a checkpoint,
even from the middle of an epoch, equals the uninterrupted one bit for bit.
"""

from __future__ import annotations

import functools
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array, Call, flushed_denormals
from glassnet.epochs import Epochs, stop_unless_all_finite
from glassnet.history import History, TrainingDiverged
from glassnet.inputs import checked_batch_size, checked_epochs, checked_weights, chunks
from glassnet.interrupts import interrupts_set
from glassnet.losses import Loss
from glassnet.network import Network
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.recording import Compile, checked_compile
from glassnet.schedules import (
    SCHEDULES,
    Constant,
    Phase,
    Position,
    Schedule,
    as_phases,
    phase_at,
)
from glassnet.steps import CHUNK_SECONDS, Steps
from glassnet.targets import Targets, read_scores
from glassnet.threads import blas_threads, training

if TYPE_CHECKING:
    from glassnet.callbacks import Callback

__all__ = ["History", "Trainer", "TrainingDiverged", "Validation", "batch_starts"]

NO_PHASE = Phase(0)

Validation = tuple[Any, Any] | tuple[Any, Any, Any] | float | None


def batch_starts(rows: int, batch_size: int, minimum: int = 1) -> Array:
    """Where the batches of an epoch begin, (batches,).

    The last batch holds what is left; if that is fewer than `minimum` rows, they join the batch
    before.

    Raises:
        ValueError: if no batch of that size, or no set of that many rows, can be trained on.

    >>> batch_starts(5, 2), batch_starts(5, 2, minimum=2)
    (array([0, 2, 4]), array([0, 2]))
    """
    if min(rows, batch_size) < minimum:
        raise ValueError(
            f"A network with batch norm needs at least {minimum} rows in a batch. Received "
            f"{rows} rows and batch_size {batch_size}. Take larger batches or LayerNorm."
        )
    starts: Array = np.arange(0, rows, batch_size)
    return starts[:-1] if len(starts) > 1 and rows - starts[-1] < minimum else starts


class Trainer:
    """Everything that one call of `Network.fit` needs; the arguments are described there.

    Attributes that callbacks may read:
        network, optimizer, loss: what is being trained, and how.
        history: the records of the finished epochs.
        epoch: of the running epoch, from 0. epochs: how many there will be.
        batch: how many batches of the running epoch are done. batches: how many it has.
        step: how many steps have been taken in all.
        batch_loss: J of the last batch, before its step.
    """

    def __init__(
        self,
        network: Network,
        x: Any,
        y: Any,
        *,
        loss: str | Mapping[str, Any] | Loss,
        optimizer: str | Mapping[str, Any] | Optimizer = "adam",
        batch_size: int | str = 32,
        epochs: int = 10,
        validation: Validation = None,
        schedule: str | Mapping[str, Any] | Schedule | None = None,
        phases: Sequence[Phase | Mapping[str, Any]] = (),
        callbacks: Sequence[Callback] = (),
        sample_weight: Any = None,
        shuffle: bool = True,
        compile: Compile = "auto",
    ) -> None:
        from glassnet.callbacks import with_defaults

        self.network = network
        x = network.checked_inputs(x)
        weights = checked_weights(sample_weight, len(x))
        if weights is not None and not weights.any():
            raise ValueError("All sample weights are 0, so there is nothing to learn from.")
        x, y, weights, held_out = _hold_out(network, x, y, weights, loss, validation)
        self.loss, targets = network.prepared_targets(y, len(x), loss)
        self.task = targets.task
        self.validation = self._read_validation(held_out)
        self.optimizer = OPTIMIZERS.create(optimizer)
        self.schedule = SCHEDULES.create(schedule) if schedule is not None else Constant()
        self.phases = as_phases(phases)
        self._check_momentum_phases()
        self.batch_size = checked_batch_size(batch_size)
        self.epochs = checked_epochs(epochs)
        self.shuffle = shuffle
        self.callbacks = with_defaults(callbacks)
        self.steps = Steps(
            network,
            self.loss,
            self.optimizer,
            x,
            targets,
            weights,
            compile=checked_compile(compile),
            checked=any(callback.stops_on_non_finite for callback in self.callbacks),
            one_by_one=any(callback.every_step for callback in self.callbacks),
        )
        self.history = History()
        self.epoch = 0
        self.first_epoch = network.epochs_trained  # so that a second fit shuffles differently
        self._epochs = Epochs(
            self.steps.rows, self.steps.sums, network.buffers, network.seed, shuffle
        )
        self._size: int | None = None
        self._seconds = 0.0
        self._resumed = False
        self._stop_reason: str | None = None
        self._interrupted = threading.Event()
        self._arrange()
        self._epochs.begin()

    def _check_momentum_phases(self) -> None:
        if any(phase.momentum is not None for phase in self.phases) and not hasattr(
            self.optimizer, "momentum"
        ):
            raise ValueError(
                f"A phase sets the momentum, but the optimizer {self.optimizer.name!r} has none. "
                "Use gn.Momentum or gn.Nesterov."
            )

    def _read_validation(self, held_out: Any) -> tuple[Array, Targets, Array | None] | None:
        if held_out is None:
            return None
        x, y, *rest = held_out
        x = self.network.checked_inputs(x)
        _, targets = self.network.prepared_targets(y, len(x), self.loss)
        if targets.task != self.task:
            raise ValueError(
                f"The validation targets are those of a {targets.task} task, the training targets "
                f"those of a {self.task} task; write both in the same way."
            )
        return x, targets, checked_weights(rest[0] if rest else None, len(x))

    @property
    def batch(self) -> int:
        """How many batches of the running epoch are done."""
        return int(self.steps.rows.index)

    @property
    def batches(self) -> int:
        """How many batches the running epoch has."""
        return self.steps.batches

    @property
    def step(self) -> int:
        """How many steps have been taken in all."""
        return int(self.steps.rows.step)

    @property
    def batch_loss(self) -> float:
        """J of the last batch, before its step."""
        return self.steps.batch_loss

    # fit → epoch → steps.

    def run(self) -> History:
        """Train until the last epoch, a callback's stop, or Ctrl-C."""
        network = self.network
        network.loss, network.task = self.loss, self.task
        self._fit_preprocessing()
        if not self._resumed:
            self.optimizer.prepare(network.store)
            self.schedule.prepare()
        largest = network.largest_product * self.steps.largest_batch
        workers = 2 if self.steps.is_divisible else 1
        # Overflow is not warned of: the loss is checked instead, after every step.
        quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
        with (
            interrupts_set(self._interrupted),
            quiet,
            blas_threads(largest, workers),
            training(),
            flushed_denormals(),
        ):
            self._tell("on_fit_begin")
            try:
                while self.epoch < self.epochs and not self._stopping():
                    self._run_epochs()
            except BaseException:
                self._tell("on_fit_abort")
                raise
            self._finish()
        return self.history

    def _in_a_row(self) -> int:
        """How many epochs may run before anybody is told: those of some 50 ms, at most."""
        if self._hears_of_epochs or not self.history:
            return 1
        in_time = int(CHUNK_SECONDS / max(self.history[-1]["seconds"], 1e-9))
        if in_time <= 1 or not self.steps.in_epochs:
            return 1
        ends = [phase.start for phase in self.phases if phase.start > self.epoch]
        left = min([self.epochs, *ends]) - self.epoch
        return min(left, in_time, self._epochs.most)

    @functools.cached_property
    def _hears_of_epochs(self) -> bool:
        """Whether something must happen in Python after each single epoch."""
        return (
            self.validation is not None
            or type(self.schedule).observe is not Schedule.observe
            or any(callback.every_epoch or callback.every_step for callback in self.callbacks)
        )

    def _run_epochs(self) -> None:
        """Run an epoch step by step, or several in a row."""
        started = time.perf_counter()
        count = 1
        if self.batch == 0:
            count = self._arrange()
            self._seconds = 0.0
            if count == 1:
                self._epochs.begin()
            self._tell("on_epoch_begin")
        try:
            if count == 1:
                self._run_steps()
            else:
                self.steps.run_epochs(self._epochs.beginning, self._in_a_row_ending, count)
                self._tell("on_step_end")
        except FloatingPointError:
            self._record(started)
            self._diverge()
            raise
        self.history.way = self.network.way = self.steps.way
        if self._record(started):
            self._tell("on_epoch_end")

    def _run_steps(self) -> None:
        while self.batch < self.batches:
            if self._stopping():
                return  # goes on here when training is resumed
            self.steps.run()
            self._tell("on_step_end")
        self._epochs.end()

    @property
    def _in_a_row_ending(self) -> list[Call]:
        """What ends an epoch that nobody looks at; a θ that is not finite must be noticed."""
        calls = list(self._epochs.ending)
        if self.steps.checked:
            calls.append((stop_unless_all_finite, (self.network.theta,)))
        for callback in self.callbacks:
            calls += callback.epoch_calls(self)
        return calls

    def _record(self, started: float) -> int:
        """Write down the epochs that have ended since then, and return how many they are."""
        ended = int(self._epochs.done)
        held_out = self._held_out_scores() if ended else {}
        self._seconds += time.perf_counter() - started
        if not ended:
            return 0
        rates = self._epochs.rates[:ended, -1].tolist()  # of their last steps
        for sums, rate in zip(self._epochs.sums[:ended], rates, strict=True):
            self.epoch += 1
            scores = read_scores(self.task, sums) | held_out
            times = {"learning_rate": rate, "seconds": self._seconds / ended}
            self.history.append({"epoch": self.epoch, **scores, **times})
        self.schedule.observe(self.history[-1])
        self.network.epochs_trained += ended
        self._epochs.done[...] = 0
        return ended

    def _held_out_scores(self) -> dict[str, float]:
        if self.validation is None:
            return {}
        held_out = self.network.scores(*self.validation, self.loss, self.task)
        return {f"val_{key}": value for key, value in held_out.items()}

    def _diverge(self) -> None:
        """Tell the callbacks, and put statistics that are no longer numbers back."""
        try:
            for callback in self.callbacks:
                callback.on_non_finite_loss(self, self.steps.batch_inputs)
        finally:
            for name, buffer in self.network.buffers.items():
                if not np.isfinite(buffer).all():
                    buffer[...] = self._epochs.kept[name]

    def _finish(self) -> None:
        if self._interrupted.is_set() and self.epoch < self.epochs:
            self.history.interrupted = True
            where = f"epoch {self.epoch + 1} after {self.batch} of {self.batches} batches"
            self.stop(f"interrupted in {where}; the network keeps what it has learned")
        self.history.stopped = self._stop_reason
        self._tell("on_fit_end")

    # What an epoch depends on.

    def _arrange(self) -> int:
        """Lay out the epochs that run next, in batches and at rates; returns how many they are."""
        phase = phase_at(self.phases, self.epoch) if self.phases else NO_PHASE
        self._arrange_batches(phase.batch_size or self.batch_size)
        self.steps.forget_if_switched()
        count = self._in_a_row()
        rates = self._epochs.rates[:count]
        rates[:] = 1.0
        if not isinstance(self.schedule, Constant):  # a microsecond an epoch for nothing
            for epoch, row in enumerate(rates, self.epoch):
                row[:] = self._factors(epoch)
        rates *= phase.learning_rate or self.optimizer.base_learning_rate
        if phase.momentum is not None:
            self.optimizer.momentum = phase.momentum
        self._epochs.number[0] = self.first_epoch + self.epoch
        return count

    def _arrange_batches(self, batch_size: int | str) -> None:
        total = len(self.steps.x)
        size = total if batch_size == "full" else int(batch_size)
        if size != self._size:
            self._size = size
            self.steps.arrange(batch_starts(total, size, self.network.minimum_training_rows))
            self._epochs.arrange(self.batches)

    def _factors(self, epoch: int) -> float | list[float]:
        """What the schedule multiplies the base rate by, for each batch of the epoch."""
        batches, factor = self.batches, self.schedule.factor
        if not self.schedule.changes_within_epochs:
            return factor(Position(epoch, epoch * batches, batches, self.epochs))
        first = epoch * batches
        steps = range(first, first + batches)
        return [factor(Position(epoch, step, batches, self.epochs)) for step in steps]

    def _fit_preprocessing(self) -> None:
        """Let layers such as `Standardize` learn from the training rows, one after the other."""
        for index, layer in enumerate(self.network.layers):
            if layer.needs_fit and not layer.fitted:
                layer.fit(self._rows_at(index))
                layer.fitted = True

    def _rows_at(self, index: int) -> Array:
        """All training rows as they reach layer `index`."""
        x = self.steps.x
        if index == 0:
            return x
        parts: list[Array] = []
        for chunk in chunks(len(x)):
            y = self.network.entry(x[chunk])
            for layer in self.network.layers[:index]:
                y = layer.forward(y, False)
            parts.append(y.copy())
        rows: Array = np.concatenate(parts)
        return rows

    # Stopping, telling, and going on.

    def stop(self, reason: str) -> None:
        """End training after the running step or epoch; `history.stopped` will hold the reason."""
        self._stop_reason = self._stop_reason or reason

    def _stopping(self) -> bool:
        return self._stop_reason is not None or self._interrupted.is_set()

    def _tell(self, event: str) -> None:
        # The end comes in reverse, so that a checkpoint, which comes last, is written before early
        # stopping puts the best weights back: training can then go on where it was.
        ending = event == "on_fit_end"
        for callback in reversed(self.callbacks) if ending else self.callbacks:
            getattr(callback, event)(self)

    def settings(self) -> dict[str, Any]:
        """What must be the same for a resumed run to equal the uninterrupted one."""
        return {
            "rows": len(self.steps.x),
            "data": self._fingerprint,
            "loss": self.loss.config(),
            "optimizer": self.optimizer.config(),
            "schedule": self.schedule.config(),
            "phases": [phase.options() for phase in self.phases],
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "seed": self.network.seed,
        }

    @functools.cached_property
    def _fingerprint(self) -> str:
        """CRC-32 of the data that is learned from; computed when a checkpoint asks for it."""
        targets = self.steps.targets
        y = targets.labels if targets.values is None else targets.values
        code = 0
        for array in (self.steps.x, y, self.steps.weights):
            if array is not None:
                code = zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data, code)
        return f"{code:08x}"

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """All that training depends on besides the network: JSON-able numbers, and arrays."""
        numbers = {
            "settings": self.settings(),
            "epoch": self.epoch,
            "batch": self.batch,
            "step": self.step,
            "first_epoch": self.first_epoch,
            "sums": self.steps.sums.tolist(),
            "seconds": self._seconds,
            "history": list(self.history),
            "schedule": self.schedule.state,
            "callbacks": {callback.key: callback.state() for callback in self.callbacks},
        }
        arrays = {f"optimizer.{name}": array for name, array in self.optimizer.state.items()}
        for callback in self.callbacks:
            for name, array in callback.arrays().items():
                arrays[f"callbacks.{callback.key}.{name}"] = array
        return numbers, arrays

    def resume(self, path: Path) -> None:
        """Take over network and training state from a checkpoint.

        Raises:
            ValueError: if the checkpoint is of another network, other data or other settings;
                nothing is changed then.
        """
        from glassnet.checkpoint import read_checkpoint

        checkpoint = read_checkpoint(path, self.network)
        numbers, arrays = checkpoint.numbers, checkpoint.arrays
        theirs, ours = numbers["settings"], self.settings()
        for key, value in ours.items():
            if theirs.get(key) != value:
                raise ValueError(
                    f"{path} was written with {key} = {theirs.get(key)!r}, but this run has "
                    f"{value!r}. Resume with the same data and settings, or train anew "
                    "without resume."
                )
        checkpoint.fill(self.network)
        self.optimizer.prepare(self.network.store)
        self.optimizer.load_state(_under("optimizer.", arrays))
        self.schedule.load_state(numbers["schedule"])
        for callback in self.callbacks:
            own = _under(f"callbacks.{callback.key}.", arrays)
            callback.load_state(numbers["callbacks"].get(callback.key, {}), own)
        self.epoch, self.first_epoch = numbers["epoch"], numbers["first_epoch"]
        self._arrange()
        self._epochs.begin()
        rows = self.steps.rows
        rows.index[...], rows.step[...] = numbers["batch"], numbers["step"]
        self.steps.sums[:], self._seconds = numbers["sums"], numbers["seconds"]
        self.history.extend(numbers["history"])
        self._resumed = True


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def _hold_out(
    network: Network, x: Array, y: Any, weights: Array | None, loss: Any, validation: Validation
) -> tuple[Array, Any, Array | None, Any]:
    """Split a share of the rows off for validation, or pass the user's own set through."""
    if validation is None or isinstance(validation, tuple | list):
        if validation is not None and len(validation) not in (2, 3):
            raise ValueError(
                "validation is (x, y), (x, y, sample_weight) or a share. "
                f"Received {len(validation)} parts."
            )
        return x, y, weights, validation
    share: Any = validation  # whatever a user may have given
    if not isinstance(share, float) or not 0 < share < 1:
        raise ValueError(f"validation as a share must be above 0 and below 1. Received: {share!r}.")
    from glassnet.data.splits import split_arrays

    _, targets = network.prepared_targets(y, len(x), loss)
    single_class = targets.task in ("classification", "binary")
    strata = targets.classes if single_class else np.zeros(len(x))
    kept, _, held, _ = split_arrays(np.arange(len(x)), strata, share, network.seed)
    y = np.asarray(y)
    if weights is None:
        return x[kept], y[kept], None, (x[held], y[held])
    return x[kept], y[kept], weights[kept], (x[held], y[held], weights[held])
