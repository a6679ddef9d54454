"""Optimizers: worked examples, what PyTorch's did, and what each option must and must not touch."""

from __future__ import annotations

import copy
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from glassnet.accelerate import references
from glassnet.initializers import Constant
from glassnet.optimizers import (
    OPTIMIZERS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from glassnet.parameters import ParameterStore

NAMES = [n for n in OPTIMIZERS.names() if OPTIMIZERS[n].__module__.startswith("glassnet.")]

FIXTURE = json.loads(
    (Path(__file__).parent / "fixtures" / "torch_optimizers.json").read_text(encoding="utf-8")
)


def store_of(theta, decaying=None, dtype="float64"):
    """A store of a weight, the first `decaying` elements (by default all), and a bias, the rest."""
    decaying = len(theta) if decaying is None else decaying
    store = ParameterStore()
    store.parameter("weight", (decaying,), Constant(0.0))
    store.parameter("bias", (len(theta) - decaying,), Constant(0.0), decays=False)
    store.allocate(np.dtype(dtype), np.random.default_rng(0))
    store.theta[...] = theta
    return store


def path_of(optimizer, store, gradients, rates=None):
    """θ after a step along each of these gradients, (steps, size)."""
    optimizer.prepare(store)
    path = []
    for index, gradient in enumerate(gradients):
        if rates is not None:
            optimizer.learning_rate = rates[index]
        store.gradient[...] = gradient
        optimizer.step()
        path.append(store.theta.copy())
    return np.array(path)


# Worked examples: θ starts at 1; two gradients; numbers chosen so that every root comes out whole.

EXAMPLES = {
    "sgd": [
        # 1 − ¼·2 = ½;  ½ − ¼·4 = −½
        (SGD(0.25), (2.0, 4.0), (1 / 2, -1 / 2)),
        # L2, λ = ½: g = 2 + ½·1 = 5/2, 1 − ¼·5/2 = 3/8;  g = 4 + ½·3/8 = 67/16,
        # 3/8 − 67/64 = −43/64
        (SGD(0.25, l2=0.5), (2.0, 4.0), (3 / 8, -43 / 64)),
        # decay, λ = 2: 1 − ηλ = ½. ½·1 − ½ = 0;  ½·0 − 1 = −1
        (SGD(0.25, weight_decay=2.0), (2.0, 4.0), (0.0, -1.0)),
        # cut to ±3: 1 − ¼·2 = ½;  ½ − ¼·3 = −¼
        (SGD(0.25, clip_value=3.0), (2.0, 4.0), (1 / 2, -1 / 4)),
    ],
    "momentum": [
        # G = 2, 1 − ¼·2 = ½;  G = ½·2 + 4 = 5, ½ − ¼·5 = −¾
        (Momentum(0.25, 0.5), (2.0, 4.0), (1 / 2, -3 / 4)),
        # v = ¼·2 = ½, 1 − ½ = ½;  v = ½·½ + ¼·4 = 5/4, ½ − 5/4 = −¾
        (Momentum(0.25, 0.5, form="step"), (2.0, 4.0), (1 / 2, -3 / 4)),
    ],
    "nesterov": [
        # G = 2, 1 − ¼(2 + ½·2) = ¼;  G = 5, ¼ − ¼(4 + ½·5) = −11/8
        (Nesterov(0.25, 0.5), (2.0, 4.0), (1 / 4, -11 / 8)),
        # v = ½, 1 − (½ + ½·½) = ¼;  v = ¼ + 1 = 5/4, ¼ − (1 + ½·5/4) = −11/8
        (Nesterov(0.25, 0.5, form="step"), (2.0, 4.0), (1 / 4, -11 / 8)),
    ],
    "adagrad": [
        # G = 9, 1 − 2·3/(3 + 1) = −½;  G = 25, −½ − 2·4/(5 + 1) = −11/6
        (AdaGrad(2.0, epsilon=1.0), (3.0, 4.0), (-1 / 2, -11 / 6)),
        # G = 16 + 9, 1 − 2·3/(5 + 1) = 0;  G = 25 + 144, 0 − 2·12/(13 + 1) = −12/7
        (AdaGrad(2.0, 1.0, initial_accumulator=16.0), (3.0, 12.0), (0.0, -12 / 7)),
    ],
    "rmsprop": [
        # v = ¼·16 = 4, 1 − 3·4/(2 + 1) = −3;  v = ¾·4 + ¼·4 = 4, −3 − 3·2/(2 + 1) = −5
        (RMSProp(3.0, alpha=0.75, epsilon=1.0), (4.0, 2.0), (-3.0, -5.0)),
    ],
    "adam": [
        # m = ½·4 = 2, m̂ = 2/½ = 4;  v = ¼·16 = 4, v̂ = 4/¼ = 16;  1 − 2·4/(4 + 1) = −3/5
        # m = ½·2 − ½·4 = −1, m̂ = −1/¾ = −4/3;  v = ¾·4 + ¼·16 = 7, v̂ = 7/(1 − 9/16) = 16
        # −3/5 + 2·(4/3)/(4 + 1) = −3/5 + 8/15 = −1/15
        (Adam(2.0, 0.5, 0.75, epsilon=1.0), (4.0, -4.0), (-3 / 5, -1 / 15)),
        # m = 2, v = 4: 1 − 2·2/(2 + 1) = −1/3;  m = 1 + 1, v = 3 + 1: −1/3 − 2·2/(2 + 1) = −5/3
        (Adam(2.0, 0.5, 0.75, 1.0, bias_correction=False), (4.0, 2.0), (-1 / 3, -5 / 3)),
    ],
    "adamw": [
        # as Adam, with every θ halved first (1 − ηλ = 1 − 2·¼): ½ − 8/5 = −11/10;
        # −11/20 + 8/15 = −1/60
        (AdamW(2.0, 0.5, 0.75, 1.0, weight_decay=0.25), (4.0, -4.0), (-11 / 10, -1 / 60)),
    ],
}


def test_every_optimizer_has_a_worked_example():
    assert set(EXAMPLES) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "optimizer", "gradients", "expected"),
    [pytest.param(name, *row, id=repr(row[0])) for name, rows in EXAMPLES.items() for row in rows],
)
def test_two_steps_by_hand(name, optimizer, gradients, expected):
    assert optimizer.name == name
    path = path_of(optimizer, store_of([1.0]), gradients)
    np.testing.assert_allclose(path[:, 0], expected, rtol=1e-14, atol=1e-15)


