"""Figures of a training: curves, confusions, mistakes, errors and first-layer weights.

Every function returns a matplotlib `Figure` of its own and leaves pyplot's global state alone;
`save` writes it. All can be read in grey and by the colour-blind: lines differ in dashes and
markers, and colour scales grow steadily lighter or darker.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glassnet.accelerate import Array
from glassnet.files import write_atomically
from glassnet.metrics import Table, class_names, is_distribution, markdown_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from glassnet.network import Network

BLUE, ORANGE = "#0072B2", "#D55E00"  # blue and vermilion of Okabe and Ito, apart in grey as well
MOST_COUNTS = 20
"""Up to so many classes the counts are written into the confusion matrix."""
MOST_NAMES = 40
"""Up to so many features are named beside a heat map."""
MOST_UNITS = 100
"""So many units of a first layer are drawn as images."""
MOST_OUTPUTS = 12
"""So many outputs of a regression are drawn."""


def save(figure: Figure, path: str | Path, overwrite: bool = False) -> Path:
    """Write a figure as `.png` (150 dots an inch) or `.svg`.

    The file holds no date, so that equal figures are equal files. Folders are made as needed.

    Raises:
        ValueError: for another ending, a file that exists, or one that cannot be written.
    """
    import matplotlib

    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise ValueError(f"Figures are written as .png or .svg. Received: {path.name!r}.")
    undated = {"svg": {"Date": None}, "png": {"Software": None}}[kind]
    content = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "glassnet"}):  # else ids are drawn at random
        figure.savefig(content, format=kind, dpi=150, metadata=undated)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"The folder {path.parent} cannot be made: {error.strerror}.") from None
    return write_atomically(path, content.getvalue(), overwrite)


# Curves.


def curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Loss and accuracy (or RMSE) by epoch, and the learning rate if it changes.

    Arguments:
        history: what `Network.fit` returned, or the records of a `history.jsonl`.

    Raises:
        ValueError: if there are no records.
    """
    if not history:
        raise ValueError("The history has no epochs, so there is nothing to draw. Train first.")
    scores = [key for key in ("accuracy", "rmse") if _has(history, key)]
    rates = {record["learning_rate"] for record in history if "learning_rate" in record}
    panels = ["loss", *scores, *(["learning_rate"] if len(rates) > 1 else [])]
    figure = empty_figure(4.4 * len(panels) + 0.4, 3.6)
    axes_row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, key in zip(axes_row, panels, strict=True):
        _curve_panel(axes, history, key)
    return figure


_CURVE_LABELS = {
    "loss": ("Loss", "loss"),
    "accuracy": ("Accuracy", "rows answered right"),
    "rmse": ("Root mean squared error", "RMSE (units of the target)"),
    "learning_rate": ("Learning rate", "learning rate at the end of the epoch"),
}


def _has(history: Sequence[Mapping[str, float]], key: str) -> bool:
    return any(key in record or f"val_{key}" in record for record in history)


