"""Two owners: a recorded step divided between two threads, with the same bits as on one.

Each of the two threads owns a half of every large array, and computes what goes into its half:

    y = x W           half of the columns of W and y
    ∂J/∂W = xᵀ dy     half of the rows of ∂J/∂W
    ∂J/∂x = dy Wᵀ     half of the columns of ∂J/∂x
    θ ← θ − …         half of θ and of what the optimizer remembers

These are the calls of the recorded list themselves, on parts of their arrays (`PARTS`); calls that
are too small for that, or that add up over what would be divided, are the first thread's. Before
and after divided calls the threads meet (`glassnet.kernels.executor.meet`).

No number is computed in another way than on one thread, so that it does not matter to the result
whether there is a second one: it is taken while this is the only training of the process
(`glassnet.threads.second_is_free`). That BLAS gives parts of a product the bits that they have in
the whole is tried for each shape (`_same_bits`): it holds for OpenBLAS where parts are multiples of
its block, and where it does not hold the product is not divided.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassnet.accelerate import Array, Call, Kernel, flushed_denormals
from glassnet.layers.dense import (
    dense_forward,
    dense_forward_without_bias,
    dense_input_gradient,
    dense_weight_gradient,
)
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
    rmsprop,
    sgd,
)
from glassnet.threads import run_workers

SMALLEST_PRODUCT = 1_000_000
"""Multiplications and additions from which a product is divided."""

SMALLEST_VECTOR = 16_384
"""Elements from which a vector is divided."""

SMALLEST_STEP = 4_000_000
"""Operations in the products of a step from which the step is divided."""

BLOCK = 32
"""Halves end at a multiple of this, a multiple of the blocks that BLAS computes in."""

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
    rmsprop,
    sgd,
}


def parts(call: Call) -> tuple[Arrays, Arrays] | None:
    """The arrays of both owners' parts of a call; None if it is not divided."""
    kernel, arrays = call
    if kernel in ELEMENTWISE and arrays[0].size >= SMALLEST_VECTOR:
        return _elements(0, *arrays), _elements(1, *arrays)
    if kernel not in PRODUCTS or operations(call) < SMALLEST_PRODUCT:
        return None
    both = PRODUCTS[kernel](0, *arrays), PRODUCTS[kernel](1, *arrays)
    if min(array.size for owner in both for array in owner) == 0:
        return None
    shapes = tuple(array.shape for array in arrays)
    return both if _same_bits(kernel, shapes, arrays[0].dtype) else None


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


def divided(
    calls: Sequence[Call], meetings: Sequence[Call]
) -> tuple[list[Call], list[Call]] | None:
    """The lists of both owners, which meet before and after divided calls; None if none is.

    Arguments:
        calls: a recorded step; all kernels, with twins.
        meetings: for each owner the call by which it waits for the other one.
    """
    if sum(map(operations, calls)) < SMALLEST_STEP:
        return None
    lists: tuple[list[Call], list[Call]] = ([], [])

    def meet() -> None:
        for own, meeting in zip(lists, meetings, strict=True):
            own.append(meeting)

    for call in calls:
        both = parts(call)
        if both is None:
            lists[0].append(call)
            continue
        meet()
        for own, arrays in zip(lists, both, strict=True):
            own.append((call[0], arrays))
        meet()
    return lists if lists[1] else None


class Owners:
    """A recorded step that two threads run.

    Arguments:
        lists: of both owners (`divided`).
        arrivals: (3, 8) uint64: in the first column how often each owner has come to a meeting, and
            whether one has stopped; a row is a line of the cache, so that waiting for one number
            does not slow down writing another.
    """

    def __init__(self, lists: tuple[list[Call], list[Call]], arrivals: Array) -> None:
        from glassnet.kernels.executor import Program

        self.lists = lists
        self.arrivals = arrivals
        self._programs = [
            Program([(getattr(kernel, "twin", kernel), arrays) for kernel, arrays in own])
            for own in lists
        ]

    def run(self, steps: int) -> Call | None:
        """Run the step so often; returns the call of the first owner that raised, if one did."""
        self.arrivals[:] = 0
        failed = [-1, -1]

        def work(owner: int) -> None:
            with flushed_denormals():
                failed[owner] = self._programs[owner].run(steps)
            if failed[owner] >= 0:
                self.arrivals[2, 0] = 1

        run_workers(work, 2)
        return None if failed[0] < 0 else self.lists[0][failed[0]]


def owners_of(calls: Sequence[Call]) -> Owners | None:
    """The step for two threads, if dividing it pays."""
    from glassnet.kernels.executor import meet

    arrivals = np.zeros((3, 8), np.uint64)
    first, second, stopped = (row[:1] for row in arrivals)
    meetings = (meet, (first, second, stopped)), (meet, (second, first, stopped))
    lists = divided(calls, meetings)
    return None if lists is None else Owners(lists, arrivals)
