"""Fused steps: which calls are fused, which are not, and that no bit changes."""

from __future__ import annotations

import numpy as np
import pytest
from test_kernels import CASES, after, kernel_of
from test_recording import Own, assert_equal_runs

import glassnet as gn
from glassnet.accelerate import references
from glassnet.fused import list_inputs
from glassnet.fusing import FUSIONS, arguments_of, fused, goes_back
from glassnet.layers.batch_norm import batch_norm_backward, batch_norm_forward
from glassnet.layers.dense import dense_forward_without_bias
from glassnet.layers.rectifiers import relu_backward, relu_forward
from glassnet.trainer import Trainer

DEEP = ["normalise_rectify_drop", "normalise_rectify_drop_backward"]
NORMALISED = ["normalise_rectify", "normalise_rectify_backward"]
LISTED = ["list_inputs", "dense_forward_listed", "descend_listed"]


def normalised(rate: float | None, width: int = 9) -> list[gn.Layer]:
    """Two blocks of dense layer, batch norm, ReLU and, at some rate, dropout."""
    layers: list[gn.Layer] = []
    for units in (width, width + 3):
        layers += [gn.Dense(units), gn.BatchNorm(), gn.ReLU()]
        layers += [gn.Dropout(rate)] if rate is not None else []
    return layers


