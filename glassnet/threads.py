"""How many threads the matrix products get.

A product of a few hundred rows is over before a second thread has woken up, and two spinning pools
slow each other down by a factor of ten. So small products run on one thread; only large ones (full
batch over a whole training set) may use the machine's. The choice depends on shapes alone, never on
timing, because results are bitwise repeatable only for the same number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LARGE_PRODUCT = 100_000_000
"""Floating-point operations in one layer's product from which a second thread pays."""


@contextmanager
def blas_threads(layers: Any, rows: int) -> Iterator[None]:
    """Run with one BLAS thread, unless some layer's product of `rows` rows is large."""
    if max((layer.flops() for layer in layers), default=0) * rows >= LARGE_PRODUCT:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
