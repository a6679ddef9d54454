"""The README's examples, run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import polars as pl
import pytest
from sklearn.datasets import load_iris

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_examples(folder, capsys):
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(block, names)
    printed = capsys.readouterr().out
    assert float(re.search(r"'accuracy': ([0-9.]+)", printed)[1]) > 0.95
    assert (folder / "digits.safetensors").exists()


def shell_commands() -> list[list[str]]:
    text = blocks("sh")[1].replace("\\\n", " ")
    return [shlex.split(line.split(" # ")[0]) for line in text.splitlines() if line.strip()]


def test_shell_examples(folder):
    """Every command of the shell example, in order, on a table of flowers."""
    from typer.testing import CliRunner

    from glassnet.cli import app

    iris = load_iris()
    names = [name.removesuffix(" (cm)").replace(" ", "_") for name in iris.feature_names]
    table = pl.DataFrame(iris.data, names)
    labelled = table.with_columns(species=pl.Series(iris.target_names[iris.target]))
    table.head(5).write_csv("new.csv")
    labelled.write_csv("flowers.csv")
    labelled.gather_every(7).write_csv("more.csv")
    ran = [command for command in shell_commands() if command[0] == "glassnet"]
    assert len(ran) >= 8
    for command in ran:
        if "--resume" in command:
            continue  # a finished run has nothing to go on with; tests/cli interrupts one
        result = CliRunner().invoke(app, command[1:], catch_exceptions=False)
        assert result.exit_code == 0, (command, result.output)
    assert (folder / "predictions.csv").read_text().startswith("prediction")
