"""A run's folder: everything that a training leaves behind, and how it is kept intact.

    config.toml             resolved: training from it repeats the run
    history.jsonl           a record an epoch, appended as epochs finish
    checkpoint.safetensors  from which `--resume` goes on, replaced as a whole
    model.safetensors       the network, for `evaluate` and `predict`
    doctor.json             what the doctor has measured, for `glassnet doctor`
    report.md, report.json  set-up, scores, tables;   figures/*.png

A run that another one replaces is put aside under a hidden name, and removed only when the new run
is complete. If the new one fails before its first checkpoint, the old one comes back; if there is
none and the numbers of the new one broke down, it stays, for `glassnet doctor` to examine.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.callbacks import Callback
from glassnet.checkpoint import save_checkpoint
from glassnet.files import write_atomically
from glassnet.history import TrainingDiverged

if TYPE_CHECKING:
    from glassnet.trainer import Trainer

if sys.platform != "win32":
    import fcntl

RUNS = Path("runs")


@dataclass(frozen=True)
class RunFolder:
    """Where the files of a run are.

    >>> RunFolder(Path("runs/digits-1")).model.as_posix()
    'runs/digits-1/model.safetensors'
    """

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.toml"

    @property
    def history(self) -> Path:
        """A JSON record an epoch."""
        return self.path / "history.jsonl"

    @property
    def checkpoint(self) -> Path:
        """What training goes on from."""
        return self.path / "checkpoint.safetensors"

    @property
    def model(self) -> Path:
        """The trained network."""
        return self.path / "model.safetensors"

    @property
    def doctor(self) -> Path:
        """What the doctor has measured."""
        return self.path / "doctor.json"

    @property
    def report(self) -> Path:
        """Set-up and scores, for people."""
        return self.path / "report.md"

    @property
    def facts(self) -> Path:
        """The same for programs."""
        return self.path / "report.json"

    @property
    def figures(self) -> Path:
        """The pictures' folder."""
        return self.path / "figures"

    @property
    def replaced(self) -> Path:
        """Where a run that this one replaces waits."""
        return self.path.with_name(f".{self.path.name}.replaced")

    def read_facts(self) -> dict[str, Any]:
        """What report.json says; empty if the run has not come that far."""
        try:
            facts = json.loads(self.facts.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}


def choose_folder(name: str, out: Path | None, force: bool) -> RunFolder:
    """The folder of a new run: `out`, or `runs/<name>-<n>` with the first n that is free.

    The latter is made at once, so that two trainings that begin together don't take the same;
    `release` gives it back if nothing comes of it.

    Raises:
        ValueError: if `out` exists and may not be replaced: it is a run and `force` is not set, or
            it is something else than a run.
    """
    if out is None:
        return RunFolder(_take_number(name))
    folder = RunFolder(out)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return folder
    if not folder.config.is_file():
        raise ValueError(
            f"{out} exists and is not a run's folder, so it is left alone: choose another --out."
        )
    if not force:
        raise ValueError(
            f"{out} holds a run already: choose another --out, replace it with --force, or go on "
            f"with `--resume {out}`."
        )
    return folder


def _take_number(name: str) -> Path:
    number = 1
    while True:
        path = RUNS / f"{name}-{number}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise _cannot_be_made(path, error) from None
        else:
            return path


def release(folder: RunFolder) -> None:
    """Remove the folder of a run that did not come about, and `runs` with it; only if empty."""
    for path in (folder.path, RUNS):
        with suppress(OSError):
            path.rmdir()


def open_run(path: Path) -> RunFolder:
    """The folder of a run that exists.

    Raises:
        ValueError: if it is not there, or not a run.
    """
    folder = RunFolder(path)
    if not path.is_dir():
        raise ValueError(f"There is no run folder {path}: check the path.")
    if not folder.config.is_file():
        raise ValueError(f"{path} is not the folder of a run: it has no {folder.config.name}.")
    return folder


