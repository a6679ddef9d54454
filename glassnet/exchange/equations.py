"""The source text of kernels, for a file that does without glassnet.

An equation has one home: the NumPy reference beside its layer, loss or optimizer. What is written
here is that text itself, with all that it calls, less what only this package needs: the decorator,
the annotations of types.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from glassnet.accelerate import Kernel

WIDTH = 100


def wrapped(head: str, items: list[str], tail: str, width: int = WIDTH) -> str:
    """`head` + items + `tail` on one line, or the items on lines of their own where it is too long.

    An item may be a string with spaces in it, so lines are broken between items only.

    >>> print(wrapped("f(", ["a", "b"], ")"))
    f(a, b)
    >>> print(wrapped("f(", ["'a b'", "'c d'"], ")", width=12))
    f(
        'a b',
        'c d'
    )
    """
    line = head + ", ".join(items) + tail
    if len(line) <= width:
        return line
    indent = " " * (len(head) - len(head.lstrip()))
    lines = [f"{indent}    {items[0]}"]
    for item in items[1:]:
        lines[-1] += ","
        if len(lines[-1]) + len(item) + 2 <= width:  # a space before it, a comma behind
            lines[-1] += f" {item}"
        else:
            lines.append(f"{indent}    {item}")
    return "\n".join([head, *lines, f"{indent}{tail}"])


class Equations:
    """Functions, and the constants and modules that they need, in the order in which to write them.

    Attributes:
        imports: import statements, by what they bind.
        constants, functions: source texts, by name; what is needed comes before what needs it.
    """

    def __init__(self) -> None:
        self.imports: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        self.functions: dict[str, str] = {}

    def add(self, function: Callable[..., Any]) -> None:
        """Add a kernel's reference, or a function that one calls, with all that it needs."""
        if isinstance(function, Kernel):
            function = function.reference
        name = function.__name__
        if name in self.functions:
            return
        definition = ast.parse(inspect.getsource(function)).body[0]
        if not isinstance(definition, ast.FunctionDef):
            raise ValueError(f"{name} is not written as a function, so it has no equation to show.")
        module = sys.modules[function.__module__]
        self.functions[name] = ""  # so that a function that calls itself comes to an end
        self._add_needs(definition.body, module)
        del self.functions[name]  # after what it needs
        self.functions[name] = _plain_source(function, definition, module)

    def _add_needs(self, body: list[ast.stmt], module: ModuleType) -> None:
        for name in _names(body):
            if name not in vars(module) or name in vars(builtins):
                continue
            value = vars(module)[name]
            if isinstance(value, Kernel | FunctionType):
                self.add(value)
            elif isinstance(value, ModuleType):
                known = value.__name__
                self.imports[name] = f"import {known}" + (f" as {name}" if name != known else "")
            elif name not in self.constants:
                statement, text = _assignment(name, module)
                self._add_needs([statement], module)
                self.constants[name] = text


def _names(body: list[ast.stmt]) -> Iterator[str]:
    """The names that statements read, in the order in which they stand; annotations left out."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.AnnAssign):
                node.annotation = ast.Constant(None)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield node.id


@functools.cache
def _module_source(module: ModuleType) -> tuple[ast.Module, list[str]]:
    text = inspect.getsource(module)
    return ast.parse(text), text.splitlines()


def _assignment(name: str, module: ModuleType) -> tuple[ast.stmt, str]:
    """A constant's assignment in its module, and its text with the comment above it."""
    tree, lines = _module_source(module)
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            first = statement.lineno - 1
            while lines[first - 1].startswith("#"):
                first -= 1
            return statement, "\n".join(lines[first : statement.end_lineno])
    raise ValueError(f"{name} is not assigned in {module.__name__}, so it cannot be written down.")


def _plain_source(
    function: Callable[..., Any], definition: ast.FunctionDef, module: ModuleType
) -> str:
    """The function's own text, without decorator and annotations, calling plain functions."""
    lines = inspect.getsource(function).splitlines()
    edits = [edit for node in ast.walk(definition) for edit in _edits(node, module)]
    for row, start, end, new in sorted(edits, reverse=True):
        line = lines[row].encode()  # columns count bytes
        lines[row] = (line[:start] + new.encode() + line[end:]).decode()
    names = [argument.arg for argument in definition.args.args]
    body = lines[definition.body[0].lineno - 1 :]
    return "\n".join([wrapped(f"def {definition.name}(", names, "):"), *body])


def _edits(node: ast.AST, module: ModuleType) -> Iterator[tuple[int, int, int, str]]:
    """What to replace in a line: its number, from where to where, and by what."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        if node.lineno == node.value.lineno:
            yield node.lineno - 1, node.target.end_col_offset or 0, node.value.col_offset, " = "
    elif isinstance(node, ast.Attribute) and node.attr == "reference":
        owner = node.value
        if isinstance(owner, ast.Name) and isinstance(vars(module).get(owner.id), Kernel):
            yield node.lineno - 1, owner.end_col_offset or 0, node.end_col_offset or 0, ""
