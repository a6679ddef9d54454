"""Keep what was learned on disk while training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glassnet.callbacks.base import Callback

if TYPE_CHECKING:
    from glassnet.trainer import Trainer


class Checkpoint(Callback):
    """Write a file from which training can go on, bit for bit, every so often and at the end.

    The file is replaced as a whole each time, so that it is intact whenever the process dies. It is
    written at the end of training too, also after Ctrl-C in the middle of an epoch.

    Arguments:
        path: the file, `"run/checkpoint.safetensors"`; it is replaced if it exists.
        every_epochs: write after every so many epochs; 0 for never.
        every_steps: write after every so many steps; 0 for never.

    Example:
        >>> import tempfile, numpy as np, glassnet as gn
        >>> x, y = np.eye(4), np.array([0, 1, 0, 1])
        >>> def new(): return gn.Network([gn.Dense(2)], input_shape=(4,), seed=0)
        >>> def fit(net, **more): return net.fit(x, y, loss="cross_entropy", **more)
        >>> straight = new(); _ = fit(straight, epochs=10)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/checkpoint.safetensors"
        ...     _ = fit(new(), epochs=6, callbacks=[gn.Checkpoint(path)])
        ...     resumed = new(); _ = fit(resumed, epochs=10, resume=path)
        >>> bool((straight.theta == resumed.theta).all())
        True
    """

    def __init__(self, path: str | Path, every_epochs: int = 1, every_steps: int = 0) -> None:
        if every_epochs < 0 or every_steps < 0:
            raise ValueError(
                "A checkpoint is written every n ≥ 1 epochs or steps, or 0 for never. "
                f"Received: every_epochs={every_epochs}, every_steps={every_steps}."
            )
        self.path = Path(path)
        self.every_epochs = every_epochs
        self.every_steps = every_steps

    @property
    def every_step(self) -> bool:
        """Only if files are written every so many steps."""
        return self.every_steps > 0

    @property
    def every_epoch(self) -> bool:
        """Only if files are written every so many epochs."""
        return self.every_epochs > 0

    def on_step_end(self, trainer: Trainer) -> None:
        if self.every_steps and trainer.step % self.every_steps == 0:
            self._write(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        if self.every_epochs and trainer.epoch % self.every_epochs == 0:
            self._write(trainer)

    def on_fit_end(self, trainer: Trainer) -> None:
        self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        from glassnet.checkpoint import save_checkpoint

        save_checkpoint(trainer, self.path)
