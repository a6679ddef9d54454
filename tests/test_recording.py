"""A recorded step gives the same bits whichever way it is run."""

from __future__ import annotations

import os
import signal
import threading
import time
import tracemalloc

import numpy as np
import pytest
from networks import random_inputs, random_network

import glassnet as gn
from glassnet.accelerate import references
from glassnet.trainer import Trainer

# Parts that other tests register are theirs to test.
OPTIMIZERS = [n for n in gn.optimizers.OPTIMIZERS.names() if not n.startswith("test_")]
LOSSES = [n for n in gn.losses.LOSSES.names() if not n.startswith("test_")]


@pytest.fixture
def rows():
    rng = np.random.default_rng(2)
    return rng.normal(size=(70, 6)), rng.integers(0, 3, 70)


def network(*extra, dtype="float32"):
    layers = [gn.Standardize(), gn.Dense(9), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.4)]
    return gn.Network([*layers, *extra, gn.Dense(3)], (6,), seed=4, dtype=dtype)


def fit(rows, way, *extra, dtype="float32", **options):
    net = network(*extra, dtype=dtype)
    x, y = rows
    settings = {"loss": "cross_entropy", "batch_size": 16, "epochs": 3} | options
    if way == "references":
        with references():
            history = net.fit(x, y, **settings)
    else:
        history = net.fit(x, y, **settings, compile=way)
    return net, history


class Own(gn.Layer):
    """A layer of one's own, which makes new arrays in every pass."""

    name = "test_recording_own"

    def build(self, input_shape, store, rng):
        self.scale = store.parameter("scale", input_shape, gn.initializers.Constant(1.0))
        return input_shape

    def forward(self, x, training=False):
        self.x = x
        return x * self.scale.value

    def backward(self, dy):
        self.scale.gradient[...] = (dy * self.x).sum(axis=0)
        return dy * self.scale.value


class OwnLoss(gn.Loss):
    name = "test_recording_loss"

    def rows(self, outputs, targets, losses, gradient):
        d = outputs - targets
        losses[:] = np.log(np.cosh(d)).sum(axis=1)
        gradient[:] = np.tanh(d)


class OwnOptimizer(gn.Optimizer):
    name = "test_recording_optimizer"

    def update(self):
        self.theta -= self.learning_rate * np.sign(self.gradient)


def assert_equal_runs(one, other):
    (net, history), (net2, history2) = one, other
    assert (net.theta == net2.theta).all()
    assert all((net.buffers[name] == net2.buffers[name]).all() for name in net.buffers)
    for record, record2 in zip(history, history2, strict=True):
        assert {**record, "seconds": 0} == {**record2, "seconds": 0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_plain_and_compiled_steps_are_equal_bit_for_bit(rows, optimizer, dtype):
    options = {
        "optimizer": {"name": optimizer, "learning_rate": 0.01, "l2": 0.01, "clip_norm": 1.0},
        "schedule": gn.schedules.Cosine(),
        "sample_weight": np.linspace(0, 2, 70),
        "validation": 0.2,
        "dtype": dtype,
    }
    plain, compiled = fit(rows, False, **options), fit(rows, True, **options)
    assert (plain[1].way, compiled[1].way) == ("plain", "compiled")
    assert_equal_runs(plain, compiled)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_is_recorded(loss):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(33, 4)), (rng.random((33, 3)) > 0.5).astype(int)
    y = np.eye(3, dtype=int)[y.argmax(axis=1)]
    runs = []
    for compile in (False, True):
        net = gn.Network([gn.Dense(3)], (4,), seed=0)
        history = net.fit(x, y, loss=loss, batch_size=8, epochs=2, compile=compile)
        runs.append((net, history))
    assert_equal_runs(*runs)


@pytest.mark.parametrize("seed", range(14))
def test_every_layer_is_recorded(seed):
    """Networks of random layers, with dropout, in both ways."""
    runs = []
    for compile in (False, True):
        net = random_network(seed, dtype="float32", rate=0.3)
        x = random_inputs(net, 24, seed)
        y = np.random.default_rng(seed).normal(size=(24, 3))
        history = net.fit(x, y, loss="mse", batch_size=10, epochs=2, compile=compile)
        runs.append((net, history))
    assert_equal_runs(*runs)


def test_references_and_twins_agree_to_rounding(rows):
    (net, history), (net2, history2) = fit(rows, "references"), fit(rows, True)
    assert history.way == "replayed"
    np.testing.assert_allclose(net.theta, net2.theta, rtol=2e-4, atol=2e-5)
    assert history.column("loss") == pytest.approx(history2.column("loss"), rel=1e-5)


