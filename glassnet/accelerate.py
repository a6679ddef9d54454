"""Kernels: the small functions on arrays that compute every number of a network.

A kernel is a module-level function whose arguments are all arrays and whose results are written
into its output arguments. It stands next to the layer, loss or optimizer that uses it and is
written in NumPy, to be read as the equation that it is:

    @accelerated
    def relu_forward(x, y): np.maximum(x, 0, out=y)

This module is the only place that chooses between that *reference* and its compiled *twin*, the
function of the same name in `glassnet/kernels/`. No compiler is imported before a kernel first
runs. `GLASSNET_KERNELS=reference` in the environment, or `with references():`, turns all twins off,
and everything still works.

While a step is being captured (see `glassnet.recording`), every call is also written down. All
kernels are kept in `KERNELS`, so that tests can walk over them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

KERNELS: dict[str, Kernel] = {}
"""Every kernel by its qualified name, `"layers.dense.dense_forward"`."""


class _Switch(threading.local):
    """What a kernel call does in this thread."""

    references = os.environ.get("GLASSNET_KERNELS", "") == "reference"
    calls: list[Call] | None = None
    only_written = False


_switch = _Switch()
_loading = threading.RLock()


class Kernel:
    """One equation on arrays.

    Attributes:
        reference: the NumPy function as it was written.
        name: where it stands, `"layers.dense.dense_forward"`.
    """

    def __init__(self, reference: Callable[..., None]) -> None:
        self.reference = reference
        self.name = f"{reference.__module__.removeprefix('glassnet.')}.{reference.__name__}"
        self._twin: Callable[..., None] | None = None
        self.__name__ = reference.__name__
        self.__qualname__ = reference.__qualname__
        self.__module__ = reference.__module__
        self.__doc__ = reference.__doc__
        self.__wrapped__ = reference

    def __call__(self, *arrays: Array) -> None:
        if _switch.calls is not None:
            _switch.calls.append((self, arrays))
            if _switch.only_written:
                return
        if _switch.references:
            self.reference(*arrays)
        else:
            try:
                (self._twin or self.twin)(*arrays)
            except ValueError:
                self.reference(*arrays)  # compiled code raises bare: here in words
                raise

    @property
    def function(self) -> Callable[..., None]:
        """What a call runs at present: the twin, or the reference."""
        return self.reference if _switch.references else self.twin

    @property
    def twin(self) -> Callable[..., None]:
        """The compiled function of the same name, or the reference where there is none.

        `layers.dense.dense_forward` has its twin in `kernels/dense.py`. A kernel of the user's own
        stands outside the package and has no twin.
        """
        if self._twin is None:
            twin = self.reference
            if self.__module__.startswith("glassnet."):
                with _loading:
                    module = import_module(f"glassnet.kernels.{self.name.split('.')[-2]}")
                twin = getattr(module, self.__name__)
            self._twin = twin  # last: another thread must not take the reference for it
        return self._twin

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"

    def __reduce__(self) -> str:
        return self.__qualname__


def accelerated(reference: Callable[..., None]) -> Kernel:
    """Declare a kernel: decorator for a module-level function on arrays.

    Example:
        >>> import numpy as np
        >>> from glassnet.layers.rectifiers import relu_forward
        >>> y = np.empty(3)
        >>> relu_forward(np.array([-1.0, 0.0, 2.0]), y)
        >>> y.tolist()
        [0.0, 0.0, 2.0]
    """
    kernel = Kernel(reference)
    KERNELS[kernel.name] = kernel
    return kernel


def twins_are_on() -> bool:
    """Whether kernels run as compiled twins in this thread."""
    return not _switch.references


class references:
    """Run the NumPy references instead of their compiled twins, in this thread: `with` block.

    Arguments:
        wanted: whether to do so; without it the block changes nothing.
    """

    def __init__(self, wanted: bool = True) -> None:
        self._wanted = wanted

    def __enter__(self) -> None:
        self._before = _switch.references
        _switch.references = self._before or self._wanted

    def __exit__(self, *_: object) -> None:
        _switch.references = self._before


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Let this thread treat numbers too small for full precision as zero, and restore that after.

    Saturated sigmoids and decaying velocities produce such denormal numbers, on which processors
    are 5 to 50 times slower. It takes a compiled function to set the flag, so the references run
    without it. Callbacks run with it.
    """
    if _switch.references:
        yield
        return
    from glassnet.kernels.denormals import flushing

    with flushing():
        yield


# Capturing a step: every call of a kernel is written down, and a user's own part as one call.

Call = tuple[Callable[..., None], tuple[Array, ...]]


@contextmanager
def capture(run: bool = True, into: list[Call] | None = None) -> Iterator[list[Call]]:
    """Write down every kernel call of this thread, in order, while running it.

    Arguments:
        run: whether calls are run at all. Parts of a user's own need numbers to work on.
        into: the list to write into; a new one by default. A kernel's call is appended before it
            runs, that of a part of a user's own after.
    """
    before = _switch.calls, _switch.only_written
    calls: list[Call] = [] if into is None else into
    _switch.calls, _switch.only_written = calls, not run
    try:
        yield calls
    finally:
        _switch.calls, _switch.only_written = before


class OwnCall:
    """A call of a method of a user's own part, in a list of kernel calls."""

    def __init__(self, part: object, method: Callable[..., Any]) -> None:
        self.part = part
        self.method = method

    def __call__(self, *arrays: Array) -> None:
        self.method(*arrays)


def run_part(part: object, method: Callable[..., Any], *arrays: Array) -> None:
    """Run a method that writes into its arguments; while capturing, as one call if not our own.

    Code from outside this package may compute with plain NumPy, of which nothing would be written
    down. So the method itself is, to be called again.
    """
    calls = _switch.calls
    if calls is None or is_ours(part):
        method(*arrays)
        return
    _switch.calls = None
    try:
        method(*arrays)
    finally:
        _switch.calls = calls
    calls.append((OwnCall(part, method), arrays))


def run_layer(
    layer: object, function: Callable[[Array], Array], x: Array, dtype: np.dtype[Any]
) -> Array:
    """Return function(x), a layer's forward or backward pass, as `run_part` does.

    What a user's layer returns is brought into the form that kernels take: contiguous, and of the
    network's dtype. It may be a new array each time; while capturing it is copied into one that
    stays.
    """
    if is_ours(layer):
        return function(x)
    if _switch.calls is None:
        return np.ascontiguousarray(function(x), dtype)
    result: list[Array] = []

    def again(x: Array) -> None:
        if result:
            result[0][...] = function(x)
        else:
            result.append(np.array(function(x), dtype, order="C"))

    run_part(layer, again, x)
    return result[0]


PLAIN = "glassnet.papers.", "glassnet.doctor.suite."
"""Where parts stand that are written as users write theirs, in plain NumPy."""


def is_ours(part: object) -> bool:
    """Whether a layer, loss or optimizer is of this package: then it is made of kernels alone.

    One that is made of others, any of which may be a user's, names those in `parts`.
    """
    module = type(part).__module__
    ours = module.startswith("glassnet.") and not module.startswith(PLAIN)
    return ours and all(map(is_ours, getattr(part, "parts", ())))
