"""How many threads the matrix products get.

A product of a few hundred rows is over before a second thread has woken up, and two spinning pools
slow each other down by a factor of ten. So small products run on one thread; only large ones (full
batch over a whole training set) may use the machine's. The choice depends on shapes alone, never on
timing, because results are bitwise repeatable only for the same number of threads.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

    from glassnet.layers.base import Layer

LARGE_PRODUCT = 100_000_000
"""Floating-point operations in one layer's product from which a second thread pays."""


@functools.cache
def _blas() -> ThreadpoolController:
    """All BLAS libraries that products run on: NumPy's, and SciPy's, which compiled kernels call.

    A limit reaches only libraries that are loaded by then.
    """
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


@contextmanager
def blas_threads(layers: Iterable[Layer], rows: int) -> Iterator[None]:
    """Run with one BLAS thread, unless some layer's product of `rows` rows is large."""
    if max((layer.flops() for layer in layers), default=0) * rows >= LARGE_PRODUCT:
        yield
        return
    with _blas().limit(limits=1):
        yield
