"""Kernels: the small functions on arrays that compute every number of a network.

A kernel is a module-level function whose arguments are all arrays and whose results are written into
its output arguments. It stands next to the layer, loss or optimizer that uses it and is written in
NumPy, to be read as the equation that it is:

    @accelerated
    def relu_forward(x, y): np.maximum(x, 0, out=y)

This module is the only place that knows how a kernel is run. All kernels are kept in `KERNELS`, so
that tests can walk over them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

KERNELS: dict[str, Kernel] = {}
"""Every kernel by its qualified name, `"layers.dense.dense_forward"`."""


class Kernel:
    """One equation on arrays.

    Attributes:
        reference: the NumPy function as it was written.
        name: where it stands, `"layers.dense.dense_forward"`.
    """

    def __init__(self, reference: Callable[..., None]) -> None:
        self.reference = reference
        self.name = f"{reference.__module__.removeprefix('glassnet.')}.{reference.__name__}"
        self.__name__ = reference.__name__
        self.__qualname__ = reference.__qualname__
        self.__module__ = reference.__module__
        self.__doc__ = reference.__doc__
        self.__wrapped__ = reference

    def __call__(self, *arrays: Array) -> None:
        self.reference(*arrays)

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
