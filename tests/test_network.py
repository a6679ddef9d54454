"""The network: backpropagation as a whole, what users hand in, and what they get back."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gradients import assert_same_gradient, numerical_gradient
from networks import (
    differentiable,
    random_inputs,
    random_layers,
    random_network,
    restore,
    smooth_inputs,
    targets_for,
)
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error

import glassnet as gn
from glassnet.accelerate import references
from glassnet.checkpoint import rebuild
from glassnet.layers import LAYERS
from glassnet.losses import LOSSES
from glassnet.network import CHUNK, FEW_OPERATIONS

LOSS_NAMES = [n for n in LOSSES.names() if LOSSES[n].__module__.startswith("glassnet.")]
SEEDS = range(28)
KEPT = json.loads((Path(__file__).parent / "fixtures/torch_networks.json").read_text("utf-8"))


# Backpropagation.


def test_random_networks_have_every_layer():
    drawn = {layer.name for seed in SEEDS for layer in random_layers(seed, rate=0.3)[1]}
    known = {n for n in LAYERS.names() if LAYERS[n].__module__.startswith("glassnet.")}
    assert drawn == known


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_of_random_networks_are_central_differences(seed, training):
    """Every parameter and every input, with every loss; dropout's mask is held fixed."""
    network = random_network(seed, rate=0.3)
    x = smooth_inputs(network, seed=seed)
    weights = np.random.default_rng(seed).uniform(0.5, 2, len(x))
    before = {name: buffer.copy() for name, buffer in network.buffers.items()}

    def outputs():
        restore(network, before)
        return network.forward(x, training)

    for name in LOSS_NAMES:
        y = targets_for(name, len(x), seed=seed)
        loss, targets = network.prepared_targets(y, len(x), name)

        def value(loss=loss, targets=targets):
            return loss(outputs(), targets.rows, weights)[0]

        restore(network, before)
        network.gradient[:] = np.nan  # whatever is not written stays and is seen
        received = network.loss_and_gradient(x, y, name, training, weights)
        gradient = network.gradient.copy()
        dx = network.backward(loss(outputs(), targets.rows, weights)[1])

        assert received == pytest.approx(value(), rel=1e-14)
        what = f"{network!r}, {name}"
        expected = numerical_gradient(value, network.theta, epsilon=1e-4)
        assert_same_gradient(gradient, expected, what=f"{what}: theta")
        smooth = differentiable(network, x)
        expected = numerical_gradient(value, x, epsilon=1e-4, where=smooth)
        assert_same_gradient(dx, expected, what=f"{what}: x")


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("case", KEPT["cases"], ids=lambda case: case["loss"])
def test_same_as_pytorch_gave(case, training):
    network, x, y = kept_network(case)
    expected = case["training" if training else "inference"]
    np.testing.assert_allclose(network.forward(x, training), expected["outputs"], rtol=1e-11)
    network = kept_network(case)[0]  # with fresh running statistics
    value = network.loss_and_gradient(x, y, case["loss"], training)
    assert value == pytest.approx(expected["value"], rel=1e-11)
    for name, gradient in expected["gradients"].items():
        np.testing.assert_allclose(network.parameters[name].gradient, gradient, 1e-9, 1e-13)
    for name, statistics in expected["statistics"].items():
        np.testing.assert_allclose(network.buffers[name], statistics, 1e-11)
    chosen, targets = network.prepared_targets(y, len(x), case["loss"])
    dx = network.backward(chosen(network.forward(x, training), targets.rows)[1])
    smooth = differentiable(network, x)
    np.testing.assert_allclose(dx[smooth], np.array(expected["dx"])[smooth], 1e-9, 1e-13)