def _curve_panel(axes: Axes, history: Sequence[Mapping[str, float]], key: str) -> None:
    from matplotlib.ticker import MaxNLocator

    every = max(1, len(history) // 12)
    lines: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (key, "training", {"color": BLUE, "linestyle": "-", "marker": "o"}),
        (f"val_{key}", "validation", {"color": ORANGE, "linestyle": "--", "marker": "s"}),
    )
    for column, label, style in lines:
        known = [(record["epoch"], record[column]) for record in history if column in record]
        if known:
            epochs, values = zip(*known, strict=True)
            axes.plot(epochs, values, label=label, markersize=4, markevery=every, **style)
    title, label = _CURVE_LABELS[key]
    axes.set(title=title, xlabel="epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if key == "accuracy":
        as_percent(axes)
    if key != "learning_rate":
        axes.legend(frameon=False)
    plain(axes)


# Classes: what is taken for what.


def confusion_matrix(matrix: Any, classes: Sequence[object] = ()) -> Figure:
    """The confusion matrix: rows are true classes, columns predicted ones.

    Colours are shares of the true class, so that rare classes show as well as frequent ones; up to
    20 classes the counts are written into the cells.

    Arguments:
        matrix: counts or sums of weights (K, K), as `metrics.report` has them.
        classes: K names.
    """
    counts = np.asarray(matrix, np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"A confusion matrix has shape (K, K). Received: {counts.shape}.")
    names = [_short(name) for name in class_names(classes, len(counts))]
    of_class = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, of_class, out=np.zeros_like(counts), where=of_class > 0)

    longest = 0.085 * max(len(name) for name in names)  # inches
    side = min(max(2.8, 0.46 * len(names)), 11.0)
    upright = longest > 0.9 * side / len(names)
    height = side + (longest if upright else 0.3) + 1.2
    figure = empty_figure(side + longest + 2.4, height, "compressed")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    bar = figure.colorbar(image, ax=axes, label="share of the true class", pad=0.03)
    as_percent(bar.ax)
    _name_ticks(axes, names, upright)
    axes.set(xlabel="predicted class", ylabel="true class")
    total = counts.sum()
    right = np.trace(counts) / total if total else 0.0
    axes.set_title(f"Confusion matrix: {right:.1%} of {_count(total)} rows right")
    if len(names) <= MOST_COUNTS:
        _write_counts(axes, counts, shares, 72 * side / len(names))
    return figure


def _write_counts(axes: Axes, counts: Array, shares: Array, cell: float) -> None:
    """Write every count into its cell, which is `cell` points wide."""
    longest = max(len(_count(value)) for value in counts.flat)
    size = float(np.clip(1.3 * cell / longest, 5, 10))  # a digit is about 0.64 of its size wide
    for (true, said), count in np.ndenumerate(counts):
        colour = "white" if shares[true, said] > 0.55 else "black" if count else "#999999"
        text = _count(count)
        axes.text(said, true, text, ha="center", va="center", color=colour, fontsize=size)


def _name_ticks(axes: Axes, names: list[str], upright: bool) -> None:
    """Class names at both axes, small and thinned out where there are many."""
    step = -(-len(names) // 100)
    places = range(0, len(names), step)
    shown = [names[place] for place in places]
    size = 9 if len(names) <= 25 else 7 if len(names) <= 50 else 5
    axes.set_xticks(places, shown, fontsize=size, rotation=90 if upright else 0)
    axes.set_yticks(places, shown, fontsize=size)


def wrong_rows(truth: Any, probabilities: Any, count: int = 36) -> Array:
    """Row numbers of the most confident wrong answers, most confident first, (≤ count,).

    >>> wrong_rows([0, 0, 1], [[0.4, 0.6], [0.1, 0.9], [0.2, 0.8]])
    array([1, 0])
    """
    truth, probabilities = np.asarray(truth), np.asarray(probabilities)
    if truth.ndim != 1 or probabilities.ndim != 2 or len(truth) != len(probabilities):
        raise ValueError(
            "Mistakes need class indices (n,) and probabilities (n, K). "
            f"Received shapes {truth.shape} and {probabilities.shape}."
        )
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != truth)
    confidence = probabilities[wrong].max(axis=1)
    return wrong[np.argsort(-confidence, kind="stable")[:count]]


