"""What the equations of a trace say, computed: their notation read as arithmetic.

    side by side    the product of matrices, or with a number; under a sum, element by element
    ⊙, fractions    element by element
    Σ over i, k     over the rows; over the outputs or features of a row. Indices are left out
    where           definitions, of letters and of functions of one letter

Nothing here knows a kernel: an equation that says something else than its kernel does gives other
numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from string import Template
from typing import Any

import numpy as np

from glassnet.glass.equations import Equation
from glassnet.glass.notation import Atom, Fraction, Grid, Hat, Node, Root, Row, Script, parse, text

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "max": np.maximum,
    "min": np.minimum,
    "ln": lambda u: np.log(np.maximum(u, np.finfo(float).tiny)),  # so that 0 ln 0 is 0
    "tanh": np.tanh,
    "sign": np.sign,
    "clip": np.clip,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
    "Φ": np.vectorize(lambda u: 0.5 * (1 + math.erf(u / math.sqrt(2)))),
}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    ">": np.greater,
    "<": np.less,
    "=": np.equal,
    "≤": np.less_equal,
}
COLUMN, WHERE, ELSEWHERE = " in column ", "where ", "elsewhere"


class Told(Exception):
    """An equation uses words that are not arithmetic."""


def results(equation: Equation, arrays: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """The value of each result but those told in words, in order: a later one uses those before.

    Arguments:
        arrays: the arguments of the kernel by name, and numbers by the letters of the equation.
        written: what the kernel wrote, for results that are told in words.
    """
    reading = _Reading(arrays, equation.where)
    found: dict[str, Any] = {}
    for name, template in equation.results.items():
        try:
            found[name] = reading.values[name] = reading.value(_parsed(template))
        except Told:
            reading.values[name] = written[name]
    return found


class _Arguments(dict[str, str]):
    """`$name` becomes the word @name."""

    def __missing__(self, name: str) -> str:
        return rf"{{\text{{@{name}}}}}"


def _parsed(template: str) -> Node:
    return parse(Template(template).substitute(_Arguments()))


def _items(node: Node) -> list[Node]:
    return list(node.items) if isinstance(node, Row) else [node]


def _split(items: list[Node], mark: str) -> Iterator[list[Node]]:
    """The parts between atoms that are this mark."""
    part: list[Node] = []
    for item in items:
        if isinstance(item, Atom) and item.text == mark:
            yield part
            part = []
        else:
            part.append(item)
    yield part


class _Reading:
    """An equation's letters and what they stand for; a definition is computed when it is needed."""

    def __init__(self, values: dict[str, Any], where: str) -> None:
        self.values = dict(values)
        self.definitions: dict[str, Node] = {}
        self.functions: dict[str, tuple[str, Node]] = {}
        for definition in _split(_items(_parsed(where)), "   ") if where else ():
            left, *right = _split(definition, "=")
            body = Row(tuple(node for part in right for node in part))
            names = [text(node) for node in left]
            if len(names) == 4 and names[1] == "(":
                self.functions[names[0]] = names[2], body
            else:
                self.definitions[text(Row(tuple(left))).strip()] = body

    def value(self, node: Node) -> Any:
        name = text(node).strip()
        if name in self.definitions and not name.startswith("@"):
            return self.value(self.definitions[name])
        match node:
            case Row():
                return _Line(self, list(node.items)).whole()
            case Atom():
                return self.letter(node)
            case Fraction():
                return self.value(node.above) / self.value(node.below)
            case Root():
                return np.sqrt(self.value(node.inside))
            case Script():
                return self.script(node)
            case Grid():
                return self.cases(node)
            case Hat():
                raise KeyError(text(node))

    def letter(self, atom: Atom) -> Any:
        if atom.kind == "number":
            return float(atom.text)
        if atom.kind == "word" and not atom.text.startswith("@"):
            raise Told(atom.text)
        return self.values[atom.text.removeprefix("@")]

    def script(self, node: Script) -> Any:
        if text(node.base) == "e":
            assert node.above is not None
            return np.exp(self.value(node.above))
        base = self.value(node.base)
        if isinstance(node.below, Atom) and node.below.kind == "number":
            base = base.reshape(-1)[int(node.below.text) - 1]
        if node.above is None:
            return base
        return base.T if text(node.above) == "ᵀ" else base ** self.value(node.above)

    def cases(self, grid: Grid) -> Any:
        (*rows, (other, elsewhere)) = grid.rows
        assert text(elsewhere).strip() == ELSEWHERE
        result = self.value(other)
        for case, condition in reversed(rows):
            word, *holds = _items(condition)
            assert isinstance(word, Atom)
            assert word.text == WHERE
            result = np.where(self.holds(holds), self.value(case), result)
        return result

    def holds(self, items: list[Node]) -> Any:
        for place, item in enumerate(items):
            if isinstance(item, Atom) and item.kind == "relation":
                left, right = items[:place], items[place + 1 :]
                sides = _Line(self, left).whole(), _Line(self, right).whole()
                return COMPARISONS[item.text](*sides)
        return _Line(self, items).whole()

    def call(self, name: str, given: list[Any]) -> Any:
        if name not in self.functions or name in FUNCTIONS:
            return FUNCTIONS[name](*given)
        letter, body = self.functions[name]
        inside = _Reading(self.values | {letter: given[0]}, "")
        inside.functions = self.functions
        return inside.value(body)


