"""Trained once and kept: over a second run, a kill, a change, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import glassnet
from glassnet.experiments import run
from glassnet.experiments.cells import expand
from glassnet.experiments.runner import Runner, Store
from glassnet.experiments.specification import Experiment

LONG = """
title = "Long enough to be killed"
seeds = 6
data = { source = "digits", splits = [{ part = "test", share = 0.5 }] }
network.layers = [64]
training.epochs = 60
training.batch_size = 16
"""

SCRIPT = """
import sys
from glassnet.experiments.cells import expand
from glassnet.experiments.runner import Runner, Store
from glassnet.experiments.specification import load_experiment
from pathlib import Path
cells = expand(load_experiment(Path(sys.argv[1]), "p"))
runner = Runner(Store(Path(sys.argv[2])), threads=1)
print("began", flush=True)
try:
    runner.run(cells)
except KeyboardInterrupt:
    sys.exit(130)
"""


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    history = [{k: v for k, v in e.items() if k != "seconds"} for e in record["history"]]
    return {**record, "history": history, "seconds": 0}


def test_nothing_is_trained_twice_and_only_what_changed_again(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    assert run(write(), tmp_path / "out").trained == 4
    assert run(write(), tmp_path / "out").trained == 0
    assert run(write("record.scores = true\n"), tmp_path / "out").trained == 4
    one_more = write().read_text().replace("[0.001, 0.1]", "[0.001, 0.01, 0.1]")
    assert run(write(text=one_more), tmp_path / "out").trained == 2
    assert run(write(text=one_more), tmp_path / "out", fresh=True).trained == 6


def test_two_threads_and_one_give_the_same_records(
    load: Callable[..., Experiment], tmp_path: Path
) -> None:
    cells = expand(load())
    one = Runner(Store(tmp_path / "one"), threads=1).run(cells)
    two = Runner(Store(tmp_path / "two"), threads=2).run(cells)
    assert list(map(without_times, one)) == list(map(without_times, two))


def test_a_damaged_record_is_trained_again(load: Callable[..., Experiment], tmp_path: Path) -> None:
    cells, store = expand(load()), Store(tmp_path / "cells")
    first = Runner(store).run(cells)
    damaged = next((tmp_path / "cells").rglob("*.json"))
    damaged.write_text(damaged.read_text()[:100])
    runner = Runner(store)
    again = runner.run(cells)
    assert runner.trained == 1
    assert list(map(without_times, again)) == list(map(without_times, first))


@pytest.fixture
def begun(tmp_path: Path, write: Callable[..., Path]) -> Iterator[subprocess.Popen[str]]:
    """A process that trains, and has kept one cell at least."""
    root = str(Path(glassnet.__file__).parents[1])
    command = [sys.executable, "-c", SCRIPT, str(write(text=LONG)), str(tmp_path / "cells")]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 120
    while not list((tmp_path / "cells").rglob("*.json")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_broken_off_goes_on_without_repeating_a_cell(
    begun: subprocess.Popen[str], load: Callable[..., Experiment], tmp_path: Path, number: int
) -> None:
    asked = time.monotonic()
    begun.send_signal(number)
    begun.wait(30)
    assert time.monotonic() - asked < 5
    assert begun.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").rglob("*.json")}
    assert all(json.loads(path.read_text()) for path in kept)
    cells = expand(load("", LONG))
    assert 0 < len(kept) < len(cells)
    runner = Runner(Store(tmp_path / "cells"))
    assert len(runner.run(cells)) == len(cells)
    assert runner.trained == len(cells) - len(kept)
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
