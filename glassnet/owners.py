"""Two owners: a recorded step divided between two threads, with the same bits as on one.

Each of the two threads owns a half of every large array, and computes what goes into its half:

    y = x W           half of the columns of W and y
    ∂J/∂W = xᵀ dy     half of the rows of ∂J/∂W
    ∂J/∂x = dy Wᵀ     half of the columns of ∂J/∂x
    batch norm        half of the columns, each of which is normalised by itself
    θ ← θ − …         half of θ and of what the optimizer remembers

These are the kernels of the recorded list, on parts of their arrays; calls that are too small for
that, or that add up over what would be divided, are the first thread's. Before and after divided
calls the threads meet (`glassnet.kernels.executor.meet`).

No number is computed in another way than on one thread, so that it does not matter to the result
whether there is a second one: it is taken while this is the only training of the process
(`glassnet.threads.second_is_free`), and while the system gives both threads a core. That BLAS gives
parts of a product the bits that they have in the whole is tried for each shape (`_same_bits`): it
holds for OpenBLAS where parts are multiples of its block, and where it does not hold the product is
not divided.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassnet.accelerate import Array, Call, Kernel, flushed_denormals
from glassnet.fused import (
    normalise_rectify,
    normalise_rectify_backward,
    normalise_rectify_backward_columns,
    normalise_rectify_columns,
    normalise_rectify_drop,
    normalise_rectify_drop_backward,
    normalise_rectify_drop_backward_columns,
    normalise_rectify_drop_columns,
)
from glassnet.fusing import arguments_of
from glassnet.layers.dense import (
    dense_forward,
    dense_forward_without_bias,
    dense_input_gradient,
    dense_weight_gradient,
)
from glassnet.layers.dropout import dropout_next_step
from glassnet.optimizers import (
    adagrad,
    adam,
    adam_uncorrected,
    add_l2_gradient,
    clip_by_value,
    decay_weights,
    momentum_of_gradients,
    momentum_of_steps,
    nesterov,
    nesterov_of_steps,
    rmsprop,
    sgd,
)
from glassnet.threads import run_workers

SMALLEST_PRODUCT = 1_000_000
"""Multiplications and additions from which a product is divided."""

SMALLEST_VECTOR = 16_384
"""Elements from which an optimizer's vectors are divided."""

SMALLEST_ROWS = 4096
"""Elements of a batch from which batch norm is divided."""

SMALLEST_STEP = 10_000_000
"""Operations in the products of a step from which the step is divided."""

LONG_STEP = 100_000_000
"""Operations from which a single step is divided: a thread takes some 0.1 ms to start."""

BLOCK = 32
"""Halves end at a multiple of this, a multiple of the blocks that BLAS computes in."""

OWN_CORE = 0.8
"""Share of the time that a thread has to have been run for: then it had a core of its own."""

FEW_STEPS, MANY_STEPS = 8, 2048
"""How many steps are taken in one way before it is asked again which is the better one."""

Arrays = tuple[Array, ...]


def halves(size: int) -> tuple[slice, slice]:
    """Which part each owner has.

    >>> halves(200)
    (slice(0, 96, None), slice(96, 200, None))
    """
    middle = size // 2 // BLOCK * BLOCK
    return slice(0, middle), slice(middle, size)


# How calls are divided: the arrays of an owner's part.


def _outputs(owner: int, x: Array, weight: Array, *bias_and_y: Array) -> Arrays:
    columns = halves(weight.shape[1])[owner]
    return x, weight[:, columns], *(array[..., columns] for array in bias_and_y)


def _weight_rows(owner: int, x: Array, dy: Array, d_weight: Array) -> Arrays:
    rows = halves(len(d_weight))[owner]
    return x[:, rows], dy, d_weight[rows]


def _inputs(owner: int, dy: Array, weight: Array, dx: Array) -> Arrays:
    columns = halves(len(weight))[owner]
    return dy, weight[columns], dx[:, columns]


def _elements(owner: int, vector: Array, *others: Array) -> Arrays:
    part = halves(vector.size)[owner]
    return vector[part], *(a[part] if a.shape == vector.shape else a for a in others)


PRODUCTS: dict[object, Callable[..., Arrays]] = {
    dense_forward: _outputs,
    dense_forward_without_bias: _outputs,
    dense_weight_gradient: _weight_rows,
    dense_input_gradient: _inputs,
}

BY_COLUMN = {
    normalise_rectify: normalise_rectify_columns,
    normalise_rectify_backward: normalise_rectify_backward_columns,
    normalise_rectify_drop: normalise_rectify_drop_columns,
    normalise_rectify_drop_backward: normalise_rectify_drop_backward_columns,
}
"""Kernels for which there is one that works on some columns."""

ELEMENTWISE = {
    adagrad,
    adam,
    adam_uncorrected,
    add_l2_gradient,
    clip_by_value,
    decay_weights,
    momentum_of_gradients,
    momentum_of_steps,
    nesterov,
    nesterov_of_steps,
    rmsprop,
    sgd,
}
"""Kernels of which each element goes its own way."""


def parts(call: Call) -> tuple[list[Call], tuple[Call, Call]] | None:
    """What the first thread does alone, then what each does; None if a call stays whole."""
    kernel, arrays = call
    if kernel in BY_COLUMN:
        return _by_column(kernel, arrays)
    if kernel in ELEMENTWISE and arrays[0].size >= SMALLEST_VECTOR:
        return [], ((kernel, _elements(0, *arrays)), (kernel, _elements(1, *arrays)))
    if kernel not in PRODUCTS or operations(call) < SMALLEST_PRODUCT:
        return None
    both = PRODUCTS[kernel](0, *arrays), PRODUCTS[kernel](1, *arrays)
    shapes = tuple(array.shape for array in arrays)
    if both[0][-1].size == 0 or not _same_bits(kernel, shapes, arrays[0].dtype):
        return None
    return [], ((kernel, both[0]), (kernel, both[1]))


