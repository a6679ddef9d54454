"""chen2022 in a cut-down run: all of its cells on a few of CIFAR-10's images, in one epoch."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.data import Dataset, Part, load
from glassnet.experiments import specification, speed
from glassnet.experiments.rows import SOURCES

Cli = Callable[..., Any]
ROWS = 640
BEST = {
    "best-model": "best model",
    "figure-8": "3",
    "figure-9": "256",
    "figure-10": "0.0005",
    "figure-11": "64",
    "figure-12": "0.3",
    "figure-13": "Adam",
    "figure-14": "best",
    "growth": "3 × 256",
    "linear": "best model",
}
"""By target, what the best model is called in its table."""
SECONDS = ["0.250", "0.500", "0.2500", "0.5000"]


def projected() -> Dataset:
    """The first of CIFAR-10's images as 128 numbers; random ones, since PCA takes a minute."""
    data = load("cifar10")
    assert data.test is not None
    basis = np.random.default_rng(0).normal(size=(3072, 128)) / 255

    def part(whole: Part) -> Part:
        return Part((whole.x[:ROWS].reshape(-1, 3072) @ basis).astype(np.float32), whole.y[:ROWS])

    return replace(data, train=part(data.train), test=part(data.test))


@pytest.fixture
def cut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """One epoch and one repetition of the quick run, and no clock."""
    if not os.environ.get("GLASSNET_DATA"):
        pytest.skip("needs the data sets: set GLASSNET_DATA to their folder")
    read = specification.load_experiment

    def cut(*arguments: Any, **options: Any) -> Any:
        experiment = read(*arguments, **options)
        keys = {**experiment.quick.set, "training.epochs": 1}
        quick = experiment.quick.model_copy(update={"seeds": 1, "set": keys})
        return experiment.model_copy(update={"quick": quick})

    seconds = {"ours": 0.25, "torch": 0.5}
    timed = {"epoch": seconds, "predict": seconds}
    monkeypatch.setattr(specification, "load_experiment", cut)
    monkeypatch.setitem(SOURCES, "cifar10-pca128", projected)
    monkeypatch.setattr(speed, "measure", lambda recipe, rows, against: timed)


def test_all_of_chen_cut_down(cli: Cli, cut_down: None) -> None:
    ran = cli("reproduce", "chen2022", "--quick", "--out", "r", "--json")
    paper = ran.json["papers"][0]
    assert ran.code == 0
    assert paper["trained"] == 31
    claims = {target["id"]: target["claims"] for target in paper["targets"]}
    assert len(claims["table-2"]) == 5
    assert claims["figure-8"][0]["detail"].count(";") == 4  # four points, and what they differ by
    facts = json.loads(Path("r/chen2022/results.json").read_text())
    tables = {
        target["id"]: {row["label"]: row["entries"] for row in target["table"]["rows"]}
        for target in facts["targets"]
        if target["table"]
    }
    best = {tables[name][label][0]["found"] for name, label in BEST.items()}
    assert len(best) == 1  # the same training in every figure
    assert [entry["found"] for entry in tables["efficiency"]["3 × 256"]] == SECONDS
    for figure in ("figures-5-6", "figure-7", "figure-14-1", "combinations-1", "growth"):
        for kind in ("png", "svg"):
            assert Path(f"r/chen2022/figures/{figure}.{kind}").stat().st_size > 1000
