"""What a callback is: something that is told how training goes, and may end it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glassnet.accelerate import Array, Call

if TYPE_CHECKING:
    from glassnet.trainer import Trainer


class Callback:
    """Base of all callbacks; override what you need.

    A callback reads the trainer (`trainer.epoch`, `trainer.batch_loss`, `trainer.history`,
    `trainer.network`) and may call `trainer.stop(reason)`. If it must remember something for a
    resumed run to equal an uninterrupted one, it returns that from `state` (JSON-able) and
    `arrays`.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> class GoodEnough(gn.Callback):
        ...     def on_epoch_end(self, trainer):
        ...         if trainer.history[-1]["loss"] < 0.1:
        ...             trainer.stop("loss is below 0.1")
        >>> net = gn.Network([gn.Dense(1)], input_shape=(1,), seed=0)
        >>> x = np.linspace(0, 1, 50)[:, None]
        >>> history = net.fit(x, x[:, 0], loss="mse", epochs=500, callbacks=[GoodEnough()])
        >>> history.stopped
        'loss is below 0.1'
    """

    key: str = ""
    """Names this callback's part of a checkpoint; the trainer sets it."""

    @property
    def remark(self) -> str:
        """A few words that a progress line shows after the scores; none by default."""
        return ""

    @property
    def every_step(self) -> bool:
        """Whether `on_step_end` must be called after each single step.

        By default, if it is overridden. Compiled training runs some 50 ms of steps at a time; a
        callback that can do with being told after those (a progress bar) says False.
        """
        return type(self).on_step_end is not Callback.on_step_end

    @property
    def every_epoch(self) -> bool:
        """Whether `on_epoch_begin` and `on_epoch_end` must be called for each single epoch.

        By default, if one of them is overridden. Where nobody must hear of them, short epochs run
        some 50 ms of them in a row; a callback that says False is told after those.
        """
        mine = type(self).on_epoch_begin, type(self).on_epoch_end
        return mine != (Callback.on_epoch_begin, Callback.on_epoch_end)

    @property
    def stops_on_non_finite(self) -> bool:
        """Whether a loss that is not finite must be noticed before it moves θ."""
        return False

    def epoch_calls(self, trainer: Trainer) -> list[Call]:
        """Kernel calls to be made after each of several epochs that run in a row.

        A kernel that raises FloatingPointError there makes this epoch the last of its row, so that
        `on_epoch_end` is called next.
        """
        return []

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Training begins (or goes on)."""

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """An epoch begins."""

    def on_step_end(self, trainer: Trainer) -> None:
        """A step was taken; `trainer.batch_loss` is its loss before the step."""

    def on_non_finite_loss(self, trainer: Trainer, x: Array) -> None:
        """The loss of the batch x is infinite or not a number; θ has not been moved by it yet."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """An epoch is over; its record is `trainer.history[-1]`."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """Training is over; if early, `trainer.history.stopped` says why."""

    def on_fit_abort(self, trainer: Trainer) -> None:
        """Training is broken off by an exception: put away what is open."""

    def state(self) -> dict[str, Any]:
        """JSON-able numbers to be kept in a checkpoint."""
        return {}

    def arrays(self) -> dict[str, Array]:
        """Arrays to be kept in a checkpoint."""
        return {}

    def load_state(self, state: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        """Take back what `state` and `arrays` returned."""
