"""Predictions of many rows, in blocks and on two threads, are those of each block by itself."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from test_recording import Own
from test_threads import in_threads

import glassnet as gn
from glassnet.accelerate import references
from glassnet.inputs import chunks
from glassnet.network import LARGEST_BLOCK, SMALLEST_BLOCK
from glassnet.threads import SMALL_PRODUCT, blas_threads, workers_for

WIDTH = 256


@pytest.fixture(autouse=True)
def _few_rows_are_compiled_too(monkeypatch):
    monkeypatch.setattr("glassnet.network.FEW_OPERATIONS", 0)


def network(*extra, dtype="float32", width=WIDTH):
    """Dense layers with and without batch norm, whose running values are far from 0 and 1."""
    layers = [gn.Dense(width), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.3)]
    layers += [gn.Dense(width), gn.BatchNorm(), gn.Tanh(), *extra, gn.Dense(3)]
    net = gn.Network(layers, (64,), seed=3, dtype=dtype)
    rng = np.random.default_rng(1)
    for name, buffer in net.buffers.items():
        if "running" in name:
            buffer[:] = rng.uniform(0.5, 2, buffer.shape)
    net.theta[:] += rng.normal(0, 0.05, net.theta.shape)
    return net


def inputs(rows, dtype="float32"):
    return np.random.default_rng(2).normal(size=(rows, 64)).astype(dtype)


def block_by_block(net, x):
    """The plain layers, on one block after the other; the references for few rows."""
    with references(net.by_references(len(x))), blas_threads(SMALL_PRODUCT):
        return np.concatenate([net.forward(x[rows]) for rows in chunks(len(x), net.block_rows)])


BLOCK = network().block_rows
MANY = 9 * BLOCK + 5


def test_many_rows_are_shared_by_two_workers():
    largest = network().largest_product
    assert workers_for(largest * MANY) == 2
    assert workers_for(largest * (BLOCK + 1)) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, MANY])
def test_the_bits_are_those_of_the_plain_layers(rows, dtype):
    net, x = network(dtype=dtype), inputs(rows, dtype)
    expected = block_by_block(net, x)
    for _ in range(3):  # whichever worker takes which block
        assert net.outputs(x).tobytes() == expected.tobytes()
    with references():
        replayed, plain = net.outputs(x), block_by_block(net, x)
    assert replayed.tobytes() == plain.tobytes()
    np.testing.assert_allclose(replayed, expected, rtol=1e-3, atol=1e-5)


def test_layers_of_ones_own_see_every_row_once():
    seen = []

    class Watching(Own):
        name = "test_watching"

        def forward(self, x, training=False):
            seen.append((threading.current_thread(), len(x)))
            return super().forward(x, training)

    net, x = network(Watching()), inputs(MANY)
    net.outputs(x)
    seen.clear()
    outputs = net.outputs(x)
    assert {thread for thread, _ in seen} == {threading.current_thread()}
    assert sum(rows for _, rows in seen) == MANY
    assert outputs.tobytes() == block_by_block(net, x).tobytes()


def test_moved_weights_and_statistics_are_seen():
    net, x = network(), inputs(MANY)
    before = net.outputs(x)
    net.theta[:] *= 0.9
    net.buffers["layers.1.running_mean"][:] += 1
    assert net.outputs(x).tobytes() == block_by_block(net, x).tobytes()
    assert (net.outputs(x) != before).any()


@pytest.mark.parametrize("kind", ["uint8", "float64"])
def test_other_numbers_are_converted_a_block_at_a_time(kind):
    layers = [gn.Rescale(1 / 255), gn.Flatten(), gn.Dense(300), gn.ReLU(), gn.Dense(3)]
    net = gn.Network(layers, (28, 28), seed=0)
    x = np.random.default_rng(0).integers(0, 256, (1000, 28, 28)).astype(kind)
    assert workers_for(net.largest_product * len(x)) == 2
    assert net.outputs(x).tobytes() == block_by_block(net, x).tobytes()


def test_one_network_predicts_many_rows_in_several_threads():
    net, x = network(), inputs(MANY)
    expected = [net.outputs(x[: MANY - i]).tobytes() for i in range(4)]
    wrong = []

    def work(number):
        for _ in range(5):
            if net.outputs(x[: MANY - number]).tobytes() != expected[number]:
                wrong.append(number)

    in_threads(work, 4)
    assert not wrong


@pytest.mark.parametrize(
    ("width", "dtype", "rows"),
    [
        (4, "float32", LARGEST_BLOCK),
        (128, "float32", 512),
        (64, "float64", 512),
        (4096, "float32", SMALLEST_BLOCK),
    ],
)
def test_blocks_fit_into_the_cache(width, dtype, rows):
    wide = gn.Network([gn.Dense(width), gn.ReLU(), gn.Dense(2)], (3,), dtype=dtype)
    assert wide.block_rows == rows
    assert gn.Network([gn.Dense(2)], (width,), dtype=dtype).block_rows == rows
