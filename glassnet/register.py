"""Let names in files mean classes of your own."""

from __future__ import annotations

from typing import TypeVar

from glassnet.initializers import INITIALIZERS, Initializer
from glassnet.layers.base import LAYERS, Layer
from glassnet.losses import LOSSES, Loss
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.registry import Configurable, Registry
from glassnet.schedules import SCHEDULES, Schedule

T = TypeVar("T", bound=type[Configurable])

REGISTRIES: dict[type[Configurable], Registry] = {  # type: ignore[type-arg]
    Layer: LAYERS,
    Loss: LOSSES,
    Optimizer: OPTIMIZERS,
    Schedule: SCHEDULES,
    Initializer: INITIALIZERS,
}


def register(cls: T) -> T:
    """Class decorator: make a layer, loss, optimizer, schedule or initialiser known by its `name`.

    A network with layers of your own can then be saved; whoever loads it must have registered the
    same classes first, since a file never says where code is to be found.

    Raises:
        ValueError: if the class is of none of those kinds, has no `name`, or takes a name that is
            in use.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> @gn.register
        ... class Halve(gn.Layer):
        ...     name = "Halve"
        ...     def build(self, input_shape, store, rng): return input_shape
        ...     def forward(self, x, training=False): return x / 2
        ...     def backward(self, dy): return dy / 2
        >>> gn.layers.LAYERS.create("Halve")
        Halve()
    """
    if not isinstance(cls, type):
        raise ValueError(f"register takes a class, not an object of it. Received: {cls!r}.")
    if not isinstance(getattr(cls, "name", None), str) or not cls.name:
        raise ValueError(f"{cls.__name__} needs a class attribute `name`, the name used in files.")
    for base, registry in REGISTRIES.items():
        if issubclass(cls, base):
            registry.register(cls)
            return cls
    kinds = ", ".join(base.__name__ for base in REGISTRIES)
    raise ValueError(f"{cls.__name__} is none of the kinds that can be registered: {kinds}.")
