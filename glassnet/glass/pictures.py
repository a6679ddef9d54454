"""Pictures of what a network does: its activations, its decisions, its reasons.

As in `glassnet.plots`, every function returns a matplotlib figure that can be read in grey and by
the colour-blind: lines differ in dashes, classes in hatching and markers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.layers.activations import Activation
from glassnet.layers.base import Layer
from glassnet.layers.preprocessing import OneHot
from glassnet.layers.rectifiers import PReLU
from glassnet.plots import BLUE, ORANGE, empty_figure, is_image, literal, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glassnet.glass.explain import Explanation
    from glassnet.network import Network

MOST_CLASSES = 8
"""Decision regions are drawn for up to so many classes: more hatchings look alike."""

FAINTEST = 0.04
"""Contributions below this share of the largest are not drawn over an image."""

GRID = 201
"""Points along each axis of a plane."""

FILLS = ("#FFFFFF", "#D9D9D9", "#F0F0F0", "#BFBFBF", "#FAFAFA", "#CCCCCC", "#E6E6E6", "#B3B3B3")
HATCHES = ("", "////", "....", "\\\\\\\\", "xxx", "---", "ooo", "+++")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00", "#F0E442")
"""Of Okabe and Ito."""


# Activation functions.


def activations(network: Network | Sequence[Layer]) -> Figure:
    """Activation functions f with their derivatives f′, from −4 to 4.

    Arguments:
        network: whose activations, or a list of activation layers.

    Raises:
        ValueError: if there is none that acts on each element alone.
    """
    layers = network if isinstance(network, Sequence) else network.layers
    chosen = {repr(layer): layer for layer in layers if _is_pointwise(layer)}
    if not chosen:
        raise ValueError(
            "There is no activation function to draw: none of the layers acts on each element "
            f"alone. Received: {', '.join(map(repr, layers))}."
        )
    wide = min(4, len(chosen))
    tall = -(-len(chosen) // wide)
    figure = empty_figure(3.0 * wide + 0.4, 2.6 * tall + 0.5)
    grid = list(figure.subplots(tall, wide, squeeze=False).flat)
    for axes, (name, layer) in zip(grid, chosen.items(), strict=False):
        x = np.linspace(-4, 4, 401)
        y, slope = _value_and_slope(layer, x)
        axes.plot(x, y, color=BLUE, label="f(x)")
        axes.plot(x, slope, color=ORANGE, linestyle="--", label="f′(x)")
        axes.set(title=name, xlabel="x")
        axes.set_ylim(min(-1.2, float(y.min()) - 0.2), min(4.0, max(1.3, float(y.max()) + 0.2)))
        axes.legend(frameon=False, fontsize=8)
        plain(axes)
    for axes in grid[len(chosen) :]:
        axes.axis("off")
    return figure


def _is_pointwise(layer: Layer) -> bool:
    return isinstance(layer, PReLU) or (isinstance(layer, Activation) and layer.name != "Softmax")


def _value_and_slope(layer: Layer, x: Array) -> tuple[Array, Array]:
    """f and f′ by the layer's own forward and backward pass, in float64."""
    from glassnet.network import Network

    options = layer.options()
    alone = type(layer)(**options)
    network = Network([alone], (1,), dtype="float64")
    if isinstance(layer, PReLU) and layer.built and isinstance(alone, PReLU):
        alone.slope.value = [float(layer.slope.value.mean())]
    y = network.forward(x[:, None])
    return y[:, 0], network.backward(np.ones_like(y))[:, 0]


# Decision regions.