def worst_mistakes(
    x: Any,
    truth: Any,
    probabilities: Any,
    classes: Sequence[object] = (),
    count: int = 36,
) -> Figure:
    """The most confident wrong answers as images, each with what was said and what is true.

    Arguments:
        x: images (n, h, w), (n, 1 or 3, h, w) or (n, h, w, 1 or 3).
        truth: class indices (n,).
        probabilities: what `Network.predict_proba` said, (n, K).
        classes: K names.
        count: how many at most.

    Raises:
        ValueError: if rows are no images: `mistakes_table` is for those.
    """
    x, truth, probabilities = np.asarray(x), np.asarray(truth), np.asarray(probabilities)
    if not is_image(x.shape[1:]):
        raise ValueError(
            f"Rows of shape {x.shape[1:]} are no images: expected (h, w), (3, h, w) or (h, w, 3). "
            "Reshape them, or use mistakes_table for a table."
        )
    names = class_names(classes, np.atleast_2d(probabilities).shape[1])
    rows = wrong_rows(truth, probabilities, count)
    if not len(rows):
        return _sentence(f"No mistakes among {len(truth):,} rows")
    pictures = _pictures(x[rows])
    width = 1.75 if max(map(len, names)) > 8 else 1.35
    figure, axes_list = _tiles(len(rows), width, width + 0.4)
    surely = is_distribution(probabilities)
    for axes, row, picture in zip(axes_list, rows, pictures, strict=True):
        axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        said = probabilities[row].argmax()
        sure = f"{probabilities[row, said]:.0%}" if surely else f"({probabilities[row, said]:.2f})"
        axes.set_title(
            f"said {_short(names[said], 14)} {sure}\nis {_short(names[truth[row]], 14)}",
            fontsize=8,
        )
    mistakes = int((probabilities.argmax(axis=1) != truth).sum())
    some = (
        f"All {mistakes:,}" if len(rows) == mistakes else f"The worst {len(rows)} of {mistakes:,}"
    )
    figure.suptitle(f"{some} mistakes among {len(truth):,} rows, the most confident first")
    return figure


def mistakes_table(
    x: Any,
    truth: Any,
    probabilities: Any,
    classes: Sequence[object] = (),
    feature_names: Sequence[str] = (),
    count: int = 36,
) -> list[dict[str, Any]]:
    """The most confident wrong answers for rows of a table, as dictionaries that JSON can hold.

    Arguments:
        x: rows (n, features).
        truth, probabilities, classes, count: see `worst_mistakes`.
        feature_names: one a column.

    Returns:
        `row`, `said`, `confidence`, `is`, and `features` by name, for each mistake.

    Example:
        >>> mistakes_table([[5.1]], [0], [[0.2, 0.8]], ["cat", "dog"], ["weight"])
        [{'row': 0, 'said': 'dog', 'confidence': 0.8, 'is': 'cat', 'features': {'weight': 5.1}}]
    """
    x, truth, probabilities = np.asarray(x), np.asarray(truth), np.asarray(probabilities)
    rows = wrong_rows(truth, probabilities, count)
    names = class_names(classes, probabilities.shape[1])
    columns = class_names(feature_names, x.reshape(len(x), -1).shape[1], "feature")
    return [
        {
            "row": int(row),
            "said": names[probabilities[row].argmax()],
            "confidence": float(probabilities[row].max()),
            "is": names[truth[row]],
            "features": dict(zip(columns, x[row].ravel().tolist(), strict=True)),
        }
        for row in rows
    ]


def mistakes_markdown(mistakes: Sequence[Mapping[str, Any]], features: int = 6) -> str:
    """`mistakes_table` as Markdown, with the first few features.

    >>> print(mistakes_markdown([]), end="")
    No mistakes.
    """
    if not mistakes:
        return "No mistakes.\n"
    shown = list(mistakes[0]["features"])[:features]
    lines = [
        [str(m["row"]), m["said"], f"{m['confidence']:.3f}", m["is"]]
        + [f"{m['features'][name]:g}" for name in shown]
        for m in mistakes
    ]
    return markdown_table(Table("", ["row", "said", "confidence", "is", *shown], lines))


# Numbers: how far off.


