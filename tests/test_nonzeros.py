"""Large batches of inputs that are mostly zero: when they are listed, and what that gives."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import glassnet as gn
from glassnet.accelerate import references
from glassnet.blocks import BLOCK, SMALLEST, BlockedBatch
from glassnet.nonzeros import MOST, Nonzeros

ROWS = SMALLEST + 301
FEATURES = (4, 5)


def inputs(share, dtype="float64"):
    """Rows of which so many numbers are not zero; some are empty, and so are some columns."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS, *FEATURES))
    x[rng.random(x.shape) > share] = 0
    x[5:9], x[:, 2, 3] = 0, 0
    return x.astype(dtype)


def labels():
    return np.random.default_rng(2).integers(0, 3, ROWS)


def network(*extra, dtype="float64", use_bias=True):
    layers = [gn.Flatten(), gn.Dense(6, use_bias=use_bias), gn.ReLU(), gn.Dense(3)]
    net = gn.Network([*extra, *layers], FEATURES, seed=2, dtype=dtype)
    net.theta[:] += np.linspace(-0.5, 0.5, net.theta.size)  # biases, too
    return net


def blocked(net, x):
    loss, targets = net.prepared_targets(labels(), ROWS, "cross_entropy")
    return BlockedBatch(net, loss, x, targets, None, checked=True, compile="auto")


def names(batch):
    """The kernels that a worker calls, for each size of block."""
    return [[kernel.__name__ for kernel, _ in r.fused] for r, *_ in batch.workers[1].recordings]


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_the_gradient_is_that_of_the_whole_batch(use_bias, dtype, kind):
    x, net = inputs(0.2), network(dtype=dtype, use_bias=use_bias)
    x = (100 * np.abs(x)).astype(kind) / (1 if kind == "uint8" else 100)
    x = x.astype(kind)
    value = net.loss_and_gradient(x, labels(), "cross_entropy")
    whole = net.gradient.copy()
    batch = blocked(net, x)
    batch.run(np.zeros(4))
    for called in names(batch):
        assert called.count("sparse_product") == 2
        assert "take_rows" not in called
    for _ in range(2):
        sums = np.zeros(4)
        net.gradient[:] = np.nan
        batch.run(sums)
        rtol = 1e-3 if dtype == "float32" else 1e-9
        np.testing.assert_allclose(net.gradient, whole, rtol, rtol * np.abs(whole).max())
        assert sums[0] / sums[1] == pytest.approx(value, rel=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_ways_give_the_same_bits(dtype):
    def fit(compile):
        net = network(dtype=dtype)
        settings = {"loss": "cross_entropy", "batch_size": "full", "epochs": 3}
        history = net.fit(inputs(0.2), labels(), **settings, compile=compile)
        return net.theta.tobytes(), history.column("loss")

    assert fit(True) == fit("auto") == fit(False)
    with references():
        assert fit("auto") == fit(False)


@pytest.mark.parametrize(
    ("share", "extra"),
    [(MOST + 0.1, []), (0.1, [gn.Rescale(0.5)]), (0.1, [gn.Tanh()])],
    ids=["too many", "preprocessing", "an activation first"],
)
def test_other_inputs_are_taken_as_they_are(share, extra):
    batch = blocked(network(*extra), inputs(share))
    batch.run(np.zeros(4))
    assert all("sparse_product" not in called for called in names(batch))


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("rows", [1, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
def test_the_lists_are_those_of_sparse_matrices(rows, share):
    x = inputs(share)[:rows].reshape(rows, -1)
    found = Nonzeros(x, np.count_nonzero(x), BLOCK, np.dtype("float32"))
    for number, start in enumerate(range(0, rows, BLOCK)):
        block = x[start : start + BLOCK].astype("float32")
        pairs = (
            (found.by_row, scipy.sparse.csr_array(block)),
            (
                found.by_column,
                scipy.sparse.csc_array(block),
            ),
        )
        for (starts, places, values), expected in pairs:
            bounds = starts[number, : len(expected.indptr)]
            own = slice(bounds[0], bounds[-1])
            np.testing.assert_array_equal(bounds - bounds[0], expected.indptr)
            np.testing.assert_array_equal(places[own], expected.indices)
            np.testing.assert_array_equal(values[own], expected.data)


@pytest.mark.parametrize("row", [3, BLOCK + 1, ROWS // 2 + 5, ROWS - 1])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_the_inputs_of_a_block_that_diverges_are_kept(row, share):
    x = inputs(share)
    x[row] = 1e308
    net = network()
    net.theta[:] = 1
    batch = blocked(net, x)
    with pytest.raises(FloatingPointError), np.errstate(all="ignore"):
        batch.run(np.zeros(4))
    assert (batch.x == x[row]).all(axis=(1, 2)).any()
    with pytest.raises(gn.TrainingDiverged, match="finite"):
        net.fit(x, labels(), loss="cross_entropy", batch_size="full")
