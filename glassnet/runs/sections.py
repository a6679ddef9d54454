"""Sections of TOML files: validated tables whose errors are one sentence.

A section refuses unknown keys and numbers that are not finite. What pydantic then reports becomes
a sentence that names the key's path in the file, the value, and what was expected.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glassnet.registry import did_you_mean

Share = Annotated[float, Field(gt=0, lt=1)]
Whole = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """Base of all sections: unknown keys and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "dict": "a table of keys and values",
    "model": "a table of keys and values",
}
"""What pydantic's types of error, by their first word, say in ours."""


def sentence(
    error: ValidationError,
    model: type[Section],
    shown: Mapping[str, str] | None = None,
    hints: Mapping[str, str] | None = None,
) -> str:
    """The first thing that is wrong, as one sentence.

    Arguments:
        error: what validating a `model` raised.
        model: the section that was read.
        shown: what to call a key instead of by its path, such as a flag.
        hints: by path, what to add to "the key … is missing; add it".
    """
    # A mistyped key explains why another one seems to be missing.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    path, parent = _walk(first["loc"], model)
    where = (shown or {}).get(path, path)
    if first["type"] == "extra_forbidden":
        section, _, key = path.rpartition(".")
        known = [field.alias or name for name, field in parent.model_fields.items()]
        return (
            f"Unknown key {path} (value {first['input']!r}).{did_you_mean(key, known)} "
            f"Known keys{f' of [{section}]' if section else ''}: {', '.join(known)}."
        )
    if first["type"] == "missing" and isinstance(first["loc"][-1], int):
        return f"{where} is {first['input']!r}: it has too few values."
    if first["type"] == "missing":
        return f"The key {path} is missing; add it{(hints or {}).get(path, '.')}"
    cause = first.get("ctx", {}).get("error")
    if cause and repr(first["input"]) in str(cause):
        return f"{where}: {cause}"
    if cause and isinstance(first["input"], dict):  # a whole table: its own sentence says enough
        return f"{where}: {cause}" if where else str(cause)
    reason = str(cause) if cause else "it" + first["msg"].removeprefix("Input")
    for kind, expected in EXPECTED.items():
        if first["type"].startswith(kind):
            reason = f"expected {expected}"
    end = "" if reason.endswith(("?", ".")) else "."
    return f"{where} is {first['input']!r}: {reason}{end}"


def _walk(location: tuple[int | str, ...], model: type[Section]) -> tuple[str, type[Section]]:
    """The path of a location as it stands in the file, and the section that holds its last key.

    Names of alternatives, which pydantic adds inside values that are no sections, are left out.
    """
    path, parent, annotation = "", model, model
    for step in location:
        if is_section(annotation):
            parent = annotation
            path += f".{step}" if path else f"{step}"
            annotation = _field_type(annotation, str(step))
        elif isinstance(step, int) and get_origin(annotation) is list:
            path += f"[{step}]"
            annotation = _without_none(get_args(annotation)[0])
        elif get_origin(annotation) is dict and is_section(get_args(annotation)[1]):
            path += f".{step}"
            annotation = get_args(annotation)[1]
        else:
            break
        if annotation is None:
            break
    return path, parent


def is_section(annotation: Any) -> bool:
    """Whether a type is a section."""
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _field_type(section: type[Section], key: str) -> Any:
    """The type of a key if one can walk into it: a section, or a list or dict of sections."""
    for name, field in section.model_fields.items():
        if key in (name, field.alias):
            annotation = _without_none(field.annotation)
            inside = [_without_none(part) for part in get_args(annotation)]
            if is_section(annotation) or any(is_section(part) for part in inside):
                return annotation
    return None


def _without_none(annotation: Any) -> Any:
    """`X` of `X | None` and of `Annotated[X, …]`."""
    if get_origin(annotation) is Annotated:
        return _without_none(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        return rest[0] if len(rest) == 1 else annotation
    return annotation
