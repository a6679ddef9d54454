"""Numbers that an optimizer is given, and that a schedule may change while it runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import ClassVar, Generic, Protocol, TypeVar, cast, overload

import numpy as np

from glassnet.accelerate import Array

V = TypeVar("V", bound=float | None)


class Owner(Protocol):
    """What has hyperparameters: an optimizer."""

    name: ClassVar[str]
    scalars: dict[str, Array]


class Hyperparameter(Generic[V]):
    """A number that its owner reads and sets as a float, and that kernels read as an array.

    The array is 0-dimensional, is kept in `owner.scalars[name]` and stays the same one when the
    number changes. It is float64 whatever the network's dtype, since 1 − β2ᵗ would lose its digits
    in float32; kernels take the number out with `.item()`, which leaves float32 vectors float32.

    Arguments:
        expected: what the number must be, in words.
        holds: whether a finite number is that.
        remedy: what to give instead, in words.
        optional: whether None is allowed; there is no array then.
    """

    def __init__(
        self, expected: str, holds: Callable[[float], bool], remedy: str, optional: bool = False
    ) -> None:
        self.expected = expected
        self.holds = holds
        self.remedy = remedy
        self.optional = optional

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Hyperparameter[V]: ...
    @overload
    def __get__(self, instance: Owner, owner: type) -> V: ...
    def __get__(self, instance: Owner | None, owner: type) -> Hyperparameter[V] | V:
        if instance is None:
            return self
        array = instance.scalars.get(self.name)
        return cast(V, None if array is None else array.item())

    def __set__(self, instance: Owner, value: V) -> None:
        scalars = instance.__dict__.setdefault("scalars", {})
        if value is None and self.optional:
            scalars.pop(self.name, None)
            return
        if not (_is_finite_number(value) and self.holds(cast(float, value))):
            raise ValueError(
                f"{instance.name} needs {self.name} to be {self.expected}. "
                f"Received: {value!r}. {self.remedy}"
            )
        scalars.setdefault(self.name, np.zeros(()))[...] = value


def _is_finite_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)


def share_kept(usual: float) -> Hyperparameter[float]:
    """A share of the past that is kept in every step: β, γ, α."""
    return Hyperparameter("in [0, 1)", lambda beta: 0 <= beta < 1, f"{usual} is usual.")


def small_term(usual: float) -> Hyperparameter[float]:
    """ε, which keeps a quotient finite."""
    return Hyperparameter("> 0", lambda value: value > 0, f"{usual} is usual.")
