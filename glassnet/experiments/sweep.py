"""A search over the settings of one's own run: a grid, at random, or guided (TPE).

    [data]                                      a run's configuration, as `glassnet train` takes it
    source = "iris"

    [sweep]
    method = "grid"                             # or "random", "tpe"
    seeds = 3
    [sweep.axes]
    "training.learning_rate" = [0.001, 0.01]    # values, or { low = 1e-4, high = 0.1, log = true }
    "network.layers" = [[16], [32, 16]]

Every configuration is trained once a seed and scored on validation rows, which are the same for all
configurations and others for each seed. The test part is held out as `glassnet train` would hold it
out, and never looked at.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from glassnet.data import Dataset
from glassnet.experiments.cells import Cell, merged, seed_from
from glassnet.experiments.drawing import heatmap
from glassnet.experiments.measures import label_of
from glassnet.experiments.results import Record
from glassnet.experiments.runner import Runner, Store, Told
from glassnet.experiments.specification import RecordSettings, Setup, nested, read_section
from glassnet.files import write_atomically
from glassnet.metrics import Table, markdown_table
from glassnet.runs.config import RunConfig, find_source, read_config, to_toml
from glassnet.runs.recipe import TEST_SHARE, check_parts, load_data
from glassnet.runs.sections import Section, Share, Whole
from glassnet.runs.toml import read_toml

SMALLER_IS_BETTER = {"accuracy": False, "loss": True, "rmse": True}


class Range(Section):
    """Numbers between two bounds, drawn evenly, or evenly in their logarithm."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("a range needs low < high, and low > 0 with log")
        return self

    def draw(self, rng: np.random.Generator) -> float | int:
        """One of them."""
        if self.log:
            value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = float(rng.uniform(self.low, self.high))
        return round(value) if self.whole else value


def _choices(value: object) -> object:
    if isinstance(value, Mapping):
        return read_section(Range, value)
    if not isinstance(value, list | Range) or not value:
        raise ValueError("expected a list of values, or { low = 0.001, high = 0.1, log = true }")
    return value


class SweepSettings(Section):
    """The `[sweep]` table.

    Keys:
        method: `grid` tries all combinations; `random` and `tpe` try `trials` of them.
        seeds: trainings of each configuration.
        metric: of the validation rows; accuracy for classes and rmse for numbers by default.
        validation: the share of the training rows that scores.
        axes: dotted keys of the configuration, each with a list of values or a range.
        prune: whether `tpe` breaks off configurations that are worse than the median.
        storage: where `tpe` keeps its trials: any database URL; SQLite in the folder by default.
    """

    method: Literal["grid", "random", "tpe"] = "grid"
    trials: Whole = 20
    seeds: Annotated[int, Field(ge=1)] = 3
    metric: Literal["accuracy", "loss", "rmse"] | None = None
    validation: Share = 0.2
    axes: dict[str, Annotated[list[Any] | Range, BeforeValidator(_choices)]]
    prune: bool = True
    storage: str | None = None

    @model_validator(mode="after")
    def _fits_its_method(self) -> SweepSettings:
        if not self.axes:
            raise ValueError('[sweep.axes] names what is varied: "training.learning_rate" = [0.1]')
        ranges = [key for key, choices in self.axes.items() if isinstance(choices, Range)]
        if self.method == "grid" and ranges:
            raise ValueError(
                f"a grid needs a list of values for {ranges[0]}; ranges are for random and tpe"
            )
        return self


