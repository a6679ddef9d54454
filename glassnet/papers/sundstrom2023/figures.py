"""What a network learns in the epochs in which its accuracy jumps: recall by class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from glassnet.experiments.drawing import COLOURS, Canvas, finish, own_figure
from glassnet.experiments.results import column
from glassnet.papers.sundstrom2023.checks import largest_jump, recalls
from glassnet.plots import empty_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def recall_by_class(canvas: Canvas, cell: Mapping[str, str], from_epoch: int) -> Figure:
    """Recall of each class in the repetition with the largest jump; the class that makes it."""
    record = max(canvas.records(cell), key=lambda record: largest_jump(record, from_epoch).gain)
    jump, accuracy = largest_jump(record, from_epoch), column(record, "val_accuracy")
    epochs = np.arange(1, len(accuracy) + 1)
    figure = empty_figure(6.4, 3.8)
    axes = figure.subplots()
    for name, curve in recalls(record).items():
        if name != jump.name:
            axes.plot(epochs, curve, color="#BBBBBB", lw=1)
    axes.plot([], [], color="#BBBBBB", lw=1, label="each other class")
    own = recalls(record)[jump.name]
    axes.plot(epochs, own, "--s", color=COLOURS[1], ms=4, label=f"class {jump.name}")
    axes.plot(epochs, accuracy, "-o", color=COLOURS[0], ms=4, label="all: accuracy")
    axes.axvspan(jump.epoch - 1, jump.epoch, color=COLOURS[6], alpha=0.25, lw=0)
    finish(axes, "epoch", "recall of test images")
    return figure


for _name, _cell, _from_epoch in (
    ("recall-at-rate-0.01", {"rate": "0.01"}, 10),
    ("recall-at-batch-50", {"batch": "50"}, 5),
    ("recall-at-momentum-0.8", {"momentum": "0.8"}, 1),
):
    own_figure(_name)(partial(recall_by_class, cell=_cell, from_epoch=_from_epoch))
