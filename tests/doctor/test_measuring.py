"""What the doctor measures, against other ways of getting at the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

import glassnet as gn
from glassnet.doctor.callback import is_due
from glassnet.doctor.facts import baseline, constant_features
from glassnet.doctor.measuring import layer_figures
from glassnet.doctor.record import Record
from glassnet.doctor.report import weight_rows
from glassnet.losses import LOSSES
from glassnet.targets import read_targets


def rows(n=100, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    return x, (x[:, 0] + x[:, 1] > 0).astype(int)


def network(dtype="float64", seed=0):
    layers = [gn.Dense(7), gn.Tanh(), gn.Dense(6), gn.ReLU(), gn.Dense(2)]
    return gn.Network(layers, (5,), seed=seed, dtype=dtype)


def examined(net, x, y, **options):
    doctor = gn.Doctor()
    settings = {"loss": "cross_entropy", "epochs": 1, "batch_size": len(x)} | options
    net.fit(x, y, callbacks=[doctor], **settings)
    return doctor


def test_gradients_and_noise_are_those_of_the_single_rows():
    x, y = rows()
    net = network()
    single = []
    for i in range(len(x)):
        net.loss_and_gradient(x[i : i + 1], y[i : i + 1], loss="cross_entropy")
        single.append({k: p.gradient.copy() for k, p in net.parameters.items()})
    doctor = examined(network(), x, y, batch_size=10)
    for figures in doctor.record.moments[0].weights:
        each = np.array([gradients[figures.name].ravel() for gradients in single])
        covariance = each.var(axis=0).sum()  # its trace
        assert figures.noise == pytest.approx(covariance / 10)
        assert figures.mean_gradient == pytest.approx(np.linalg.norm(each.mean(axis=0)))


def test_the_signal_is_the_gradient_that_reaches_a_layer():
    """By central differences on the layer's bias, row by row."""
    x, y = rows(20)
    net = network()
    bias = net.parameters["layers.0.bias"]
    squares = []
    for i in range(len(x)):
        slopes = []
        for k in range(bias.size):
            values = []
            for sign in (1, -1):
                bias.value[k] += sign * 1e-5
                one = x[i : i + 1], y[i : i + 1]
                values.append(net.loss_and_gradient(*one, loss="cross_entropy"))
                bias.value[k] -= sign * 1e-5
            slopes.append((values[0] - values[1]) / 2e-5)
        squares.append(np.square(slopes).sum())
    doctor = examined(network(), x, y)
    expected = np.sqrt(np.mean(squares))
    assert doctor.record.moments[0].weights[0].signal == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("optimizer", [gn.SGD(0.3), gn.Adam(0.02), gn.Momentum(0.1, 0.9)])
@pytest.mark.parametrize("loss", ["cross_entropy", {"name": "cross_entropy", "reduction": "sum"}])
def test_the_step_tried_is_the_step_that_training_takes(optimizer, loss):
    """With all rows in one batch, the first step of training is the one that was tried before."""
    x, y = rows(60)
    net = network()
    start = {name: p.value.copy() for name, p in net.parameters.items()}
    doctor = examined(net, x, y, optimizer=optimizer, loss=loss)
    before, after = doctor.record.moments
    for tried, taken in zip(before.weights, after.weights, strict=True):
        moved = np.linalg.norm(net.parameters[tried.name].value - start[tried.name])
        assert tried.update == pytest.approx(moved, rel=1e-9)
        assert taken.distance == pytest.approx(moved, rel=1e-9)
        assert tried.distance == 0
    assert before.after == pytest.approx(after.loss, rel=1e-9)


def test_activations():
    y = np.array([[0.0, 2.0, 1.0], [0.0, 0.0, 3.0]])
    figures = layer_figures(1, "ReLU", y)
    assert (figures.zeros, figures.dead) == pytest.approx((3 / 6, 1 / 3))
    # σ′ / ¼ < 1/20 beyond σ = ½ (1 ± √0.95), that is below 0.0127 and above 0.9873.
    shares = layer_figures(1, "Sigmoid", np.array([[0.012, 0.013], [0.987, 0.988]])).saturated
    assert shares == 0.5
    # 1 − tanh² < 1/20 beyond ±√0.95 = ±0.9747.
    assert layer_figures(1, "Tanh", np.array([[-0.975, 0.974]])).saturated == 0.5
    assert layer_figures(0, "Dense", y).dead is None


