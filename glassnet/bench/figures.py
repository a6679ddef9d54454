"""Two figures: ratios beside their targets, and how cost grows. Both can be read in grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassnet.bench.results import Comparison, Report, Timing
from glassnet.bench.scaling import AXES, best_of
from glassnet.plots import BLUE, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_HEIGHT = 0.3
LINES: dict[str, dict[str, Any]] = {
    "ours": {"color": BLUE, "marker": "o", "linestyle": "-", "label": "glassnet"},
    "torch": {"color": ORANGE, "marker": "s", "linestyle": "--", "label": "PyTorch, its best"},
}


def ratios(report: Report) -> Figure:
    """A dot for every ratio, filled if its target is met, with its range; a bar at the target."""
    from matplotlib.figure import Figure

    found = [(r.name, c) for r in report.workloads for c in r.comparisons]
    figure = Figure(figsize=(8, 1.4 + ROW_HEIGHT * len(found)), layout="constrained")
    axes: Axes = figure.subplots()
    for place, (_, comparison) in enumerate(found):
        _dot(axes, place, comparison)
    axes.axvline(1, color="0.5", linewidth=0.8)
    axes.set_yticks(range(len(found)), [f"{name} · {c.title}" for name, c in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.set_xlabel("times faster than the contender (of “its own products”: times the floor)")
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.plot([], [], "o", color=BLUE, label="measured, target met or none")
    axes.plot([], [], "o", color=BLUE, markerfacecolor="white", label="measured, target missed")
    axes.plot([], [], "|", color=ORANGE, markersize=14, markeredgewidth=2, label="target")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def _dot(axes: Axes, place: int, comparison: Comparison) -> None:
    axes.plot([comparison.low, comparison.high], [place, place], color=BLUE, linewidth=1.5)
    face = "white" if comparison.met is False else BLUE
    axes.plot([comparison.ratio], [place], "o", color=BLUE, markerfacecolor=face)
    if comparison.target is not None:
        axes.plot([comparison.target], [place], "|", color=ORANGE, markersize=14, markeredgewidth=2)


def scaling(report: Report) -> Figure:
    """Seconds an epoch against each axis, log-log, ours and PyTorch's best."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6.5), layout="constrained")
    panels = figure.subplots(2, 2)
    for axes, axis in zip(panels.ravel(), AXES, strict=True):
        for contender, style in LINES.items():
            _line(axes, report, axis, contender, style)
        axes.set(xscale="log", yscale="log", xlabel=axis, ylabel="seconds an epoch")
        values = sorted({point.value for point in report.scaling if point.axis == axis})
        axes.set_xticks(values, [f"{value:,}" for value in values], rotation=30)
        axes.set_xticks([], minor=True)
        axes.grid(color="0.9")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return figure


def _line(axes: Axes, report: Report, axis: str, contender: str, style: dict[str, Any]) -> None:
    found: list[tuple[int, Timing]] = []
    for point in report.scaling:
        timing = best_of(point, contender)
        if point.axis == axis and timing is not None:
            found.append((point.value, timing))
    if not found:
        return
    values = [value for value, _ in found]
    axes.plot(values, [timing.median for _, timing in found], **style)
    low = [min(timing.values) for _, timing in found]
    high = [max(timing.values) for _, timing in found]
    axes.fill_between(values, low, high, color=style["color"], alpha=0.2, linewidth=0)
