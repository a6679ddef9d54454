"""The examples of docs/inside.md, run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import polars as pl
import pytest
from sklearn.datasets import load_iris

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "inside.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return [text for kind, text in found if kind == language]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_examples(folder, capsys):
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(block, names)
    printed = capsys.readouterr().out
    for block in blocks(""):  # what is shown of the trace
        assert block.rstrip() in printed
    said = re.search(r"^> (.*?)\n\n", TEXT, re.DOTALL | re.MULTILINE)
    assert said is not None
    assert said[1].replace("\n> ", " ").removesuffix(".") in printed
    assert {path.suffix for path in folder.iterdir()} == {".html", ".png", ".svg"}


def test_shell_examples(folder):
    from typer.testing import CliRunner

    from glassnet.cli import app

    iris = load_iris()
    columns = [name.removesuffix(" (cm)").replace(" ", "_") for name in iris.feature_names]
    table = pl.DataFrame(iris.data, columns)
    table.head(5).write_csv("new.csv")
    labelled = table.with_columns(species=pl.Series(iris.target_names[iris.target]))
    labelled.write_csv("flowers.csv")
    for line in blocks("sh")[0].splitlines():
        command = shlex.split(line.split(" # ")[0])
        result = CliRunner().invoke(app, command[1:], catch_exceptions=False)
        assert result.exit_code == 0, (command, result.output)


def test_pictures_are_there():
    for image in re.findall(r"\((images/[\w-]+\.png)\)", TEXT):
        assert (ROOT / "docs" / image).is_file(), image