# What PyTorch's optimizers did, kept as numbers by fixtures/make_torch_optimizers.py.


def test_every_optimizer_is_compared_with_pytorch():
    assert {case["name"] for case in FIXTURE["cases"]} == set(NAMES)


@pytest.mark.parametrize(
    "case", FIXTURE["cases"], ids=lambda case: f"{case['name']}-{case['options']}"
)
def test_path_is_pytorchs(case):
    optimizer = OPTIMIZERS.create({"name": case["name"], **case["options"]})
    store = store_of(FIXTURE["start"], FIXTURE["decaying"])
    path = path_of(optimizer, store, FIXTURE["gradients"], case["rates"])
    np.testing.assert_allclose(path, case["path"], rtol=1e-11, atol=1e-12)


# They find minima.

TRIALS = {
    # name: (rate on the parabola, steps), (options on Rosenbrock's valley, steps)
    "sgd": ((0.1, 200), (SGD(0.002), 5000)),
    "momentum": ((0.05, 200), (Momentum(0.001), 2000)),
    "nesterov": ((0.05, 200), (Nesterov(0.001), 2000)),
    "adagrad": ((1.0, 400), (AdaGrad(0.5), 3000)),
    "rmsprop": ((0.01, 800), (RMSProp(0.002), 3000)),
    "adam": ((0.1, 400), (Adam(0.02), 2000)),
    "adamw": ((0.1, 400), (AdamW(0.02, weight_decay=0.0), 2000)),
}