@pytest.mark.parametrize(
    ("loss", "y", "expected"),
    [
        ("cross_entropy", [0, 0, 0, 1], -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))),
        ("binary_cross_entropy", [0, 1], np.log(2)),
        ("mse", [1.0, 3.0], 1.0),
        ("squared_error", [1.0, 3.0], 0.5),
        ("huber", [1.0, 3.0], None),
    ],
)
def test_baselines(loss, y, expected):
    chosen = LOSSES.create(loss)
    outputs = 2 if loss == "cross_entropy" else 1
    targets = read_targets(np.array(y), outputs, chosen, np.dtype("float64"))
    assert baseline(chosen, targets, None) == (expected and pytest.approx(expected))


def test_constant_columns_are_told_from_columns_that_change_once():
    x = np.ones((5000, 3))
    x[:, 1] = np.arange(5000)
    x[2, 2] = 7.0  # in a row that is not among the few that are looked at first
    assert constant_features(x) == [0]


@pytest.mark.parametrize("compile", ["auto", False])
def test_the_bits_of_training_stay_as_they_are(compile):
    x, y = rows(90)

    def trained(callbacks):
        layers = [gn.Dense(8), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.3), gn.Dense(2)]
        net = gn.Network(layers, (5,), seed=3)
        history = net.fit(
            x,
            y,
            loss="cross_entropy",
            optimizer=gn.Adam(0.01),
            epochs=7,
            batch_size=16,
            validation=0.2,
            callbacks=callbacks,
            compile=compile,
        )
        return net, history

    (alone, history), (watched, same) = trained([]), trained([gn.Doctor()])
    assert alone.theta.tobytes() == watched.theta.tobytes()
    assert history.column("val_loss") == same.column("val_loss")
    for name, buffer in alone.buffers.items():
        assert buffer.tobytes() == watched.buffers[name].tobytes()


def test_it_looks_often_at_first_and_then_at_doubling_distances():
    assert [e for e in range(1, 100) if is_due(e)] == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96]
    doctor = examined(network(), *rows(), epochs=10)
    assert [m.epoch for m in doctor.record.moments] == [0, 1, 2, 3, 4, 6, 8, 10]


def test_a_record_comes_back_from_json():
    doctor = examined(network("float32"), *rows(), epochs=3, validation=0.2)
    assert Record.read(doctor.record.to_dict()) == doctor.record


def test_a_resumed_training_has_the_record_of_an_uninterrupted_one(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    whole = examined(network(), *rows(), epochs=6, batch_size=20)
    doctor = gn.Doctor()
    options = {"loss": "cross_entropy", "batch_size": 20}
    network().fit(*rows(), epochs=3, callbacks=[doctor, gn.Checkpoint(path)], **options)
    network().fit(
        *rows(), epochs=6, callbacks=[doctor, gn.Checkpoint(path)], resume=path, **options
    )
    assert doctor.record.moments == whole.record.moments
    assert doctor.record.setting == whole.record.setting  # the loss before the first step, too


def test_where_no_gradient_arrives_there_is_neither_signal_nor_noise():
    x, y = rows()
    dead = gn.Network([gn.Dense(4, bias_initializer=gn.initializers.Constant(-50.0)), gn.ReLU(),
                       gn.Dense(2)], (5,), seed=0)  # fmt: skip
    record = examined(dead, x, y).record
    first = record.moments[-1].weights[0]
    assert first.gradient == 0
    assert np.isnan(first.signal_to_noise)
    assert weight_rows(record)[0][:3] == ["layers.0.weight (Dense)", "0", "–"]


def test_a_checkpoint_without_the_first_loss_lets_the_record_begin_anew():
    x, y = rows()
    doctor, net = gn.Doctor(), network()
    doctor.load_state({"moments": []}, {"start": net.theta.copy()})
    net.fit(x, y, loss="cross_entropy", epochs=1, callbacks=[doctor])
    assert [moment.epoch for moment in doctor.record.moments] == [0, 1]
