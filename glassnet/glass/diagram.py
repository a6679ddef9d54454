"""A network as a picture: units and weights where they are few, else layers and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassnet.layers.base import Layer
from glassnet.layers.dense import Dense
from glassnet.plots import BLUE, ORANGE, empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glassnet.network import Network

MOST_UNITS = 10
"""Of a column of more units, the first and the last few are drawn."""

Column = list[tuple[float, float]]


def diagram(network: Network) -> Figure:
    """A column of units for the inputs and for each dense layer, with the other layers' names.

    Weights are lines: thicker the larger, solid and blue above zero, dashed and red below.
    """
    columns = _columns(network)
    most = min(MOST_UNITS, max(size for size, _, _ in columns))
    figure = empty_figure(max(5.0, 1.9 * len(columns) + 1.2), 1.6 + 0.32 * most)
    axes = figure.subplots()
    axes.axis("off")
    placed = [_place(axes, index, size) for index, (size, _, _) in enumerate(columns)]
    for left, right, (_, _, layer) in zip(placed, placed[1:], columns[1:], strict=False):
        if layer is not None:
            _draw_weights(axes, left, right, layer)
    for column in placed:
        for x, y in column:
            axes.plot(x, y, "o", markersize=15, color="white", markeredgecolor="black", zorder=3)
    lowest = min(np.nanmin([y for _, y in column]) for column in placed)
    for index, (_, label, _) in enumerate(columns):
        below = {"ha": "center", "va": "top", "fontsize": 9, "linespacing": 1.35}
        axes.text(index, lowest - 0.2, label, **below)  # type: ignore[arg-type]
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.set_ylim(lowest - 0.75, -lowest + 0.15)
    axes.set_title(f"{network.theta.size:,} parameters")
    return figure


def _columns(network: Network) -> list[tuple[int, str, Dense | None]]:
    """How many units, what is written below, and which layer leads into them."""
    inputs = int(np.prod(network.input_shape))
    shape = "×".join(map(str, network.input_shape))
    columns: list[tuple[int, list[str], Dense | None]] = [(inputs, [f"inputs\n{shape}"], None)]
    for layer in network.layers:
        if isinstance(layer, Dense):
            columns.append((layer.units, [f"Dense\n{layer.units:,}"], layer))
        else:
            columns[-1][1].append(_short(layer))
    return [(size, "\n".join(words), layer) for size, words, layer in columns]


def _short(layer: Layer) -> str:
    written = repr(layer).removesuffix("()")
    return written if len(written) <= 22 else type(layer).__name__


def _place(axes: Axes, index: int, size: int) -> Column:
    """Where the units of a column are; writes dots for what is left out."""
    shown = min(size, MOST_UNITS)
    heights = np.linspace(1, -1, MOST_UNITS)
    start = (MOST_UNITS - shown) / 2
    ys = [float(np.interp(start + k, np.arange(MOST_UNITS), heights)) for k in range(shown)]
    if size > MOST_UNITS:
        gap = len(ys) // 2
        axes.text(index, ys[gap], "⋮", ha="center", va="center", fontsize=18)
        ys[gap] = np.nan
    return [(float(index), y) for y in ys]


def _draw_weights(axes: Axes, left: Column, right: Column, layer: Dense) -> None:
    """A line for every weight between units that are drawn."""
    weights = np.asarray(layer.weight.value, np.float64)
    largest = float(np.abs(weights).max(initial=0)) or 1.0
    rows, columns = (
        _numbers(len(column), size)
        for column, size in zip((left, right), weights.shape, strict=True)
    )
    faint = 1.0 if len(rows) * len(columns) <= 24 else 0.55
    for i, (x0, y0) in zip(rows, left, strict=True):
        for k, (x1, y1) in zip(columns, right, strict=True):
            if np.isnan(y0) or np.isnan(y1):
                continue
            share = abs(weights[i, k]) / largest
            axes.plot(
                [x0, x1],
                [y0, y1],
                color=BLUE if weights[i, k] >= 0 else ORANGE,
                linestyle="-" if weights[i, k] >= 0 else (0, (4, 2)),
                linewidth=0.3 + 2.7 * share,
                alpha=faint,
                zorder=1,
            )


def _numbers(shown: int, size: int) -> list[int]:
    """Which units are drawn: all, or the first and the last few."""
    gap = shown // 2
    return [k if k < gap or shown == size else size - shown + k for k in range(shown)]
