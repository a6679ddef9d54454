"""`glassnet train`: what it leaves behind, and how good its defaults are."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets
from sklearn.linear_model import LinearRegression

import glassnet as gn

FILES = [
    "checkpoint.safetensors",
    "config.toml",
    "doctor.json",
    "figures",
    "history.jsonl",
    "model.safetensors",
    "report.json",
    "report.md",
]


def layer_names(model: str | Path) -> list[str]:
    return [layer.name for layer in gn.load(model).layers]


def test_a_run_is_a_folder_with_everything_in_it(cli: Any) -> None:
    ran = cli("train", "digits", "--epochs", 3, "--layers", "32", "--seed", 1)
    assert ran.code == 0, ran.err
    run = Path("runs/digits-1")
    assert sorted(path.name for path in run.iterdir()) == FILES
    assert sorted(path.name for path in (run / "figures").iterdir()) == [
        "confusion_matrix.png",
        "curves.png",
        "first_layer_weights.png",
        "worst_mistakes.png",
    ]
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in history] == [1, 2, 3]
    config = tomllib.loads((run / "config.toml").read_text())
    assert config["seed"] == 1
    assert config["data"]["test"] == 0.2
    assert config["data"]["scale"] == 16
    assert config["training"]["epochs"] == 3
    assert config["training"]["batch_size"] == 32
    assert config["training"]["optimizer"]["learning_rate"] == 0.001
    # Progress and notes go to stderr, results to stdout.
    assert "epoch 3/3 · loss" in ran.err
    assert "divided by 16" in ran.err
    for shown in ("accuracy", "By class", "runs/digits-1/figures/curves.png", "model.safetensors"):
        assert shown in ran.out


def test_the_report_says_what_was_done_and_links_the_figures(trained: Path) -> None:
    text = (trained / "report.md").read_text()
    facts = json.loads((trained / "report.json").read_text())
    assert f"Accuracy {facts['test']['accuracy']:.2%} on 360 test rows" in text
    for shown in ("divided by 16", "cross_entropy", "adam", "By class", "Confusion matrix"):
        assert shown in text
    for figure in facts["figures"]:
        assert f"]({Path(figure).relative_to(trained)})" in text


@pytest.mark.usefixtures("without_figures")
def test_a_second_run_gets_the_next_number(cli: Any) -> None:
    for number in (1, 2):
        facts = cli("train", "iris", "--epochs", 1, "--json").json
        assert facts["run"] == f"runs/iris-{number}"


@pytest.mark.usefixtures("without_figures")
def test_json_is_one_object_on_stdout(cli: Any) -> None:
    facts = cli("train", "iris", "--epochs", 2, "--json").json
    assert facts["epochs"] == 2
    assert facts["test"]["rows"] == 30
    assert facts["data"]["training_rows"] == 120
    assert facts["interrupted"] is False
    assert Path(facts["model"]).is_file()


@pytest.mark.usefixtures("without_figures")
def test_training_from_the_resolved_configuration_repeats_the_run(cli: Any, trained: Path) -> None:
    assert cli("train", trained / "config.toml", "--out", "again").code == 0
    for name in ("model.safetensors", "config.toml"):
        assert (Path("again") / name).read_bytes() == (trained / name).read_bytes()


@pytest.mark.usefixtures("without_figures")
def test_a_flag_wins_over_the_file(cli: Any, trained: Path) -> None:
    facts = cli(
        "train",
        trained / "config.toml",
        "--epochs",
        1,
        "--lr",
        0.5,
        "--schedule",
        "constant",
        "--json",
    ).json
    assert facts["epochs"] == 1
    assert facts["last_epoch"]["learning_rate"] == 0.5


@pytest.mark.usefixtures("without_figures")
def test_a_file_can_describe_every_layer_and_phases(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        """
        seed = 3
        [data]
        source = "digits"
        scale = "none"
        [training]
        loss = "squared_error"
        optimizer = { name = "momentum", form = "step" }
        epochs = 3
        [[network.layers]]
        name = "Rescale"
        scale = 0.0625
        [[network.layers]]
        name = "Flatten"
        [[network.layers]]
        name = "Dense"
        units = 12
        [[network.layers]]
        name = "Sigmoid"
        [[network.layers]]
        name = "Dense"
        units = 10
        [[phases]]
        start = 0
        learning_rate = 0.25
        [[phases]]
        start = 2
        learning_rate = 0.125
        batch_size = 100
        """
    )
    ran = cli("train", "run.toml", "--json")
    assert ran.code == 0, ran.err
    model = Path(ran.json["model"])
    assert layer_names(model) == ["Rescale", "Flatten", "Dense", "Sigmoid", "Dense"]
    lines = (Path(ran.json["run"]) / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["learning_rate"] for line in lines] == [0.25, 0.25, 0.125]
    again = cli("train", Path(ran.json["run"]) / "config.toml", "--json").json
    assert Path(again["model"]).read_bytes() == model.read_bytes()


@pytest.mark.usefixtures("without_figures")
def test_every_option_reaches_the_network(cli: Any) -> None:
    options = (
        "--layers 20,10 --activation leaky_relu:slope=0.2 --init orthogonal --batch-norm"
        " --dropout 0.1 --loss cross_entropy --label-smoothing 0.1 --class-weight balanced"
        " --optimizer nesterov --lr 0.02 --momentum 0.8 --weight-decay 0.001 --l2 0.002"
        " --clip-norm 5 --schedule step:every=1,factor=0.5 --batch-size 50 --epochs 2"
        " --patience 2 --validation 0.2 --test 0.25 --seed 4 --scale 16 --dtype float64"
        " --checkpoint-every 2 --json"
    )
    ran = cli("train", "digits", *options.split())
    assert ran.code == 0, ran.err
    facts = ran.json
    network = gn.load(facts["model"])
    names = ["Rescale", "Flatten"] + ["Dense", "BatchNorm", "LeakyReLU", "Dropout"] * 2 + ["Dense"]
    assert [layer.name for layer in network.layers] == names
    assert network.layers[4].slope == 0.2
    assert network.dtype == np.float64
    assert network.loss.label_smoothing == 0.1
    assert len(network.loss.class_weight) == 10
    config = tomllib.loads((Path(facts["run"]) / "config.toml").read_text())
    expected = {"name": "nesterov", "learning_rate": 0.02, "momentum": 0.8, "form": "gradient"}
    penalties = {"weight_decay": 0.001, "l2": 0.002, "clip_norm": 5.0}
    assert config["training"]["optimizer"] == expected | penalties
    assert facts["last_epoch"]["learning_rate"] == 0.01
    assert facts["data"]["test_rows"] == 450
    assert facts["data"]["validation_rows"] == 270
    assert facts["epochs"] == 2


@pytest.mark.usefixtures("without_figures")
def test_layer_norm_full_batch_and_a_linear_model(cli: Any) -> None:
    ran = cli("train", "iris", "--layer-norm", "--batch-size", "full", "--epochs", 2, "--json")
    assert "LayerNorm" in layer_names(ran.json["model"])
    ran = cli("train", "iris", "--layers", "none", "--epochs", 1, "--json")
    assert layer_names(ran.json["model"]) == ["Standardize", "Dense"]


@pytest.mark.usefixtures("without_figures")
def test_patience_holds_a_tenth_of_the_rows_out_and_ends_early(cli: Any) -> None:
    facts = cli("train", "iris", "--patience", 1, "--lr", 0.5, "--epochs", 90, "--json").json
    assert facts["data"]["validation_rows"] == 12
    assert facts["epochs"] < 90
    assert "has not improved" in facts["stopped"]


@pytest.mark.usefixtures("without_figures")
def test_binary_cross_entropy_takes_one_output_for_two_classes(cli: Any) -> None:
    options = "--positive 0 --loss binary_cross_entropy --epochs 3 --json"
    facts = cli("train", "digits", *options.split()).json
    assert gn.load(facts["model"]).output_shape == (1,)
    assert facts["test"]["classes"] == ["not 0", "0"]
    assert facts["test"]["accuracy"] > 0.95


@pytest.mark.usefixtures("without_figures")
def test_class_weights_can_go_by_name(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        '[data]\nsource = "iris"\n[training]\nepochs = 1\nclass_weight = { versicolor = 5.0 }\n'
    )
    facts = cli("train", "run.toml", "--json").json
    assert gn.load(facts["model"]).loss.class_weight == {1: 5.0}


def test_cross_validation_is_reported_beside_the_held_out_score(cli: Any) -> None:
    ran = cli("train", "iris", "--epochs", 5, "--cross-validate", 3)
    assert "3-fold cross-validation: accuracy" in ran.out
    facts = json.loads(Path("runs/iris-1/report.json").read_text())["cross_validation"]
    assert len(facts["folds"]) == 3
    assert facts["mean"] == pytest.approx(np.mean(facts["folds"]))
    assert facts["std"] == pytest.approx(np.std(facts["folds"], ddof=1))
    assert "3-fold cross-validation" in Path("runs/iris-1/report.md").read_text()


@pytest.mark.usefixtures("without_figures")
def test_an_existing_run_is_replaced_only_by_force(cli: Any, trained: Path, refused: Any) -> None:
    before = (trained / "model.safetensors").read_bytes()
    assert "--force" in refused("train", "iris", "--out", trained)
    assert (trained / "model.safetensors").read_bytes() == before
    assert cli("train", "iris", "--epochs", 1, "--out", trained, "--force").code == 0
    assert (trained / "model.safetensors").read_bytes() != before
    assert [path.name for path in Path().iterdir()] == ["run"]


def test_a_run_that_fails_leaves_the_one_it_was_to_replace(trained: Path, refused: Any) -> None:
    before = {p.name: p.read_bytes() for p in trained.iterdir() if p.is_file()}
    flags = ("--optimizer", "sgd", "--lr", "1e30", "--out", trained, "--force")
    assert "Lower the learning rate" in refused("train", "digits", *flags)
    assert {p.name: p.read_bytes() for p in trained.iterdir() if p.is_file()} == before
    assert [path.name for path in Path().iterdir()] == ["run"]


# How good the defaults are.


def _scores(cli: Any, *arguments: object) -> dict[str, Any]:
    ran = cli("train", *arguments, "--json")
    assert ran.code == 0, ran.err
    scores: dict[str, Any] = ran.json["test"]
    return scores


@pytest.mark.usefixtures("without_figures")
def test_digits_reach_97_percent_on_a_held_out_fifth(cli: Any) -> None:
    scores = [_scores(cli, "digits", "--seed", seed)["accuracy"] for seed in range(3)]
    assert np.mean(scores) >= 0.97


@pytest.mark.usefixtures("without_figures")
def test_iris_reaches_93_percent_on_a_held_out_third(cli: Any) -> None:
    third = ("iris", "--test", 1 / 3, "--seed")
    assert np.mean([_scores(cli, *third, seed)["accuracy"] for seed in range(5)]) >= 0.93


def _write(path: Path, bunch: Any, target: Any) -> None:
    lines = [",".join([*(str(name) for name in bunch.feature_names), "target"])]
    for x, y in zip(bunch.data, target, strict=True):
        lines.append(",".join([*(repr(float(value)) for value in x), str(y)]))
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.usefixtures("without_figures")
def test_text_that_tells_rows_apart_is_noted(cli: Any, tmp_path: Path) -> None:
    lines = "".join(f"id-{i},{'NESW'[i % 4]},{i % 2}\n" for i in range(60))
    (tmp_path / "t.csv").write_text("name,wind,y\n" + lines)
    flags = ("train", "t.csv", "--target", "y", "--epochs", 1)
    assert "--drop name" in cli(*flags).err
    assert "--drop" not in cli(*flags, "--drop", "name").err


@pytest.mark.usefixtures("without_figures")
def test_breast_cancer_reaches_96_percent_through_csv(cli: Any, tmp_path: Path) -> None:
    bunch = datasets.load_breast_cancer()
    _write(tmp_path / "cancer.csv", bunch, [bunch.target_names[y] for y in bunch.target])
    options = ("cancer.csv", "--target", "target", "--seed")
    assert np.mean([_scores(cli, *options, seed)["accuracy"] for seed in range(5)]) >= 0.96


@pytest.mark.usefixtures("without_figures")
def test_diabetes_comes_within_2_percent_of_the_linear_model(cli: Any, tmp_path: Path) -> None:
    bunch = datasets.load_diabetes(scaled=False)
    _write(tmp_path / "diabetes.csv", bunch, bunch.target)
    options = ("diabetes.csv", "--target", "target", "--seed")
    ratios = []
    for seed in range(5):
        rmse = _scores(cli, *options, seed)["rmse"]
        data = gn.data.split(gn.data.load("diabetes.csv", target="target"), 0.2, seed)
        linear = LinearRegression().fit(data.train.x, data.train.y)
        residuals = linear.predict(data.test.x) - data.test.y
        ratios.append(rmse / np.sqrt(np.mean(residuals**2)))
    assert np.mean(ratios) <= 1.02


@pytest.mark.usefixtures("without_figures")
@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_a_linear_regression_finds_least_squares_in_the_targets_units(
    cli: Any, tmp_path: Path, offset: float
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = offset + x @ np.array([[300.0, 0.02], [-100.0, 0.01], [0.0, 0.05]])
    y += rng.normal(size=y.shape) * [30.0, 0.002]
    lines = ["a,b,c,large,small", *(",".join(map(repr, r)) for r in np.hstack([x, y]).tolist())]
    (tmp_path / "two.csv").write_text("\n".join(lines))
    ran = cli(
        *("train", "two.csv", "--target", "large,small", "--layers", "none", "--l2", 0),
        *("--lr", 0.01, "--patience", 0, "--epochs", 100, "--dtype", "float64", "--json"),
    )
    assert ran.code == 0, ran.err
    data = gn.data.split(gn.data.load("two.csv", target=["large", "small"]), 0.2, 0)
    expected = LinearRegression().fit(data.train.x, data.train.y).predict(data.test.x)
    predicted = gn.load(ran.json["model"]).predict(data.test.x)
    # Within a tenth of the noise: stochastic steps end near the minimum, not on it.
    assert np.sqrt(np.mean((predicted - expected)[:, 0] ** 2)) < 0.1 * 30
    assert np.sqrt(np.mean((predicted - expected)[:, 1] ** 2)) < 0.1 * 0.002


@pytest.mark.usefixtures("without_figures")
def test_a_table_with_text_missing_values_and_a_constant_column(
    cli: Any, table: Path, refused: Callable[..., str]
) -> None:
    assert "row 8" in refused("train", table, "--target", "kind")
    options = "--target kind --missing impute --epochs 20 --json"
    ran = cli("train", table, *options.split())
    assert ran.code == 0, ran.err
    assert ran.json["test"]["accuracy"] >= 0.9  # one row lacks what decides
    names = layer_names(ran.json["model"])
    assert names[:4] == ["Standardize", "Impute", "Impute", "OneHot"]
