"""A picture of a data set: class counts beside sample images, or beside the features' spread."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.dataset import Array, Dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

BLUE, GREY = "#0072B2", "#8C8C8C"  # blue of Okabe and Ito
MOST_CLASSES = 20
MOST_FEATURES = 30
IMAGES_A_CLASS = 10


def draw(dataset: Dataset) -> Figure:
    """Draw class counts (or the targets' spread) and a look at the rows.

    Arguments:
        dataset: any data set.

    Returns:
        A matplotlib figure: images show ten rows a class; tables a box plot for each number column,
        standardised (0 is the mean, 1 a standard deviation), with outliers as dots.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, _height(dataset)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{dataset.name} ({dataset.task})", fontweight="bold")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.6))[0]
    if dataset.task == "classification":
        _class_counts(left.subplots(), dataset)
    else:
        _target_histograms(left, dataset)
    if _is_image(dataset):
        _sample_images(right, dataset)
    else:
        _feature_boxes(right.subplots(), dataset)
    return figure


def save(dataset: Dataset, path: Path, force: bool = False) -> None:
    """Draw a data set into a file (.png, .svg or .pdf).

    Raises:
        ValueError: if the file exists and `force` is not given, for another ending, or if it can't
            be written.
    """
    from glassnet.files import write_atomically

    kinds = (".png", ".svg", ".pdf")
    if path.suffix.lower() not in kinds:
        raise ValueError(f"The figure's name is {path}, expected an ending {', '.join(kinds)}.")
    if path.exists() and not force:
        raise ValueError(f"{path} exists: give another name, or --force to replace it.")
    picture = io.BytesIO()
    draw(dataset).savefig(picture, format=path.suffix[1:].lower(), dpi=120)
    write_atomically(path, picture.getvalue(), overwrite=True)


def _height(dataset: Dataset) -> float:
    bars = min(len(dataset.classes), MOST_CLASSES)
    boxes = 0 if _is_image(dataset) else min(len(dataset.feature_names), MOST_FEATURES)
    return max(3.6, 0.42 * bars + 1.6, 0.28 * boxes + 1.6)


def _is_image(dataset: Dataset) -> bool:
    """Rows of shape (height, width), or (1 or 3 channels, height, width)."""
    shape = dataset.input_shape
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))


def _class_counts(axes: Axes, dataset: Dataset) -> None:
    counts = np.bincount(dataset.train.y, minlength=len(dataset.classes))
    order = np.argsort(-counts, kind="stable")[:MOST_CLASSES]
    shown = np.sort(order)[::-1]  # the first class on top
    axes.barh([dataset.classes[i] for i in shown], counts[shown], color=BLUE, height=0.7)
    for place, i in enumerate(shown):
        axes.annotate(
            f"{counts[i]:,}",
            (counts[i], place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.margins(x=0.15)
    more = len(counts) - len(shown)
    axes.set_title("Training rows a class" + (f" ({more} more classes)" if more else ""))
    axes.set_xlabel("rows")
    axes.spines[["top", "right"]].set_visible(False)


def _target_histograms(figure: SubFigure, dataset: Dataset) -> None:
    columns = dataset.train.y.reshape(len(dataset.train), -1).T[:4]
    grid = figure.subplots(len(columns), 1, squeeze=False)[:, 0]
    for j, (axes, column) in enumerate(zip(grid, columns, strict=True)):
        axes.hist(column, bins=30, color=BLUE, edgecolor="white", linewidth=0.5)
        axes.set_xlabel(dataset.target[j] if j < len(dataset.target) else f"target {j + 1}")
        axes.set_ylabel("rows")
        axes.spines[["top", "right"]].set_visible(False)
    grid[0].set_title("Target")


def _sample_images(figure: SubFigure, dataset: Dataset) -> None:
    """The first rows of each class, a line a class."""
    labels = range(min(len(dataset.classes), MOST_CLASSES)) if dataset.classes else (None,)
    grid = figure.subplots(len(labels), IMAGES_A_CLASS, squeeze=False)
    low, high = float(np.nanmin(dataset.train.x)), float(np.nanmax(dataset.train.x))
    for line, label in zip(grid, labels, strict=True):
        chosen = np.arange(len(dataset.train)) if label is None else _rows_of(dataset, label)
        for axes in line:
            axes.axis("off")
        for axes, row in zip(line, chosen, strict=False):
            image = _as_picture(dataset.train.x[row], low, high)
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        if label is not None:
            line[0].text(
                -0.15,
                0.5,
                dataset.classes[label],
                transform=line[0].transAxes,
                ha="right",
                va="center",
                fontsize=9,
            )
    figure.suptitle("First training rows", fontsize="large")


def _rows_of(dataset: Dataset, label: int) -> Array:
    return np.flatnonzero(dataset.train.y == label)[:IMAGES_A_CLASS]


def _as_picture(image: Array, low: float, high: float) -> Array:
    """Values from 0 to 1, channels last, a single channel dropped."""
    scaled: Array = (image - low) / ((high - low) or 1.0)
    if scaled.ndim == 2:
        return scaled
    return scaled[0] if len(scaled) == 1 else scaled.transpose(1, 2, 0)


def _feature_boxes(axes: Axes, dataset: Dataset) -> None:
    x = dataset.train.x.reshape(len(dataset.train), -1)
    names = dataset.feature_names or tuple(f"column {j + 1}" for j in range(x.shape[1]))
    numeric = [j for j, name in enumerate(names) if name not in dataset.categories]
    shown = numeric[:MOST_FEATURES][::-1]  # the first feature on top
    columns = [_standardised(x[:, j]) for j in shown]
    style: dict[str, Any] = {"color": BLUE}
    if columns:
        axes.boxplot(
            columns,
            orientation="horizontal",
            tick_labels=[_short(names[j]) for j in shown],
            widths=0.6,
            patch_artist=True,
            boxprops={"facecolor": "#BFD9EA", **style},
            medianprops={"color": "black"},
            whiskerprops=style,
            capprops=style,
            flierprops={"marker": ".", "markersize": 3, "markeredgecolor": GREY},
        )
    more = len(names) - len(shown)
    title = "Features, standardised" + (f" ({more} more not shown)" if more else "")
    axes.set_title(title if columns else "No number columns: all features are text")
    axes.set_xlabel("standard deviations from the mean")
    axes.spines[["top", "right"]].set_visible(False)


def _standardised(column: Array) -> Array:
    known = column[~np.isnan(column)].astype(np.float64)
    if not len(known):
        return known
    scaled: Array = (known - known.mean()) / (known.std() or 1.0)
    return scaled


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
