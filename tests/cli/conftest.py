"""The command line, run inside the test's process and in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run `glassnet …`; an exception that escapes from it fails the test."""
    from glassnet.cli import app

    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ran:
        # A user's process has NumPy's own settings, not the strict ones of the tests.
        with np.errstate(divide="warn", over="warn", invalid="warn", under="ignore"):
            result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def refused(cli: Callable[..., Ran]) -> Callable[..., str]:
    """Run a command that must fail with one sentence on stderr; returns the sentence."""

    def run(*arguments: object) -> str:
        ran = cli(*arguments)
        assert ran.code == 1, ran.err
        assert ran.out == ""
        assert "Traceback" not in ran.err
        last = ran.err.strip().splitlines()[-1]
        assert last.startswith("error: "), ran.err
        return last.removeprefix("error: ")

    return run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small table with numbers, text, missing values, a constant column and two classes."""
    rng = np.random.default_rng(0)
    lines = ["size,colour,always,kind"]
    for row in range(60):
        kind = "big" if row % 2 else "small"
        size = f"{rng.normal(1000 if row % 2 else 0, 10):.2f}" if row != 7 else ""
        colour = ("red", "green", "blue")[row % 3] if row != 8 else ""
        lines.append(f"{size},{colour},5,{kind}")
    path = tmp_path / "things.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def _run_to_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from glassnet.cli import app

    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = "--layers 16 --epochs 2 --out run --json"
        result = CliRunner().invoke(app, ["train", "digits", *options.split()])
    assert result.exit_code == 0, result.stderr
    return folder / "run"


@pytest.fixture
def trained(cli: Callable[..., Ran], _run_to_copy: Path) -> Path:
    """A quickly trained run on the embedded digits."""
    shutil.copytree(_run_to_copy, "run")
    return Path("run")


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out, which take longer than these trainings."""
    from glassnet.runs import training as running

    monkeypatch.setattr(running, "draw_figures", lambda *arguments: [])


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start `glassnet …` in a process of its own; `limit` bounds the size of its files."""
    import glassnet

    # What is tested is the package that this process imported, wherever that is.
    root = str(Path(glassnet.__file__).parents[1])

    def begin(*arguments: str, limit: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "glassnet", *arguments]
        if limit:
            command = ["sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh", *command]
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin
