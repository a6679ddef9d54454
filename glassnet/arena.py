"""The arena: one block of memory for the work arrays of a recorded list of calls.

What a layer writes down on its way is needed from the call that first writes it to the last that
reads it. In a recorded list (`glassnet.recording`) both can be seen, so work arrays that are never
needed at the same time get the same place: going back, all gradients of a deep chain take turns in
two places, and so do all outputs in inference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from glassnet.accelerate import Array, Call

LINE = 64
"""Bytes of a line of the cache, at which every place begins."""


def packed(calls: Sequence[Call], work: Iterable[Array]) -> list[Call]:
    """The same calls, with their work arrays in one block as small as is easily had.

    Each array gets the lowest place that is free as long as it is needed, the largest array first.

    Arguments:
        calls: kernels with their arrays.
        work: arrays of which nobody needs what is in them before the list begins or when it ends.
            Arrays of the calls may be views of them.

    Example:
        >>> from glassnet.layers.rectifiers import relu_forward
        >>> x, a, b, y = (np.zeros((2, 16)) for _ in range(4))
        >>> calls = [(relu_forward, pair) for pair in ((x, a), (a, b), (b, y))]
        >>> (_, (_, a)), (_, (_, b)), _ = packed(calls, [a, b])
        >>> a.base is b.base, np.shares_memory(a, b)           # b is written while a is read
        (True, False)

    Source: Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020,
    arXiv:2001.03288 ("greedy by size for offset calculation").
    """
    spans = _spans(calls, {id(array) for array in work})
    sizes = {id(_owner(array)): _owner(array).nbytes for _, arrays in calls for array in arrays}
    places: dict[int, int] = {}
    for array in sorted(spans, key=lambda array: -sizes[array]):
        others = [other for other in places if _meet(spans[array], spans[other])]
        place = 0
        for other in sorted(others, key=places.__getitem__):
            if place + sizes[array] <= places[other]:
                break
            place = max(place, _up_to_line(places[other] + sizes[other]))
        places[array] = place
    block = _lines(max((places[array] + sizes[array] for array in places), default=0))
    return [
        (kernel, tuple(_moved(array, places, block) for array in arrays))
        for kernel, arrays in calls
    ]


def _owner(array: Array) -> Array:
    """The array whose memory this is."""
    return array.base if isinstance(array.base, np.ndarray) else array


def _spans(calls: Sequence[Call], work: set[int]) -> dict[int, tuple[int, int]]:
    """The first and the last call that each work array has a part in."""
    spans: dict[int, tuple[int, int]] = {}
    for index, (_, arrays) in enumerate(calls):
        for array in map(id, map(_owner, arrays)):
            if array in work:
                spans[array] = spans.get(array, (index, index))[0], index
    return spans


def _meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _up_to_line(place: int) -> int:
    return -(-place // LINE) * LINE


def _lines(size: int) -> Array:
    """So many bytes, beginning at a line of the cache."""
    block = np.empty(size + LINE, np.uint8)
    start = -block.ctypes.data % LINE
    return block[start : start + size]


def _moved(array: Array, places: dict[int, int], block: Array) -> Array:
    """An array as it is, or at the place that its memory got."""
    owner = _owner(array)
    if id(owner) not in places:
        return array
    offset = places[id(owner)] + array.ctypes.data - owner.ctypes.data
    return np.ndarray(array.shape, array.dtype, block, offset, array.strides)
