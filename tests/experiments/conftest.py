"""Experiments small enough to be trained in a test, and records that never were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glassnet.experiments.results import Results
from glassnet.experiments.specification import Experiment, load_experiment

SMALL = """
title = "Rates on iris"
seeds = 2
data = { source = "iris", splits = [{ part = "test", share = 0.2 }] }
network.layers = [4]
training.epochs = 2
axes.rate = { key = "training.learning_rate", values = [0.001, 0.1] }
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write an experiment's file; `more` is appended to the small one."""

    def write_file(more: str = "", text: str = SMALL) -> Path:
        path = tmp_path / "small.toml"
        path.write_text(text + more)
        return path

    return write_file


@pytest.fixture
def load(write: Callable[..., Path]) -> Callable[..., Experiment]:
    return lambda *arguments: load_experiment(write(*arguments), "p")


@pytest.fixture
def made_up(load: Callable[..., Experiment]) -> Callable[..., Results]:
    """Results with these histories: by point of the axis `rate`, a column a repetition."""

    def make(**curves: list[list[float]]) -> Results:
        labels = {"low": "0.001", "high": "0.1"}
        records: list[dict[str, Any]] = [
            {
                "cell": {"rate": labels[name]},
                "repetition": repetition,
                "history": [
                    {"epoch": epoch, "val_accuracy": value}
                    for epoch, value in enumerate(curve, start=1)
                ],
                "diverged": None,
                "measured": {},
            }
            for name, repetitions in curves.items()
            for repetition, curve in enumerate(repetitions)
        ]
        return Results(load(), records)

    return make
