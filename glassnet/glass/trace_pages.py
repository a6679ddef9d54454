"""A trace to be read: in a terminal, as Markdown, as a page for the browser."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from glassnet.accelerate import Array
from glassnet.glass.notation import mathml, text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from glassnet.glass.trace import Phase, Quantity, Trace, TracedCall

PHASES: dict[Phase, str] = {
    "forward": "Forward: from the inputs to the outputs",
    "loss": "Loss: how far the outputs are from the targets",
    "backward": "Backward: the gradient of every parameter",
    "update": "Update: the step of the optimizer",
}

HEAD = ("quantity", "shape", "dtype", "min", "mean", "max", "zeros", "norm")

NOTE = (
    "Layers are numbered as in the names of their parameters. A row of a matrix is a row of the "
    "batch. Each sum, product, quotient, comparison, root and elementary function counts as one "
    "operation; bytes are those of all arrays that a call reads or writes, each once; times are "
    "the fastest of five calls from Python."
)


def quantities(call: TracedCall) -> list[Quantity]:
    """What a call reads, then what it writes; what is replaced stands in both."""
    return [*call.reads, *call.writes]


def facts(quantity: Quantity) -> tuple[str, ...]:
    """The figures of a quantity, in the order of `HEAD` behind the symbol."""
    s = quantity.summary
    shape = "×".join(map(str, quantity.shape)) or "1"
    numbers = (f"{value:.4g}" for value in (s.low, s.mean, s.high))
    return (shape, quantity.dtype, *numbers, f"{s.zeros:.0%}", f"{s.norm:.4g}")


def numbers(values: Array) -> list[list[str]]:
    """The numbers of an array as rows of text."""
    rows = values.reshape(1, -1) if values.ndim < 2 else values.reshape(len(values), -1)
    return [[f"{value:.6g}" for value in row] for row in rows.tolist()]


def cost(call: TracedCall) -> str:
    """What a call cost, in words."""
    flops = "" if call.flops is None else f"{call.flops:,} flops, "
    return f"{flops}{call.bytes:,} bytes, {_seconds(call.seconds)}"


def totals(trace: Trace) -> list[tuple[str, int, int, float]]:
    """Flops, bytes and seconds of each phase, and of all."""
    rows: list[tuple[str, int, int, float]] = []
    for phase in (*PHASES, "all"):
        calls = [call for call in trace.calls if phase in ("all", call.phase)]
        flops = sum(call.flops or 0 for call in calls)
        size = sum(call.bytes for call in calls)
        rows.append((phase, flops, size, sum(call.seconds for call in calls)))
    return rows


def _seconds(seconds: float) -> str:
    """A time with its unit.

    >>> _seconds(1.25e-6), _seconds(0.0123)
    ('1.2 µs', '12.3 ms')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.2g} µs" if seconds < 1e-5 else f"{seconds * 1e6:.3g} µs"


def _by_phase(trace: Trace) -> Iterable[tuple[str, list[TracedCall]]]:
    for phase, title in PHASES.items():
        calls = [call for call in trace.calls if call.phase == phase]
        if calls:
            yield title, calls


def _headline(trace: Trace) -> str:
    rows = "row" if trace.rows == 1 else "rows"
    return f"{trace.rows:,} {rows}; J = {trace.loss:.6g} before the step"


# Terminal.


def as_text(trace: Trace, width: int | None = None) -> str:
    """Plain text of so many columns, 100 by default."""
    import io

    from rich.console import Console

    console = Console(file=io.StringIO(), width=width or 100, color_system=None)
    show(trace, console)
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in written.splitlines()) + "\n"


def show(trace: Trace, console: Console) -> None:
    """Print a trace in a terminal."""
    from rich.padding import Padding
    from rich.rule import Rule
    from rich.text import Text

    console.print(Text(trace.title, style="bold"))
    console.print(Text(_headline(trace)))
    for title, calls in _by_phase(trace):
        console.print()
        console.print(Rule(title))
        for call in calls:
            console.print()
            console.print(Text(f"{call.number}. {call.title}", style="bold"))
            console.print(Padding(Text(f"{call.part} · {call.kernel}", style="dim"), (0, 0, 0, 3)))
            for line in _equations(call):
                console.print(Padding(Text(line), (0, 0, 0, 6)))
            console.print(Padding(_table(call), (0, 0, 0, 3)))
            console.print(Padding(Text(f"{cost(call)} · {call.source}", style="dim"), (0, 0, 0, 3)))
    console.print()
    console.print(_totals_table(trace))
    console.print(Text(NOTE, style="dim"))


def _equations(call: TracedCall) -> list[str]:
    lines: list[str] = []
    for line in call.lines:
        lines.append(text(line.equation))
        if line.worked is not None:
            lines.append(f"   = {text(line.worked).strip()}")
    return [*lines, *([f"where {text(call.where)}"] if call.where else [])]


def _table(call: TracedCall) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in HEAD:
        table.add_column(name, justify="left" if name == "quantity" else "right", no_wrap=True)
    for quantity in quantities(call):
        table.add_row(text(quantity.symbol), *facts(quantity))
    return table


