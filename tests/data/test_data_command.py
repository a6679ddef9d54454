"""`glassnet data` through typer's runner."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glassnet.cli.data import app
from glassnet.data import catalogue

runner = CliRunner()


def test_list(cache: Path) -> None:
    result = runner.invoke(app, ["list"])
    assert result.exit_code == 0
    assert "fashion-mnist" in result.stdout
    rows = {row["name"]: row for row in json.loads(runner.invoke(app, ["list", "--json"]).stdout)}
    assert rows["iris"]["where"] == "embedded"
    assert rows["mnist"]["where"] == "needs fetch (12 MB)"
    assert rows["cifar10-pca128"]["where"] == "derived from cifar10, which needs fetch"
    assert rows["cifar10"]["shape"] == [3, 32, 32]


def test_show(table: Callable[..., Path], tmp_path: Path) -> None:
    path = table("a,b,y\n1,2.5,u\n2,,v\n3,1.5,u\n")
    figure = tmp_path / "figure.png"
    command = ["show", str(path), "--target", "y", "--figure", str(figure)]
    result = runner.invoke(app, command)
    assert result.exit_code == 0, result.stderr
    assert "missing values in b (1)" in result.stdout
    assert figure.exists()
    again = runner.invoke(app, command)
    assert again.exit_code == 1
    assert "error: " in again.stderr
    assert "--force" in again.stderr
    assert runner.invoke(app, [*command, "--force"]).exit_code == 0
    facts = json.loads(runner.invoke(app, ["show", str(path), "--target", "y", "--json"]).stdout)
    assert facts["rows"] == {"train": 3, "test": 0}


def test_show_fits_a_narrow_terminal(
    table: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = "".join(f"{1000.5 * i},{'NEWS'[i % 4]}orth,{i}{i},{i % 2}\n" for i in range(30))
    path = table("a rather long name of a column,wind,number,y\n" + lines)
    text = runner.invoke(app, ["show", str(path), "--target", "y"]).stdout
    assert "…" not in text
    for word in ("outliers", "29,010", "4 texts", "Eorth (8)"):
        assert word in text


def test_a_picture_that_can_not_be_written(table: Callable[..., Path], tmp_path: Path) -> None:
    path = table("a,b,y\n1,2.5,u\n2,1,v\n3,1.5,u\n")
    (tmp_path / "file").write_text("no folder")
    figure = tmp_path / "file" / "figure.png"
    result = runner.invoke(app, ["show", str(path), "--target", "y", "--figure", str(figure)])
    assert result.exit_code == 1
    assert f"{figure} cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["show", "irs"], "Did you mean 'iris'"),
        (["fetch", "mnits"], "Did you mean 'mnist'"),
        (["verify", "nothing"], "No data set is called 'nothing'"),
        (["verify", "mnist"], "run `glassnet data fetch mnist`"),
    ],
)
def test_bad_input_is_one_sentence_on_stderr(
    cache: Path, command: list[str], sentence: str
) -> None:
    result = runner.invoke(app, command)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_fetch_of_embedded_sets(cache: Path) -> None:
    assert "embedded" in runner.invoke(app, ["fetch", "iris"]).stdout


def test_verify_names_every_bad_set(cache: Path) -> None:
    folder = cache / "mnist"
    folder.mkdir(parents=True)
    for archive in catalogue.IDX_FILES:
        (folder / archive).write_bytes(gzip.compress(b"not the original"))
    result = runner.invoke(app, ["verify"])
    assert result.exit_code == 1
    assert "iris: embedded" in result.stdout
    assert "train-images-idx3-ubyte has MD5" in result.stderr


def test_help_has_an_example() -> None:
    for command in ("list", "show", "fetch", "verify"):
        result = runner.invoke(app, [command, "--help"])
        assert result.exit_code == 0
        assert f"glassnet data {command}" in result.stdout
