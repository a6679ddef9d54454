"""Scripts: the bits of the references, in a process that has NumPy and nothing else."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import numpy as np
import pytest
from networks import random_inputs, random_layers, random_network, targets_for
from registries import our_names
from single_layers import ROWS, single_layer

import glassnet as gn
from glassnet.accelerate import references
from glassnet.layers import LAYERS
from glassnet.losses import LOSSES
from glassnet.optimizers import OPTIMIZERS

SEEDS = range(36)

ALONE = """
import importlib, json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("glassnet", "scipy", "numba", "torch"):
            raise ImportError(f"a script may not import {name}")
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
import numpy as np
for name in json.loads(sys.argv[2]):
    script = importlib.import_module(name)
    x = np.load(f"{sys.argv[1]}/{name}_x.npy")
    results = {"before": script.forward(x)}
    if hasattr(script, "train"):
        results["losses"] = script.train()
        results["theta"] = script.theta
        results["after"] = script.forward(x)
        results["predicted"] = script.predict(x)
    np.savez(f"{sys.argv[1]}/{name}_results.npz", **results)
"""


def run_alone(folder, names):
    """Import these scripts where there is no glassnet, and return what each computes."""
    command = [sys.executable, "-W", "error", "-c", ALONE, str(folder), json.dumps(names)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return {name: np.load(folder / f"{name}_results.npz") for name in names}


def seen_layers(networks):
    return {type(layer).__name__ for network in networks for layer in network.layers}


def test_predictions_are_the_references_bit_for_bit(tmp_path):
    networks, expected = {}, {}
    for seed in SEEDS:
        for dtype in ("float32", "float64"):
            name = f"net_{seed}_{dtype}"
            network = networks[name] = random_network(seed, dtype=dtype, rate=0.3)
            x = random_inputs(network, rows=1 + seed % 7, seed=seed)
            network.to_script(tmp_path / f"{name}.py")
            np.save(tmp_path / f"{name}_x.npy", x)
            with references():
                expected[name] = network.forward(x)
    for number, row in enumerate(ROWS):
        name = f"row_{number}"
        network = networks[name] = single_layer(row)
        network.to_script(tmp_path / f"{name}.py")
        np.save(tmp_path / f"{name}_x.npy", row.draw(6))
        with references():
            expected[name] = network.forward(row.draw(6))
    assert seen_layers(networks.values()) >= set(our_names(LAYERS))
    for name, results in run_alone(tmp_path, list(networks)).items():
        np.testing.assert_array_equal(results["before"], expected[name], err_msg=name)
        assert results["before"].dtype == expected[name].dtype


def trainings():
    """A network a seed, with losses and optimizers in turn: the arguments of `fit`."""
    losses, optimizers = our_names(LOSSES), our_names(OPTIMIZERS)
    for seed in SEEDS:
        shape, layers = random_layers(seed, rate=0.25)
        network = gn.Network(layers, shape, seed=seed)
        loss = losses[seed % len(losses)]
        options = [{}, {"l2": 0.01, "clip_norm": 1.0}, {"weight_decay": 0.01, "clip_value": 0.1}]
        optimizer = OPTIMIZERS.create(optimizers[seed % len(optimizers)], **options[seed % 3])
        arguments = {
            "x": random_inputs(network, rows=23, seed=seed),
            "y": targets_for(loss, 23, seed=seed),
            "loss": loss,
            "optimizer": optimizer,
            "batch_size": 5,
            "epochs": 3,
            "shuffle": seed % 4 != 0,
            "schedule": "cosine" if seed % 2 else None,
        }
        if loss == "cross_entropy":
            arguments["loss"] = gn.CrossEntropy(0.1, class_weight=[1.0, 2.0, 0.5])
        if seed % 5 == 0:
            arguments["sample_weight"] = np.random.default_rng(seed).uniform(size=23)
        yield f"train_{seed}", network, arguments


def test_trainings_are_the_references_bit_for_bit(tmp_path):
    networks, expected = {}, {}
    for name, network, arguments in trainings():
        networks[name] = network
        before = network.theta.copy()
        network.to_script(tmp_path / f"{name}.py", training=arguments)
        np.testing.assert_array_equal(network.theta, before)
        x = arguments["x"]
        np.save(tmp_path / f"{name}_x.npy", x)
        with references():
            history = network.fit(**arguments, compile=False)
            expected[name] = {
                "losses": [record["loss"] for record in history],
                "theta": network.theta.copy(),
                "after": network.forward(x),
                "predicted": network.predict(x),
            }
    assert seen_layers(networks.values()) >= set(our_names(LAYERS))
    for name, results in run_alone(tmp_path, list(networks)).items():
        for what, values in expected[name].items():
            np.testing.assert_array_equal(results[what], values, err_msg=f"{name}: {what}")


@pytest.fixture
def digits_script(tmp_path):
    """The text of a script with training, for a network with most kinds of layers."""
    network = gn.Network(
        [gn.Rescale(), gn.Flatten(), gn.Dense(7), gn.BatchNorm(), gn.GELU(), gn.Dropout(0.3),
         gn.Dense(3)],
        input_shape=(2, 4),
        seed=0,
    )  # fmt: skip
    network.metadata["classes"] = ["a", "b", "c"]
    x, y = np.random.default_rng(0).normal(size=(20, 2, 4)), np.arange(20) % 3
    training = {"x": x, "y": y, "loss": "cross_entropy", "batch_size": 6, "epochs": 2}
    return network.to_script(tmp_path / "digits.py", training).read_text(encoding="utf-8")


def test_the_text_reads_well(digits_script):
    lines = digits_script.splitlines()
    assert max(map(len, lines)) <= 100
    assert not any(line != line.rstrip() for line in lines)
    assert "Array" not in digits_script
    assert ".reference" not in digits_script
    assert "    # y = x W;  x (n, 8), weight (8, 7), y (n, 7)" in lines
    assert lines.count("    # layers.1  Flatten(): nothing to compute") == 2
    passed = [line for line in lines if line.endswith("nothing to compute")]
    assert len(passed) == 3  # Flatten in both forward passes, Dropout in inference
    assert "CLASSES = ['a', 'b', 'c']" in digits_script


def test_the_text_imports_numpy_alone(digits_script):
    imports = [
        alias.name
        for node in ast.walk(ast.parse(digits_script))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(imports) == ["math", "numpy"]


def test_every_function_and_constant_is_used(digits_script):
    tree = ast.parse(digits_script)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert defined - read == {"forward", "predict", "predict_proba"} - read


def test_probabilities_and_labels(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    cases = {
        "several": (gn.CrossEntropy(), 3, np.arange(30) % 3),
        "two": (gn.BinaryCrossEntropy(), 1, np.arange(30) % 2),
        "labels": (gn.BinaryCrossEntropy(), 2, np.stack([np.arange(30) % 2] * 2, axis=1)),
        "number": (gn.MSE(), 1, x[:, 0]),
        "numbers": (gn.MSE(), 2, x[:, :2]),
    }
    for name, (loss, outputs, y) in cases.items():
        network = gn.Network([gn.Dense(outputs)], input_shape=(4,), seed=0)
        network.fit(x, y, loss=loss, epochs=2)
        network.to_script(tmp_path / f"script_of_{name}.py")
        script = __import__(f"script_of_{name}")
        with references():
            np.testing.assert_array_equal(script.predict(x), network.predict(x))
            if not name.startswith("number"):
                np.testing.assert_array_equal(script.predict_proba(x), network.predict_proba(x))
    assert not hasattr(__import__("script_of_number"), "predict_proba")


@pytest.mark.parametrize(
    "classes",
    [
        ["two  words"] * 20,
        ["with-a-hyphen and-more"] * 12,
        ["long" * 40, "b"],
        ["tab\t", "'\"\\\n"],
    ],
)
def test_names_of_classes_are_kept(classes, tmp_path):
    network = network_of()
    network.metadata["classes"] = classes
    network.to_script(tmp_path / "net.py")
    tree = ast.parse((tmp_path / "net.py").read_text())
    named = {t.id: n.value for n in tree.body if isinstance(n, ast.Assign) for t in n.targets}
    assert ast.literal_eval(named["CLASSES"]) == classes


def test_a_single_row_is_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    network = gn.Network([gn.Standardize(), gn.ReLU()], input_shape=(3,), seed=0)
    network.fit(np.eye(3), np.eye(3), loss="mse", epochs=1)
    network.to_script(tmp_path / "script_of_rows.py")
    script = __import__("script_of_rows")
    assert script.predict(np.eye(3)[:1]).shape == (1,)
    with pytest.raises(ValueError, match="reshape"):  # it would be broadcast to three rows
        script.predict(np.ones(3))


class Own(gn.Layer):
    name = "TestOwnOfScript"

    def build(self, input_shape, store, rng):
        return input_shape

    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


def network_of(*layers):
    return gn.Network(layers or [gn.Dense(2)], input_shape=(3,), seed=0)


TINY = {"x": np.eye(3), "y": np.arange(3) % 2, "loss": "cross_entropy"}

REFUSED = {
    "own layer": (network_of(Own()), {}, "Own is a part of your own"),
    "no loss": (network_of(), {"x": np.eye(3), "y": [0, 1, 0]}, "needs 'loss', as fit does"),
    "callbacks": (network_of(), TINY | {"callbacks": []}, "cannot follow the argument 'callbacks'"),
    "plateau": (network_of(), TINY | {"schedule": "plateau"}, "'plateau' listens to the scores"),
    "phases": (network_of(), TINY | {"phases": [{"start": 1, "batch_size": 3}]}, "no phases"),
    "blocks": (
        network_of(),
        {
            "x": np.zeros((9000, 3)),
            "y": np.zeros(9000, int),
            "loss": "cross_entropy",
            "batch_size": "full",
        },
        "Give a batch_size",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_script_cannot_hold(case, tmp_path):
    network, training, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        network.to_script(tmp_path / "net.py", training or None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["net.txt", "2nd.py", "a-b.py", "class.py", "numpy.py", "math.py"])
def test_a_script_must_be_importable(name, tmp_path):
    with pytest.raises(ValueError, match=r"ends with \.py and can be imported"):
        network_of().to_script(tmp_path / name)


@pytest.mark.parametrize("there", ["net.py", "net.npz"])
def test_nothing_is_overwritten_unasked(there, tmp_path):
    (tmp_path / there).write_text("mine")
    with pytest.raises(ValueError, match=f"{there} exists already"):
        network_of().to_script(tmp_path / "net.py")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["mine"]
    network_of().to_script(tmp_path / "net.py", overwrite=True)
    assert len(list(tmp_path.iterdir())) == 2
