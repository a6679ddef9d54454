r"""Mathematics in one notation and three forms.

An equation is written once, in a small part of LaTeX, and shown as what a place can show:

    LaTeX     as it is, between dollar signs, in Markdown
    MathML    typeset by any browser of today, with no script and no network
    text      in Unicode, on one line, in a terminal

The part is: letters, numbers, `^`, `_`, braces, `\frac`, `\sqrt`, `\hat`, `\text`, `\mathrm`, the
spaces `\,` and `\quad`, the environments `cases` and `pmatrix`, and the names in `SYMBOLS` and
`FUNCTIONS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Literal

Kind = Literal["letter", "number", "operator", "relation", "fence", "word", "function", "space"]

FUNCTIONS = ("max", "min", "ln", "exp", "tanh", "softmax", "sign", "clip")
"""Names that are set upright, as `\\ln` is."""

SYMBOLS: dict[str, tuple[str, Kind]] = {
    "alpha": ("α", "letter"),
    "beta": ("β", "letter"),
    "gamma": ("γ", "letter"),
    "delta": ("δ", "letter"),
    "epsilon": ("ε", "letter"),
    "eta": ("η", "letter"),
    "theta": ("θ", "letter"),
    "lambda": ("λ", "letter"),
    "mu": ("μ", "letter"),
    "sigma": ("σ", "letter"),
    "rho": ("ρ", "letter"),
    "pi": ("π", "letter"),
    "phi": ("φ", "letter"),
    "Phi": ("Φ", "letter"),
    "ell": ("ℓ", "letter"),
    "partial": ("∂", "letter"),
    "top": ("ᵀ", "letter"),
    "infty": ("∞", "letter"),
    "sum": ("∑", "operator"),
    "cdot": ("·", "operator"),
    "odot": ("⊙", "operator"),
    "oplus": ("⊕", "operator"),
    "pm": ("±", "operator"),
    "leftarrow": ("←", "relation"),
    "le": ("≤", "relation"),
    "ge": ("≥", "relation"),
    "ne": ("≠", "relation"),
    "in": ("∈", "relation"),
    "Vert": ("‖", "fence"),
    "ldots": ("…", "letter"),
    "{": ("{", "fence"),
    "}": ("}", "fence"),
}

BINARY = "+−·⊙⊕±"
"""Operators with a space on both sides when they stand between two things."""

SUPERSCRIPTS = str.maketrans("0123456789+−-()nixt", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿⁱˣᵗ")
SUBSCRIPTS = str.maketrans("0123456789+−-()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")


@dataclass(frozen=True)
class Atom:
    """A letter, a number, an operator, a word or a space."""

    text: str
    kind: Kind


@dataclass(frozen=True)
class Row:
    """What stands side by side."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Fraction:
    """`\\frac{above}{below}`."""

    above: Node
    below: Node


@dataclass(frozen=True)
class Root:
    """`\\sqrt{inside}`."""

    inside: Node


@dataclass(frozen=True)
class Hat:
    """`\\hat{inside}`."""

    inside: Node


@dataclass(frozen=True)
class Script:
    """`base_{below}^{above}`."""

    base: Node
    below: Node | None = None
    above: Node | None = None


@dataclass(frozen=True)
class Grid:
    """`cases` or `pmatrix`: rows of cells."""

    kind: Literal["cases", "pmatrix"]
    rows: tuple[tuple[Node, ...], ...]


Node = Atom | Row | Fraction | Root | Hat | Script | Grid

_TOKEN = re.compile(
    r"\\(?:text|mathrm)\{[^{}]*\}|\\begin\{(?:cases|pmatrix)\}|\\end\{(?:cases|pmatrix)\}"
    r"|\\[A-Za-z]+|\\[\\,{}]|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\s+|."
)


def parse(source: str) -> Node:
    r"""Read an equation.

    Raises:
        ValueError: for a command that is not in the notation, or braces that do not match.

    >>> text(parse(r"\frac{\partial J}{\partial W_0} = x^\top\,y"))
    '∂J/∂W₀ = xᵀ y'
    """
    reader = _Reader(source)
    node = reader.row(())
    if reader.token is not None:
        raise ValueError(f"{source!r} has {reader.token!r} where nothing opens it.")
    return node


