"""The matrix product that twins call: BLAS, on arrays whose rows or columns are contiguous.

It is the function behind Numba's `np.dot(a, b, out)`, SciPy's BLAS. That one takes whole arrays
only; this one also takes parts of them, such as half of the columns of W, in place.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from glassnet.kernels.compile import compiled

BYTE, WORD, POINTER = ir.IntType(8), ir.IntType(64), ir.IntType(8).as_pointer()


@intrinsic
def gemm(typingctx, trans_a, trans_b, m, n, k, a, lda, b, ldb, c, ldc):
    """BLAS: C ← op(A) op(B) in Fortran's order of axes, C (m, n), inner axis k; returns 0."""

    def generate(context, builder, signature, arguments):
        trans_a, trans_b, m, n, k, a, lda, b, ldb, c, ldc = arguments
        number = a_type.dtype
        one, zero = (
            cgutils.alloca_once_value(builder, context.get_constant(number, value))
            for value in (1.0, 0.0)
        )
        data = [
            context.make_array(kind)(context, builder, value).data
            for kind, value in ((a_type, a), (b_type, b), (c_type, c))
        ]
        one, zero, a, b, c = (builder.bitcast(p, POINTER) for p in (one, zero, *data))
        kinds = [BYTE] * 3 + [WORD] * 3 + [POINTER, POINTER, WORD, POINTER, WORD, POINTER, POINTER]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.IntType(32), [*kinds, WORD]), "numba_xxgemm"
        )
        kind = ir.Constant(BYTE, ord("s" if number == types.float32 else "d"))
        flags = [builder.trunc(flag, BYTE) for flag in (trans_a, trans_b)]
        return builder.call(function, [kind, *flags, m, n, k, one, a, lda, b, ldb, zero, c, ldc])

    a_type, b_type, c_type = a, b, c
    whole = types.int64
    signature = types.int32(
        whole, whole, whole, whole, whole, a_type, whole, b_type, whole, c_type, whole
    )
    return signature, generate


@compiled(inline=True)
def layout(array):
    """How BLAS is told of an array: whether to transpose it, and the step between its lines."""
    rows, columns = array.shape
    row_step, column_step = array.strides
    if column_step == array.itemsize:
        return ord("n"), max(row_step // array.itemsize, columns, 1)
    return ord("t"), max(column_step // array.itemsize, rows, 1)


@compiled(inline=True)
def multiply(a, b, out):
    """out ← a b, for a (n, k), b (k, m) and out (n, m), in which each row is contiguous."""
    # What is row by row here is column by column in Fortran, so it is outᵀ = bᵀ aᵀ there.
    (trans_a, lda), (trans_b, ldb) = layout(a), layout(b)
    n, m = out.shape
    ldc = max(out.strides[0] // out.itemsize, m, 1)  # an empty array has strides of 0
    gemm(trans_b, trans_a, m, n, a.shape[1], b, ldb, a, lda, out, ldc)
