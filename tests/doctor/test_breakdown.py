"""The first number that is not finite: the kernel, layer and step that made it."""

from __future__ import annotations

import re

import numpy as np
import pytest

import glassnet as gn
from glassnet.accelerate import accelerated
from glassnet.doctor.suite.training import AdamFromZero, NaiveCrossEntropy, NaiveExp


def rows(n=64):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int)


def broken(layers, x=None, **options):
    """The breakdown, and the error that ended training."""
    doctor = gn.Doctor()
    data, y = rows()
    net = gn.Network(layers, (3,), seed=0)
    settings = {"loss": "cross_entropy", "optimizer": gn.SGD(0.1), "batch_size": 16} | options
    with pytest.raises(gn.TrainingDiverged) as error:
        net.fit(data if x is None else x, y, callbacks=[doctor], **settings)
    assert doctor.findings[0].rule == "not-finite"
    assert doctor.record.finished
    return doctor.record.breakdown, str(error.value)


def mlp():
    return [gn.Dense(8), gn.ReLU(), gn.Dense(2)]


@pytest.mark.parametrize("compile", ["auto", False])
def test_rates_that_are_too_high_overflow_in_a_product(compile):
    found, error = broken(mlp(), optimizer=gn.SGD(1e30), compile=compile)
    assert (found.kernel, found.layer) == ("layers.dense.dense_forward", "layers.2 (Dense)")
    assert found.pass_ == "forward"
    assert (found.epoch, found.step) == (1, 2) == steps(error)
    assert found.largest > 1e28


def steps(error):
    """Epoch and step of the error's message."""
    return tuple(map(int, re.search(r"in epoch (\d+), step (\d+)", error).groups()))


def test_later_steps_are_counted_from_the_beginning():
    found, error = broken(mlp(), optimizer=gn.SGD(1e3), epochs=20)
    assert (found.epoch, found.step) == steps(error)
    assert found.step > 4  # not in the first epoch: four steps each


def test_an_update_is_blamed_on_the_optimizer_though_the_next_loss_shows_it():
    found, error = broken(mlp(), optimizer=AdamFromZero())
    assert steps(error) == (1, 2)
    assert (found.epoch, found.step, found.pass_) == (1, 1, "update")
    assert found.kernel == "AdamFromZero.step, a part of your own"


def test_an_update_in_the_last_step_of_an_epoch():
    found, _ = broken(mlp(), optimizer=AdamFromZero(), batch_size="full")
    assert (found.epoch, found.step, found.pass_) == (1, 1, "update")


def test_a_loss_of_ones_own():
    layers = [gn.Dense(8), gn.ReLU(), gn.Dense(2, gn.initializers.Normal(1e3))]
    found, _ = broken(layers, loss=NaiveCrossEntropy())
    assert found.pass_ == "loss"
    assert found.kernel == "NaiveCrossEntropy.rows, a part of your own"


def test_a_layer_of_ones_own():
    x = rows()[0] * np.float32(1e3)
    found, _ = broken([gn.Dense(8), NaiveExp(), gn.Dense(2)], x=x)
    assert (found.layer, found.pass_) == ("layers.1 (NaiveExp)", "forward")
    assert found.kernel == "NaiveExp.forward, a part of your own"


def test_a_backward_pass_of_ones_own():
    class Steep(NaiveExp):
        name = "Steep"

        def forward(self, x, training=False):
            return x

        def backward(self, dy):
            return dy * np.float32(np.inf)

    found, _ = broken([gn.Dense(8), Steep(), gn.Dense(2)])
    assert (found.layer, found.pass_, found.step) == ("layers.1 (Steep)", "backward", 1)


@accelerated
def poison(x, y):
    """A kernel that makes a NaN."""
    y[...] = x
    y[0, 0] = np.nan


def test_a_kernel_in_the_middle_is_named_and_not_the_one_after_it():
    class Poisoned(gn.Tanh):
        name = "Poisoned"
        forward_kernel = poison

    Poisoned.__module__ = "glassnet.layers.poisoned"  # as one of ours: its kernels are written down
    found, _ = broken([gn.Dense(8), Poisoned(), gn.Dense(2)], compile=False)
    assert found.kernel.endswith("poison")
    assert found.layer == "layers.1 (Poisoned)"


def test_nothing_is_found_where_nothing_breaks():
    doctor = gn.Doctor()
    x, y = rows()
    net = gn.Network(mlp(), (3,), seed=0)
    net.fit(x, y, loss="cross_entropy", epochs=3, callbacks=[doctor])
    assert doctor.record.breakdown is None


@pytest.mark.parametrize("missing", [False, True])
def test_neither_scratch_paper_nor_missing_values_are_blamed(missing, monkeypatch):
    empty = gn.Layer.scratch

    def unwritten(self, name, shape, dtype=None):
        """What new memory may hold; the compiled twin of standardising leaves it as it is."""
        array = empty(self, name, shape, dtype)
        if name == "work":
            array[...] = np.nan
        return array

    monkeypatch.setattr(gn.Layer, "scratch", unwritten)
    x = rows()[0].copy()
    x[::3, 1] = np.nan if missing else 0
    found, error = broken([gn.Standardize(), gn.Impute(), *mlp()], x, optimizer=gn.SGD(1e30))
    assert "layers.4 (Dense(units=2)) are the first" in error
    assert (found.kernel, found.layer) == ("layers.dense.dense_forward", "layers.4 (Dense)")