@pytest.mark.parametrize(
    "case", KEPT["cases"], ids=lambda case: case["trained"]["optimizer"]["name"]
)
def test_trains_as_pytorch_did(case):
    network, x, y = kept_network(case)
    for layer in network.layers:
        layer.fitted = layer.needs_fit  # its statistics are given
    trained = case["trained"]
    options = {"optimizer": trained["optimizer"], "loss": case["loss"], "shuffle": False}
    network.fit(x, y, batch_size=3, epochs=KEPT["steps"] * 3 // len(x), **options)
    for name, value in trained["parameters"].items():
        np.testing.assert_allclose(network.parameters[name].value, value, 1e-10, 1e-13)
    for name, value in trained["statistics"].items():
        np.testing.assert_allclose(network.buffers[name], value, 1e-10)


def kept_network(case):
    """A network of the fixture, its inputs and its targets."""
    network = rebuild(case["network"])
    for name, value in case["parameters"].items():
        network.parameters[name].value = value
    restore(network, {name: np.array(value) for name, value in case["buffers"].items()})
    return network, np.array(case["x"]), np.array(case["y"])


@pytest.mark.parametrize("seed", SEEDS)
def test_going_back_only_to_the_first_parameters_gives_the_same_gradients(seed):
    network = random_network(seed)
    x = random_inputs(network)
    d_outputs = np.random.default_rng(seed).normal(size=(len(x), 3))
    network.forward(x)
    dx = network.backward(d_outputs)
    whole = network.gradient.copy()

    network.forward(x)
    network.gradient[:] = np.nan
    network.run_backward(d_outputs, need_dx=False)
    np.testing.assert_array_equal(network.gradient, whole)

    network.forward(x)  # and the way back to x is open again
    np.testing.assert_array_equal(network.backward(d_outputs), dx)


def test_backward_is_whole_again_after_fit():
    """`fit` leaves ∂J/∂x of the first layer that learns out; nobody may be given it then."""
    network = gn.Network([gn.Standardize(), gn.Dense(2)], (3,), dtype="float64")
    x = np.random.default_rng(0).normal(size=(6, 3))
    network.fit(x, [0, 1] * 3, loss="cross_entropy", epochs=1)
    network.forward(x)
    weight, std = network.parameters["layers.1.weight"].value, network.buffers["layers.0.std"]
    dx = network.backward(np.ones((6, 2)))
    np.testing.assert_allclose(dx, np.ones((6, 2)) @ weight.T / std, rtol=1e-13)


def test_a_network_without_parameters_goes_both_ways():
    network = gn.Network([gn.Flatten(), gn.Tanh()], (2, 2), dtype="float64")
    x = np.ones((1, 2, 2))
    network.forward(x)
    network.run_backward(np.ones((1, 4)), need_dx=False)
    np.testing.assert_allclose(network.backward(np.ones((1, 4))), 1 / np.cosh(x) ** 2, rtol=1e-13)
    assert network.theta.size == 0


# Forward and backward, what they return.


def test_results_are_copies():
    network = gn.Network([gn.Dense(2), gn.Tanh()], (3,), dtype="float64")
    first = network.forward(np.ones((4, 3)))
    kept = first.copy()
    network.forward(np.zeros((4, 3)) - 7)
    np.testing.assert_array_equal(first, kept)
    dx = network.backward(np.ones((4, 2)))
    kept = dx.copy()
    network.backward(np.zeros((4, 2)))
    np.testing.assert_array_equal(dx, kept)


@pytest.mark.parametrize("layers", [[gn.Identity], [gn.Flatten], [gn.Dropout], [gn.Rescale]])
def test_inputs_are_not_handed_back(layers):
    """A network that changes nothing still returns an array of its own."""
    network = gn.Network([make() for make in layers], (3,), dtype="float64")
    x = np.ones((2, 3))
    y = network.forward(x)
    y[:] = 9
    assert (x == 1).all()
    network.backward(x)[:] = 9
    assert (x == 1).all()


def test_backward_needs_a_forward_pass():
    network = gn.Network([gn.Dense(2)], (3,))
    with pytest.raises(ValueError, match="call forward first"):
        network.backward(np.ones((1, 2)))


@pytest.mark.parametrize("shape", [(4, 3), (3, 2), (4,), (4, 2, 1)])
def test_backward_refuses_another_shape(shape):
    network = gn.Network([gn.Identity(), gn.Dense(2)], (3,))
    network.forward(np.ones((4, 3)))
    message = rf"shape of the last forward pass, \(4, 2\). Received: \({shape[0]}"
    with pytest.raises(ValueError, match=message):
        network.backward(np.ones(shape))


# What a network is made of.


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([], (3,), "at least one layer"),
        (["relu"], (3,), r"layers\[0\] is 'relu' of type str; expected a layer"),
        ([gn.Dense(2), gn.Tanh], (3,), r"layers\[1\] is .* of type type"),
        ([gn.Dense(2)], (), "input_shape is the shape of one row.*Received: \\(\\)"),
        ([gn.Dense(2)], (0,), r"Received: \(0,\)"),
        ([gn.Dense(2)], (3.5,), r"Received: \(3.5,\)"),
        ([gn.Dense(2)], None, "Received: None"),
        ([gn.Dense(2)], "wide", "Received: 'wide'"),
        ([gn.Dense(2)], (28, 28), r"layers.0 \(Dense\(units=2\)\): .* shape \(28, 28\).*Flatten"),
        ([gn.Dense(5), gn.Reshape((2, 3))], (4,), r"layers.1 .* shape \(5,\) into \(2, 3\)"),
        ([gn.Flatten(), gn.Standardize(columns=[4])], (2, 2), "layers.1 .* column 4, .* 0 to 3"),
    ],
)
def test_layers_that_do_not_fit(layers, shape, message):
    with pytest.raises(ValueError, match=message):
        gn.Network(layers, shape)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "must be 'float32' or 'float64'. Received: 'float16'"),
        ({"dtype": int}, "Received: <class 'int'>"),
        ({"dtype": "wide"}, "Received: 'wide'"),
        ({"seed": -1}, "seed must be a whole number ≥ 0. Received: -1"),
        ({"seed": None}, "Received: None"),
        ({"seed": 0.5}, "Received: 0.5"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        gn.Network([gn.Dense(2)], (3,), **options)


def test_a_layer_stands_in_one_place_only():
    shared = gn.ReLU()
    with pytest.raises(ValueError, match=r"layers\[3\] .* already belongs to a network"):
        gn.Network([gn.Dense(3), shared, gn.Dense(3), shared], (3,))
    network = gn.Network([gn.Dense(3), shared], (3,))
    with pytest.raises(ValueError, match=r"layers\[0\] .* already belongs to a network"):
        gn.Network(network.layers, (3,))


def test_layers_of_a_network_that_failed_can_be_used_again():
    layers = [gn.Dense(3), gn.ReLU(), gn.Reshape((2, 2))]
    with pytest.raises(ValueError, match=r"layers\.2"):
        gn.Network(layers, (4,))
    assert gn.Network(layers[:2], (4,)).output_shape == (3,)


@pytest.mark.parametrize("shape", [4, np.int64(4), (4,), [4], np.array([4])])
def test_ways_to_write_a_shape(shape):
    assert gn.Network([gn.Dense(2)], shape).input_shape == (4,)


@pytest.mark.parametrize("dtype", ["float32", np.float64, np.dtype("float32")])
def test_dtype_reaches_all_numbers(dtype):
    network = gn.Network([gn.Dense(3), gn.BatchNorm(), gn.ReLU(), gn.Dense(2)], (4,), dtype=dtype)
    arrays = [network.theta, network.gradient, *network.buffers.values()]
    arrays.append(network.forward(np.ones((5, 4)), training=True))
    arrays.append(network.backward(np.ones((5, 2))))
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_layers_from_descriptions():
    network = gn.Network([{"name": "Dense", "units": 3}, {"name": "ReLU"}], (2,))
    assert repr(network) == "Network([Dense(units=3), ReLU()], input_shape=(2,), dtype='float32')"


def test_summary_lines_up():
    layers = [gn.Rescale(), gn.BatchNorm(), gn.Flatten(), gn.Dense(1000), gn.Dense(2)]
    network = gn.Network(layers, (3, 32, 32))
    head, *lines = network.summary().splitlines()
    assert len(lines) == len(layers) + 2
    assert [line.split()[-2] for line in lines[1:-1]] == ["0", "6", "0", "3,073,000", "2,002"]
    assert lines[-1].split() == [
        "total",
        "3,075,008",
        f"{sum(layer.flops() for layer in layers):,}",
    ]
    assert {len(line) for line in (head, *lines[1:])} == {len(head)}
    assert {line.index("(") for line in lines[:1]} == {head.index("shape")}


# Seeds.


def weights_and_dropped(seed, *between):
    network = gn.Network([gn.Dense(4), *between, gn.Dense(2)], (3,), seed=seed)
    weights = [p.value for name, p in network.parameters.items() if name.endswith("weight")]
    return np.concatenate([w.ravel() for w in weights])


def test_seeds_decide_the_initial_weights():
    np.testing.assert_array_equal(weights_and_dropped(3), weights_and_dropped(3))
    assert (weights_and_dropped(3) != weights_and_dropped(4)).all()


def test_dropout_leaves_the_initial_weights_alone():
    np.testing.assert_array_equal(weights_and_dropped(3), weights_and_dropped(3, gn.Dropout(0.5)))


def test_dropout_layers_and_seeds_draw_differently():
    def mask(seed):
        network = gn.Network([gn.Dropout(0.5), gn.Dropout(0.5)], (200,), seed=seed)
        network.forward(np.ones((1, 200)), training=True)
        return [layer.recall("mask").copy() for layer in network.layers]

    (a, b), (c, _), (again, _) = mask(0), mask(1), mask(0)
    np.testing.assert_array_equal(a, again)
    assert (a != b).any()
    assert (a != c).any()


# Copies.

COPIES = pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))],
    ids=["deepcopy", "pickle"],
)


