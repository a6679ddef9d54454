"""What a paper, and each of its experiments, is: TOML, read into sections that refuse mistakes.

    papers/<id>/paper.toml    title, what was inferred, the experiments in order, [base] set-up
    papers/<id>/<name>.toml   an experiment: set-up over the base, [axes], [record], [[targets]]

`glassnet/papers/FORMAT.md` describes every key. All of it is data: names are looked up in closed
registries, and nothing in a file is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from glassnet.experiments import columns
from glassnet.experiments.checks import CHECKS, Check
from glassnet.experiments.drawing import DRAWINGS, Drawing
from glassnet.experiments.measures import CellLabels, Measure, label_of
from glassnet.experiments.tables import PublishedTable, Table
from glassnet.registry import did_you_mean
from glassnet.runs.config import DataSettings, RunConfig, find_source
from glassnet.runs.sections import Section, Share, Whole, sentence
from glassnet.runs.toml import read_toml

Kind = Literal["exact", "close", "pattern", "report", "figures", "remark"]
JUDGED = ("exact", "close", "pattern")
"""Kinds of claims that can fail."""

SETUP = ("data", "network", "training", "phases")
"""The sections of a set-up, as in a run's configuration."""

PAPER_DEFAULTS = {"training": {"schedule": "constant", "l2": 0.0, "patience": 0}}
"""What `glassnet train` would choose by itself, a paper says, or does not do."""


# The set-up: a run's configuration, and which rows.


class Split(Section):
    """Rows that are held out of the training part, as scikit-learn's train_test_split does it."""

    part: Literal["test", "validation"]
    share: Share | None = None
    rows: Whole | None = None
    random_state: Annotated[int, Field(ge=0, lt=2**32)] = 0
    stratify: bool = False

    @model_validator(mode="after")
    def _one_size(self) -> Split:
        if (self.share is None) == (self.rows is None):
            raise ValueError("a split has either a share or a number of rows")
        return self


class ExperimentData(DataSettings):
    """The data of an experiment: `[data]` of a run, and exactly which rows.

    Keys besides those of a run:
        splits: in turn, each takes rows out of what the training part still holds.
        rows, test_rows: keep only the first so many rows of the parts, after the splits.
        watch: the part that `val_…` in the history is about; validation if there is one, else test.
    """

    splits: list[Split] = []
    rows: Whole | None = None
    test_rows: Whole | None = None
    watch: Literal["validation", "test"] | None = None

    @model_validator(mode="after")
    def _no_shares(self) -> ExperimentData:
        for key in ("test", "validation"):
            if getattr(self, key) is not None:
                raise ValueError(
                    f"data.{key} = {getattr(self, key)} depends on the seed, which differs from "
                    "repetition to repetition: say which rows by [[data.splits]]"
                )
        return self


class Setup(RunConfig):
    """How one network is trained: a run's configuration on exactly these rows."""

    data: ExperimentData


# Axes of the grid.


class AxisPoint(Section):
    """A point of an axis: its label, and the keys of the set-up that it changes."""

    label: str
    changes: dict[str, Any]


def _point(value: object) -> object:
    if isinstance(value, Mapping) and "changes" not in value:
        if "label" not in value:
            raise ValueError("a point needs a label beside the keys that it changes")
        changes = {key: item for key, item in value.items() if key != "label"}
        return {"label": label_of(value["label"]), "changes": nested(changes)}
    return value


class Axis(Section):
    """One direction of a grid: values of a key, or points that change several keys together."""

    title: str = ""
    key: str | None = None
    values: list[Any] | None = None
    points: list[Annotated[AxisPoint, BeforeValidator(_point)]] = []

    @model_validator(mode="after")
    def _one_form(self) -> Axis:
        if (self.key is None) != (self.values is None) or (self.key is None) == (not self.points):
            raise ValueError("an axis has a key and values, or points with a label each")
        labels = [point.label for point in self.points_list()]
        if not labels:
            raise ValueError("an axis has at least one value")
        twice = [label for label in labels if labels.count(label) > 1]
        if twice:
            raise ValueError(f"two points have the label {twice[0]!r}")
        return self

    def points_list(self) -> list[AxisPoint]:
        """All points."""
        if self.key is None or self.values is None:
            return self.points
        return [
            AxisPoint(label=label_of(value), changes=nested({self.key: value}))
            for value in self.values
        ]


def nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as tables in tables.

    >>> nested({"training.optimizer.beta1": 0.8, "data": {"rows": 5}})
    {'training': {'optimizer': {'beta1': 0.8}}, 'data': {'rows': 5}}
    """
    tables: dict[str, Any] = {}
    for path, value in changes.items():
        _put(tables, path.split("."), value)
    return tables


def _put(table: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a key of tables in tables; a table joins what is there, a part with a name does not."""
    if len(path) > 1:
        inside = table.setdefault(path[0], {})
        if not isinstance(inside, dict):
            raise ValueError(
                f"{path[0]} is {inside!r}, and {path[0]}.{'.'.join(path[1:])} is given too: write "
                "one table with both"
            )
        _put(inside, path[1:], value)
    elif isinstance(value, Mapping) and "name" not in value:
        for key, item in value.items():
            _put(table.setdefault(path[0], {}), key.split("."), item)
    else:
        table[path[0]] = value


# What is recorded, and the cut-down run.


class StepRecord(Section):
    """The loss after each of the first steps of an epoch, on a whole part or on the step's batch.

    Training ends after them.
    """

    from_epoch: Whole = 1
    count: Whole = 100
    on: Literal["train", "test", "batch"] = "train"


COLUMNS = ("train", "test", "classes_predicted", "recall_by_class", "dead_units", "gradient_norms")


def _columns(value: object) -> object:
    known = (*COLUMNS, *columns.OWN)
    if value not in known:
        raise ValueError(f"expected {', '.join(known)}.{did_you_mean(str(value), known)}")
    return value


EachEpoch = Annotated[str, BeforeValidator(_columns)]


class RecordSettings(Section):
    """What is kept of a training besides its history."""

    each_epoch: list[EachEpoch] = []
    steps: StepRecord | None = None
    scores: bool = False
    mistakes: Annotated[int, Field(ge=0)] = 0
    predictions: Annotated[int, Field(ge=0)] = 0
    predict_seconds: bool = False
    model: bool = False


class Quick(Section):
    """What `--quick` changes: fewer repetitions, keys of the set-up, some points of the axes."""

    seeds: Whole | None = None
    set: dict[str, Any] = {}
    keep: dict[str, list[Any]] = {}


# Targets: what the paper says, and what must be found.


def _part_of(registry: Mapping[str, type[Section]], what: str, key: str) -> BeforeValidator:
    """Reads `{ name = …, option = … }` as a section of a closed registry."""

    def read(value: object) -> object:
        if isinstance(value, Section):
            return value
        if not isinstance(value, Mapping) or not isinstance(value.get(key), str):
            raise ValueError(f'expected a table with a {key}, such as {{ {key} = "{_first()}" }}')
        name = value[key]
        if name not in registry:
            known = ", ".join(registry)
            raise ValueError(
                f"Unknown {what} {name!r}.{did_you_mean(name, registry)} Known: {known}"
            )
        options = {option: item for option, item in value.items() if option != key}
        return read_section(registry[name], options)

    def _first() -> str:
        return next(iter(registry))

    return BeforeValidator(read)


def read_section(model: type[Section], values: Mapping[str, Any]) -> Any:
    """A section from its values, or a ValueError with one sentence."""
    try:
        return model(**values)
    except ValidationError as error:
        raise ValueError(sentence(error, model)) from None


class Borrowed(Section):
    """A cell that another experiment of the paper has as well: trained there, read here too.

    Keys:
        cell: a point on every axis of this experiment.
        experiment: the other one; it trains the cell with the same set-up.
        their: where it is there, if that one has axes.
    """

    cell: CellLabels
    experiment: str
    their: CellLabels = {}


