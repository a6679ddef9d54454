"""What holds for every layer, tested for every row of the table."""

import copy
import json
import pickle
import tracemalloc

import numpy as np
import pytest
from gradients import assert_same_gradient, numerical_gradient
from layers.harness import Alone
from layers.table import ROWS, Row

from glassnet.layers import LAYERS
from glassnet.parameters import Parameter

MODES = pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
every_layer = pytest.mark.parametrize("row", ROWS, ids=str)


def prepared(row: Row, rows: int = 5, dtype: str = "float64"):
    """A built (and fitted) layer, with x and a random ∂J/∂y."""
    alone = Alone(row.make(), row.input_shape, dtype)
    x = row.draw(rows).astype(dtype)
    if alone.layer.needs_fit:
        alone.layer.fit(row.draw(20, seed=7))
    dy = np.random.default_rng(3).normal(size=(rows, *alone.layer.output_shape)).astype(dtype)
    return alone, x, dy


def test_every_registered_layer_has_a_row():
    known = {name for name in LAYERS.names() if LAYERS[name].__module__.startswith("glassnet.")}
    assert known == {row.make().name for row in ROWS}


@MODES
@every_layer
def test_gradients_are_central_differences(row: Row, training: bool):
    alone, x, dy = prepared(row)
    before = alone.buffers()

    def objective() -> float:
        alone.restore(before)  # the same dropout mask, the same running statistics
        return float(np.sum(alone.forward(x, training) * dy))

    dx_expected = numerical_gradient(objective, x, where=row.differentiable(x))
    expected = {
        name: numerical_gradient(objective, parameter.value)
        for name, parameter in alone.store.parameters.items()
    }
    alone.store.gradient[...] = np.nan  # whatever is not written stays and is seen
    alone.restore(before)
    _, dx, _ = alone.pass_through(x, dy, training)
    assert_same_gradient(dx, dx_expected, what=f"{alone.layer!r}: dx")
    for name, parameter in alone.store.parameters.items():
        assert_same_gradient(parameter.gradient, expected[name], what=f"{alone.layer!r}: {name}")


@every_layer
def test_gradients_are_written_not_added(row: Row):
    alone, x, dy = prepared(row)
    alone.forward(x)
    alone.backward(dy)
    once = alone.store.gradient.copy()
    alone.backward(dy)
    np.testing.assert_array_equal(alone.store.gradient, once)


@MODES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_layer
def test_shapes_and_dtypes(row: Row, dtype: str, training: bool):
    alone, x, dy = prepared(row, dtype=dtype)
    y, dx, gradient = alone.pass_through(x, dy, training)
    assert y.shape == (5, *alone.layer.output_shape)
    assert dx.shape == x.shape
    assert y.dtype == dx.dtype == gradient.dtype == np.dtype(dtype)
    assert alone.layer.flops() >= 0


@MODES
@every_layer
def test_float32_agrees_with_float64(row: Row, training: bool):
    results = []
    for dtype in ("float32", "float64"):
        alone, x, dy = prepared(row, dtype=dtype)
        results.append(alone.pass_through(x, dy, training))
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, rtol=2e-4, atol=2e-4)


@every_layer
def test_config_round_trip(row: Row):
    layer = row.make()
    config = json.loads(json.dumps(layer.config()))
    again = LAYERS.create(config)
    assert type(again) is type(layer)
    assert again.config() == layer.config()
    assert repr(again) == repr(layer)
    x, dy = prepared(row)[1:]
    one, other = Alone(layer, row.input_shape), Alone(again, row.input_shape)
    for a, b in zip(one.pass_through(x, dy), other.pass_through(x, dy), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda alone: pickle.loads(pickle.dumps(alone))],
    ids=["deepcopy", "pickle"],
)
@every_layer
def test_copies_are_whole_and_independent(row: Row, duplicate):
    alone, x, dy = prepared(row)
    alone.pass_through(x, dy, training=True)
    twin = duplicate(alone)
    for parameter in (v for v in vars(twin.layer).values() if isinstance(v, Parameter)):
        assert np.shares_memory(parameter.value, twin.store.theta)
        assert np.shares_memory(parameter.gradient, twin.store.gradient)
        assert not np.shares_memory(parameter.value, alone.store.theta)
    assert any(isinstance(v, Parameter) for v in vars(twin.layer).values()) == bool(
        alone.store.parameters
    )
    for _ in range(2):  # the second pass sees what the first did to counters and statistics
        y, dx = alone.forward(x, True).copy(), alone.backward(dy).copy()
        np.testing.assert_array_equal(twin.forward(x, True), y)
        np.testing.assert_array_equal(twin.backward(dy), dx)
        np.testing.assert_array_equal(twin.store.gradient, alone.store.gradient)
        for name, buffer in alone.store.buffers.items():
            np.testing.assert_array_equal(twin.store.buffers[name], buffer)


@MODES
@every_layer
def test_batches_of_different_sizes_in_turn(row: Row, training: bool):
    alone = prepared(row)[0]
    start = alone.buffers()
    for rows in (4, 7, 2, 7, 3):
        fresh, x, dy = prepared(row, rows)
        fresh.restore(start)
        for ours, theirs in zip(
            alone.pass_through(x, dy, training), fresh.pass_through(x, dy, training), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


@every_layer
def test_no_rows_at_all(row: Row):
    alone, x, dy = prepared(row)
    y, dx, _ = alone.pass_through(x[:0], dy[:0])
    assert y.shape == (0, *alone.layer.output_shape)
    assert dx.shape == (0, *row.input_shape)


@every_layer
def test_one_row(row: Row):
    alone, x, dy = prepared(row)
    y_all, dx_all, _ = alone.pass_through(x, dy)
    y, dx, _ = alone.pass_through(x[:1], dy[:1])
    np.testing.assert_allclose(y, y_all[:1], rtol=1e-14)
    np.testing.assert_allclose(dx, dx_all[:1], rtol=1e-14)


@every_layer
def test_memory_is_reused(row: Row):
    alone, x, dy = prepared(row, rows=300)

    def step() -> None:
        alone.forward(x, True)
        alone.backward(dy)

    step()
    y, dx = alone.forward(x, True), alone.backward(dy)
    assert np.shares_memory(y, alone.forward(x, True))
    assert np.shares_memory(dx, alone.backward(dy))
    tracemalloc.start()
    step()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(10):
        step()
    growth = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert growth < x.nbytes / 2


@every_layer
def test_backward_needs_a_forward_pass(row: Row):
    alone, x, dy = prepared(row)
    with pytest.raises(ValueError, match="call forward first"):
        alone.backward(dy)
    alone.forward(x)
    with pytest.raises(ValueError, match="call forward first"):
        copy.deepcopy(alone).backward(dy)  # a copy takes no half-finished step along


@MODES
@every_layer
def test_inputs_stay_as_they_are(row: Row, training: bool):
    alone, x, dy = prepared(row)
    x_before, dy_before = x.copy(), dy.copy()
    x.flags.writeable = dy.flags.writeable = False
    alone.pass_through(x, dy, training)
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dy, dy_before)
