"""The progress bar, and the lines that stand for it in a file."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import glassnet as gn
from glassnet.callbacks.progress import Progress


def fit(console: Console, epochs: int = 3, **more: Any) -> None:
    network = gn.Network([gn.Dense(2)], input_shape=(2,), seed=0)
    x, y = np.eye(2).repeat(5, axis=0), np.array([0, 1]).repeat(5)
    with Progress(console) as progress:
        network.fit(
            x,
            y,
            loss="cross_entropy",
            epochs=epochs,
            validation=(x, y),
            callbacks=[progress],
            **more,
        )


def test_a_file_gets_a_line_an_epoch() -> None:
    file = io.StringIO()
    fit(Console(file=file))
    lines = file.getvalue().splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, start=1):
        assert line.startswith(f"epoch {number}/3 · loss ")
        assert "accuracy" in line
        assert "val. loss" in line
        assert line.endswith(" left")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that can move its cursor, whatever this one can."""
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_one_bar_and_its_cursor_back() -> None:
    file = io.StringIO()
    fit(Console(file=file, force_terminal=True, width=120))
    text = file.getvalue()
    assert "epoch 3/3" in text
    assert "left" in text
    assert "val. accuracy" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # cursor hidden, shown again


@pytest.mark.usefixtures("terminal")
def test_the_cursor_comes_back_after_an_error() -> None:
    file = io.StringIO()

    class Fail(gn.Callback):
        def on_epoch_end(self, trainer: Any) -> None:
            raise RuntimeError("broken")

    network = gn.Network([gn.Dense(2)], input_shape=(2,), seed=0)
    with (
        pytest.raises(RuntimeError, match="broken"),
        Progress(Console(file=file, force_terminal=True)) as progress,
    ):
        network.fit(np.eye(2), [0, 1], loss="cross_entropy", callbacks=[progress, Fail()])
    assert file.getvalue().count("\x1b[?25h") == 1


def test_the_first_steps_do_not_count_for_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class Trainer:
        history: tuple[()] = ()
        epoch, batch, batches, epochs = 0, 0, 10, 5

    seconds = 0.0
    monkeypatch.setattr("time.monotonic", lambda: seconds)
    trainer: Any = Trainer()
    progress = Progress(Console(file=io.StringIO()))
    progress.on_fit_begin(trainer)
    seconds, trainer.batch = 100.0, 1  # kernels were compiled
    progress.on_step_end(trainer)
    seconds, trainer.batch = 101.0, 6  # half an epoch in a second
    progress.on_step_end(trainer)
    assert progress._left(trainer) == "0:09"


def test_an_early_end_is_explained() -> None:
    file = io.StringIO()

    class Enough(gn.Callback):
        def on_epoch_end(self, trainer: Any) -> None:
            trainer.stop("that is enough [really]")

    network = gn.Network([gn.Dense(2)], input_shape=(2,), seed=0)
    with Progress(Console(file=file)) as progress:
        network.fit(np.eye(2), [0, 1], loss="cross_entropy", callbacks=[Enough(), progress])
    assert file.getvalue().splitlines()[-1] == "that is enough [really]"
