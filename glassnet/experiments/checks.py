"""The closed list of checks: what a claim must show to hold.

    check = { name = "largest_at", along = "momentum", at = 0.5, cell = { rate = 1e-5 } }

A check is data: its name, and the quantities and numbers that it compares. It answers with a
verdict, the number to show beside the published one, and a sentence with the figures.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from glassnet.experiments.measures import CellLabels, Measure, Quantity, label_of
from glassnet.experiments.results import Results, Sample, column, measured, read
from glassnet.registry import did_you_mean
from glassnet.runs.sections import NotNegative, Section, Whole

Verdict = Literal["held", "failed", "confirmed", "not distinguishable", "refuted"]
Point = str | int | float

CHECKS: dict[str, type[Check]] = {}
"""All checks by name."""


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        verdict: "held" or "failed"; for `winner` one of three.
        found: the reproduced number or point, short.
        detail: a sentence with the figures.
    """

    verdict: Verdict
    found: str
    detail: str

    @property
    def ok(self) -> bool:
        """Whether the claim stands, or at least is not contradicted."""
        return self.verdict not in ("failed", "refuted")


class Check(Section):
    """Base of all checks."""

    name: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        CHECKS[cls.name] = cls

    @property
    def can_fail(self) -> bool:
        """Whether it compares with anything; else it only shows what was found."""
        return True

    def judge(self, results: Results) -> Outcome:
        """Compare what was asked with what was found."""
        raise NotImplementedError(f"{self.name} does not judge")

    def experiments(self) -> set[str]:
        """Other experiments of the paper whose cells it needs."""
        values = [getattr(self, name) for name in type(self).model_fields]
        flat = [
            item for value in values for item in (value if isinstance(value, list) else [value])
        ]
        flat.append(self)
        return {q.experiment for q in flat if isinstance(q, Quantity) and q.experiment}


def _held(holds: bool) -> Verdict:
    return "held" if holds else "failed"


def _shown(asked: Quantity, sample: Sample) -> str:
    text = asked.show(sample.value(asked.over))
    if len(sample.values) > 1 and asked.over in ("mean", "each"):
        text += f" ± {asked.show(sample.spread)}"
    return text


class Number(Quantity, Check):
    """A quantity is the published number within a tolerance, or at least, or at most, a bound.

    With `over = "each"` every repetition must hold; else their mean (or max, or min).
    """

    name = "number"
    value: float | None = None
    tolerance: NotNegative = 0.0
    at_least: float | None = None
    at_most: float | None = None

    @property
    def can_fail(self) -> bool:
        return (self.value, self.at_least, self.at_most) != (None, None, None)

    def judge(self, results: Results) -> Outcome:
        asked, sample = results.filled(self), results.sample(self)
        values = sample.values if self.over == "each" else (sample.value(self.over),)
        holds = all(self._holds(value) for value in values)
        bounds = []
        if self.value is not None:
            bounds.append(f"{self.value:g} ± {self.tolerance:g}")
        if self.at_least is not None:
            bounds.append(f"≥ {self.at_least:g}")
        if self.at_most is not None:
            bounds.append(f"≤ {self.at_most:g}")
        runs = ", ".join(asked.show(value) for value in sample.values)
        which = {"each": "every repetition", "mean": "the mean", "max": "the largest"}
        detail = f"expected {' and '.join(bounds)} for {which.get(self.over, 'the smallest')}"
        return Outcome(_held(holds), _shown(asked, sample), f"{detail}; repetitions: {runs}")

    def _holds(self, value: float) -> bool:
        slack = 1e-9  # a published 0.0799 and a tolerance of 0.0001 are no binary fractions
        return (
            (self.value is None or abs(value - self.value) <= self.tolerance + slack)
            and (self.at_least is None or value >= self.at_least - slack)
            and (self.at_most is None or value <= self.at_most + slack)
            and math.isfinite(value)
        )


