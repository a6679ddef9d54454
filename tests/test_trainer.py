"""fit → epoch → step: batches, phases, histories, interruption, and exact resume."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import Callback
from glassnet.schedules import Cosine, Plateau, Step
from glassnet.trainer import Trainer, TrainingDiverged, batch_starts


@pytest.fixture
def blobs():
    """90 rows of three classes, easy to tell apart, with 4 features."""
    rng = np.random.default_rng(5)
    y = np.repeat([0, 1, 2], 30)
    return rng.normal(size=(90, 4)) + 2.0 * np.eye(3, 4)[y], y


def small_network(dtype="float32"):
    layers = [gn.Dense(8), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.3), gn.Dense(3)]
    return gn.Network(layers, input_shape=(4,), seed=3, dtype=dtype)


# Batches.


@pytest.mark.parametrize(
    ("rows", "size", "minimum", "starts"),
    [
        (6, 3, 1, [0, 3]),
        (7, 3, 1, [0, 3, 6]),
        (7, 3, 2, [0, 3]),
        (8, 3, 2, [0, 3, 6]),
        (2, 5, 2, [0]),
        (3, 1, 1, [0, 1, 2]),
    ],
)
def test_batches_cover_all_rows_and_a_short_last_one_joins(rows, size, minimum, starts):
    assert batch_starts(rows, size, minimum).tolist() == starts


@pytest.mark.parametrize(("rows", "size"), [(1, 8), (10, 1)])
def test_batch_norm_refuses_only_batches_and_sets_of_one_row(rows, size):
    with pytest.raises(ValueError, match="at least 2 rows in a batch"):
        batch_starts(rows, size, 2)


def test_fit_with_batch_norm_and_a_last_row_left_over(blobs):
    x, y = blobs
    history = small_network().fit(x[:33], y[:33], loss="cross_entropy", batch_size=8, epochs=2)
    assert np.isfinite(history[-1]["loss"])


class Batches(Callback):
    """Keeps the sizes of all batches."""

    def __init__(self):
        self.sizes = []

    def on_step_end(self, trainer):
        self.sizes.append(len(trainer.steps.batch_inputs))


@pytest.mark.parametrize(("size", "expected"), [(1, [1] * 6), (4, [4, 2]), ("full", [6])])
def test_batch_one_mini_batch_and_full_batch(size, expected):
    seen = Batches()
    net = gn.Network([gn.Dense(1)], input_shape=(2,), seed=0)
    x = np.arange(12.0).reshape(6, 2) / 12
    net.fit(x, x[:, 0], loss="mse", batch_size=size, epochs=1, callbacks=[seen])
    assert seen.sizes == expected


def test_every_epoch_sees_every_row_once_in_another_order(blobs):
    trainer = Trainer(small_network(), *blobs, loss="cross_entropy")
    first = trainer.steps.rows.order.copy()
    trainer._epochs.end()
    trainer._epochs.begin()
    second = trainer.steps.rows.order
    assert sorted(first) == sorted(second) == list(range(90))
    assert (first != second).any()


def test_without_shuffling_rows_keep_their_order(blobs):
    trainer = Trainer(small_network(), *blobs, loss="cross_entropy", shuffle=False)
    assert trainer.steps.rows.order.tolist() == list(range(90))


def test_a_second_fit_goes_on_with_other_orders(blobs):
    net = small_network()
    net.fit(*blobs, loss="cross_entropy", epochs=2)
    second = Trainer(net, *blobs, loss="cross_entropy")
    fresh = Trainer(small_network(), *blobs, loss="cross_entropy")
    assert (second.steps.rows.order != fresh.steps.rows.order).any()


# One step by hand.


def test_one_step_of_gradient_descent_worked_by_hand():
    """y = wx + b from w = 1, b = 0 on x = 2, y = 5: a − y = −3, so dw = −6 and db = −3."""
    net = gn.Network(
        [gn.Dense(1, initializer={"name": "constant", "value": 1.0})], (1,), dtype="float64"
    )
    history = net.fit(
        [[2.0]], [5.0], loss="squared_error", optimizer=gn.SGD(0.1), batch_size=1, epochs=1
    )
    assert net.parameters["layers.0.weight"].value[0, 0] == pytest.approx(1.6)
    assert net.parameters["layers.0.bias"].value[0] == pytest.approx(0.3)
    assert history[0]["loss"] == pytest.approx(4.5)  # ½ · 3², before the step


# History.


def test_history_has_what_it_promises(blobs):
    x, y = blobs
    history = small_network().fit(
        x, y, loss="cross_entropy", epochs=3, validation=(x[::2], y[::2]), batch_size=16
    )
    assert [record["epoch"] for record in history] == [1, 2, 3]
    assert set(history[0]) == {
        *("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
    }


def test_history_losses_are_means_also_when_the_reduction_is_a_sum():
    x, y = np.zeros((4, 1)), np.full(4, 3.0)
    losses = {}
    for reduction in ("mean", "sum"):
        net = gn.Network([gn.Dense(1, initializer="zeros")], (1,), dtype="float64")
        history = net.fit(
            x,
            y,
            loss={"name": "mse", "reduction": reduction},
            optimizer=gn.SGD(1e-12),
            batch_size=3,
            epochs=1,
            validation=(x, y),
        )
        losses[reduction] = history[0]["loss"], history[0]["val_loss"]
    assert losses["mean"] == pytest.approx((9.0, 9.0))
    assert losses["sum"] == pytest.approx((9.0, 9.0))


def test_validation_share_is_held_out_by_class_and_not_trained_on(blobs):
    trainer = Trainer(small_network(), *blobs, loss="cross_entropy", validation=0.2)
    held_x, held_targets, _ = trainer.validation
    assert np.bincount(held_targets.classes).tolist() == [6, 6, 6]
    together = np.concatenate([trainer.steps.x, held_x])
    assert sorted(map(tuple, together)) == sorted(map(tuple, blobs[0]))


def test_weights_of_zero_leave_rows_out(blobs):
    """Rows that weigh nothing must teach nothing: equal to training without them, in one batch."""
    x, y = blobs
    weights = (np.arange(90) % 2).astype(float)

    def trained(x, y, sample_weight=None):
        net = gn.Network([gn.Dense(3)], (4,), seed=0, dtype="float64")
        net.fit(
            x,
            y,
            loss="cross_entropy",
            optimizer=gn.SGD(0.5),
            batch_size="full",
            epochs=5,
            sample_weight=sample_weight,
        )
        return net.theta

    np.testing.assert_allclose(trained(x, y, weights), trained(x[1::2], y[1::2]), rtol=1e-12)


# Rates, phases.


def test_schedule_multiplies_the_rate_of_the_phase(blobs):
    history = small_network().fit(
        *blobs,
        loss="cross_entropy",
        optimizer=gn.Momentum(0.4, 0.5),
        epochs=4,
        schedule=Step(every=3, factor=0.5),
        phases=[gn.Phase(2, learning_rate=0.1, batch_size=45, momentum=0.9)],
    )
    assert history.column("learning_rate") == pytest.approx([0.4, 0.4, 0.1, 0.05])


def test_phases_change_batches_and_momentum(blobs):
    seen, optimizer = Batches(), gn.Momentum(0.1, 0.5)
    small_network().fit(
        *blobs,
        loss="cross_entropy",
        optimizer=optimizer,
        batch_size=30,
        epochs=2,
        phases=[{"start": 1, "batch_size": "full", "momentum": 0.9}],
        callbacks=[seen],
    )
    assert seen.sizes == [30, 30, 30, 90]
    assert optimizer.momentum == 0.9


def test_a_momentum_phase_needs_an_optimizer_with_momentum(blobs):
    with pytest.raises(ValueError, match="the optimizer 'adam' has none"):
        small_network().fit(*blobs, loss="cross_entropy", phases=[gn.Phase(1, momentum=0.5)])


def test_plateau_lowers_the_rate_when_nothing_improves():
    x, y = np.zeros((4, 1)), np.zeros(4)
    net = gn.Network([gn.Dense(1, initializer="zeros")], (1,))
    history = net.fit(
        x, y, loss="mse", optimizer=gn.SGD(1.0), epochs=5, schedule=Plateau(factor=0.1, patience=1)
    )
    assert history.column("learning_rate") == pytest.approx([1.0, 1.0, 1.0, 0.1, 0.1])


# Preprocessing.


def test_standardize_is_fitted_on_the_training_rows_only():
    x = np.array([[0.0], [2.0], [1000.0]])
    net = gn.Network([gn.Standardize(), gn.Dense(1)], (1,))
    net.fit(x[:2], [0.0, 1.0], loss="mse", epochs=1, validation=(x[2:], [0.5]))
    assert net.buffers["layers.0.mean"] == pytest.approx([1.0])


def test_preprocessing_is_fitted_once():
    net = gn.Network([gn.Standardize(), gn.Dense(1)], (1,))
    net.fit([[0.0], [2.0]], [0.0, 1.0], loss="mse", epochs=1)
    net.fit([[50.0], [60.0]], [0.0, 1.0], loss="mse", epochs=1)
    assert net.buffers["layers.0.mean"] == pytest.approx([1.0])


def test_a_later_layer_is_fitted_on_what_reaches_it():
    x = np.array([[0, 255], [255, 255]], np.uint8)
    net = gn.Network([gn.Rescale(1 / 255), gn.Standardize(), gn.Dense(1)], (2,))
    net.fit(x, [0.0, 1.0], loss="mse", epochs=1)
    assert net.buffers["layers.1.mean"] == pytest.approx([0.5, 1.0], abs=1e-6)


# Bad input.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"batch_size": 0},
            "batch_size must be a whole number of rows ≥ 1, or 'full'. Received: 0",
        ),
        ({"batch_size": "half"}, "Received: 'half'"),
        ({"epochs": 0}, "epochs must be a whole number ≥ 1"),
        ({"validation": 1.5}, "share must be above 0 and below 1"),
        ({"validation": (1, 2, 3, 4)}, "Received 4 parts"),
        ({"loss": "cross_entrpy"}, "Did you mean 'cross_entropy'?"),
        ({"optimizer": "adma"}, "Did you mean 'adam'?"),
        ({"optimizer": {"name": "adam", "beta3": 1}}, "has no option 'beta3'"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'?"),
        ({"sample_weight": [1.0]}, "expected shape"),
        ({"sample_weight": np.full(90, -1.0)}, "must be finite and ≥ 0"),
        ({"callbacks": ["progress"]}, "Expected callbacks"),
        ({"callbacks": gn.EarlyStopping()}, "callbacks is a list"),
        ({"phases": 3}, "phases is a list"),
        ({"batch_size": None}, "Received: None"),
        ({"epochs": "x"}, "Received: 'x'"),
        ({"validation": "x"}, "Received: 'x'"),
        ({"sample_weight": "x"}, "Received: 'x'"),
        ({"sample_weight": np.zeros(90)}, "nothing to learn from"),
    ],
)
def test_bad_options_say_what_was_received_and_expected(blobs, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        small_network().fit(*blobs, **{"loss": "cross_entropy", **options})


def test_bad_targets_are_refused_before_anything_is_trained(blobs):
    x, y = blobs
    net = small_network()
    before = net.theta.copy()
    with pytest.raises(ValueError, match=r"label in row 60 is 7"):
        net.fit(x, np.where(np.arange(90) == 60, 7, y), loss="cross_entropy")
    assert (net.theta == before).all()


# Divergence.


def test_divergence_names_the_layer_and_keeps_the_last_weights():
    net = gn.Network([gn.Dense(4), gn.ReLU(), gn.Dense(1)], (1,), seed=0)
    x = np.linspace(1, 2, 16)[:, None]
    with pytest.raises(TrainingDiverged, match=r"epoch \d+, step \d+: .*layers\.\d.*Lower the"):
        net.fit(x * 1e4, x[:, 0], loss="mse", optimizer=gn.SGD(1e6), epochs=50)
    assert np.isfinite(net.theta).all()


def test_divergence_leaves_no_statistics_that_are_not_numbers(blobs):
    x, y = blobs
    net = gn.Network([gn.Dense(4), gn.BatchNorm(), gn.ReLU(), gn.Dense(1)], (4,), seed=0)
    with pytest.raises(TrainingDiverged):
        net.fit(x, y.astype(float), loss="mse", optimizer=gn.SGD(1e30), epochs=50)
    assert all(np.isfinite(buffer).all() for buffer in net.buffers.values())


def test_an_update_that_overflows_in_the_last_step_is_noticed():
    net = gn.Network([gn.Dense(1)], (1,), seed=0)
    with pytest.raises(TrainingDiverged, match=r"last update was too large in epoch 1, step 1"):
        net.fit([[1e3]], [1e3], loss="mse", optimizer=gn.SGD(1e38), batch_size=1, epochs=1)


def test_divergence_can_be_watched():
    net = gn.Network([gn.Dense(4), gn.ReLU(), gn.Dense(1)], (1,), seed=0)
    x = np.linspace(1, 2, 16)[:, None]
    history = net.fit(
        x * 1e4,
        x[:, 0],
        loss="mse",
        optimizer=gn.SGD(1e6),
        epochs=10,
        callbacks=[gn.StopOnNonFinite(ignore=True)],
    )
    assert np.isnan(history[-1]["loss"])


# Equal runs.

RUN = """
import sys, numpy as np, glassnet as gn
rng = np.random.default_rng(5)
y = np.repeat([0, 1, 2], 30)
x = rng.normal(size=(90, 4)) + 2.0 * np.eye(3, 4)[y]
layers = [gn.Dense(8), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.3), gn.Dense(3)]
net = gn.Network(layers, input_shape=(4,), seed=3)
net.fit(x, y, loss="cross_entropy", batch_size=16, epochs=3)
sys.stdout.write(net.theta.tobytes().hex())
"""


def test_equal_seeds_give_equal_bits_in_separate_processes():
    runs = [
        subprocess.run(
            [sys.executable, "-c", RUN], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert len(runs[0]) > 100


# Resume.


class Interrupt(Callback):
    """Sends Ctrl-C after so many steps."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, trainer):
        if trainer.step == self.step:
            os.kill(os.getpid(), signal.SIGINT)


