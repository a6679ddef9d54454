"""Twins: equal weights and batches give equal losses in other frameworks; others don't."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from glassnet.experiments.cells import expand
from glassnet.experiments.rows import load_rows
from glassnet.experiments.specification import load_experiment
from glassnet.experiments.twins import difference, train_twin, twin_class
from glassnet.experiments.work import prepared

FRAMEWORKS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(name) is None, reason=f"{name} is not installed"
        ),
    )
    for name in ("torch", "keras")
]
CASES = {
    "squared error, sigmoid, momentum": """
        network.layers = [5]
        network.activation = "sigmoid"
        network.output_activation = "sigmoid"
        training.loss = "squared_error"
        training.optimizer = { name = "momentum", learning_rate = 0.5 }
        """,
    "summed squares, full batch, plain": """
        network.layers = [5]
        training.loss = { name = "mse", reduction = "sum" }
        training.optimizer = { name = "sgd", learning_rate = 1e-4 }
        training.batch_size = "full"
        """,
    "cross-entropy, batch norm, Adam, schedule": """
        network.layers = [6, 5]
        network.activation = "tanh"
        network.batch_norm = true
        training.optimizer = { name = "adam", learning_rate = 0.01 }
        training.schedule = "cosine"
        """,
    "one output, phases": """
        data.positive = "setosa"
        network.layers = [4]
        training.loss = "binary_cross_entropy"
        training.optimizer = { name = "sgd", learning_rate = 0.1 }
        training.batch_size = 8
        phases = [{ start = 2, batch_size = 20, learning_rate = 0.3 }]
        """,
}


def recipe(tmp_path: Path, case: str) -> Any:
    path = tmp_path / "case.toml"
    head = """
        title = "t"
        data.source = "iris"
        data.splits = [{ part = "test", share = 0.3 }]
        training.epochs = 4
        network.dtype = "float64"
        """
    path.write_text(head + case)
    cell = expand(load_experiment(path))[0]
    return prepared(cell, load_rows(cell.setup)), prepared(cell, load_rows(cell.setup))


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_twins_learn_the_same(tmp_path: Path, framework: str, case: str) -> None:
    ours, theirs = recipe(tmp_path, case)
    history = ours.fit()
    twin = train_twin(twin_class(framework), theirs)
    # Keras keeps learning rates in float32, has Adam's ε elsewhere, and its batch norm's running
    # variance divides by n.
    limit, held = 1e-9, 1e-8
    if framework == "keras":
        limit, held = (1e-4 if "adam" in case else 1e-6), (1e-2 if "batch_norm" in case else 1e-6)
    assert difference(history, twin)["relative_difference"] < limit
    assert twin[-1]["val_loss"] == pytest.approx(history[-1]["val_loss"], rel=held)
    assert twin[-1]["val_accuracy"] == pytest.approx(history[-1]["val_accuracy"], abs=0.03)


@pytest.mark.peers
def test_other_batches_are_noticed(tmp_path: Path) -> None:
    case = CASES["squared error, sigmoid, momentum"]
    ours, theirs = recipe(tmp_path, case)
    ours.network.seed += 1  # which decides the order of rows
    history = ours.fit()
    twin = train_twin(twin_class("torch"), theirs)
    assert difference(history, twin)["largest_difference"] > 1e-4


@pytest.mark.peers
def test_what_a_twin_can_not_have_is_refused(tmp_path: Path) -> None:
    _, normed = recipe(tmp_path, "network.layers = [4]\nnetwork.layer_norm = true\n")
    with pytest.raises(ValueError, match="A twin has no layer 'LayerNorm'"):
        train_twin(twin_class("torch"), normed)


@pytest.mark.peers
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_dropout_is_drawn_anew_but_as_often(tmp_path: Path, framework: str) -> None:
    case = """
        network.layers = [64, 64]
        network.dropout = {rate}
        training.optimizer = {{ name = "adam", learning_rate = 0.01 }}
        """
    losses = {}
    for rate in (0.0, 0.5):
        ours, theirs = recipe(tmp_path, case.format(rate=rate))
        history = ours.fit()
        losses[rate] = history[-1]["loss"], train_twin(twin_class(framework), theirs)[-1]["loss"]
    assert losses[0.0][0] == pytest.approx(losses[0.0][1], rel=0.01)  # Keras has Adam's ε elsewhere
    assert losses[0.5][0] != pytest.approx(losses[0.5][1], rel=0.01)
    added = [with_it - without for with_it, without in zip(losses[0.5], losses[0.0], strict=True)]
    assert added[0] == pytest.approx(added[1], rel=0.6)
    assert min(added) > 0.02