@contextmanager
def new_run(folder: RunFolder) -> Iterator[None]:
    """Make the folder of a run, keeping what it replaces (`complete` ends that).

    Raises:
        ValueError: if the folder can't be made, or if another training writes into it.
    """
    new_parents = [parent for parent in folder.path.parents if not parent.exists()]
    with ExitStack() as locks:
        if folder.path.is_dir():
            locks.enter_context(exclusively(folder.path))
        try:
            _put_aside(folder)
            if not folder.path.is_dir():
                folder.path.mkdir(parents=True, exist_ok=True)
                locks.enter_context(exclusively(folder.path))
        except OSError as error:
            _bring_back(folder)
            raise _cannot_be_made(folder.path, error) from None
        can_be_examined = False  # a training that broke down before its first checkpoint
        try:
            yield
        except TrainingDiverged:
            can_be_examined = folder.doctor.is_file() and not folder.replaced.exists()
            raise
        finally:
            if not (folder.checkpoint.is_file() or can_be_examined):
                shutil.rmtree(folder.path, ignore_errors=True)
                _bring_back(folder)
                with suppress(OSError):  # somebody else's files may be there by now
                    for parent in new_parents:
                        parent.rmdir()


def _cannot_be_made(path: Path, error: OSError) -> ValueError:
    return ValueError(
        f"The folder {path} can't be made: {error.strerror or error}. Choose another with --out."
    )


@contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Keep other trainings out of a folder. The lock ends with the process, however that ends.

    Raises:
        ValueError: if another training holds it.
    """
    if sys.platform == "win32":  # which knows no locks of this kind
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"Another training is writing into {path}: wait for its end, or choose another "
                "--out."
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)


def complete(folder: RunFolder) -> None:
    """The run has all that it should have: remove the one that it replaces."""
    shutil.rmtree(folder.replaced, ignore_errors=True)


def _put_aside(folder: RunFolder) -> None:
    if not folder.config.is_file():
        return
    if folder.replaced.exists():  # what stands here was itself cut off: the older one is whole
        shutil.rmtree(folder.path)
    else:
        os.replace(folder.path, folder.replaced)


def _bring_back(folder: RunFolder) -> None:
    if folder.replaced.exists() and not folder.path.exists():
        os.replace(folder.replaced, folder.path)


class Recorder(Callback):
    """Keep history and checkpoint of a run up to date.

    Put it after callbacks whose state the checkpoint should hold. The last checkpoint holds the
    weights of the last epoch even where early stopping then goes back to better ones, so that a run
    that goes on equals one that never ended.

    Arguments:
        folder: of the run.
        every: epochs between checkpoints, ≥ 1; the last epoch, and an interrupted one, get one too.
    """

    def __init__(self, folder: RunFolder, every: int = 1) -> None:
        self.folder = folder
        self.every = every

    def on_fit_begin(self, trainer: Trainer) -> None:
        # A resumed run: epochs after the checkpoint are done again.
        lines = "".join(f"{json.dumps(record)}\n" for record in trainer.history)
        write_atomically(self.folder.history, lines, overwrite=True)

    def on_epoch_end(self, trainer: Trainer) -> None:
        append_line(self.folder.history, json.dumps(trainer.history[-1]))
        if trainer.epoch % self.every == 0 or trainer.epoch == trainer.epochs:
            save_checkpoint(trainer, self.folder.checkpoint)

    def on_fit_end(self, trainer: Trainer) -> None:
        if trainer.history.interrupted:
            save_checkpoint(trainer, self.folder.checkpoint)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file and flush it to the disk, or leave the file as it was.

    Raises:
        ValueError: if it can't be written.
    """
    try:
        with path.open("ab") as file:
            size = file.tell()
            try:
                file.write(f"{line}\n".encode())
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(path, size)
                raise
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written: {error.strerror or error}. Check that its folder may be "
            "written to and has space left."
        ) from None