def predicted_vs_true(
    truth: Any, predicted: Any, names: Sequence[str] = (), marked: int = 5
) -> Figure:
    """Predictions against the truth, a panel an output; on the diagonal they are right.

    Arguments:
        truth, predicted: numbers (n,) or (n, K).
        names: of the K outputs, with their units if they have one.
        marked: how many of the largest errors are ringed; the legend names their rows.
    """

    def draw(axes: Axes, truth: Array, predicted: Array, name: str) -> None:
        axes.scatter(truth, predicted, s=12, alpha=0.5, color=BLUE, linewidths=0, rasterized=True)
        low = min(truth.min(), predicted.min())
        high = max(truth.max(), predicted.max())
        axes.plot((low, high), (low, high), color="black", linestyle="--", label="right")
        worst = np.argsort(-np.abs(predicted - truth), kind="stable")[:marked]
        axes.scatter(
            truth[worst],
            predicted[worst],
            s=60,
            facecolors="none",
            edgecolors=ORANGE,
            label=f"largest errors: rows {', '.join(map(str, worst))}",
        )
        axes.set(xlabel=f"true {name}", ylabel=f"predicted {name}", title="Predicted against true")
        axes.legend(loc="upper left", fontsize=7, framealpha=0.7)

    return _by_output(truth, predicted, names, draw)


def residual_histogram(truth: Any, predicted: Any, names: Sequence[str] = ()) -> Figure:
    """How often each error predicted − true occurs, a panel an output.

    Arguments:
        truth, predicted, names: see `predicted_vs_true`.
    """

    def draw(axes: Axes, truth: Array, predicted: Array, name: str) -> None:
        residuals = predicted - truth
        bins = int(np.clip(np.sqrt(len(residuals)), 8, 60))
        axes.hist(residuals, bins=bins, color=BLUE, edgecolor="white", linewidth=0.5)
        mean = residuals.mean()
        axes.axvline(0, color="black", label="right")
        axes.axvline(mean, color=ORANGE, linestyle="--", label=f"mean error {mean:.3g}")
        axes.set(xlabel=f"predicted − true {name}", ylabel="rows", title="Errors")
        axes.legend(loc="upper right", fontsize=7, framealpha=0.7)

    return _by_output(truth, predicted, names, draw)


def largest_errors(
    truth: Any, predicted: Any, names: Sequence[str] = (), count: int = 36
) -> list[dict[str, Any]]:
    """The largest errors of a regression as dictionaries that JSON can hold, largest first.

    Over several outputs they are compared in units of the standard deviation of each one's truth.

    >>> largest_errors([1.0, 2.0], [1.0, 2.5], ["height"], count=1)
    [{'row': 1, 'output': 'height', 'predicted': 2.5, 'true': 2.0, 'error': 0.5}]
    """
    truth, predicted = _columns(truth), _columns(predicted)
    outputs = class_names(names, truth.shape[1], "output")
    spread = truth.std(axis=0)
    relative = np.abs(predicted - truth) / np.where(spread > 0, spread, 1.0)
    order = np.argsort(-relative, axis=None, kind="stable")[:count]
    return [
        {
            "row": int(row),
            "output": outputs[k],
            "predicted": float(predicted[row, k]),
            "true": float(truth[row, k]),
            "error": float(predicted[row, k] - truth[row, k]),
        }
        for row, k in zip(*np.unravel_index(order, relative.shape), strict=True)
    ]