class Along(Measure, Check):
    """Base: a measure along an axis, others fixed by `cell` or reduced to their best mean.

    Along several axes, `along = ["activation", "optimizer"]`, every combination is a point.
    """

    name = "along"
    along: str | list[str]
    cell: CellLabels = {}
    across: Literal["max", "min"] | None = None

    def points(self, results: Results) -> dict[str, tuple[Quantity, Sample]]:
        """Quantity and sample by the axis's labels, several joined as in `relu-adam`."""
        names = [self.along] if isinstance(self.along, str) else self.along
        sides = [results.experiment.axis(name).points_list() for name in names]
        found = {}
        for points in itertools.product(*sides):
            labels = [point.label for point in points]
            cell = {**self.cell, **dict(zip(names, labels, strict=True))}
            if not results.cells(cell):
                continue  # left out of a quick run
            shared = {k: v for k, v in self.given().items() if k in _QUANTITY_KEYS}
            quantity = results.filled(Quantity(**{**shared, "cell": cell}))
            found[label_of(labels)] = quantity, results.sample(quantity)
        return found

    @staticmethod
    def claimed(point: Point | list[Point], points: Collection[str]) -> str:
        """The label of the point that is claimed best.

        Raises:
            ValueError: if it is none of those compared.
        """
        label = label_of(point)
        if label not in points:
            raise ValueError(
                f"there is no point {label!r}.{did_you_mean(label, points)} "
                f"Compared are: {', '.join(points)}."
            )
        return label


_QUANTITY_KEYS = {field.alias or name for name, field in Quantity.model_fields.items()}
del CHECKS["along"]


def _listed(points: dict[str, tuple[Quantity, Sample]]) -> str:
    return "; ".join(f"{label}: {_shown(q, sample)}" for label, (q, sample) in points.items())


class LargestAt(Along):
    """The mean over the repetitions is largest (or smallest) at one point of an axis."""

    name = "largest_at"
    point: Point | list[Point]
    smallest: bool = False

    def judge(self, results: Results) -> Outcome:
        points = self.points(results)
        sign = -1.0 if self.smallest else 1.0
        means = {label: sign * sample.mean for label, (_, sample) in points.items()}
        known = {label: mean for label, mean in means.items() if math.isfinite(mean)}
        best = max(known, key=lambda label: known[label]) if known else "–"
        return Outcome(_held(best == self.claimed(self.point, points)), best, _listed(points))


class Ordered(Check):
    """Quantities stand in this order, the largest mean first, each at least `by` above the next."""

    name = "ordered"
    quantities: list[Quantity]
    by: float = 0.0

    @property
    def can_fail(self) -> bool:
        return len(self.quantities) > 1

    def judge(self, results: Results) -> Outcome:
        asked = [results.filled(quantity) for quantity in self.quantities]
        samples = [results.sample(quantity) for quantity in self.quantities]
        steps = [a.mean - b.mean for a, b in itertools.pairwise(samples)]
        holds = all(step > 0 and step >= self.by for step in steps)
        pairs = list(zip(asked, samples, strict=True))
        ranked = sorted(pairs, key=lambda pair: -pair[1].mean)
        found = " > ".join(quantity.describe() for quantity, _ in ranked)
        detail = "; ".join(f"{quantity.describe()}: {_shown(quantity, s)}" for quantity, s in pairs)
        return Outcome(_held(holds), found, detail)


class Difference(Check):
    """a − b lies between two bounds, in the mean over the repetitions."""

    name = "difference"
    a: Quantity
    b: Quantity
    at_least: float | None = None
    at_most: float | None = None

    @property
    def can_fail(self) -> bool:
        return (self.at_least, self.at_most) != (None, None)

    def judge(self, results: Results) -> Outcome:
        asked = results.filled(self.a)
        a, b = results.sample(self.a), results.sample(self.b)
        value = self._value(a.mean, b.mean)
        holds = (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )
        detail = (
            f"{asked.describe()}: {_shown(asked, a)}; "
            f"{results.filled(self.b).describe()}: {_shown(results.filled(self.b), b)}"
        )
        return Outcome(_held(holds and math.isfinite(value)), self._show(value, asked), detail)

    def _value(self, a: float, b: float) -> float:
        return a - b

    def _show(self, value: float, asked: Quantity) -> str:
        return f"{value:+.{asked.decimals}f}"