@pytest.mark.parametrize(
    "own",
    [{"extra": (Own(),)}, {"loss": OwnLoss()}, {"optimizer": OwnOptimizer(0.01)}],
    ids=["layer", "loss", "optimizer"],
)
def test_parts_of_ones_own_are_replayed(rows, own):
    def fresh(way):
        extra = (Own(),) if "extra" in own else ()
        options = {key: value for key, value in own.items() if key != "extra"}
        return fit(rows, way, *extra, **options)

    plain, replayed = fresh(False), fresh("auto")
    assert replayed[1].way == "replayed"
    assert_equal_runs(plain, replayed)
    with pytest.raises(ValueError, match=r"cannot be compiled: Own.* is a part of your own"):
        fresh(True)


def test_compile_can_be_refused_with_a_reason(rows):
    with references(), pytest.raises(ValueError, match="GLASSNET_KERNELS=reference"):
        network().fit(*rows, loss="cross_entropy", compile=True)
    with pytest.raises(ValueError, match=r"must be 'auto', True or False\. Received: 'yes'"):
        network().fit(*rows, loss="cross_entropy", compile="yes")


def test_ctrl_c_ends_a_native_loop_soon():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20_000, 64)).astype(np.float32), rng.integers(0, 3, 20_000)
    net = gn.Network([gn.Dense(256), gn.ReLU(), gn.Dense(3)], (64,), seed=0)
    net.fit(x[:64], y[:64], loss="cross_entropy", epochs=1)  # kernels are loaded now
    sent: list[float] = []

    def interrupt():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    history = net.fit(x, y, loss="cross_entropy", batch_size=16, epochs=10_000, compile=True)
    answered = time.perf_counter() - sent[0]
    assert history.interrupted
    assert answered < 2.0  # some 50 ms; generous, for a busy machine


def test_a_callback_that_watches_steps_sees_each_one(rows):
    class Watch(gn.Callback):
        def __init__(self):
            self.losses = []

        def on_step_end(self, trainer):
            self.losses.append(trainer.batch_loss)

    watch = Watch()
    _, history = fit(rows, True, callbacks=[watch])
    assert len(watch.losses) == history[-1]["epoch"] * 5
    assert len(set(watch.losses)) == len(watch.losses)


ROWS = 4096  # so many that an array with an entry for each of them stands out


def most_bytes(way, net, x, y, **options):
    """What a step takes at most beyond what there was before it, in memory that Python counts."""
    data = x[np.arange(ROWS) % len(x)], y[np.arange(ROWS) % len(y)]
    trainer = Trainer(net, *data, batch_size=ROWS, epochs=1, compile=way == "compiled", **options)
    trainer.run()
    steps = trainer.steps
    if way == "replayed":
        steps.compile = "auto"
        steps._recorded.clear()
        steps.rows.index[...] = 0
        steps.run()
    steps.way = way
    tracemalloc.start()
    for _ in range(3):  # the first notes what Python itself keeps
        steps.rows.index[...] = 0
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        steps.run()
        most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("way", ["plain", "replayed", "compiled"])
class TestStepsMakeNoNewArrays:
    limit = ROWS  # bytes: a quarter of one float32 a row

    @pytest.mark.parametrize("seed", range(28))
    def test_layers(self, way, seed):
        net = random_network(seed, dtype="float32", rate=0.3)
        x, y = random_inputs(net, 64, seed), np.zeros((64, 3))
        assert most_bytes(way, net, x, y, loss="mse") < self.limit

    @pytest.mark.parametrize("loss", LOSSES)
    def test_losses(self, way, loss, rows):
        x, y = rows[0], np.eye(3, dtype=int)[rows[1]]
        assert most_bytes(way, network(), x, y, loss=loss) < self.limit

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_optimizers(self, way, optimizer, rows):
        options = {"name": optimizer, "learning_rate": 0.01, "l2": 0.01, "clip_norm": 1.0}
        net = gn.Network([gn.Dense(300), gn.Dense(3)], (6,))  # θ is larger than the limit
        assert most_bytes(way, net, *rows, loss="cross_entropy", optimizer=options) < self.limit


def test_new_arrays_would_be_noticed(rows):
    assert most_bytes("plain", network(Own()), *rows, loss="cross_entropy") > 4 * 9 * ROWS


def test_two_networks_in_two_threads_train_as_they_would_alone(rows):
    alone = fit(rows, True, epochs=20)
    together: list[tuple[gn.Network, gn.History]] = []

    def train():
        together.append(fit(rows, True, epochs=20))

    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in together:
        assert_equal_runs(alone, run)
    assert len(together) == 2


def test_denormals_are_flushed_while_training_and_not_after(rows):
    tiny = np.full(4, 1e-39, np.float32)
    seen = []

    class Look(gn.Callback):
        def on_epoch_end(self, trainer):
            seen.append(float((tiny * np.float32(1)).sum()))

    fit(rows, True, callbacks=[Look()], epochs=1)
    assert seen == [0.0]
    assert (tiny * np.float32(1)).sum() > 0
