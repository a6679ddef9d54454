"""Seconds beside other frameworks: which work is timed, and what becomes of the timings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from glassnet.bench.results import Timing, WorkloadResult
from glassnet.bench.worker import ContenderFailed
from glassnet.bench.workloads import Workload
from glassnet.experiments import speed
from glassnet.experiments.cells import expand
from glassnet.experiments.results import Results
from glassnet.experiments.rows import load_rows
from glassnet.experiments.specification import Experiment
from glassnet.experiments.work import digest, prepared

DEEP = """
beside = ["torch"]
network.batch_norm = true
network.dropout = 0.2
training.optimizer = { name = "momentum", momentum = 0.5 }
training.batch_size = 16
"""


def parts(experiment: Experiment) -> tuple[Any, Any, Any]:
    cell = expand(experiment)[-1]
    rows = load_rows(cell.setup)
    return cell, prepared(cell, rows), rows


def test_the_work_is_that_of_the_cell(load: Callable[..., Experiment]) -> None:
    cell, recipe, rows = parts(load(DEEP))
    assert cell.alone
    work = speed.epoch_of(recipe, len(rows.dataset.train), cell.beside)
    assert work.network.sizes == (4, 4, 3)
    assert (work.network.batch_norm, work.network.dropout) == (True, 0.2)
    assert (work.optimizer.name, work.optimizer.learning_rate) == ("momentum", 0.1)
    assert work.optimizer.momentum == 0.5
    assert (work.rows, work.batch) == (112, 16)  # 120 in whole batches
    assert [target.against for target in work.targets] == ["torch"]


def test_seconds_of_the_fastest_variant(
    load: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Workload] = []

    def timed(workload: Workload, runs: int) -> WorkloadResult:
        asked.append(workload)
        result = WorkloadResult(workload.name, "", workload.unit)
        values = {"ours": [[1.0, 2.0, 3.0]], "torch": [[9.0] * 3, [4.0] * 3]}
        result.timings = [
            Timing(name, name, f"{number + 1} cores", own)
            for name, variants in values.items()
            for number, own in enumerate(variants)
        ]
        return result

    monkeypatch.setattr(speed, "run_workload", timed)
    _, recipe, rows = parts(load(DEEP))
    found = speed.measure(recipe, rows, ["torch", "jax"])
    assert [(work.measure, work.batch) for work in asked] == [("train", 16), ("predict", 30)]
    assert (found["epoch"]["ours"], found["epoch"]["torch"]) == (7 * 2.0, 7 * 4.0)
    assert found["predict"]["torch"] == 4.0
    assert math.isnan(found["epoch"]["jax"])
    assert found["variant"]["torch"] == "2 cores"


def test_a_machine_on_which_nothing_can_be_timed(
    load: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(workload: Workload, runs: int) -> WorkloadResult:
        raise ContenderFailed("its process ended with status 1")

    monkeypatch.setattr(speed, "run_workload", failed)
    _, recipe, rows = parts(load(DEEP))
    with pytest.raises(ValueError, match=r"can't be measured here: its process ended"):
        speed.measure(recipe, rows, ["torch"])


def test_a_framework_that_comes_later_is_measured_then(
    load: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, _, rows = parts(load(DEEP))
    digests = set()
    for installed in ({}, {"torch": "2.0"}, {"torch": "2.1"}):
        monkeypatch.setattr(speed, "versions_of", lambda names, found=installed: found)
        digests.add(digest(cell, rows))
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("network.activation = 'elu'\n", "beside times no activation 'elu'"),
        ("training.optimizer = 'rmsprop'\n", "beside times no optimizer 'rmsprop'"),
        ("training.loss = 'mse'\n", "beside times no loss 'mse'"),
        ("network.layer_norm = true\n", "no layer norm"),
    ],
)
def test_other_work_is_refused(load: Callable[..., Experiment], more: str, message: str) -> None:
    _, recipe, rows = parts(load("beside = ['torch']\n" + more))
    with pytest.raises(ValueError, match=message):
        speed.epoch_of(recipe, len(rows.dataset.train), ["torch"])


def test_a_framework_has_to_be_known(load: Callable[..., Experiment]) -> None:
    with pytest.raises(ValueError, match="beside is 'tork': it should be 'torch'"):
        load("beside = ['tork']\n")


@pytest.mark.peers
def test_ours_and_torch_are_timed(load: Callable[..., Experiment]) -> None:
    pytest.importorskip("torch")
    _, recipe, rows = parts(load(DEEP))
    found = speed.measure(recipe, rows, ["torch"])
    for what in ("epoch", "predict"):
        assert 0 < found[what]["ours"] < 10
        assert 0 < found[what]["torch"] < 10
    assert found["notes"] == []


def test_results_know_the_path(load: Callable[..., Experiment]) -> None:
    from glassnet.experiments.measures import Quantity

    record = {
        "cell": {"rate": "0.1"},
        "repetition": 0,
        "history": [{"val_accuracy": 0.5}],
        "diverged": None,
        "measured": {"speed": {"epoch": {"ours": 0.5, "torch": math.nan}}},
    }
    results = Results(load(), [record])
    sample = results.sample(Quantity(of="speed.epoch.ours", cell={"rate": 0.1}))
    assert sample.values == (0.5,)
    assert Quantity().show(results.sample(Quantity(of="speed.epoch.torch")).mean) == "–"
