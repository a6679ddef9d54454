"""Fusing: neighbouring calls of a recorded step replaced by one that does their work in one pass.

A kernel reads arrays and writes arrays, and for small layers that traffic costs more than the
arithmetic. Where a recorded step (`glassnet.recording`) calls kernels in a known order on arrays
that nobody else looks at, a kernel of `glassnet.fused` takes their place; `FUSIONS` is the table of
these orders.

The numbers stay the same, bit for bit: each goes through the same operations in the same order. But
arrays that only stood between two of the calls are not filled any more; nor is, in batches of few
rows with plain SGD or momentum, the part of the gradient vector that belongs to dense weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from glassnet.accelerate import Array, Call, Kernel, OwnCall, twins_are_on
from glassnet.fused import (
    dense_forward_listed,
    descend_by_rows,
    descend_listed,
    list_inputs,
    momentum_by_rows,
    normalise_rectify,
    normalise_rectify_backward,
    normalise_rectify_drop,
    normalise_rectify_drop_backward,
    normalise_rectify_inference,
)
from glassnet.layers.batch_norm import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_inference,
)
from glassnet.layers.dense import dense_forward, dense_input_gradient, dense_weight_gradient
from glassnet.layers.dropout import dropout_backward, dropout_forward, dropout_next_step
from glassnet.layers.philox import philox_words
from glassnet.layers.rectifiers import relu_backward, relu_forward
from glassnet.optimizers import momentum_of_gradients, sgd

# The table.

Part = tuple[Kernel, str]


@dataclass(frozen=True)
class Fusion:
    """What is replaced by what.

    Attributes:
        why: what is gained.
        runs: for each kernel the calls that it takes the place of, which follow one another. Every
            argument has a name; the same name is the same array throughout, and the kernel gets
            those that its own arguments are called.
    """

    why: str
    runs: dict[Kernel, tuple[Part, ...]]

    @property
    def dropped(self) -> set[str]:
        """The arrays that are not filled any more."""
        parts = {name for run in self.runs.values() for _, names in run for name in names.split()}
        return parts - {name for kernel in self.runs for name in arguments_of(kernel)}


BATCH_NORM = "x gamma beta running_mean running_var momentum epsilon x_hat inv_std normal"

FUSIONS = (
    Fusion(
        why="Random words are used as they are made; y tells where the gradient passes, so that "
        "neither mask nor words are stored and read again.",
        runs={
            normalise_rectify_drop: (
                (batch_norm_forward, BATCH_NORM),
                (relu_forward, "normal positive"),
                (dropout_next_step, "step"),
                (philox_words, "key step rounds work"),
                (dropout_forward, "positive work rate mask y"),
            ),
            normalise_rectify_drop_backward: (
                (dropout_backward, "dy mask d_positive"),
                (relu_backward, "d_positive positive d_normal"),
                (batch_norm_backward, "d_normal x_hat inv_std gamma dx d_gamma d_beta"),
            ),
        },
    ),
    Fusion(
        why="The rectified numbers are written once, and what goes back is not stored between.",
        runs={
            normalise_rectify: (
                (batch_norm_forward, BATCH_NORM),
                (relu_forward, "normal y"),
            ),
            normalise_rectify_backward: (
                (relu_backward, "dy y d_normal"),
                (batch_norm_backward, "d_normal x_hat inv_std gamma dx d_gamma d_beta"),
            ),
        },
    ),
    Fusion(
        why="In inference too the rectified numbers are written once.",
        runs={
            normalise_rectify_inference: (
                (batch_norm_inference, "x gamma beta running_mean running_var epsilon normal"),
                (relu_forward, "normal y"),
            ),
        },
    ),
)


def fused(calls: Sequence[Call], keep_gradient: bool = False) -> list[Call]:
    """The same step in fewer passes; as it is if a part of the user's own could look at anything.

    Arguments:
        calls: kernels with their arrays, as they were captured.
        keep_gradient: whether all of the gradient vector must be filled.
    """
    steps = list(calls)
    if any(isinstance(kernel, OwnCall) for kernel, _ in steps):
        return steps
    for fusion in FUSIONS:
        while (shorter := _apply(fusion, steps)) is not None:
            steps = shorter
    return steps if keep_gradient else _without_outer_products(steps)


# Matching.

Names = dict[str, Array]


def arguments_of(kernel: Kernel) -> list[str]:
    """The names of a kernel's arguments."""
    return list(inspect.signature(kernel.reference).parameters)


