"""The closed list of figures, drawn from trained cells.

    [[targets.figures]]
    draw = "curves"
    of = ["val_accuracy"]
    lines = "rate"

Every figure has axes with units, a legend where there is more than one line, and a caption. Lines
differ in colour, dashes and markers, so that they can be told apart in grey and by the
colour-blind. Bands are ± one standard deviation over the repetitions.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field

from glassnet import plots
from glassnet.accelerate import Array
from glassnet.experiments.measures import CellLabels, Measure, Quantity, label_of
from glassnet.experiments.results import Record, Results, column, measured
from glassnet.plots import as_percent, empty_figure, plain
from glassnet.registry import did_you_mean
from glassnet.runs.sections import Section, Whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glassnet.experiments.rows import Rows

DRAWINGS: dict[str, type[Drawing]] = {}
"""All figures by name."""

OWN: dict[str, Callable[[Canvas], Figure]] = {}
"""Figures that a paper's own module draws, by name; see `own_figure`."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#000000", "#CC79A7", "#56B4E9", "#E69F00", "#777777")
DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)), (0, (8, 2)))
MARKERS = "osD^vPX*"

WIDEST_TICK = 14
"""Characters of a label in a line below a bar."""
SHORT_NAME = 4
"""Up to so many characters of a class's name, what is said and what is true stand in one line."""

LABELS = {
    "loss": "loss",
    "accuracy": "accuracy",
    "seconds": "seconds an epoch",
    "dead_units": "share of dead units",
    "classes_predicted": "classes predicted",
}


@dataclass
class Canvas:
    """What a figure is drawn from.

    Attributes:
        results: of the experiment.
        rows: of the experiment's first cell, loaded when asked for.
        twins: by cell (its labels), what other frameworks made of it: name → history.
    """

    results: Results
    rows: Callable[[], Rows]
    twins: Mapping[tuple[tuple[str, str], ...], Mapping[str, Any]] = field(default_factory=dict)

    def records(self, cell: Mapping[str, str]) -> list[Record]:
        """The repetitions of one cell."""
        return self.results.repetitions(self.results.only_cell(cell))

    def record(self, cell: Mapping[str, str], repetition: int) -> Record:
        """One repetition of one cell, from 0.

        Raises:
            ValueError: if there are not so many.
        """
        records = self.records(cell)
        if repetition >= len(records):
            raise ValueError(
                f"There is no repetition {repetition}: there are {len(records)}, from 0."
            )
        return records[repetition]


def own_figure(
    name: str,
) -> Callable[[Callable[[Canvas], Figure]], Callable[[Canvas], Figure]]:
    """Decorator for a paper's module: a figure that `draw = "own"` finds by this name."""

    def register(draw: Callable[[Canvas], Figure]) -> Callable[[Canvas], Figure]:
        OWN[name] = draw
        return draw

    return register


class Drawing(Section):
    """Base of all figures.

    Keys:
        title: above the figure.
        caption: below it, a sentence or two.
        where: of the paper's figure.
        experiment: whose cells are drawn; by default the target's own.
    """

    name: ClassVar[str] = ""
    title: str = ""
    caption: str = ""
    where: str = ""
    experiment: str | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        DRAWINGS[cls.name] = cls

    def draw(self, canvas: Canvas) -> Figure:
        """The figure."""
        raise NotImplementedError(f"{self.name} does not draw")

    def experiments(self) -> set[str]:
        """Other experiments of the paper whose cells it needs."""
        return set() if self.experiment is None else {self.experiment}


def axis_label(results: Results, of: str) -> str:
    """What a column is called beside an axis, with what `val_` stands for here."""
    data = results.experiment.setup.get("data", {})
    splits = [split.get("part") for split in data.get("splits", [])]
    watched = data.get("watch") or ("validation" if "validation" in splits else "test")
    for prefix, part in (("val_", watched), ("train_", "training"), ("test_", "test")):
        if of.startswith(prefix):
            return f"{part} {LABELS.get(of.removeprefix(prefix), of.removeprefix(prefix))}"
    if of in ("loss", "accuracy"):
        return f"training {of} (during the epoch)"
    return LABELS.get(of, of.replace("_", " "))


def measure_label(results: Results, measure: Measure) -> str:
    """What a measure is called beside an axis, in percent if it is given so."""
    return axis_label(results, measure.of) + ", %" * (measure.scale == 100)


