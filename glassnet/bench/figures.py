"""Two figures: ratios beside their targets, and how cost grows. Both can be read in grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassnet.bench.results import Comparison, Report, ScalingPoint
from glassnet.bench.scaling import AXES, best_of, knees
from glassnet.plots import BLUE, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_HEIGHT = 0.3
LINES: dict[str, dict[str, Any]] = {
    "ours": {"color": BLUE, "marker": "o", "linestyle": "-", "label": "glassnet"},
    "torch": {"color": ORANGE, "marker": "s", "linestyle": "--", "label": "PyTorch, its best"},
}
RING: dict[str, Any] = {
    "color": "black",
    "marker": "o",
    "linestyle": "",
    "markerfacecolor": "none",
    "markersize": 14,
    "label": "a knee that PyTorch has not",
}
X_LABELS = {
    "rows": "rows of the training set",
    "width": "units in each hidden layer",
    "depth": "hidden layers",
    "batch": "rows in a batch",
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
    """Seconds an epoch against each axis, log-log, ours and PyTorch's best; knees are ringed."""
    from matplotlib.figure import Figure

    measured = [axis for axis in AXES if any(point.axis == axis for point in report.scaling)]
    height = -(-len(measured) // 2)
    figure = Figure(figsize=(8, 0.6 + 3.2 * height), layout="constrained")
    panels = figure.subplots(height, 2, squeeze=False).ravel()
    for axes in panels[len(measured) :]:
        axes.axis("off")
    for axes, axis in zip(panels, measured, strict=False):
        points = [point for point in report.scaling if point.axis == axis]
        for contender, style in LINES.items():
            _line(axes, points, contender, style)
        _rings(axes, points)
        axes.set(xscale="log", yscale="log", xlabel=X_LABELS[axis], ylabel="seconds an epoch")
        values = [point.value for point in points]
        axes.set_xticks(values, [f"{value:,}" for value in values], rotation=30)
        axes.set_xticks([], minor=True)
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


def _line(axes: Axes, points: list[ScalingPoint], contender: str, style: dict[str, Any]) -> None:
    """Medians, and a band from the shortest to the longest run."""
    found = [(point.value, best_of(point, contender)) for point in points]
    timed = [(value, timing) for value, timing in found if timing is not None]
    if not timed:
        return
    values = [value for value, _ in timed]
    axes.plot(values, [timing.median for _, timing in timed], **style)
    low = [min(timing.values) for _, timing in timed]
    high = [max(timing.values) for _, timing in timed]
    axes.fill_between(values, low, high, color=style["color"], alpha=0.2, linewidth=0)


def _rings(axes: Axes, points: list[ScalingPoint]) -> None:
    places = [knee.after.low for knee in knees(points)]
    timings = {point.value: best_of(point, "ours") for point in points}
    found = [(place, timing.median) for place in places if (timing := timings[place]) is not None]
    axes.plot([place for place, _ in found], [seconds for _, seconds in found], **RING)
