"""Training: fit → epoch → step.

A step is what every optimizer paper calls one iteration: take a batch, go forward, go backward,
move θ. An epoch is one pass over the rows in a new order. All that changes from step to step is
kept in arrays or plain numbers that `state` returns, and nothing random is drawn from a running
generator: the order of an epoch is a function of (seed, epoch), a dropout mask of (key, step). So a
run that goes on from a checkpoint, even from the middle of an epoch, equals the uninterrupted one
bit for bit.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array, capture, flushed_denormals, run_part
from glassnet.batches import Batch, Epoch, next_batch, set_rate
from glassnet.blocks import BlockedBatch, in_blocks
from glassnet.losses import Loss, stop_unless_finite
from glassnet.network import Network, checked_weights, chunks
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.recording import Compile, Recording, Way, checked_compile, way
from glassnet.schedules import (
    SCHEDULES,
    Constant,
    Phase,
    Position,
    Schedule,
    as_phases,
    phase_at,
)
from glassnet.targets import add_scores, read_scores
from glassnet.threads import blas_threads

if TYPE_CHECKING:
    from glassnet.callbacks import Callback

CHUNK_SECONDS = 0.05
"""How long a native loop runs before Ctrl-C and progress bars get their turn."""

Validation = tuple[Any, Any] | tuple[Any, Any, Any] | float | None


class TrainingDiverged(ArithmeticError):
    """The loss is infinite or not a number; the message names the layer where it began."""


class History(list[dict[str, float]]):
    """One record an epoch, oldest first.

    Attributes:
        stopped: why training ended before its last epoch, or None.
        interrupted: whether it was Ctrl-C.
        way: how steps were run: "plain", "replayed" or "compiled" (see `glassnet.recording`).
    """

    stopped: str | None = None
    interrupted: bool = False
    way: Way = "plain"

    def column(self, key: str) -> list[float]:
        """The values of one key over all epochs.

        >>> History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]).column("loss")
        [0.5, 0.25]
        """
        return [record[key] for record in self]


def batch_bounds(rows: int, batch_size: int, minimum: int = 1) -> list[tuple[int, int]]:
    """Where the batches of an epoch begin and end.

    The last batch holds what is left; if that is fewer than `minimum` rows, they join the batch
    before.

    Raises:
        ValueError: if no batch of that size, or no set of that many rows, can be trained on.

    >>> batch_bounds(5, 2), batch_bounds(5, 2, minimum=2)
    ([(0, 2), (2, 4), (4, 5)], [(0, 2), (2, 5)])
    """
    if min(rows, batch_size) < minimum:
        raise ValueError(
            f"A network with batch norm needs at least {minimum} rows in a batch. Received "
            f"{rows} rows and batch_size {batch_size}. Take larger batches or LayerNorm."
        )
    starts = list(range(0, rows, batch_size))
    if len(starts) > 1 and rows - starts[-1] < minimum:
        starts.pop()
    return list(zip(starts, [*starts[1:], rows], strict=True))


class Trainer:
    """Everything that one call of `Network.fit` needs; the arguments are described there.

    Attributes that callbacks may read:
        network, optimizer, loss: what is being trained, and how.
        history: the records of the finished epochs.
        epoch: of the running epoch, from 0. epochs: how many there will be.
        batch: of the running batch within its epoch, from 0. batches: how many the epoch has.
        step: how many steps have been taken in all.
        batch_loss: J of the last step.
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
        from glassnet.callbacks import StopOnNonFinite, with_defaults

        self.network = network
        x = network.checked_inputs(x)
        weights = checked_weights(sample_weight, len(x))
        x, y, weights, held_out = _hold_out(network, x, y, weights, loss, validation)
        self.x, self.weights = x, weights
        self.loss, self.targets = network.prepared_targets(y, len(x), loss)
        self.validation = self._read_validation(held_out)
        self.optimizer = OPTIMIZERS.create(optimizer)
        self.schedule = SCHEDULES.create(schedule) if schedule is not None else Constant()
        self.phases = as_phases(phases)
        self._check_momentum_phases()
        _checked_batch_size(batch_size)
        self.batch_size = batch_size
        self.epochs = _checked_epochs(epochs)
        self.shuffle = shuffle
        self.callbacks = with_defaults(callbacks)
        self._watched = any(callback.every_step for callback in self.callbacks)
        self._stops_on_non_finite = any(
            isinstance(callback, StopOnNonFinite) and not callback.ignore
            for callback in self.callbacks
        )

        self.history = History()
        self.first_epoch = network.epochs_trained  # so that a second fit shuffles differently
        self.epoch = 0
        self.compile = checked_compile(compile)
        self._rows = Epoch(len(self.x))
        self._sums = np.zeros(4)  # see glassnet.targets
        self._seconds = 0.0
        self._batch: Batch | BlockedBatch | None = None
        self._recordings: dict[int, tuple[Batch, Recording]] = {}
        self._blocked: BlockedBatch | None = None
        self._chunk = 1
        self._resumed = False
        self._stop_reason: str | None = None
        self._interrupted = threading.Event()
        self._begin_phase()

    def _check_momentum_phases(self) -> None:
        if any(phase.momentum is not None for phase in self.phases) and not hasattr(
            self.optimizer, "momentum"
        ):
            raise ValueError(
                f"A phase sets the momentum, but the optimizer {self.optimizer.name!r} has none. "
                "Use gn.Momentum or gn.Nesterov."
            )

    def _read_validation(self, held_out: Any) -> tuple[Array, Any, Array | None] | None:
        if held_out is None:
            return None
        x, y, *rest = held_out
        x = self.network.checked_inputs(x)
        _, targets = self.network.prepared_targets(y, len(x), self.loss)
        if targets.task != self.targets.task:
            raise ValueError(
                f"The validation targets are those of a {targets.task} task, the training targets "
                f"those of a {self.targets.task} task; write both in the same way."
            )
        return x, targets, checked_weights(rest[0] if rest else None, len(x))

    @property
    def batch(self) -> int:
        """The number of the running batch within its epoch, from 0."""
        return int(self._rows.index)

    @property
    def step(self) -> int:
        """How many steps have been taken in all."""
        return int(self._rows.step)

    @property
    def batch_loss(self) -> float:
        """J of the last step's batch, before the step."""
        return self.loss.value(self._batch.total) if self._batch is not None else math.nan

    # fit → epoch → step.

    def run(self) -> History:
        """Train until the last epoch, a callback's stop, or Ctrl-C."""
        network = self.network
        network.loss, network.task = self.loss, self.targets.task
        self._fit_preprocessing()
        if not self._resumed:
            self.optimizer.prepare(network.store)
            self.schedule.prepare()
        largest = max(stop - start for start, stop in self.bounds)
        workers = 2 if in_blocks(largest, network.layers, self.loss) else 1
        # Overflow is not warned of: the loss is checked instead, after every step.
        quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
        with (
            _interrupt_between_steps(self._interrupted),
            quiet,
            blas_threads(max(layer.flops() for layer in network.layers) * largest, workers),
            flushed_denormals(),
        ):
            self._tell("on_fit_begin")
            while self.epoch < self.epochs and not self._stopping():
                self._run_epoch()
            self._finish()
        return self.history

    def _run_epoch(self) -> None:
        self._begin_phase()
        if self.batch == 0:
            self._sums[:] = 0
            self._seconds = 0.0
            self._tell("on_epoch_begin")
        started = time.perf_counter()
        while self.batch < self.batches and not self._stopping():
            self._run_steps()
            self._tell("on_step_end")
        self._seconds += time.perf_counter() - started
        if self.batch < self.batches:
            return  # stopped in the middle: this epoch goes on when training is resumed
        record = self._record()
        self.history.append(record)
        self.schedule.observe(record)
        self.epoch += 1
        self._rows.index[...] = 0
        self.network.epochs_trained += 1
        self._tell("on_epoch_end")

    def _run_steps(self) -> None:
        """Take a step; or some 50 ms of them, if compiled and nobody watches each one."""
        start, stop = self.bounds[self.batch]
        size = stop - start
        if size == len(self.x) and in_blocks(size, self.network.layers, self.loss):
            self._step_in_blocks()
            return
        if size not in self._recordings:
            self._take_first_step(size)
            return
        batch, recording = self._recordings[size]
        self._batch = batch
        try:
            if self.history.way == "compiled":
                self._run_compiled(recording, size)
            elif self.history.way == "replayed":
                recording.replay()
            else:
                self._step(batch)
        except FloatingPointError:
            self._tell_non_finite(batch.x)
            raise

    def _take_first_step(self, size: int) -> None:
        """Take a step with a batch of a new size, and write it down."""
        network = self.network
        raw = self.x.dtype if network.layers[0].accepts_raw else network.dtype
        outputs = self.targets.outputs
        batch = self._batch = Batch(size, network.input_shape, outputs, raw, network.dtype)
        try:
            with capture() as calls:
                self._step(batch)
        except FloatingPointError:
            self._tell_non_finite(batch.x)
            raise
        recording = Recording(calls)
        self._recordings[size] = batch, recording
        self.history.way = way(recording, self.compile)

    def _step(self, batch: Batch) -> None:
        """One iteration, as nothing but kernel calls: batch, forward, loss, backward, update."""
        network, optimizer, rows = self.network, self.optimizer, self._rows
        batch.fill(rows, self.x, self.targets, self.weights)
        outputs = network.run_forward(batch.x, training=True)
        self.loss.into(outputs, batch)
        if self._stops_on_non_finite:
            stop_unless_finite(batch.total)
        network.run_backward(batch.gradient, need_dx=False)
        set_rate(rows.rates, rows.index, optimizer.scalars["learning_rate"])
        run_part(optimizer, optimizer.step)
        add_scores(self.targets.task, self.loss, outputs, batch, self._sums)
        next_batch(rows.index, rows.step)

    def _step_in_blocks(self) -> None:
        """One iteration over all rows at once, a block after the other (see `glassnet.blocks`)."""
        if self._blocked is None:
            data = self.x, self.targets, self.weights
            stops = self._stops_on_non_finite
            self._blocked = BlockedBatch(self.network, self.loss, *data, stops, self.compile)
            self.history.way = self._blocked.way
        try:
            self._batch = self._blocked
            self._blocked.run(self._sums)
        except FloatingPointError:
            self._tell_non_finite(self._blocked.x)
            raise
        set_rate(self._rows.rates, self._rows.index, self.optimizer.scalars["learning_rate"])
        self.optimizer.step()
        next_batch(self._rows.index, self._rows.step)

    def _run_compiled(self, recording: Recording, size: int) -> None:
        """Run as many steps of this size as come next, in chunks that leave Ctrl-C alive."""
        alike = sum(1 for start, stop in self.bounds[self.batch :] if stop - start == size)
        steps = 1 if self._watched else min(alike, self._chunk)
        started = time.perf_counter()
        recording.run(steps)
        elapsed = max(time.perf_counter() - started, 1e-9)
        self._chunk = max(1, round(steps * CHUNK_SECONDS / elapsed))

    def _record(self) -> dict[str, float]:
        """What history keeps of a finished epoch."""
        task = self.targets.task
        record: dict[str, float] = {"epoch": self.epoch + 1, **read_scores(task, self._sums)}
        if self.validation is not None:
            started = time.perf_counter()
            scores = self.network.scores(*self.validation, self.loss, task)
            record |= {f"val_{key}": value for key, value in scores.items()}
            self._seconds += time.perf_counter() - started
        record["learning_rate"] = self.optimizer.learning_rate
        record["seconds"] = self._seconds
        return record

    def _finish(self) -> None:
        if self._interrupted.is_set():
            self.history.interrupted = True
            where = f"epoch {self.epoch + 1} after {self.batch} of {self.batches} batches"
            self.stop(f"interrupted in {where}; the network keeps what it has learned")
        self.history.stopped = self._stop_reason
        self._tell("on_fit_end")

    # What a step depends on.

    def _begin_phase(self) -> None:
        """Take batch size, rate and momentum of the phase that the running epoch belongs to."""
        phase = phase_at(self.phases, self.epoch)
        size = _checked_batch_size(phase.batch_size or self.batch_size) or len(self.x)
        self.base_rate = phase.learning_rate or self.optimizer.base_learning_rate
        if phase.momentum is not None:
            self.optimizer.momentum = phase.momentum
        self.bounds = batch_bounds(len(self.x), size, self.network.minimum_training_rows)
        self.batches = len(self.bounds)
        rows = self._rows
        if len(rows.starts) != self.batches:  # recorded steps read these arrays
            rows.starts, rows.rates = np.zeros(self.batches, np.int64), np.zeros(self.batches)
            self._recordings.clear()
        rows.starts[:] = [start for start, _ in self.bounds]
        rows.rates[:] = [self._learning_rate(batch) for batch in range(self.batches)]
        rows.order[:] = self._order()

    def _order(self) -> Array:
        """The order of the rows in this epoch, a function of seed and epoch alone."""
        order = np.arange(len(self.x))
        if self.shuffle:
            seed = [self.network.seed, 2, self.first_epoch + self.epoch]
            np.random.default_rng(seed).shuffle(order)
        return order

    def _learning_rate(self, batch: int) -> float:
        position = Position(
            epoch=self.epoch,
            step=self.epoch * self.batches + batch,
            steps_per_epoch=self.batches,
            epochs=self.epochs,
        )
        return self.base_rate * self.schedule.factor(position)

    def _fit_preprocessing(self) -> None:
        """Let layers such as `Standardize` learn from the training rows, one after the other."""
        for index, layer in enumerate(self.network.layers):
            if layer.needs_fit and not layer.fitted:
                layer.fit(self._rows_at(index))
                layer.fitted = True

    def _rows_at(self, index: int) -> Array:
        """All training rows as they reach layer `index`."""
        if index == 0:
            return self.x
        parts: list[Array] = []
        for chunk in chunks(len(self.x)):
            y = self.network.entry(self.x[chunk])
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
        # The end comes in reverse, so that a checkpoint after an early stopping is written before
        # that puts the best weights back: training can then go on where it was.
        ending = event == "on_fit_end"
        for callback in reversed(self.callbacks) if ending else self.callbacks:
            getattr(callback, event)(self)

    def _tell_non_finite(self, x: Array) -> None:
        for callback in self.callbacks:
            callback.on_non_finite_loss(self, x)

    def settings(self) -> dict[str, Any]:
        """What must be the same for a resumed run to equal the uninterrupted one."""
        return {
            "rows": len(self.x),
            "loss": self.loss.config(),
            "optimizer": self.optimizer.config(),
            "schedule": self.schedule.config(),
            "phases": [phase.options() for phase in self.phases],
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "seed": self.network.seed,
        }

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """All that training depends on besides the network: JSON-able numbers, and arrays."""
        numbers = {
            "settings": self.settings(),
            "epoch": self.epoch,
            "batch": self.batch,
            "step": self.step,
            "first_epoch": self.first_epoch,
            "sums": self._sums.tolist(),
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
            ValueError: if the checkpoint is of another network, other data or other settings.
        """
        from glassnet.checkpoint import load_checkpoint

        numbers, arrays = load_checkpoint(path, self.network)
        theirs, ours = numbers["settings"], self.settings()
        for key, value in ours.items():
            if theirs.get(key) != value:
                raise ValueError(
                    f"{path} was written with {key} = {theirs.get(key)!r}, but this run has "
                    f"{value!r}. Resume with the same data and settings, or train anew "
                    "without resume."
                )
        self.optimizer.prepare(self.network.store)
        self.optimizer.load_state(_under("optimizer.", arrays))
        self.schedule.load_state(numbers["schedule"])
        for callback in self.callbacks:
            own = _under(f"callbacks.{callback.key}.", arrays)
            callback.load_state(numbers["callbacks"].get(callback.key, {}), own)
        self.epoch, self.first_epoch = numbers["epoch"], numbers["first_epoch"]
        self._rows.index[...], self._rows.step[...] = numbers["batch"], numbers["step"]
        self._sums[:], self._seconds = numbers["sums"], numbers["seconds"]
        self.history.extend(numbers["history"])
        self._resumed = True
        self._begin_phase()


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
    if isinstance(validation, bool) or not 0 < float(validation) < 1:
        raise ValueError(
            f"validation as a share must be above 0 and below 1. Received: {validation!r}."
        )
    from glassnet.data.splits import split_arrays

    _, targets = network.prepared_targets(y, len(x), loss)
    single_class = targets.task in ("classification", "binary")
    strata = targets.classes if single_class else np.zeros(len(x))
    kept, _, held, _ = split_arrays(np.arange(len(x)), strata, float(validation), network.seed)
    y = np.asarray(y)
    if weights is None:
        return x[kept], y[kept], None, (x[held], y[held])
    return x[kept], y[kept], weights[kept], (x[held], y[held], weights[held])


def _checked_batch_size(batch_size: int | str) -> int | None:
    """A number of rows, or None for all of them."""
    if batch_size == "full":
        return None
    if isinstance(batch_size, str) or int(batch_size) != batch_size or batch_size < 1:
        raise ValueError(
            f"batch_size must be a whole number of rows ≥ 1, or 'full'. Received: {batch_size!r}."
        )
    return int(batch_size)


def _checked_epochs(epochs: int) -> int:
    if int(epochs) != epochs or epochs < 1:
        raise ValueError(f"epochs must be a whole number ≥ 1. Received: {epochs!r}.")
    return int(epochs)


@contextlib.contextmanager
def _interrupt_between_steps(interrupted: threading.Event) -> Iterator[None]:
    """Let Ctrl-C end training after the running step, so that θ is never half updated.

    A second Ctrl-C breaks off at once. Outside the main thread signals are not ours to handle.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def on_interrupt(number: int, frame: Any) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