def _apply(fusion: Fusion, calls: list[Call]) -> list[Call] | None:
    """The list with this fusion made once, where it first can be; None if nowhere."""
    for places, names in _matches(list(fusion.runs.values()), calls, {}):
        replaced = {
            index
            for run, place in zip(fusion.runs.values(), places, strict=True)
            for index in range(place, place + len(run))
        }
        others = [call for index, call in enumerate(calls) if index not in replaced]
        if any(_touches(call, names[name]) for call in others for name in fusion.dropped):
            continue
        instead = {
            place: (kernel, tuple(names[name] for name in arguments_of(kernel)))
            for kernel, place in zip(fusion.runs, places, strict=True)
        }
        return [
            instead.get(index, call)
            for index, call in enumerate(calls)
            if index in instead or index not in replaced
        ]
    return None


def _matches(
    runs: list[tuple[Part, ...]], calls: list[Call], names: Names
) -> Iterator[tuple[tuple[int, ...], Names]]:
    """All ways to find the runs in the list: where each begins, and which array has which name."""
    if not runs:
        yield (), names
        return
    for place in range(len(calls)):
        matched = _named(runs[0], calls[place : place + len(runs[0])], names)
        if matched is not None:
            for places, all_names in _matches(runs[1:], calls, matched):
                yield (place, *places), all_names


def _named(run: tuple[Part, ...], calls: list[Call], names: Names) -> Names | None:
    """The names of the arrays if these calls are that run, else None."""
    if [kernel for kernel, _ in calls] != [kernel for kernel, _ in run]:
        return None
    found = dict(names)
    for (_, arrays), (_, part) in zip(calls, run, strict=True):
        for name, array in zip(part.split(), arrays, strict=True):
            if not _same(found.setdefault(name, array), array):
                return None
    return found


def _same(one: Array, other: Array) -> bool:
    return one is other or (
        one.ctypes.data == other.ctypes.data
        and (one.shape, one.strides, one.dtype) == (other.shape, other.strides, other.dtype)
    )


def _touches(call: Call, array: Array) -> bool:
    return any(np.may_share_memory(array, other) for other in call[1])


# Batches of few rows. The gradient of a dense layer's weights is xᵀ dy, and an optimizer that
# treats each number alike can take its step with x and dy themselves, if nothing else looks at the
# gradient (no clipping, no penalty).

BY_ROWS: dict[Callable[..., None], tuple[Kernel, int]] = {
    sgd: (descend_by_rows, 4),
    momentum_of_gradients: (momentum_by_rows, 2),
}
"""For each optimizer the kernel that does without a gradient, and for how many rows it pays: in
float32 over 784 × 64 to 784 × 256 it takes 0.4 to 0.8 of the time, for momentum and 3 or 4 rows
0.6 to 1.2."""


def _without_outer_products(calls: list[Call]) -> list[Call]:
    """Dense weights moved by x and dy themselves, and the rest of θ by the optimizer as before."""
    place = next((i for i, (kernel, _) in enumerate(calls) if kernel in BY_ROWS), 0)
    products = [i for i in range(place) if _is_only_for(place, i, calls)]
    if not products:
        return calls
    kernel, (theta, gradient, *others) = calls[place]
    by_rows, _ = BY_ROWS[kernel]
    state = [array for array in others if array.shape == theta.shape]
    numbers = others[len(state) :]
    updates: list[Call] = []
    spans = []
    for x, dy, d_weight in (calls[i][1] for i in products):
        span = _span(d_weight, gradient)
        moved = [vector[span].reshape(d_weight.shape) for vector in (theta, *state)]
        updates.append((by_rows, (x, dy, *moved, *numbers)))
        spans.append(span)
    for span in _between(spans, theta.size):
        vectors = [vector[span] for vector in (theta, gradient, *state)]
        updates.append((kernel, (*vectors, *numbers)))
    kept = [call for i, call in enumerate(calls[:place]) if i not in products]
    return _with_zeros_passed_over([*kept, *updates, *calls[place + 1 :]])