def _totals_table(trace: Trace) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title="What the step costs", title_justify="left")
    for name in ("", "flops", "bytes", "time"):
        table.add_column(name, justify="right" if name else "left")
    for phase, flops, size, seconds in totals(trace):
        table.add_row(phase, f"{flops:,}", f"{size:,}", _seconds(seconds))
    return table


# Markdown.


def as_markdown(trace: Trace) -> str:
    """Markdown with LaTeX between dollar signs, as GitHub, GitLab and Jupyter typeset it."""
    lines = ["# A training step", "", f"`{trace.title}`", "", f"{_headline(trace)}.", ""]
    for title, calls in _by_phase(trace):
        lines += [f"## {title}", ""]
        for call in calls:
            lines += _markdown_call(call)
    lines += [
        "## What the step costs",
        "",
        "| | flops | bytes | time |",
        "| --- | --: | --: | --: |",
    ]
    lines += [f"| {p} | {f:,} | {b:,} | {_seconds(s)} |" for p, f, b, s in totals(trace)]
    return "\n".join([*lines, "", NOTE, ""])


def _markdown_call(call: TracedCall) -> list[str]:
    lines = [f"### {call.number}. {call.title}", "", f"{call.part} · `{call.kernel}`", ""]
    for line in call.lines:
        worked = "" if line.worked is None else f" = {line.worked}"
        lines += [f"$${line.equation}{worked}$$", ""]
    if call.where:
        lines += [f"where ${call.where}$", ""]
    lines += [f"| {' | '.join(HEAD)} |", f"| --- {'| --: ' * (len(HEAD) - 1)}|"]
    lines += [f"| ${q.symbol}$ | {' | '.join(facts(q))} |" for q in quantities(call)]
    return [*lines, "", f"{cost(call)}. Source: {call.source}.", ""]


# HTML.

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
h2 { border-bottom: 1px solid #8888; margin-top: 2.5rem }
h3 { margin: 2rem 0 0 }
.whose, .cost, footer { color: #777; font-size: .85rem }
.equation { overflow-x: auto; padding: .6rem 0; font-size: 1.15rem }
math {
  font-family:
    "STIX Two Math", "Latin Modern Math", "Cambria Math", "DejaVu Math TeX Gyre", math
}
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums }
td, th { padding: .15rem .7rem; text-align: right; vertical-align: top; font-weight: normal }
td:first-child, th:first-child { text-align: left }
tr:first-child th { border-bottom: 1px solid #8888; color: #777 }
details { margin: .3rem 0 }
summary { cursor: pointer; color: #777; font-size: .85rem }
mtd { padding: .1em .4em }
.numbers { display: inline-block; vertical-align: top; margin: .4rem 1.5rem .4rem 0 }
"""


def as_html(trace: Trace) -> str:
    """A page that needs nothing else."""
    body = [f"<h1>A training step</h1><p><code>{escape(trace.title)}</code></p>"]
    body.append(f"<p>{escape(_headline(trace))}.</p>")
    for title, calls in _by_phase(trace):
        body.append(f"<h2>{escape(title)}</h2>")
        body += [_html_call(call) for call in calls]
    rows = [(p, f"{f:,}", f"{b:,}", _seconds(s)) for p, f, b, s in totals(trace)]
    body.append(f"<h2>What the step costs</h2>{_html_table(('', 'flops', 'bytes', 'time'), rows)}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>A training step</title>'
        f"<style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + f"\n<footer><p>{escape(NOTE)}</p></footer>\n</body></html>\n"
    )


def _html_call(call: TracedCall) -> str:
    parts = [
        f"<h3>{call.number}. {escape(call.title)}</h3>",
        f'<div class="whose">{escape(call.part)} · <code>{escape(call.kernel)}</code></div>',
    ]
    for line in call.lines:
        worked = "" if line.worked is None else f" = {line.worked}"
        parts.append(f'<div class="equation">{mathml(line.equation + worked, display=True)}</div>')
    if call.where:
        parts.append(f"<div>where {mathml(call.where)}</div>")
    rows = [(mathml(q.symbol), *map(escape, facts(q))) for q in quantities(call)]
    parts.append(_html_table(HEAD, rows))
    known = "".join(map(_html_numbers, quantities(call)))
    parts.append(f"<details><summary>all numbers</summary>{known}</details>" if known else "")
    parts.append(f'<p class="cost">{cost(call)}. Source: {escape(call.source)}.</p>')
    return f"<section>{''.join(parts)}</section>"


def _html_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; its cells are HTML already."""
    lines = [f"<tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _html_numbers(quantity: Quantity) -> str:
    """All numbers of a quantity, if they were kept."""
    if quantity.values is None or not np.size(quantity.values):
        return ""
    rows = "".join(
        f"<tr>{''.join(f'<td>{number}</td>' for number in row)}</tr>"
        for row in numbers(quantity.values)
    )
    return f'<div class="numbers">{mathml(quantity.symbol)}<table>{rows}</table></div>'
