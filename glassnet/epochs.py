"""Epochs: how one begins and how it ends, as kernel calls.

Between two epochs the rows get a new order, the batches their learning rates, and the scores are
put away. That is a list of kernel calls on fixed arrays, as a step is. So where nobody has to be
told in between, epochs that last some microseconds run many in a row, natively or replayed (see
`glassnet.steps`).

The order of an epoch is a function of (seed, number of the epoch): nothing is drawn from a running
generator.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from glassnet.accelerate import Array, Call, accelerated
from glassnet.batches import Epoch
from glassnet.layers.philox import philox_words

MOST_EPOCHS, MOST_STEPS = 256, 65_536
"""The longest row of epochs, in epochs and in steps: a step takes a microsecond at the least."""

ORDERS = 2
"""Which of a seed's streams decides the orders; the first two are the network's."""


@accelerated
def shuffle(words: Array, order: Array) -> None:
    """order = the rows 0 … n − 1 in an order of which each is equally likely.

    Row i comes to a random place j among the first i + 1, and what stood there goes to place i:

        order[i] ← order[j]        order[j] ← i        j = ⌊u (i + 1)⌋

    u in [0, 1) has 64 bits, two of the random words: no j is likelier than another by more than
    n / 2⁶⁴.

    Arguments:
        words: (2n,) uint32 at least. order: (n,) int64.

    Source: the "inside-out" form of Durstenfeld, "Algorithm 235: Random permutation", 1964.
    """
    n = len(order)
    high, low = words[: 2 * n].reshape(n, 2).astype(np.uint64).T
    places, half = np.arange(1, n + 1, dtype=np.uint64), np.uint64(32)
    chosen = (high * places + (low * places >> half)) >> half
    rows = [0] * n  # a list: Python takes twice as long to read and set items of an array
    for i, j in enumerate(chosen.tolist()):
        rows[i] = rows[j]
        rows[j] = i
    order[:] = rows


@accelerated
def begin_epoch(all_rates: Array, done: Array, rates: Array, sums: Array) -> None:
    """The learning rates of the epoch's batches, and nothing summed up yet."""
    rates[:] = all_rates[done.item()]
    sums[:] = 0


@accelerated
def end_epoch(sums: Array, all_sums: Array, done: Array, number: Array, index: Array) -> None:
    """Put the epoch's sums away; the next batch is the first one of the next epoch."""
    all_sums[done.item()] = sums
    done += 1
    number += 1
    index[...] = 0


@accelerated
def keep(array: Array, kept: Array) -> None:
    """kept = array."""
    kept[...] = array


@accelerated
def stop_unless_all_finite(theta: Array) -> None:
    """Raise FloatingPointError if an element is infinite or not a number."""
    if not np.isfinite(theta).all():
        raise FloatingPointError


class Epochs:
    """The epochs that come next.

    Arguments:
        rows: the order of the running epoch's rows, and its batches.
        sums: loss and score of the running epoch.
        buffers: the network's buffers.
        seed: decides the orders.
        shuffle: whether every epoch has another one.

    Attributes:
        number: of the running epoch, over all trainings of the network, (1,).
        rates: the learning rates of the epochs to come, (most, batches).
        done: how many have ended since `arrange`, ().
        sums: the sums of those, (most, 4).
        kept: the buffers as the running epoch found them, by name.
        beginning, ending: the calls that begin and end an epoch.
    """

    def __init__(
        self, rows: Epoch, sums: Array, buffers: Mapping[str, Array], seed: int, shuffle: bool
    ) -> None:
        self.rows, self.shuffle = rows, shuffle
        self.number = np.zeros(1, np.int64)
        self.done = np.zeros((), np.int64)
        self.kept = {name: buffer.copy() for name, buffer in buffers.items()}
        self._running, self._buffers = sums, buffers
        self._key = np.random.SeedSequence([seed, ORDERS]).generate_state(2)
        blocks = -(-len(rows.order) // 2)  # of four words, for two rows
        self._words = np.empty(4 * blocks, np.uint32)
        self._work = np.empty(6 * blocks, np.uint64)

    def arrange(self, batches: int) -> None:
        """Let epochs have so many batches."""
        self.most = min(MOST_EPOCHS, max(1, MOST_STEPS // batches))
        self.rates = np.zeros((self.most, batches))
        self.sums = np.zeros((self.most, 4))
        self.rows.order[:] = np.arange(len(self.rows.order))
        self.beginning, self.ending = self._beginning(batches), self._ending()

    def _beginning(self, batches: int) -> list[Call]:
        rows = self.rows
        calls: list[Call] = []
        if self.shuffle and batches > 1:
            calls.append((philox_words, (self._key, self.number, self._work, self._words)))
            calls.append((shuffle, (self._words, rows.order)))
        calls.append((begin_epoch, (self.rates, self.done, rows.rates, self._running)))
        calls += [(keep, (self._buffers[name], kept)) for name, kept in self.kept.items()]
        return calls

    def _ending(self) -> list[Call]:
        counters = self.done, self.number, self.rows.index
        return [(end_epoch, (self._running, self.sums, *counters))]

    def begin(self) -> None:
        """Lay out the next epoch."""
        for kernel, arrays in self.beginning:
            kernel(*arrays)

    def end(self) -> None:
        """End the epoch, all of whose batches are done."""
        for kernel, arrays in self.ending:
            kernel(*arrays)