def rosenbrock(theta):
    """(1 − x)² + 100 (y − x²)² and its gradient; 0 at (1, 1), at the end of a bent valley."""
    x, y = theta
    slope = [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2, slope


def minimise(optimizer, store, gradient_at, steps):
    optimizer.prepare(store)
    for _ in range(steps):
        store.gradient[...] = gradient_at(store.theta)
        optimizer.step()


def test_every_optimizer_has_a_trial():
    assert set(TRIALS) == set(NAMES)


@pytest.mark.parametrize("name", TRIALS)
def test_parabola(name):
    """½ (x − 3)² + 5 (y + 1)², ten times as steep one way as the other."""
    (rate, steps), _ = TRIALS[name]
    options = {"weight_decay": 0.0} if name == "adamw" else {}
    store = store_of([0.0, 0.0])
    optimizer = OPTIMIZERS.create(name, learning_rate=rate, **options)
    minimise(optimizer, store, lambda theta: (theta - [3.0, -1.0]) * [1.0, 10.0], steps)
    np.testing.assert_allclose(store.theta, [3.0, -1.0], atol=0.01)


@pytest.mark.parametrize("name", TRIALS)
def test_rosenbrock(name):
    _, (optimizer, steps) = TRIALS[name]
    store = store_of([-1.2, 1.0])
    before, _ = rosenbrock(store.theta)
    minimise(optimizer, store, lambda theta: rosenbrock(theta)[1], steps)
    after, _ = rosenbrock(store.theta)
    assert before == pytest.approx(24.2)
    assert after < 0.01


# The two forms of momentum.

GRADIENTS = np.random.default_rng(3).normal(size=(20, 4))


def test_momentum_forms_agree_at_a_constant_rate():
    paths = [
        path_of(Momentum(0.1, 0.8, form), store_of(np.ones(4)), GRADIENTS)
        for form in ("gradient", "step")
    ]
    np.testing.assert_allclose(paths[0], paths[1], rtol=1e-12)


def test_momentum_forms_differ_when_the_rate_changes():
    """Gradients 2 and 4 at β = ½, the rate going from ¼ to ½ for the second."""
    rates = (0.25, 0.5)
    gradient = path_of(Momentum(0.25, 0.5), store_of([1.0]), (2.0, 4.0), rates)
    step = path_of(Momentum(0.25, 0.5, "step"), store_of([1.0]), (2.0, 4.0), rates)
    # ½ − ½·5 = −2: the new rate takes in the old gradient, too
    np.testing.assert_allclose(gradient[:, 0], (0.5, -2.0), rtol=1e-14)
    # v = ½·½ + ½·4 = 9/4, ½ − 9/4 = −7/4: the old gradient keeps the old rate
    np.testing.assert_allclose(step[:, 0], (0.5, -1.75), rtol=1e-14)


def test_nesterov_forms_differ_when_the_rate_changes():
    """Gradients 2 and 4 at β = ½, the rate going from ¼ to ½ for the second."""
    rates = (0.25, 0.5)
    gradient = path_of(Nesterov(0.25, 0.5), store_of([1.0]), (2.0, 4.0), rates)
    step = path_of(Nesterov(0.25, 0.5, "step"), store_of([1.0]), (2.0, 4.0), rates)
    # G = 5, ¼ − ½(4 + ½·5) = −3
    np.testing.assert_allclose(gradient[:, 0], (0.25, -3.0), rtol=1e-14)
    # v = ½·½ + ½·4 = 9/4, ¼ − (2 + ½·9/4) = −23/8
    np.testing.assert_allclose(step[:, 0], (0.25, -2.875), rtol=1e-14)


def test_momentum_can_change():
    """G = 2, ½; then β = 0: G = 4, ½ − ¼·4 = −½."""
    store = store_of([1.0])
    optimizer = Momentum(0.25, 0.5)
    path_of(optimizer, store, [2.0])
    velocity, momentum = optimizer.state["velocity"], optimizer.state["momentum"]
    optimizer.momentum = 0.0
    store.gradient[...] = 4.0
    optimizer.step()
    assert store.theta[0] == -0.5
    assert optimizer.state["velocity"] is velocity
    assert optimizer.state["momentum"] is momentum
    assert optimizer.options()["momentum"] == 0.5


# Adam's clock.


def test_adams_first_step_has_the_length_of_its_rate():
    path = path_of(Adam(0.1), store_of([0.0, 0.0]), [[1e-3, -1e3]])
    np.testing.assert_allclose(path[0], [-0.1, 0.1], rtol=1e-4)


def test_adams_clock_counts_steps():
    optimizer = Adam()
    path_of(optimizer, store_of(np.ones(4)), GRADIENTS)
    assert optimizer.state["t"] == 20


class AdamFromZero(Adam):
    """One step behind: t is 0 at the first update, so that 1 − βᵗ is 0."""

    name = "adam_from_zero"

    def allocate(self, size, dtype):
        return {**super().allocate(size, dtype), "t": np.array(-1.0)}


def test_adam_with_t_from_zero_divides_by_zero():
    with np.errstate(divide="ignore", invalid="ignore"):
        path = path_of(AdamFromZero(0.1), store_of(np.ones(4)), GRADIENTS)
    assert not np.isfinite(path).any()
    assert np.isfinite(path_of(Adam(0.1), store_of(np.ones(4)), GRADIENTS)).all()


# Clipping, penalty, decay.


def test_clip_norm_keeps_the_direction():
    store = store_of([0.0, 0.0])
    path = path_of(SGD(1.0, clip_norm=1.0), store, [[3.0, 4.0]])
    # ‖g‖ = 5, so that g becomes g / 5.000001
    np.testing.assert_allclose(path[0], [-3 / 5.000001, -4 / 5.000001], rtol=1e-15)
    np.testing.assert_array_equal(store.gradient, -path[0])


def test_clip_norm_leaves_short_gradients():
    path = path_of(SGD(1.0, clip_norm=5.1), store_of([0.0, 0.0]), [[3.0, 4.0]])
    np.testing.assert_array_equal(path[0], [-3.0, -4.0])


def test_clip_norm_takes_all_parameters_together():
    path = path_of(SGD(1.0, clip_norm=1.0), store_of([0.0, 0.0], decaying=1), [[3.0, 4.0]])
    assert np.linalg.norm(path[0]) == pytest.approx(1.0, abs=1e-6)


def test_clip_norm_of_float32_does_not_overflow():
    path = path_of(SGD(1.0, clip_norm=1.0), store_of([0.0], dtype="float32"), [[1e30]])
    assert path[0, 0] == pytest.approx(-1.0)


def test_both_clips_hold_together():
    """Cut to (3, −3), of norm 3√2; then to norm 1."""
    optimizer = SGD(1.0, clip_norm=1.0, clip_value=3.0)
    path = path_of(optimizer, store_of([0.0, 0.0]), [[3.0, -40.0]])
    np.testing.assert_allclose(path[0], [-(0.5**0.5), 0.5**0.5], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["l2", "weight_decay"])
def test_decay_touches_weights_only(name, option):
    """With and without: biases take the same path to the last bit, weights another one."""
    off = {"weight_decay": 0.0} if name == "adamw" else {}
    start = np.linspace(0.5, 2.0, 4)
    without = path_of(OPTIMIZERS.create(name, **off), store_of(start, 3), GRADIENTS)
    optimizer = OPTIMIZERS.create(name, **{**off, option: 0.5})
    path = path_of(optimizer, store_of(start, 3), GRADIENTS)
    np.testing.assert_array_equal(path[:, 3], without[:, 3])
    assert (path[-1, :3] != without[-1, :3]).all()


@pytest.mark.parametrize("name", NAMES)
def test_decoupled_decay_without_a_slope_shrinks_weights_alone(name):
    """θ ← (1 − ηλ) θ = ¾ θ, twice, whatever the optimizer."""
    optimizer = OPTIMIZERS.create(name, learning_rate=0.5, weight_decay=0.5)
    path = path_of(optimizer, store_of([16.0, 16.0], decaying=1), [[0.0, 0.0]] * 2)
    np.testing.assert_allclose(path, [[12.0, 16.0], [9.0, 16.0]], rtol=1e-15)


def test_penalty_and_decay_are_the_same_for_sgd_and_not_for_adam():
    def end(optimizer):
        return path_of(optimizer, store_of(np.full(4, 2.0)), GRADIENTS)[-1]

    np.testing.assert_allclose(end(SGD(0.1, l2=0.3)), end(SGD(0.1, weight_decay=0.3)), rtol=1e-13)
    assert np.abs(end(Adam(0.1, l2=0.3)) - end(Adam(0.1, weight_decay=0.3))).min() > 1e-3


# All of them: resuming, dtypes, options, bad input.

BUSY = {"l2": 0.1, "weight_decay": 0.01, "clip_norm": 1.5, "clip_value": 1.0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_resumes_bitwise_from_its_state(name, dtype):
    rates = np.linspace(0.1, 0.01, 20)
    whole = path_of(
        OPTIMIZERS.create(name, **BUSY), store_of(np.ones(4), 3, dtype), GRADIENTS, rates
    )

    first = OPTIMIZERS.create(name, **BUSY)
    path_of(first, store_of(np.ones(4), 3, dtype), GRADIENTS[:11], rates)
    saved = {key: array.copy() for key, array in first.state.items()}

    second, store = OPTIMIZERS.create(first.config()), store_of(whole[10], 3, dtype)
    second.prepare(store)
    second.load_state(saved)
    assert second.learning_rate == rates[10]
    for gradient, rate, expected in zip(GRADIENTS[11:], rates[11:], whole[11:], strict=True):
        second.learning_rate = rate
        store.gradient[...] = gradient
        second.step()
        np.testing.assert_array_equal(store.theta, expected)


@pytest.mark.parametrize("name", NAMES)
def test_prepare_starts_afresh(name):
    optimizer = OPTIMIZERS.create(name, **BUSY)
    first = path_of(optimizer, store_of(np.ones(4)), GRADIENTS)
    optimizer.learning_rate = 5.0
    np.testing.assert_array_equal(path_of(optimizer, store_of(np.ones(4)), GRADIENTS), first)


@pytest.mark.parametrize("name", NAMES)
def test_state_arrays_are_never_replaced(name):
    optimizer, store = OPTIMIZERS.create(name, **BUSY), store_of(np.ones(4))
    optimizer.prepare(store)
    before = dict(optimizer.state)
    store.gradient[...] = 1.0
    optimizer.step()
    optimizer.learning_rate = 0.5
    optimizer.load_state({key: array.copy() for key, array in before.items()})
    assert optimizer.theta is store.theta
    assert all(optimizer.state[key] is array for key, array in before.items())


class Watched(np.ndarray):
    """An array that notes the dtype of everything that is computed from it."""

    seen: set = set()  # noqa: RUF012

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        def plain(item):
            return item.view(np.ndarray) if isinstance(item, Watched) else item

        if out:
            options["out"] = tuple(plain(item) for item in out)
        result = getattr(ufunc, method)(*(plain(item) for item in inputs), **options)
        Watched.seen.add(result.dtype)
        return out[0] if out else result.view(Watched)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in NAMES),
        ("momentum", {"form": "step"}),
        ("adam", {"bias_correction": False}),
    ],
)
def test_float32_stays_float32(name, options):
    """No intermediate array is promoted either (but for the norm, which is summed in float64)."""
    optimizer = OPTIMIZERS.create(name, l2=0.1, weight_decay=0.1, clip_value=0.5, **options)
    store = store_of(np.ones(4), 3, "float32")
    store.theta, store.gradient = store.theta.view(Watched), store.gradient.view(Watched)
    optimizer.prepare(store)
    optimizer.state = {
        key: array.view(Watched) if array.ndim else array for key, array in optimizer.state.items()
    }
    Watched.seen.clear()
    with references():  # NumPy's operations can be watched, compiled code can't
        for gradient in GRADIENTS[:3]:
            store.gradient[...] = gradient
            optimizer.step()
    assert Watched.seen == {np.dtype("float32")}
    assert {a.dtype for a in optimizer.state.values() if a.ndim} <= {np.dtype("float32")}