@COPIES
@pytest.mark.parametrize("seed", range(9))
def test_copies_are_whole_and_train_on_equally(duplicate, seed):
    network = random_network(seed, rate=0.3)
    x = random_inputs(network, rows=12)
    y = targets_for("cross_entropy", 12)
    options = {"loss": "cross_entropy", "optimizer": "adam", "batch_size": 4, "epochs": 2}
    network.fit(x, y, **options)
    twin = duplicate(network)
    for name, parameter in twin.parameters.items():
        assert np.shares_memory(parameter.value, twin.theta), name
        assert np.shares_memory(parameter.gradient, twin.gradient), name
    assert not np.shares_memory(twin.theta, network.theta)
    history = network.fit(x, y, **options)
    np.testing.assert_array_equal(twin.fit(x, y, **options).column("loss"), history.column("loss"))
    np.testing.assert_array_equal(twin.theta, network.theta)
    for name, buffer in network.buffers.items():
        assert not np.shares_memory(twin.buffers[name], buffer)
        np.testing.assert_array_equal(twin.buffers[name], buffer)
    np.testing.assert_array_equal(twin.predict_proba(x), network.predict_proba(x))


# Inputs.


def classifier(*layers, shape=(3,), **options):
    """A network that was fitted for a moment."""
    rng = np.random.default_rng(0)
    network = gn.Network([*layers, gn.Flatten(), gn.Dense(3)], shape, **options)
    x = rng.normal(size=(30, *shape))
    network.fit(x, np.arange(30) % 3, loss="cross_entropy", epochs=1)
    return network