class Ratio(Difference):
    """a / b lies between two bounds, in the mean over the repetitions."""

    name = "ratio"

    def _value(self, a: float, b: float) -> float:
        return a / b if b else math.nan

    def _show(self, value: float, asked: Quantity) -> str:
        return f"{value:.2f}"


class RisesBy(Quantity, Check):
    """A column rises by at least so much (in the mean) from one epoch to another."""

    name = "rises_by"
    from_epoch: Whole
    to_epoch: Whole
    at_least: float

    def judge(self, results: Results) -> Outcome:
        shared = {k: v for k, v in self.given().items() if k in _QUANTITY_KEYS}
        before = results.sample(Quantity(**{**shared, "at": self.from_epoch}))
        after = results.sample(Quantity(**{**shared, "at": self.to_epoch}))
        pairs = zip(before.values, after.values, strict=True)
        gains = Sample(tuple(b - a for a, b in pairs))
        asked = results.filled(self)
        detail = (
            f"from epoch {self.from_epoch} to {self.to_epoch}, expected ≥ {self.at_least:g}; "
            f"repetitions: {', '.join(f'{gain:+.{asked.decimals}f}' for gain in gains.values)}"
        )
        return Outcome(_held(gains.mean >= self.at_least), _shown(asked, gains), detail)


class FallsAfter(Quantity, Check):
    """A column has its best value by an epoch, and then falls by at least so much to its end.

    With `rising = true` the column is one that should be small, such as a loss: it rises again.
    """

    name = "falls_after"
    by_epoch: Whole
    at_least: NotNegative = 0.0
    rising: bool = False

    def judge(self, results: Results) -> Outcome:
        asked = results.filled(self)
        best = "min" if self.rising else "max"
        shared = {k: v for k, v in asked.given().items() if k in _QUANTITY_KEYS}
        epochs = results.sample(Quantity(**{**shared, "at": f"epoch_of_{best}", "scale": 1.0}))
        peak = results.sample(Quantity(**{**shared, "at": best}))
        final = results.sample(Quantity(**{**shared, "at": "final"}))
        drop = (final.mean - peak.mean) if self.rising else (peak.mean - final.mean)
        holds = epochs.mean <= self.by_epoch and drop >= self.at_least and drop > 0
        detail = (
            f"best {_shown(asked, peak)} at epoch {epochs.mean:.1f} in the mean (expected by "
            f"{self.by_epoch}), {_shown(asked, final)} at the end"
        )
        return Outcome(_held(holds), f"epoch {epochs.mean:.1f}, then {drop:+.4g}", detail)


class ReachesBefore(Check):
    """A column reaches a value by an epoch, or in fewer epochs than another cell's does.

    Epochs are means over the repetitions; one that never gets there counts as one epoch more than
    it had.
    """

    name = "reaches_before"
    a: Quantity
    value: float
    b: Quantity | None = None
    by_epoch: Whole | None = None
    falling: bool = False

    @property
    def can_fail(self) -> bool:
        return (self.b, self.by_epoch) != (None, None)

    def judge(self, results: Results) -> Outcome:
        first = self._epochs(results, self.a)
        texts = [f"{results.filled(self.a).describe()}: epoch {first.mean:.1f}"]
        holds = self.by_epoch is None or first.mean <= self.by_epoch
        if self.b is not None:
            second = self._epochs(results, self.b)
            texts.append(f"{results.filled(self.b).describe()}: epoch {second.mean:.1f}")
            holds = holds and first.mean < second.mean
        way = "falls to" if self.falling else "reaches"
        return Outcome(
            _held(holds), f"epoch {first.mean:.1f}", f"{way} {self.value:g}; {'; '.join(texts)}"
        )

    def _epochs(self, results: Results, quantity: Quantity) -> Sample:
        asked = results.filled(quantity)
        where = results.of(asked.experiment)
        sign = -1.0 if self.falling else 1.0
        epochs = []
        for record in where.repetitions(where.only_cell(asked.cell)):
            values = sign * asked.scale * column(record, asked.of)
            there = np.flatnonzero(values >= sign * self.value)
            epochs.append(float(there[0] + 1) if len(there) else float(len(values) + 1))
        return Sample(tuple(epochs))


