"""Compiled twins: the kernels of the same names, as loops that Numba turns into machine code.

A file here stands for the file of the same name where the references are: `kernels/dense.py` holds
the twins of `layers/dense.py`. A twin has its reference's name and arguments, and computes the same
numbers up to rounding; tests walk over all of them. The references are the equations; these files
are what the processor likes.

How loops are written here, and why:

    for i in range(np.uint64(n))    signed bounds would keep wrap-around, which blocks
                                    vectorisation (4×)
    x.flat                          one flat loop for any number of axes; inputs are C-contiguous
                                    (`x.reshape(x.size)` takes 20 ns, as long as a small kernel)
    value[()]                       a number that is passed as an array without axes
    float32 stays float32           constants have the array's own type: `x.dtype.type(0.5)`

`fastmath` allows multiply-add only ("contract"): no kernel may assume that numbers are finite. Sums
that may be reordered for speed say so with `compiled(reassociate=True)`; such a sum has a loop of
its own, which writes to no array: a loop that also writes is run in vectors or not, as the arrays
happen to lie apart or close together, and the bits of its sum with it.
"""