def _by_output(truth: Any, predicted: Any, names: Sequence[str], draw: Any) -> Figure:
    truth, predicted = _columns(truth), _columns(predicted)
    if truth.shape != predicted.shape:
        raise ValueError(
            f"truth has shape {truth.shape}, predicted {predicted.shape}: they must be the same."
        )
    outputs = class_names(names, truth.shape[1], "output")
    if not names:
        outputs = ["value"] if len(outputs) == 1 else [f"output {k}" for k in outputs]
    shown = min(len(outputs), MOST_OUTPUTS)
    wide = min(shown, 3)
    tall = -(-shown // wide)
    figure = empty_figure(4.6 * wide, 4.2 * tall)
    grid = figure.subplots(tall, wide, squeeze=False).ravel()
    for k, axes in enumerate(grid):
        if k < shown:
            draw(axes, truth[:, k], predicted[:, k], literal(outputs[k]))
            plain(axes)
        else:
            axes.axis("off")
    if shown < len(outputs):
        figure.suptitle(f"The first {shown} of {len(outputs)} outputs")
    return figure


def _columns(values: Any) -> Array:
    rows = np.asarray(values, np.float64)
    if not rows.size or not np.isfinite(rows).all():
        raise ValueError("Truth and predictions must be finite numbers, at least one row of them.")
    return rows.reshape(len(rows), -1)


# Weights.


def first_layer_weights(network: Network) -> Figure:
    """The weights that lead into the first `Dense` layer: what each unit looks for.

    Grey images are drawn as an image a unit, with dark for negative and light for positive weights;
    colour images in their colours, with grey for 0. Tables become a heat map of features × units.

    Raises:
        ValueError: if no `Dense` layer comes first among the layers that mix their inputs.
    """
    weights = _first_dense_weights(network)
    # A few extreme weights should not fade all others.
    limit = float(np.percentile(np.abs(weights), 99.5)) or 1.0
    if is_image(network.input_shape) and len(weights) == np.prod(network.input_shape):
        return _weight_images(weights, network.input_shape, limit)
    return _weight_table(weights, network.metadata.get("feature_names", ()), limit)


def _first_dense_weights(network: Network) -> Array:
    """(fan_in, units) of the first layer that has a matrix, if that is a `Dense` one."""
    for index, layer in enumerate(network.layers):
        own = {
            name: parameter
            for name, parameter in network.parameters.items()
            if name.startswith(f"layers.{index}.")
        }
        if layer.name == "Dense":
            return np.asarray(own[f"layers.{index}.weight"].value, np.float64)
        if any(parameter.value.ndim > 1 for parameter in own.values()):
            raise ValueError(
                f"Layer {index}, {layer!r}, mixes the inputs before any Dense layer does, so the "
                "weights of the first Dense layer do not belong to inputs and cannot be drawn so."
            )
    raise ValueError("The network has no Dense layer, so there are no first-layer weights to draw.")


def _weight_images(weights: Array, shape: Sequence[int], limit: float) -> Figure:
    units = weights.shape[1]
    shown = min(units, MOST_UNITS)
    images = _channels_last(weights.T[:shown].reshape(shown, *shape))
    figure, axes_list = _tiles(shown, 0.95, 0.95, beside=0.4 if images.ndim == 4 else 1.7)
    some = f"the first {shown} of {units}" if shown < units else f"{units}"
    title = f"Weights into {some} units of the first layer"
    if images.ndim == 4:
        for axes, image in zip(axes_list, images, strict=True):
            axes.imshow(np.clip((image / limit + 1) / 2, 0, 1), interpolation="nearest")
        figure.suptitle(f"{title}\n(grey is 0, full colour ±{limit:.2g})")
        return figure
    for axes, image in zip(axes_list, images, strict=True):
        drawn = _draw_weights(axes, image, limit)
    figure.colorbar(drawn, ax=axes_list, label="weight", extend="both", pad=0.02, aspect=30)
    figure.suptitle(title)
    return figure


def _weight_table(weights: Array, feature_names: Sequence[str], limit: float) -> Figure:
    from matplotlib.ticker import MaxNLocator

    features, units = weights.shape
    named = features <= MOST_NAMES
    names = feature_names if len(feature_names) == features else range(features)
    labels = [_short(str(name)) for name in names]
    height = 0.22 * features if named else 5.0
    figure = empty_figure(min(max(4.0, 0.2 * units), 9.0) + 2.5, min(max(2.2, height), 8.8) + 1.2)
    axes = figure.subplots()
    drawn = _draw_weights(axes, weights, limit, "auto")
    figure.colorbar(drawn, ax=axes, label="weight", extend="both", fraction=0.05, pad=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if named:
        axes.set_yticks(range(features), labels, fontsize=8)
    axes.set(title="Weights of the first layer", xlabel="unit", ylabel="input")
    return figure


def _draw_weights(
    axes: Axes, weights: Array, limit: float, aspect: Literal["equal", "auto"] = "equal"
) -> AxesImage:
    # cividis goes from dark blue over a neutral grey to yellow: it diverges from its middle, and
    # unlike red and blue its two ends differ when printed in grey.
    return axes.imshow(
        weights, cmap="cividis", vmin=-limit, vmax=limit, aspect=aspect, interpolation="nearest"
    )


# Images.


def is_image(shape: Sequence[int]) -> bool:
    """Whether a row of this shape is an image: (h, w), (1 or 3, h, w) or (h, w, 1 or 3).

    >>> is_image((28, 28)), is_image((3, 32, 32)), is_image((4,))
    (True, True, False)
    """
    if len(shape) == 3:
        return shape[0] in (1, 3) or shape[2] in (1, 3)
    return len(shape) == 2 and min(shape) > 1


def _channels_last(images: Array) -> Array:
    """(n, h, w) for grey images, (n, h, w, 3) for colour."""
    if images.ndim == 4 and images.shape[1] in (1, 3):
        images = np.moveaxis(images, 1, 3)
    return images[..., 0] if images.ndim == 4 and images.shape[3] == 1 else images


def _pictures(images: Array) -> Array:
    """Images with channels last and values from 0 to 1."""
    images = _channels_last(images)
    if images.dtype == np.uint8:
        return images / 255
    low, high = float(images.min()), float(images.max())
    if low >= 0 and high <= 1:
        return images
    return (images - low) / ((high - low) or 1.0)


def image_grid(images: Any, titles: Sequence[str], marked: Sequence[bool] = ()) -> Figure:
    """Images with a title each; marked ones have theirs in bold and a frame.

    Arguments:
        images: (n, h, w), (n, 1 or 3, h, w) or (n, h, w, 1 or 3).
        titles: n of them.
        marked: n of them, or none.
    """
    images = np.asarray(images)
    if not len(images):
        return _sentence("No images")
    marked = marked or [False] * len(images)
    figure, axes_list = _tiles(len(images), 1.1, 1.4)
    pictures = _pictures(images)
    for axes, picture, title, mark in zip(axes_list, pictures, titles, marked, strict=True):
        axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(title, fontsize=8, fontweight="bold" if mark else "normal")
        if mark:
            axes.spines[:].set(color=ORANGE, linewidth=2.0)
    return figure


def _tiles(
    count: int, width: float, height: float, beside: float = 0.4
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` empty tiles, each of so many inches, and some inches beside them."""
    wide = min(count, max(6, int(np.ceil(np.sqrt(count)))))
    tall = -(-count // wide)
    figure = empty_figure(max(wide * width, 6.0) + beside, tall * height + 0.8, "compressed")
    grid = list(figure.subplots(tall, wide, squeeze=False).flat)
    for axes in grid:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(color="#CCCCCC", linewidth=0.6)
    for axes in grid[count:]:
        axes.axis("off")
    return figure, grid[:count]


# What all figures share.


def empty_figure(
    width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained"
) -> Figure:
    """An empty figure of so many inches; "compressed" is for axes that keep their proportions."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def _sentence(text: str) -> Figure:
    """A figure that says why there is nothing to see."""
    figure = empty_figure(5.0, 1.2)
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure


def plain(axes: Axes) -> None:
    """A faint grid behind the lines, and no frame above and to the right."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)


def as_percent(axes: Axes) -> None:
    """Write the shares on the vertical axis as percentages."""
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _count(value: float) -> str:
    """A count, or a sum of weights to three digits or more.

    >>> _count(1234.0), _count(1234.5), _count(0.25)
    ('1,234', '1,234', '0.25')
    """
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _short(name: str, most: int = 24) -> str:
    return literal(name if len(name) <= most else name[: most - 1] + "…")


def literal(name: str) -> str:
    r"""A name of the user's as it is: matplotlib reads what stands between two $ as mathematics.

    >>> literal("$10 to $20")
    '\\$10 to \\$20'
    """
    return name.replace("$", r"\$")