class SmootherThan(Check):
    """Steps of a curve vary less in one cell than in another, in the mean over the repetitions.

    The curve is a column of the history, or with `of = "steps"` the losses after single steps; its
    roughness is the variance of the differences between neighbouring values.
    """

    name = "smoother_than"
    a: Quantity
    b: Quantity

    def judge(self, results: Results) -> Outcome:
        a, b = self._roughness(results, self.a), self._roughness(results, self.b)
        names = results.filled(self.a).describe(), results.filled(self.b).describe()
        detail = f"variance of the steps, {names[0]}: {a:.3g}; {names[1]}: {b:.3g}"
        return Outcome(_held(a < b), f"{a:.3g} against {b:.3g}", detail)

    @staticmethod
    def _roughness(results: Results, quantity: Quantity) -> float:
        asked = results.filled(quantity)
        where = results.of(asked.experiment)
        records = where.repetitions(where.only_cell(asked.cell))
        curves = [
            np.array(measured(record, "steps")) if asked.of == "steps" else column(record, asked.of)
            for record in records
        ]
        return float(np.mean([np.var(np.diff(curve)) for curve in curves]))


class ConstantClass(Quantity, Check):
    """The network calls every row the same, in every repetition: at an epoch, or in all of them.

    Needs `classes_predicted` in `record.each_epoch`. `which` also names the class (`said_class`).
    """

    name = "constant_class"
    always: bool = False
    which: int | None = None

    def judge(self, results: Results) -> Outcome:
        asked = results.filled(self)
        where = results.of(asked.experiment)
        cells = where.cells(asked.cell)
        records = [record for cell in cells for record in where.repetitions(cell)]
        at = asked.at if isinstance(asked.at, int) else "final"
        constant = [self._is_constant(record, at) for record in records]
        detail = f"{sum(constant)} of {len(records)} trainings call every row the same"
        if self.which is not None:
            detail += f", and that {self.which}"
        return Outcome(
            _held(bool(constant) and all(constant)), f"{sum(constant)}/{len(records)}", detail
        )

    def _is_constant(self, record: dict[str, Any], at: int | str) -> bool:
        if self.always:
            counts = column(record, "classes_predicted")
            said = column(record, "said_class")
            same = bool(len(counts)) and bool((counts == 1).all())
            return same and (self.which is None or bool((said == self.which).all()))
        same = read(record, Measure(of="classes_predicted", at=at)) == 1
        said_at = Measure(of="said_class", at=at)
        return same and (self.which is None or read(record, said_at) == self.which)