@dataclass(frozen=True)
class Trial:
    """A configuration and its scores.

    Attributes:
        changes: values by dotted key.
        scores: one a seed, NaN where training broke down; fewer if it was pruned.
        pruned: whether it was broken off.
    """

    changes: dict[str, Any]
    scores: tuple[float, ...]
    pruned: bool = False

    @property
    def mean(self) -> float:
        """Their mean."""
        return float(np.mean(self.scores)) if self.scores else float("nan")

    @property
    def spread(self) -> float:
        """Their standard deviation (n − 1)."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else 0.0

    def facts(self) -> dict[str, Any]:
        """For JSON, where a number that is not one is null."""
        clean = [score if math.isfinite(score) else None for score in self.scores]
        mean = self.mean if math.isfinite(self.mean) else None
        spread = self.spread if math.isfinite(self.spread) else None
        return {
            "settings": self.changes,
            "mean": mean,
            "std": spread,
            "scores": clean,
            "pruned": self.pruned,
        }


@dataclass
class Sweep:
    """A search, ready to go.

    Attributes:
        base: the run's configuration as it stands in the file.
        settings: the `[sweep]` table.
        dataset: without test rows held out.
        out: the folder for cells, table, figure and best configuration.
    """

    base: dict[str, Any]
    settings: SweepSettings
    dataset: Dataset
    out: Path

    @property
    def metric(self) -> str:
        """The score, by its name in `Network.evaluate`."""
        return self.settings.metric or ("rmse" if self.dataset.task == "regression" else "accuracy")

    @property
    def smaller_is_better(self) -> bool:
        """Whether the best score is the smallest."""
        return SMALLER_IS_BETTER[self.metric]

    def cell(self, changes: Mapping[str, Any], repetition: int) -> Cell:
        """One training.

        Raises:
            ValueError: if the changes give a configuration that is not allowed.
        """
        values = merged(self.base, nested(changes))
        seed = int(values.pop("seed", 0))
        values.pop("cross_validate", None)
        data = {**values["data"], "splits": self._splits(seed, repetition), "watch": "validation"}
        for share in ("test", "validation"):
            data.pop(share, None)
        labels = {key: label_of(value) for key, value in changes.items()}
        names = [f"{key}={label}" for key, label in sorted(labels.items())]
        own = seed_from("sweep", seed, *names, repetition)
        setup: Setup = read_section(Setup, {**values, "data": data, "seed": own})
        return Cell("", "sweep", labels, repetition, setup, None, RecordSettings())

    def _splits(self, seed: int, repetition: int) -> list[dict[str, Any]]:
        """The test part as `glassnet train` takes it, then validation rows for this seed."""
        is_classes = self.dataset.task == "classification"
        data = self.base["data"]
        splits = []
        if self.dataset.test is None:
            share = data.get("test") or TEST_SHARE
            # Rounded up to whole rows, as `glassnet.data.split` does it.
            rows = math.ceil(share * len(self.dataset.train))
            splits.append({"part": "test", "rows": rows, "random_state": seed})
        splits.append(
            {
                "part": "validation",
                "share": self.settings.validation,
                "random_state": (seed + repetition) % 2**32,
            }
        )
        return [{**split, "stratify": is_classes} for split in splits]

    def config(self, changes: Mapping[str, Any]) -> RunConfig:
        """A configuration for `glassnet train`."""
        return read_config(merged(self.base, nested(changes)))

    def score(self, record: Record) -> float:
        """The validation score of a record; NaN if training broke down."""
        return float(record["measured"].get("watched", {}).get(self.metric, float("nan")))


def load_sweep(path: Path, out: Path | None = None) -> Sweep:
    """Read a sweep's file and its data.

    Raises:
        ValueError: one sentence with the file, the key's path and the value.
    """
    values = read_toml(path)
    find_source(values, path.parent)
    table = values.pop("sweep", None)
    if table is None:
        raise ValueError(f"{path} has no [sweep] table: it says what is varied (sweep.axes).")
    if not isinstance(table, dict):
        raise ValueError(f"{path}: sweep is {table!r}: expected a table of keys and values.")
    try:
        try:
            settings: SweepSettings = read_section(SweepSettings, table)
        except ValueError as error:
            raise ValueError(f"[sweep]: {error}") from None
        config = read_config(values)
        dataset = load_data(config)
        sweep = Sweep(values, settings, dataset, out or Path("runs") / f"sweep-{path.stem}")
        _check(sweep)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return sweep


def _check(sweep: Sweep) -> None:
    """Every value of every axis must give a configuration that can be trained."""
    if (sweep.metric == "accuracy") != (sweep.dataset.task == "classification") and (
        sweep.metric != "loss"
    ):
        raise ValueError(
            f"sweep.metric is {sweep.metric!r}, but {sweep.dataset.name} is a "
            f"{sweep.dataset.task} set: use {'rmse' if sweep.metric == 'accuracy' else 'accuracy'}."
        )
    for key, choices in sweep.settings.axes.items():
        values = [choices.low, choices.high] if isinstance(choices, Range) else choices
        for value in values:
            value = round(value) if isinstance(choices, Range) and choices.whole else value
            try:
                check_parts(sweep.cell({key: value}, 0).setup)
            except ValueError as error:
                raise ValueError(f"sweep.axes {key!r}: {error}") from None


def trials_of(sweep: Sweep) -> list[dict[str, Any]]:
    """The configurations of a grid, or those drawn at random: the n-th is always the same."""
    axes = sweep.settings.axes
    if sweep.settings.method == "grid":
        lists = [choices if isinstance(choices, list) else [] for choices in axes.values()]
        return [dict(zip(axes, values, strict=True)) for values in itertools.product(*lists)]
    return [
        {key: _drawn(choices, sweep, number, key) for key, choices in axes.items()}
        for number in range(sweep.settings.trials)
    ]


def _drawn(choices: list[Any] | Range, sweep: Sweep, number: int, key: str) -> Any:
    rng = np.random.default_rng(seed_from("random", sweep.base.get("seed", 0), number, key))
    if isinstance(choices, Range):
        return choices.draw(rng)
    return choices[int(rng.integers(len(choices)))]


def run_sweep(sweep: Sweep, told: Told | None = None, threads: int = 0) -> list[Trial]:
    """Train every configuration that is not kept yet; returns them, best first.

    Raises:
        ValueError: if data or settings can't be used.
        KeyboardInterrupt: after Ctrl-C; what is finished is kept.
    """
    is_guided = sweep.settings.method == "tpe"
    shown = None if is_guided else told  # a guided search tells of trials instead of cells
    runner = Runner(Store(sweep.out / "cells"), shown, threads=threads)
    if is_guided:
        from glassnet.experiments.tpe import run_tpe

        trials = run_tpe(sweep, runner, told)
    else:
        changes = trials_of(sweep)
        seeds = range(sweep.settings.seeds)
        cells = [sweep.cell(change, repetition) for repetition in seeds for change in changes]
        scores = [sweep.score(record) for record in runner.run(cells)]
        trials = [
            Trial(change, tuple(scores[index :: len(changes)]))
            for index, change in enumerate(changes)
        ]
    return ranked(trials, sweep.smaller_is_better)


def ranked(trials: Sequence[Trial], smaller_is_better: bool) -> list[Trial]:
    """Best first; pruned ones and those that broke down at the end.

    >>> [t.mean for t in ranked([Trial({}, (0.5,)), Trial({}, (0.9,)), Trial({}, ())], False)]
    [0.9, 0.5, nan]
    """
    sign = 1.0 if smaller_is_better else -1.0

    def place(trial: Trial) -> tuple[bool, float]:
        lost = trial.pruned or not math.isfinite(trial.mean)
        return lost, sign * trial.mean if math.isfinite(trial.mean) else 0.0

    return sorted(trials, key=place)


# What is written.


def write_sweep(sweep: Sweep, trials: Sequence[Trial]) -> dict[str, Any]:
    """Write table, figure and best configuration; returns what results.json holds.

    Raises:
        ValueError: if no configuration could be trained.
    """
    best = trials[0]
    if not math.isfinite(best.mean):
        raise ValueError(
            "No configuration could be trained to its end: the loss was no longer a number in any. "
            "Try smaller learning rates."
        )
    out = sweep.out
    best_path = out / "best.toml"
    write_atomically(best_path, to_toml(sweep.config(best.changes)), overwrite=True)
    figure = _draw(sweep, trials)
    facts = {
        "metric": f"validation {sweep.metric}",
        "method": sweep.settings.method,
        "seeds": sweep.settings.seeds,
        "trials": [trial.facts() for trial in trials],
        "best": {**best.facts(), "config": str(best_path)},
        "figure": None if figure is None else str(figure),
        "folder": str(out),
    }
    write_atomically(out / "results.json", json.dumps(facts, indent=1) + "\n", overwrite=True)
    write_atomically(out / "README.md", _markdown(sweep, trials, figure), overwrite=True)
    return facts


def table(sweep: Sweep, trials: Sequence[Trial]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: a configuration a row, best first."""
    keys = list(sweep.settings.axes)
    rows = [
        [*(label_of(trial.changes[key]) for key in keys), _scores(trial), _note(trial)]
        for trial in trials
    ]
    return [*keys, f"validation {sweep.metric}", ""], rows