class KeepCheckpoints(gn.Checkpoint):
    """Keeps the checkpoint of every step under its step's name."""

    def _write(self, trainer):
        super()._write(trainer)
        shutil.copy(self.path, self.path.with_name(f"step-{trainer.step}.safetensors"))


def fit_resumable(blobs, epochs=4, resume=None, extra=(), optimizer=None, schedule=None):
    """A training in which everything has state: dropout, batch norm, Adam, plateau, patience."""
    net = small_network()
    optimizer = optimizer or gn.AdamW(0.01, clip_norm=1.0)
    history = net.fit(
        *blobs,
        loss="cross_entropy",
        optimizer=optimizer,
        batch_size=20,
        epochs=epochs,
        validation=0.2,
        schedule=schedule or Plateau(patience=1),
        phases=[gn.Phase(2, batch_size=30)],
        callbacks=[gn.EarlyStopping(2, monitor="val_loss"), gn.LearningRateLog(), *extra],
        resume=resume,
    )
    return net, optimizer, history


def without_seconds(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def assert_same_run(one, other):
    (net, optimizer, history), (net2, optimizer2, history2) = one, other
    assert (net.theta == net2.theta).all()
    assert all((net.buffers[name] == net2.buffers[name]).all() for name in net.buffers)
    assert all((optimizer.state[k] == optimizer2.state[k]).all() for k in optimizer.state)
    assert without_seconds(history) == without_seconds(history2)
    assert history.stopped == history2.stopped


def test_resumed_run_equals_the_uninterrupted_one_from_every_step(blobs, tmp_path):
    keep = KeepCheckpoints(tmp_path / "checkpoint.safetensors", every_steps=1)
    straight = fit_resumable(blobs, extra=[keep])
    files = sorted(tmp_path.glob("step-*"))
    assert len(files) == 4 + 4 + 3 + 3  # 72 rows in batches of 20, then of 30
    for file in files[:-1]:
        assert_same_run(straight, fit_resumable(blobs, resume=file))


@pytest.mark.parametrize(
    "optimizer", [n for n in gn.optimizers.OPTIMIZERS.names() if not n.startswith("test_")]
)
def test_every_optimizer_resumes_exactly_in_the_middle_of_an_epoch(blobs, tmp_path, optimizer):
    def new():
        return gn.optimizers.OPTIMIZERS.create({"name": optimizer, "learning_rate": 0.01})

    path = tmp_path / "checkpoint.safetensors"
    options = {"schedule": Cosine(warmup=1)}
    straight = fit_resumable(blobs, optimizer=new(), **options)
    interrupted = fit_resumable(
        blobs, optimizer=new(), extra=[Interrupt(6), gn.Checkpoint(path)], **options
    )
    assert interrupted[2].interrupted
    assert "epoch 2 after 2 of 4 batches" in interrupted[2].stopped
    resumed = fit_resumable(
        blobs, optimizer=new(), extra=[Interrupt(0), gn.Checkpoint(path)], resume=path, **options
    )
    assert_same_run(straight, resumed)


def test_ctrl_c_keeps_what_was_learned_and_restores_the_handler(blobs):
    before = signal.getsignal(signal.SIGINT)
    net = small_network()
    start = net.theta.copy()
    history = net.fit(
        *blobs, loss="cross_entropy", batch_size=30, epochs=9, callbacks=[Interrupt(4)]
    )
    assert len(history) == 1
    assert history.interrupted
    assert (net.theta != start).any()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 10}, "was written with batch_size = 20, but this run has 10"),
        ({"optimizer": gn.Adam(0.5)}, "optimizer = "),
        ({"loss": "mse"}, "loss = "),
        ({"shuffle": False}, "shuffle = True"),
    ],
)
def test_resume_refuses_other_settings(blobs, tmp_path, change, message):
    path = tmp_path / "checkpoint.safetensors"
    settings = {"loss": "cross_entropy", "optimizer": gn.Adam(0.1), "batch_size": 20, "epochs": 1}
    small_network().fit(*blobs, **settings, callbacks=[gn.Checkpoint(path)])
    with pytest.raises(ValueError, match="Resume with the same data and settings") as caught:
        small_network().fit(*blobs, **(settings | change), resume=path)
    assert message in str(caught.value)


