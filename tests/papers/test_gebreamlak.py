"""Gebreamlak and Ordoñez: cells of Table I to the digit, and a cut-down run of the whole paper."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
from glassnet import papers
from glassnet.data import Dataset, Part
from glassnet.experiments.cells import expand
from glassnet.experiments.reproduce import reproduce
from glassnet.experiments.rows import Rows, load_rows
from glassnet.experiments.specification import Paper
from glassnet.experiments.work import run_cell
from glassnet.papers.gebreamlak.parts import first_36, rounded

NAME = "gebreamlak"
needs_mnist = pytest.mark.skipif(
    not os.environ.get("GLASSNET_DATA"), reason="needs MNIST: set GLASSNET_DATA"
)


@needs_mnist
def test_table_1_after_100_epochs_at_a_tenth() -> None:
    neuron = papers.load(NAME).experiments[0]
    cell = next(cell for cell in expand(neuron) if cell.labels["rate"] == "0.1")
    training = cell.setup.training.model_copy(update={"epochs": 100})
    cell.setup.training = training
    record = run_cell(cell, load_rows(cell.setup), threading.Event())
    assert record is not None
    assert 100 * record["history"][-1]["val_accuracy"] == pytest.approx(98.19, abs=0.06)
    assert record["setup"]["network"]["dtype"] == "float64"


def cut_down(paper: Paper) -> Paper:
    """One repetition on a thousand images, and few epochs where no claim is judged."""
    experiments = []
    for experiment in paper.experiments:
        few = {**experiment.quick.set, "training.epochs": 100, "data.rows": 1000}
        if experiment.id not in ("neuron", "rates"):
            few["training.epochs"] = 3
        quick = experiment.quick.model_copy(update={"seeds": 1, "set": few})
        experiments.append(experiment.model_copy(update={"quick": quick}))
    return paper.model_copy(update={"experiments": experiments})


@needs_mnist
def test_all_of_it_cut_down(tmp_path: Path) -> None:
    paper = cut_down(papers.load(NAME))
    done = reproduce(paper, tmp_path, quick=True)
    facts = json.loads((tmp_path / NAME / "results.json").read_text())
    claims = {claim["text"]: claim for target in facts["targets"] for claim in target["claims"]}
    assert done.trained == sum(len(expand(e, True)) for e in paper.experiments)
    tied = "At 0.01 all images have several digits with the same rounded probability"
    assert claims[tied]["verdict"] == "holds"
    mistyped = facts["targets"][0]["table"]["rows"][3]["entries"][0]
    assert mistyped["published"] == "899.1"
    for figure in ("figures-4-5-2", "figures-7-8", "figure-9", "another-layer"):
        assert (tmp_path / NAME / "figures" / f"{figure}.png").stat().st_size > 1000


def certain(probabilities: np.ndarray, y: np.ndarray) -> tuple[gn.Network, Rows]:
    """A network that gives each of some rows these probabilities, and the rows."""
    count, classes = probabilities.shape
    network = gn.Network([gn.Dense(classes, "zeros", use_bias=False)], (count,))
    network.parameters["layers.0.weight"].value[...] = np.log(probabilities)
    x = np.eye(count, dtype=np.float32)
    network.fit(x, y, loss="cross_entropy", optimizer=gn.SGD(1e-12), epochs=1)
    part = Part(x, y)
    return network, Rows(Dataset("made up", part, part, classes=("0", "1", "2")), part)


def test_rounded_takes_the_first_of_digits_that_round_to_the_same() -> None:
    probabilities = np.array(
        [[0.1, 0.8, 0.1], [0.36, 0.38, 0.26], [0.32, 0.44, 0.24], [0.6, 0.3, 0.1]]
    )
    network, rows = certain(probabilities, np.array([1, 0, 1, 0]))
    assert rounded(network, rows, 100) == {"rounded_accuracy": 1.0, "tied": 0.25}
    assert rounded(network, rows, 99) == {}
    assert first_36(network, rows, 1) == {"wrong_of_36": 1.0}