class ClassExtremes(Quantity, Check):
    """By class, a score is largest for some classes and smallest for others, in the mean.

    `largest` and `smallest` are classes, by index: as many as are named there are the best, or the
    worst, in any order. Needs `record.scores`.
    """

    name = "class_extremes"
    largest: list[int] = []
    smallest: list[int] = []

    @property
    def can_fail(self) -> bool:
        return bool(self.largest or self.smallest)

    def judge(self, results: Results) -> Outcome:
        asked = results.filled(self)
        where = results.of(asked.experiment)
        records = where.repetitions(where.only_cell(asked.cell))
        classes = range(len(measured(records[0], "scores").get("per_class", [])))
        shared = {k: v for k, v in self.given().items() if k in _QUANTITY_KEYS}
        samples = [results.sample(Quantity(**{**shared, "class": k})) for k in classes]
        ranked = sorted(classes, key=lambda k: -samples[k].mean)
        best, worst = ranked[: len(self.largest)], ranked[len(ranked) - len(self.smallest) :]
        holds = set(best) == set(self.largest) and set(worst) == set(self.smallest)
        listed = "; ".join(f"class {k}: {_shown(asked, samples[k])}" for k in ranked)
        ends = [
            f"{name} {', '.join(map(str, sorted(found)))}"
            for name, found in (("best", best), ("worst", worst))
            if found
        ]
        return Outcome(_held(holds), "; ".join(ends), f"{asked.of}, {listed}")


class Winner(Along):
    """One point of an axis is claimed best: confirmed, not distinguishable, or refuted.

    Each other point is compared with the claimed one by Welch's t-test over the repetitions, at
    5 % shared by all comparisons (Holm 1979). Confirmed: the claimed one is better than each.
    Refuted: another one is better. Else the repetitions can't tell them apart.
    """

    name = "winner"
    point: Point | list[Point]
    smallest: bool = False
    level: float = 0.05

    def judge(self, results: Results) -> Outcome:
        points = self.points(results)
        claimed = self.claimed(self.point, points)
        sign = -1.0 if self.smallest else 1.0
        own = points[claimed][1]
        tests = [
            (label, sign * (own.mean - sample.mean), _welch(own.values, sample.values))
            for label, (_, sample) in points.items()
            if label != claimed
        ]
        significant = _holm({label: p for label, _, p in tests}, self.level)
        better = [gap > 0 and label in significant for label, gap, _ in tests]
        worse = [gap < 0 and label in significant for label, gap, _ in tests]
        verdict: Verdict = "not distinguishable"
        if any(worse):
            verdict = "refuted"
        elif better and all(better):
            verdict = "confirmed"
        best = max(points, key=lambda label: sign * points[label][1].mean)
        ps = ", ".join(f"{label} p = {p:.2g}" for label, _, p in tests)
        return Outcome(verdict, best, f"{_listed(points)}; against {claimed}: {ps}")


def _welch(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """The p-value of Welch's t-test; 1 where it can't be had, 0 for constants that differ."""
    from scipy import stats

    if min(len(a), len(b)) < 2 or not np.isfinite([*a, *b]).all():
        return 1.0
    if np.ptp(a) == 0 and np.ptp(b) == 0:
        return 0.0 if a[0] != b[0] else 1.0
    return float(stats.ttest_ind(a, b, equal_var=False).pvalue)


def _holm(p_values: dict[str, float], level: float) -> set[str]:
    """Which comparisons are significant when all of them together shall err in 5 % (Holm 1979).

    >>> sorted(_holm({"a": 0.01, "b": 0.04, "c": 0.03}, 0.05))
    ['a']
    """
    significant: set[str] = set()
    ranked = sorted(p_values, key=lambda label: p_values[label])
    for rank, label in enumerate(ranked):
        if p_values[label] > level / (len(ranked) - rank):
            break
        significant.add(label)
    return significant


class Diverges(Quantity, Check):
    """Training breaks down (numbers that are not finite) in every repetition; or in none."""

    name = "diverges"
    expected: bool = True

    def judge(self, results: Results) -> Outcome:
        asked = results.filled(self)
        where = results.of(asked.experiment)
        records = [r for cell in where.cells(asked.cell) for r in where.repetitions(cell)]
        broken = [record["diverged"] for record in records if record["diverged"] is not None]
        holds = len(broken) == (len(records) if self.expected else 0)
        detail = f"{len(broken)} of {len(records)} trainings broke down"
        if broken:
            detail += f": {broken[0]}"
        return Outcome(_held(holds), f"{len(broken)}/{len(records)}", detail)