def test_resume_refuses_another_network_and_other_data(blobs, tmp_path):
    x, y = blobs
    path = tmp_path / "checkpoint.safetensors"
    small_network().fit(x, y, loss="cross_entropy", epochs=1, callbacks=[gn.Checkpoint(path)])
    with pytest.raises(ValueError, match="rows = 90, but this run has 80"):
        small_network().fit(x[:80], y[:80], loss="cross_entropy", resume=path)
    other = gn.Network([gn.Dense(3)], (4,), seed=3)
    with pytest.raises(ValueError, match="holds a network with layers"):
        other.fit(x, y, loss="cross_entropy", resume=path)


def test_a_refused_resume_changes_nothing(blobs, tmp_path):
    x, y = blobs
    path = tmp_path / "checkpoint.safetensors"
    small_network().fit(x, y, loss="cross_entropy", epochs=1, callbacks=[gn.Checkpoint(path)])
    for options in ({"batch_size": 9}, {"sample_weight": np.full(90, 2.0)}):
        net = small_network()
        before = net.theta.copy()
        with pytest.raises(ValueError, match="Resume with the same data"):
            net.fit(x, y, loss="cross_entropy", resume=path, **options)
        assert (net.theta == before).all()


def test_numpy_integers_are_whole_numbers(blobs, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    options = {"batch_size": np.int64(16), "epochs": np.int64(1)}
    small_network().fit(*blobs, loss="cross_entropy", **options, callbacks=[gn.Checkpoint(path)])
    assert path.exists()


def test_history_of_a_checkpoint_is_json(blobs, tmp_path):
    from glassnet.checkpoint import read_tensors

    path = tmp_path / "checkpoint.safetensors"
    history = small_network().fit(
        *blobs, loss="cross_entropy", epochs=2, callbacks=[gn.Checkpoint(path)]
    )
    _, document = read_tensors(path)
    assert json.loads(json.dumps(document["training"]["history"])) == list(history)


def test_paths_may_be_text(blobs, tmp_path):
    path = str(tmp_path / "c.safetensors")
    small_network().fit(*blobs, loss="cross_entropy", epochs=1, callbacks=[gn.Checkpoint(path)])
    history = small_network().fit(*blobs, loss="cross_entropy", epochs=2, resume=path)
    assert len(history) == 2
    assert Path(path).exists()
