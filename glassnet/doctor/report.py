"""Findings for people: on a terminal, as Markdown, and as one HTML page with plots."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassnet.doctor.finding import SEVERITIES, Curve, Finding
from glassnet.doctor.record import Record, WeightFigures

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}

COLUMNS = ("weights", "‖∂J/∂W‖", "signal / noise", "‖ΔW‖ / ‖W‖", "‖W − W₀‖ / ‖W‖")


def verdict(findings: Sequence[Finding]) -> str:
    """How many findings there are, in a sentence.

    >>> verdict([])
    'Nothing found.'
    """
    counts = {s: sum(finding.severity == s for finding in findings) for s in SEVERITIES}
    named = [f"{count} {s}{'s' * (count > 1)}" for s, count in counts.items() if count]
    return f"{', '.join(named)}." if named else "Nothing found."


def weight_rows(record: Record) -> list[list[str]]:
    """Gradient, noise, step and distance of every weight matrix at the last moment."""
    return [[_weight_name(record, weight), *_figures(weight)] for weight in _last_weights(record)]


def _last_weights(record: Record) -> list[WeightFigures]:
    return record.moments[-1].weights if record.moments else []


def _weight_name(record: Record, weight: WeightFigures) -> str:
    return f"{weight.name} ({record.setting.layers[weight.layer]['name']})"


def _figures(weight: WeightFigures) -> list[str]:
    distance = weight.distance / weight.norm if weight.norm else 0.0
    values = weight.gradient, weight.signal_to_noise, weight.update_ratio, distance
    return ["–" if math.isnan(value) else f"{value:.2g}" for value in values]


# On a terminal.


def render(findings: Sequence[Finding], record: Record) -> Group:
    """Everything for a rich console."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Text | Table] = [_shown(finding) for finding in findings]
    table = Table(*COLUMNS, title="in the end", title_justify="left", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in weight_rows(record):
        table.add_row(*row)
    return Group(*parts, table, Text(f"\n{verdict(findings)}", style="bold"))


def _shown(finding: Finding) -> Text:
    from rich.text import Text

    text = Text()
    text.append(f"{finding.severity}: ", style=f"bold {COLOURS[finding.severity]}")
    text.append(f"{finding.rule} in {finding.where}\n", style="bold")
    text.append(f"  seen    {finding.evidence}\n")
    if finding.curve is not None:
        text.append(f"          {finding.curve.sparkline}  {_described(finding.curve)}\n")
    text.append(f"  why     {finding.why}\n  change  {finding.change}\n  more    {finding.link}\n")
    return text


def _described(curve: Curve) -> str:
    """What a sparkline shows, with its ends.

    >>> _described(Curve("loss", [0.0, 1.0, 2.0], [2.0, 1.5, 0.25]))
    'loss: 2 → 0.25'
    """
    return f"{curve.label}: {curve.values[0]:.3g} → {curve.values[-1]:.3g}"


# As Markdown.


def to_markdown(findings: Sequence[Finding], record: Record) -> str:
    """A page of its own."""
    from glassnet.metrics import Table, markdown_table

    parts = [f"# What the doctor found\n\n{verdict(findings)}", findings_as_markdown(findings)]
    rows = weight_rows(record)
    if rows:
        parts.append(markdown_table(Table("In the end", list(COLUMNS), rows)).strip())
    return "\n\n".join(part for part in parts if part) + "\n"


def findings_as_markdown(findings: Sequence[Finding]) -> str:
    """A section for each finding."""
    return "\n\n".join(_section(finding) for finding in findings)


def _section(finding: Finding) -> str:
    lines = [
        f"### {finding.severity}: {finding.rule} in {finding.where}\n",
        f"- **Seen:** {finding.evidence}.",
        f"- **Why:** {finding.why}",
        f"- **Change:** {finding.change}",
        f"- **More:** `{finding.link}`",
    ]
    if finding.curve is not None:
        lines.insert(2, f"- `{finding.curve.sparkline}` {_described(finding.curve)}")
    return "\n".join(lines)


# As HTML.

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 1rem; }
section { border-left: 5px solid; padding: 0 0 0 1rem; margin: 2rem 0; }
.error { border-color: #B00020; }
.warning { border-color: #C77700; }
.note { border-color: #0072B2; }
dt { font-weight: 600; } dd { margin: 0 0 .6rem 0; } svg { max-width: 100%; height: auto; }
td, th { padding: .1rem .8rem .1rem 0; text-align: right; }
td:first-child, th:first-child { text-align: left; }
"""


def to_html(findings: Sequence[Finding], record: Record, title: str) -> str:
    """One page that needs nothing else, plots included."""
    sections = "\n".join(_html_section(finding) for finding in findings)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in COLUMNS)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in weight_rows(record)
    )
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style></head>
<body>
<h1>{html.escape(title)}</h1>
<p>{verdict(findings)}</p>
{sections}
<h2>In the end</h2>
<table><tr>{head}</tr>
{rows}</table>
</body>
</html>
"""


def _html_section(finding: Finding) -> str:
    parts = {"Seen": finding.evidence, "Why": finding.why, "Change": finding.change}
    entries = "\n".join(f"<dt>{k}</dt><dd>{html.escape(v)}</dd>" for k, v in parts.items())
    picture = "" if finding.curve is None else draw(finding.curve)
    return f"""<section class="{finding.severity}">
<h2>{finding.severity}: {finding.rule} in {html.escape(finding.where)}</h2>
<dl>{entries}
<dt>More</dt><dd><code>{finding.link}</code></dd></dl>
{picture}
</section>"""


def draw(curve: Curve) -> str:
    """The small plot as SVG."""
    import matplotlib
    from matplotlib.ticker import MaxNLocator

    from glassnet.plots import BLUE, ORANGE, empty_figure, plain

    figure = empty_figure(5.0, 2.2)
    axes = figure.subplots()
    axes.plot(curve.epochs, curve.values, color=BLUE, marker="o", markersize=3)
    if curve.limit is not None:
        axes.axhline(curve.limit, color=ORANGE, linestyle="--", label="limit")
        axes.legend(frameon=False)
    if curve.log and min(curve.values) > 0:
        axes.set_yscale("log")
    axes.set_xlabel("hidden layer" if "by hidden layer" in curve.label else "epoch")
    axes.set_title(curve.label, loc="left", fontsize="medium")  # on the axis, long ones are cut off
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    plain(axes)
    content = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "glassnet"}):
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()[content.getvalue().index("<svg") :]