def _by_column(kernel: Kernel, arrays: Arrays) -> tuple[list[Call], tuple[Call, Call]] | None:
    rows, columns = arrays[0].shape
    # A random counter gives four words, which one thread makes.
    if rows * columns < SMALLEST_ROWS or columns % 4 or columns < 2 * BLOCK:
        return None
    alone: list[Call] = []
    if kernel is normalise_rectify_drop:
        step = arrays[arguments_of(kernel).index("step")]
        alone.append((dropout_next_step, (step,)))
    first, second = (np.array([part.start, part.stop]) for part in halves(columns))
    by_column = BY_COLUMN[kernel]
    return alone, ((by_column, (first, *arrays)), (by_column, (second, *arrays)))


def operations(call: Call) -> int:
    """Multiplications and additions of a matrix product; 0 for any other call.

    With arrays of n·k, k·m and n·m elements, in whatever roles, that is 2·√(nk · km · nm).
    """
    kernel, arrays = call
    if kernel not in PRODUCTS:
        return 0
    return 2 * math.isqrt(arrays[0].size * arrays[1].size * arrays[-1].size)


@functools.cache
def _same_bits(kernel: Kernel, shapes: tuple[tuple[int, ...], ...], dtype: np.dtype[Any]) -> bool:
    """Whether both parts of a product have the bits that they have in the whole: tried once."""
    rng = np.random.default_rng(0)
    whole = tuple(rng.standard_normal(shape).astype(dtype) for shape in shapes)
    divided = tuple(array.copy() for array in whole)
    kernel.twin(*whole)
    for owner in range(2):
        kernel.twin(*PRODUCTS[kernel](owner, *divided))
    return whole[-1].tobytes() == divided[-1].tobytes()


# Both lists.


def divide(
    calls: Sequence[Call], meetings: tuple[Call, Call]
) -> tuple[list[Call], list[Call]] | None:
    """The lists of both owners, which meet around divided calls; None if it does not pay.

    Arguments:
        calls: a recorded step; all kernels, with twins.
        meetings: for each owner the call by which it waits for the other one.
    """
    if sum(map(operations, calls)) < SMALLEST_STEP:
        return None
    lists: tuple[list[Call], list[Call]] = ([], [])

    def both(first: Call, second: Call) -> None:
        lists[0].append(first)
        lists[1].append(second)

    have_met = False
    for call in calls:
        divided = parts(call)
        alone = [call] if divided is None else divided[0]
        lists[0].extend(alone)
        have_met = have_met and not alone
        if divided is not None:
            if not have_met:
                both(*meetings)
            both(*divided[1])
            both(*meetings)
            have_met = True
    return lists if lists[1] else None


class Owners:
    """A recorded step that two threads run.

    Waiting for a thread that has lost its core to another process takes longer than the step would
    on one thread. So a few steps are divided first, then more and more of them as long as both
    threads have had a core of their own; if not, one thread goes on alone for a while.

    Arguments:
        lists: of both owners (`divide`).
        arrivals: (3, 8) uint64: in the first column how often each owner has come to a meeting, and
            whether one has stopped; a row is a line of the cache, so that waiting for one number
            does not slow down writing another.

    Attributes:
        pays_for_one: whether the threads are worth starting for a single step.
        together: how many steps are divided next.
        apart: how many steps one thread takes before that.
    """

    def __init__(self, lists: tuple[list[Call], list[Call]], arrivals: Array) -> None:
        from glassnet.kernels.executor import Program

        self.lists = lists
        self.pays_for_one = 2 * sum(map(operations, lists[1])) >= LONG_STEP
        self.arrivals = arrivals
        self.together, self.apart = FEW_STEPS, 0
        self._next_apart = FEW_STEPS
        self._programs = [
            Program([(getattr(kernel, "twin", kernel), arrays) for kernel, arrays in own])
            for own in lists
        ]

    def run(self, steps: int) -> Call | None:
        """Run the step so often; returns the call of the first owner that raised, if one did."""
        self.arrivals[:] = 0
        failed = [-1, -1]
        shares = [1.0, 1.0]

        def work(owner: int) -> None:
            started, worked = time.perf_counter(), time.thread_time()
            with flushed_denormals():
                failed[owner] = self._programs[owner].run(steps)
            if failed[owner] >= 0:
                self.arrivals[2, 0] = 1
            shares[owner] = (time.thread_time() - worked) / (time.perf_counter() - started)

        run_workers(work, 2)
        self._plan(min(shares) >= OWN_CORE)
        return None if failed[0] < 0 else self.lists[0][failed[0]]

    def _plan(self, had_cores: bool) -> None:
        if had_cores:
            self.together, self._next_apart = min(2 * self.together, MANY_STEPS), FEW_STEPS
        else:
            self.together, self.apart = FEW_STEPS, self._next_apart
            self._next_apart = min(2 * self._next_apart, MANY_STEPS)


def owners_of(calls: Sequence[Call]) -> Owners | None:
    """The step for two threads, if dividing it pays."""
    from glassnet.kernels.executor import meet

    arrivals = np.zeros((3, 8), np.uint64)
    first, second, stopped = (row[:1] for row in arrivals)
    meetings = (meet, (first, second, stopped)), (meet, (second, first, stopped))
    lists = divide(calls, meetings)
    return None if lists is None else Owners(lists, arrivals)