def test_bytes_are_taken_as_they_are():
    network = gn.Network([gn.Rescale(), gn.Flatten(), gn.Dense(2)], (4, 4), dtype="float64")
    images = np.random.default_rng(0).integers(256, size=(5, 4, 4), dtype=np.uint8)
    assert network.checked_inputs(images) is images
    network.fit(images, [0, 1, 0, 1, 0], loss="cross_entropy", epochs=2, batch_size=2)
    expected = network.outputs(images.astype("float64"))
    np.testing.assert_allclose(network.outputs(images), expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "int64", "float16", "float64", ">f4"])
def test_any_numeric_dtype(dtype):
    x = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    for first in (gn.Identity, gn.Rescale, gn.Standardize, gn.Impute):
        network = gn.Network([first(), gn.Dense(2)], (3,), seed=1)
        y = network.forward(x)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, network.forward(x.astype("float32")))


def test_standardize_keeps_the_digits_of_large_numbers():
    """Seconds since 1970: in float32 they differ by steps of 128."""
    x = 1.7e9 + np.arange(8.0)[:, None]
    network = gn.Network([gn.Standardize(), gn.Dense(1, "zeros")], (1,))
    network.fit(x, np.arange(8.0), loss="mse", epochs=1)
    standardized = network.layers[0].forward(x)
    assert standardized.dtype == np.float32
    np.testing.assert_allclose(standardized[:, 0], (np.arange(8) - 3.5) / np.arange(8).std(), 1e-6)