def decision_regions(network: Network, x: Any, y: Any, features: Sequence[int] = (0, 1)) -> Figure:
    """`Network.plot_decision_regions`."""
    rows, answers = np.asarray(x, np.float64), np.asarray(y)
    if rows.ndim != 2 or rows.shape[1] < 2 or len(answers) != len(rows):
        raise ValueError(
            "A plane needs rows (n, d) with at least two features, and an answer for each. "
            f"Received: x {rows.shape}, y {answers.shape}."
        )
    first, second = _two_features(features, rows.shape[1])
    coded = {k for layer in network.layers if isinstance(layer, OneHot) for k in layer.sizes}
    if coded & {first, second}:
        raise ValueError(
            f"Column {min(coded & {first, second})} holds categories, which have no place on an "
            "axis: choose two columns of numbers."
        )
    if network.task == "multilabel":
        raise ValueError("Several labels a row cannot be drawn as regions of one plane.")
    across, up = (_spread(rows[:, k]) for k in (first, second))
    plane = np.repeat(_typical(rows, coded)[None], GRID * GRID, axis=0)
    plane[:, first], plane[:, second] = (a.ravel() for a in np.meshgrid(across, up))
    said = network.predict(plane).reshape(GRID, GRID)
    figure = empty_figure(6.4, 4.8)
    axes = figure.subplots()
    if network.task == "regression":
        _draw_heights(figure, axes, (across, up), said, rows[:, [first, second]], answers)
    else:
        classes = network.metadata.get("classes") or []
        _draw_regions(axes, (across, up), said, rows[:, [first, second]], answers, classes)
    names = network.metadata.get("feature_names") or [f"x[{k}]" for k in range(rows.shape[1])]
    others = rows.shape[1] - 2
    held = f"\n(with {others} more at their usual values)" if others else ""
    across_name, up_name = literal(names[first]), literal(names[second])
    axes.set(xlabel=across_name, ylabel=up_name, title=f"What the network says{held}")
    return figure


def _two_features(features: Sequence[int], count: int) -> tuple[int, int]:
    chosen = [int(k) for k in features]
    if len(set(chosen)) != 2 or len(chosen) != 2 or not all(0 <= k < count for k in chosen):
        raise ValueError(
            f"features names two different columns, 0 to {count - 1}. Received: {features!r}."
        )
    return chosen[0], chosen[1]


def _typical(rows: Array, coded: set[int]) -> Array:
    """The median of each column, for categories the most frequent one."""
    typical: Array = np.nanmedian(rows, axis=0)
    for k in coded:
        values, counts = np.unique(rows[:, k][~np.isnan(rows[:, k])], return_counts=True)
        typical[k] = values[counts.argmax()]
    return typical


