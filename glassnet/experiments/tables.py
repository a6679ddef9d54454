"""A published table beside its reproduction.

    [targets.table]
    rows = "rate"                                    # an axis: a row a point
    columns = [                                      # or measures: a column each
        { label = "100 epochs", at = 100 },
        { label = "200 epochs", at = 200 },
    ]
    values = [[90.2, 90.2], [{ printed = "899.1", value = 99.1 }, 99.21]]

Every entry is a quantity: the target's measure, with the keys of its row and its column. A
published entry is a number, a number with how it was printed, or text (nothing to compare).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from glassnet.experiments.checks import Check, Outcome, Point
from glassnet.experiments.measures import Quantity, label_of
from glassnet.experiments.results import Results, Sample
from glassnet.runs.sections import NotNegative, Section

if TYPE_CHECKING:
    from glassnet.experiments.specification import Experiment


def _entry(value: object) -> object:
    if isinstance(value, Mapping):
        if set(value) != {"printed", "value"} or not isinstance(value["value"], int | float):
            raise ValueError('expected { printed = "as it stands there", value = 1.0 }')
        return dict(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("expected a number, text, or a table with printed and value")
    return value


def _side(value: object) -> object:
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, Mapping) or "label" not in item:
                raise ValueError("expected the name of an axis, or tables with a label each")
            Quantity(**{key: rest for key, rest in item.items() if key != "label"})
    elif not isinstance(value, str):
        raise ValueError("expected the name of an axis, or tables with a label each")
    return value


Side = Annotated[str | list[dict[str, Any]], BeforeValidator(_side)]


@dataclass(frozen=True)
class Entry:
    """One place of the table.

    Attributes:
        row, column: labels.
        printed: as it stands in the paper; empty if there is nothing.
        published: the same as a number, or None.
        quantity, sample: what was reproduced; the sample is None if those cells were not trained.
    """

    row: str
    column: str
    printed: str
    published: float | None
    quantity: Quantity
    sample: Sample | None


class Table(Section):
    """A published table: what its rows and columns are, and what is printed in it."""

    rows: Side
    columns: Side = [{"label": "value"}]
    values: list[list[Annotated[Any, BeforeValidator(_entry)]]] = []
    row_title: str = ""

    def sides(self, experiment: Experiment) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows and columns as partial quantities with a label.

        Raises:
            ValueError: if the values are not as many.
        """
        rows, columns = _points(self.rows, experiment), _points(self.columns, experiment)
        widths = {len(row) for row in self.values}
        if self.values and (len(self.values) != len(rows) or widths != {len(columns)}):
            raise ValueError(
                f"a table of {len(rows)} rows and {len(columns)} columns has {len(self.values)} "
                f"rows of {sorted(widths)} values: give one for each entry, or text where none is "
                "printed."
            )
        return rows, columns

    def entries(self, results: Results) -> Iterator[Entry]:
        """All entries, row by row."""
        rows, columns = self.sides(results.experiment)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                quantity = results.filled(_quantity(row, column))
                printed, published = _published(self.values[i][j] if self.values else "")
                where = results.of(quantity.experiment)
                known = where.cells(quantity.cell)
                sample = results.sample(quantity) if known else None
                labels = row["label"], column["label"]
                yield Entry(*labels, printed, published, quantity, sample)


def _points(side: str | list[dict[str, Any]], experiment: Experiment) -> list[dict[str, Any]]:
    if isinstance(side, list):
        return [{**item, "label": label_of(item["label"])} for item in side]
    axis = experiment.axis(side)
    return [{"label": p.label, "cell": {side: p.label}} for p in axis.points_list()]


def _quantity(row: Mapping[str, Any], column: Mapping[str, Any]) -> Quantity:
    merged = {**row, **column, "cell": {**row.get("cell", {}), **column.get("cell", {})}}
    return Quantity(**{key: value for key, value in merged.items() if key != "label"})


def _published(value: Any) -> tuple[str, float | None]:
    if isinstance(value, Mapping):
        return value["printed"], float(value["value"])
    if isinstance(value, str):
        return value, None
    return f"{value}", float(value)


class PublishedTable(Check):
    """The numbers of the target's table agree with the published ones within the tolerance.

    `rows` and `columns` restrict it to some, by label.
    """

    name = "table"
    tolerance: NotNegative
    rows: list[Point] = []
    columns: list[Point] = []
    over: str = "mean"

    def judge_table(self, table: Table, results: Results) -> Outcome:
        """Compare all entries that have a published number and were trained."""
        compared, off = 0, []
        for entry in table.entries(results):
            if entry.published is None or entry.sample is None or not self._covers(entry):
                continue
            compared += 1
            values = (
                entry.sample.values if self.over == "each" else (entry.sample.value(self.over),)
            )
            if not all(abs(value - entry.published) <= self.tolerance + 1e-9 for value in values):
                found = entry.quantity.show(entry.sample.mean)
                off.append(f"{entry.row}, {entry.column}: {found} instead of {entry.printed}")
        detail = f"{compared - len(off)} of {compared} within ±{self.tolerance:g}"
        if self.over == "each":
            detail += " in every repetition"
        verdict = "held" if compared and not off else "failed"
        found = f"{compared - len(off)}/{compared}"
        return Outcome(verdict, found, "; ".join([detail, *off]))  # type: ignore[arg-type]

    def _covers(self, entry: Entry) -> bool:
        return (not self.rows or entry.row in map(label_of, self.rows)) and (
            not self.columns or entry.column in map(label_of, self.columns)
        )
