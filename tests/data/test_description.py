import io
import json
from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from rich.console import Console

from glassnet.data import Dataset, Part, describe, load, read_table
from glassnet.data.description import findings, render
from glassnet.data.picture import save

Write = Callable[..., Path]

ROWS = """a,b,city,y
1,5,Rome,u
2,5,Paris,u
3,5,Rome,v
4,5,,u
100,5,Rome,u
1,5,Rome,v
"""


@pytest.fixture
def gaps(table: Write) -> Dataset:
    return read_table(table(ROWS), "y", missing="impute")


def test_facts_of_a_table(gaps: Dataset) -> None:
    facts = describe(gaps)
    a, b, city = facts["features"]
    assert (a["min"], a["max"], a["median"], a["mean"]) == (1, 100, 2.5, 18.5)
    assert a["outliers"] == 1  # quartiles 1.25 and 3.75: everything above 7.5
    assert b["constant"]
    assert not a["constant"]
    assert city == {
        "name": "city",
        "type": "text",
        "missing": 1,
        "constant": False,
        "categories": {"Paris": 1, "Rome": 4},
    }
    assert facts["classes"] == [
        {"name": "u", "train": 4, "test": 0, "share": 0.6667},
        {"name": "v", "train": 2, "test": 0, "share": 0.3333},
    ]
    assert facts["duplicates"] == {"train": 1, "test_in_train": 0}
    notes = " | ".join(findings(facts))
    assert "missing values in city (1)" in notes
    assert "the same value in every row: b" in notes
    assert "1 repeated row" in notes


def test_facts_of_images() -> None:
    digits = load("digits")
    facts = describe(digits)
    x = digits.train.x
    assert facts["pixels"]["mean"] == pytest.approx(x.mean(), rel=1e-3)
    assert facts["pixels"]["std"] == pytest.approx(x.std(), rel=1e-3)
    assert facts["pixels"]["zeros"] == pytest.approx((x == 0).mean(), rel=1e-3)
    assert facts["pixels"]["constant"] == 3
    assert facts["input_shape"] == [8, 8]


def test_test_rows_that_are_in_training() -> None:
    part = Part(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]))
    other = Part(np.array([[2.0, 3.0], [7.0, 7.0]]), np.array([0, 1]))
    facts = describe(Dataset("t", part, other, classes=("a", "b")))
    assert facts["duplicates"] == {"train": 0, "test_in_train": 1}


def regression() -> Dataset:
    rng = np.random.default_rng(0)
    part = Part(rng.normal(size=(40, 2)), rng.normal(size=(40, 2)))
    return Dataset("r", part, task="regression", feature_names=("p", "q"), target=("left", "right"))


@pytest.mark.parametrize("kind", ["table", "images", "colour", "regression", "no names"])
def test_every_kind_is_json_a_table_and_a_picture(kind: str, gaps: Dataset, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colour = Part(rng.integers(0, 256, (30, 3, 4, 4), dtype=np.uint8), np.arange(30) % 2)
    data = {
        "table": gaps,
        "images": load("digits"),
        "colour": Dataset("c", colour, classes=("a", "b")),
        "regression": regression(),
        "no names": Dataset("n", Part(np.eye(4), np.array([0, 1, 0, 1])), classes=("a", "b")),
    }[kind]
    facts = describe(data)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    console = Console(file=io.StringIO(), width=100)
    render(facts, console)
    assert isinstance(console.file, io.StringIO)
    assert data.name in console.file.getvalue()
    for ending in ("png", "svg"):
        save(data, tmp_path / f"p.{ending}")
    assert matplotlib.image.imread(tmp_path / "p.png").std() > 0.05
    assert b"<svg" in (tmp_path / "p.svg").read_bytes()


def test_pictures_are_not_overwritten_unasked(gaps: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(b"mine")
    with pytest.raises(ValueError, match="exists: give another name, or --force"):
        save(gaps, path)
    assert path.read_bytes() == b"mine"
    save(gaps, path, force=True)
    assert path.read_bytes() != b"mine"
    with pytest.raises(ValueError, match=r"expected an ending \.png"):
        save(gaps, tmp_path / "p.gif")
