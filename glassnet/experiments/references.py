"""What targets name: experiments, axes and points, looked up before anything is trained."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from glassnet.experiments.cells import check_points
from glassnet.experiments.checks import Along
from glassnet.experiments.drawing import Drawing
from glassnet.experiments.measures import Quantity, label_of
from glassnet.experiments.specification import Experiment, Target
from glassnet.experiments.tables import Table
from glassnet.registry import did_you_mean
from glassnet.runs.sections import Section

AXES_OF_FIGURES = ("lines", "along", "groups", "rows", "columns")
"""The keys of figures that name an axis."""


def check_target(target: Target, own: Experiment, all_of_them: Mapping[str, Experiment]) -> None:
    """See that a target's claims, figures and table name what there is.

    Arguments:
        target: of the experiment `own`.
        own: where it stands.
        all_of_them: the experiments of its paper by name.

    Raises:
        ValueError: if one names an experiment, an axis or a point that there is not.
    """
    for where, part in _parts(target):
        try:
            _check_part(part, own, all_of_them)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None


def _parts(target: Target) -> Iterator[tuple[str, Section]]:
    for claim in target.claims:
        if claim.check is not None:
            yield f"claim {claim.text!r}", claim.check
    for drawing in target.figures:
        yield f"figure {drawing.name!r}", drawing
    if target.table is not None:
        yield "table", target.table


def _check_part(part: Section, own: Experiment, all_of_them: Mapping[str, Experiment]) -> None:
    if isinstance(part, Table):
        for side in part.sides(own):
            for point in side:
                quantity = Quantity(**{k: v for k, v in point.items() if k != "label"})
                _check_part(quantity, own, all_of_them)
        return
    experiment = _experiment(getattr(part, "experiment", None) or own.id, all_of_them)
    check_points(experiment, getattr(part, "cell", {}), "cell")
    if isinstance(part, Drawing):
        for key in AXES_OF_FIGURES:
            if getattr(part, key, None) is not None:
                experiment.axis(getattr(part, key))
    if isinstance(part, Along):
        _check_claimed(part, experiment)
    for value in (getattr(part, name) for name in type(part).model_fields):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Quantity):
                _check_part(item, own, all_of_them)


def _experiment(name: str, all_of_them: Mapping[str, Experiment]) -> Experiment:
    if name not in all_of_them:
        raise ValueError(
            f"there is no experiment {name!r}.{did_you_mean(name, all_of_them)} "
            f"There are: {', '.join(all_of_them)}."
        )
    return all_of_them[name]


def _check_claimed(check: Along, experiment: Experiment) -> None:
    """The point that is claimed best is one of those along the axes."""
    names = [check.along] if isinstance(check.along, str) else check.along
    sides = [[point.label for point in experiment.axis(name).points_list()] for name in names]
    points = [label_of(list(labels)) for labels in itertools.product(*sides)]
    claimed: Any = getattr(check, "point", None)
    if claimed is not None:
        check.claimed(claimed, points)