class Claim(Section):
    """A statement of the paper and what it takes to hold.

    Keys:
        kind: see `glassnet/papers/FORMAT.md`. Exact, close and pattern claims have a check.
        text: what is claimed.
        published: as printed, for the table of the report.
        where: page, figure or section.
        check: see `glassnet.experiments.checks`.
        explained: why the paper's number can't be what its set-up gives, if it fails for that.
        in_quick: whether it is also judged in a quick run.
        needs: packages without which it is left out, such as a framework that is compared with.
    """

    kind: Kind
    text: str
    published: str | float | None = None
    where: str = ""
    check: Annotated[Check, _part_of(CHECKS, "check", "name")] | None = None
    explained: str | None = None
    in_quick: bool = False
    needs: list[str] = []

    @model_validator(mode="after")
    def _can_fail(self) -> Claim:
        if self.kind in JUDGED and self.check is None:
            raise ValueError(f"a claim of the kind {self.kind} needs a check that can fail")
        if self.kind in JUDGED and self.check is not None and not self.check.can_fail:
            raise ValueError(
                f"a claim of the kind {self.kind} needs a check that can fail, but the check "
                f"{self.check.name} compares with nothing"
            )
        return self


def _target_id(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", text):
        raise ValueError("expected lower-case letters, digits and hyphens, such as table-1")
    return text


class Target(Section):
    """A table, a figure or a statement of the paper: what `glassnet reproduce PAPER/ID` names."""

    id: Annotated[str, AfterValidator(_target_id)]
    title: str
    where: str = ""
    text: str = ""
    measure: Measure = Measure()
    table: Table | None = None
    claims: list[Claim] = []
    figures: list[Annotated[Drawing, _part_of(DRAWINGS, "figure", "draw")]] = []

    @model_validator(mode="after")
    def _has_its_table(self) -> Target:
        if self.table is None and any(isinstance(c.check, PublishedTable) for c in self.claims):
            raise ValueError("the check 'table' needs [targets.table]")
        return self


class Experiment(Section):
    """A grid of trainings, and the targets that are read from it.

    Keys of the file, besides the set-up's sections:
        title, text: what it is about.
        train: false if its targets need no training (pictures of the data, of functions).
        seeds: repetitions of each cell.
        start: a name; all trainings of the paper with the same start, repetition and shapes of
            weights begin with the same ones.
        alone: train its cells one after the other, for times that mean something.
        beside: frameworks, such as "torch", whose seconds are measured beside ours for each cell
            (`glassnet.experiments.speed`), which is then alone.
        borrowed: cells that are not trained here, since another experiment has them.
        twins: cells that `--compare` also trains in other frameworks.
    """

    id: str
    paper: str
    title: str
    text: str = ""
    train: bool = True
    seeds: Whole = 5
    start: str | None = None
    alone: bool = False
    beside: list[Literal["torch", "jax", "keras", "sklearn"]] = []
    borrowed: list[Borrowed] = []
    setup: dict[str, Any] = {}
    axes: dict[str, Axis] = {}
    record: RecordSettings = RecordSettings()
    quick: Quick = Quick()
    twins: list[CellLabels] = []
    targets: list[Target] = []

    def axis(self, name: str) -> Axis:
        """An axis by name.

        Raises:
            ValueError: if there is none of that name.
        """
        if name not in self.axes:
            raise ValueError(
                f"{self.id} has no axis {name!r}.{did_you_mean(name, self.axes)} "
                f"Its axes: {', '.join(self.axes) or 'none'}."
            )
        return self.axes[name]


class Paper(Section):
    """A paper and its experiments.

    Keys of paper.toml:
        title, authors, year, text: what it is.
        inferred: what it leaves open and how that was settled, a sentence each.
        unknown: what can't be known.
        remarks: slips, and what they should say.
        experiments: the names of the experiments' files, in order.
        base: the set-up that the experiments share.
        copy_of: the paper that this is a variation of, whose own parts, seeds and kept trainings
            it shares.
    """

    id: str
    copy_of: str = ""
    title: str
    authors: str
    year: str = ""
    text: str = ""
    inferred: list[str] = []
    unknown: list[str] = []
    remarks: list[str] = []
    experiments: list[Experiment]

    @property
    def origin(self) -> str:
        """The name that its cells are kept and seeded under: its own, or that of its original."""
        return self.copy_of or self.id

    def targets(self) -> list[tuple[Experiment, Target]]:
        """All targets, in the order of the experiments."""
        return [(e, target) for e in self.experiments for target in e.targets]


# Reading.


def load_paper(folder: Path) -> Paper:
    """Read a paper's folder.

    Raises:
        ValueError: one sentence with the file, the key's path and the value.
    """
    path = folder / "paper.toml"
    values = read_toml(path)
    base = values.pop("base", {})
    names = values.pop("experiments", None)
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise ValueError(f"{path}: experiments names the experiments' files, in order.")
    if not isinstance(base, dict):
        raise ValueError(f"{path}: base is {base!r}: expected a table of keys and values.")
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: experiments is {names}: each file is named once.")
    origin = values.get("copy_of") or folder.name
    experiments = [load_experiment(folder / f"{name}.toml", origin, base) for name in names]
    try:
        paper: Paper = read_section(
            Paper, {**values, "id": folder.name, "experiments": experiments}
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    _check_names(paper, folder)
    return paper


def load_single(path: Path) -> Paper:
    """Read the file of an experiment that belongs to no paper, as a paper of that one alone.

    Raises:
        ValueError: one sentence with the file, the key's path and the value.
    """
    if (path.parent / "paper.toml").is_file():
        raise ValueError(
            f"{path} belongs to the paper of its folder. Name that, or one of its targets: "
            f"{path.parent}/TARGET."
        )
    experiment = load_experiment(path, path.stem)
    paper = Paper(id=path.stem, title=experiment.title, authors="", experiments=[experiment])
    _check_names(paper, path.parent)
    return paper


def load_experiment(
    path: Path, paper: str = "", base: Mapping[str, Any] | None = None
) -> Experiment:
    """Read an experiment's file, over the base set-up of its paper.

    Raises:
        ValueError: one sentence with the file, the key's path and the value.
    """
    from glassnet.experiments.cells import check_cells, merged

    values = read_toml(path)
    find_source(values, path.parent)
    setup = {key: values.pop(key) for key in SETUP if key in values}
    try:
        for key in ("id", "paper", "setup"):
            if key in values:
                raise ValueError(f"The key {key} is not for files: the name of the file says it.")
        own = {**values, "id": path.stem, "paper": paper}
        own["setup"] = merged(merged(PAPER_DEFAULTS, base or {}), setup)
        experiment: Experiment = read_section(Experiment, own)
        check_cells(experiment)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return experiment


def _check_names(paper: Paper, folder: Path) -> None:
    """Targets have ids of their own; what they name and borrow is there, before any training."""
    from glassnet.experiments.cells import check_borrowed
    from glassnet.experiments.references import check_target

    experiments = {experiment.id: experiment for experiment in paper.experiments}
    seen: set[str] = set()
    for experiment in paper.experiments:
        path = folder / f"{experiment.id}.toml"
        try:
            check_borrowed(experiment, experiments)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        for target in experiment.targets:
            try:
                if target.id in seen:
                    raise ValueError("another target has this id already.")
                check_target(target, experiment, experiments)
            except ValueError as error:
                raise ValueError(f"{path}: targets {target.id}: {error}") from None
            seen.add(target.id)


def needs(target: Target) -> set[str]:
    """The other experiments that a target reads."""
    parts: list[Any] = [claim.check for claim in target.claims if claim.check is not None]
    parts += target.figures
    return {name for part in parts for name in part.experiments()}
