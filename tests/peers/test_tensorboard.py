"""The TensorBoard callback: what the event files hold, read with tensorboardX's own messages."""

from __future__ import annotations

import io
import json
import pickle
import struct

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from tensorboardX.proto.event_pb2 import Event

import glassnet as gn
from glassnet.estimators import MLPClassifier

pytestmark = pytest.mark.peers


def events(folder):
    """All summaries under a folder: (tag, step, value)."""
    found = []
    for file in sorted(folder.rglob("events.*")):
        content = file.read_bytes()
        while content:
            (length,) = struct.unpack(
                "<Q", content[:8]
            )  # then 4 bytes of checksum, before and after
            event = Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            found += [(value.tag, event.step, value) for value in event.summary.value]
    return found


def fitted(folder=None, every=4):
    """A network trained for 4 epochs on small pictures; where `folder` is, watched."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(256, size=(80, 5, 5)).astype(np.uint8), rng.integers(3, size=80)
    network = gn.Network(
        [gn.Rescale(), gn.Flatten(), gn.Dense(6), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.2),
         gn.Dense(3)],
        input_shape=(5, 5),
        seed=0,
    )  # fmt: skip
    callbacks = [] if folder is None else [gn.TensorBoard(folder, every)]
    history = network.fit(
        x, y, loss="cross_entropy", optimizer=gn.Adam(0.01, l2=0.1), epochs=4, batch_size=16,
        validation=0.25, callbacks=callbacks,
    )  # fmt: skip
    return network, history


def test_scalars_are_the_history(tmp_path):
    _, history = fitted(tmp_path)
    written = {(tag, step): value.simple_value for tag, step, value in events(tmp_path)}
    for record in history:
        for name, value in record.items():
            if name != "epoch":
                assert written[name, record["epoch"]] == pytest.approx(value, rel=1e-6)


def test_histograms_are_of_the_weights_and_their_gradients(tmp_path):
    network, _ = fitted(tmp_path, every=3)
    histograms = {
        (tag, step): value.histo for tag, step, value in events(tmp_path) if value.HasField("histo")
    }
    assert {step for _, step in histograms} == {3, 4}
    assert {tag for tag, _ in histograms} == {
        *network.parameters, *(f"gradient/{name}" for name in network.parameters)
    }  # fmt: skip
    for name, parameter in network.parameters.items():
        histogram = histograms[name, 4]
        assert histogram.num == parameter.size
        assert histogram.sum == pytest.approx(parameter.value.sum(), rel=1e-4, abs=1e-6)
    assert any(histograms[f"gradient/{name}", 4].max > 0 for name in network.parameters)


def test_gradients_are_those_of_the_loss(tmp_path):
    x, y = np.eye(4), np.arange(4) % 2
    network = gn.Network([gn.Dense(2)], input_shape=(4,), seed=0)
    network.fit(x, y, loss="cross_entropy", epochs=1, callbacks=[gn.TensorBoard(tmp_path)])
    network.loss_and_gradient(x, y)
    squares = np.square(network.parameters["layers.0.weight"].gradient, dtype=np.float64).sum()
    found = [v.histo for tag, _, v in events(tmp_path) if tag == "gradient/layers.0.weight"]
    assert [h.sum_squares for h in found] == [pytest.approx(squares)]


def test_mistakes_are_pictures(tmp_path):
    fitted(tmp_path, every=4)
    pictures = [value.image for tag, step, value in events(tmp_path) if tag == "mistakes"]
    assert len(pictures) == 1
    image = Image.open(io.BytesIO(pictures[0].encoded_image_string))
    assert image.size == (pictures[0].width, pictures[0].height)
    assert len(image.getcolors(1 << 24)) > 50


def test_hyperparameters(tmp_path):
    fitted(tmp_path)
    content = b"".join(file.read_bytes() for file in (tmp_path / "settings").iterdir())
    for name in ("optimizer.l2", "optimizer.learning_rate", "batch_size", "layers", "last/loss"):
        assert name.encode() in content


def test_watching_changes_nothing(tmp_path):
    plain, watched = fitted()[0], fitted(tmp_path)[0]
    np.testing.assert_array_equal(plain.theta, watched.theta)
    for name, buffer in plain.buffers.items():
        np.testing.assert_array_equal(buffer, watched.buffers[name])


def test_tables_and_numbers(tmp_path):
    """Without pictures, classes or validation there are scalars and histograms."""
    network = gn.Network([gn.Dense(1)], input_shape=(2,), seed=0)
    x = np.random.default_rng(0).normal(size=(20, 2))
    network.fit(x, x[:, 0], loss="mse", epochs=2, callbacks=[gn.TensorBoard(tmp_path)])
    tags = {tag for tag, _, _ in events(tmp_path)}
    assert {"loss", "rmse", "layers.0.weight"} <= tags
    assert "mistakes" not in tags


def test_every_must_be_positive():
    with pytest.raises(ValueError, match=r"every n ≥ 1 epochs. Received: 0"):
        gn.TensorBoard("events", every=0)


def test_a_broken_training_closes_the_file(tmp_path):
    class Broken(gn.Callback):
        def on_epoch_end(self, trainer):
            raise RuntimeError("broken")

    network = gn.Network([gn.Dense(2)], input_shape=(4,), seed=0)
    callbacks = [gn.TensorBoard(tmp_path), Broken()]
    with pytest.raises(RuntimeError, match="broken"):
        network.fit(np.eye(4), [0, 1, 0, 1], loss="cross_entropy", callbacks=callbacks)
    assert "loss" in {tag for tag, _, _ in events(tmp_path)}


def test_a_papers_trainings_beside_each_other(tmp_path, monkeypatch):
    """Each training of an experiment is a run of its own, with the numbers of its history."""
    from glassnet.experiments import run

    monkeypatch.chdir(tmp_path)
    (tmp_path / "rates.toml").write_text(RATES)
    done = run("rates.toml", "out", events=tmp_path / "logs")
    runs = sorted(p.relative_to(tmp_path / "logs") for p in (tmp_path / "logs").glob("*/*/*/*"))
    assert [str(run) for run in runs] == [
        f"rates/rates/rate {rate}/{repetition}"
        for rate in ("0.001", "1_10")
        for repetition in (1, 2)
    ]
    for cell in (tmp_path / "out/cells").rglob("*.json"):
        record = json.loads(cell.read_text())
        label = record["cell"]["rate"].replace("/", "_")
        run_folder = tmp_path / "logs/rates/rates" / f"rate {label}" / str(record["repetition"] + 1)
        written = {(tag, step): value.simple_value for tag, step, value in events(run_folder)}
        assert len(record["history"]) == 3
        for row in record["history"]:
            assert written["val_loss", row["epoch"]] == pytest.approx(row["val_loss"], rel=1e-6)
    assert done.trained == 4
    with pytest.raises(ValueError, match="is there and not empty"):
        run("rates.toml", "out", events=tmp_path / "logs")


RATES = """
title = "Rates on iris"
seeds = 2
data = { source = "iris", splits = [{ part = "test", share = 0.2 }], watch = "test" }
network.layers = [4]
training.epochs = 3
[axes.rate]
points = [
    { label = "0.001", training.learning_rate = 0.001 },
    { label = "1/10", training.learning_rate = 0.1 },
]
[[targets]]
id = "rates"
title = "Which rate is better"
"""


def test_estimators_are_watched_and_can_be_copied_afterwards(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3
    model = MLPClassifier(max_iter=4, random_state=0, callbacks=[gn.TensorBoard(tmp_path)])
    with pytest.warns(ConvergenceWarning):
        model.fit(x, y)
    written = {tag: value for tag, step, value in events(tmp_path) if step == 4}
    assert written["loss"].simple_value == pytest.approx(model.loss_curve_[-1], rel=1e-6)
    assert (pickle.loads(pickle.dumps(model)).predict(x) == model.predict(x)).all()
    assert not hasattr(clone(model), "coefs_")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "events").write_text("mine")
    with pytest.raises(ValueError, match=r"cannot write into .*events: .* Choose a folder"):
        fitted(tmp_path / "events")
