"""Optimizers and schedules, live against PyTorch's."""

from __future__ import annotations

import inspect
import json
import warnings

import numpy as np
import pytest

from glassnet.initializers import Constant
from glassnet.optimizers import OPTIMIZERS
from glassnet.parameters import ParameterStore
from glassnet.schedules import SCHEDULES, Cosine, Exponential, OneCycle, Plateau, Position, Step

torch = pytest.importorskip("torch")
from fixtures.make_torch_optimizers import FILE, cases, torch_path  # noqa: E402

pytestmark = pytest.mark.peers

SIZE, DECAYING, STEPS = 12, 8, 200
RNG = np.random.default_rng(7)
START = RNG.normal(size=SIZE)
MIXING = RNG.normal(size=(SIZE, SIZE)) / SIZE**0.5
CURVATURE = MIXING @ MIXING.T + 0.1 * np.eye(SIZE)
NOISE = RNG.normal(size=(STEPS, SIZE))


def gradient_at(step, theta):
    """Slopes of ½ θᵀCθ + Σ log cosh θ and a linear term that differs from step to step."""
    return (CURVATURE @ theta + np.tanh(theta) + 0.3 * NOISE[step]).astype(theta.dtype)


def changing_rate(step):
    return 0.05 * (1 + step % 7) / 4


def our_path(name, options, dtype, steps, rate_at=None):
    store = ParameterStore()
    store.parameter("weight", (DECAYING,), Constant(0.0))
    store.parameter("bias", (SIZE - DECAYING,), Constant(0.0), decays=False)
    store.allocate(np.dtype(dtype), np.random.default_rng(0))
    store.theta[...] = START
    optimizer = OPTIMIZERS.create({"name": name, **options})
    optimizer.prepare(store)
    path = []
    for step in range(steps):
        if rate_at is not None:
            optimizer.learning_rate = rate_at(step)
        store.gradient[...] = gradient_at(step, store.theta)
        optimizer.step()
        path.append(store.theta.copy())
    return np.array(path)


def their_path(name, options, dtype, steps, rate_at=None):
    start = START.astype(dtype)
    return torch_path(name, options, start, DECAYING, gradient_at, steps, rate_at)


def test_every_optimizer_is_compared():
    assert {name for name, _ in cases()} == set(OPTIMIZERS.names())


def test_the_kept_paths_are_of_these_cases():
    """Else run tests/fixtures/make_torch_optimizers.py again."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
    assert [(case["name"], case["options"]) for case in kept] == cases()


CASES = [pytest.param(*case, id=f"{case[0]}-{case[1]}") for case in cases()]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_200_steps_in_float64(name, options):
    ours, theirs = (path(name, options, "float64", STEPS) for path in (our_path, their_path))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_200_steps_at_a_changing_rate(name, options):
    if options.get("form") == "step":
        options = {**options, "form": "gradient"}  # the form that PyTorch has
    ours, theirs = (
        path(name, options, "float64", STEPS, changing_rate) for path in (our_path, their_path)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_one_step_in_float32(name, options):
    ours, theirs = (path(name, options, "float32", 1) for path in (our_path, their_path))
    assert ours.dtype == theirs.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


PYTORCHS = {
    # ours: (PyTorch's class, {our option: its option})
    "momentum": (torch.optim.SGD, {"l2": "weight_decay"}),
    "nesterov": (torch.optim.SGD, {"l2": "weight_decay"}),
    "sgd": (torch.optim.SGD, {"l2": "weight_decay"}),
    "adagrad": (
        torch.optim.Adagrad,
        {
            "learning_rate": "lr",
            "epsilon": "eps",
            "initial_accumulator": "initial_accumulator_value",
            "l2": "weight_decay",
        },
    ),
    "rmsprop": (
        torch.optim.RMSprop,
        {"learning_rate": "lr", "alpha": "alpha", "epsilon": "eps", "l2": "weight_decay"},
    ),
    "adam": (torch.optim.Adam, {"learning_rate": "lr", "epsilon": "eps", "l2": "weight_decay"}),
    "adamw": (
        torch.optim.AdamW,
        {"learning_rate": "lr", "epsilon": "eps", "weight_decay": "weight_decay"},
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_defaults(name):
    kind, names = PYTORCHS[name]
    theirs, ours = inspect.signature(kind).parameters, OPTIMIZERS[name]().options()
    assert {key: ours[key] for key in names} == {
        key: theirs[their_key].default for key, their_key in names.items()
    }
    if name.startswith("adam"):
        assert (ours["beta1"], ours["beta2"]) == theirs["betas"].default


# Schedules.

EPOCHS, STEPS_PER_EPOCH = 12, 9


def their_factors(make_scheduler, steps):
    """The factor of each step under one of PyTorch's schedulers, stepped once each time."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    with warnings.catch_warnings():
        # SequentialLR steps its parts with an argument that PyTorch itself has deprecated.
        warnings.filterwarnings("ignore", "The epoch parameter", UserWarning)
        scheduler = make_scheduler(optimizer, torch.optim.lr_scheduler)
        rates = []
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates


