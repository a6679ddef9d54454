"""Everything wrong that one can say to `glassnet train`: one sentence, and nothing left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SLIPS = {
    "--lr -1": "--lr is -1.0: it should be greater than 0",
    "--lr 0": "--lr is 0.0",
    "--lr nan": "--lr is nan",
    "--dropout 1": "--dropout is 1.0: it should be less than 1",
    "--dropout -0.1": "--dropout is -0.1",
    "--batch-size 0": "a whole number of rows ≥ 1, or full",
    "--batch-size some": "--batch-size is 'some'",
    "--epochs 0": "--epochs is 0",
    "--patience -1": "--patience is -1",
    "--momentum 1 --optimizer nesterov": "--momentum is 1.0",
    "--momentum 0.9": "adam has no momentum",
    "--weight-decay -1": "--weight-decay is -1.0",
    "--clip-norm 0": "--clip-norm is 0.0",
    "--label-smoothing 1": "--label-smoothing is 1.0",
    "--label-smoothing 0.1 --loss mse": "has no option 'label_smoothing'",
    "--class-weight balance": "expected balanced",
    "--class-weight 1,2": "one number for each of 10 classes",
    "--test 0": "--test is 0.0",
    "--test 1": "--test is 1.0",
    "--validation 1.5": "--validation is 1.5",
    "--layers 0": "at least 1 unit",
    "--layers 10,x": "expected whole numbers",
    "--activation rleu": "Did you mean 'relu'?",
    "--init he_norml": "Did you mean 'he_normal'?",
    "--loss cross_entrop": "Did you mean 'cross_entropy'?",
    "--loss poisson": "is for counts, but a run learns standardised numbers",
    "--optimizer adan": "Did you mean 'adam'?",
    "--optimizer adam:beta_1=0.9": "Did you mean 'beta1'?",
    "--optimizer adam:beta1": "has no value",
    "--activation leaky_relu:slope=x": "cannot be made with slope='x'",
    "--loss huber:delta=x": "cannot be made with delta='x'",
    "--init constant:value=x": "constant needs a number",
    "--layers 100000000000": "not enough memory",
    "--schedule cosin": "Did you mean 'cosine'?",
    "--schedule step": "needs the option 'every'",
    "--schedule step:every=0": "every",
    "--schedule cosine:warmup=9 --epochs 2": "warm-up",
    "--scale 0": "--scale is '0'",
    "--scale standrd": "--scale is 'standrd'",
    "--missing ignore": "--missing is 'ignore'",
    "--task regresion": "--task is 'regresion'",
    "--task regression": "is a classification set",
    "--dtype float16": "--dtype is 'float16'",
    "--batch-norm --batch-size 1": "batch norm needs at least 2 rows",
    "--positive 12": "No class is called '12'",
    "--target label": "target",
    "--seed -1": "--seed is -1",
    "--seed 4294967296": "--seed is 4294967296",
    "--cross-validate 1": "--cross-validate is 1",
    "--cross-validate 1000 --epochs 1": "1000 folds need",
    "--out file.txt": "not a run's folder",
    "--out file.txt/run": "can't be made",
    "--out . --force": "not a run's folder",
}


@pytest.mark.parametrize("options", SLIPS)
def test_an_option_that_can_not_be(refused: Any, options: str) -> None:
    Path("file.txt").write_text("mine")
    assert SLIPS[options] in refused("train", "digits", *options.split())
    assert [path.name for path in Path().iterdir()] == ["file.txt"]
    assert Path("file.txt").read_text() == "mine"


SOURCES = {
    "digist": (None, "Did you mean 'digits'?"),
    "nowhere.csv": (None, "no file nowhere.csv"),
    "nowhere.toml": (None, "no file nowhere.toml"),
    "empty.csv": ("", "is empty"),
    "header.csv": ("a,y\n", "no rows"),
    "ragged.csv": ("a,y\n1,b\n1,2,c\n", "line 3"),
    "without.csv": ("a,x\n1,b\n2,c\n", "no column 'y'"),
    "missing.csv": ("a,y\n,b\n2,c\n", "missing value, the first in row 1"),
    "unlabelled.csv": ("a,y\n1,\n2,c\n", "missing in row 1"),
    "infinite.csv": ("a,y\ninf,b\n2,c\n", "row 1 is inf"),
    "quote.csv": ('a,y\n1,"b\n2,c\n', "quotation mark"),
    "constant.csv": ("a,y\n1,b\n2,b\n", "nothing to learn"),
    "single.csv": ("a,y\n1,b\n2,b\n3,c\n", "Class 'c' has a single row"),
    "cut.npz": ("PK", "cut.npz"),
    "cut.parquet": ("PAR1", "cut.parquet"),
    "picture.bmp": ("BM", "No data set is called"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_data_that_can_not_be_used(refused: Any, name: str) -> None:
    content, expected = SOURCES[name]
    if content is not None:
        Path(name).write_text(content)
    flags = () if name.endswith((".npz", ".toml")) else ("--target", "y")
    sentence = refused("train", name, *(() if name == "digist" else flags))
    assert expected in sentence
    assert not Path("runs").exists()


FILES = {
    "[data]\nsource = 'iris'\n[network]\nactivatoin = 'relu'": "Unknown key network.activatoin",
    "[data]\nsource = 'iris'\n[trainin]\nepochs = 1": "Did you mean 'training'?",
    "seed = 1": "The key data is missing",
    "[data]\ntarget = 'y'": "The key data.source is missing",
    "[data]\nsource = 'iris'\n[training]\nepochs = 'many'": "is 'many': expected a whole number.",
    "data = 3": "data is 3: expected a table",
    "[data]\nsource = 'iris'\n[[network.layers]]\nunits = 3": "needs a name",
    "[data]\nsource = 'iris'\n[[network.layers]]\nname = 'Dense'\nunits = 'x'": "units='x'",
    "[data]\nsource = 'iris'\n[network]\nlayers = [8, { name = 'Dense', units = 3 }]": "tables",
    "[data]\nsource = 'iris'\n[[network.layers]]\nname = 'Dens'": "Did you mean 'Dense'?",
    "[data]\nsource = 'iris'\n[[network.layers]]\nname = 'Dense'": "needs the option 'units'",
    "[data]\nsource = 'iris'\n[network]\ndropout = 0.5\n[[network.layers]]\nname = 'Dense'\n"
    "units = 3": "network.dropout goes with widths",
    "[data]\nsource = 'iris'\n[[phases]]\nstrat = 3": "strat",
    "[data]\nsource = 'iris'\n[[phases]]\nstart = 3": "sets nothing",
    "[data]\nsource = 'iris'\n[training]\nclass_weight = { setsa = 2 }": "Did you mean 'setosa'?",
    "[data\nsource = 'iris'": "can't be read as TOML",
    "[data]\nsource = 'iris'\n[[network.layers]]\nname = 'Dense'\nunits = 2": "classes",
}


@pytest.mark.parametrize("content", FILES)
def test_a_configuration_that_can_not_be(refused: Any, content: str) -> None:
    Path("run.toml").write_text(content)
    assert FILES[content] in refused("train", "run.toml")
    assert not Path("runs").exists()


def test_usage_errors_have_status_2(cli: Any) -> None:
    assert cli("train", "digits", "--epochs", "many").code == 2
    assert cli("train", "digits", "--epoch", "3").code == 2
    assert "--epochs" in cli("train", "digits", "--epoch", "3").err
    assert "train" in cli("tran").err
    assert cli("tran").code == 2


def test_nothing_to_train_on(refused: Any, trained: Path) -> None:
    assert "Nothing to train on" in refused("train")
    assert "--resume run" in refused("train", trained)


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "data"])
def test_help_is_there_and_ends_with_an_example(cli: Any, command: str) -> None:
    assert command in cli("--help").out
    ran = cli(command, "--help")
    assert ran.code == 0
    if command != "data":
        assert "Example: glassnet" in "".join(ran.out.splitlines()[-8:])


def test_version(cli: Any) -> None:
    from glassnet import __version__

    assert cli("--version").out == f"glassnet {__version__}\n"
