"""Denormal numbers flushed to zero: two bits of the x86 control register MXCSR, for one thread."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from glassnet.kernels.compile import compiled

FLUSH = 0x8040  # results that are denormal become zero (bit 15), and so do operands (bit 6)


@intrinsic
def _read_control(typingctx):
    def generate(context, builder, signature, arguments):
        place = cgutils.alloca_once(builder, ir.IntType(32))
        _call(builder, "llvm.x86.sse.stmxcsr", place)
        return builder.load(place)

    return types.uint32(), generate


@intrinsic
def _write_control(typingctx, value):
    def generate(context, builder, signature, arguments):
        place = cgutils.alloca_once(builder, ir.IntType(32))
        builder.store(arguments[0], place)
        _call(builder, "llvm.x86.sse.ldmxcsr", place)
        return context.get_dummy_value()

    return types.void(types.uint32), generate


def _call(builder, name, place):
    pointer = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    builder.call(function, [builder.bitcast(place, pointer)])


@compiled
def read_control():
    return _read_control()


@compiled
def write_control(value):
    _write_control(value)


@contextmanager
def flushing() -> Iterator[None]:
    """Set the flags in this thread, and put back what was there. Other processors: do nothing."""
    if platform.machine() not in ("x86_64", "AMD64"):
        yield
        return
    before = read_control()
    write_control(before | FLUSH)
    try:
        yield
    finally:
        write_control(before)
