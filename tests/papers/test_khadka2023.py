"""Khadka and Shah 2023: its table of pixels, its Xavier start, and a cut-down run of the paper."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from glassnet import papers
from glassnet.data import Part
from glassnet.experiments.reproduce import reproduce
from glassnet.experiments.specification import Paper
from glassnet.initializers import INITIALIZERS
from glassnet.papers.khadka2023 import parts

NAME = "khadka2023"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, and nothing remembered."""
    monkeypatch.setattr(parts, "cache_folder", lambda: tmp_path / "cache")
    parts.mnist_csv.cache_clear()
    yield tmp_path / "cache"
    parts.mnist_csv.cache_clear()


def images(rows: int) -> Part:
    rng = np.random.default_rng(0)
    return Part(rng.integers(0, 256, (rows, 28, 28), dtype=np.uint8), np.arange(rows) % 10)


def test_a_table_is_read_as_it_was_written(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "data"
    monkeypatch.setenv("GLASSNET_DATA", str(root))
    monkeypatch.setattr(parts, "ROWS", 30)
    written = images(30)
    path = root / parts.FOLDER / "train.csv"
    parts.write_table(path, written)
    head, first, *rest = path.read_text().splitlines()
    assert head.startswith("label,pixel0,pixel1,")
    assert head.endswith(",pixel783")
    assert first.split(",") == [str(v) for v in (0, *written.x[0].ravel())]
    assert len(rest) == 29
    dataset = parts.mnist_csv()  # the reader's own file wins over one that would be written
    np.testing.assert_array_equal(dataset.train.x, written.x.reshape(30, -1))
    np.testing.assert_array_equal(dataset.train.y, written.y)
    assert dataset.train.x.dtype == np.uint8
    assert dataset.classes == tuple("0123456789")
    assert [p.name for p in path.parent.iterdir()] == ["train.csv"]


def test_another_table_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLASSNET_DATA", str(tmp_path))
    parts.write_table(tmp_path / parts.FOLDER / "train.csv", images(20))
    with pytest.raises(ValueError, match="has 20 rows of 784 pixels, expected 42,000"):
        parts.mnist_csv()


@pytest.mark.parametrize(
    ("reading", "mean", "deviation"),
    [("variance", 0.0, 0.5), ("deviation", 0.0, 0.25), ("factor", 0.125, 0.25 / 12**0.5)],
)
def test_readings_of_the_printed_xavier(reading: str, mean: float, deviation: float) -> None:
    init = INITIALIZERS.create({"name": "printed_xavier", "as_": reading})
    w = init((48, 48), np.random.default_rng(0))  # √(6 / 96) = 0.25
    assert w.mean() == pytest.approx(mean, abs=0.05)
    assert w.std() == pytest.approx(deviation, rel=0.05)
    with pytest.raises(ValueError, match="as_ must be variance, deviation or factor"):
        INITIALIZERS.create({"name": "printed_xavier", "as_": "bound"})


def cut_down(paper: Paper) -> Paper:
    """One repetition of a few epochs on a few rows."""
    experiments = []
    for experiment in paper.experiments:
        few = {**experiment.quick.set, "training.epochs": 8, "data.rows": 300}
        quick = experiment.quick.model_copy(update={"seeds": 1, "set": few})
        experiments.append(experiment.model_copy(update={"quick": quick}))
    return paper.model_copy(update={"experiments": experiments})


@pytest.mark.skipif(not os.environ.get("GLASSNET_DATA"), reason="needs MNIST: set GLASSNET_DATA")
def test_all_of_it_cut_down(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROWS", 2000)
    with np.errstate(all="ignore"):  # weights of N(0, 1) in five layers
        done = reproduce(cut_down(papers.load(NAME)), tmp_path, quick=True)
    assert (cache / parts.FOLDER / "mnist-train.csv").is_file()
    facts = json.loads((tmp_path / NAME / "results.json").read_text())
    claims = {claim["text"]: claim for target in facts["targets"] for claim in target["claims"]}
    vanishing = "Sigmoid: before training the gradient shrinks in every layer from the output to"
    assert next(c for t, c in claims.items() if t.startswith(vanishing))["verdict"] == "holds"
    assert done.trained > 40
    for figure in ("figure-1", "analyze-data-2", "figures-2-8-2", "scores", "batch-size"):
        assert (tmp_path / NAME / "figures" / f"{figure}.png").stat().st_size > 1000
