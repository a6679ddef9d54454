"""Callbacks: early stopping, checkpoints, the learning-rate log, and what they are told."""

from __future__ import annotations

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import Callback, with_defaults


def overfit(callbacks, epochs=60, **options):
    """Noise learned by heart: the validation loss has its minimum early."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    net = gn.Network([gn.Dense(40), gn.Tanh(), gn.Dense(1)], (3,), seed=1)
    history = net.fit(
        x[:20],
        y[:20],
        loss="mse",
        optimizer=gn.Adam(0.03),
        epochs=epochs,
        validation=(x[20:], y[20:]),
        callbacks=callbacks,
        **options,
    )
    return net, history, (x[20:], y[20:])


def test_early_stopping_restores_the_best_weights():
    stopping = gn.EarlyStopping(patience=4)
    net, history, held_out = overfit([stopping])
    losses = history.column("val_loss")
    assert len(history) < 60
    assert stopping.best_epoch == int(np.argmin(losses)) + 1 == len(history) - 4
    assert stopping.best == min(losses)
    assert net.evaluate(*held_out)["loss"] == pytest.approx(min(losses), rel=1e-6)


def test_early_stopping_may_keep_the_last_weights():
    net, history, held_out = overfit([gn.EarlyStopping(4, restore_best=False)])
    assert net.evaluate(*held_out)["loss"] == pytest.approx(history[-1]["val_loss"], rel=1e-6)


def test_best_weights_are_restored_when_patience_never_runs_out():
    net, history, held_out = overfit([gn.EarlyStopping(100)], epochs=30)
    assert history.stopped is None
    assert net.evaluate(*held_out)["loss"] == pytest.approx(
        min(history.column("val_loss")), rel=1e-6
    )


def test_accuracy_is_better_when_larger():
    x, y = np.eye(3), np.arange(3)
    stopping = gn.EarlyStopping(2, monitor="accuracy")
    net = gn.Network([gn.Dense(3)], (3,), seed=0)
    net.fit(x, y, loss="cross_entropy", optimizer=gn.SGD(5.0), epochs=20, callbacks=[stopping])
    assert stopping.best == 1.0


def test_a_change_below_the_minimum_is_no_improvement():
    stopping = gn.EarlyStopping(3, monitor="loss", minimum_change=1e9)
    _, history, _ = overfit([stopping])
    assert (stopping.best_epoch, len(history)) == (1, 4)


def test_a_second_fit_begins_afresh():
    stopping = gn.EarlyStopping(2, monitor="loss", minimum_change=1e9)
    for _ in range(2):
        _, history, _ = overfit([stopping])
        assert len(history) == 3


def test_batch_norm_statistics_are_restored_too():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    net = gn.Network([gn.Dense(20), gn.BatchNorm(), gn.ReLU(), gn.Dense(2)], (3,), seed=1)
    history = net.fit(
        x[:20],
        y[:20],
        loss="cross_entropy",
        optimizer=gn.Adam(0.05),
        epochs=40,
        validation=(x[20:], y[20:]),
        callbacks=[gn.EarlyStopping(3)],
    )
    best = min(history.column("val_loss"))
    assert net.evaluate(x[20:], y[20:])["loss"] == pytest.approx(best, rel=1e-6)


def test_monitoring_something_that_is_not_there():
    x = np.eye(2)
    net = gn.Network([gn.Dense(2)], (2,))
    with pytest.raises(
        ValueError, match="watches 'val_loss', but the history has only epoch, loss"
    ):
        net.fit(x, [0, 1], loss="cross_entropy", callbacks=[gn.EarlyStopping(monitor="val_loss")])


@pytest.mark.parametrize(
    "options",
    [{"patience": 0}, {"mode": "up"}, {"minimum_change": -1.0}],
    ids=lambda o: next(iter(o)),
)
def test_early_stopping_refuses_bad_options(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        gn.EarlyStopping(**options)


@pytest.mark.parametrize(
    ("epochs", "steps", "writes"), [(1, 0, 4), (2, 0, 2), (0, 5, 2), (0, 0, 1)]
)
def test_checkpoints_are_written_every_so_often_and_at_the_end(
    tmp_path, monkeypatch, epochs, steps, writes
):
    written = []
    monkeypatch.setattr(
        "glassnet.checkpoint.save_checkpoint", lambda trainer, path: written.append(trainer.step)
    )
    checkpoint = gn.Checkpoint(tmp_path / "c", every_epochs=epochs, every_steps=steps)
    net = gn.Network([gn.Dense(2)], (2,))
    net.fit(np.eye(2), [0, 1], loss="cross_entropy", batch_size=1, epochs=4, callbacks=[checkpoint])
    assert len(set(written)) == writes
    assert written[-1] == 8


def test_learning_rate_log_has_every_step():
    log = gn.LearningRateLog()
    net = gn.Network([gn.Dense(2)], (2,))
    schedule = gn.schedules.Cosine(warmup=1)
    net.fit(
        np.eye(2),
        [0, 1],
        loss="cross_entropy",
        optimizer=gn.SGD(1.0),
        batch_size=1,
        epochs=3,
        schedule=schedule,
        callbacks=[log],
    )
    assert log.steps == [1, 2, 3, 4, 5, 6]
    assert log.rates[1] > log.rates[0]
    assert log.rates[2:] == sorted(log.rates[2:], reverse=True)


def test_events_come_in_order():
    class Diary(Callback):
        every_step = True

        def __init__(self):
            self.events = []

        def __getattribute__(self, name):
            if name.startswith("on_"):
                self.events.append(name)
            return super().__getattribute__(name)

    diary = Diary()
    net = gn.Network([gn.Dense(2)], (2,))
    net.fit(np.eye(2), [0, 1], loss="cross_entropy", batch_size=1, epochs=2, callbacks=[diary])
    epoch = ["on_epoch_begin", "on_step_end", "on_step_end", "on_epoch_end"]
    assert diary.events == ["on_fit_begin", *epoch, *epoch, "on_fit_end"]


def test_callbacks_of_one_kind_have_keys_of_their_own():
    keys = [c.key for c in with_defaults([gn.EarlyStopping(), gn.EarlyStopping()])]
    assert keys == ["StopOnNonFinite.0", "EarlyStopping.0", "EarlyStopping.1"]


@pytest.mark.parametrize("checkpoint_first", [False, True])
def test_a_checkpoint_holds_the_last_weights_not_the_best(tmp_path, checkpoint_first):
    path = tmp_path / "checkpoint.safetensors"
    callbacks = [gn.EarlyStopping(4), gn.Checkpoint(path)]
    net, history, held_out = overfit(callbacks[::-1] if checkpoint_first else callbacks)
    best, last = min(history.column("val_loss")), history[-1]["val_loss"]
    assert net.evaluate(*held_out)["loss"] == pytest.approx(best, rel=1e-6)
    assert gn.load(path).evaluate(*held_out)["loss"] == pytest.approx(last, rel=1e-6)


def test_a_loss_that_is_not_a_number_is_never_the_best():
    class Forge(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 1:
                trainer.history[-1]["loss"] = float("nan")

    stopping = gn.EarlyStopping(3, monitor="loss")
    net = gn.Network([gn.Dense(2)], (2,))
    history = net.fit(
        np.eye(2), [0, 1], loss="cross_entropy", epochs=6, callbacks=[Forge(), stopping]
    )
    assert len(history) == 6
    assert stopping.best_epoch == 6


def test_callbacks_hear_of_an_exception():
    class Open(Callback):
        closed = False

        def on_fit_abort(self, trainer):
            self.closed = True

    class Break(Callback):
        def on_epoch_end(self, trainer):
            raise RuntimeError("broken")

    callback = Open()
    net = gn.Network([gn.Dense(2)], (2,))
    with pytest.raises(RuntimeError, match="broken"):
        net.fit(np.eye(2), [0, 1], loss="cross_entropy", callbacks=[callback, Break()])
    assert callback.closed


def test_an_optimizer_changed_in_mid_run_changes_compiled_steps_too():
    class Decay(Callback):
        def on_epoch_end(self, trainer):
            trainer.optimizer.weight_decay = 1.0

    def train(compile):
        net = gn.Network([gn.Dense(2)], (2,), seed=0)
        net.fit(
            np.eye(2),
            [0, 1],
            loss="cross_entropy",
            epochs=5,
            callbacks=[Decay()],
            compile=compile,
        )
        return net.theta

    assert (train(True) == train(False)).all()
