from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from glassnet.data import Dataset, Part, load, split, split_arrays


def test_same_rows_as_scikit_learn() -> None:
    iris = load("iris")
    data = split(iris, share=0.2, seed=3)
    x_a, x_b, y_a, y_b = train_test_split(
        iris.train.x, iris.train.y, test_size=30, random_state=3, stratify=iris.train.y
    )
    assert data.test is not None
    np.testing.assert_array_equal(data.train.x, x_a)
    np.testing.assert_array_equal(data.test.x, x_b)
    np.testing.assert_array_equal(data.train.y, y_a)
    np.testing.assert_array_equal(data.test.y, y_b)
    assert np.bincount(data.test.y).tolist() == [10, 10, 10]
    assert data.feature_names == iris.feature_names


def test_parts_are_disjoint_and_whole() -> None:
    x, y = np.arange(50)[:, None], np.arange(50) % 3
    x_a, _, x_b, y_b = split_arrays(x, y, share=0.3, seed=1)
    assert sorted([*x_a[:, 0], *x_b[:, 0]]) == list(range(50))
    np.testing.assert_array_equal(y_b, x_b[:, 0] % 3)
    assert len(x_b) == 15
    again = split_arrays(x, y, share=0.3, seed=1)
    np.testing.assert_array_equal(again[0], x_a)
    other = split_arrays(x, y, share=0.3, seed=2)
    assert not np.array_equal(other[0], x_a)


def test_regression_targets_are_not_stratified() -> None:
    y = np.linspace(0, 1, 10)
    assert len(split_arrays(np.zeros((10, 1)), y, 0.2, 0)[3]) == 2
    numbers = Dataset("n", Part(np.zeros((10, 1)), y), task="regression")
    assert split(numbers, 0.5, 0).test is not None


def test_splits_that_can_not_be() -> None:
    lonely = Dataset("t", Part(np.zeros((5, 1)), np.array([0, 0, 0, 0, 1])), classes=("a", "b"))
    with pytest.raises(ValueError, match="Class 'b' has a single row"):
        split(lonely, 0.4, 0)
    assert split(lonely, 0.4, 0, stratify=False).test is not None
    with pytest.raises(ValueError, match="each of 3 classes in both parts"):
        split(load("iris"), 0.01, 0)
    for share in (0, 1, -0.5, 2, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            split(load("iris"), share, 0)
    with pytest.raises(ValueError, match="leaves no row to train on"):
        split_arrays(np.zeros((2, 1)), np.zeros(2), 0.9, 0)
    with pytest.raises(ValueError, match="3 rows and y has 2"):
        split_arrays(np.zeros((3, 1)), np.zeros(2), 0.5, 0)
    iris = load("iris")
    with pytest.raises(ValueError, match="comes with a test part of 150 rows"):
        split(replace(iris, test=iris.train), 0.2, 0)
