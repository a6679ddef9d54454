"""How many threads the matrix products get.

A product of a few hundred rows is over before a second thread has woken up, and two spinning pools
slow each other down by a factor of ten. So small products run on one thread; only large ones (full
batch over a whole training set) may use the machine's. The choice depends on shapes alone, never on
timing, because results are bitwise repeatable only for the same number of threads.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from glassnet.accelerate import twins_are_on

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

LARGE_PRODUCT = 100_000_000
"""Floating-point operations in one layer's product from which a second thread pays."""

SMALL_PRODUCT = 500_000
"""Below this, OpenBLAS itself uses one thread, and need not be told."""


@functools.cache
def _blas(compiled: bool) -> ThreadpoolController:
    """All BLAS libraries that products run on: NumPy's, and SciPy's, which compiled kernels call.

    A limit reaches only libraries that are loaded by then.
    """
    if compiled:
        import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def blas_threads(largest: int, workers: int = 1) -> AbstractContextManager[None]:
    """Run with one BLAS thread, unless one worker's largest product is so large that two pay.

    Arguments:
        largest: floating-point operations of the largest product.
        workers: how many threads of ours are going to call BLAS.
    """
    if (workers == 1 and largest >= LARGE_PRODUCT) or largest < SMALL_PRODUCT:
        return nullcontext()
    return _limit


class _OneThread:
    """The limit itself, which is the process's, not a thread's: the last who leaves lifts it.

    Attributes:
        before: how many threads BLAS had without it.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.before = 1
        self.limits: dict[ThreadpoolController, Any] = {}

    def __enter__(self) -> None:
        with self.lock:
            blas = _blas(twins_are_on())
            if self.users == 0:
                self.before = min(library.num_threads for library in blas.lib_controllers)
            if blas not in self.limits:  # the first user, or the first with compiled kernels
                self.limits[blas] = blas.limit(limits=1)
            self.users += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.users -= 1
            while self.users == 0 and self.limits:
                _, limit = self.limits.popitem()  # the last one first: it saw the others' limit
                limit.restore_original_limits()


_limit = _OneThread()


class _Trainings:
    """How many trainings of this process are running."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = 0


_trainings = _Trainings()


@contextmanager
def training() -> Iterator[None]:
    """Count a training while it runs."""
    with _trainings.lock:
        _trainings.running += 1
    try:
        yield
    finally:
        with _trainings.lock:
            _trainings.running -= 1


def second_is_free() -> bool:
    """Whether a training, with BLAS limited by it, may take a second thread for a while.

    It may while it is the only one of the process, and if there are two cores that BLAS, too, was
    allowed to use: `OPENBLAS_NUM_THREADS=1`, which joblib's workers have, or threadpoolctl's limits
    mean one thread for ours as well. Bits do not depend on it.
    """
    return _trainings.running == 1 and _limit.users > 0 and min(_limit.before, _cores()) > 1


def _cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workers_for(operations: int) -> int:
    """How many threads share a job that can be cut in two: two for large ones.

    The number does not depend on the machine, so that the same job gives the same bits on one core.
    """
    return 2 if operations >= LARGE_PRODUCT else 1


def run_workers(work: Callable[[int], None], workers: int) -> None:
    """Call work(0), work(1), … each in a thread of its own, the first in this one.

    An exception in any of them is raised here, after all have ended.
    """
    failed: list[BaseException] = []
    ended = [threading.Event() for _ in range(workers)]

    def run(worker: int) -> None:
        try:
            work(worker)
        except BaseException as error:
            failed.append(error)
        finally:
            ended[worker].set()

    for worker in range(1, workers):
        threading.Thread(target=run, args=(worker,)).start()
    run(0)
    for event in ended:
        event.wait()  # not `join`, which an interrupt makes believe that native code has ended
    if failed:
        raise failed[0]
