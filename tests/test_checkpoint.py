"""Model files: the same bits back, nothing lost, and one clear sentence for bad files."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import glassnet as gn
from glassnet.checkpoint import read_tensors


@pytest.fixture
def network():
    layers = [
        gn.Standardize(),
        gn.Dense(6, initializer={"name": "uniform", "a": -0.1, "b": 0.1}),
        gn.BatchNorm(momentum=0.2),
        gn.PReLU(),
        gn.Dropout(0.25),
        gn.Dense(3),
    ]
    net = gn.Network(layers, input_shape=(4,), seed=7)
    rng = np.random.default_rng(0)
    net.metadata = {"classes": ["a", "b", "ü"], "feature_names": ["w", "x", "y", "z"]}
    loss = gn.CrossEntropy(label_smoothing=0.1, class_weight={0: 2.0})
    net.fit(rng.normal(size=(30, 4)), rng.integers(0, 3, 30), loss=loss, epochs=2)
    return net


@pytest.fixture
def rows():
    return np.random.default_rng(1).normal(size=(50, 4))


@pytest.fixture
def file(network, tmp_path):
    return network.save(tmp_path / "model.safetensors")


def test_a_loaded_network_is_the_same(network, file, rows):
    loaded = gn.load(file)
    assert (loaded.outputs(rows) == network.outputs(rows)).all()
    assert (loaded.predict_proba(rows) == network.predict_proba(rows)).all()
    assert repr(loaded) == repr(network)
    assert loaded.metadata == network.metadata
    assert loaded.loss.config() == network.loss.config()
    assert loaded.task == "classification"
    assert np.shares_memory(loaded.parameters["layers.1.weight"].value, loaded.theta)


def test_another_process_predicts_the_same_numbers(network, file, rows, tmp_path):
    np.save(tmp_path / "rows.npy", rows)
    code = (
        "import sys, numpy as np, glassnet as gn;"
        "net = gn.load(sys.argv[1]);"
        "sys.stdout.write(net.outputs(np.load(sys.argv[2])).tobytes().hex())"
    )
    command = [sys.executable, "-c", code, str(file), str(tmp_path / "rows.npy")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert bytes.fromhex(run.stdout) == network.outputs(rows).tobytes()


def test_a_loaded_network_trains_on(file, rows):
    net = gn.load(file)
    before = net.buffers["layers.0.mean"].copy()
    net.fit(rows, np.arange(50) % 3, loss="cross_entropy", epochs=1)
    assert (net.buffers["layers.0.mean"] == before).all(), "preprocessing must not be fitted again"
    assert net.epochs_trained == 3


def test_tensors_have_the_names_of_the_parameters(network, file):
    tensors = safetensors.numpy.load_file(file)
    assert set(tensors) == set(network.parameters) | set(network.buffers)
    assert tensors["layers.1.weight"].shape == (4, 6)


def test_nothing_is_overwritten_unasked(network, file):
    before = file.read_bytes()
    with pytest.raises(ValueError, match="exists already"):
        network.save(file)
    assert file.read_bytes() == before
    network.theta[:] = 0
    network.save(file, overwrite=True)
    assert (gn.load(file).theta == 0).all()


def test_a_failed_write_leaves_the_old_file_and_no_litter(network, file, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = file.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match="cannot be written: No space left on device"):
        network.save(file, overwrite=True)
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_missing_folders_are_made_and_a_file_in_the_way_is_named(network, tmp_path):
    assert network.save(tmp_path / "new" / "model.safetensors").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"file/model.* cannot be written: "):
        network.save(tmp_path / "file" / "model.safetensors")


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match="There is no model file"):
        gn.load(tmp_path / "no.safetensors")
    with pytest.raises(ValueError, match="is a folder"):
        gn.load(tmp_path)


@pytest.mark.parametrize("kept", [0, 4, 100, 0.5, -1])
def test_a_cut_file(file, kept):
    data = file.read_bytes()
    file.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    with pytest.raises(ValueError, match="is not a whole safetensors file"):
        gn.load(file)


@pytest.mark.parametrize("place", ["numbers", "header"])
def test_an_edited_file(file, place):
    data = bytearray(file.read_bytes())
    if place == "numbers":
        data[-2] ^= 1
    else:
        at = data.index(b"label_smoothing") + len(b'label_smoothing\\": 0.')
        assert chr(data[at]) == "1"
        data[at : at + 1] = b"2"
    file.write_bytes(data)
    with pytest.raises(ValueError, match="was changed after glassnet wrote it"):
        gn.load(file)


def test_a_foreign_safetensors_file(tmp_path):
    path = tmp_path / "foreign.safetensors"
    safetensors.numpy.save_file({"w": np.zeros(2)}, path)
    with pytest.raises(ValueError, match="not one that glassnet wrote"):
        gn.load(path)


def test_a_newer_format(network, tmp_path, monkeypatch):
    monkeypatch.setattr("glassnet.checkpoint.FORMAT", 99)
    path = network.save(tmp_path / "new.safetensors")
    monkeypatch.undo()
    with pytest.raises(
        ValueError, match="has format 99; this version of glassnet reads formats up to 1"
    ):
        gn.load(path)


def test_an_unknown_layer_is_not_looked_for_anywhere(file, tmp_path):
    """A file that names an import path, with a valid checksum, gets nothing but a sentence."""
    from glassnet.checkpoint import write_tensors

    tensors, document = read_tensors(file)
    document["network"]["layers"][0] = {"name": "os.system"}
    path = write_tensors(tmp_path / "evil.safetensors", tensors, document)
    with pytest.raises(ValueError, match=r"Unknown layer 'os\.system'"):
        gn.load(path)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t, d: t.pop("layers.1.weight"), "tensor 'layers.1.weight' is missing"),
        (lambda t, d: t.update({"layers.1.weight": np.zeros((2, 2))}), "has shape"),
        (lambda t, d: d["network"].pop("layers"), "does not describe a network"),
        (lambda t, d: d["network"].update(dtype="int8"), "dtype must be"),
        (lambda t, d: d.pop("network"), "does not describe a network"),
    ],
)
def test_files_that_do_not_fit_together(file, tmp_path, edit, message):
    from glassnet.checkpoint import write_tensors

    tensors, document = read_tensors(file)
    edit(tensors, document)
    path = write_tensors(tmp_path / "odd.safetensors", tensors, document)
    with pytest.raises(ValueError, match="does not describe a network") as caught:
        gn.load(path)
    assert message in str(caught.value)


def test_a_model_is_no_checkpoint(network, file, rows):
    with pytest.raises(ValueError, match="finished model without training state"):
        network.fit(rows, np.arange(50) % 3, loss="cross_entropy", resume=file)


def test_an_unregistered_layer_cannot_be_saved(tmp_path):
    class Nameless(gn.Layer):
        name = "Nameless"

        def build(self, input_shape, store, rng):
            return input_shape

    net = gn.Network([Nameless()], (2,))
    with pytest.raises(ValueError, match="Nameless is not registered"):
        net.save(tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_the_document_is_plain_json(file):
    _, document = read_tensors(file)
    assert json.loads(json.dumps(document)) == document
    assert document["format"] == 1


def test_a_model_saved_before_training_is_still_fitted_to_its_data(tmp_path):
    net = gn.Network([gn.Standardize(), gn.Dense(1)], (1,))
    loaded = gn.load(net.save(tmp_path / "new.safetensors"))
    loaded.fit([[1000.0], [1200.0]], [0.0, 1.0], loss="mse", epochs=1)
    assert loaded.buffers["layers.0.mean"] == pytest.approx([1100.0])


def test_metadata_may_have_whole_numbers_as_keys(network, tmp_path):
    network.metadata["names"] = {i: str(i) for i in range(11)}
    loaded = gn.load(network.save(tmp_path / "m.safetensors"))
    assert loaded.metadata["names"]["10"] == "10"


def test_metadata_that_is_no_json_is_refused(network, tmp_path):
    network.metadata["when"] = object()
    with pytest.raises(ValueError, match=r"metadata can't be written as JSON"):
        network.save(tmp_path / "m.safetensors")
