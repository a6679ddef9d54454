"""Run configurations: reading, overriding, refusing, and writing them as TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.runs.config import (
    FLAGS,
    RunConfig,
    Section,
    load_config,
    parse_spec,
    read_config,
    to_toml,
)

EVERYTHING: dict[str, Any] = {
    "seed": 5,
    "cross_validate": 4,
    "data": {
        "source": 'a "quoted" näme\\with\ttabs.csv',
        "target": ["y", "z"],
        "task": "regression",
        "drop": ["id"],
        "missing": "impute",
        "test": 0.25,
        "validation": 0.1,
        "scale": 255.0,
        "target_scale": "standard",
    },
    "network": {
        "layers": [{"name": "Dense", "units": 3}, {"name": "ReLU"}],
        "activation": {"name": "leaky_relu", "slope": 0.2},
        "init": {"name": "he_normal"},
        "batch_norm": True,
        "layer_norm": False,
        "dropout": 0.5,
        "dtype": "float64",
    },
    "training": {
        "loss": {"name": "huber", "delta": 1e-05},
        "class_weight": {"a b": 1.0, "c": 2.5},
        "optimizer": {"name": "sgd"},
        "learning_rate": 1e-10,
        "schedule": {"name": "step", "every": 3},
        "batch_size": "full",
        "epochs": 7,
        "patience": 3,
        "checkpoint_every": 2,
    },
    "phases": [{"start": 0, "momentum": 0.5}, {"start": 4, "batch_size": "full"}],
}


def test_a_configuration_written_as_toml_reads_the_same() -> None:
    config = read_config(EVERYTHING)
    again = tomllib.loads(to_toml(config))
    assert read_config(again) == config
    assert again["data"]["source"] == EVERYTHING["data"]["source"]
    assert again["network"]["layers"] == EVERYTHING["network"]["layers"]
    assert again["phases"] == EVERYTHING["phases"]


@given(
    name=st.text(alphabet=st.characters(blacklist_categories=["Cs"]), min_size=1),
    weight=st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_text_and_number_survives_toml(name: str, weight: float) -> None:
    values = {"data": {"source": name}, "training": {"class_weight": {name: weight}}}
    again = tomllib.loads(to_toml(read_config(values)))
    assert again["data"]["source"] == name
    assert again["training"]["class_weight"] == {name: weight}


def test_every_flag_sets_a_key_and_every_key_but_four_has_a_flag() -> None:
    keys = {
        f"{section}.{key}" if isinstance(field.annotation, type) else section
        for section, field in RunConfig.model_fields.items()
        for key in (
            field.annotation.model_fields
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
            else [section]
        )
    }
    keys = {key.removeprefix("seed.") for key in keys}
    assert set(FLAGS.values()) <= keys
    # Phases need a table, the fingerprint is written by runs, and the others are for files.
    assert keys - set(FLAGS.values()) == {
        "phases",
        "data.fingerprint",
        "network.output_activation",
        "network.bias_init",
    }


def test_flags_win_and_those_not_given_leave_the_file_alone() -> None:
    values = {"data": {"source": "iris"}, "training": {"epochs": 3, "patience": 2}}
    config = read_config(values, {"epochs": 9, "patience": None, "layers": "8,4", "seed": 2})
    assert config.training.epochs == 9
    assert config.training.patience == 2
    assert config.network.layers == [8, 4]
    assert config.seed == 2
    assert values["training"]["epochs"] == 3


def test_specifications_of_parts() -> None:
    assert parse_spec("cosine:warmup=0.5,minimum=1e-3") == {
        "name": "cosine",
        "warmup": 0.5,
        "minimum": 0.001,
    }
    assert parse_spec("adam:bias_correction=false") == {"name": "adam", "bias_correction": False}
    assert parse_spec("momentum:form=step") == {"name": "momentum", "form": "step"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"data": {"sorce": "iris"}}, ["data.sorce", "'iris'", "Did you mean 'source'?"]),
        ({"dta": {}}, ["Unknown key dta", "Did you mean 'data'?"]),
        ({"data": {"source": 3}}, ["data.source is 3"]),
        ({"training": {"epochs": 2.5}}, ["training.epochs is 2.5"]),
        ({"training": {"learning_rate": float("inf")}}, ["training.learning_rate is inf"]),
        ({"network": {"layers": [True]}}, ["network.layers is [True]"]),
        ({"network": {"activation": 3}}, ["network.activation is 3", "name of an activation"]),
        ({"training": {"optimizer": {"learning_rate": 1}}}, ["the optimizer's name"]),
        ({"phases": 3}, ["phases is 3"]),
    ],
)
def test_what_is_wrong_is_named_with_its_key_and_value(values: Any, words: list[str]) -> None:
    with pytest.raises(ValueError, match=r"\S") as caught:
        read_config({"data": {"source": "iris"}} | values)
    for word in words:
        assert word in str(caught.value)


def test_a_flag_is_named_as_a_flag() -> None:
    with pytest.raises(ValueError, match=r"^--batch-size is '0': expected a whole number"):
        read_config({"data": {"source": "iris"}}, {"batch_size": "0"})


def test_data_beside_the_file_are_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,y\n1,2\n")
    (tmp_path / "run.toml").write_text('[data]\nsource = "table.csv"\n')
    assert load_config(tmp_path / "run.toml").data.source == str(tmp_path / "table.csv")
    (tmp_path / "named.toml").write_text('[data]\nsource = "iris"\n')
    assert load_config(tmp_path / "named.toml").data.source == "iris"


def test_importing_glassnet_imports_no_pydantic() -> None:
    import subprocess
    import sys

    code = "import sys, glassnet; print({'pydantic', 'typer', 'rich'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
