"""How a step is traced: captured on copies, its arrays named, its calls run one by one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from string import Template

import numpy as np

from glassnet.accelerate import Array, Call, Kernel, OwnCall, capture, run_part
from glassnet.batches import Batch
from glassnet.fusing import arguments_of
from glassnet.glass.equations import SYMBOLS, Equation, arguments_in, equations
from glassnet.glass.trace import Line, Phase, Quantity, Summary, Trace, TracedCall
from glassnet.losses import Loss
from glassnet.network import Network
from glassnet.optimizers import Optimizer

RUNS = 5
"""How often a call is timed; the fastest counts."""

MOST_WORKED = 12
"""Numbers are put into an equation if every array in it has at most so many."""

REDUCTIONS = {
    "losses.mean_of_rows": r"\frac{1}{N}\,\sum_i w_i\,\ell_i",
    "losses.sum_of_rows": r"\sum_i w_i\,\ell_i",
}
"""The kernels after which J is known, and how."""

Named = tuple[dict[str, str], dict[str, Array]]
"""The arguments of a call: how each is written, and its array."""


class Tracer:
    """Captures a step, names its arrays, and runs it call by call.

    Arguments:
        network, loss, optimizer: copies, which are changed.
        batch: filled.
        whole: arrays of up to so many numbers are kept.
    """

    def __init__(
        self, network: Network, loss: Loss, optimizer: Optimizer, batch: Batch, whole: int
    ) -> None:
        self.network, self.loss, self.optimizer = network, loss, optimizer
        self.batch, self.whole = batch, whole
        self.calls: list[Call] = []
        self.owners: list[tuple[Phase, str, int | None]] = []  # of each call; the layer's number
        self.inputs: dict[int, Array] = {}  # what layer k takes
        self.upstream: dict[int, Array] = {}  # what goes back to layer k: ∂J/∂ of its output
        self.names: dict[tuple[int, tuple[int, ...]], str] = {}

    def run(self) -> Trace:
        """The traced step."""
        before = [array.copy() for array in self._changing()]
        with np.errstate(all="ignore"):  # numbers that overflow are shown as such
            self._capture()
            self._restore(before)
            self._name_arrays()
            seconds = self._time(before)
            traced = tuple(self._traced(k, seconds[k]) for k in range(len(self.calls)))
        title = f"{self.network!r} · {self.loss!r} · {self.optimizer!r}"
        return Trace(title, len(self.batch.x), self.loss.value(self.batch.total), traced)

    def _changing(self) -> list[Array]:
        """The arrays from which a step starts and that it changes."""
        network, optimizer = self.network, self.optimizer
        state = [*optimizer.state.values(), *optimizer.scalars.values()]
        return [network.theta, network.gradient, *network.buffers.values(), *state]

    def _restore(self, before: list[Array]) -> None:
        for array, old in zip(self._changing(), before, strict=True):
            array[...] = old

    # Capturing.

    def _capture(self) -> None:
        """Take the step of `glassnet.steps`, noting whose each call is."""
        network, batch = self.network, self.batch
        begun: list[tuple[int, tuple[Phase, str, int | None]]] = []
        with capture() as self.calls:

            def noted(
                index: int, phase: Phase, method: Callable[..., Array], x: Array, **how: bool
            ) -> Array:
                given = self.inputs if phase == "forward" else self.upstream
                if index not in given:  # else a recorded call of a user's own layer runs again
                    given[index] = x
                    part = f"layers.{index} {network.layers[index]!r}"
                    begun.append((len(self.calls), (phase, part, index)))
                return method(x, **how)

            for index, layer in enumerate(network.layers):
                vars(layer)["forward"] = partial(noted, index, "forward", layer.forward)
                vars(layer)["backward"] = partial(noted, index, "backward", layer.backward)
            outputs = network.run_forward(batch.x, training=True)
            self.inputs[len(network.layers)] = outputs
            begun.append((len(self.calls), ("loss", repr(self.loss), None)))
            self.loss.into(outputs, batch)
            network.run_backward(batch.gradient, need_dx=False)
            begun.append((len(self.calls), ("update", repr(self.optimizer), None)))
            run_part(self.optimizer, self.optimizer.step)
        for number in range(len(self.calls)):
            self.owners.append([owner for start, owner in begun if start <= number][-1])

    # Naming.

    def _name_arrays(self) -> None:
        """Name the arrays that stand in a derivation; `_symbols` names the others."""
        letters: dict[int | None, str] = {}
        for (kernel, _), (phase, _, index) in zip(self.calls, self.owners, strict=True):
            equation = equations().get(kernel.name) if isinstance(kernel, Kernel) else None
            if phase == "forward" and equation is not None and "y" in equation.results:
                letters[index] = equation.letter
        self._name(self.batch.x, "x")
        for index in range(len(self.network.layers)):
            array = self.inputs[index + 1]
            if self._name_of(array) is None:  # else the layer only changed the shape
                self._name(array, f"{letters.get(index, 'h')}_{{{index}}}")
        for index, array in self.upstream.items():
            self._name(array, _slope(self._name_of(self.inputs[index + 1]) or "h"))
        for name, parameter in self.network.parameters.items():
            symbol = _parameter_symbol(name)
            self._name(parameter.value, symbol)
            self._name(parameter.gradient, _slope(symbol))

    def _name(self, array: Array, symbol: str) -> None:
        self.names.setdefault((array.ctypes.data, array.shape), symbol)

    def _name_of(self, array: Array) -> str | None:
        """The name of an array, also where it is another view of the same numbers."""
        address = array.ctypes.data
        exact = self.names.get((address, array.shape))
        views = (
            symbol
            for (start, shape), symbol in self.names.items()
            if start == address and int(np.prod(shape)) == array.size
        )
        return exact or next(views, None)

    def _symbols(self, number: int, equation: Equation) -> Named:
        """How the arguments of a call are written, and their arrays."""
        kernel, arrays = self.calls[number]
        phase, _, index = self.owners[number]
        by_name = dict(zip(_arguments(kernel), arrays, strict=True))
        outputs = self._name_of(self.inputs[len(self.network.layers)])
        symbols: dict[str, str] = {}
        for argument, array in by_name.items():
            general = equation.symbol(argument)
            if phase in ("forward", "backward"):
                symbols[argument] = self._name_of(array) or _indexed(general, index)
            elif phase == "loss" and argument in ("outputs", "logits", "gradient"):
                row_slope = rf"\frac{{\partial \ell}}{{\partial {outputs}}}"
                symbols[argument] = row_slope if argument == "gradient" else str(outputs)
            else:
                symbols[argument] = general
        return symbols, by_name

    def _by_parameter(self, symbols: dict[str, str], arrays: dict[str, Array]) -> list[Named]:
        """A call of an optimizer as one for each parameter, if they are few numbers."""
        sizes = (self.network.theta.size, self.network.store.decaying)
        flat = [name for name, array in arrays.items() if array.ndim == 1 and array.size in sizes]
        if self.network.theta.size > self.whole or not flat:
            return [(symbols, arrays)]
        split: list[Named] = []
        for name, parameter in self.network.parameters.items():
            if parameter.span.stop > arrays[flat[0]].size:
                continue  # L2 and decay leave it alone
            own = _parameter_symbol(name)
            of_own = {"theta": own, "gradient": _slope(own)}
            names = {k: of_own.get(k, f"{symbols[k]}_{{{own}}}") for k in flat}
            views = {k: arrays[k][parameter.span].reshape(parameter.shape) for k in flat}
            split.append((symbols | names, arrays | views))
        return split

    # Running.

    def _time(self, before: list[Array]) -> list[float]:
        """The fastest of several runs of each call, in seconds."""
        fastest = [np.inf] * len(self.calls)
        for _ in range(RUNS):
            for number, (kernel, arrays) in enumerate(self.calls):
                function = kernel.function if isinstance(kernel, Kernel) else kernel
                started = time.perf_counter()
                function(*arrays)
                fastest[number] = min(fastest[number], time.perf_counter() - started)
            self._restore(before)
        return fastest

    def _traced(self, number: int, seconds: float) -> TracedCall:
        """Run a call, and keep what it reads before it and what it writes after it."""
        kernel, arrays = self.calls[number]
        phase, part, _ = self.owners[number]
        if not isinstance(kernel, Kernel) or kernel.name not in equations():
            return self._traced_own(number, seconds)
        equation = equations()[kernel.name]
        scope = [self._symbols(number, equation)]
        arguments = scope[0][1]
        if phase == "update":
            scope = self._by_parameter(*scope[0])
        read = equation.reads(list(arguments))
        reads = [self._quantities(names, views, read) for names, views in scope]
        kernel(*arrays)
        after = [dict(names) for names, _ in scope]
        if kernel.name in REDUCTIONS:
            after[0]["gradient"] = self._name_of(self.batch.gradient) or "g"
        writes = [
            self._quantities(names, views, list(equation.results))
            for names, (_, views) in zip(after, scope, strict=True)
        ]
        lines = [
            line
            for (names, _), old, new in zip(scope, reads, writes, strict=True)
            for line in _lines(equation, names, old, new)
        ]
        if kernel.name in REDUCTIONS:
            value = _number(self.loss.value(self.batch.total))
            lines[0] = Line("J", "=", REDUCTIONS[kernel.name], value)  # rather than its two sums
        return TracedCall(
            number=number + 1,
            phase=phase,
            part=part,
            kernel=kernel.name,
            title=equation.title,
            source=equation.source,
            lines=tuple(lines),
            where=equation.definitions(scope[0][0] if len(scope) == 1 else None),
            reads=_distinct(reads),
            writes=_distinct(writes),
            flops=equation.flops(arguments),
            bytes=_bytes(arrays),
            seconds=seconds,
        )

    def _traced_own(self, number: int, seconds: float) -> TracedCall:
        """A call of a user's own part, of which only arrays and docstring are known."""
        kernel, arrays = self.calls[number]
        phase, part, index = self.owners[number]
        owner = kernel.part if isinstance(kernel, OwnCall) else kernel
        reads, writes = self._own_arrays(phase, index, arrays)
        old = self._unnamed(reads)
        kernel(*arrays)
        words = (owner.__doc__ or "").strip().partition("\n")[0]
        return TracedCall(
            number=number + 1,
            phase=phase,
            part=part,
            kernel=f"{type(owner).__name__}.{phase}",
            title=words or f"{type(owner).__name__}, a part of your own",
            source="a part of your own, in plain NumPy",
            lines=(),
            where="",
            reads=old,
            writes=self._unnamed(writes),
            flops=None,
            bytes=_bytes([*reads.values(), *writes.values()]),
            seconds=seconds,
        )

    def _own_arrays(
        self, phase: Phase, index: int | None, arrays: tuple[Array, ...]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """What a user's own part reads and writes, by symbol."""
        store = self.network.store
        if phase == "update":
            return {r"\theta": store.theta, "g": store.gradient}, {r"\theta": store.theta}
        if index is None:
            outputs, truth, losses, gradient = arrays
            name = self._name_of(outputs) or "a"
            slope = rf"\frac{{\partial \ell}}{{\partial {name}}}"
            return {name: outputs, "y": truth}, {r"\ell": losses, slope: gradient}
        own = {n: p for n, p in store.parameters.items() if n.startswith(f"layers.{index}.")}
        values = {_parameter_symbol(n): p.value for n, p in own.items()}
        slopes = {_slope(_parameter_symbol(n)): p.gradient for n, p in own.items()}
        given = {self._name_of(array) or "x": array for array in arrays}
        after = self.inputs[index + 1] if phase == "forward" else self.upstream.get(index - 1)
        results = {} if after is None else {self._name_of(after) or "y": after}
        return (given | values, results) if phase == "forward" else (given, results | slopes)

    def _unnamed(self, arrays: Mapping[str, Array]) -> tuple[Quantity, ...]:
        return tuple(self._quantity(symbol, "", array) for symbol, array in arrays.items())

    def _quantities(
        self, names: Mapping[str, str], arrays: Mapping[str, Array], chosen: list[str]
    ) -> tuple[Quantity, ...]:
        return tuple(self._quantity(names[k], k, arrays[k]) for k in chosen)

    def _quantity(self, symbol: str, argument: str, array: Array) -> Quantity:
        values = array.copy() if array.size <= self.whole else None
        return Quantity(symbol, argument, array.shape, array.dtype.name, Summary.of(array), values)


def _arguments(kernel: Callable[..., None]) -> list[str]:
    return arguments_of(kernel) if isinstance(kernel, Kernel) else []


def _slope(symbol: str) -> str:
    return rf"\frac{{\partial J}}{{\partial {symbol}}}"


def _indexed(symbol: str, index: int | None) -> str:
    """A symbol with the number of its layer, also inside ∂J/∂… and behind another subscript.

    >>> _indexed(r"v_\\text{run}", 2)
    'v_{\\\\text{run},2}'
    """
    if index is None:
        return symbol
    inner = re.fullmatch(r"(\\frac\{\\partial J\}\{\\partial )(.*)(\})", symbol)
    if inner is not None:
        return f"{inner[1]}{_indexed(inner[2], index)}{inner[3]}"
    base, below, script = symbol.partition("_")
    return f"{base}_{{{script},{index}}}" if below else f"{symbol}_{{{index}}}"


def _parameter_symbol(name: str) -> str:
    """`"layers.0.weight"` as W₀."""
    index, _, own = name.removeprefix("layers.").partition(".")
    return _indexed(SYMBOLS.get(own, rf"\text{{{own}}}"), int(index))


def _bytes(arrays: list[Array] | tuple[Array, ...]) -> int:
    """Of all arrays, each place in memory counted once."""
    return sum({array.ctypes.data: array.nbytes for array in arrays}.values())


def _distinct(groups: list[tuple[Quantity, ...]]) -> tuple[Quantity, ...]:
    """All quantities, those with the same symbol once."""
    return tuple({quantity.symbol: quantity for group in groups for quantity in group}.values())


# Equations with numbers put in.


def _lines(
    equation: Equation,
    names: Mapping[str, str],
    old: tuple[Quantity, ...],
    new: tuple[Quantity, ...],
) -> list[Line]:
    """The equations of a call; results that an equation uses are those of the lines before it."""
    known = {quantity.argument: quantity for quantity in old}
    lines: list[Line] = []
    bracketed = {argument: f"{{{symbol}}}" for argument, symbol in names.items()}
    for quantity in new:
        template = equation.results[quantity.argument]
        worked = _worked(template, known, quantity, _stands_alone(equation, template))
        formula = Template(template).substitute(bracketed)
        sign = equation.sign(quantity.argument)
        sign = sign if quantity.symbol == names[quantity.argument] else "="
        lines.append(Line(quantity.symbol, sign, formula, worked))
        known[quantity.argument] = quantity
    return lines


def _stands_alone(equation: Equation, template: str) -> bool:
    """Whether a right-hand side needs nothing but its arguments: no index, no other definition."""
    is_function = re.match(r"\\?\w+\(u\) =", equation.where)
    return "}_" not in template and (is_function is not None or not equation.where)


def _worked(
    template: str, known: Mapping[str, Quantity], result: Quantity, put_in: bool
) -> str | None:
    """What comes out, behind the right-hand side with its numbers; None if they are too many."""
    if result.values is None or result.values.dtype.kind not in "fiu" or not result.values.size:
        return None
    used = [known.get(argument) for argument in arguments_in(template)]
    outcome = _matrix(result.values, bracket=False)
    is_small = all(q is not None and _is_small(q) for q in (*used, result))
    return f"{_put_in(template, used)} = {outcome}" if put_in and used and is_small else outcome


def _put_in(template: str, used: list[Quantity | None]) -> str:
    """A right-hand side with numbers for its arguments."""
    numbers = {q.argument: _matrix(q.values) for q in used if q is not None}
    written = Template(template).substitute(numbers)
    scalar = r"\{\(?-?[\d.]+\)?\}"
    written = re.sub(rf"({scalar})\^\\top", r"\1", written)  # a number is its own transpose
    return re.sub(rf"(?<=\d\}})\\,|(?<=\d\)\}})\\,|\\,(?={scalar})", r" \\cdot ", written)


def _is_small(quantity: Quantity) -> bool:
    values = quantity.values
    return values is not None and 0 < values.size <= MOST_WORKED and values.dtype.kind in "fiu"


def _matrix(values: Array | None, bracket: bool = True) -> str:
    """An array as a matrix, or as a number, which gets brackets where it is negative."""
    if values is None:
        return r"\ldots"
    if values.size == 1:
        number = _number(values.item())
        return f"{{({number})}}" if bracket and number.startswith("-") else f"{{{number}}}"
    rows = values.reshape(1, -1) if values.ndim < 2 else values.reshape(len(values), -1)
    cells = r" \\ ".join(" & ".join(_number(value) for value in row) for row in rows.tolist())
    return rf"\begin{{pmatrix}} {cells} \end{{pmatrix}}"


def _number(value: float) -> str:
    r"""Four digits, and powers of ten where they are needed.

    >>> _number(0.123456), _number(2.0), _number(1.5e-9)
    ('0.1235', '2', '1.5 \\cdot 10^{-9}')
    """
    short = f"{value:.4g}"
    digits, power, exponent = short.partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}" if power else digits


__all__ = ["RUNS", "Tracer"]
