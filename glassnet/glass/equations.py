r"""What every kernel computes, as an equation of the field with its source.

Each kernel has one entry: for every array that it writes, the right-hand side of an equation, in
the notation of `glassnet.glass.notation`. `$name` stands for an argument of the kernel:

    "layers.dense.dense_weight_gradient": {"d_weight": r"$x^\top\,$dy"}

so that a trace can put in the symbols of a particular network (∂J/∂W₂ = a₁ᵀ ∂J/∂z₂), or the numbers
themselves. The entries stand in `of_layers` and `of_training`, in the order of the files whose
kernels they describe.

What stands side by side is a product of matrices, or with a number; ⊙, fractions and functions work
element by element, and so do products under a sum, where indices are left out.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Template

from glassnet.accelerate import Array

Cost = Callable[[Mapping[str, Array]], int]

SYMBOLS = {
    "x": "x",
    "y": "y",
    "dx": r"\frac{\partial J}{\partial x}",
    "dy": r"\frac{\partial J}{\partial y}",
    "weight": "W",
    "bias": "b",
    "d_weight": r"\frac{\partial J}{\partial W}",
    "d_bias": r"\frac{\partial J}{\partial b}",
    "gamma": r"\gamma",
    "beta": r"\beta",
    "d_gamma": r"\frac{\partial J}{\partial \gamma}",
    "d_beta": r"\frac{\partial J}{\partial \beta}",
    "x_hat": r"\hat x",
    "inv_std": "s",
    "running_mean": r"\mu_\text{run}",
    "running_var": r"v_\text{run}",
    "epsilon": r"\epsilon",
    "momentum": r"\beta",
    "slope": "a",
    "d_slope": r"\frac{\partial J}{\partial a}",
    "alpha": r"\alpha",
    "scale": r"\lambda",
    "mask": "m",
    "words": "r",
    "rate": "p",
    "key": "k",
    "step": "t",
    "mean": r"\mu",
    "std": r"\sigma",
    "fill": "f",
    "offset": "c",
    "missing": r"\text{missing}",
    "outputs": "a",
    "logits": "z",
    "targets": "y",
    "truth": "y",
    "losses": r"\ell",
    "weights": "w",
    "row_weights": "w",
    "by_class": "c",
    "total": r"\text{total}",
    "smoothing": r"\epsilon",
    "delta": r"\delta",
    "theta": r"\theta",
    "gradient": "g",
    "learning_rate": r"\eta",
    "velocity": "G",
    "history": "G",
    "m": "m",
    "v": "v",
    "t": "t",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "weight_decay": r"\lambda",
    "l2": r"\lambda",
    "limit": "c",
}
"""How an argument of this name is written where an equation says nothing else."""


@dataclass(frozen=True)
class Equation:
    """What a kernel computes.

    Attributes:
        title: in a few words.
        results: the right-hand side for each argument that is written, in order.
        source: the publication, and the number of the equation in it.
        flops: floating-point operations: each sum, product, quotient, comparison, root and
            elementary function counts as one.
        where: what the right-hand sides need besides, as an equation or several.
        symbols: how arguments are written here, if not as in `SYMBOLS`.
        work: arguments that are only scratch paper.
        letter: what the output of a layer is called in a trace, which adds the layer's number.
    """

    title: str
    results: Mapping[str, str]
    source: str
    flops: Cost = lambda arrays: 0
    where: str = ""
    symbols: Mapping[str, str] = field(default_factory=dict)
    work: tuple[str, ...] = ()
    letter: str = "a"

    def symbol(self, argument: str) -> str:
        """How an argument is written."""
        return self.symbols.get(argument) or SYMBOLS.get(argument) or _upright(argument)

    def lines(self, symbols: Mapping[str, str] | None = None) -> list[str]:
        """The equations in the notation, an arrow in place of = where a value replaces itself.

        Arguments:
            symbols: instead of the general ones, for some or all arguments.
        """
        named = _Symbols(self, symbols or {})
        lines = [
            f"{named[result]} {self.sign(result)} {Template(rhs).substitute(named)}"
            for result, rhs in self.results.items()
        ]
        return lines

    def definitions(self, symbols: Mapping[str, str] | None = None) -> str:
        """`where` with these symbols."""
        return Template(self.where).substitute(_Symbols(self, symbols or {}))

    def sign(self, result: str) -> str:
        """An arrow where this result replaces what was there, else an equals sign."""
        replaces = result in arguments_in(self.results[result])
        return r"\leftarrow" if replaces else "="

    def reads(self, arguments: list[str]) -> list[str]:
        """Those of a kernel's arguments that it reads, and does not write before that."""
        written: set[str] = set()
        read = set(arguments) - set(self.results) - set(self.work)
        for result, rhs in self.results.items():
            read |= set(arguments_in(rhs)) - written
            written.add(result)
        return [name for name in arguments if name in read]


class _Symbols(dict[str, str]):
    """The symbols for a template, each in braces so that scripts can follow."""

    def __init__(self, equation: Equation, symbols: Mapping[str, str]) -> None:
        super().__init__()
        self._equation, self._known = equation, symbols

    def __missing__(self, argument: str) -> str:
        return f"{{{self._known.get(argument) or self._equation.symbol(argument)}}}"


def arguments_in(template: str) -> list[str]:
    """The arguments that a right-hand side names.

    >>> arguments_in(r"$x\\,${weight}_k + $bias")
    ['x', 'weight', 'bias']
    """
    return re.findall(r"\$\{?([a-z_0-9]*[a-z0-9])\}?", template)


def _upright(argument: str) -> str:
    return rf"\text{{{argument.replace('_', ' ')}}}"


def each(operations: int, argument: str) -> Cost:
    """So many operations for every element of an argument."""
    return lambda arrays: operations * arrays[argument].size


@functools.cache
def equations() -> Mapping[str, Equation]:
    """The equation of every kernel, by the kernel's name."""
    from glassnet.glass.of_layers import EQUATIONS as layers
    from glassnet.glass.of_training import EQUATIONS as training

    return layers | training