class _Line:
    """Things side by side, read from left to right."""

    def __init__(self, reading: _Reading, items: list[Node]) -> None:
        self.reading = reading
        self.items = [i for i in items if not (isinstance(i, Atom) and i.kind == "space")]
        self.place = 0
        self.summing = False
        self.open = [""]  # what closes the brackets around the place

    @property
    def next(self) -> str:
        """The next sign; of a bracket with a power, the bracket."""
        if self.place == len(self.items):
            return ""
        item = self.items[self.place]
        if isinstance(item, Script) and text(item.base) in (")", "‖", "∑"):
            item = item.base
        return item.text if isinstance(item, Atom) else "…"

    def take(self) -> Node:
        self.place += 1
        return self.items[self.place - 1]

    def whole(self) -> Any:
        value = self.sum()
        assert not self.next, f"{self.next!r} is left over"
        return value

    def sum(self) -> Any:
        negative = self.next == "−" and bool(self.take())
        value = -self.product() if negative else self.product()
        while self.next in ("+", "−"):
            sign = -1 if text(self.take()) == "−" else 1
            value = value + sign * self.product()
        return value

    def product(self) -> Any:
        value = self.factor()
        while self.next not in ("", "+", "−", ",", self.open[-1]):
            if self.next in ("⊙", "·"):
                self.take()
                value = value * self.factor()
            elif self.next == "/":
                self.take()
                value = value / self.factor()
            elif self.next == COLUMN:
                self.take()
                value = value[:, self.factor()]
            else:
                value = self.side_by_side(value, self.factor())
        return value

    def side_by_side(self, a: Any, b: Any) -> Any:
        if self.summing or np.size(a) == 1 or np.size(b) == 1:
            return a * b
        return a @ b

    def factor(self) -> Any:
        sign = self.next
        node = self.take()
        if sign == "∑":
            return self.sum_over(text(node).removeprefix("∑"))
        if sign == "(":
            inside = self.brackets(")")
            return inside[0] if len(inside) == 1 else np.array([np.squeeze(v) for v in inside])
        if sign == "|":
            return np.abs(self.brackets("|")[0])
        if sign == "‖":
            return self.brackets("‖", np.linalg.norm)[0]
        if self.is_function(node):
            if self.next != "(":
                return self.reading.call(sign, [self.factor()])
            self.take()
            return self.reading.call(sign, self.brackets(")"))
        return self.reading.value(node)

    def is_function(self, node: Node) -> bool:
        if not isinstance(node, Atom):
            return False
        known = node.text in self.reading.functions or node.text in FUNCTIONS
        return node.kind == "function" or (known and self.next == "(")

    def brackets(self, closing: str, function: Callable[[Any], Any] | None = None) -> list[Any]:
        """What stands between commas up to the closing bracket, whose power it is raised to."""
        self.open.append(closing)
        values = [self.sum()]
        while self.next == ",":
            self.take()
            values.append(self.sum())
        self.open.pop()
        assert self.next == closing, f"{closing} is missing before {self.next!r}"
        end = self.take()
        values = [function(value) for value in values] if function else values
        if isinstance(end, Script):
            assert end.above is not None
            return [value ** self.reading.value(end.above) for value in values]
        return values

    def sum_over(self, index: str) -> Any:
        outside, self.summing = self.summing, True
        terms = self.product()
        self.summing = outside
        axes = {"ᵢ": 0, "ₖ": -1, "": (0, 2)[: terms.ndim - 1]}[index]
        return terms.sum(axis=axes, keepdims=True)
