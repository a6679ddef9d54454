"""A large batch in blocks gives the gradient of the batch."""

from __future__ import annotations

import numpy as np
import pytest

import glassnet as gn
from glassnet.blocks import SMALLEST, BlockedBatch, in_blocks
from glassnet.trainer import TrainingDiverged

ROWS = SMALLEST + 301  # halves that are no multiples of a block


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    return rng.normal(size=(ROWS, 5)), rng.integers(0, 3, ROWS)


def network(*extra, dtype="float64"):
    return gn.Network([gn.Dense(6), gn.Tanh(), *extra, gn.Dense(3)], (5,), seed=2, dtype=dtype)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_that_of_the_whole_batch(data, reduction, weighted):
    x, y = data
    weights = np.linspace(0, 2, ROWS) if weighted else None
    loss = gn.CrossEntropy(reduction=reduction, class_weight=[1.0, 2.0, 0.5])
    net = network()
    value = net.loss_and_gradient(x, y, loss, sample_weight=weights)
    whole = net.gradient.copy()
    _, targets = net.prepared_targets(y, ROWS, loss)
    blocked = BlockedBatch(net, loss, x, targets, weights, checked=True, compile="auto")
    sums = np.zeros(4)
    net.gradient[:] = np.nan
    blocked.run(sums)
    np.testing.assert_allclose(net.gradient, whole, rtol=1e-9, atol=1e-12)
    assert loss.value(blocked.total) == pytest.approx(value, rel=1e-12)
    assert sums[3] == pytest.approx(ROWS if weights is None else weights.sum())


def test_training_equals_that_without_blocks(data, monkeypatch):
    x, y = data

    def train():
        net = network()
        settings = {"loss": "cross_entropy", "optimizer": gn.SGD(0.5), "batch_size": "full"}
        return net, net.fit(x, y, epochs=4, **settings)

    net, history = train()
    monkeypatch.setattr("glassnet.blocks.SMALLEST", 10 * ROWS)
    other, other_history = train()
    np.testing.assert_allclose(net.theta, other.theta, rtol=1e-9)
    assert history.column("loss") == pytest.approx(other_history.column("loss"), rel=1e-10)
    assert history.column("accuracy") == pytest.approx(other_history.column("accuracy"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blocks_are_equal_bit_for_bit_in_all_ways(data, dtype):
    runs = []
    for compile in (True, "auto", False):
        net = network(dtype=dtype)
        history = net.fit(*data, loss="cross_entropy", batch_size="full", epochs=3, compile=compile)
        runs.append((net.theta.tobytes(), history.column("loss")))
    assert runs[0] == runs[1] == runs[2]


def test_uint8_images_are_scaled_a_block_at_a_time():
    x = np.random.default_rng(0).integers(0, 256, (ROWS, 4, 4), np.uint8)
    net = gn.Network([gn.Rescale(1 / 255), gn.Flatten(), gn.Dense(2)], (4, 4), seed=0)
    history = net.fit(
        x,
        x[:, 0, 0] > 127,
        loss="cross_entropy",
        optimizer=gn.SGD(1.0),
        batch_size="full",
        epochs=20,
    )
    assert history.way == "compiled"
    assert history[-1]["accuracy"] > history[0]["accuracy"] + 0.2


@pytest.mark.parametrize(
    ("layers", "rows", "expected"),
    [
        ([gn.Dense(2), gn.ReLU()], SMALLEST, True),
        ([gn.Dense(2), gn.ReLU()], SMALLEST - 1, False),
        ([gn.Dense(2), gn.BatchNorm()], SMALLEST, False),
        ([gn.Dense(2), gn.Dropout(0.5)], SMALLEST, False),
    ],
)
def test_the_rule(layers, rows, expected):
    assert in_blocks(rows, layers, gn.MSE()) is expected


def test_a_loss_that_is_not_finite_is_noticed(data):
    x, y = data
    bad = x.copy()
    bad[ROWS - 1] = 1e300
    net = gn.Network([gn.Dense(4), gn.ReLU(), gn.Dense(1)], (5,), seed=0)
    with pytest.raises(TrainingDiverged, match="not finite"):
        net.fit(bad * 1e5, y.astype(float), loss="mse", batch_size="full", epochs=1)