@pytest.mark.parametrize("name", NAMES)
def test_options_are_the_constructors(name):
    optimizer = OPTIMIZERS.create(name, learning_rate=0.3, **BUSY)
    config = json.loads(json.dumps(optimizer.config()))
    optimizer.prepare(store_of(np.ones(4)))
    optimizer.learning_rate = 0.007  # a schedule's doing, and not part of the configuration
    assert optimizer.config() == config
    again = OPTIMIZERS.create(config)
    assert type(again) is type(optimizer)
    assert again.config() == config
    assert again.learning_rate == 0.3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_is_bound_to_the_copied_parameters(name, duplicate):
    optimizer, store = OPTIMIZERS.create(name, **BUSY), store_of(np.ones(4), 3)
    path_of(optimizer, store, GRADIENTS[:3])
    other, other_store = duplicate((optimizer, store))
    original = store.theta.copy()
    for each, its_store in ((other, other_store), (optimizer, store)):
        its_store.gradient[...] = GRADIENTS[3]
        each.step()
        if each is other:
            np.testing.assert_array_equal(store.theta, original)
    assert other.theta is other_store.theta
    np.testing.assert_array_equal(other_store.theta, store.theta)
    assert (store.theta != original).all()


DEFAULTS = {
    # PyTorch's, but for the rate of SGD; with PyTorch at hand, peers/ compares them live.
    "sgd": {"learning_rate": 0.01},
    "momentum": {"learning_rate": 0.01, "momentum": 0.9, "form": "gradient"},
    "nesterov": {"learning_rate": 0.01, "momentum": 0.9, "form": "gradient"},
    "adagrad": {"learning_rate": 0.01, "epsilon": 1e-10, "initial_accumulator": 0.0},
    "rmsprop": {"learning_rate": 0.01, "alpha": 0.99, "epsilon": 1e-8},
    "adam": {
        **{"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        "bias_correction": True,
    },
    "adamw": {
        **{"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        **{"bias_correction": True, "weight_decay": 0.01},
    },
}
OFF = {"weight_decay": 0.0, "l2": 0.0, "clip_norm": None, "clip_value": None}


@pytest.mark.parametrize("name", NAMES)
def test_defaults(name):
    assert OPTIMIZERS.create(name).options() == OFF | DEFAULTS[name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, -0.1, math.nan, math.inf, "fast", None, True])
def test_learning_rate_must_be_positive(name, value):
    with pytest.raises(ValueError, match=rf"{name} needs learning_rate .*Received: .*0\.01 is"):
        OPTIMIZERS.create(name, learning_rate=value)


@pytest.mark.parametrize(
    ("make", "option", "value"),
    [
        (SGD, "weight_decay", -1e-3),
        (SGD, "l2", -1.0),
        (SGD, "clip_norm", 0.0),
        (SGD, "clip_value", -1.0),
        (Momentum, "momentum", 1.0),
        (Momentum, "form", "gradeint"),
        (Nesterov, "momentum", -0.1),
        (Nesterov, "form", "gradeint"),
        (AdaGrad, "epsilon", 0.0),
        (AdaGrad, "initial_accumulator", -1.0),
        (RMSProp, "alpha", 1.0),
        (RMSProp, "epsilon", -1e-8),
        (Adam, "beta1", 1.0),
        (Adam, "beta2", 1.5),
        (Adam, "epsilon", 0.0),
        (AdamW, "weight_decay", math.nan),
    ],
)
def test_bad_options_are_refused(make, option, value):
    with pytest.raises(ValueError, match=f"Received: {value!r}"):
        make(**{option: value})
    if option != "form":
        optimizer = make()
        before = getattr(optimizer, option)
        with pytest.raises(ValueError, match=option):
            setattr(optimizer, option, value)
        assert getattr(optimizer, option) == before


def test_a_mistyped_form_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'gradient'"):
        Momentum(form="gradeint")


def test_clipping_can_be_switched_on_and_off():
    optimizer, store = SGD(1.0), store_of([0.0])
    assert optimizer.clip_norm is None
    optimizer.clip_norm = 1
    np.testing.assert_allclose(path_of(optimizer, store, [[8.0]]), [[-1.0]], rtol=1e-6)
    optimizer.clip_norm = None
    assert optimizer.clip_norm is None
    np.testing.assert_allclose(path_of(optimizer, store_of([0.0]), [[8.0]]), [[-8.0]])


def test_a_step_before_prepare_is_refused():
    with pytest.raises(ValueError, match=r"call prepare\(store\) first"):
        Adam().step()
    with pytest.raises(ValueError, match=r"call prepare\(store\) first"):
        Adam().load_state({})


def test_a_strange_state_is_refused_and_changes_nothing():
    optimizer = Adam()
    path_of(optimizer, store_of(np.ones(4)), GRADIENTS)
    before = {key: array.copy() for key, array in optimizer.state.items()}
    good = {key: np.zeros_like(array) for key, array in before.items()}
    strange = [
        (good | {"velocity": np.zeros(4)}, "no state 'velocity'"),
        ({key: good[key] for key in good if key != "v"}, "'v' is missing"),
        (good | {"v": np.zeros(5)}, r"'v' as float64 of shape \(4,\). Received: .*\(5,\)"),
        (good | {"v": np.zeros(4, "float32")}, "Received: float32"),
    ]
    for arrays, message in strange:
        with pytest.raises(ValueError, match=message):
            optimizer.load_state(arrays)
        for key, array in before.items():
            np.testing.assert_array_equal(optimizer.state[key], array)


# One's own optimizer, as the documentation shows it: plain NumPy, no registration.


class SignMomentum(Optimizer):
    name = "sign_momentum"

    def allocate(self, size, dtype):
        return {"m": np.zeros(size, dtype)}

    def update(self):
        m = self.state["m"]
        m += 0.1 * (self.gradient - m)
        self.theta -= self.learning_rate * np.sign(m)


def test_an_optimizer_of_ones_own():
    optimizer = OPTIMIZERS.create(SignMomentum(0.25, clip_value=1.0))
    path = path_of(optimizer, store_of([1.0, 1.0]), [[2.0, -0.1], [-0.5, -0.1], [-1.0, 1.0]])
    # m: .1, −.01;  .04, −.019;  −.064, .0829
    np.testing.assert_array_equal(path, [[0.75, 1.25], [0.5, 1.5], [0.75, 1.25]])
    assert set(optimizer.state) == {"m", "learning_rate"}
    assert repr(optimizer) == "SignMomentum(learning_rate=0.25, clip_value=1.0)"
    assert "sign_momentum" not in NAMES


def test_the_base_has_no_update():
    class Idle(Optimizer):
        name = "idle"

    optimizer = Idle()
    optimizer.prepare(store_of([1.0]))
    with pytest.raises(NotImplementedError, match="Idle has no update"):
        optimizer.step()
