"""Exactly the rows that a paper took."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from glassnet.experiments.cells import expand
from glassnet.experiments.rows import load_rows
from glassnet.experiments.specification import Setup
from glassnet.papers import load


def test_nasuti_has_the_split_of_the_paper() -> None:
    rows = load_rows(expand(load("nasuti2023").experiments[0])[0].setup)
    digits = load_digits()
    x, x_test, y, _ = train_test_split(digits.images, digits.target, test_size=0.2, random_state=42)
    x, x_held, _, y_held = train_test_split(x, y, test_size=0.2, random_state=42)
    np.testing.assert_array_equal(rows.dataset.train.x, x)
    np.testing.assert_array_equal(rows.watched.x, x_held)
    assert rows.dataset.test is not None
    np.testing.assert_array_equal(rows.dataset.test.x, x_test)
    assert (np.count_nonzero(y_held == 0), len(y_held)) == (23, 288)


def setup(**data: object) -> Setup:
    return Setup(data={"source": "iris"} | data)  # type: ignore[arg-type]


def test_rows_are_kept_after_the_splits_and_counts_split_too() -> None:
    splits = [{"part": "test", "rows": 30, "stratify": True}]
    rows = load_rows(setup(splits=splits, rows=12, test_rows=6))
    assert (len(rows.dataset.train), len(rows.watched)) == (12, 6)
    assert rows.dataset.test is not None
    assert len(rows.dataset.test) == 6


def test_a_set_without_a_part_to_watch_is_refused() -> None:
    with pytest.raises(ValueError, match="no test part to watch"):
        load_rows(setup())
    twice = [{"part": "test", "share": 0.2}] * 2
    with pytest.raises(ValueError, match="has one already"):
        load_rows(setup(splits=twice))


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ({"rows": 150}, "holds 150 rows out as test part, but only 150 rows of iris are left"),
        ({"share": 0.999}, "holds 150 rows out"),
        ({"rows": 2, "stratify": True}, "can't hold each of 3 classes in both parts"),
    ],
)
def test_a_split_that_is_too_large_is_refused(split: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        load_rows(setup(splits=[{"part": "test", **split}]))


def test_numbers_are_not_stratified(tmp_path: Path) -> None:
    np.savez(tmp_path / "n.npz", x=np.arange(20.0).reshape(10, 2), y=np.arange(10.0))
    splits = [{"part": "test", "rows": 5, "stratify": True}]
    with pytest.raises(ValueError, match=r"can't stratify n\.npz, whose targets are numbers"):
        load_rows(setup(source=str(tmp_path / "n.npz"), splits=splits))
