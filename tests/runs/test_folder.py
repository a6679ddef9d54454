"""Run folders: nothing is overwritten unasked, nothing is left half-written."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.runs.folder import (
    Recorder,
    RunFolder,
    append_line,
    choose_folder,
    complete,
    exclusively,
    new_run,
    open_run,
    release,
)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run that exists."""
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(Path("run"))
    folder.path.mkdir()
    folder.config.write_text("old")
    folder.model.write_text("old")
    return folder


def break_off(folder: RunFolder, *written: str) -> None:
    """A run that writes these files and then fails."""
    with new_run(folder):
        for name in written:
            getattr(folder, name).write_text("new")
        raise RuntimeError("broken")


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_a_new_run_takes_the_next_free_number(old: RunFolder) -> None:
    Path("runs/iris-3").mkdir(parents=True)
    # Each is made at once: trainings that begin together don't take the same.
    for number in (1, 2, 4):
        assert choose_folder("iris", None, False).path == Path(f"runs/iris-{number}")


def test_an_unused_folder_is_given_back(old: RunFolder) -> None:
    first, second = (choose_folder("iris", None, False) for _ in range(2))
    (second.path / "config.toml").write_text("mine")
    for folder in (first, second):
        release(folder)
    assert [path.name for path in Path("runs").iterdir()] == ["iris-2"]


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_two_trainings_never_write_into_one_folder(old: RunFolder) -> None:
    fresh = RunFolder(Path("fresh"))
    for folder in (old, fresh):
        with new_run(folder):
            with pytest.raises(ValueError, match="Another training is writing into"):
                break_off(folder, "checkpoint")
            with (
                pytest.raises(ValueError, match="Another training"),
                exclusively(folder.path),
            ):
                pass
            folder.checkpoint.write_text("new")
    with exclusively(old.path), exclusively(fresh.path):
        assert old.checkpoint.read_text() == fresh.checkpoint.read_text() == "new"


def test_what_may_be_taken_as_folder(old: RunFolder) -> None:
    with pytest.raises(ValueError, match="holds a run already"):
        choose_folder("iris", Path("run"), force=False)
    assert choose_folder("iris", Path("run"), force=True) == old
    Path("mine").mkdir()
    assert choose_folder("iris", Path("mine"), force=False).path == Path("mine")
    Path("mine/letter.txt").write_text("dear")
    with pytest.raises(ValueError, match="not a run's folder"):
        choose_folder("iris", Path("mine"), force=True)


def test_a_replaced_run_goes_when_the_new_one_is_complete(old: RunFolder) -> None:
    with new_run(old):
        assert not old.config.exists()
        assert (old.replaced / "config.toml").read_text() == "old"
        old.checkpoint.write_text("new")
        complete(old)
    assert names() == ["run"]
    assert old.checkpoint.read_text() == "new"


def test_a_replaced_run_comes_back_if_the_new_one_has_nothing(old: RunFolder) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        break_off(old, "config")
    assert names() == ["run"]
    assert old.model.read_text() == old.config.read_text() == "old"


def test_a_broken_run_with_a_checkpoint_stays_and_the_replaced_one_waits(old: RunFolder) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        break_off(old, "config", "checkpoint")
    assert names() == [".run.replaced", "run"]
    # The next run that replaces it puts the broken one away and keeps the whole one.
    with pytest.raises(RuntimeError, match="broken"):
        break_off(old)
    assert names() == ["run"]
    assert old.model.read_text() == "old"


def test_folders_made_for_a_failed_run_are_removed(old: RunFolder) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        break_off(RunFolder(Path("a/b/run")))
    assert names() == ["run"]


def test_a_folder_that_can_not_be_made(old: RunFolder) -> None:
    Path("file").write_text("")
    with (
        pytest.raises(ValueError, match=r"file/run can't be made: Not a directory"),
        new_run(RunFolder(Path("file/run"))),
    ):
        pass


def test_only_a_run_can_be_opened(old: RunFolder) -> None:
    assert open_run(Path("run")) == old
    with pytest.raises(ValueError, match="no run folder"):
        open_run(Path("other"))
    old.config.unlink()
    with pytest.raises(ValueError, match="not the folder of a run"):
        open_run(Path("run"))


def test_a_line_is_added_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lines"
    append_line(path, "one")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ValueError, match="No space left on device"):
            append_line(path, "two")
    assert path.read_text() == "one\n"
    append_line(path, "three")
    assert path.read_text() == "one\nthree\n"


def test_the_recorder_keeps_history_and_checkpoint(old: RunFolder) -> None:
    class Watch(gn.Callback):
        written: list[Any] = []  # noqa: RUF012

        def on_epoch_end(self, trainer: Any) -> None:
            time = old.checkpoint.stat().st_mtime_ns if old.checkpoint.exists() else None
            lines = old.history.read_text().splitlines()
            self.written.append((len(lines), time))

    network = gn.Network([gn.Dense(2)], input_shape=(2,), seed=0)
    recorder = Recorder(old, every=2)
    history = network.fit(
        np.eye(2), [0, 1], loss="cross_entropy", epochs=5, callbacks=[recorder, Watch()]
    )
    counts, times = zip(*Watch.written, strict=True)
    assert counts == (1, 2, 3, 4, 5)
    assert times[0] is None
    assert times[1] == times[2] < times[3] < times[4]
    lines = [json.loads(line) for line in old.history.read_text().splitlines()]
    assert lines == list(history)
