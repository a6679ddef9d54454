"""Prefetching: the processor is told to bring memory nearer that will be read soon; no twins."""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from glassnet.kernels.compile import compiled

LINE = np.uint64(64)
"""Bytes that come at a time."""


@intrinsic
def prefetch_line(typing_context, address):
    """Ask for the line at this address, to be read; it may be any address."""

    def generate(context, builder, signature, arguments):
        number, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        hints = [ir.Constant(number, hint) for hint in (0, 3, 1)]  # to read, keep near, data
        builder.call(function, [builder.inttoptr(arguments[0], pointer), *hints])
        return context.get_dummy_value()

    return types.void(types.uint64), generate


@compiled(inline=True)
def prefetch_row(data, row):
    """Ask for data[row], of a C-contiguous array (rows, columns)."""
    size = np.uint64(data.shape[1] * data.itemsize)
    start = np.uint64(data.ctypes.data) + np.uint64(row) * size
    for offset in range(np.uint64(0), size, LINE):
        prefetch_line(start + offset)
