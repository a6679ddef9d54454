"""How training goes, while it goes: a bar on a terminal, a line an epoch anywhere else."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from glassnet.callbacks.base import Callback

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from glassnet.trainer import Trainer

REFRESH = 0.1
"""Seconds between two drawings of the bar."""

SHOWN = (
    ("loss", "loss", ".4f"),
    ("accuracy", "accuracy", ".2%"),
    ("val_loss", "val. loss", ".4f"),
    ("val_accuracy", "val. accuracy", ".2%"),
    ("val_rmse", "val. RMSE", ".4g"),
)
"""What is shown of an epoch's record: key, name, format."""


def describe_epoch(record: dict[str, float]) -> str:
    """The scores of an epoch, in a few words.

    >>> describe_epoch({"epoch": 3, "loss": 0.25, "accuracy": 0.9, "seconds": 1.0})
    'loss 0.2500 · accuracy 90.00%'
    """
    return " · ".join(f"{name} {record[key]:{form}}" for key, name, form in SHOWN if key in record)


def clock(seconds: float) -> str:
    """A duration as hours, minutes and seconds.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Progress(Callback):
    """Show epoch, loss, accuracy, validation and the time left.

    On a terminal this is a bar that is redrawn in place; a file or a pipe gets a plain line for
    each epoch. Both go to stderr, so that stdout stays free for results. As a context manager it
    clears up after itself even if training ends with an error.

    Arguments:
        console: where to write, a `rich.console.Console`; stderr by default.

    Example:
        >>> import sys, numpy as np, glassnet as gn
        >>> from rich.console import Console
        >>> net = gn.Network([gn.Dense(2)], input_shape=(2,), seed=0)
        >>> with Progress(Console(file=sys.stdout)) as progress:
        ...     _ = net.fit(np.eye(2), [0, 1], loss="cross_entropy", epochs=1, callbacks=[progress])
        epoch 1/1 · loss 0... · accuracy 50.00% · 0:00 left
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console

        self.console = console or Console(stderr=True)
        self._bar: Bar | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        """A console cannot be copied: copies, as in scikit-learn's searches, write to stderr."""
        return type(self), ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def every_step(self) -> bool:
        """A bar that is redrawn some times a second need not hear of each step."""
        return False

    def on_fit_begin(self, trainer: Trainer) -> None:
        self._restart_clock(trainer)
        self._is_warm = False
        self._drawn, self._words = 0.0, ""
        if trainer.history:  # resumed
            self._words = describe_epoch(trainer.history[-1])
        if self.console.is_terminal:
            self._start_bar(trainer)

    def on_step_end(self, trainer: Trainer) -> None:
        if not self._is_warm:  # the first steps may compile kernels: no measure of the others
            self._restart_clock(trainer)
            self._is_warm = True
        if self._bar is not None and time.monotonic() - self._drawn >= REFRESH:
            self._draw(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        remarks = [callback.remark for callback in trainer.callbacks if callback.remark]
        self._words = " · ".join([describe_epoch(trainer.history[-1]), *remarks])
        if self._bar is not None:
            self._draw(trainer)
            return
        head = f"epoch {trainer.epoch}/{trainer.epochs}"
        self.say(f"{head} · {self._words} · {self._left(trainer)} left")

    def on_fit_end(self, trainer: Trainer) -> None:
        if self._bar is not None:
            self._draw(trainer)
        self._stop()
        if trainer.history.stopped:
            self.say(trainer.history.stopped)

    def on_fit_abort(self, trainer: Trainer) -> None:
        self._stop()

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _start_bar(self, trainer: Trainer) -> None:
        from rich import progress

        self._bar = progress.Progress(
            progress.TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            progress.BarColumn(bar_width=24, finished_style="bar.complete"),
            progress.TextColumn("{task.fields[left]} left"),
            progress.TextColumn("{task.description}", markup=False),
            console=self.console,
            auto_refresh=False,  # drawn from here: a thread would take time from training
        )
        self._bar.add_task("", total=trainer.epochs, epoch=1, epochs=trainer.epochs, left="–:––")
        self._bar.start()
        self._draw(trainer)

    def _draw(self, trainer: Trainer) -> None:
        if self._bar is None:
            return
        self._drawn = time.monotonic()
        self._bar.update(
            self._bar.task_ids[0],
            completed=self._done(trainer),
            epoch=min(trainer.epoch + 1, trainer.epochs),
            left=self._left(trainer),
            description=self._words or (f"loss {trainer.batch_loss:.4f}" if trainer.step else ""),
        )
        self._bar.refresh()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _restart_clock(self, trainer: Trainer) -> None:
        self._began, self._began_with = time.monotonic(), self._done(trainer)

    def _done(self, trainer: Trainer) -> float:
        """Epochs done, the part of the running one included."""
        return trainer.epoch + trainer.batch / trainer.batches

    def _left(self, trainer: Trainer) -> str:
        done = self._done(trainer)
        if done >= trainer.epochs:
            return clock(0)
        if done <= self._began_with:
            return "–:––"
        pace = (time.monotonic() - self._began) / (done - self._began_with)
        return clock(pace * (trainer.epochs - done))