class _Reader:
    """Reads tokens from left to right; `token` is the next one, None at the end."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = [token for token in _TOKEN.findall(source) if not token.isspace()]
        self.place = 0

    @property
    def token(self) -> str | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self) -> str:
        token = self.token
        if token is None:
            raise ValueError(f"{self.source!r} ends in the middle: a brace or argument is missing.")
        self.place += 1
        return token

    def row(self, ends: tuple[str, ...]) -> Node:
        """Everything up to one of `ends`, which is left to the caller."""
        items: list[Node] = []
        while self.token is not None and self.token not in (*ends, "}"):
            items.append(self.scripted())
        return items[0] if len(items) == 1 else Row(tuple(items))

    def scripted(self) -> Node:
        base = self.single()
        scripts: dict[str, Node] = {}
        while self.token in ("^", "_"):
            mark = self.take()
            scripts[mark] = self.single()
        return Script(base, scripts.get("_"), scripts.get("^")) if scripts else base

    def single(self) -> Node:
        token = self.take()
        if token == "{":
            inside = self.row(())
            if self.take() != "}":
                raise ValueError(f"{self.source!r} lacks a closing brace.")
            return inside
        if token.startswith(("\\text{", "\\mathrm{")):
            return Atom(token[token.index("{") + 1 : -1], "word")
        if token.startswith("\\begin"):
            return self.grid("cases" if "cases" in token else "pmatrix")
        if token.startswith("\\"):
            return self.command(token[1:])
        return Atom("−" if token == "-" else token, _kind(token))

    def command(self, name: str) -> Node:
        if name == "frac":
            return Fraction(self.single(), self.single())
        if name in ("sqrt", "hat"):
            return Root(self.single()) if name == "sqrt" else Hat(self.single())
        if name in (",", "quad"):
            return Atom(" " if name == "," else "   ", "space")
        if name in FUNCTIONS:
            return Atom(name, "function")
        if name not in SYMBOLS:
            raise ValueError(f"\\{name} is not in the notation of glassnet.glass.notation.")
        return Atom(*SYMBOLS[name])

    def grid(self, kind: Literal["cases", "pmatrix"]) -> Node:
        end = f"\\end{{{kind}}}"
        rows: list[tuple[Node, ...]] = []
        cells: list[Node] = []
        while True:
            cells.append(self.row(("&", "\\\\", end)))
            token = self.take()
            if token != "&":
                rows.append(tuple(cells))
                cells = []
            if token == end:
                return Grid(kind, tuple(rows))


def _kind(token: str) -> Kind:
    if token[0].isdigit():
        return "number"
    if token.isalpha():
        return "letter"
    if token in "=<>":
        return "relation"
    return "fence" if token in "()[]|" else "operator"


# MathML.


def mathml(source: str, display: bool = False) -> str:
    """The equation as a `<math>` element.

    >>> mathml("a^2")
    '<math><msup><mi>a</mi><mn>2</mn></msup></math>'
    """
    block = ' display="block"' if display else ""
    return f"<math{block}>{_mathml(parse(source))}</math>"


_TAGS: dict[Kind, str] = {
    "letter": "mi",
    "function": "mi",
    "number": "mn",
    "word": "mtext",
    "operator": "mo",
    "relation": "mo",
    "fence": "mo",
}


def _mathml(node: Node) -> str:
    if isinstance(node, Atom):
        return _atom(node)
    if isinstance(node, Row):
        return f"<mrow>{''.join(map(_mathml, node.items))}</mrow>"
    if isinstance(node, Fraction):
        return f"<mfrac>{_mathml(node.above)}{_mathml(node.below)}</mfrac>"
    if isinstance(node, Root):
        return f"<msqrt>{_mathml(node.inside)}</msqrt>"
    if isinstance(node, Hat):
        return f'<mover accent="true">{_mathml(node.inside)}<mo stretchy="false">^</mo></mover>'
    if isinstance(node, Script):
        return _mathml_script(node)
    cells = "".join(
        f"<mtr>{''.join(f'<mtd>{_mathml(cell)}</mtd>' for cell in row)}</mtr>" for row in node.rows
    )
    opening, closing = ("{", "") if node.kind == "cases" else ("(", ")")
    aligned = ' columnalign="left"' if node.kind == "cases" else ""
    close = f"<mo>{closing}</mo>" if closing else ""
    return f"<mrow><mo>{opening}</mo><mtable{aligned}>{cells}</mtable>{close}</mrow>"


def _atom(atom: Atom) -> str:
    if atom.kind == "space":
        return f'<mspace width="{0.17 if atom.text == " " else 1}em"/>'
    if atom.text == "ᵀ":
        return "<mo>⊤</mo>"
    tag = _TAGS[atom.kind]
    if atom.kind == "word":
        return f"<{tag}>{escape(atom.text).replace(' ', '&#160;')}</{tag}>"
    return f"<{tag}>{escape(atom.text)}</{tag}>"


def _mathml_script(node: Script) -> str:
    base = _mathml(node.base)
    below = "" if node.below is None else _mathml(node.below)
    above = "" if node.above is None else _mathml(node.above)
    if isinstance(node.base, Atom) and node.base.text in ("∑", "max", "min"):
        tag = "munderover" if below and above else "munder" if below else "mover"
    else:
        tag = "msubsup" if below and above else "msub" if below else "msup"
    return f"<{tag}>{base}{below}{above}</{tag}>"


# Text.


def text(node: Node | str) -> str:
    r"""The equation on one line of Unicode.

    >>> text(r"y = \frac{x - \mu}{\sqrt{v + \epsilon}}")
    'y = (x − μ)/√(v + ε)'
    """
    if isinstance(node, str):
        node = parse(node)
    if isinstance(node, Atom):
        return f" {node.text} " if node.kind == "relation" else node.text
    if isinstance(node, Row):
        return _text_row(node)
    if isinstance(node, Fraction):
        return f"{_grouped(node.above)}/{_grouped(node.below, below=True)}"
    if isinstance(node, Root):
        inside = text(node.inside)
        return f"√{inside}" if len(inside.replace("\u0302", "")) <= 2 else f"√({inside})"
    if isinstance(node, Hat):
        return f"{text(node.inside)}\u0302"
    if isinstance(node, Script):
        return _text_script(node)
    if node.kind == "pmatrix":
        return f"[{'; '.join(' '.join(map(text, row)) for row in node.rows)}]"
    return "; ".join(" ".join(text(cell).strip() for cell in row) for row in node.rows)


def _text_row(row: Row) -> str:
    written = ""
    before: Node | None = None
    for item in row.items:
        follows = before is not None and not (
            isinstance(before, Atom) and before.text in (*BINARY, "(", "=", "←", ",", "<", ">", "∑")
        )
        if isinstance(item, Atom) and item.text in BINARY and follows:
            written = f"{written.rstrip()} {item.text} "
        elif isinstance(item, Atom) and item.text == ",":
            written += ", "
        elif _needs_space(before, item):
            written = f"{written.rstrip()} {text(item)}"
        else:
            written += text(item)
        before = item
    return re.sub(r" {2,}(?=\S)", lambda gap: gap[0] if len(gap[0]) > 2 else " ", written)


def _needs_space(node: Node | None, after: Node) -> bool:
    """Whether a space must follow: after a function's name, or a sum sign with its index."""
    base = node.base if isinstance(node, Script) else node
    if not isinstance(base, Atom) or (isinstance(after, Atom) and after.text == " "):
        return False
    opens = isinstance(after, Atom) and after.text == "("
    return base.text == "∑" or (base.kind == "function" and not opens)


def _grouped(node: Node, below: bool = False) -> str:
    """In parentheses where the text would be read otherwise."""
    inside = text(node)
    if isinstance(node, Root):
        return inside
    is_sum = any(f" {sign} " in inside for sign in BINARY)
    if is_sum or "/" in inside or (below and " " in inside):
        return f"({inside})"
    return inside


def _text_script(node: Script) -> str:
    written = text(node.base)
    if isinstance(node.base, Row | Fraction) and len(written) > 1:
        written = f"({written})"
    for script, table, mark in ((node.below, SUBSCRIPTS, "_"), (node.above, SUPERSCRIPTS, "^")):
        if script is None:
            continue
        inside = text(script).replace(" ", "")
        if inside == "ᵀ":
            written += inside
        elif all(ord(sign) in table for sign in inside):
            written += inside.translate(table)
        else:
            written += f"{mark}{inside}" if len(inside) == 1 else f"{mark}({inside})"
    return written
