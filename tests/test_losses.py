"""Losses: gradients by central differences, values by PyTorch and by hand, meaning of weights."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from gradients import assert_same_gradient, numerical_gradient
from loss_cases import CASES
from scipy.special import expit, softmax
from sklearn.utils.class_weight import compute_class_weight

import glassnet as gn
from glassnet.batches import Batch
from glassnet.losses import LOSSES

FIXTURE = json.loads((Path(__file__).parent / "fixtures/torch_losses.json").read_text("utf-8"))
OURS = [name for name in LOSSES.names() if LOSSES[name].__module__.startswith("glassnet.")]

every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_loss = pytest.mark.parametrize("name", OURS)


def prepared(case, seed=0):
    """The loss, and its arguments."""
    outputs, y, weights = case.draw(seed)
    return case.ready(y), outputs, case.targets(y).rows, weights


# One table.


def test_every_loss_and_every_option_has_a_case():
    tested = {(case.name, option) for case in CASES for option in case.options}
    options = {
        (name, option) for name in OURS for option in inspect.signature(LOSSES[name]).parameters
    }
    assert tested == options
    assert {(case.name, case.weighted) for case in CASES} >= {(name, True) for name in OURS}
    assert len({str(case) for case in CASES}) == len(CASES)


@every_case
def test_gradient_is_central_differences(case):
    loss, outputs, rows, weights = prepared(case)
    _, gradient = loss(outputs, rows, weights)
    expected = numerical_gradient(lambda: loss(outputs, rows, weights)[0], outputs)
    assert_same_gradient(gradient, expected, what=str(case))


def test_fixture_has_all_cases():
    assert [kept["case"] for kept in FIXTURE["cases"]] == [str(case) for case in CASES]


@pytest.mark.parametrize(("case", "kept"), list(zip(CASES, FIXTURE["cases"], strict=True)), ids=str)
def test_same_as_pytorch_gave(case, kept):
    outputs, y = np.array(kept["outputs"]), np.array(kept["y"])
    weights = None if kept["weights"] is None else np.array(kept["weights"])
    value, gradient = case.ready(y)(outputs, case.targets(y).rows, weights)
    np.testing.assert_allclose(value, kept["value"], rtol=1e-12)
    np.testing.assert_allclose(gradient, kept["gradient"], rtol=1e-10, atol=1e-14)


@every_case
def test_float32_stays_float32_and_is_close(case):
    loss, outputs, rows, weights = prepared(case)
    value, gradient = loss(outputs, rows, weights)
    single, gradient32 = loss(outputs.astype("float32"), rows.astype("float32"), weights)
    assert gradient32.dtype == np.float32
    assert isinstance(single, float)
    np.testing.assert_allclose(single, value, rtol=1e-5)
    np.testing.assert_allclose(gradient32, gradient, rtol=1e-4, atol=1e-6)


@every_case
def test_arguments_stay_as_they_are(case):
    loss, outputs, rows, weights = prepared(case)
    before = outputs.copy(), rows.copy()
    for array in (outputs, rows, *([] if weights is None else [weights])):
        array.flags.writeable = False
    loss(outputs, rows, weights)
    np.testing.assert_array_equal(outputs, before[0])
    np.testing.assert_array_equal(rows, before[1])


@every_case
def test_config_round_trip(case):
    loss = case.make()
    again = LOSSES.create(json.loads(json.dumps(loss.config())))
    assert type(again) is type(loss)
    assert again.config() == loss.config()
    assert repr(again) == repr(loss)


def test_into_writes_where_it_is_told():
    loss, outputs, rows, weights = prepared(CASES[1])
    batch = Batch(len(outputs), (), outputs.shape[1], outputs.dtype, outputs.dtype)
    batch.truth[:] = rows
    if weights is not None:
        batch.weights[:] = weights
    batch.gradient[:] = np.nan
    loss.into(outputs, batch)
    expected, expected_gradient = loss(outputs, rows, weights)
    assert loss.value(batch.total) == expected
    np.testing.assert_array_equal(batch.gradient, expected_gradient)


# Worked by hand.

LOG_3 = 1.0986122886681098


@pytest.mark.parametrize(
    ("loss", "outputs", "targets", "value", "gradient"),
    [
        (gn.MSE(), [[1, 5]], [[0, 2]], (1 + 9) / 2, [[1, 3]]),
        (gn.MSE(reduction="sum"), [[1, 5]], [[0, 2]], 1 + 9, [[2, 6]]),
        (gn.SquaredError(), [[1, 5], [2, 2]], [[0, 2], [2, 2]], 5 / 2, [[0.5, 1.5], [0, 0]]),
        (gn.SquaredError(reduction="sum"), [[1, 5]], [[0, 2]], 5, [[1, 3]]),
        (gn.MAE(), [[1, 5], [3, 2]], [[0, 7], [3, 2]], 3 / 4, [[0.25, -0.25], [0, 0]]),
        (gn.Huber(2.0), [[1], [-5]], [[0], [0]], (0.5 + 2 * 5 - 2) / 2, [[0.5], [-1.0]]),
        (gn.BinaryCrossEntropy(), [[0]], [[1]], np.log(2), [[-0.5]]),
        (gn.BinaryCrossEntropy(), [[np.log(3)]], [[0]], np.log(4), [[0.75]]),
        (gn.CrossEntropy(), [[0, 0, 0]], [[0, 1, 0]], LOG_3, [[1 / 3, -2 / 3, 1 / 3]]),
        (gn.CrossEntropy(0.3), [[0, 0, 0]], [[0, 1, 0]], LOG_3, [[7 / 30, -14 / 30, 7 / 30]]),
        (gn.CrossEntropy(), [[np.log(3), 0]], [[0, 1]], np.log(4), [[0.75, -0.75]]),
        (
            gn.CrossEntropy(class_weight={1: 3.0}),
            [[0, 0], [np.log(3), 0]],
            [[1, 0], [0, 1]],
            (np.log(2) + 3 * np.log(4)) / 4,
            [[-1 / 8, 1 / 8], [9 / 16, -9 / 16]],
        ),
    ],
    ids=repr,
)
def test_worked_example(loss, outputs, targets, value, gradient):
    received = loss(np.array(outputs, float), np.array(targets, float))
    assert received[0] == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(received[1], gradient, rtol=1e-14, atol=1e-16)


# Extremes.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("loss", "outputs", "targets", "value", "gradient"),
    [
        ("cross_entropy", [[1e4, -1e4, 0]], [[1, 0, 0]], 0, [[0, 0, 0]]),
        ("cross_entropy", [[1e4, -1e4, 0]], [[0, 1, 0]], 2e4, [[1, -1, 0]]),
        ("cross_entropy", [[-1e4, -1e4, -1e4]], [[0, 1, 0]], LOG_3, [[1 / 3, -2 / 3, 1 / 3]]),
        ("cross_entropy", [[1e4, -1e4, 0]], [[0.5, 0.5, 0]], 1e4, [[0.5, -0.5, 0]]),
        ("binary_cross_entropy", [[1e4]], [[1]], 0, [[0]]),
        ("binary_cross_entropy", [[1e4]], [[0]], 1e4, [[1]]),
        ("binary_cross_entropy", [[-1e4]], [[0]], 0, [[0]]),
        ("binary_cross_entropy", [[-1e4]], [[1]], 1e4, [[-1]]),
        ("mse", [[1e4]], [[-1e4]], 4e8, [[4e4]]),
        ("squared_error", [[1e4]], [[-1e4]], 2e8, [[2e4]]),
        ("mae", [[1e4]], [[-1e4]], 2e4, [[1]]),
        ("huber", [[1e4]], [[-1e4]], 2e4 - 0.5, [[1]]),
    ],
)
def test_extreme_outputs(loss, outputs, targets, value, gradient, dtype):
    received = LOSSES.create(loss)(np.array(outputs, dtype), np.array(targets, dtype))
    np.testing.assert_allclose(received[0], value, rtol=1e-6)
    np.testing.assert_allclose(received[1], gradient, rtol=1e-6)


def test_small_losses_keep_their_digits():
    """A confident right answer is told from a more confident one: log1p, not log."""
    z = np.array([[30.0], [40.0]])
    value, _ = gn.BinaryCrossEntropy(reduction="sum")(z, np.ones((2, 1)))
    assert value == pytest.approx(np.exp(-30) + np.exp(-40), rel=1e-12, abs=0)
    flipped = gn.BinaryCrossEntropy(reduction="sum")(-z, np.zeros((2, 1)))[1]
    np.testing.assert_allclose(flipped, np.exp(-z), rtol=1e-12)


# What weights mean.


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_weight_of_two_is_the_row_twice(name, reduction):
    loss, outputs, rows = drawn(name, reduction)
    twice = [0, 1, 1, 2, 3, 4, 5, 5]
    weights = np.bincount(twice).astype(float)
    value, gradient = loss(outputs, rows, weights)
    expected, repeated = loss(outputs[twice], rows[twice])
    assert value == pytest.approx(expected, rel=1e-13)
    summed = np.zeros_like(outputs)
    np.add.at(summed, twice, repeated)
    np.testing.assert_allclose(gradient, summed, rtol=1e-12, atol=1e-15)


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_weight_of_zero_is_no_row(name, reduction):
    loss, outputs, rows = drawn(name, reduction)
    weights = np.array([1.0, 0, 0, 1, 1, 0])
    value, gradient = loss(outputs, rows, weights)
    expected, kept = loss(outputs[weights > 0], rows[weights > 0])
    assert value == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(gradient[weights > 0], kept, rtol=1e-12)
    assert not gradient[weights == 0].any()


@every_loss
def test_rows_that_all_weigh_nothing_have_no_loss(name):
    loss, outputs, rows = drawn(name, "mean")
    value, gradient = loss(outputs, rows, np.zeros(len(outputs)))
    assert value == 0
    assert not gradient.any()


@every_loss
def test_only_the_ratio_of_weights_counts_in_the_mean(name):
    loss, outputs, rows = drawn(name, "mean")
    weights = np.arange(1.0, 7.0)
    for one, other in zip(
        loss(outputs, rows, weights), loss(outputs, rows, 7 * weights), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-16)


def drawn(name, reduction):
    """A loss without weights, outputs (6, 3), and targets that suit it."""
    form = "labels" if LOSSES[name].needs_classes else "multilabel"
    case = next(c for c in CASES if c.form == form and "class_weight" not in c.options)
    outputs, y, _ = case.draw(seed=5)
    return LOSSES.create({"name": name, "reduction": reduction}), outputs, case.targets(y).rows


@pytest.mark.parametrize("name", [name for name in OURS if name != "binary_cross_entropy"])
def test_class_weights_are_weights_of_rows(name):
    case = next(case for case in CASES if case.name == "cross_entropy" and case.form == "labels")
    outputs, labels, _ = case.draw()
    rows, own = np.eye(3)[labels], np.arange(1.0, 7.0)
    by_class = LOSSES.create({"name": name, "class_weight": {0: 0.5, 2: 3.0}})
    by_row = np.array([0.5, 1.0, 3.0])[labels] * own
    for one, other in zip(
        by_class(outputs, rows, own), LOSSES.create(name)(outputs, rows, by_row), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_balanced_counts_as_scikit_learn_does():
    labels = np.array([0, 1, 1, 2, 2, 2, 2])
    loss = gn.CrossEntropy(0.1, "sum", "balanced").balanced(labels, 3)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(loss.class_weight, expected, rtol=1e-15)
    assert (loss.label_smoothing, loss.reduction) == (0.1, "sum")


def test_balanced_leaves_given_weights_alone():
    loss = gn.CrossEntropy(class_weight={1: 2.0})
    assert loss.balanced(np.array([0, 1]), 2) is loss


def test_soft_targets_have_their_expected_class_weight():
    outputs, rows = np.zeros((1, 2)), np.array([[0.25, 0.75]])
    loss = gn.CrossEntropy(reduction="sum", class_weight=[1.0, 5.0])
    assert loss(outputs, rows)[0] == pytest.approx((0.25 * 1 + 0.75 * 5) * np.log(2))


# Links and thresholds.


def test_links():
    z = np.random.default_rng(0).normal(0, 5, (4, 3))
    np.testing.assert_allclose(gn.CrossEntropy().link(z), softmax(z, axis=1), rtol=1e-13)
    np.testing.assert_allclose(gn.BinaryCrossEntropy().link(z), expit(z), rtol=1e-13)
    for name in ("mse", "squared_error", "mae", "huber"):
        assert LOSSES.create(name).link(z) is z


@every_loss
def test_threshold_is_where_yes_and_no_are_equally_probable(name):
    loss = LOSSES.create(name)
    if not loss.needs_classes:
        assert loss.link(np.array([[loss.threshold]])).item() == 0.5


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_gradient_sums_to_zero_over_a_row(smoothing):
    """Adding a number to all logits changes nothing."""
    rng = np.random.default_rng(0)
    _, gradient = gn.CrossEntropy(smoothing)(rng.normal(size=(5, 4)), rng.dirichlet(np.ones(4), 5))
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-16)


# Bad input.


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gn.MSE("average"), "reduction must be 'mean' or 'sum'. Received: 'average'"),
        (lambda: gn.MSE(class_weight="equal"), "must be 'balanced', .* Received: 'equal'"),
        (lambda: gn.MSE(class_weight=3), "must be 'balanced', .* Received: 3"),
        (lambda: gn.MSE(class_weight={"cat": 1.0}), "one number a class. Received: {'cat'"),
        (lambda: gn.MSE(class_weight={1.5: 1.0}), "one number a class. Received: {1.5"),
        (lambda: gn.MSE(class_weight={0: -1.0}), "finite and ≥ 0. Received: {0: -1.0}"),
        (lambda: gn.MSE(class_weight=[1.0, np.inf]), "finite and ≥ 0"),
        (lambda: gn.MSE(class_weight=[1.0, np.nan]), "finite and ≥ 0"),
        (lambda: gn.Huber(0.0), "delta > 0. Received: 0.0"),
        (lambda: gn.Huber(np.nan), "delta > 0. Received: nan"),
        (lambda: gn.Huber(np.inf), "finite delta"),
        (lambda: gn.CrossEntropy(1.0), "at least 0 and below 1. Received: 1.0"),
        (lambda: gn.CrossEntropy(-0.1), "at least 0 and below 1. Received: -0.1"),
        (lambda: LOSSES.create("cross_entropie"), "Did you mean 'cross_entropy'"),
        (
            lambda: LOSSES.create({"name": "huber", "dleta": 1}),
            "no option 'dleta'. Did you mean 'delta'",
        ),
        (lambda: LOSSES.create(gn.MSE), "Expected a loss"),
        (lambda: LOSSES.create({"delta": 1}), "needs a 'name'"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("loss", "outputs", "targets", "message"),
    [
        (gn.MSE(), np.ones((3, 3)), np.ones(3), r"outputs \(3, 3\) of float64, targets \(3,\)"),
        (gn.MSE(), np.ones(3), np.ones(3), r"outputs \(3,\)"),
        (gn.MSE(), np.ones((2, 2), int), np.ones((2, 2)), "as floats.* int64"),
        (
            gn.MSE(class_weight=[1.0]),
            np.ones((2, 3)),
            np.eye(3)[:2],
            "each of 3 classes. Received 1",
        ),
        (gn.MSE(class_weight={3: 1.0}), np.ones((2, 3)), np.eye(3)[:2], "class 3, .* 0 to 2"),
        (gn.MSE(class_weight="balanced"), np.ones((2, 3)), np.eye(3)[:2], "use it in fit"),
    ],
)
def test_bad_arguments(loss, outputs, targets, message):
    with pytest.raises(ValueError, match=message):
        loss(outputs, targets)


def test_a_loss_without_rows_says_so():
    with pytest.raises(NotImplementedError, match="Loss has no rows"):
        gn.Loss()(np.ones((1, 1)), np.ones((1, 1)))