def warm_cosine(optimizer, schedulers):
    rise, fall = 2 * STEPS_PER_EPOCH, (EPOCHS - 2) * STEPS_PER_EPOCH
    parts = [
        schedulers.LinearLR(optimizer, start_factor=1 / rise, total_iters=rise - 1),
        schedulers.CosineAnnealingLR(optimizer, T_max=fall, eta_min=0.05),
    ]
    return schedulers.SequentialLR(optimizer, parts, milestones=[rise])


BY_EPOCH = [
    (Step(3, factor=0.5), lambda o, s: s.StepLR(o, 3, gamma=0.5)),
    (Exponential(0.9), lambda o, s: s.ExponentialLR(o, gamma=0.9)),
]
BY_STEP = [
    (
        Cosine(minimum=0.1),
        lambda o, s: s.CosineAnnealingLR(o, EPOCHS * STEPS_PER_EPOCH, eta_min=0.1),
    ),
    (Cosine(warmup=2, minimum=0.05), warm_cosine),
    *(
        (
            OneCycle(share, start, end),
            lambda o, s, share=share, start=start, end=end: s.OneCycleLR(
                o,
                max_lr=1.0,
                epochs=EPOCHS,
                steps_per_epoch=STEPS_PER_EPOCH,
                pct_start=share,
                div_factor=start,
                final_div_factor=end,
                cycle_momentum=False,
            ),
        )
        for share, start, end in [(0.3, 25.0, 1e4), (0.0, 4.0, 10.0), (0.37, 10.0, 2.0)]
    ),
]


def test_every_schedule_is_compared():
    compared = {ours.name for ours, _ in BY_EPOCH + BY_STEP} | {"plateau", "constant"}
    assert compared == set(SCHEDULES.names())


@pytest.mark.parametrize(("ours", "make"), BY_EPOCH, ids=lambda item: getattr(item, "name", ""))
def test_schedules_by_epoch(ours, make):
    factors = [ours.factor(Position(epoch, 5 * epoch, 5, EPOCHS)) for epoch in range(EPOCHS)]
    assert factors == pytest.approx(their_factors(make, EPOCHS), rel=1e-12)


@pytest.mark.parametrize(("ours", "make"), BY_STEP, ids=lambda item: getattr(item, "name", ""))
def test_schedules_by_step(ours, make):
    steps = EPOCHS * STEPS_PER_EPOCH
    factors = [
        ours.factor(Position(step // STEPS_PER_EPOCH, step, STEPS_PER_EPOCH, EPOCHS))
        for step in range(steps)
    ]
    assert factors == pytest.approx(their_factors(make, steps), rel=1e-10)


@pytest.mark.parametrize(("monitor", "mode"), [("loss", "min"), ("accuracy", "max")])
@pytest.mark.parametrize(("patience", "threshold"), [(0, 1e-4), (2, 0.05), (3, 0.0)])
def test_plateau(monitor, mode, patience, threshold):
    values = np.abs(np.cumsum(np.random.default_rng(1).normal(size=60))) + 1.0
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode, 0.5, patience, threshold, min_lr=1e-3
    )
    ours = Plateau(0.5, patience, minimum=1e-3, monitor=monitor, threshold=threshold)
    for epoch, value in enumerate(values):
        theirs.step(value)
        ours.observe({monitor: value})
        factor = ours.factor(Position(epoch, epoch, 1, len(values)))
        assert factor == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
    assert factor < 1.0
