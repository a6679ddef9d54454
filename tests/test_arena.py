"""Work arrays of a recorded list in one block: what is needed at the same time never overlaps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from networks import random_inputs, random_network

import glassnet as gn
from glassnet.accelerate import KERNELS, capture
from glassnet.arena import LINE, packed
from glassnet.fused import normalise_rectify_drop
from glassnet.trainer import Trainer


def add(a, b, out):
    np.add(a, b, out=out)


def run(calls):
    for kernel, arrays in calls:
        kernel(*arrays)


def size_of_block(calls):
    """From the first to the last byte of it that is used."""
    moved = [
        a for _, arrays in calls for a in arrays if a.base is not None and a.base.dtype == "u1"
    ]
    bounds = [np.lib.array_utils.byte_bounds(a) for a in moved]
    return max(end for _, end in bounds) - min(start for start, _ in bounds)


@pytest.mark.parametrize("seed", range(50))
def test_random_lists_compute_what_they_did(seed):
    """Sums of inputs and of what was computed before, some of it read through views."""
    rng = np.random.default_rng(seed)
    inputs = [rng.integers(0, 9, size=12).astype(float) for _ in range(2)]
    result, calls, work = np.zeros(12), [], []
    for _ in range(30):
        work.append(np.zeros((3, 12))[:])
        a, b = (([*inputs, *work[-5:-1]])[i] for i in rng.integers(2 + len(work[-5:-1]), size=2))
        calls.append((add, (a, b[..., ::-1], work[-1])))
        calls.append((add, (result, work[-1][1], result)))
    owners = [array.base for array in work]
    run(calls)
    expected, result[:] = result.copy(), 0
    again = packed(calls, owners)
    assert size_of_block(again) < sum(array.nbytes for array in work) / 3
    for array in work:
        array[:] = np.nan  # what is left behind is not read
    run(again)
    np.testing.assert_array_equal(result, expected)


def test_places_begin_at_lines_of_the_cache():
    x, y, work = np.zeros(3), np.zeros(3), [np.zeros(3) for _ in range(4)]
    chain = [x, *work, y]
    calls = packed([(np.copyto, (b, a)) for a, b in itertools.pairwise(chain)], work)
    places = {a.ctypes.data for _, arrays in calls for a in arrays} - {x.ctypes.data, y.ctypes.data}
    assert len(places) == 2
    assert all(place % LINE == 0 for place in places)


def test_other_arrays_stay_where_they_are():
    x, a, y = np.zeros(3), np.zeros(3), np.zeros(3)
    (_, (first, second)), (_, (third, fourth)) = packed(
        [(np.copyto, (a, x)), (np.copyto, (y, a))], [a]
    )
    assert second is x
    assert third is y
    assert first is not a
    assert np.shares_memory(first, fourth)


# What networks make of it.


def deep(*first, depth=10, width=64):
    layers = [layer for _ in range(depth) for layer in (gn.Dense(width), gn.ReLU())]
    return gn.Network([*first, *layers, gn.Dense(3)], (width,), seed=0)


def test_outputs_take_turns_in_two_places_in_inference():
    network = deep()
    network.outputs(np.zeros((100, 64)))
    (forward,) = network._passes.values()
    assert size_of_block(forward._recording.fused) == 2 * 100 * 64 * 4


def test_gradients_take_turns_in_two_places_in_training():
    network, rows = deep(), 100
    x, y = np.zeros((rows, 64)), np.zeros(rows, int)
    trainer = Trainer(network, x, y, loss="cross_entropy", batch_size=rows, epochs=2)
    trainer.run()
    recording = trainer.steps._recorded[rows].recording
    assert all(not layer.__dict__.get("_buffers") for layer in network.layers)
    kept = 10 * rows * 64 * 4  # y of every ReLU, for the way back
    assert size_of_block(recording.fused) <= kept + 3 * rows * 64 * 4


def test_steps_with_parts_of_ones_own_keep_their_arrays():
    class Own(gn.Layer):
        name = "test_arena_own"

        def build(self, input_shape, store, rng):
            return input_shape

        def forward(self, x, training=False):
            return 2 * x

        def backward(self, dy):
            return 2 * dy

    network = gn.Network([gn.Dense(4), Own(), gn.Dense(3)], (4,))
    x, y = np.ones((20, 4)), np.zeros(20, int)
    history = network.fit(x, y, loss="cross_entropy", batch_size=10, epochs=2)
    assert history.way == "replayed"
    assert network.layers[0].__dict__["_buffers"]


def test_fusions_are_made_as_before():
    layers = [gn.Dense(8), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.2)]
    network = gn.Network([*layers, gn.Dense(3)], (4,))
    x, y = np.random.default_rng(0).normal(size=(20, 4)), np.zeros(20, int)
    trainer = Trainer(network, x, y, loss="cross_entropy", batch_size=10, epochs=1)
    trainer.run()
    kernels = [kernel for kernel, _ in trainer.steps._recorded[10].recording.fused]
    assert normalise_rectify_drop in kernels


@pytest.mark.parametrize("seed", range(28))
def test_predicting_between_forward_and_backward_disturbs_nothing(seed):
    x = random_inputs(random_network(seed), 5, seed)
    gradients = []
    for predicts in (False, True):
        network = random_network(seed, rate=0.3)
        y = network.forward(x, training=True)
        if predicts:
            network.outputs(x[:3])
        network.backward(np.ones_like(y))
        gradients.append(network.gradient.copy())
    np.testing.assert_array_equal(*gradients)


def test_calls_may_be_written_down_without_being_run():
    network = deep()
    x = np.full((4, 64), np.nan)
    with capture(run=False) as calls:
        y = network.run_forward(x.astype("float32"), training=False)
    assert len(calls) == 21
    assert calls[-1][1][-1] is y
    assert all(kernel in KERNELS.values() for kernel, _ in calls)