def test_lists_and_strided_arrays_are_taken():
    network = gn.Network([gn.Dense(2)], (3,), dtype="float64")
    x = np.random.default_rng(0).normal(size=(3, 8))
    np.testing.assert_array_equal(network.forward(x[:, ::2].T), network.forward(x.T[::2].tolist()))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([["a", "b", "c"]], "Inputs must be numbers. Received dtype <U1"),
        ([[None, 1.0, 2.0]], "row 0, column 0 is nan: inputs must be finite"),
        ([[1j, 1, 1]], "Received dtype complex128"),
        (np.ones((5, 4)), r"expected x of shape \(n, 3\). Received x of shape \(5, 4\)\.$"),
        (np.ones((2, 3, 1)), r"Received x of shape \(2, 3, 1\)"),
        (np.ones(3), r"Received x of shape \(3,\). Wrap a single row: x\[None\]"),
        (1.0, r"Received x of shape \(1,\)"),
        (np.ones((0, 3)), r"no rows: received x of shape \(0, 3\)"),
        ([[1, 2, 3], [1, np.nan, 3]], "row 1, column 1 is nan: .* Impute"),
        ([[1, 2, 3], [1, 2, -np.inf]], "row 1, column 2 is -inf"),
    ],
)
def test_bad_inputs(x, message):
    network = classifier()
    for use in (network.forward, network.predict, network.predict_proba, network.outputs):
        with pytest.raises(ValueError, match=message):
            use(x)
    y = [0] * len(np.atleast_1d(x))
    for use in (network.evaluate, network.loss_and_gradient):
        with pytest.raises(ValueError, match=message):
            use(x, y)
    with pytest.raises(ValueError, match=message):
        network.fit(x, y, loss="cross_entropy")


def test_a_missing_value_is_found_in_a_later_chunk_and_in_images():
    images = np.zeros((CHUNK + 5, 2, 2))
    images[CHUNK + 3, 1, 0] = np.nan
    with pytest.raises(ValueError, match=rf"row {CHUNK + 3}, column \(1, 0\) is nan"):
        gn.Network([gn.Flatten()], (2, 2)).forward(images)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_large_numbers_are_finite_and_hide_none_that_are_not(bad):
    net = gn.Network([gn.Dense(1)], (3,))
    x = np.full((2000, 3), 1e30, np.float32)  # its square is too large for a float32
    assert net.checked_inputs(x) is not None
    x[1500, 2] = bad
    with pytest.raises(ValueError, match="row 1500, column 2 is"):
        net.checked_inputs(x)


