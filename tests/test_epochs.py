"""Orders of rows are fair, and epochs that run in a row are those that run one by one."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time

import numpy as np
import pytest
import scipy.stats

import glassnet as gn
from glassnet.accelerate import references
from glassnet.batches import Epoch
from glassnet.epochs import Epochs, shuffle
from glassnet.schedules import Schedule
from glassnet.steps import Steps
from glassnet.trainer import Trainer, TrainingDiverged

# Orders.


def orders(rows: int, epochs: int, seed: int = 0):
    """The orders of the first epochs, (epochs, rows)."""
    epoch = Epoch(rows)
    epochs_of_rows = Epochs(epoch, np.zeros(4), {}, seed, shuffle=True)
    epochs_of_rows.arrange(rows)
    found = []
    for _ in range(epochs):
        epochs_of_rows.done[...] = 0
        epochs_of_rows.begin()
        found.append(epoch.order.copy())
        epochs_of_rows.end()
    return np.array(found)


def fair(counts) -> bool:
    return bool(scipy.stats.chisquare(np.ravel(counts)).pvalue > 1e-3)


@pytest.mark.parametrize("rows", [2, 3, 4, 7, 90, 1001])
def test_an_order_has_every_row_once(rows):
    for order in orders(rows, 5):
        assert sorted(order) == list(range(rows))


def test_the_place_of_a_row_is_had_with_all_digits():
    words = np.random.default_rng(0).integers(0, 2**32, 2 * 50, dtype=np.uint32)
    order = np.empty(50, np.int64)
    shuffle(words, order)
    expected: list[int] = []
    for i in range(50):
        j = (int(words[2 * i]) * 2**32 + int(words[2 * i + 1])) * (i + 1) // 2**64
        expected.append(i)
        expected[i], expected[j] = expected[j], i
    assert order.tolist() == expected


def test_every_order_is_equally_likely():
    seen = orders(5, 24_000)
    counts = [(seen == order).all(axis=1).sum() for order in itertools.permutations(range(5))]
    assert fair(counts)


def test_every_row_stands_at_every_place_equally_often():
    seen = orders(20, 20_000)
    table = np.array([np.bincount(seen[:, place], minlength=20) for place in range(20)])
    # Rows and columns of the table sum to the number of epochs: 19 · 19 degrees of freedom.
    squares = ((table - 1000) ** 2 / 1000).sum() * 19 / 20
    assert 1e-3 < scipy.stats.chi2.sf(squares, 19 * 19) < 1 - 1e-3


@pytest.mark.parametrize("apart", ["epochs", "seeds"])
def test_an_order_tells_nothing_about_the_next_one(apart):
    rows, many = 12, 20_000
    if apart == "epochs":
        seen = orders(rows, many + 1)
        one, other = seen[:-1], seen[1:]
    else:
        one, other = (
            np.array([orders(rows, 1, seed)[0] for seed in range(start, start + 2000)])
            for start in (0, 1)
        )
    # Where the row comes next that stood at each place: all pairs of places equally often.
    place = np.argsort(other, axis=1)
    moved = np.take_along_axis(place, one, axis=1)
    table = np.array([np.bincount(moved[:, k], minlength=rows) for k in range(rows)])
    expected = len(one) / rows
    squares = ((table - expected) ** 2 / expected).sum() * (rows - 1) / rows
    assert 1e-3 < scipy.stats.chi2.sf(squares, (rows - 1) ** 2) < 1 - 1e-3


# Epochs in a row.


class Rows:
    """Counts how often epochs were run natively, and how many of them."""

    def __init__(self, monkeypatch):
        self.lengths: list[int] = []
        run = Steps.run_epochs

        def counted(steps, beginning, ending, epochs):
            self.lengths.append(epochs)
            run(steps, beginning, ending, epochs)

        monkeypatch.setattr(Steps, "run_epochs", counted)


@pytest.fixture
def in_rows(monkeypatch):
    return Rows(monkeypatch)


@pytest.fixture
def data():
    rng = np.random.default_rng(2)
    return rng.normal(size=(70, 6)), rng.integers(0, 3, 70)


def network():
    layers = [gn.Standardize(), gn.Dense(9), gn.BatchNorm(), gn.ReLU(), gn.Dropout(0.4)]
    return gn.Network([*layers, gn.Dense(3)], (6,), seed=4)


def trainer_of(data, net=None, **options):
    settings = {"loss": "cross_entropy", "batch_size": 16, "epochs": 120} | options
    return Trainer(net or network(), *data, **settings)


def without_seconds(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def assert_same(one: Trainer, other: Trainer) -> None:
    assert (one.network.theta == other.network.theta).all()
    for name, buffer in one.network.buffers.items():
        assert (other.network.buffers[name] == buffer).all()
    assert np.array_equal(
        [list(record.values()) for record in without_seconds(one.history)],
        [list(record.values()) for record in without_seconds(other.history)],
        equal_nan=True,
    )
    assert (one.epoch, one.batch, one.step) == (other.epoch, other.batch, other.step)
    assert one.network.epochs_trained == other.network.epochs_trained
    for name, array in one.optimizer.state.items():
        assert (other.optimizer.state[name] == array).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 14},
        {"batch_size": 1, "epochs": 30},
        {"batch_size": "full", "optimizer": {"name": "momentum", "learning_rate": 0.1}},
        {"shuffle": False},
        {"schedule": gn.schedules.Cosine(warmup=3)},
        {"schedule": gn.schedules.Step(every=7)},
        {"sample_weight": np.linspace(0, 2, 70)},
        {
            "phases": [
                gn.Phase(20, batch_size=17, learning_rate=0.1),
                gn.Phase(50, momentum=0.5),
                gn.Phase(77, batch_size="full"),
                gn.Phase(90, batch_size=23),
            ],
            "optimizer": {"name": "momentum", "learning_rate": 0.05},
        },
    ],
    ids=lambda options: ", ".join(options) or "defaults",
)
@pytest.mark.parametrize("way", ["compiled", "replayed"])
def test_epochs_in_a_row_equal_plain_ones_bit_for_bit(data, in_rows, options, way):
    # Batch norm refuses batches of one row.
    nets = [None, None]
    if options.get("batch_size") == 1:
        nets = [gn.Network([gn.Dense(5), gn.Tanh(), gn.Dense(3)], (6,), seed=1) for _ in nets]
    with references(way == "replayed"):
        plain = trainer_of(data, nets[0], compile=False, **options)
        quick = trainer_of(data, nets[1], **options)
        plain.run()
        assert in_rows.lengths == []
        quick.run()
    assert quick.steps.way == way
    assert max(in_rows.lengths) > (5 if way == "compiled" else 1)
    assert_same(plain, quick)


def test_a_second_fit_goes_on_with_other_orders(data):
    plain, native = network(), network()
    for epochs in (30, 20):
        for net, compile in ((plain, False), (native, True)):
            net.fit(*data, loss="cross_entropy", batch_size=16, epochs=epochs, compile=compile)
    assert (plain.theta == native.theta).all()
    assert native.epochs_trained == 50


class Seen(gn.Callback):
    """Keeps the epochs of which it was told."""

    def __init__(self):
        self.begun, self.ended = [], []

    def on_epoch_begin(self, trainer):
        self.begun.append(trainer.epoch)

    def on_epoch_end(self, trainer):
        self.ended.append(trainer.history[-1]["epoch"])


class SeenNowAndThen(Seen):
    @property
    def every_epoch(self):
        return False


class SeenSteps(gn.Callback):
    def __init__(self):
        self.steps = 0

    def on_step_end(self, trainer):
        self.steps += 1


def test_who_looks_at_epochs_is_told_of_each(data, in_rows):
    seen = Seen()
    trainer_of(data, callbacks=[seen]).run()
    assert seen.begun == list(range(120))
    assert seen.ended == list(range(1, 121))
    assert in_rows.lengths == []


def test_who_looks_at_steps_is_told_of_each(data, in_rows):
    seen = SeenSteps()
    trainer_of(data, callbacks=[seen]).run()
    assert seen.steps == 120 * 5
    assert in_rows.lengths == []


def test_who_need_not_hear_of_each_is_told_after_some(data, in_rows):
    seen = SeenNowAndThen()
    trainer_of(data, callbacks=[seen]).run()
    assert in_rows.lengths
    assert seen.begun[0] == 0
    assert seen.ended[-1] == 120
    assert len(seen.begun) == len(seen.ended) < 60
    assert seen.begun[1:] == seen.ended[:-1]


@pytest.mark.parametrize(
    "options",
    [
        {"validation": 0.2},
        {"schedule": gn.schedules.Plateau(monitor="loss")},
        {"callbacks": [gn.EarlyStopping(5)]},
    ],
    ids=["validation", "plateau", "early stopping"],
)
def test_what_depends_on_each_epoch_gets_each(data, in_rows, options):
    trainer = trainer_of(data, epochs=12, **options)
    trainer.run()
    assert in_rows.lengths == []


# Going on, breaking off.


class StopAt(gn.Callback):
    """Ends training after so many steps."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, trainer):
        if trainer.step == self.step:
            trainer.stop("enough")


