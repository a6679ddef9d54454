"""What khadka2023 shows besides curves: its system diagram, softmax, and a look at the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassnet.accelerate import Array
from glassnet.experiments.drawing import COLOURS, Canvas, finish, own_figure
from glassnet.layers import Softmax
from glassnet.network import Network
from glassnet.plots import empty_figure, image_grid, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

STEPS = (
    "collect data",
    "analyze data",
    "train-test split",
    "choose the number\nof layers",
    "choose the number\nof neurons",
    "choose activation\nfunctions",
    "choose an initializer",
    "initialize parameters",
    "forward pass",
    "backward pass",
    "update parameters",
    "make predictions",
    "evaluate performance",
)
"""The boxes of the paper's Figure 1, in its order."""

A_ROW = 5
FIRST_REPEATED, LAST_REPEATED = 8, 10

OUTLIERS = 18
"""How many of the unusual images are shown."""


@own_figure("system-diagram")
def system_diagram(canvas: Canvas) -> Figure:
    """Figure 1: from data to evaluation, row by row and back; gradient descent is the loop."""
    figure = empty_figure(9.6, 3.4)
    axes = figure.subplots()
    boxes = [_box(axes, number, text) for number, text in enumerate(STEPS)]
    for number in range(len(STEPS) - 1):
        _arrow(axes, boxes[number], boxes[number + 1], color="black")
    _arrow(axes, boxes[LAST_REPEATED], boxes[FIRST_REPEATED], color=COLOURS[0], ls="--")
    axes.text(0.75, -1.6, "gradient descent:\nrepeat", fontsize=9, color=COLOURS[0])
    axes.set(xlim=(-0.5, 4.5), ylim=(-2.3, 0.3))
    axes.axis("off")
    return figure


def _box(axes: Axes, number: int, text: str) -> Text:
    """A step in its place: every other row runs from right to left."""
    row, column = divmod(number, A_ROW)
    repeated = FIRST_REPEATED <= number <= LAST_REPEATED
    look = {"boxstyle": "round,pad=0.5", "fc": "#dcebf5" if repeated else "white"}
    x = A_ROW - 1 - column if row % 2 else column
    return axes.text(x, -row, text, ha="center", va="center", fontsize=9, bbox=look)


def _arrow(axes: Axes, here: Text, there: Text, **look: str) -> None:
    """From the edge of one box to that of another; drawn after the boxes, whose size it needs."""
    ends = {"patchA": here.get_bbox_patch(), "patchB": there.get_bbox_patch()}
    arrow = {"arrowstyle": "-|>", "shrinkA": 1, "shrinkB": 1, **ends, **look}
    axes.annotate("", there.get_position(), here.get_position(), arrowprops=arrow, zorder=4)


@own_figure("softmax")
def softmax(canvas: Canvas) -> Figure:
    """Figure 8: softmax of ten scores, nine of them 0; and both halves of its derivative."""
    z = np.linspace(-6, 10, 321)
    scores = np.zeros((len(z), 10))
    scores[:, 0] = z
    network = Network([Softmax()], (10,), dtype="float64")
    p = network.forward(scores).copy()
    figure = empty_figure(9.6, 3.6)
    left, right = figure.subplots(1, 2)
    left.plot(z, p[:, 0], color=COLOURS[0], label="p₁, the score that changes")
    left.plot(z, p[:, 1], "--", color=COLOURS[1], label="p₂ = … = p₁₀, nine scores of 0")
    finish(left, "z₁", "probability")
    right.plot(z, p[:, 0] * (1 - p[:, 0]), color=COLOURS[0], label="∂p₁/∂z₁ = p₁ (1 − p₁)")
    right.plot(z, -p[:, 0] * p[:, 1], "--", color=COLOURS[1], label="∂p₂/∂z₁ = −p₁ p₂")
    finish(right, "z₁", "derivative")
    return figure


@own_figure("distribution")
def distribution(canvas: Canvas) -> Figure:
    """How many images each digit has, and which values pixels take."""
    part = canvas.rows().dataset.train
    figure = empty_figure(9.6, 3.6)
    left, right = figure.subplots(1, 2)
    counts = np.bincount(part.y)
    left.bar(range(len(counts)), counts, color=COLOURS[0])
    left.set(xlabel="digit", ylabel="images", xticks=range(len(counts)))
    plain(left)
    values = np.bincount(part.x.ravel(), minlength=256)
    right.bar(range(256), values / values.sum(), width=1.0, color=COLOURS[0])
    right.set(xlabel="pixel value", ylabel="share of the pixels", yscale="log")
    plain(right)
    return figure


@own_figure("outliers")
def outliers(canvas: Canvas) -> Figure:
    """The images that lie farthest from the mean of their digit, in its standard deviations."""
    dataset = canvas.rows().dataset
    x, y = dataset.train.x, dataset.train.y
    far = unusual(x, y)
    rows = np.argsort(-far)[:OUTLIERS]
    titles = [f"{dataset.classes[y[row]]}: {far[row]:.1f} σ" for row in rows]
    return image_grid(x[rows].reshape(-1, 28, 28), titles)


def unusual(x: Array, y: Array) -> Array:
    """How many standard deviations a row is farther than usual from the mean of its class, (n,).

    >>> x, y = np.array([[0.0], [0.0], [0.0], [0.0], [9.0]]), np.zeros(5, int)
    >>> unusual(x, y).argmax()
    np.int64(4)
    """
    far = np.empty(len(x))
    for k in np.unique(y):
        own = x[y == k].astype(np.float32)
        distance = np.linalg.norm(own - own.mean(axis=0), axis=1)
        far[y == k] = (distance - distance.mean()) / distance.std()
    return far
