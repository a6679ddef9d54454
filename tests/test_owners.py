"""A step divided between two threads has the bits that it has on one."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import glassnet as gn
from glassnet import owners, recording, threads
from glassnet.accelerate import capture

ROWS = 200
OPTIMIZERS = [n for n in gn.optimizers.OPTIMIZERS.names() if not n.startswith("test_")]


def network(dtype="float32", *extra):
    layers = [gn.Dense(160), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.3), gn.Dense(130), *extra]
    return gn.Network([*layers, gn.Sigmoid(), gn.Dense(3)], (200,), seed=4, dtype=dtype)


@pytest.fixture
def rows():
    rng = np.random.default_rng(2)
    return rng.normal(size=(ROWS, 200)).astype("float32"), rng.integers(0, 3, ROWS)


@pytest.fixture(autouse=True)
def smaller(monkeypatch):
    """Networks that are quick to train are large enough."""
    monkeypatch.setattr(owners, "SMALLEST_STEP", 4_000_000)
    monkeypatch.setattr(owners, "SMALLEST_PRODUCT", 500_000)


@pytest.fixture
def runs(monkeypatch):
    """How many times a divided step has been run."""
    count = []
    run = owners.Owners.run
    monkeypatch.setattr(owners.Owners, "run", lambda self, n: count.append(n) or run(self, n))
    return count


def fit(monkeypatch, rows, two, net=None, **options):
    monkeypatch.setattr(recording, "second_is_free", lambda: two)
    net = net or network()
    settings = {"loss": "cross_entropy", "batch_size": 64, "epochs": 3} | options
    history = net.fit(*rows, **settings)
    assert history.way == "compiled"
    return net, history


def assert_equal_runs(one, other):
    (net, history), (net2, history2) = one, other
    assert net.theta.tobytes() == net2.theta.tobytes()
    assert net.gradient.tobytes() == net2.gradient.tobytes()
    for name, buffer in net.buffers.items():
        assert buffer.tobytes() == net2.buffers[name].tobytes()
    for record, record2 in zip(history, history2, strict=True):
        assert {**record, "seconds": 0} == {**record2, "seconds": 0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_two_threads_give_the_bits_of_one(monkeypatch, rows, runs, optimizer, dtype):
    options = {
        "optimizer": {"name": optimizer, "learning_rate": 0.01, "l2": 0.01, "weight_decay": 0.01}
        | {"clip_norm": 1.0, "clip_value": 0.1},
        "schedule": gn.schedules.Cosine(),
        "sample_weight": np.linspace(0, 2, ROWS),
        "validation": 0.1,
    }
    one = fit(monkeypatch, rows, False, network(dtype), **options)
    assert not runs
    two = fit(monkeypatch, rows, True, network(dtype), **options)
    assert runs
    assert_equal_runs(one, two)


@pytest.mark.parametrize("units", [64, 65, 96, 200, 257])
@pytest.mark.parametrize("batch", [33, 64, 100])
def test_widths_and_batches_that_do_not_divide(monkeypatch, rows, runs, units, batch):
    def made():
        return gn.Network([gn.Dense(units), gn.ReLU(), gn.Dense(300), gn.Dense(3)], (200,), seed=1)

    one = fit(monkeypatch, rows, False, made(), batch_size=batch, optimizer="momentum")
    two = fit(monkeypatch, rows, True, made(), batch_size=batch, optimizer="momentum")
    assert runs
    assert_equal_runs(one, two)


def test_adam_counts_each_step_once(monkeypatch, rows, runs):
    adam = gn.Adam()
    fit(monkeypatch, rows, True, optimizer=adam)
    assert runs
    assert adam.state["t"] == 3 * 4


def test_small_steps_stay_on_one_thread(monkeypatch, rows, runs):
    net = gn.Network([gn.Dense(32), gn.ReLU(), gn.Dense(3)], (200,), seed=1)
    fit(monkeypatch, rows, True, net, batch_size=32)
    assert not runs


def test_products_with_other_bits_are_not_divided(monkeypatch, rows, runs):
    monkeypatch.setattr(owners, "_same_bits", lambda *_: False)
    fit(monkeypatch, rows, True, optimizer="sgd")
    assert all(kernel not in owners.PRODUCTS for kernel, _ in divided_calls(rows)[1])


def divided_calls(rows):
    net = network()
    with capture() as calls:
        net.loss_and_gradient(*rows, loss="cross_entropy")
    meetings = (owners.halves, ()), (owners.halves, ())
    return owners.divide(calls, meetings) or ([], [])


def test_both_owners_meet_equally_often(rows):
    first, second = divided_calls(rows)
    met = [sum(call[0] is owners.halves for call in own) for own in (first, second)]
    assert met[0] == met[1] > 0
    assert second[0][0] is second[-1][0] is owners.halves


@given(
    n=st.integers(2, 70), fan_in=st.integers(1, 200), fan_out=st.integers(1, 200), data=st.data()
)
def test_parts_cover_what_is_written_once(n, fan_in, fan_out, data):
    """Every element that a call writes is written by one owner, and what they read is all."""
    kernel = data.draw(st.sampled_from(list(owners.PRODUCTS)))
    x, y, weight = np.zeros((n, fan_in)), np.zeros((n, fan_out)), np.zeros((fan_in, fan_out))
    arrays = {
        owners.dense_forward: (x, weight, np.zeros(fan_out), y),
        owners.dense_forward_without_bias: (x, weight, y),
        owners.dense_weight_gradient: (x, y, weight),
        owners.dense_input_gradient: (y, weight, x),
    }[kernel]
    for owner in range(2):
        part = owners.PRODUCTS[kernel](owner, *arrays)
        part[-1][...] += 1
        for array, own in zip(arrays[:-1], part[:-1], strict=True):
            assert np.may_share_memory(array, own) or own.size == 0
    assert (arrays[-1] == 1).all()


class Breaks(gn.Callback):
    """Makes a weight infinite after the first epoch."""

    def on_epoch_end(self, trainer):
        trainer.network.theta[0] = np.inf


def test_a_loss_that_is_not_finite_stops_both(monkeypatch, rows, runs):
    threads_before = threading.active_count()
    with pytest.raises(gn.TrainingDiverged):
        fit(monkeypatch, rows, True, callbacks=[Breaks()], batch_size=32)
    assert runs[-1] > 1
    assert threading.active_count() == threads_before


def test_one_thread_goes_on_alone_while_there_is_no_second_core(monkeypatch, rows, runs):
    monkeypatch.setattr(owners, "OWN_CORE", 2.0)  # more than a thread can have
    one = fit(monkeypatch, rows, False, batch_size=20, epochs=30)
    two = fit(monkeypatch, rows, True, batch_size=20, epochs=30)
    assert max(runs) <= owners.FEW_STEPS
    assert sum(runs) < 300 / 4
    assert_equal_runs(one, two)


def test_an_interrupt_ends_both(monkeypatch, rows):
    monkeypatch.setattr(recording, "second_is_free", lambda: True)
    net = network()
    # Background jobs of a shell ignore the signal, and so would training in them.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    started = time.perf_counter()
    try:
        history = net.fit(*rows, loss="cross_entropy", batch_size=64, epochs=100_000)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert history.interrupted
    assert time.perf_counter() - started < 20


def test_a_second_thread_is_free_for_a_single_training_alone(monkeypatch):
    monkeypatch.setattr(threads, "_cores", lambda: 2)
    with threadpool_limits(2):
        assert not threads.second_is_free()
        with threads.training(), threads.blas_threads(threads.SMALL_PRODUCT):
            assert threads.second_is_free()
            with threads.training():
                assert not threads.second_is_free()
            assert threads.second_is_free()
            monkeypatch.setattr(threads, "_cores", lambda: 1)
            assert not threads.second_is_free()


def test_a_limit_of_one_blas_thread_is_one_for_ours_too(monkeypatch):
    monkeypatch.setattr(threads, "_cores", lambda: 2)
    with (
        threadpool_limits(1),
        threads.training(),
        threads.blas_threads(threads.SMALL_PRODUCT),
    ):
        assert not threads.second_is_free()