def _spread(values: Array) -> Array:
    """Points from below the smallest to above the largest value."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.06 * ((high - low) or 1.0)
    points: Array = np.linspace(low - margin, high + margin, GRID)
    return points


def _draw_regions(
    axes: Axes,
    plane: tuple[Array, Array],
    said: Array,
    rows: Array,
    answers: Array,
    classes: Sequence[str],
) -> None:
    """Regions by grey and hatching, the rows of each class by colour and marker."""
    from matplotlib.patches import Patch

    count = int(max(said.max(), answers.max())) + 1
    if count > MOST_CLASSES:
        raise ValueError(f"Regions are drawn for up to {MOST_CLASSES} classes. Received: {count}.")
    levels = np.arange(-0.5, count)
    fills, hatches = list(FILLS[:count]), list(HATCHES[:count])
    drawn = axes.contourf(*plane, said, levels=levels, colors=fills, hatches=hatches)
    drawn.set_edgecolor("#999999")
    drawn.set_linewidth(0.0)
    axes.contour(*plane, said, levels=levels[1:-1], colors="black", linewidths=1.0)
    names = map(literal, classes) if len(classes) == count else map(str, range(count))
    handles: list[Any] = []
    for k, name in enumerate(names):
        own = answers == k
        look: dict[str, Any] = {"marker": MARKERS[k], "color": COLOURS[k], "edgecolor": "white"}
        points = axes.scatter(rows[own, 0], rows[own, 1], s=26, linewidth=0.6, zorder=3, **look)
        points.set_label(name)
        handles.append(points)
        patch = Patch(facecolor=fills[k], edgecolor="#999999", label=f"said: {name}")
        patch.set_hatch(hatches[k])
        handles.append(patch)
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def _draw_heights(
    figure: Figure,
    axes: Axes,
    plane: tuple[Array, Array],
    said: Array,
    rows: Array,
    answers: Array,
) -> None:
    """A prediction as height, with the rows in the colours of their own answers."""
    low, high = min(said.min(), answers.min()), max(said.max(), answers.max())
    drawn = axes.contourf(*plane, said, levels=np.linspace(low, high, 13), cmap="cividis")
    lines = axes.contour(*plane, said, levels=drawn.levels, colors="black", linewidths=0.4)
    axes.clabel(lines, fontsize=7, fmt="%.3g")
    axes.scatter(
        rows[:, 0],
        rows[:, 1],
        c=answers,
        cmap="cividis",
        vmin=low,
        vmax=high,
        edgecolor="white",
        s=26,
    )
    figure.colorbar(drawn, ax=axes, label="prediction; true value of the points")


# Reasons.


def contributions(why: Explanation, rows: Iterable[int]) -> Figure:
    """What moved each row: over its image, or as a bar for each feature."""
    chosen = list(rows)
    if not chosen:
        raise ValueError("There is no row to draw.")
    over_images = is_image(why.x.shape[1:])
    wide = min(4, len(chosen))
    tall = -(-len(chosen) // wide)
    size = (2.4, 2.6) if over_images else (3.4, 2.8)
    figure = empty_figure(size[0] * wide + 0.3, size[1] * tall + 0.5)
    grid = list(figure.subplots(tall, wide, squeeze=False).flat)
    limit = float(np.percentile(np.abs(why.contributions[chosen]), 99.5)) or 1.0
    for axes, row in zip(grid, chosen, strict=False):
        if over_images:
            _draw_over_image(axes, why, row, limit)
        else:
            _draw_bars(axes, why, row)
        f = why.outputs[row, why.output[row]]
        axes.set_title(f"row {row}: {literal(why.of(row))} ({f:.3g})", fontsize=9)
    for axes in grid[len(chosen) :]:
        axes.axis("off")
    if over_images:
        from matplotlib.lines import Line2D

        key: list[Line2D] = [
            Line2D([], [], color=BLUE, marker="o", linestyle="", label="speaks for it"),
            Line2D([], [], color=ORANGE, marker="x", linestyle="", label="speaks against it"),
        ]
        figure.legend(handles=key, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _draw_over_image(axes: Axes, why: Explanation, row: int, limit: float) -> None:
    """The image in light grey; over it a dot where a pixel speaks for, a cross where against."""
    image, moved = _flat_image(why.x[row]), _flat_image(why.contributions[row], add=True)
    axes.imshow(image, cmap="Greys", interpolation="nearest", alpha=0.35)
    shares = np.clip(np.abs(moved) / limit, 0, 1)
    largest = (72 * 1.9 / max(image.shape)) ** 2  # points², about a pixel of the image
    for label, own, look in (
        ("for", moved > 0, {"marker": "o", "color": BLUE, "linewidth": 0}),
        ("against", moved < 0, {"marker": "x", "color": ORANGE, "linewidth": 1.3}),
    ):
        y, x = np.nonzero(own & (shares > FAINTEST))
        size = 0.7 * largest * shares[y, x]
        axes.scatter(x, y, s=size, label=label, **look)  # type: ignore[arg-type]
    axes.set(xticks=[], yticks=[])


def _flat_image(image: Array, add: bool = False) -> Array:
    """One number a pixel: the mean of the channels, or their sum."""
    image = np.asarray(image, np.float64)
    if image.ndim == 3:
        axis = 0 if image.shape[0] in (1, 3) else 2
        flat: Array = image.sum(axis=axis) if add else image.mean(axis=axis)
        return flat
    return image


def _draw_bars(axes: Axes, why: Explanation, row: int) -> None:
    """The largest contributions as bars, hatched where they speak against."""
    from matplotlib.ticker import MaxNLocator

    largest = why.largest(row, 8)[::-1]
    labels = [f"{literal(name)} = {value:.3g}" for name, value, _ in largest]
    moved = [c for _, _, c in largest]
    bars = axes.barh(range(len(moved)), moved, color=[BLUE if c > 0 else ORANGE for c in moved])
    for bar, c in zip(bars, moved, strict=True):
        bar.set(hatch="" if c > 0 else "////", edgecolor="white")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(moved)), labels, fontsize=7)
    axes.set_xlabel("contribution", fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(4))  # more overlap where they have three decimals
    plain(axes)
