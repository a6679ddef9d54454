"""What a cell's record holds, checked against the network itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.experiments import columns
from glassnet.experiments.cells import expand
from glassnet.experiments.measures import Measure
from glassnet.experiments.observers import dead_units, gradient_norms
from glassnet.experiments.results import read
from glassnet.experiments.rows import load_rows
from glassnet.experiments.specification import Experiment
from glassnet.experiments.work import run_cell

EVERYTHING = """
[record]
each_epoch = [
  "train", "test", "classes_predicted", "recall_by_class", "dead_units", "gradient_norms"
]
scores = true
predictions = 5
mistakes = 5
predict_seconds = true
model = true
"""


def trained(experiment: Experiment, model: Path | None = None) -> tuple[Any, Any]:
    cell = expand(experiment)[-1]
    rows = load_rows(cell.setup)
    record = run_cell(cell, rows, threading.Event(), model)
    assert record is not None
    return record, rows


def test_the_record_is_about_the_network(load: Callable[..., Experiment], tmp_path: Path) -> None:
    record, rows = trained(load(EVERYTHING), tmp_path / "model.safetensors")
    network = gn.load(tmp_path / "model.safetensors")
    part = rows.watched
    said = network.predict(part.x)
    last = record["history"][-1]
    accuracy = (said == part.y).mean()
    assert last["val_accuracy"] == last["test_accuracy"] == pytest.approx(accuracy)
    assert record["measured"]["watched"]["accuracy"] == pytest.approx(accuracy)
    assert record["measured"]["scores"]["accuracy"] == pytest.approx(accuracy)
    train = rows.dataset.train
    assert last["train_accuracy"] == pytest.approx((network.predict(train.x) == train.y).mean())
    assert last["classes_predicted"] == len(np.unique(said))
    assert last["recall.setosa"] == pytest.approx((said[part.y == 0] == 0).mean())
    answers = record["measured"]["predictions"]
    assert [int(np.argmax(a["probabilities"])) for a in answers] == said[:5].tolist()
    wrong = {a["row"] for a in record["measured"]["mistakes"]}
    assert wrong == set(np.flatnonzero(said != part.y)[:5]) or len(wrong) == 5
    assert all(said[row] != part.y[row] for row in wrong)
    assert set(record["measured"]["start"]) == set(last) - {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds",
    }  # fmt: skip
    recall = read(record, Measure(**{"of": "recall", "class": "virginica"}))
    assert recall == pytest.approx((said[part.y == 2] == 2).mean())


def test_recording_more_does_not_change_the_training(load: Callable[..., Experiment]) -> None:
    plain, _ = trained(load())
    watched, _ = trained(load(EVERYTHING))
    for a, b in zip(plain["history"], watched["history"], strict=True):
        assert {k: a[k] for k in ("loss", "val_loss")} == {k: b[k] for k in ("loss", "val_loss")}


def test_losses_after_single_steps_and_then_the_end(load: Callable[..., Experiment]) -> None:
    steps = "record.steps = { from_epoch = 2, count = 3 }\ntraining.batch_size = 16\n"
    record, _ = trained(load(steps))
    losses = record["measured"]["steps"]
    assert len(losses) == 4
    assert record["measured"]["steps_change"] == losses[3] - losses[0] != 0
    assert len(record["history"]) == 1  # the second epoch was broken off
    batches, _ = trained(load(steps.replace("count = 3", "count = 3, on = 'batch'")))
    assert len(batches["measured"]["steps"]) == 3


def test_a_broken_training_is_recorded(load: Callable[..., Experiment]) -> None:
    text = "training.optimizer = 'sgd'\ntraining.loss = 'mse'\nnetwork.init = 'normal'\n"
    text += "axes.huge = { key = 'training.clip_value', values = [] }\n"
    experiment = load(text.split("axes.huge")[0])
    axis = experiment.axes["rate"].model_copy(update={"values": [1e30]})
    record, _ = trained(experiment.model_copy(update={"axes": {"rate": axis}}))
    assert "Lower the learning rate" in record["diverged"]
    assert np.isnan(read(record, Measure()))
    assert read(record, Measure(of="diverged")) == 1


def test_dead_units_are_those_that_never_answer() -> None:
    net = gn.Network([gn.Dense(3), gn.ReLU()], input_shape=(1,))
    net.parameters["layers.0.weight"].value = [[1.0, -1.0, 0.0]]
    net.parameters["layers.0.bias"].value = [0.0, 0.0, -1.0]
    assert dead_units(net, np.array([[1.0], [2.0]]))["dead_units"] == pytest.approx(2 / 3)
    assert dead_units(net, np.array([[1.0], [-2.0]]))["dead_units"] == pytest.approx(1 / 3)


def test_gradient_sizes_by_hand() -> None:
    # J = ½ (2·w − 1)² at w = 2: ∂J/∂w = (4 − 1)·2.
    net = gn.Network([gn.Dense(1, use_bias=False)], input_shape=(1,), dtype="float64")
    net.parameters["layers.0.weight"].value = [[2.0]]
    net.fit(np.zeros((1, 1)), np.zeros(1), loss="squared_error", epochs=1)
    net.parameters["layers.0.weight"].value = [[2.0]]
    assert gradient_norms(net, np.array([[2.0]]), np.array([1.0])) == {"gradient_norm.1": 6.0}


def test_a_paper_adds_columns_of_its_own(
    load: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "OWN", {})

    @columns.own_columns("largest")
    def largest(network: gn.Network, rows: Any, epoch: int) -> dict[str, float]:
        return {"largest_weight": float(np.abs(network.theta).max()), "rows": len(rows.watched)}

    record, rows = trained(load('[record]\neach_epoch = ["largest"]'))
    assert record["measured"]["start"]["rows"] == len(rows.watched)
    assert [epoch["largest_weight"] > 0 for epoch in record["history"]] == [True, True]
    with pytest.raises(ValueError, match="Did you mean 'largest'"):
        load('[record]\neach_epoch = ["larges"]')


def test_more_predictions_than_rows_are_all_rows(load: Callable[..., Experiment]) -> None:
    record, rows = trained(load("record.predictions = 1000"))
    assert len(record["measured"]["predictions"]) == len(rows.watched)


@pytest.mark.parametrize("asked", ['each_epoch = ["recall_by_class"]', "predictions = 3"])
def test_numbers_have_no_classes_to_record(
    load: Callable[..., Experiment], write: Callable[..., Path], tmp_path: Path, asked: str
) -> None:
    np.savez(tmp_path / "n.npz", x=np.arange(40.0).reshape(20, 2), y=np.arange(20.0) / 3)
    text = write().read_text().replace('"iris"', f'"{(tmp_path / "n.npz").as_posix()}"')
    with pytest.raises(ValueError, match=r"which need classes, but the targets of n\.npz are"):
        trained(load(f"[record]\n{asked}\n", text))
