"""The configuration of a run: what `glassnet train` was asked, by a TOML file and by flags.

    seed = 0
    [data]      source = "wine.csv"    target = ["quality"]    …
    [network]   layers = [256, 128]    activation = "relu"     …
    [training]  optimizer = "adam"     epochs = 20             …
    [[phases]]  start = 10             batch_size = 256

A key that is left out is decided when the data are known (`glassnet.runs.recipe`). The *resolved*
configuration, with every decision written down, goes into the run's folder; training from that file
repeats the run. A flag wins over the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from glassnet.initializers import INITIALIZERS
from glassnet.layers import LAYERS
from glassnet.losses import LOSSES
from glassnet.optimizers import OPTIMIZERS
from glassnet.registry import Registry, did_you_mean
from glassnet.runs.sections import NotNegative, Section, Share, Whole, sentence
from glassnet.runs.toml import read_toml, write_lines, write_section
from glassnet.schedules import SCHEDULES

Spec = dict[str, Any]
"""A part as it is made by a registry: `{"name": "step", "every": 10}`."""

ACTIVATIONS = {
    "identity": "Identity",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "softplus": "Softplus",
}
"""What an activation is called in a configuration, and its layer."""

FLAGS = {
    "seed": "seed",
    "cross_validate": "cross_validate",
    "source": "data.source",
    "target": "data.target",
    "positive": "data.positive",
    "task": "data.task",
    "drop": "data.drop",
    "missing": "data.missing",
    "test": "data.test",
    "validation": "data.validation",
    "scale": "data.scale",
    "target_scale": "data.target_scale",
    "layers": "network.layers",
    "activation": "network.activation",
    "init": "network.init",
    "batch_norm": "network.batch_norm",
    "layer_norm": "network.layer_norm",
    "dropout": "network.dropout",
    "dtype": "network.dtype",
    "loss": "training.loss",
    "label_smoothing": "training.label_smoothing",
    "class_weight": "training.class_weight",
    "optimizer": "training.optimizer",
    "lr": "training.learning_rate",
    "momentum": "training.momentum",
    "weight_decay": "training.weight_decay",
    "l2": "training.l2",
    "clip_norm": "training.clip_norm",
    "schedule": "training.schedule",
    "batch_size": "training.batch_size",
    "epochs": "training.epochs",
    "patience": "training.patience",
    "checkpoint_every": "training.checkpoint_every",
}
"""The key that each flag of `glassnet train` sets."""

_SOURCE = ': the name of a data set, or a file, such as source = "digits".'
HINTS = {"data": _SOURCE, "data.source": _SOURCE}
"""What to say beside "the key is missing; add it"."""


def parse_spec(text: str) -> Spec:
    """A part and its options as they are written on a command line.

    >>> parse_spec("step:every=10,factor=0.5")
    {'name': 'step', 'every': 10, 'factor': 0.5}
    >>> parse_spec("adam")
    {'name': 'adam'}
    """
    name, _, rest = text.partition(":")
    spec: Spec = {"name": name.strip()}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise ValueError(
                f"the option {item!r} has no value; write name:key=value,key=value, for example "
                "step:every=10,factor=0.5"
            )
        spec[key.strip()] = _parse_value(value.strip())
    return spec


def _parse_value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


# What a value may be. A check raises ValueError; `sentence` puts the key and the value before it.


def _spec_of(registry: Registry[Any]) -> BeforeValidator:
    def check(value: object) -> Spec:
        spec = parse_spec(value) if isinstance(value, str) else value
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
            raise ValueError(f"expected the {registry.kind}'s name, or a table with a name")
        registry[spec["name"]]
        return spec

    return BeforeValidator(check)


def _activation(value: object) -> Spec:
    spec = parse_spec(value) if isinstance(value, str) else value
    if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
        raise ValueError("expected the name of an activation, or a table with a name")
    name = spec["name"]
    if (
        name not in ACTIVATIONS and name not in LAYERS.names()
    ):  # a user's own layer, by its own name
        raise ValueError(
            f"Unknown activation {name!r}.{did_you_mean(name, ACTIVATIONS)} "
            f"Known: {', '.join(ACTIVATIONS)}."
        )
    return spec


def _layers(value: object) -> list[Any]:
    if value == "none":
        return []
    if isinstance(value, str):
        value = [_parse_value(part.strip()) for part in value.split(",")]
    if not isinstance(value, list):
        raise ValueError("expected widths of hidden layers such as 256,128, or none")
    whole = [isinstance(item, int) and not isinstance(item, bool) for item in value]
    if all(whole):
        if min(value, default=1) < 1:
            raise ValueError("a layer needs at least 1 unit")
        return value
    if any(whole) or not all(isinstance(item, dict) for item in value):
        raise ValueError(
            "expected whole numbers (widths of hidden layers), or tables ([[network.layers]]) that "
            "describe all layers"
        )
    for item in value:
        if "name" not in item:
            raise ValueError('each of [[network.layers]] needs a name, such as name = "Dense"')
        LAYERS[item["name"]]
    return value


def _batch_size(value: object) -> int | str:
    if isinstance(value, str):
        value = _parse_value(value)
    if value == "full":
        return "full"
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("expected a whole number of rows ≥ 1, or full")
    return value


def _scale(value: object) -> float | str:
    if isinstance(value, str):
        value = _parse_value(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    if value not in ("auto", "standard", "none"):
        raise ValueError(
            "expected auto, standard (mean 0 and standard deviation 1), none, or a number > 0 to "
            "divide by, such as 255"
        )
    return str(value)


def _class_weight(value: object) -> Any:
    if isinstance(value, str) and value != "balanced":
        value = [_parse_value(part.strip()) for part in value.split(",")]
        value = None if any(isinstance(part, str) for part in value) else value
    if value == "balanced" or isinstance(value, list | dict):
        return value
    raise ValueError(
        "expected balanced, or one number for each class such as 1,5; in a file also a table by "
        "class name"
    )


def _names(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Names = Annotated[list[str], BeforeValidator(_names)]


class DataSettings(Section):
    """What is learned from: the rows, the target, what is held out, and the scaling."""

    source: str
    target: Names | None = None
    positive: Annotated[str, BeforeValidator(_text)] | None = None
    task: Literal["auto", "classification", "regression"] = "auto"
    drop: Names = []
    missing: Literal["refuse", "impute"] = "refuse"
    test: Share | None = None
    validation: Share | None = None
    scale: Annotated[float | str, BeforeValidator(_scale)] = "auto"
    target_scale: Literal["auto", "standard", "none"] = "auto"
    fingerprint: str | None = None
    """SHA-256 of the rows, written by a run: resuming and evaluating need the same rows."""


class NetworkSettings(Section):
    """The layers between the scaled rows and the loss."""

    layers: Annotated[list[Any], BeforeValidator(_layers)] = [128, 64]
    activation: Annotated[Spec, BeforeValidator(_activation)] = {"name": "relu"}
    output_activation: Annotated[Spec, BeforeValidator(_activation)] | None = None
    """After the last layer, where the loss is to see its values: sigmoid with a squared error."""
    init: Annotated[Spec, _spec_of(INITIALIZERS)] | None = None
    bias_init: Annotated[Spec, _spec_of(INITIALIZERS)] | None = None
    batch_norm: bool = False
    layer_norm: bool = False
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    dtype: Literal["float32", "float64"] = "float32"


class TrainingSettings(Section):
    """The loss, how it is made smaller, and for how long."""

    loss: Annotated[Spec, _spec_of(LOSSES)] | None = None
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] | None = None
    class_weight: Annotated[Any, BeforeValidator(_class_weight)] = None
    optimizer: Annotated[Spec, _spec_of(OPTIMIZERS)] = {"name": "adam"}
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    weight_decay: NotNegative | None = None
    l2: NotNegative | None = None
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    schedule: Annotated[Spec, _spec_of(SCHEDULES)] | None = None
    batch_size: Annotated[int | str, BeforeValidator(_batch_size)] | None = None
    epochs: Whole | None = None
    patience: Annotated[int, Field(ge=0)] | None = None
    checkpoint_every: Whole = 1


class RunConfig(Section):
    """All of a run.

    >>> config = read_config({"data": {"source": "digits"}}, {"layers": "32,16", "lr": 0.01})
    >>> config.network.layers, config.training.learning_rate
    ([32, 16], 0.01)
    """

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    cross_validate: Annotated[int, Field(ge=2)] | None = None
    data: DataSettings
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()
    phases: list[Spec] = []


def read_config(values: Mapping[str, Any], flags: Mapping[str, Any] | None = None) -> RunConfig:
    """A configuration from a file's values and the flags that were given, which win.

    Arguments:
        values: as `tomllib` reads them, by section.
        flags: values by flag (`FLAGS`); None means that the flag was not given.

    Raises:
        ValueError: for an unknown key or a value that is not allowed; the message names the key or
            the flag, the value, and what was expected.
    """
    merged: dict[str, Any] = {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()
    }
    given = {flag: value for flag, value in (flags or {}).items() if value is not None}
    for flag, value in given.items():
        *section, key = FLAGS[flag].split(".")
        table = merged.setdefault(section[0], {}) if section else merged
        table[key] = value
    try:
        return RunConfig(**merged)
    except ValidationError as error:
        flags_by_key = {FLAGS[flag]: f"--{flag.replace('_', '-')}" for flag in given}
        raise ValueError(sentence(error, RunConfig, flags_by_key, HINTS)) from None


def load_config(path: Path, flags: Mapping[str, Any] | None = None) -> RunConfig:
    """Read a TOML file. A path in `data.source` is understood from the file's own folder.

    Raises:
        ValueError: if the file can't be read, and as `read_config`.
    """
    values = read_toml(path)
    find_source(values, path.parent)
    try:
        return read_config(values, flags)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def find_source(values: Mapping[str, Any], folder: Path) -> None:
    """Let `data.source` in a file's values lead to the data file if it lies in that folder."""
    section = values.get("data")
    if isinstance(section, dict) and isinstance(section.get("source"), str):
        beside = folder / section["source"]
        if beside.is_file():
            section["source"] = str(beside)


def to_toml(config: RunConfig) -> str:
    """A configuration as TOML; keys without a value are left out.

    >>> print(to_toml(read_config({"data": {"source": "iris"}})).split("[network]")[0].strip())
    seed = 0
    <BLANKLINE>
    [data]
    source = "iris"
    task = "auto"
    drop = []
    missing = "refuse"
    scale = "auto"
    target_scale = "auto"
    """
    top, sections = [], []
    for name, value in config.model_dump(exclude_none=True).items():
        if isinstance(value, dict):
            sections.append(write_section(name, value))
        elif name == "phases":
            sections.extend(f"[[phases]]\n{write_lines(phase)}" for phase in value)
        else:
            top.append(write_lines({name: value}))
    return "\n\n".join(["\n".join(top), *sections]) + "\n"
