"""Trained cells as TensorBoard shows them: a run a training, beside each other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.exchange import extra

if TYPE_CHECKING:
    from glassnet.experiments.results import Record

NOT_IN_NAMES = dict.fromkeys(map(ord, '/\\:*?"<>|'), "_")
"""What a label may hold and the name of a folder may not."""


def event_writer() -> Any:
    """The class that writes event files.

    Raises:
        ValueError: if the extra `tensorboard` is not installed.
    """
    return extra("tensorboardX", "tensorboard").SummaryWriter


def refuse_used(folder: Path) -> None:
    """Refuse a folder that holds something: TensorBoard would mix new points with the old.

    Raises:
        ValueError: if it is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there and not empty. Name a new folder for the events.")


def write_events(records: Iterable[Record], folder: Path) -> int:
    """Write what `tensorboard --logdir FOLDER` shows; returns how many trainings that are.

    A training becomes FOLDER/paper/experiment/labels/repetition: its numbers by epoch, and its
    labels as hyperparameters beside the last numbers.

    Arguments:
        records: of trained cells.
        folder: may hold other trainings' events.

    Raises:
        ValueError: if events of one of these are there already, or without the extra `tensorboard`.
    """
    writer_class, written = event_writer(), 0
    for record in records:
        labels = ", ".join(f"{axis} {label}" for axis, label in record["cell"].items())
        name = labels.translate(NOT_IN_NAMES) or "the only one"
        run = folder / record["experiment"] / name / str(record["repetition"] + 1)
        refuse_used(run)
        with writer_class(str(run)) as writer:
            for row in record["history"]:
                for number, value in _numbers(row).items():
                    writer.add_scalar(number, value, row["epoch"])
            if record["history"]:
                last = {f"last/{k}": v for k, v in _numbers(record["history"][-1]).items()}
                settings = {**record["cell"], "repetition": record["repetition"] + 1}
                writer.add_hparams(settings, last, "settings", record["history"][-1]["epoch"])
        written += 1
    return written


def _numbers(row: dict[str, Any]) -> dict[str, float]:
    """An epoch's numbers without the epoch's own; a diverged training's may be missing."""
    return {
        name: float(value)
        for name, value in row.items()
        if name != "epoch" and isinstance(value, int | float)
    }
