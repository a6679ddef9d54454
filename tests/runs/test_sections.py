"""Errors of nested sections: the key's path as it stands in the file, and the value."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError

from glassnet.runs.sections import Section, Whole, sentence


class Leaf(Section):
    size: Whole
    kind: str = Field("a", alias="class")


class Root(Section):
    leaf: Leaf | None = None
    leaves: list[Leaf] = Field(default=[])
    named: dict[str, Leaf] = Field(default={})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"leaf": {"size": 0}}, "leaf.size is 0: it should be greater than or equal to 1."),
        (
            {"leaves": [{"size": 1}, {"size": "x"}]},
            "leaves[1].size is 'x': expected a whole number.",
        ),
        ({"named": {"oak": {"size": 2.5}}}, "named.oak.size is 2.5: expected a whole number."),
        ({"leaves": [{}]}, "The key leaves[0].size is missing; add it."),
        (
            {"named": {"oak": {"sise": 2}}},
            "Unknown key named.oak.sise (value 2). Did you mean 'size'? "
            "Known keys of [named.oak]: size, class.",
        ),
        ({"leaf": 3}, "leaf is 3: expected a table of keys and values."),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Root(**values)
    assert sentence(caught.value, Root) == expected