@pytest.mark.parametrize("step", [1, 7, 10, 333])
def test_a_resumed_run_goes_on_in_rows(data, in_rows, tmp_path, step):
    path = tmp_path / "checkpoint.safetensors"
    trainer_of(data, callbacks=[StopAt(step), gn.Checkpoint(path)]).run()
    assert in_rows.lengths == []
    straight, resumed = trainer_of(data), trainer_of(data)
    straight.run()
    rows = len(in_rows.lengths)
    resumed.resume(path)
    resumed.run()
    assert len(in_rows.lengths) > rows
    assert_same(straight, resumed)


def test_ctrl_c_ends_epochs_in_a_row_and_a_checkpoint_goes_on_from_there(data, in_rows, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    sent: list[float] = []

    def interrupt():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    trainer_of(data).run()  # kernels are loaded now
    trainer = trainer_of(data, epochs=10**6, callbacks=[gn.Checkpoint(path, every_epochs=0)])
    timer = threading.Timer(0.3, interrupt)
    timer.start()
    history = trainer.run()
    assert time.perf_counter() - sent[0] < 2.0  # some 50 ms; generous, for a busy machine
    assert history.interrupted
    assert max(in_rows.lengths) > 5
    assert history.column("epoch") == list(range(1, trainer.epoch + 1))

    straight = trainer_of(data, epochs=trainer.epoch + 20)
    resumed = trainer_of(data, epochs=trainer.epoch + 20)
    resumed.resume(path)
    straight.run()
    resumed.run()
    assert_same(straight, resumed)


class Blast(Schedule):
    """Far too large a step in one batch of a late epoch."""

    name = "test_epochs_blast"

    def __init__(self, at: int, factor_then: float):
        self.at, self.factor_then = at, factor_then

    def factor(self, position):
        return self.factor_then if position.step == self.at else 1.0


# 5 batches an epoch: in the middle of epoch 41, in its first and in its last batch.
@pytest.mark.parametrize("at", [202, 200, 204])
@pytest.mark.parametrize("factor", [1e30, 1e45], ids=["loss", "theta"])
@pytest.mark.parametrize("way", ["compiled", "replayed"])
def test_an_epoch_that_diverges_is_reported_as_it_would_be_alone(data, in_rows, at, factor, way):
    runs = []
    for compile in (False, "auto"):
        net = gn.Network([gn.Dense(9), gn.BatchNorm(), gn.Tanh(), gn.Dense(3)], (6,), seed=4)
        options = {"optimizer": gn.SGD(0.1), "loss": "mse", "schedule": Blast(at, factor)}
        y = np.eye(3)[data[1]] + 0.5  # numbers
        trainer = trainer_of((data[0], y), net, compile=compile, **options)
        quiet = np.errstate(all="ignore")
        with pytest.raises(TrainingDiverged) as error, quiet, references(way == "replayed"):
            trainer.run()
        assert trainer.steps.way == (way if compile else "plain")
        runs.append((trainer, str(error.value)))
    (plain, said), (native, said_too) = runs
    assert max(in_rows.lengths) > (5 if way == "compiled" else 1)
    assert said == said_too
    assert "in epoch 41, step " in said or "in epoch 42, step " in said
    assert len(plain.history) in (40, 41)
    assert np.array_equal(plain.network.theta, native.network.theta, equal_nan=True)
    assert without_seconds(plain.history) == without_seconds(native.history)
    for name, buffer in plain.network.buffers.items():
        assert np.isfinite(buffer).all()
        assert (native.network.buffers[name] == buffer).all()


def test_a_callback_that_turns_a_switch_is_heeded(data):
    class Switch(gn.Callback):
        @property
        def every_epoch(self):
            return False

        def on_epoch_begin(self, trainer):
            trainer.optimizer.l2 = 0.1

    plain = trainer_of(data, compile=False, callbacks=[Switch()])
    native = trainer_of(data, compile=True, callbacks=[Switch()])
    plain.run()
    native.run()
    assert_same(plain, native)


def test_seconds_of_epochs_in_a_row_are_equal_shares(data, in_rows):
    started = time.perf_counter()
    history = trainer_of(data).run()
    assert sum(history.column("seconds")) <= time.perf_counter() - started
    assert min(history.column("seconds")) > 0
    assert in_rows.lengths
