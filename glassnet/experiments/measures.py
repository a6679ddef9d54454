"""What is read from trained cells: one number a repetition, and how it is put together.

    { of = "val_accuracy", at = "max", scale = 100 }           a measure: from one training
    { cell = { rate = 0.1 }, of = "val_accuracy", at = 32 }    a quantity: over the repetitions

Keys that are left out are those of the target's `measure`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field

from glassnet.registry import did_you_mean
from glassnet.runs.sections import Section

MOMENTS = ("final", "start", "max", "min", "epoch_of_max", "epoch_of_min")


def _moment(value: object) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if value in MOMENTS:
        return str(value)
    raise ValueError(
        f"expected {', '.join(MOMENTS)}, or the number of an epoch, from 1."
        f"{did_you_mean(str(value), MOMENTS)}"
    )


def label_of(value: Any) -> str:
    """What the point of an axis is called: numbers as short as they can be told apart.

    >>> label_of(0.1), label_of(1e-05), label_of([256, 128]), label_of({"name": "adam"})
    ('0.1', '1e-05', '256-128', 'adam')
    >>> label_of([]), label_of(True)
    ('none', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "-".join(label_of(item) for item in value) or "none"
    if isinstance(value, Mapping):
        rest = [f"{key}={label_of(item)}" for key, item in value.items() if key != "name"]
        return " ".join([str(value.get("name", "")), *rest]).strip()
    return str(value)


def _labels(value: object) -> object:
    return {k: label_of(v) for k, v in value.items()} if isinstance(value, Mapping) else value


CellLabels = Annotated[dict[str, str], BeforeValidator(_labels)]
"""Axes and the label of a point on each; numbers may be written as numbers."""


class Measure(Section):
    """A number from one training.

    Keys:
        of: a column of the history (`val_accuracy`, `loss`, `seconds`, what `[record]` adds);
            `precision`, `recall` or `f1` of a `class`; `diverged` (1 or 0); or the path of a number
            that was measured at the end, such as `test.accuracy` or `predict_seconds`.
        at: `final`, `start` (before training), `max`, `min`, their epochs, or an epoch from 1.
        class: an index or a name, where `of` is by class.
        scale: what the number is multiplied by; 100 for percent.
        decimals: how many are shown.
    """

    of: str = "val_accuracy"
    at: Annotated[int | str, BeforeValidator(_moment)] = "final"
    by_class: int | str | None = Field(default=None, alias="class")
    scale: float = 1.0
    decimals: Annotated[int, Field(ge=0, le=9)] = 4

    def given(self) -> dict[str, Any]:
        """The keys that were written down, under their names in the file."""
        return self.model_dump(by_alias=True, include=self.model_fields_set)

    def with_defaults(self, defaults: Measure | None) -> Self:
        """This, with the other's keys where this one was silent."""
        if defaults is None:
            return self
        allowed = {field.alias or name for name, field in type(self).model_fields.items()}
        others = {key: value for key, value in defaults.given().items() if key in allowed}
        return type(self)(**{**others, **self.given()})

    def show(self, value: float) -> str:
        """A value of this measure as text.

        >>> Measure(decimals=2).show(0.12345), Measure().show(float("nan"))
        ('0.12', '–')
        """
        return "–" if value != value else f"{value:.{self.decimals}f}"


class Quantity(Measure):
    """A measure of one cell over its repetitions.

    Keys besides those of a measure:
        cell: which point on each axis. An axis that is left out makes several cells; `across` says
            which of those counts.
        across: `max` or `min`: of several cells, the one with the largest or smallest mean.
        over: what the repetitions come to: their `mean`, `max` or `min`, or `each` must hold.
        experiment: of another experiment of the same paper; by default the target's own.
        title: what to call it.
    """

    cell: CellLabels = {}
    across: Literal["max", "min"] | None = None
    over: Literal["mean", "max", "min", "each"] = "mean"
    experiment: str | None = None
    title: str = ""

    def describe(self) -> str:
        """What to call this quantity in a sentence.

        >>> Quantity(cell={"rate": 0.1}, at="max").describe()
        'rate 0.1'
        """
        where = ", ".join(f"{axis} {label}" for axis, label in self.cell.items())
        named = f"{self.experiment}: {where}" if self.experiment and where else where
        return self.title or named or self.experiment or self.of
