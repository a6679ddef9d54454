"""The flat vector: parameters are windows into it, and stay so when they are copied."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.initializers import Constant, Normal
from glassnet.parameters import ParameterStore


def small_store(dtype="float64"):
    """A bias of 2, a weight of 2×3 and a slope of 1 (what decays in the middle)."""
    store = ParameterStore()
    store.scope = "layers.0."
    store.parameter("bias", (2,), Constant(1.0), decays=False)
    store.parameter("weight", (2, 3), Constant(2.0))
    store.scope = "layers.1."
    store.parameter("slope", (1,), Constant(3.0), decays=False)
    store.allocate(np.dtype(dtype), np.random.default_rng(0))
    return store


def assert_aliases(store):
    """Every value and gradient is a window into θ and the gradient, and together they fill both."""
    for index, parameter in enumerate(store.parameters.values()):
        assert np.shares_memory(parameter.value, store.theta)
        assert np.shares_memory(parameter.gradient, store.gradient)
        parameter.value = np.full(parameter.shape, index)
        parameter.gradient[...] = -index - 1
    counts = [parameter.size for parameter in store.parameters.values()]
    assert sorted(store.theta) == sorted(np.repeat(range(len(counts)), counts))
    assert (store.gradient == -store.theta - 1).all()


def test_names_carry_their_scope():
    assert list(small_store().parameters) == ["layers.0.bias", "layers.0.weight", "layers.1.slope"]


def test_what_decays_comes_first():
    store = small_store()
    assert store.decaying == 6
    np.testing.assert_array_equal(store.theta, [2, 2, 2, 2, 2, 2, 1, 1, 3])
    np.testing.assert_array_equal(store.gradient, np.zeros(9))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vectors_have_the_networks_dtype(dtype):
    store = small_store(dtype)
    assert store.theta.dtype == store.gradient.dtype == dtype
    assert all(p.value.dtype == dtype for p in store.parameters.values())
    assert store.theta.flags.c_contiguous
    assert all(p.value.flags.c_contiguous for p in store.parameters.values())


def test_parameters_are_windows():
    assert_aliases(small_store())


def test_assigning_copies_into_the_window():
    store = small_store()
    weight = store.parameters["layers.0.weight"]
    window, mine = weight.value, np.arange(6.0).reshape(2, 3)
    weight.value = mine
    mine[...] = -1.0
    assert weight.value is window
    np.testing.assert_array_equal(store.theta[:6], range(6))
    weight.value = [[5, 4, 3], [2, 1, 0]]
    np.testing.assert_array_equal(store.theta[:6], [5, 4, 3, 2, 1, 0])


def test_a_step_on_the_vector_is_seen_in_every_window():
    store = small_store()
    store.theta -= 1.0
    np.testing.assert_array_equal(store.parameters["layers.0.bias"].value, [0, 0])
    np.testing.assert_array_equal(store.parameters["layers.1.slope"].value, [2])


@pytest.mark.parametrize("shape", [(3, 2), (6,), (2, 3, 1), ()])
def test_a_wrong_shape_is_refused(shape):
    store = small_store()
    with pytest.raises(ValueError, match=r"layers.0.weight has shape \(2, 3\).*given shape.*Trans"):
        store.parameters["layers.0.weight"].value = np.zeros(shape)
    np.testing.assert_array_equal(store.theta[:6], np.full(6, 2.0))


def test_numbers_come_with_allocation():
    parameter = ParameterStore().parameter("weight", (2,), Constant(0.0))
    with pytest.raises(ValueError, match="weight has no numbers yet"):
        _ = parameter.value
    with pytest.raises(ValueError, match="weight has no gradient yet"):
        _ = parameter.gradient


def test_names_differ():
    store = ParameterStore()
    store.parameter("weight", (2,), Constant(0.0))
    with pytest.raises(ValueError, match="'weight' is declared twice"):
        store.parameter("weight", (2,), Constant(0.0))
    with pytest.raises(ValueError, match="'weight' is declared twice"):
        store.buffer("weight", np.zeros(2))
    store.buffer("mean", np.zeros(2))
    with pytest.raises(ValueError, match="'mean' is declared twice"):
        store.parameter("mean", (2,), Constant(0.0))


def test_buffers_are_kept_apart():
    store = ParameterStore()
    store.scope = "layers.2."
    mean = np.zeros(3)
    assert store.buffer("mean", mean) is mean
    store.parameter("scale", (3,), Constant(1.0), decays=False)
    store.allocate(np.dtype("float64"), np.random.default_rng(0))
    assert store.buffers == {"layers.2.mean": mean}
    assert store.theta.size == 3
    assert store.decaying == 0


def test_a_store_of_nothing():
    store = ParameterStore()
    store.allocate(np.dtype("float32"), np.random.default_rng(0))
    assert store.theta.shape == store.gradient.shape == (0,)


def test_values_are_drawn_in_the_order_of_the_layers():
    """Not in that of θ: whether something decays does not change what is drawn for it."""
    drawn = []
    for decays in (True, False):
        store = ParameterStore()
        first = store.parameter("first", (3,), Normal(1.0), decays=decays)
        second = store.parameter("second", (2, 2), Normal(1.0))
        store.allocate(np.dtype("float64"), np.random.default_rng(4))
        drawn.append(np.concatenate([first.value.ravel(), second.value.ravel()]))
    np.testing.assert_array_equal(drawn[0], drawn[1])
    expected = np.random.default_rng(4).normal(size=7)
    np.testing.assert_array_equal(drawn[0], expected)


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda store: pickle.loads(pickle.dumps(store))]
)
def test_a_copy_has_windows_of_its_own(duplicate):
    store = small_store()
    other = duplicate(store)
    np.testing.assert_array_equal(other.theta, store.theta)
    assert not np.shares_memory(other.theta, store.theta)
    original = store.theta.copy()
    assert_aliases(other)
    np.testing.assert_array_equal(store.theta, original)
    assert_aliases(store)


def test_a_copy_of_a_layers_parameter_belongs_to_the_copied_store():
    store = small_store()
    held, other = copy.deepcopy((store.parameters["layers.0.weight"], store))
    assert held is other.parameters["layers.0.weight"]
    held.value[...] = 9.0
    np.testing.assert_array_equal(other.theta[:6], np.full(6, 9.0))


@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans()), max_size=6
    )
)
def test_any_layout_fills_the_vectors(shapes_and_decays):
    store = ParameterStore()
    for index, (shape, decays) in enumerate(shapes_and_decays):
        store.parameter(f"p{index}", tuple(shape), Constant(0.0), decays=decays)
    store.allocate(np.dtype("float64"), np.random.default_rng(0))
    assert store.decaying == sum(np.prod(s, dtype=int) for s, decays in shapes_and_decays if decays)
    for parameter in store.parameters.values():
        assert (parameter.span.stop <= store.decaying) == parameter.decays
    assert_aliases(store)