def train(layers, way, *, columns=6, dtype="float32", zeros=0.0, **options):
    """The network, its history, and the names of the calls that were run."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(70, columns)), rng.integers(0, 3, 70)
    x[rng.random(x.shape) < zeros] = 0
    net = gn.Network([*layers(), gn.Dense(3)], (columns,), seed=1, dtype=dtype)
    settings = {"loss": "cross_entropy", "batch_size": 16, "epochs": 3} | options
    trainer = Trainer(net, x, y, **settings, compile=way)
    history = trainer.run()
    size = settings["batch_size"]
    recording = trainer.steps._recorded[size].recording
    return net, history, [getattr(kernel, "__name__", "") for kernel, _ in recording.fused]


def assert_fused(layers, names, **options):
    """A recorded run calls these kernels, and equals the plain one; also with references."""
    *plain, _ = train(layers, False, **options)
    *compiled, called = train(layers, "auto", **options)
    assert compiled[1].way == "compiled"
    assert set(names) <= set(called)
    assert_equal_runs(plain, compiled)
    with references():
        *plain, _ = train(layers, False, **options)
        *replayed, _ = train(layers, "auto", **options)
    assert replayed[1].way == "replayed"
    assert_equal_runs(plain, replayed)


def assert_not_fused(layers, names, **options):
    *_, called = train(layers, "auto", **options)
    assert not set(names) & set(called)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [1, 8, 37])
@pytest.mark.parametrize("batch_size", [16, 7])
def test_batch_norm_with_relu_and_dropout(batch_size, width, dtype):
    options = {"dtype": dtype, "batch_size": batch_size}
    assert_fused(lambda: normalised(0.4, width=width), DEEP, **options)
    assert_fused(lambda: normalised(None, width=width), NORMALISED, **options)


def test_every_block_is_fused():
    *_, called = train(lambda: normalised(0.4), True)
    assert [called.count(name) for name in DEEP] == [2, 2]
    assert "relu_forward" not in called


def test_steps_with_parts_of_ones_own_stay_as_they_are():
    assert_not_fused(lambda: [*normalised(0.4), Own()], DEEP + NORMALISED)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [1, 8, 37])
@pytest.mark.parametrize("rows", [1, 2, 70])
def test_inference_with_batch_norm_and_relu(monkeypatch, rows, width, dtype):
    monkeypatch.setattr(gn.network, "FEW_OPERATIONS", 0)  # not by the references
    rng = np.random.default_rng(3)
    net, *_ = train(lambda: normalised(0.4, width=width), "auto", dtype=dtype)
    x = rng.normal(size=(rows, 6)).astype(dtype)

    def assert_equal():
        recorded, plain = net.outputs(x), net.forward(x)
        recording = net._forward_pass(x, 0)._recording
        called = [kernel.__name__ for kernel, _ in recording.fused]
        assert called.count("normalise_rectify_inference") == 2
        assert "relu_forward" not in called
        assert recorded.tobytes() == plain.tobytes()

    assert_equal()
    with references():
        assert_equal()


def calls_of_batch_norm_and_relu():
    rows, columns, names = (4, 3), (3,), {}
    calls = []
    for run in FUSIONS[1].runs.values():
        for kernel, part in run:
            is_matrix = {"x", "x_hat", "normal", "y", "dy", "dx", "d_normal"}
            arrays = [
                names.setdefault(name, np.zeros(rows if name in is_matrix else columns))
                for name in part.split()
            ]
            calls.append((kernel, tuple(arrays)))
    return calls, names


def test_arrays_that_another_call_reads_stay():
    calls, names = calls_of_batch_norm_and_relu()
    assert [kernel.__name__ for kernel, _ in fused(calls)] == NORMALISED
    look = relu_forward, (names["normal"][1:], np.zeros((3, 3)))  # a part of one
    assert fused([*calls, look]) == [*calls, look]


def test_the_same_name_is_the_same_array():
    calls, names = calls_of_batch_norm_and_relu()
    others = {"normal": np.zeros((4, 3)), "x_hat": np.zeros((4, 3))}
    for name, other in others.items():
        strange = [
            (kernel, tuple(other if a is names[name] and kernel in kernels else a for a in arrays))
            for kernels in [(relu_forward, batch_norm_backward)]
            for kernel, arrays in calls
        ]
        assert fused(strange) == strange
    views = [(kernel, tuple(a[:] for a in arrays)) for kernel, arrays in calls]
    assert [kernel.__name__ for kernel, _ in fused(views)] == NORMALISED


def test_a_forward_pass_alone_is_not_fused():
    calls, _ = calls_of_batch_norm_and_relu()
    forward = [call for call in calls if call[0] in (batch_norm_forward, relu_forward)]
    backward = [call for call in calls if call[0] in (batch_norm_backward, relu_backward)]
    assert fused(forward) == forward
    assert fused(backward) == backward


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: next(iter(fusion.runs)).__name__)
def test_the_table_names_every_argument(fusion):
    for fused_kernel, run in fusion.runs.items():
        for kernel, names in run:
            assert len(names.split()) == len(arguments_of(kernel))
        known = {name for parts in fusion.runs.values() for _, p in parts for name in p.split()}
        assert set(arguments_of(fused_kernel)) <= known


# Batches of one row.


def sigmoids() -> list[gn.Layer]:
    return [gn.Dense(10), gn.Sigmoid(), gn.Dense(7), gn.ReLU()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [1, 6, 50])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_outer_products_are_not_written_down(optimizer, columns, dtype):
    by_row = {"sgd": [*LISTED, "descend_by_rows"], "momentum": ["momentum_by_rows"]}
    assert_fused(
        sigmoids,
        by_row[optimizer],
        optimizer={"name": optimizer, "learning_rate": 0.05},
        schedule=gn.schedules.Cosine(),
        batch_size=1,
        columns=columns,
        zeros=0.8,
        dtype=dtype,
    )


def test_after_preprocessing_and_with_weight_decay():
    def layers():
        return [gn.Rescale(0.5), *sigmoids()]

    optimizer = gn.SGD(0.05, weight_decay=0.01)
    assert_fused(layers, LISTED, optimizer=optimizer, batch_size=1, zeros=0.8)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": gn.SGD(0.05, clip_norm=1.0)},
        {"optimizer": gn.SGD(0.05, clip_value=1.0)},
        {"optimizer": gn.SGD(0.05, l2=0.1)},
        {"optimizer": gn.Momentum(0.05, form="step")},
        {"optimizer": "adam"},
        {"optimizer": gn.SGD(0.05), "batch_size": 2},  # not with so few units
    ],
    ids=["clip_norm", "clip_value", "l2", "step", "adam", "two rows"],
)
def test_gradients_that_are_needed_are_written_down(options):
    names = [*LISTED, "descend_by_rows", "momentum_by_rows"]
    assert_not_fused(sigmoids, names, **{"batch_size": 1} | options)


def wide(units: int = 67) -> list[gn.Layer]:
    return [gn.Dense(units), gn.Tanh(), gn.Dense(64), gn.ReLU()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("zeros", [0.0, 0.9])
@pytest.mark.parametrize("columns", [1, 50, 51])
@pytest.mark.parametrize(
    ("kernel", "optimizer", "batch_size"),
    [
        ("descend_by_rows", "sgd", 2),
        ("descend_by_rows", "sgd", 3),
        ("descend_by_rows", "sgd", 4),
        ("momentum_by_rows", "momentum", 2),
    ],
)
def test_few_rows(kernel, optimizer, batch_size, columns, zeros, dtype):
    options = {"batch_size": batch_size, "columns": columns, "zeros": zeros, "dtype": dtype}
    *plain, _ = train(wide, False, optimizer=optimizer, **options)
    *compiled, called = train(wide, True, optimizer=optimizer, **options)
    assert called.count(kernel) == 2
    assert_equal_runs(plain, compiled)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("batch_size", range(1, 10))
def test_many_zeros_in_batches_of_any_size(batch_size, optimizer):
    options = {"optimizer": optimizer, "batch_size": batch_size, "columns": 50, "zeros": 0.85}
    *plain, _ = train(lambda: wide(130), False, **options)
    *compiled, _ = train(lambda: wide(130), True, **options)
    assert_equal_runs(plain, compiled)


def test_the_gradient_can_be_kept():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 6)), rng.integers(0, 3, 5)
    net = gn.Network([*sigmoids(), gn.Dense(3)], (6,), seed=1)
    trainer = Trainer(net, x, y, loss="cross_entropy", optimizer="sgd", batch_size=1, epochs=1)
    trainer.run()
    calls = trainer.steps._recorded[1].recording.calls
    assert fused(calls) != calls
    assert fused(calls, keep_gradient=True) == calls


def test_only_inputs_that_are_not_zero_are_listed():
    x = np.array([[0.0, 3.0, -0.0, np.nan, 0.0, np.inf, 0.0]], np.float32)
    for function in (list_inputs.reference, list_inputs.twin):
        places = np.zeros(8, np.int64)
        function(x, places)
        assert places[:4].tolist() == [3, 1, 3, 5]


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_inputs_that_are_not_finite_are_not_passed_over(rows):
    rng = np.random.default_rng(0)
    x, weight = np.zeros((rows, 40), np.float32), rng.normal(size=(40, 128)).astype(np.float32)
    x[0, 3], x[0, 9], x[-1, 17] = np.inf, 1, np.nan
    y = np.zeros((2, rows, 128), np.float32)
    with np.errstate(invalid="ignore"):
        dense_forward_without_bias.reference(x, weight, y[0])
    dense_forward_without_bias.twin(x, weight, y[1])
    np.testing.assert_array_equal(y[1], y[0])
    assert np.isnan(y[1, -1]).all()


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_half_of_the_columns_is_computed_as_in_the_whole(rows):
    """`owners` gives each of two threads half of W's columns."""
    rng = np.random.default_rng(0)
    x, weight = np.zeros((rows, 784), np.float32), rng.normal(size=(784, 192)).astype(np.float32)
    x[:, ::7] = rng.normal(size=(rows, 112))
    y = np.zeros((2, rows, 192), np.float32)
    dense_forward_without_bias.twin(x, weight, y[0])
    dense_forward_without_bias.twin(x, weight[:, :96], y[1, :, :96])
    np.testing.assert_array_equal(y[1, :, :96], y[0, :, :96])


@pytest.mark.parametrize("name", [n for n in CASES if goes_back(kernel_of(n))])
def test_backward_passes_write_what_is_called_d(name):
    """`fusing` relies on it to know what a call may change."""
    shape = max(3, CASES[name].rows), 5
    arrays = CASES[name].draw(np.random.default_rng(0), shape, np.dtype("float64"))
    kernel = kernel_of(name)
    pairs = zip(arrays, after(kernel.twin, arrays), strict=True)
    for argument, (before, behind) in zip(arguments_of(kernel), pairs, strict=True):
        if not argument.startswith("d") or argument == "dy":
            np.testing.assert_array_equal(before, behind, argument)
