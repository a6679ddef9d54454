"""Where numbers first stopped being finite: a step taken again, one kernel call after the other.

The state at the beginning of every epoch is kept. When training has broken down, its epoch is run
again from there on a copy, with the same batches, to the step after which the loss or θ is not
finite. That step is then taken once more under watch: what every kernel has computed is looked at
before the next one runs.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from glassnet.accelerate import Array, Call, Kernel, OwnCall, capture, run_layer, run_part
from glassnet.batches import Batch, Epoch
from glassnet.doctor.measuring import Copy
from glassnet.doctor.record import Breakdown
from glassnet.fusing import arguments_of
from glassnet.glass.equations import equations
from glassnet.network import Network
from glassnet.optimizers import Optimizer

if TYPE_CHECKING:
    from glassnet.trainer import Trainer


class State:
    """A copy of all that a step changes: θ, buffers and the optimizer's state."""

    def __init__(self, network: Network, optimizer: Optimizer) -> None:
        self._arrays = [array.copy() for array in _changing(network, optimizer)]

    def keep(self, network: Network, optimizer: Optimizer) -> None:
        """Take the present state."""
        for kept, array in zip(self._arrays, _changing(network, optimizer), strict=True):
            kept[...] = array

    def put_back(self, network: Network, optimizer: Optimizer) -> None:
        """Give a network and an optimizer this state."""
        for array, kept in zip(_changing(network, optimizer), self._arrays, strict=True):
            array[...] = kept


def _changing(network: Network, optimizer: Optimizer) -> list[Array]:
    return [network.theta, *network.buffers.values(), *optimizer.state.values()]


