"""The executor: runs a recorded step natively, by calling the kernels' machine code by address.

Numba compiles `f(a, b)` on arrays into a function that takes every array as a row of 64-bit words
(owner, parent, number of items, item size, address of the data, then shape and strides), behind two
pointers for the result and for an exception, and that returns 0 unless it raised. So a call is an
address and a block of words, a step is a list of calls, and one executor, compiled once for all
networks, runs any of them: there is nothing to compile for a new architecture, a call costs some
nanoseconds, and the bits are those of plain calls because the very same machine code computes them.

That layout is documented by Numba but not promised. `works` tries it once a process; where it
fails, recordings are replayed from Python instead.
"""

import functools
import platform
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.extending import intrinsic

from glassnet.accelerate import Array, Call
from glassnet.kernels.compile import compiled

MOST_WORDS = 160
"""Longest argument list, in words: about twenty arrays of two axes."""

GROUP = 4
"""Words by which argument lists grow: a branch for each length would take four times the memory (10
MB) and time (40 ms) to load."""

WORD = ir.IntType(64)


@intrinsic
def call_by_address(typingctx, address, count, block):
    """Call the function at `address` with the `count` words at `block`; returns its status.

    The number of arguments is part of a native function's type, so there is one branch for each
    multiple of GROUP. A function does not notice the zeros that follow its own arguments: on x86-64
    and ARM it is the caller who makes room for arguments and takes it back.
    """

    def generate(context, builder, signature, arguments):
        address, count, block = arguments
        pointer = ir.IntType(8).as_pointer()
        result = cgutils.alloca_once(builder, pointer)  # nothing is returned, but a place is due
        raised = cgutils.alloca_once(builder, pointer)
        words = builder.inttoptr(block, WORD.as_pointer())
        start = builder.block
        unknown = builder.append_basic_block("unknown")
        done = builder.append_basic_block("done")
        statuses = [(ir.Constant(WORD, -1), unknown)]
        branches = []
        for length in range(GROUP, MOST_WORDS + 1, GROUP):
            branch = builder.append_basic_block(f"call{length}")
            builder.position_at_end(branch)
            values = [
                builder.load(builder.gep(words, [ir.Constant(WORD, i)])) for i in range(length)
            ]
            kind = ir.FunctionType(ir.IntType(32), [result.type, raised.type] + [WORD] * length)
            function = builder.inttoptr(address, kind.as_pointer())
            status = builder.sext(builder.call(function, [result, raised, *values]), WORD)
            statuses.append((status, branch))
            branches.append((length, branch))
            builder.branch(done)
        builder.position_at_end(unknown)
        builder.branch(done)
        builder.position_at_end(start)
        switch = builder.switch(count, unknown)
        for length, branch in branches:
            switch.add_case(ir.Constant(WORD, length), branch)
        builder.position_at_end(done)
        phi = builder.phi(WORD)
        for status, branch in statuses:
            phi.add_incoming(status, branch)
        return phi

    return types.int64(types.uint64, types.uint64, types.uint64), generate


@compiled
def execute(calls, steps):
    """Run all calls in order, `steps` times over.

    Arguments:
        calls: (n, 3) uint64: address, number of words, address of the words.
        steps: how often.

    Returns:
        -1, or the number of the call that raised.
    """
    for _ in range(steps):
        for k in range(calls.shape[0]):
            if call_by_address(calls[k, 0], calls[k, 1], calls[k, 2]) != 0:
                return k
    return -1


@compiled
def repeat(calls, times):
    """`execute` as a kernel: one call that stands for many, in a longer list."""
    if execute(calls, times[()]) >= 0:
        raise FloatingPointError


def words_of(array: Array) -> list[int]:
    """An array as the words that a native function takes.

    >>> words_of(np.zeros((2, 3)))[2:4], words_of(np.zeros((2, 3)))[5:]
    ([6, 8], [2, 3, 24, 8])
    """
    return [0, 0, array.size, array.itemsize, array.ctypes.data, *array.shape, *array.strides]


def block_of(arrays: Sequence[Array]) -> Array:
    """All words of a call, and zeros up to a multiple of GROUP.

    >>> block_of([np.zeros(6)])[2:].tolist()[:2], len(block_of([np.zeros(6)]))
    ([6, 8], 8)
    """
    words = [word for array in arrays for word in words_of(array)]
    return np.array(words + [0] * (-len(words) % GROUP), np.int64)


_addresses: dict[tuple[Any, ...], int] = {}


def address_of(twin: Any, arrays: tuple[Array, ...]) -> int:
    """The address of a twin's machine code for arrays of these types.

    Numba takes 20 µs to find it, so it is looked up once for every dtype, number of axes and flags.
    """
    kinds = twin, *((array.dtype, array.ndim, array.flags.num) for array in arrays)
    if kinds not in _addresses:
        _addresses[kinds] = _found_address(twin, arrays)
    return _addresses[kinds]


def _found_address(twin: Any, arrays: tuple[Array, ...]) -> int:
    kind_of: Any = typeof
    signature = tuple(kind_of(array) for array in arrays)
    if signature not in twin.overloads:
        twin.compile(signature)
    compiled_for = twin.overloads[signature]
    address: int = compiled_for.library.get_pointer_to_function(compiled_for.fndesc.llvm_func_name)
    return address


class Program:
    """A list of calls in the executor's form; keeps the arrays alive that it points to."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.arrays = [arrays for _, arrays in calls]
        blocks = [block_of(arrays) for arrays in self.arrays]
        if max(map(len, blocks)) > MOST_WORDS:
            raise OverflowError("a call has too many arrays for the executor")
        self.blocks = blocks
        self.calls = np.array(
            [
                (address_of(twin, arrays), len(block), block.ctypes.data)
                for (twin, arrays), block in zip(calls, blocks, strict=True)
            ],
            np.uint64,
        )

    def run(self, steps: int) -> int:
        """Run all calls `steps` times; returns -1, or the number of the call that raised."""
        raised: int = execute(self.calls, steps)
        return raised


# Two threads that run a list each meet at places that both lists name.


@intrinsic
def publish(typingctx, array, number):
    """array[0] ← number, seen by another thread after all that was written before it."""

    def generate(context, builder, signature, arguments):
        place = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        builder.store_atomic(arguments[1], place, "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate


@intrinsic
def observe(typingctx, array):
    """array[0], read anew each time, before all that is read after it."""

    def generate(context, builder, signature, arguments):
        place = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(place, "acquire", 8)

    return types.uint64(array), generate


@intrinsic
def pause(typingctx):
    """Tell the processor that this is a waiting loop."""

    def generate(context, builder, signature, arguments):
        if platform.machine() in ("x86_64", "AMD64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            name = "llvm.x86.sse2.pause"
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), generate


if sys.platform == "win32":

    @compiled(inline=True)
    def give_way():
        pause()

else:
    give_way = types.ExternalFunction("sched_yield", types.int32())

PATIENCE = 4_000
"""How often a thread looks for the other one, some 40 ns each, before it lets the system run
something else: on a machine with other work the other one may have lost its core."""


@compiled
def meet(mine, other, stopped):
    """Go on when the other thread has come here as often as this one; raise if it never will.

    Arguments:
        mine, other: (1,) uint64: how often each of the two has come to a meeting.
        stopped: (1,) uint64: not 0 when the other one has stopped.
    """
    times = mine[0] + np.uint64(1)
    publish(mine, times)
    looks = 0
    while observe(other) < times:
        if observe(stopped) != np.uint64(0):
            raise FloatingPointError
        looks += 1
        if looks < PATIENCE:
            pause()
        else:
            give_way()


@compiled
def _add_one_or_raise(x, y):
    if x[0] < 0:
        raise FloatingPointError
    for i in range(x.size):
        y[i] = x[i] + 1


@functools.cache
def works():
    """Whether this Numba lays out calls as described: tried on a small kernel, once a process."""
    x, y = np.arange(3.0), np.zeros(3)
    try:
        program = Program([(_add_one_or_raise, (x, y)), (_add_one_or_raise, (y, y))])
        right = program.run(2) == -1 and y.tolist() == [2.0, 3.0, 4.0]
        x[0] = -1
        return right and program.run(1) == 0
    except Exception:  # whatever a future Numba does differently, replaying still works
        return False