def test_impute_takes_missing_values_but_not_infinite_ones():
    network = gn.Network([gn.Impute(), gn.Dense(1)], (2,))
    network.forward([[np.nan, 1.0]])
    with pytest.raises(ValueError, match="row 0, column 0 is inf"):
        network.forward([[np.inf, np.nan]])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 1.0], r"expected shape \(4,\). Received: \(2,\)"),
        (np.ones((4, 1)), r"Received: \(4, 1\)"),
        ([1.0, 1.0, -2.0, 1.0], "≥ 0. Row 2 has -2.0"),
        ([1.0, np.nan, 1.0, 1.0], "finite and ≥ 0. Row 1 has nan"),
    ],
)
def test_bad_sample_weights(weights, message):
    network = classifier()
    x, y = np.ones((4, 3)), [0, 1, 2, 0]
    with pytest.raises(ValueError, match=message):
        network.evaluate(x, y, weights)
    with pytest.raises(ValueError, match=message):
        network.fit(x, y, loss="cross_entropy", sample_weight=weights)


# Loss and gradient.


def test_the_loss_of_fit_is_the_default():
    network = classifier()
    x, y = np.ones((4, 3)), [0, 1, 2, 0]
    assert network.loss_and_gradient(x, y) == network.loss_and_gradient(x, y, "cross_entropy")
    assert network.loss_and_gradient(x, y) != network.loss_and_gradient(x, y, {"name": "mse"})


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (None, [0, 1], "no loss yet: pass loss="),
        ("cross_entorpy", [0, 1], "Did you mean 'cross_entropy'"),
        (gn.MSE, [0, 1], "Expected a loss"),
        (3, [0, 1], "Expected a loss"),
        ("cross_entropy", [0, 1, 1], "x has 2 rows but y has 3"),
    ],
)
def test_bad_losses(loss, y, message):
    network = gn.Network([gn.Dense(2)], (3,))
    with pytest.raises(ValueError, match=message):
        network.loss_and_gradient(np.ones((2, 3)), y, loss)


def test_outputs_of_several_axes_have_no_loss():
    network = gn.Network([gn.Tanh()], (2, 2))
    with pytest.raises(ValueError, match=r"outputs have shape \(2, 2\). End it with Flatten"):
        network.loss_and_gradient(np.ones((1, 2, 2)), [0], "mse")


def test_balanced_class_weights_are_counted():
    network = gn.Network([gn.Dense(2)], (3,), dtype="float64")
    x, y = np.random.default_rng(0).normal(size=(4, 3)), [0, 1, 1, 1]
    balanced = network.loss_and_gradient(
        x, y, {"name": "cross_entropy", "class_weight": "balanced"}
    )
    by_hand = {"name": "cross_entropy", "class_weight": [4 / (2 * 1), 4 / (2 * 3)]}
    assert balanced == pytest.approx(network.loss_and_gradient(x, y, by_hand), rel=1e-14)


# Use, for each kind of task.

N = 2 * CHUNK + 100


def fitted(outputs, loss, y):
    """A fitted network with N rows, so that they come in three chunks."""
    x = np.random.default_rng(0).normal(size=(N, 4))
    network = gn.Network([gn.Dense(5), gn.BatchNorm(), gn.Tanh(), gn.Dense(outputs)], (4,), seed=1)
    network.fit(x, y(x), loss=loss, optimizer="adam", batch_size=256, epochs=2)
    return network, x, y(x), network.forward(x)


def in_float64(probabilities):
    """Probabilities that sum to one as exactly as scikit-learn asks of float64."""
    proper = probabilities.astype("float64")
    return proper / proper.sum(axis=1, keepdims=True)


def weights_of_rows():
    """Some of them zero: the whole second chunk."""
    weights = np.random.default_rng(1).uniform(0, 2, N)
    weights[CHUNK : 2 * CHUNK] = 0
    return weights


@pytest.mark.parametrize("loss", ["cross_entropy", {"name": "cross_entropy", "reduction": "sum"}])
def test_classification(loss):
    network, x, y, z = fitted(3, loss, lambda x: x[:, :3].argmax(axis=1))
    probabilities = network.predict_proba(x)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(network.predict(x), z.argmax(axis=1))
    scores, weights = network.evaluate(x, y), weights_of_rows()
    assert set(scores) == {"loss", "accuracy"}
    assert scores["accuracy"] == accuracy_score(y, network.predict(x))
    proper = in_float64(probabilities)
    assert scores["loss"] == pytest.approx(log_loss(y, proper), rel=1e-5)
    expected = log_loss(y, proper, sample_weight=weights)
    assert network.evaluate(x, y, weights)["loss"] == pytest.approx(expected, rel=1e-5)
    one_hot = np.eye(3)[y]
    assert network.evaluate(x, one_hot) == pytest.approx(scores)


