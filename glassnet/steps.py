"""Training steps: written down once, then taken as fast as the parts of the network allow.

A step is what every optimizer paper calls one iteration, and `Steps._step` spells it out: take a
batch, go forward, go backward, move θ. It is nothing but kernel calls on fixed arrays, so it is
recorded the first time it runs with a batch of some size, and from then on the recording is run
(see `glassnet.recording`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glassnet.accelerate import (
    Array,
    Call,
    capture,
    is_ours,
    run_part,
    twins_are_on,
)
from glassnet.batches import Batch, Epoch, next_batch, set_rate
from glassnet.blocks import BlockedBatch, in_blocks
from glassnet.layers.base import separate_buffers
from glassnet.losses import Loss, stop_unless_finite
from glassnet.network import Network
from glassnet.optimizers import Optimizer
from glassnet.recording import Compile, Recording, Replay, Way, way
from glassnet.targets import Targets, add_scores

if TYPE_CHECKING:
    from glassnet.kernels.executor import Program

CHUNK_SECONDS = 0.05
"""How long a native loop runs before Ctrl-C and progress bars get their turn."""


@dataclass
class _Recorded:
    """A recorded step: its arrays, its calls, and how long one takes (in seconds)."""

    batch: Batch
    recording: Recording
    seconds: float = CHUNK_SECONDS


class Steps:
    """Takes the steps of a training, one epoch after the other.

    Arguments:
        network, loss, optimizer: what is trained, and how.
        x, targets, weights: the rows that are learned from; weights (n,) or None.
        compile: see `Network.fit`.
        checked: whether a loss that is not finite raises FloatingPointError before it moves θ.
        one_by_one: whether somebody must be told of each single step.

    Attributes:
        rows: the order of the epoch's rows, where its batches begin, and which one comes next.
        sums: loss and score of the epoch so far (see `glassnet.targets`).
        way: how steps are run.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        optimizer: Optimizer,
        x: Array,
        targets: Targets,
        weights: Array | None,
        *,
        compile: Compile,
        checked: bool,
        one_by_one: bool,
    ) -> None:
        self.network, self.loss, self.optimizer = network, loss, optimizer
        self.x, self.targets, self.weights = x, targets, weights
        self.compile, self.checked, self.one_by_one = compile, checked, one_by_one
        self.rows = Epoch(len(x))
        self.sums = np.zeros(4)
        self.way: Way = "plain"
        self._batch: Batch | BlockedBatch | None = None
        self._recorded: dict[int, _Recorded] = {}
        self._epoch: Program | Replay | None = None
        self._blocked: BlockedBatch | None = None
        self._switches: tuple[bool, ...] = ()

    @property
    def batches(self) -> int:
        """How many batches the epoch has."""
        return len(self.rows.starts)

    @property
    def batch_loss(self) -> float:
        """J of the last batch, before its step."""
        return math.nan if self._batch is None else self.loss.value(self._batch.total)

    @property
    def batch_inputs(self) -> Array:
        """The inputs of the last batch."""
        return self.x[:0] if self._batch is None else self._batch.x

    @property
    def largest_batch(self) -> int:
        """Rows of the epoch's largest batch; only the last differs from the others."""
        return max(self._size(0), self._size(self.batches - 1))

    @property
    def is_blocked(self) -> bool:
        """Whether the epoch is one large batch, taken in blocks on two threads."""
        return self.batches == 1 and in_blocks(len(self.x), self.network.layers, self.loss)

    @property
    def is_ours(self) -> bool:
        """Whether no part of a step is of the user's own."""
        return all(map(is_ours, [*self.network.layers, self.loss, self.optimizer]))

    @property
    def is_divisible(self) -> bool:
        """Whether steps can be divided between threads of ours, which leaves BLAS one in each."""
        return self.is_blocked or (twins_are_on() and self.is_ours)

    def arrange(self, starts: Array) -> None:
        """Let batches begin at these rows of the epoch's order."""
        if len(starts) != self.batches:  # recorded steps read the old arrays
            self.rows.starts, self.rows.rates = starts.copy(), np.zeros(len(starts))
            self._recorded.clear()
        self.rows.starts[:] = starts
        self._epoch = None

    def _size(self, batch: int) -> int:
        starts = self.rows.starts
        stop = starts[batch + 1] if batch + 1 < len(starts) else len(self.x)
        return int(stop - starts[batch])

    def run(self) -> None:
        """Take a step; or some 50 ms of them, if they are compiled and nobody watches each one.

        Raises:
            FloatingPointError: if the loss is not finite.
        """
        with self.network.lock:
            if self.one_by_one:
                self.forget_if_switched()
            size = self._size(int(self.rows.index))
            if self.is_blocked:
                self._step_in_blocks()
            elif size not in self._recorded:
                self._first_step(size)
            else:
                recorded = self._recorded[size]
                self._batch = recorded.batch
                self._again(recorded, size)

    def run_epochs(self, beginning: Sequence[Call], ending: Sequence[Call], epochs: int) -> None:
        """Take all steps of so many whole epochs, with these calls before and after each.

        Less than all if a call in `ending` raises.

        Raises:
            FloatingPointError: if the loss is not finite.
        """
        with self.network.lock:
            if self._epoch is None:
                self._epoch = self._whole_epoch(beginning, ending)
            failed = self._epoch.run(epochs)
            in_step = 0 <= failed < len(self._epoch.calls) - len(ending)
            last = int(self.rows.index) if in_step else self.batches - 1
            self._batch = self._recorded[self._size(last)].batch
        if in_step:
            raise FloatingPointError

    def _whole_epoch(self, beginning: Sequence[Call], ending: Sequence[Call]) -> Program | Replay:
        native = self.way == "compiled"
        calls = list(beginning)
        for size, times in self._sizes.items():
            calls += self._recorded[size].recording.repeated(times, native)
        calls += ending
        functions = [(getattr(kernel, "function", kernel), arrays) for kernel, arrays in calls]
        if not native:
            return Replay(functions)
        from glassnet.kernels.executor import Program

        return Program(functions)

    @property
    def _sizes(self) -> dict[int, int]:
        """The sizes of an epoch's batches, in order, and how many there are of each."""
        first, last = self._size(0), self._size(self.batches - 1)
        return {first: self.batches} if first == last else {first: self.batches - 1, last: 1}

    @property
    def in_epochs(self) -> bool:
        """Whether `run_epochs` can run an epoch: of recorded steps, on one thread."""
        if self.way == "plain" or not self._recorded.keys() >= self._sizes.keys():
            return False
        steps = [self._recorded[size].recording for size in self._sizes]
        return self.way == "replayed" or not any(step.is_divided for step in steps)

    def forget_if_switched(self) -> None:
        """Record anew when somebody has turned a part of the optimizer's step on or off."""
        o = self.optimizer
        switches = (o.l2 > 0, o.weight_decay > 0, o.clip_norm is None, o.clip_value is None)
        if switches != self._switches:
            self._switches = switches
            self._recorded.clear()
            self._epoch = None

    def _first_step(self, size: int) -> None:
        """Take a step with a batch of a new size, and write it down."""
        network = self.network
        raw = self.x.dtype if network.layers[0].accepts_raw else network.dtype
        outputs = self.targets.outputs
        batch = self._batch = Batch(size, network.input_shape, outputs, raw, network.dtype)
        if self.compile is False:
            self._step(batch)
            self._keep(size, batch, Recording([]))
        elif self.is_ours:
            # Only written down, and then run: so work arrays never take more memory than packed.
            with separate_buffers(network.layers) as work, capture(run=False) as calls:
                self._step(batch)
            self._keep(size, batch, Recording(calls, self.one_by_one, work))
            self._again(self._recorded[size], size)
        else:
            with capture() as calls:
                self._step(batch)
            self._keep(size, batch, Recording(calls, self.one_by_one))

    def _keep(self, size: int, batch: Batch, recording: Recording) -> None:
        self._recorded[size] = _Recorded(batch, recording)
        self.way = way(recording, self.compile)

    def _step(self, batch: Batch) -> None:
        """One iteration, as nothing but kernel calls: batch, forward, loss, backward, update."""
        network, optimizer, rows = self.network, self.optimizer, self.rows
        batch.fill(rows, self.x, self.targets, self.weights)
        outputs = network.run_forward(batch.x, training=True)
        self.loss.into(outputs, batch)
        if self.checked:
            stop_unless_finite(batch.total)
        network.run_backward(batch.gradient, need_dx=False)
        set_rate(rows.rates, rows.index, optimizer.scalars["learning_rate"])
        run_part(optimizer, optimizer.step)
        add_scores(self.targets.task, self.loss, outputs, batch, self.sums)
        next_batch(rows.index, rows.step)

    def _again(self, recorded: _Recorded, size: int) -> None:
        """Take the step that is recorded for this size, or as many as come next and fit."""
        if self.way == "plain":
            self._step(recorded.batch)
        elif self.way == "replayed":
            recorded.recording.replay()
        else:
            left = self.batches - int(self.rows.index)
            alike = left if self._size(self.batches - 1) == size else max(1, left - 1)
            most = 1 if self.one_by_one else int(CHUNK_SECONDS / recorded.seconds)
            steps = max(1, min(alike, most))
            started = time.perf_counter()
            recorded.recording.run(steps)
            recorded.seconds = max(time.perf_counter() - started, 1e-9) / steps

    def _step_in_blocks(self) -> None:
        """One iteration over all rows at once, a block after the other (see `glassnet.blocks`)."""
        if self._blocked is None:
            data = self.x, self.targets, self.weights
            self._blocked = BlockedBatch(self.network, self.loss, *data, self.checked, self.compile)
        self._batch = self._blocked
        self._blocked.run(self.sums)
        self.way = self._blocked.way
        set_rate(self.rows.rates, self.rows.index, self.optimizer.scalars["learning_rate"])
        self.optimizer.step()
        next_batch(self.rows.index, self.rows.step)
