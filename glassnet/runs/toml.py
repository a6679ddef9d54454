"""TOML: read with errors of one sentence, and written, which the standard library can't do."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ValueError: if it is not there or can't be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}: check the path.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path} can't be read as TOML: {error}.") from None


def write_section(name: str, values: Mapping[str, Any]) -> str:
    """A table with its name; lists of tables in it become tables of their own after it.

    >>> print(write_section("data", {"source": "iris", "test": None, "parts": [{"n": 1}]}))
    [data]
    source = "iris"
    <BLANKLINE>
    [[data.parts]]
    n = 1
    """
    plain = {k: v for k, v in values.items() if not _is_tables(v)}
    tables = [(f"{name}.{k}", table) for k, v in values.items() if _is_tables(v) for table in v]
    text = f"[{name}]\n{write_lines(plain)}"
    return "\n\n".join([text, *(f"[[{path}]]\n{write_lines(table)}" for path, table in tables)])


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def write_lines(values: Mapping[str, Any]) -> str:
    """Keys and values, a line each; keys without a value are left out.

    >>> print(write_lines({"a": 1, "b c": [True, {"d": "e"}], "f": None}))
    a = 1
    "b c" = [true, { d = "e" }]
    """
    return "\n".join(f"{_key(k)} = {_value(v)}" for k, v in values.items() if v is not None)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return repr(value)


def _key(key: Any) -> str:
    text = str(key)
    bare = text.replace("_", "").replace("-", "")
    return text if bare.isascii() and bare.isalnum() else _quoted(text)


def _quoted(text: str) -> str:
    """A basic string: TOML's escapes are JSON's, but it wants DEL escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