def _scores(trial: Trial) -> str:
    if not math.isfinite(trial.mean):
        return "–"
    return (
        f"{trial.mean:.4f} ± {trial.spread:.4f}" if len(trial.scores) > 1 else f"{trial.mean:.4f}"
    )


def _note(trial: Trial) -> str:
    return "pruned" if trial.pruned else "" if math.isfinite(trial.mean) else "broke down"


def _draw(sweep: Sweep, trials: Sequence[Trial]) -> Path | None:
    """A heat map of a grid over two axes."""
    from glassnet import plots

    lists = list(sweep.settings.axes.items())
    if sweep.settings.method != "grid" or len(lists) != 2:
        return None
    (row_key, rows), (column_key, columns) = lists
    rows, columns = list(rows), list(columns)
    grid = np.full((len(rows), len(columns)), np.nan)
    for trial in trials:
        grid[rows.index(trial.changes[row_key]), columns.index(trial.changes[column_key])] = (
            trial.mean
        )
    labels = [label_of(value) for value in rows], [label_of(value) for value in columns]
    measure = f"validation {sweep.metric}, mean of {sweep.settings.seeds} seeds"
    figure = heatmap(grid, labels, (row_key, column_key), measure)
    for kind in ("svg", "png"):
        path = plots.save(figure, sweep.out / "figures" / f"heatmap.{kind}", overwrite=True)
    return path


def _markdown(sweep: Sweep, trials: Sequence[Trial], figure: Path | None) -> str:
    head, rows = table(sweep, trials)
    seeds = sweep.settings.seeds
    parts = [
        f"# A sweep on {sweep.dataset.name}",
        f"{len(trials)} configurations ({sweep.settings.method}), {seeds} seeds each: validation "
        f"{sweep.metric} as mean ± standard deviation, best first.",
        f"`glassnet train {sweep.out / 'best.toml'}` trains the best one and scores it on the test "
        "part, which the sweep has not looked at.",
        markdown_table(Table("", head, rows)).strip(),
    ]
    if figure is not None:
        parts.append("![Scores over both axes](figures/heatmap.png)")
    return "\n\n".join(parts) + "\n"
