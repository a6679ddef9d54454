"""Recorded calls as lines of Python: arrays get names, and shapes an n for the number of rows.

The same calls are recorded for batches of three sizes. What is the same in all three is a constant;
what grows with the batch is written in terms of n.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from glassnet.accelerate import Array, Call, Kernel
from glassnet.exchange.equations import WIDTH, wrapped

SIZES = (8, 12, 13)
"""Rows of the recorded batches: the first is a multiple of four, which random words come in."""


@dataclass
class Recorded:
    """Calls that were recorded for one batch size, and what their arrays are called.

    Attributes:
        calls: kernels, each with its arrays.
        names: every array that has a name, with it and with where it begins in memory.
        layers: the number of the layer that an array belongs to, by the array's name.
        made: how the arrays that a step makes anew begin: `"empty"`, `"ones"`, `"zeros"`, by name.
    """

    calls: list[Call] = field(default_factory=list)
    names: list[tuple[str, Array, int]] = field(default_factory=list)
    layers: dict[str, int] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)

    def name(self, name: str, array: Array, layer: int | None = None, made: str = "") -> None:
        """Call an array so."""
        self.names.append((name, array, array.ctypes.data))
        if layer is not None:
            self.layers[name] = layer
        if made:
            self.made[name] = made

    def find(self, array: Array) -> tuple[str, Array] | None:
        """The named array that this one is, or is a view of: the smallest that holds it.

        Of several of one size, which are views of each other, one of the same shape.
        """
        begin = array.ctypes.data
        found = [
            (name, known)
            for name, known, address in self.names
            if address == begin and known.dtype == array.dtype and known.size >= array.size
        ]
        found.sort(key=lambda pair: (pair[1].size, pair[1].shape != array.shape))
        return found[0] if found else None


def size_text(sizes: Sequence[int]) -> str:
    """An axis's length in terms of n, from its lengths at batches of `SIZES` rows.

    >>> size_text((3, 3, 3)), size_text((8, 12, 13)), size_text((16, 24, 26))
    ('3', 'n', '2 * n')
    >>> size_text((8, 12, 16)), size_text((24, 36, 40))
    ('4 * ((n + 3) // 4)', '4 * ((3 * n + 3) // 4)')
    """
    if len(set(sizes)) == 1:
        return str(sizes[0])
    for factor in (1, 4, 6):  # numbers; random words, four at a time; and work for those
        share, rest = divmod(sizes[0] * (1 if factor == 1 else 4), SIZES[0] * factor)
        rounded = [factor * (share * n if factor == 1 else -(-share * n // 4)) for n in SIZES]
        if rest == 0 and rounded == list(sizes):
            rows = "n" if share == 1 else f"{share} * n"
            return rows if factor == 1 else f"{factor} * (({rows} + 3) // 4)"
    lengths, rows = (", ".join(map(str, numbers)) for numbers in (sizes, SIZES))
    raise ValueError(
        f"An axis is {lengths} long in batches of {rows} rows: this is not written down."
    )


def axes_text(arrays: Sequence[Array]) -> list[str]:
    """The length of each axis."""
    return [size_text(sizes) for sizes in zip(*(array.shape for array in arrays), strict=True)]


def shape_text(arrays: Sequence[Array]) -> str:
    """A shape as it is written: `(n, 3)`."""
    axes = axes_text(arrays)
    return f"({', '.join(axes)}{',' * (len(axes) == 1)})"


def dtype_text(dtype: np.dtype[Any]) -> str:
    """A dtype as NumPy's own type."""
    return "np.bool_" if dtype == np.bool_ else f"np.{dtype.name}"


def number_text(array: Array) -> str:
    """A number as an array without axes."""
    return f"np.array({array.item()!r})"


