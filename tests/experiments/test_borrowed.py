"""A cell that two experiments have is trained in one of them, and read in both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glassnet.experiments import reproduce
from glassnet.experiments.specification import load_paper

PAPER = """
title = "Two experiments"
authors = "A"
experiments = ["best", "rates"]
base.data = { source = "iris", splits = [{ part = "test", share = 0.2 }] }
base.network.layers = [4]
base.training = { epochs = 1, learning_rate = 0.1 }
"""
BEST = """
title = "The best"
seeds = 2
quick.seeds = 1
"""
RATES = """
title = "Rates"
seeds = 2
borrowed = [{ cell = { rate = 0.1 }, experiment = "best" }]
axes.rate = { key = "training.learning_rate", values = [0.001, 0.1, 0.2] }
[quick]
seeds = 1
[[targets]]
id = "rates"
title = "Rates"
table = { rows = "rate" }
"""


def folder_of(tmp_path: Path, **changed: str) -> Path:
    folder = tmp_path / "p"
    folder.mkdir()
    for name, text in {"paper": PAPER, "best": BEST, "rates": RATES, **changed}.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


@pytest.mark.parametrize("only", [[], ["rates"]])
def test_it_is_trained_once_and_read_in_both(tmp_path: Path, only: list[str]) -> None:
    done = reproduce(load_paper(folder_of(tmp_path)), tmp_path / "out", only=only)
    assert done.trained == 6
    (target,) = done.facts["targets"]
    assert target["trainings"] == 4
    assert [row["label"] for row in target["table"]["rows"]] == ["0.001", "0.1", "0.2"]
    kept = [json.loads(p.read_text()) for p in (tmp_path / "out/cells/p/best").glob("*.json")]
    ends = sorted(record["history"][-1]["val_accuracy"] for record in kept)
    assert len(ends) == 2
    found = target["table"]["rows"][1]["entries"][0]["found"]
    assert found.startswith(f"{sum(ends) / 2:.4f} ± ")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"best": BEST + "training.batch_size = 8\n"}, "another set-up; a borrowed cell is"),
        (
            {"best": BEST + "[quick]\nset = { 'training.batch_size' = 8 }\n"},
            "another set-up in the quick run",
        ),
        (
            {"best": BEST + "axes.size = { key = 'training.batch_size', values = [8, 16] }\n"},
            r"best trains 2 cells at \{\}, expected one",
        ),
        ({"rates": RATES.replace('"best"', '"bets"')}, "no experiment 'bets'. Did you mean 'best'"),
        ({"rates": RATES.replace("cell = { rate = 0.1 }", "cell = {}")}, "a point on each axis"),
        ({"rates": RATES.replace("rate = 0.1 }", "rate = 0.3 }")}, "there is no point '0.3'"),
    ],
)
def test_a_cell_that_is_not_the_same_is_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    if "[quick]" in changed.get("best", ""):
        changed = {"best": changed["best"].replace("quick.seeds = 1\n", "")}
    with pytest.raises(ValueError, match=message) as caught:
        load_paper(folder_of(tmp_path, **changed))
    assert "p/rates.toml: borrowed.0" in str(caught.value)