def style(number: int) -> dict[str, Any]:
    """Colour, dashes and marker of the n-th line; after eight, other dashes for each colour."""
    again = number + number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": DASHES[again % len(DASHES)],
        "marker": MARKERS[again % len(MARKERS)],
        "markersize": 4,
    }


def draw_line(axes: Axes, curves: Sequence[Array], label: str, number: int, first: int = 1) -> None:
    """The mean of some curves over their common length, with a band of one standard deviation."""
    length = max(map(len, curves))
    padded = np.full((len(curves), length), np.nan)
    for row, curve in zip(padded, curves, strict=True):
        row[: len(curve)] = curve
    known = np.isfinite(padded).all(axis=0)  # where every repetition still trains
    x, padded = np.arange(first, first + length)[known], padded[:, known]
    if not len(x):
        return
    mean = padded.mean(axis=0)
    axes.plot(x, mean, label=label, markevery=max(1, len(x) // 9), **style(number))
    if len(curves) > 1:
        spread = padded.std(axis=0, ddof=1)
        axes.fill_between(
            x, mean - spread, mean + spread, alpha=0.15, color=COLOURS[number % 8], lw=0
        )


def finish(axes: Axes, x: str, y: str, legend: bool = True, title: str = "") -> None:
    """Labels, grid and legend."""
    from matplotlib.ticker import MaxNLocator

    axes.set(xlabel=x, ylabel=y, title=title)
    if axes.get_xscale() == "linear":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if "accuracy" in y or "share" in y or "recall" in y:
        as_percent(axes)
    lines = len(axes.get_legend_handles_labels()[0])
    if legend and lines > len(COLOURS):  # so many would hide the curves
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    elif legend and lines:
        axes.legend(frameon=False, fontsize=8)
    plain(axes)


def draw_each(axes: Axes, curves: Sequence[Array], label: str, number: int) -> None:
    """Every curve by itself, the first as the others' name."""
    draw_line(axes, curves[:1], label, number)
    for curve in curves[1:]:
        epochs = np.arange(1, 1 + len(curve))
        axes.plot(epochs, curve, color=COLOURS[number % len(COLOURS)], lw=0.8, alpha=0.6)


class Mark(Section):
    """A number of the paper's figure: a ring, in the colour of the `line` that it belongs to."""

    x: float
    y: float
    label: str = "paper"
    line: Annotated[str | None, BeforeValidator(label_of)] = None


class Curves(Drawing):
    """Columns of the history by epoch: a panel a column, a line a point of an axis.

    Keys: `of`, the columns; `lines`, the axis (or none); `cell`, the points of the others; `each`,
    a line for every repetition instead of their mean; `marks`, published numbers, in the first
    panel; `limits`, the range of the vertical axis; `log`, a logarithmic one.
    """

    name = "curves"
    of: list[str] = ["val_accuracy"]
    lines: str | None = None
    cell: CellLabels = {}
    each: bool = False
    marks: list[Mark] = []
    limits: tuple[float, float] | None = None
    log: bool = False

    def draw(self, canvas: Canvas) -> Figure:
        figure = empty_figure(5.4 * len(self.of) + 0.4, 3.8)
        panels, lines = figure.subplots(1, len(self.of), squeeze=False)[0], self._lines(canvas)
        draw = draw_each if self.each else draw_line
        for axes, of in zip(panels, self.of, strict=True):
            if not canvas.results.quick:
                _check_column(of, [record for _, records in lines.values() for record in records])
            for number, (label, records) in enumerate(lines.values()):
                draw(axes, [column(record, of) for record in records], label, number)
            if self.limits is not None:
                axes.set_ylim(*self.limits)
            if self.log:
                axes.set_yscale("log")
        numbers = {label: number for number, label in enumerate(lines)}
        for mark in self.marks:
            known = mark.line in numbers
            colour = COLOURS[numbers[str(mark.line)] % len(COLOURS)] if known else "black"
            panels[0].plot(mark.x, mark.y, "o", ms=11, mfc="none", mec=colour, label=mark.label)
        for axes, of in zip(panels, self.of, strict=True):
            finish(axes, "epoch", axis_label(canvas.results, of))
        return figure

    def _lines(self, canvas: Canvas) -> dict[str, tuple[str, list[Record]]]:
        """By the label of the axis's point: what to call the line, and its repetitions."""
        if self.lines is None:
            return {"": ("", canvas.records(self.cell))}
        axis = canvas.results.experiment.axis(self.lines)
        name = axis.title or self.lines
        cells = {p.label: {**self.cell, self.lines: p.label} for p in axis.points_list()}
        return {
            label: (f"{name} {label}", canvas.records(cell))
            for label, cell in cells.items()
            if canvas.results.cells(cell)
        }


def _check_column(of: str, records: Sequence[Record]) -> None:
    """Refuse a column that no epoch of any training has."""
    known = {name for record in records for epoch in record["history"] for name in epoch}
    if known and of not in known:
        raise ValueError(
            f"Nothing called {of!r} was recorded.{did_you_mean(of, known)} "
            f"The history has {', '.join(sorted(known))}; [record] adds to it."
        )


class Training(Drawing):
    """Training and validation by epoch for one cell, beside its twins in other frameworks.

    Keys: `cell`; `panels`, each a list of columns.
    """

    name = "training"
    cell: CellLabels = {}
    panels: list[list[str]] = [["accuracy", "val_accuracy"], ["loss", "val_loss"]]

    def draw(self, canvas: Canvas) -> Figure:
        cell = canvas.results.only_cell(self.cell)
        twins = canvas.twins.get(tuple(cell.items()), {})
        records = canvas.results.repetitions(cell)
        if twins:  # which are those of the first repetition: like is drawn beside like
            records = records[:1]
        figure = empty_figure(5.4 * len(self.panels) + 0.4, 3.8)
        row = figure.subplots(1, len(self.panels), squeeze=False)[0]
        for axes, columns in zip(row, self.panels, strict=True):
            for number, of in enumerate(columns):
                label = axis_label(canvas.results, of)
                ours = f"{label}, glassnet" if twins else label
                draw_line(axes, [column(record, of) for record in records], ours, number)
                for k, (name, twin) in enumerate(twins.items()):
                    known = [epoch[of] for epoch in twin["history"] if of in epoch]
                    if known:
                        look = len(columns) * (k + 1) + number
                        draw_line(axes, [np.array(known)], f"{label}, {name}", look)
            if columns[0] == "loss":
                _spread_out(axes)
            finish(axes, "epoch", LABELS.get(columns[0], columns[0].replace("_", " ")))
        return figure


def _spread_out(axes: Axes) -> None:
    """A logarithmic axis where a loss falls so far that its first epochs would hide the others."""
    values = np.concatenate([[], *(np.asarray(line.get_ydata()) for line in axes.lines)])
    if len(values) and values.min() > 0 and values.max() > 20 * values.min():
        axes.set_yscale("log")


class Heatmap(Drawing):
    """A measure over two axes, mean over the repetitions written into each place."""

    name = "heatmap"
    rows: str
    columns: str
    cell: CellLabels = {}
    measure: Measure = Measure()

    def draw(self, canvas: Canvas) -> Figure:
        results = canvas.results
        rows, columns = results.experiment.axis(self.rows), results.experiment.axis(self.columns)
        r, c = rows.points_list(), columns.points_list()
        asked = self.measure.with_defaults(results.defaults)
        grid = np.full((len(r), len(c)), np.nan)
        for i, row in enumerate(r):
            for j, col in enumerate(c):
                cell = {**self.cell, self.rows: row.label, self.columns: col.label}
                if results.cells(cell):
                    grid[i, j] = results.sample(Quantity(**{**asked.given(), "cell": cell})).mean
        titles = rows.title or self.rows, columns.title or self.columns
        labels = [point.label for point in r], [point.label for point in c]
        name = measure_label(results, asked)
        return heatmap(grid, labels, titles, f"{asked.at} {name}", asked.decimals)


def heatmap(
    grid: Array,
    labels: tuple[Sequence[str], Sequence[str]],
    titles: tuple[str, str],
    measure: str,
    decimals: int = 3,
) -> Figure:
    """A heat map with its numbers, dark for small values; rows and columns by label."""
    tall, wide = grid.shape
    figure = empty_figure(max(3.2, 0.85 * wide) + 2.4, max(2.0, 0.5 * tall) + 1.2)
    axes = figure.subplots()
    image = axes.imshow(grid, cmap="cividis", aspect="auto", interpolation="nearest")
    figure.colorbar(image, ax=axes, label=measure, pad=0.03)
    axes.set_xticks(range(wide), labels[1])
    axes.set_yticks(range(tall), labels[0])
    axes.set(xlabel=titles[1], ylabel=titles[0])
    middle = np.nanmean([np.nanmin(grid), np.nanmax(grid)]) if np.isfinite(grid).any() else 0
    for (i, j), value in np.ndenumerate(grid):
        text = "–" if np.isnan(value) else f"{value:.{decimals}f}"
        colour = "black" if value > middle else "white"
        axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=9)
    return figure


class Bars(Drawing):
    """A measure along an axis, with a bar of one standard deviation and a dot a repetition."""

    name = "bars"
    along: str
    groups: str | None = None
    cell: CellLabels = {}
    measure: Measure = Measure()

    def draw(self, canvas: Canvas) -> Figure:
        results = canvas.results
        axis = results.experiment.axis(self.along)
        points = axis.points_list()
        groups = [""] if self.groups is None else self._group_labels(results)
        figure = empty_figure(max(4.6, 0.9 * len(points) * len(groups) ** 0.5) + 1.0, 3.8)
        axes = figure.subplots()
        asked = self.measure.with_defaults(results.defaults)
        for g, group in enumerate(groups):
            within = {**self.cell, **({self.groups: group} if self.groups else {})}
            self._draw_group(axes, results, [p.label for p in points], within, g, len(groups))
        labels = [textwrap.fill(point.label, WIDEST_TICK) for point in points]
        axes.set_xticks(range(len(points)), labels)
        name = measure_label(results, asked)
        at = "" if asked.at == "final" else f", {str(asked.at).replace('_', ' ')}"
        axes.set(xlabel=axis.title or self.along, ylabel=f"{name}{at}")
        if self.groups:
            axes.legend(frameon=False, fontsize=8)
        plain(axes)
        return figure

    def _group_labels(self, results: Results) -> list[str]:
        axis = results.experiment.axis(str(self.groups))
        return [p.label for p in axis.points_list() if results.cells({str(self.groups): p.label})]

    def _draw_group(
        self,
        axes: Axes,
        results: Results,
        labels: Sequence[str],
        within: Mapping[str, str],
        g: int,
        groups: int,
    ) -> None:
        asked = self.measure.with_defaults(results.defaults)
        shift = (g - (groups - 1) / 2) * 0.7 / groups
        title = f"{self.groups} {within[self.groups]}" if self.groups else None
        for x, label in enumerate(labels):
            cell = {**within, self.along: label}
            if not results.cells(cell):
                continue
            sample = results.sample(Quantity(**{**asked.given(), "cell": cell}))
            look = style(g)
            axes.errorbar(
                x + shift,
                sample.mean,
                yerr=sample.spread,
                fmt=look["marker"],
                color=look["color"],
                capsize=4,
                label=title,
            )
            dots = np.full(len(sample.values), x + shift + 0.06)
            axes.plot(dots, sample.values, ".", color=look["color"], alpha=0.5, ms=4)
            title = None


class ConfusionMatrix(Drawing):
    """The confusion matrix of one repetition; needs `record.scores`."""

    name = "confusion_matrix"
    cell: CellLabels = {}
    repetition: Annotated[int, Field(ge=0)] = 0

    def draw(self, canvas: Canvas) -> Figure:
        scores = measured(canvas.record(self.cell, self.repetition), "scores")
        if "confusion_matrix" not in scores:
            raise ValueError("A confusion matrix is of classes, and the targets are numbers.")
        return plots.confusion_matrix(scores["confusion_matrix"], scores["classes"])


class Gallery(Drawing):
    """Images that a network answered; needs `record.mistakes` or `record.predictions`.

    Keys: `cell`, `repetition`; `mistakes`, false for the first rows, right or wrong.
    """

    name = "gallery"
    cell: CellLabels = {}
    repetition: Annotated[int, Field(ge=0)] = 0
    mistakes: bool = True

    def draw(self, canvas: Canvas) -> Figure:
        which = "mistakes" if self.mistakes else "predictions"
        answers = measured(canvas.record(self.cell, self.repetition), which)
        rows = canvas.rows()
        images = rows.watched.x[[answer["row"] for answer in answers]]
        said = [int(np.argmax(answer["probabilities"])) for answer in answers]
        names = rows.dataset.classes
        between = "\n" if max(map(len, names)) > SHORT_NAME else " "
        titles = [
            names[s] if s == answer["is"] else f"{names[s]}{between}(is {names[answer['is']]})"
            for s, answer in zip(said, answers, strict=True)
        ]
        wrong = [s != answer["is"] for s, answer in zip(said, answers, strict=True)]
        return _images(images, titles, wrong)


class Samples(Drawing):
    """Images of the training part, the first of them or some of each class."""

    name = "samples"
    count: Whole = 36
    each_class: bool = False

    def draw(self, canvas: Canvas) -> Figure:
        dataset = canvas.rows().dataset
        y = dataset.train.y
        chosen = np.arange(min(self.count, len(y)))
        if self.each_class:
            per_class = max(1, self.count // len(dataset.classes))
            chosen = np.concatenate(
                [np.flatnonzero(y == k)[:per_class] for k in range(len(dataset.classes))]
            )
        titles = [dataset.classes[k] for k in y[chosen]]
        return _images(dataset.train.x[chosen], titles)


def _images(rows: Array, titles: Sequence[str], marked: Sequence[bool] = ()) -> Figure:
    if len(rows) and rows.ndim < 3:
        raise ValueError(f"There are no images to show: a row has the shape {rows.shape[1:]}.")
    return plots.image_grid(rows, titles, marked)


class Steps(Drawing):
    """Losses after single steps, a line a point of an axis; needs `record.steps`."""

    name = "steps"
    lines: str
    cell: CellLabels = {}
    repetition: Annotated[int, Field(ge=0)] = 0

    def draw(self, canvas: Canvas) -> Figure:
        figure = empty_figure(6.0, 3.8)
        axes = figure.subplots()
        axis = canvas.results.experiment.axis(self.lines)
        for number, point in enumerate(axis.points_list()):
            cell = {**self.cell, self.lines: point.label}
            if canvas.results.cells(cell):
                losses = measured(canvas.record(cell, self.repetition), "steps")
                draw_line(axes, [np.array(losses)], f"{axis.title} {point.label}", number, 0)
        finish(axes, "step", "loss")
        return figure


class ByLayer(Drawing):
    """Sizes of gradients layer by layer, a line a point of an axis; needs `gradient_norms`."""

    name = "by_layer"
    lines: str
    cell: CellLabels = {}
    at: str | int = "start"

    def draw(self, canvas: Canvas) -> Figure:
        figure = empty_figure(6.0, 3.8)
        axes = figure.subplots()
        axis = canvas.results.experiment.axis(self.lines)
        for number, point in enumerate(axis.points_list()):
            cell = {**self.cell, self.lines: point.label}
            if canvas.results.cells(cell):
                norms = [self._norms(record) for record in canvas.records(cell)]
                draw_line(axes, norms, f"{axis.title} {point.label}", number)
        axes.set_yscale("log")
        moments = {"start": "before training", "final": "after the last epoch"}
        when = moments.get(str(self.at), f"after epoch {self.at}")
        finish(axes, "layer, from the input", f"size of its weights' gradient, {when}")
        return figure

    def _norms(self, record: Record) -> Array:
        if self.at == "start":
            columns = record["measured"]["start"]
        else:
            columns = record["history"][-1 if self.at == "final" else int(self.at) - 1]
        prefix = "gradient_norm."
        norms = {int(k.removeprefix(prefix)): v for k, v in columns.items() if k.startswith(prefix)}
        return np.array([norms[layer] for layer in sorted(norms)])


class Functions(Drawing):
    """Activation functions and their derivatives, as the layers compute them."""

    name = "functions"
    of: list[str] = ["relu", "sigmoid", "tanh"]
    derivative: bool = True
    span: float = 6.0

    def draw(self, canvas: Canvas) -> Figure:
        from glassnet.layers import LAYERS
        from glassnet.network import Network
        from glassnet.runs.config import ACTIVATIONS

        x = np.linspace(-self.span, self.span, 601)[:, None]
        figure = empty_figure(3.6 * len(self.of) + 0.4, 3.2)
        for axes, name in zip(
            figure.subplots(1, len(self.of), squeeze=False)[0], self.of, strict=True
        ):
            network = Network([LAYERS.create(ACTIVATIONS.get(name, name))], (1,), dtype="float64")
            axes.plot(x, network.forward(x), label=f"{name}(z)", color=COLOURS[0])
            if self.derivative:
                slope = network.backward(np.ones_like(x))
                axes.plot(x, slope, "--", label="its derivative", color=COLOURS[1])
            finish(axes, "z", "value", title=name)
        return figure


class Own(Drawing):
    """A figure of the paper's own module, by the name that it has there."""

    name = "own"
    figure: str

    def draw(self, canvas: Canvas) -> Figure:
        if self.figure not in OWN:
            raise ValueError(
                f"There is no figure of one's own called {self.figure!r}; known: "
                f"{', '.join(OWN) or 'none'}."
            )
        return OWN[self.figure](canvas)
