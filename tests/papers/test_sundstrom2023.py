"""Sundström and Raittila 2023: a cut-down run of most of it, and what is only its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import papers
from glassnet.experiments.reproduce import reproduce
from glassnet.experiments.results import Results
from glassnet.experiments.specification import Paper
from glassnet.papers.sundstrom2023.checks import OneClass, largest_jump

NAME = "sundstrom2023"
TARGETS = (
    "figures-2-7",
    "jumps",
    "momentum-or-rate",
    "figure-11",
    "batch-or-rate",
    "figure-10",
    "figure-12",
    "figure-14",
    "start",
    "time",
    "frameworks",
)
FASTEST = "Batch 1 is fastest in the beginning, batch 50 slowest: accuracy after the first epoch"


def cut_down(paper: Paper) -> Paper:
    """One repetition of two epochs on a few thousand rows."""
    keys = {"training.epochs": 2, "data.test_rows": 1000}
    experiments = []
    for experiment in paper.experiments:
        rows = 500 if experiment.id == "cifar" else 5000  # a hundred steps of 50
        few = {**experiment.quick.set, **keys, "data.rows": rows}
        quick = experiment.quick.model_copy(update={"seeds": 1, "set": few})
        experiments.append(experiment.model_copy(update={"quick": quick}))
    return paper.model_copy(update={"experiments": experiments})


@pytest.mark.skipif(
    not os.environ.get("GLASSNET_DATA"), reason="needs the data sets: set GLASSNET_DATA"
)
def test_a_cut_down_run(tmp_path: Path) -> None:
    with np.errstate(all="ignore"):
        done = reproduce(cut_down(papers.load(NAME)), tmp_path, only=TARGETS, quick=True)
    facts = json.loads((tmp_path / NAME / "results.json").read_text())
    claims = {claim["text"]: claim for target in facts["targets"] for claim in target["claims"]}
    assert done.trained == 33
    assert claims[FASTEST]["verdict"] == "holds"
    for figure in ("figure-10", "figure-12-2", "figure-14-3", "figures-2-7", "jumps-1"):
        assert (tmp_path / NAME / "figures" / f"{figure}.png").stat().st_size > 1000


def test_equal_starts_and_the_switch() -> None:
    from glassnet.experiments.cells import expand

    paper = papers.load(NAME)
    cells = {e.id: expand(e) for e in paper.experiments}
    mnist = [cells[name] for name in ("rate", "momentum", "batch", "steps", "phases")]
    first = {cell.start_seed for grid in mnist for cell in grid if cell.repetition == 0}
    assert len(first) == 1
    (switch,) = cells["phases"][0].setup.phases
    assert (switch["start"], switch["batch_size"], switch["learning_rate"]) == (25, 50, 0.71)


# The paper's own check.


def record(accuracy: list[float], **recall: list[float]) -> dict[str, Any]:
    history = [
        {"val_accuracy": a, **{f"recall.{k}": curve[n] for k, curve in recall.items()}}
        for n, a in enumerate(accuracy)
    ]
    return {"cell": {}, "repetition": 0, "history": history, "diverged": None, "measured": {}}


JUMP = record(
    [0.1, 0.3, 0.31, 0.41], zero=[0.1, 0.5, 0.5, 0.5], one=[0.1, 0.1, 0.1, 0.32], two=[0.1] * 4
)


def test_the_largest_jump_and_its_class() -> None:
    first = largest_jump(JUMP)
    assert (first.epoch, first.name, first.before, first.after) == (2, "zero", 0.1, 0.5)
    later = largest_jump(JUMP, from_epoch=2)
    assert (later.epoch, later.name) == (4, "one")
    assert later.gain == pytest.approx(0.1)
    assert later.share == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        ([0.1, 0.5], "held"),
        ([0.1, 0.29], "failed"),  # the other class rose more
    ],
)
def test_one_class_makes_the_jump_or_not(one: list[float], verdict: str) -> None:
    check = OneClass(share=0.6)
    assert check.judge(results_of(record([0.1, 0.5], one=one, two=[0.1, 0.3]))).verdict == verdict


def test_without_a_jump_there_is_nothing_to_explain() -> None:
    outcome = OneClass().judge(results_of(record([0.1, 0.11], one=[0.1, 0.12])))
    assert (outcome.verdict, outcome.found) == ("failed", "0 of 0 jumps")


def results_of(*records: dict[str, Any]) -> Results:
    (experiment,) = [e for e in papers.load(NAME).experiments if e.id == "steps"]
    return Results(experiment, list(records))
