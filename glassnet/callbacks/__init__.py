"""Callbacks: what happens beside training, between its steps and epochs."""

from __future__ import annotations

from collections.abc import Sequence

from glassnet.callbacks.base import Callback
from glassnet.callbacks.checkpoints import Checkpoint
from glassnet.callbacks.progress import Progress
from glassnet.callbacks.stopping import EarlyStopping, LearningRateLog, StopOnNonFinite
from glassnet.callbacks.tensorboard import TensorBoard
from glassnet.glass.histograms import Histograms

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "Histograms",
    "LearningRateLog",
    "Progress",
    "StopOnNonFinite",
    "TensorBoard",
    "with_defaults",
]


def with_defaults(callbacks: Sequence[Callback]) -> list[Callback]:
    """The callbacks of a training: the user's, and a stop on losses that are not finite.

    Checkpoints come last, so that they hold what the others have just learned.

    Each gets a key for its part of a checkpoint: its class and how many of that class came before.
    """
    if isinstance(callbacks, Callback) or not isinstance(callbacks, Sequence):
        raise ValueError(
            f"callbacks is a list, as in [gn.EarlyStopping(5)]. Received: {callbacks!r}."
        )
    chosen = list(callbacks)
    for callback in chosen:
        if not isinstance(callback, Callback):
            raise ValueError(
                f"Expected callbacks such as gn.EarlyStopping(5). Received: {callback!r} of type "
                f"{type(callback).__name__}."
            )
    if not any(isinstance(callback, StopOnNonFinite) for callback in chosen):
        chosen.insert(0, StopOnNonFinite())
    chosen.sort(key=lambda callback: isinstance(callback, Checkpoint))  # others' state first
    for index, callback in enumerate(chosen):
        kind = type(callback)
        callback.key = f"{kind.__name__}.{sum(type(other) is kind for other in chosen[:index])}"
    return chosen
