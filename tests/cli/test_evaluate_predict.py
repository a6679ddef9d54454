"""`glassnet evaluate` and `glassnet predict` on raw files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn

pytestmark = pytest.mark.usefixtures("without_figures")


@pytest.fixture
def things(cli: Any, table: Path) -> Path:
    """A model of the small table with text and missing values."""
    flags = "--target kind --missing impute --epochs 20 --out things"
    assert cli("train", table, *flags.split()).code == 0
    return Path("things")


def read(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_evaluate_scores_the_runs_own_test_part(cli: Any, trained: Path) -> None:
    reported = json.loads((trained / "report.json").read_text())["test"]
    ran = cli("evaluate", trained, "--json")
    assert ran.code == 0, ran.err
    assert ran.json == reported
    assert "By class" in cli("evaluate", trained).out


def test_evaluate_reads_labelled_files(cli: Any, trained: Path) -> None:
    x, y = gn.data.load("digits").train.x[:50], gn.data.load("digits").train.y[:50]
    np.savez("some.npz", x=x, y=y)
    expected = float(np.mean(gn.load(trained / "model.safetensors").predict(x) == y))
    assert cli("evaluate", trained, "some.npz", "--json").json["accuracy"] == expected
    header = ",".join([*(f"p{i}" for i in range(64)), "label"])
    lines = [",".join(map(str, [*row.ravel(), label])) for row, label in zip(x, y, strict=True)]
    Path("some.csv").write_text("\n".join([header, *lines]))
    model = trained / "model.safetensors"
    assert cli("evaluate", model, "some.csv", "--json").json["accuracy"] == expected
    Path("other.csv").write_text("\n".join([header.replace("label", "digit"), *lines]))
    named = cli("evaluate", model, "other.csv", "--target", "digit", "--json")
    assert named.json["accuracy"] == expected


def test_predict_finds_columns_by_name_and_writes_labels(cli: Any, things: Path) -> None:
    rows = "colour,extra,size,always\nred,1,1001.5,5\nblue,2,-3,5\n,3,,5\n"
    Path("new.csv").write_text(rows)
    ran = cli("predict", things, "new.csv", "--proba", "--out", "predictions.csv")
    assert ran.code == 0, ran.err
    assert "predictions.csv" in ran.out
    found = read("predictions.csv")
    assert list(found[0]) == ["prediction", "p(big)", "p(small)"]
    assert [row["prediction"] for row in found[:2]] == ["big", "small"]
    for row in found:
        assert float(row["p(big)"]) + float(row["p(small)"]) == pytest.approx(1, abs=1e-6)
        assert row["prediction"] == max(("big", "small"), key=lambda name: float(row[f"p({name})"]))


def test_predict_prints_csv_or_json(cli: Any, things: Path, table: Path) -> None:
    printed = cli("predict", things, table).out
    assert printed.splitlines()[0] == "prediction"
    assert len(printed.splitlines()) == 61
    facts = cli("predict", things, table, "--json").json
    assert facts["rows"] == 60
    assert facts["prediction"] == printed.splitlines()[1:]


def test_regression_predicts_in_the_targets_units(cli: Any) -> None:
    rows = [f"{i},{1000 + 3.5 * i},{-0.001 * i}" for i in range(100)]
    Path("line.csv").write_text("\n".join(["x,price,rate", *rows]) + "\n")
    flags = "--target price,rate --layers 16 --lr 0.01 --epochs 100 --out line"
    assert cli("train", "line.csv", *flags.split()).code == 0
    found = read_predictions(cli, "line", "line.csv")
    assert list(found[0]) == ["prediction(price)", "prediction(rate)"]
    price = [float(row["prediction(price)"]) for row in found]
    rate = [float(row["prediction(rate)"]) for row in found]
    np.testing.assert_allclose(price, [1000 + 3.5 * i for i in range(100)], atol=30)
    np.testing.assert_allclose(rate, [-0.001 * i for i in range(100)], atol=0.01)
    scores = cli("evaluate", "line", "--json").json
    assert scores["outputs"] == ["price", "rate"]
    assert scores["per_output"][0]["r2"] > 0.98


def read_predictions(cli: Any, model: str, file: str) -> list[dict[str, str]]:
    assert cli("predict", model, file, "--out", "predictions.csv").code == 0
    return read("predictions.csv")


def test_a_second_process_predicts_the_same_numbers(
    cli: Any, start: Any, things: Path, table: Path
) -> None:
    here = cli("predict", things, table, "--proba").out
    process = start("predict", str(things), table.name, "--proba")
    there, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert there == here


@pytest.mark.parametrize("shape", [(64,), (8, 8)])
def test_predict_reads_images_from_npy(cli: Any, trained: Path, shape: tuple[int, ...]) -> None:
    x = gn.data.load("digits").train.x[:7]
    np.save("images.npy", x.reshape(7, *shape))
    expected = gn.load(trained / "model.safetensors").predict(x)
    found = cli("predict", trained, "images.npy", "--json").json["prediction"]
    assert found == [str(label) for label in expected]


def test_bad_input_is_told_in_a_sentence(
    refused: Any, things: Path, trained: Path, table: Path
) -> None:
    assert "no run folder and no model file" in refused("predict", "nowhere", table)
    assert "no file" in refused("predict", things, "nowhere.csv")
    Path("empty.csv").write_text("")
    assert "is empty" in refused("predict", things, "empty.csv")
    Path("less.csv").write_text("size,always\n1,5\n")
    assert "lacks column 'colour'" in refused("predict", things, "less.csv")
    Path("more.csv").write_text("size,always,colour\n1,5,rde\n")
    assert "Did you mean 'red'?" in refused("predict", things, "more.csv")
    Path("inf.csv").write_text("size,always,colour\ninf,5,red\n")
    assert "row 1" in refused("predict", things, "inf.csv")
    Path("unknown.csv").write_text("size,always,colour,kind\n1,5,red,huge\n")
    assert "'huge'" in refused("evaluate", things, "unknown.csv")
    assert "no column 'kin'" in refused("evaluate", things, table, "--target", "kin")
    assert "8×8" in refused("predict", trained, table)
    assert "labelled rows" in refused("evaluate", trained / "model.safetensors")
    assert "exists already" in refused("predict", things, table, "--out", table)
    assert "cannot be written" in refused("predict", things, table, "--out", "inf.csv/out.csv")


def test_a_cut_or_edited_model_is_refused(refused: Any, trained: Path) -> None:
    model = trained / "model.safetensors"
    whole = model.read_bytes()
    model.write_bytes(whole[:-100])
    assert "not a whole safetensors file" in refused("evaluate", trained)
    model.write_bytes(whole[:-4] + b"\0\0\0\0")
    assert "was changed" in refused("evaluate", trained)
    model.unlink()
    assert "--resume" in refused("evaluate", trained)


def test_a_regressions_checkpoint_is_no_model(cli: Any, refused: Any) -> None:
    Path("line.csv").write_text("\n".join(["x,y", *(f"{i},{i + 0.5}" for i in range(30))]))
    assert cli("train", "line.csv", "--target", "y", "--epochs", 1, "--out", "line").code == 0
    assert "checkpoint" in refused("predict", "line/checkpoint.safetensors", "line.csv")
    assert "no probabilities" in refused("predict", "line", "line.csv", "--proba")