class LastGood:
    """The state with which the running epoch began (or training, if that was within an epoch).

    Attributes:
        state: see `State`. epoch: the running one, from 1.
        step, batch: how many steps had been taken, in all and in this epoch.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.state = State(trainer.network, trainer.optimizer)
        self._note(trainer)

    def keep(self, trainer: Trainer) -> None:
        """An epoch begins."""
        self.state.keep(trainer.network, trainer.optimizer)
        self._note(trainer)

    def _note(self, trainer: Trainer) -> None:
        self.epoch, self.step, self.batch = trainer.epoch + 1, trainer.step, trainer.batch


class _Found(Exception):
    """A kernel made a number that is not finite."""


class _Watch(list[Call]):
    """A list of calls that looks at what each one has computed before it takes the next.

    Attributes:
        part, pass_: whose calls come, in words, and in which pass.
        kernel, largest: what is known of the call that was found.
    """

    def __init__(self) -> None:
        self.part = self.pass_ = self.kernel = ""
        self.largest = 0.0
        self._seen = 0

    def append(self, call: Call) -> None:
        self.look()
        super().append(call)
        if isinstance(call[0], OwnCall):  # is written down after it has run
            self.look()

    def look(self) -> None:
        """Look at the arrays of the last call, once: later calls may change them."""
        if self._seen == len(self):
            return
        self._seen = len(self)
        read, written = self._arrays()
        if all(map(_is_finite, read)) and not all(map(_is_finite, written)):
            self._found()

    def expect(self, array: Array, given: Array) -> None:
        """Look at the last call, and at a result that stands in none of its arguments.

        Where what is given is not finite either, values are missing, and a later layer fills them.
        """
        self.look()
        if _is_finite(given) and not _is_finite(array):
            self._found()

    def _arrays(self) -> tuple[list[Array], list[Array]]:
        """What the last call has only read, and what it has written, without its scratch paper."""
        kernel, arrays = self[-1]
        if isinstance(kernel, OwnCall) and self.pass_ != "loss":
            return list(arrays), []  # what it returns is for `expect`
        if not isinstance(kernel, Kernel) or kernel.name not in equations():
            return [], list(arrays)
        equation = equations()[kernel.name]
        named = dict(zip(arguments_of(kernel), arrays, strict=True))
        read = [a for name, a in named.items() if name not in (*equation.results, *equation.work)]
        return read, [named[name] for name in equation.results]

    def _found(self) -> NoReturn:
        read, written = self._arrays()
        kernel = self[-1][0]
        self.largest = max(map(_largest, [*read, *written]), default=0.0)
        if isinstance(kernel, OwnCall):
            method = getattr(kernel.method, "__name__", "")
            method = {"again": self.pass_}.get(method, method)
            self.kernel = f"{type(kernel.part).__name__}.{method}, a part of your own"
        else:
            self.kernel = getattr(kernel, "name", str(kernel))
        raise _Found


def _is_finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _largest(array: Array) -> float:
    """The largest absolute value that is finite."""
    if array.dtype.kind != "f" or not array.size:
        return 0.0
    return float(np.abs(np.where(np.isfinite(array), array, 0)).max())


def find_breakdown(trainer: Trainer, good: LastGood) -> Breakdown | None:
    """The first kernel that made a number that is not finite, in the epoch that began so.

    Returns:
        None if all is finite when the epoch runs again.
    """
    twin = Copy(trainer.network, trainer.optimizer, trainer.loss)
    good.state.put_back(twin.network, twin.optimizer)
    before = State(twin.network, twin.optimizer)
    rows = _same_order(trainer.steps.rows, good.batch)
    for step in range(good.step + 1, good.step + 1 + trainer.batches - good.batch):
        before.keep(twin.network, twin.optimizer)
        batch = _next_batch(trainer, rows)
        if not _step(twin, batch, rows):
            before.put_back(twin.network, twin.optimizer)
            return _watch_step(twin, batch, good.epoch, step)
        rows.index += 1
    return None


def _same_order(rows: Epoch, batch: int) -> Epoch:
    epoch = Epoch(0)
    epoch.order, epoch.starts, epoch.rates = rows.order, rows.starts, rows.rates
    epoch.index[...] = batch
    return epoch


def _next_batch(trainer: Trainer, rows: Epoch) -> Batch:
    steps, network, b = trainer.steps, trainer.network, int(rows.index)
    stop = rows.starts[b + 1] if b + 1 < len(rows.starts) else len(steps.x)
    raw = steps.x.dtype if network.layers[0].accepts_raw else network.dtype
    size = int(stop - rows.starts[b])
    batch = Batch(size, network.input_shape, steps.targets.outputs, raw, network.dtype)
    batch.fill(rows, steps.x, steps.targets, steps.weights)
    return batch


def _step(twin: Copy, batch: Batch, rows: Epoch) -> bool:
    """Take a step as training does; whether loss and θ are finite."""
    outputs = twin.network.run_forward(batch.x, training=True)
    twin.loss.into(outputs, batch)
    if not np.isfinite(batch.total[0]):
        return False
    twin.network.run_backward(batch.gradient, need_dx=False)
    twin.optimizer.scalars["learning_rate"][...] = rows.rates[int(rows.index)]
    twin.optimizer.step()
    return bool(np.isfinite(twin.network.theta).all())


def _watch_step(twin: Copy, batch: Batch, epoch: int, step: int) -> Breakdown | None:
    """Take the step that breaks down, under watch."""
    watch = _Watch()
    try:
        with capture(into=watch):
            _watched(twin, batch, watch)
    except _Found:
        return Breakdown(epoch, step, watch.kernel, watch.part, watch.pass_, watch.largest)
    return None


def _watched(twin: Copy, batch: Batch, watch: _Watch) -> None:
    network, optimizer = twin.network, twin.optimizer
    y, watch.pass_ = network.entry(batch.x), "forward"
    for index, layer in enumerate(network.layers):
        watch.part = f"layers.{index} ({layer.name})"
        given = y
        y = run_layer(layer, partial(layer.forward, training=True), given, network.dtype)
        watch.expect(y, given)
    watch.part, watch.pass_ = f"the loss ({twin.loss.name})", "loss"
    twin.loss.into(y, batch)
    watch.expect(batch.total, y)
    dy, watch.pass_ = batch.gradient, "backward"
    for index in reversed(range(len(network.layers))):
        layer = network.layers[index]
        watch.part = f"layers.{index} ({layer.name})"
        given = dy
        dy = run_layer(layer, layer.backward, given, network.dtype)
        watch.expect(dy, given)
    watch.part, watch.pass_ = f"the optimizer ({optimizer.name})", "update"
    run_part(optimizer, optimizer.step)
    watch.expect(network.theta, network.gradient)
