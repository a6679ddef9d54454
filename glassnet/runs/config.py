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

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from glassnet.initializers import INITIALIZERS
from glassnet.layers import LAYERS
from glassnet.losses import LOSSES
from glassnet.optimizers import OPTIMIZERS
from glassnet.registry import Registry, did_you_mean
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


# What a value may be. A check raises ValueError; `_sentence` puts the key and the value before it.


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


Share = Annotated[float, Field(gt=0, lt=1)]
Whole = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0)]
Names = Annotated[list[str], BeforeValidator(_names)]


class Section(BaseModel):
    """Base of all sections: unknown keys and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


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
    init: Annotated[Spec, _spec_of(INITIALIZERS)] | None = None
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
        raise ValueError(_sentence(error, given)) from None


def load_config(path: Path, flags: Mapping[str, Any] | None = None) -> RunConfig:
    """Read a TOML file. A path in `data.source` is understood from the file's own folder.

    Raises:
        ValueError: if the file can't be read, and as `read_config`.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}: check the path.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path} can't be read as TOML: {error}.") from None
    section = values.get("data")
    if isinstance(section, dict) and isinstance(section.get("source"), str):
        beside = path.parent / section["source"]
        if beside.is_file():
            section["source"] = str(beside)
    try:
        return read_config(values, flags)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "model": "a table of keys and values",
}
"""What pydantic's types of error, by their first word, say in ours."""


def _sentence(error: ValidationError, given: Mapping[str, Any]) -> str:
    """The first thing that is wrong, as one sentence."""
    # A mistyped key explains why another one seems to be missing.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    path = _path(first["loc"])
    where = next((f"--{f.replace('_', '-')}" for f in given if FLAGS[f] == path), path)
    if first["type"] == "extra_forbidden":
        section, _, key = path.rpartition(".")
        known = _keys(section)
        return (
            f"Unknown key {path} (value {first['input']!r}).{did_you_mean(key, known)} "
            f"Known keys{f' of [{section}]' if section else ''}: {', '.join(known)}."
        )
    if first["type"] == "missing":
        return f"The key {path} is missing; add it" + (
            ': the name of a data set, or a file, such as source = "digits".'
            if path in ("data", "data.source")
            else "."
        )
    cause = first.get("ctx", {}).get("error")
    if cause and repr(first["input"]) in str(cause):
        return f"{where}: {cause}"
    reason = str(cause) if cause else "it" + first["msg"].removeprefix("Input")
    for kind, expected in EXPECTED.items():
        if first["type"].startswith(kind):
            reason = f"expected {expected}"
    return f"{where} is {first['input']!r}: {reason.rstrip('.')}."


def _path(location: tuple[int | str, ...]) -> str:
    """The key that a location of pydantic's belongs to, without the names of alternatives."""
    section = RunConfig.model_fields.get(str(location[0]))
    nested = section is not None and _is_section(section.annotation)
    return ".".join(str(part) for part in location[: 2 if nested else 1])


def _keys(section: str) -> list[str]:
    if not section:
        return list(RunConfig.model_fields)
    annotation = RunConfig.model_fields[section].annotation
    return list(annotation.model_fields) if _is_section(annotation) else []  # type: ignore[union-attr]


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


# Writing TOML, which the standard library can only read.


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
            sections.append(_section(name, value))
        elif name == "phases":
            sections.extend(f"[[phases]]\n{_lines(phase)}" for phase in value)
        else:
            top.append(f"{name} = {_toml(value)}")
    return "\n\n".join(["\n".join(top), *sections]) + "\n"


def _section(name: str, values: Mapping[str, Any]) -> str:
    plain = {k: v for k, v in values.items() if not _is_tables(v)}
    tables = [(f"{name}.{k}", table) for k, v in values.items() if _is_tables(v) for table in v]
    text = f"[{name}]\n{_lines(plain)}"
    return "\n\n".join([text, *(f"[[{path}]]\n{_lines(table)}" for path, table in tables)])


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _lines(values: Mapping[str, Any]) -> str:
    return "\n".join(f"{_key(k)} = {_toml(v)}" for k, v in values.items() if v is not None)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return repr(value)


def _key(key: Any) -> str:
    text = str(key)
    bare = text.replace("_", "").replace("-", "")
    return text if bare.isascii() and bare.isalnum() else _quoted(text)


def _quoted(text: str) -> str:
    """A basic string: TOML's escapes are JSON's, but it wants DEL escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
