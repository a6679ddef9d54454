"""The one figure of nasuti2023 that no drawing of the framework makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassnet.experiments.drawing import COLOURS, Canvas, finish, own_figure
from glassnet.plots import empty_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@own_figure("adam-correction")
def adam_correction(canvas: Canvas) -> Figure:
    """What Adam's correction multiplies the first steps by, with t in steps and in epochs."""
    steps = np.arange(1, 145)
    figure = empty_figure(6.2, 3.8)
    axes = figure.subplots()
    counted = (("in steps", steps, "-"), ("in epochs of 36 steps", (steps - 1) // 36 + 1, "--"))
    for number, (name, t, dashes) in enumerate(counted):
        factor = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        axes.plot(steps, factor, dashes, color=COLOURS[number], label=f"t counted {name}")
    finish(axes, "step", "√(1 − β2ᵗ) / (1 − β1ᵗ)")
    return figure
