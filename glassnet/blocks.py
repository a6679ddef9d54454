"""Large batches, in blocks of rows on two threads.

The gradient of a sum over rows is the sum of the gradients, so a batch of many rows need not go
through the layers as one: blocks of rows that fit into the processor's cache do, one after the
other, and their gradients are added up. Two workers take half of the blocks each, on arrays of
their own; θ is read by both and moved by none of them.

Inputs that are mostly zero are listed without their zeros first (see `glassnet.nonzeros`).

This needs layers in which a row depends on no other row (`Layer.row_wise`). Whether a batch is
taken in blocks depends on its size and the layers alone, and the halves are the same on any
machine, so that equal seeds give equal bits.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from glassnet.accelerate import Array, Call, capture, flushed_denormals, is_ours
from glassnet.batches import Batch, Epoch, add_to, divide, next_batch
from glassnet.layers.base import Layer, separate_buffers
from glassnet.losses import Loss, stop_unless_finite
from glassnet.network import Network
from glassnet.nonzeros import from_lists, listed
from glassnet.recording import Compile, Recording, Way, way
from glassnet.targets import Targets, add_scores
from glassnet.threads import run_workers

BLOCK = 256
"""Rows in a block: 784 float32 inputs a row are 0.8 MB, about a second-level cache."""

SMALLEST = 8192
"""Rows in a batch from which it is taken in blocks."""


def in_blocks(rows: int, layers: Iterable[Layer], loss: Loss) -> bool:
    """The fixed rule: large batches, through row-wise layers and losses of our own."""
    parts: list[Layer | Loss] = [*layers, loss]
    return rows >= SMALLEST and all(part.row_wise and is_ours(part) for part in parts)


class BlockedBatch:
    """One batch of many rows, taken by two workers in blocks.

    Arguments:
        network, loss, targets, weights: as in `Trainer`.
        x: the rows, in the order in which they are taken.
        checked: whether a loss that is not finite raises FloatingPointError.
        compile: see `Network.fit`.

    Attributes:
        total: Σ wᵢ ℓᵢ and N over the whole batch.
        x: the inputs of the block that was taken last.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        x: Array,
        targets: Targets,
        weights: Array | None,
        checked: bool,
        compile: Compile,
    ) -> None:
        self.network = network
        self.is_mean = loss.reduction == "mean"
        self.total = np.zeros(2)
        middle = len(x) // 2
        data = loss, x, targets, weights, checked
        self.workers = [
            _Worker(network, np.arange(start, stop), *data)
            for start, stop in ((0, middle), (middle, len(x)))
        ]
        self.compile = compile
        self.way: Way = "plain"

    @property
    def x(self) -> Array:
        """The inputs of a block with a loss that is not finite, or of the last one."""
        worker = next((w for w in self.workers if not np.isfinite(w.batch.total[0])), None)
        return (worker or self.workers[-1]).inputs

    def _record(self) -> None:
        """Write down what the workers do; a loss that is not finite may be noticed here already."""
        for worker in self.workers:
            worker.record()
        self.way = way(self.workers[0].recordings[0][0], self.compile)

    def run(self, sums: Array) -> None:
        """Fill the network's gradient with that of the batch, and add its scores to `sums`."""
        if not self.workers[-1].recordings:
            self._record()
        native = self.way == "compiled"

        def work(number: int) -> None:
            with flushed_denormals():
                self.workers[number].run(native)

        if native:
            run_workers(work, 2)
        else:
            for worker in self.workers:
                worker.run(native)
        first, second = self.workers
        gradient = self.network.gradient
        gradient[:] = first.gradient
        add_to(second.gradient, gradient)
        for worker in self.workers:
            add_to(worker.sums, sums)
        self.total[:] = first.sums[:2] + second.sums[:2]
        if self.is_mean and self.total[1]:
            divide(gradient, self.total[1:2].reshape(()))


class _Worker:
    """Half of the rows, and the arrays that one thread works on.

    Attributes:
        recordings: a step for each size of block, its arrays, and how many blocks it takes.
        batch: the arrays of the block that was taken last.
    """

    batch: Batch

    def __init__(
        self,
        network: Network,
        rows: Array,
        loss: Loss,
        x: Array,
        targets: Targets,
        weights: Array | None,
        checked: bool,
    ) -> None:
        self.network, self.loss, self.checked = network, loss, checked
        self.data = x, targets, weights
        self.rows = Epoch(len(rows))
        self.rows.order[:] = rows
        self.rows.starts = np.arange(0, len(rows), BLOCK)
        self.gradient = np.zeros_like(network.gradient)
        self.sums = np.zeros(4)
        self._block_gradient = np.zeros_like(network.gradient)
        self.recordings: list[tuple[Recording, Batch, int]] = []

    def record(self) -> None:
        """Write down how a block is taken, and the shorter one at the end; see `recordings`."""
        x, order = self.data[0], self.rows.order
        full, rest = divmod(len(order), BLOCK)
        sizes = [(size, count) for size, count in ((BLOCK, full), (rest, 1)) if size]
        captured = [(*self._capture(size), count) for size, count in sizes]
        calls, batch, _ = captured[0]
        nonzeros = listed(calls, batch.x, x[order[0] : order[-1] + 1])
        if nonzeros is not None:
            captured = [
                (from_lists(calls, batch.x, nonzeros, self.rows.index), batch, count)
                for calls, batch, count in captured
            ]
        self.recordings = [(Recording(calls), batch, count) for calls, batch, count in captured]

    def _capture(self, size: int) -> tuple[list[Call], Batch]:
        network, (x, _, _) = self.network, self.data
        raw = x.dtype if network.layers[0].accepts_raw else network.dtype
        outputs = network.output_shape[0]
        self.batch = batch = Batch(size, network.input_shape, outputs, raw, network.dtype)
        self.rows.index[...] = 0
        with (
            separate_buffers(network.layers),
            network.store.other_gradient(self._block_gradient),
            capture() as calls,
        ):
            self._take_block(batch)
        return calls, batch

    def _take_block(self, batch: Batch) -> None:
        network, task = self.network, self.data[1].task
        batch.fill(self.rows, *self.data)
        outputs = network.run_forward(batch.x, training=True)
        self.loss.into(outputs, batch, undivided=True)
        if self.checked:
            stop_unless_finite(batch.total)
        network.run_backward(batch.gradient, need_dx=False)
        add_to(self._block_gradient, self.gradient)
        add_scores(task, self.loss, outputs, batch, self.sums)
        next_batch(self.rows.index, self.rows.step)

    @property
    def inputs(self) -> Array:
        """The inputs of the block whose turn it is, or of the last one."""
        rows, last = self.rows, len(self.rows.starts) - 1
        start = rows.starts[min(int(rows.index), last)]
        return self.network.entry(self.data[0][rows.order[start : start + BLOCK]])

    def run(self, native: bool) -> None:
        """Add up the gradients and scores of all blocks."""
        self.gradient[:] = 0
        self.sums[:] = 0
        self.rows.index[...] = 0
        for recording, batch, count in self.recordings:
            self.batch = batch
            if native:
                recording.run(count)
            else:
                for _ in range(count):
                    recording.replay()