@pytest.mark.parametrize(("loss", "link"), [("binary_cross_entropy", True), ("mse", False)])
def test_binary(loss, link):
    network, x, y, z = fitted(1, loss, lambda x: (x[:, 0] > 0).astype(int))
    said = network.predict(x)
    assert said.shape == (N,)
    np.testing.assert_array_equal(said, z[:, 0] > (0 if link else 0.5))
    probabilities = network.predict_proba(x)
    assert probabilities.shape == (N, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    scores = network.evaluate(x, y)
    assert scores["accuracy"] == accuracy_score(y, said)
    if link:
        np.testing.assert_array_equal(said, probabilities.argmax(axis=1))
        proper = in_float64(probabilities)
        assert scores["loss"] == pytest.approx(log_loss(y, proper), rel=1e-5)
        expected = log_loss(y, proper, sample_weight=weights_of_rows())
        weighted = network.evaluate(x, y, weights_of_rows())
        assert weighted["loss"] == pytest.approx(expected, rel=1e-5)


def test_multilabel():
    network, x, y, z = fitted(3, "binary_cross_entropy", lambda x: (x[:, :3] > 0).astype(int))
    np.testing.assert_array_equal(network.predict(x), z > 0)
    probabilities = network.predict_proba(x)
    assert probabilities.shape == (N, 3)
    np.testing.assert_array_equal(network.predict(x), probabilities > 0.5)
    scores = network.evaluate(x, y)
    assert scores["accuracy"] == accuracy_score(y, network.predict(x))  # all labels of a row
    each = [log_loss(y[:, k], probabilities[:, k].astype("f8")) for k in range(3)]
    assert scores["loss"] == pytest.approx(np.mean(each), rel=1e-5)


@pytest.mark.parametrize("outputs", [1, 2])
def test_regression(outputs):
    def target(x):
        return 2 * x[:, 0] if outputs == 1 else x[:, :2] - 1

    network, x, y, z = fitted(outputs, "mse", target)
    said = network.predict(x)
    assert said.shape == y.shape
    np.testing.assert_allclose(said, z.reshape(y.shape), rtol=1e-4, atol=1e-6)
    scores = network.evaluate(x, y)
    assert set(scores) == {"loss", "rmse"}
    expected = np.sqrt(np.mean((said - y) ** 2))
    assert scores["rmse"] == pytest.approx(expected, rel=1e-5)
    if outputs == 1:
        assert scores["rmse"] == pytest.approx(root_mean_squared_error(y, said), rel=1e-5)
    assert scores["loss"] == pytest.approx(expected**2, rel=1e-5)
    with pytest.raises(ValueError, match="regression network has no probabilities; call predict"):
        network.predict_proba(x)


def test_chunks_change_nothing():
    network, x, y, _ = fitted(3, "cross_entropy", lambda x: x[:, :3].argmax(axis=1))
    whole = network.outputs(x)
    np.testing.assert_allclose(whole, network.forward(x), rtol=1e-5, atol=1e-6)
    for rows in (1, 7, CHUNK - 1, CHUNK, CHUNK + 1):
        np.testing.assert_allclose(network.outputs(x[:rows]), whole[:rows], rtol=1e-5, atol=1e-6)
        expected = accuracy_score(y[:rows], whole[:rows].argmax(axis=1))
        assert network.evaluate(x[:rows], y[:rows])["accuracy"] == expected


FEW_ROWS = """
import sys, numpy as np, glassnet as gn
net = gn.load(sys.argv[1])
proba = net.predict_proba(np.load(sys.argv[2]))
print(proba.tobytes().hex(), {"numba", "scipy", "polars", "pydantic"} & set(sys.modules))
"""


@pytest.mark.parametrize("rows", [1, 100])
def test_predictions_of_few_rows_load_no_compiler_and_do_not_depend_on_it(rows, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 20)), np.arange(100) % 3
    network = gn.Network([gn.Dense(128), gn.BatchNorm(), gn.Tanh(), gn.Dense(3)], (20,), seed=0)
    network.fit(x, y, loss="cross_entropy", epochs=2)  # which loads compiled kernels here
    np.save(tmp_path / "x.npy", x[:rows])
    files = network.save(tmp_path / "net.safetensors"), tmp_path / "x.npy"
    run = subprocess.run([sys.executable, "-c", FEW_ROWS, *files], capture_output=True, text=True)
    assert run.stdout == f"{network.predict_proba(x[:rows]).tobytes().hex()} set()\n", run.stderr


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(20))
def test_references_and_compiled_kernels_predict_the_same(seed, dtype, monkeypatch):
    network = random_network(seed, dtype=dtype)
    x = random_inputs(network, 40)
    few = network.outputs(x)
    monkeypatch.setattr("glassnet.network.FEW_OPERATIONS", 0)
    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(network.outputs(x), few, rtol=tolerance, atol=tolerance)
    with references():
        np.testing.assert_array_equal(network.outputs(x), few)


