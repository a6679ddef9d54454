"""What TensorBoard shows of a training: curves, histograms, mistakes and settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.callbacks.base import Callback

if TYPE_CHECKING:
    from glassnet.trainer import Trainer

LOOKED_AT = 256
"""Training rows over which the gradients of a histogram are taken."""

MISTAKES = 16
"""Images in a picture of mistakes."""

SETTINGS = ("loss", "optimizer", "schedule", "batch_size", "shuffle", "seed", "rows")
"""Which settings of a training become hyperparameters."""


class TensorBoard(Callback):
    """Write a folder that `tensorboard --logdir` shows.

    Each epoch gives the numbers of its record as scalars. Every so many epochs there are histograms
    of all parameters and of their gradients (of the loss over the first 256 training rows, after
    the epoch, in inference mode), and where the validation rows are images, the worst mistakes
    among them. The end gives the hyperparameters beside the last scores. Needs the extra
    `tensorboard`; training itself gives the same bits with and without it.

    Arguments:
        folder: where the events go; a run a folder.
        every: epochs from one set of histograms and images to the next, ≥ 1; the last gets one too.

    Raises:
        ValueError: if `every` is below 1; when training begins, if tensorboardX is not installed
            or cannot write into the folder.

    Example:
        >>> import glassnet as gn
        >>> gn.TensorBoard("runs/digits-1/events", every=10).every
        10
    """

    def __init__(self, folder: str | Path, every: int = 5) -> None:
        if every < 1:
            raise ValueError(
                f"TensorBoard writes histograms every n ≥ 1 epochs. Received: {every!r}."
            )
        self.folder = Path(folder)
        self.every = every
        self._writer: Any = None

    def on_fit_begin(self, trainer: Trainer) -> None:
        from glassnet.exchange import extra

        tensorboard = extra("tensorboardX", "tensorboard")
        try:
            self._writer = tensorboard.SummaryWriter(str(self.folder))
        except OSError as error:
            raise ValueError(
                f"TensorBoard cannot write into {self.folder}: {error.strerror}. Choose a folder "
                "that may be written to."
            ) from None

    def on_epoch_end(self, trainer: Trainer) -> None:
        epoch = trainer.epoch
        for name, value in trainer.history[-1].items():
            if name != "epoch":
                self._writer.add_scalar(name, value, epoch)
        if epoch % self.every == 0 or epoch == trainer.epochs:
            self._add_histograms(trainer)
            self._add_mistakes(trainer)

    def on_fit_end(self, trainer: Trainer) -> None:
        if trainer.history:
            last = {f"last/{n}": v for n, v in trainer.history[-1].items() if n != "epoch"}
            self._writer.add_hparams(_settings(trainer), last, "settings", trainer.epoch)
        self._close()

    def on_fit_abort(self, trainer: Trainer) -> None:
        self._close()

    def _close(self) -> None:
        """A writer holds a thread, with which an estimator could be neither cloned nor pickled."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _add_histograms(self, trainer: Trainer) -> None:
        network, steps = trainer.network, trainer.steps
        targets = steps.targets
        y = targets.values if targets.labels is None else targets.labels
        network.loss_and_gradient(steps.x[:LOOKED_AT], _head(y), trainer.loss)
        for name, parameter in network.parameters.items():
            self._writer.add_histogram(name, parameter.value, trainer.epoch)
            self._writer.add_histogram(f"gradient/{name}", parameter.gradient, trainer.epoch)

    def _add_mistakes(self, trainer: Trainer) -> None:
        from glassnet.plots import is_image, worst_mistakes

        network = trainer.network
        if trainer.validation is None or not is_image(network.input_shape):
            return
        if trainer.task not in ("classification", "binary"):
            return
        x, targets, _ = trainer.validation
        classes = network.metadata.get("classes", ())
        figure = worst_mistakes(x, targets.classes, network.predict_proba(x), classes, MISTAKES)
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]
        self._writer.add_image("mistakes", pixels, trainer.epoch, dataformats="HWC")


def _head(y: Array | None) -> Any:
    """The targets of the rows that are looked at."""
    return None if y is None else y[:LOOKED_AT]


def _settings(trainer: Trainer) -> dict[str, Any]:
    """What was chosen for a training, as plain names and values."""
    chosen = trainer.settings()
    flat: dict[str, Any] = {"layers": ", ".join(map(repr, trainer.network.layers))}
    for name in SETTINGS:
        value = chosen[name]
        parts = value if isinstance(value, Mapping) else {"": value}
        for key, part in parts.items():
            plain = part if isinstance(part, bool | int | float | str) else str(part)
            flat[name if key in ("", "name") else f"{name}.{key}"] = plain
    return flat
