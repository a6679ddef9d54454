"""`glassnet sweep` on iris, end to end."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.experiments.sweep import SweepSettings, load_sweep, trials_of

Cli = Callable[..., Any]

RUN = """
[data]
source = "iris"
[network]
layers = [4]
[training]
epochs = 3
"""
GRID = """
[sweep]
seeds = 2
[sweep.axes]
"training.learning_rate" = [0.0001, 0.05]
"network.layers" = [[4], [8, 4]]
"""
RANDOM = """
[sweep]
method = "random"
trials = 3
seeds = 1
[sweep.axes]
"training.learning_rate" = { low = 1e-3, high = 0.1, log = true }
"network.activation" = ["relu", "tanh"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str) -> Path:
        path = tmp_path / "run.toml"
        path.write_text(text)
        return path

    return write


def test_a_grid_is_ranked_drawn_and_ready_to_train(cli: Cli, file: Callable[..., Path]) -> None:
    facts = cli("sweep", file(RUN + GRID), "--out", "s", "--json").json
    means = [trial["mean"] for trial in facts["trials"]]
    assert means == sorted(means, reverse=True)
    assert len(means) == 4
    for trial in facts["trials"]:
        assert trial["mean"] == pytest.approx(np.mean(trial["scores"]))
        assert trial["std"] == pytest.approx(np.std(trial["scores"], ddof=1))
    assert facts["best"]["settings"]["training.learning_rate"] == 0.05
    assert Path("s/figures/heatmap.svg").is_file()
    table = Path("s/README.md").read_text()
    assert "| training.learning_rate | network.layers | validation accuracy |" in table

    ran = cli("train", "s/best.toml", "--out", "best", "--json")
    assert ran.code == 0
    assert ran.json["test"]["rows"] == 30
    best = facts["best"]["settings"]
    assert f"layers = {best['network.layers']}" in Path("best/config.toml").read_text()

    before = {p: p.stat().st_mtime_ns for p in Path("s/cells").rglob("*.json")}
    assert len(before) == 8
    cli("sweep", file(RUN + GRID), "--out", "s")
    assert {p: p.stat().st_mtime_ns for p in Path("s/cells").rglob("*.json")} == before


def test_validation_rows_are_shared_and_the_test_part_is_that_of_train(
    cli: Cli, file: Callable[..., Path]
) -> None:
    from glassnet.experiments.rows import load_rows
    from glassnet.runs.config import read_config
    from glassnet.runs.recipe import hold_out_test, load_data

    sweep = load_sweep(file(RUN + GRID))
    first, second = trials_of(sweep)[0], trials_of(sweep)[-1]
    rows = [load_rows(sweep.cell(c, k).setup) for c, k in ((first, 0), (second, 0), (first, 1))]
    np.testing.assert_array_equal(rows[0].watched.x, rows[1].watched.x)
    assert (rows[0].watched.x != rows[2].watched.x).any()
    config = read_config({"data": {"source": "iris"}})
    _, dataset = hold_out_test(config, load_data(config))
    assert dataset.test is not None
    for each in rows:
        assert each.dataset.test is not None
        np.testing.assert_array_equal(each.dataset.test.x, dataset.test.x)


def test_random_draws_stay_when_more_are_asked(file: Callable[..., Path]) -> None:
    few = trials_of(load_sweep(file(RUN + RANDOM)))
    more = trials_of(load_sweep(file(RUN + RANDOM.replace("trials = 3", "trials = 5"))))
    assert more[:3] == few
    rates = [trial["training.learning_rate"] for trial in more]
    assert len(set(rates)) == 5
    assert all(1e-3 <= rate <= 0.1 for rate in rates)


@pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="needs the extra optuna")
def test_a_guided_search_goes_on_where_it_was(cli: Cli, file: Callable[..., Path]) -> None:
    text = RUN + RANDOM.replace('"random"', '"tpe"')
    assert len(cli("sweep", file(text), "--out", "s", "--json").json["trials"]) == 3
    more = text.replace("trials = 3", "trials = 4")
    facts = cli("sweep", file(more), "--out", "s", "--json").json
    assert len(facts["trials"]) == 4
    assert json.loads(Path("s/results.json").read_text()) == facts


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[sweep]", "[swep]", "Unknown key swep (value"),
        ("seeds = 2", "seed = 2", "[sweep]: Unknown key seed (value 2). Did you mean 'seeds'?"),
        ("training.learning_rate", "training.lerning_rate", "Did you mean 'learning_rate'?"),
        ("[0.0001, 0.05]", "{ low = 0.1, high = 1 }", "a grid needs a list of values"),
        ("[0.0001, 0.05]", "[0.1, -1]", "training.learning_rate is -1: it should be greater"),
        ("seeds = 2", "seeds = 2\nmetric = 'rmse'", "iris is a classification set: use accuracy"),
        ('source = "iris"', 'source = "irish"', "Did you mean 'iris'?"),
        (GRID, "[[sweep]]\nseeds = 2", "sweep is [{'seeds': 2}]: expected a table"),
    ],
)
def test_mistakes_are_told(
    refused: Callable[..., str], file: Callable[..., Path], old: str, new: str, expected: str
) -> None:
    assert expected in refused("sweep", file((RUN + GRID).replace(old, new)))


@pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="needs the extra optuna")
@pytest.mark.parametrize("url", ["foo", "sqlite:////none/x.db", "nosuch://me:secret@host/name"])
def test_a_storage_that_cannot_be_opened_is_told(
    refused: Callable[..., str], file: Callable[..., Path], url: str
) -> None:
    text = RUN + RANDOM.replace('"random"', f'"tpe"\nstorage = "{url}"')
    said = refused("sweep", file(text))
    assert "sweep.storage can't be opened" in said
    assert "secret" not in said


def test_tpe_without_optuna_says_what_to_install(
    refused: Callable[..., str], file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    path = file(RUN + RANDOM.replace('"random"', '"tpe"'))
    assert "pip install 'glassnet[optuna]'" in refused("sweep", path)


def test_the_documentations_example(cli: Cli, file: Callable[..., Path], tmp_path: Path) -> None:
    """docs/sweeps.md: a table of one's own, then the best configuration on the test part."""
    page = (Path(__file__).parents[2] / "docs/sweeps.md").read_text()
    text = page.split("```toml\n")[1].split("```")[0]
    iris = gn.data.load("iris")
    names = np.array(iris.classes)[iris.train.y]
    lines = ["a,b,c,d,species"]
    lines += [
        ",".join([*map(str, row), name]) for row, name in zip(iris.train.x, names, strict=True)
    ]
    (tmp_path / "flowers.csv").write_text("\n".join(lines) + "\n")
    facts = cli("sweep", file(text.replace("epochs = 30", "epochs = 2")), "--json").json
    assert facts["folder"] == "runs/sweep-run"
    assert len(facts["trials"]) == 9
    assert Path("runs/sweep-run/figures/heatmap.png").is_file()
    assert cli("train", facts["best"]["config"], "--out", "best").code == 0


def test_the_documentations_defaults() -> None:
    settings = SweepSettings(axes={"seed": [0]})
    page = (Path(__file__).parents[2] / "docs/sweeps.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `?\"?([\w.]+)\"?`? \|", page, re.MULTILINE))
    assert rows == {
        "method": settings.method,
        "trials": str(settings.trials),
        "seeds": str(settings.seeds),
        "validation": str(settings.validation),
        "prune": str(settings.prune).lower(),
    }