def test_large_predictions_are_compiled():
    network = gn.Network([gn.Dense(100)], (100,))
    rows = FEW_OPERATIONS // 20_000
    for more in (0, 1):
        network.outputs(np.zeros((rows + more, 100)))
    assert [forward.is_native for forward in network._passes.values()] == [False, True]


def test_rows_that_all_weigh_nothing_have_no_loss():
    network = classifier()
    assert network.evaluate(np.ones((2, 3)), [0, 1], [0, 0])["loss"] == 0


def test_the_task_stays_as_it_was_fitted():
    """Floats that happen to be whole, one class only: read as what the network was trained for."""
    network = classifier()
    assert network.task == "classification"
    assert network.evaluate(np.ones((2, 3)), np.array([0.0, 1.0])).keys() == {"loss", "accuracy"}
    network = gn.Network([gn.Dense(1)], (3,))
    network.fit(np.ones((2, 3)), [0.5, 1.5], loss="mse", epochs=1)
    assert network.evaluate(np.ones((2, 3)), [3, 4]).keys() == {"loss", "rmse"}


@pytest.mark.parametrize("use", ["predict", "predict_proba"])
def test_before_fit_outputs_mean_nothing(use):
    with pytest.raises(ValueError, match=r"has not been fitted.* use forward for the bare outputs"):
        getattr(gn.Network([gn.Dense(2)], (3,)), use)(np.ones((1, 3)))


@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_fit_lowers_every_loss(loss):
    network = gn.Network([gn.Dense(16), gn.Tanh(), gn.Dense(3)], (4,), seed=0)
    x = random_inputs(network, rows=12)
    y = targets_for(loss, 12)
    history = network.fit(x, y, loss=loss, optimizer=gn.Adam(0.02), epochs=60)
    assert history[-1]["loss"] < 0.9 * history[0]["loss"]


def test_frames_of_mixed_numbers_are_numbers_and_ragged_lists_are_not():
    net = gn.Network([gn.Dense(2)], (3,), seed=0)
    mixed = np.array([[True, 1, 2.5], [False, 2, 0.5]], dtype=object)
    np.testing.assert_array_equal(net.outputs(mixed), net.outputs(mixed.astype(float)))
    with pytest.raises(ValueError, match=r"rows of numbers, all of one length\. Received: list"):
        net.outputs([[1.0, 2.0, 3.0], [1.0]])
    with pytest.raises(ValueError, match="Encode text columns first"):
        net.outputs(np.array([["a", 1, 2]], dtype=object))