class Listing:
    """Lines for calls that were recorded for each of `SIZES`.

    Arguments:
        recorded: one for each size.
        titles: what the layers are called in comments.

    Attributes:
        constants: arrays without a name that kernels read, by the name that they were given.
        kernels: every kernel that is called.
        layers: the number of the layer that each call belongs to, or None.
    """

    def __init__(self, recorded: Sequence[Recorded], titles: Sequence[str]) -> None:
        self.recorded, self.titles = recorded, titles
        self.constants: dict[str, Array] = {}
        self.kernels: list[Kernel] = []
        self._made: set[str] = set()
        self.layers = [self._layer(number) for number in range(len(recorded[0].calls))]

    def _layer(self, number: int) -> int | None:
        """The layer that a call belongs to: that of the last array it takes, which it writes."""
        for array in reversed(self.recorded[0].calls[number][1]):
            found = self.recorded[0].find(array)
            if found is not None:
                return self.recorded[0].layers.get(found[0])
        return None

    def lines(self, numbers: Iterable[int]) -> list[str]:
        """These calls, with a comment where a layer begins, and for each that is passed over."""
        written: list[str] = []
        place = -1
        for number in numbers:
            layer = self.layers[number]
            if layer is not None and layer != place:
                passed = range(place + 1, layer) if self._goes_forward(number) else ()
                written += [f"\n# {self.titles[other]}: nothing to compute" for other in passed]
                written += ["", f"# {self.titles[layer]}"]
                place = layer
            written += self._call(number)
        return written

    def _goes_forward(self, number: int) -> bool:
        """Whether a call comes before the loss, which is the first one between the layers."""
        in_layers = [layer is not None for layer in self.layers[:number]]
        return in_layers == sorted(in_layers)

    def expression(self, arrays: Sequence[Array], otherwise: str = "") -> str:
        """How an array is written: its name, or a view of a named one."""
        found = [r.find(array) for r, array in zip(self.recorded, arrays, strict=True)]
        first = found[0]
        if first is None:
            return self._constant(arrays[0], otherwise)
        name, whole = first
        array = arrays[0]
        if whole.shape == array.shape:
            return name
        if whole.size == array.size:
            return f"{name}.reshape({', '.join(axes_text(arrays))})"
        return f"{name}[: {size_text([len(a) for a in arrays])}]"

    def _constant(self, array: Array, name: str) -> str:
        if array.ndim == 0:
            return number_text(array)
        self.constants[name] = array
        return name

    def _call(self, number: int) -> list[str]:
        kernel = cast(Kernel, self.recorded[0].calls[number][0])
        self.kernels.append(kernel)
        each = list(zip(*(recorded.calls[number][1] for recorded in self.recorded), strict=True))
        names = list(inspect.signature(kernel.reference).parameters)
        layer = self.layers[number]
        suffix = "" if layer is None else f"_{layer}"
        texts = [self.expression(a, f"{n}{suffix}") for n, a in zip(names, each, strict=True)]
        shapes = [f"{n} {shape_text(a)}" for n, a in zip(names, each, strict=True) if a[0].ndim]
        return [
            *self._allocations(each),
            *comment(equation(kernel), ", ".join(shapes)),
            wrapped(f"{kernel.__name__}(", texts, ")", WIDTH - 4),
        ]

    def _allocations(self, each: Sequence[Sequence[Array]]) -> Iterator[str]:
        """Lines that make the arrays of a call which were not there before."""
        for arrays in each:
            found = [r.find(array) for r, array in zip(self.recorded, arrays, strict=True)]
            if found[0] is None:
                continue
            name, array = found[0]
            how = self.recorded[0].made.get(name)
            if how is not None and name not in self._made:
                self._made.add(name)
                axes = axes_text([pair[1] for pair in found if pair is not None])
                shape = axes[0] if len(axes) == 1 else f"({', '.join(axes)})"
                yield f"{name} = np.{how}({shape}, {dtype_text(array.dtype)})"


def equation(kernel: Callable[..., Any]) -> str:
    """What a kernel computes: the first line of its docstring."""
    return (inspect.getdoc(kernel) or "").split("\n")[0].rstrip(".")


def comment(text: str, shapes: str) -> list[str]:
    """An equation and the shapes of what is in it, as comments."""
    if not shapes:
        return [f"# {text}"]
    one = f"# {text};  {shapes}"
    if len(one) <= WIDTH - 4:
        return [one]
    together = shapes.replace(" (", "\N{NO-BREAK SPACE}(")
    lines = textwrap.wrap(together, WIDTH - 8)
    return [f"# {text};", *(f"#   {line}".replace("\N{NO-BREAK SPACE}", " ") for line in lines)]