def _with_zeros_passed_over(calls: list[Call]) -> list[Call]:
    """Plain descent in the first layer over inputs that are not zero, listed on the way forward.

    The inputs of a network are often zero (of MNIST's pixels 81 %), those of later layers seldom.
    Which layer is the first is known by that nobody asks for the gradient of its inputs. In batches
    of several rows lists would not pay.
    """
    for start, (kernel, arrays) in enumerate(calls):
        if kernel is not dense_forward or len(arrays[0]) > 1:
            continue
        x, weight, bias, y = arrays
        asked = any(k is dense_input_gradient and _touches((k, a), weight) for k, a in calls)
        for end, (later, others) in enumerate(calls[start:], start):
            if later is not descend_by_rows or asked or not _same(others[0], x):
                continue
            between = calls[start + 1 : end]
            if not _same(others[2], weight) or any(_may_write(call, x) for call in between):
                continue
            places = np.zeros(1 + x.size, np.int64)
            forward = dense_forward_listed, (x, places, weight, bias, y)
            descent = descend_listed, (x, places, *others[1:])
            listing = list_inputs, (x, places)
            return [*calls[:start], listing, forward, *between, descent, *calls[end + 1 :]]
    return calls


def _is_only_for(place: int, index: int, calls: list[Call]) -> bool:
    """Whether call `index` writes xᵀ dy of few rows, which only the optimizer at `place` reads."""
    kernel, arrays = calls[index]
    _, most_rows = BY_ROWS[calls[place][0]]
    if kernel is not dense_weight_gradient or not _is_by_loops(arrays[1], most_rows):
        return False
    x, dy, d_weight = arrays
    others = [call for i, call in enumerate(calls) if i not in (index, place)]
    return (
        np.may_share_memory(d_weight, calls[place][1][1])
        and not any(_touches(call, d_weight) for call in others)
        and not any(_may_write(call, x, dy) for call in calls[index + 1 : place])
    )


def _is_by_loops(dy: Array, most_rows: int) -> bool:
    """Whether xᵀ dy is made by loops, not by BLAS, so that a fused kernel can make the same."""
    if not twins_are_on():
        return len(dy) == 1
    from glassnet.kernels.dense import few_rows

    by_loops: bool = few_rows.py_func(*dy.shape)
    return by_loops and len(dy) <= most_rows


def _may_write(call: Call, *arrays: Array) -> bool:
    """Whether a call may change one of the arrays.

    In the backward pass of a layer of ours all that is written is called d…, and never dy.
    """
    kernel, theirs = call
    if isinstance(kernel, Kernel) and goes_back(kernel):
        names = arguments_of(kernel)
        theirs = tuple(
            array
            for name, array in zip(names, theirs, strict=True)
            if name.startswith("d") and name != "dy"
        )
    return any(_touches((kernel, theirs), array) for array in arrays)


def goes_back(kernel: Kernel) -> bool:
    """Whether a kernel belongs to the backward pass of a layer of ours."""
    file, _, name = kernel.name.rpartition(".")
    return file.startswith("layers.") and name.endswith(("_backward", "_gradient"))


def _span(part: Array, vector: Array) -> slice:
    """Where a part of a vector begins and ends."""
    start = (part.ctypes.data - vector.ctypes.data) // vector.itemsize
    return slice(start, start + part.size)


def _between(spans: list[slice], size: int) -> Iterator[slice]:
    """What the spans leave of a vector.

    >>> list(_between([slice(4, 6), slice(0, 2)], 9))
    [slice(2, 4, None), slice(6, 9, None)]
    """
    start = 0
    for span in sorted(spans, key=lambda span: span.start):
        if start < span.start:
            yield slice(start, span.start)
        start = span.stop
    if start < size:
        yield slice(start, size)
