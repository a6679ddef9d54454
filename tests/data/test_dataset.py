import numpy as np
import pytest

from glassnet.data import Dataset, Part, load, names, one_against_rest


def test_names_and_embedded_sets() -> None:
    assert names() == ("iris", "digits", "mnist", "fashion-mnist", "cifar10", "cifar10-pca128")
    iris, digits = load("iris"), load("digits")
    assert iris.train.x.shape == (150, 4)
    assert iris.classes == ("setosa", "versicolor", "virginica")
    assert iris.feature_names[0] == "sepal length (cm)"
    assert iris.train.x[34].tolist() == [4.9, 3.1, 1.5, 0.2]  # Fisher's row, not UCI's
    assert digits.train.x.shape == (1797, 8, 8)
    assert digits.train.x.dtype == np.uint8
    assert digits.train.x.max() == 16
    assert digits.input_shape == (8, 8)
    assert digits.train.y.dtype == np.int64
    assert iris.test is None
    assert digits.test is None


def test_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r"'mnits'.*Did you mean 'mnist'.*cifar10-pca128"):
        load("mnits")


def test_options_of_tables_are_refused_for_named_sets() -> None:
    with pytest.raises(ValueError, match="knows its own target"):
        load("iris", target="species")


def test_part_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="3 rows and y has 2"):
        Part(np.zeros((3, 1)), np.zeros(2))


@pytest.mark.parametrize("positive", ["0", 0])
def test_one_against_rest(positive: str | int) -> None:
    digits = load("digits")
    zeros = load("digits", positive=positive)
    assert zeros.classes == ("not 0", "0")
    np.testing.assert_array_equal(zeros.train.y == 1, digits.train.y == 0)
    np.testing.assert_array_equal(zeros.train.x, digits.train.x)


def test_one_against_rest_prefers_the_name_and_relabels_the_test_part() -> None:
    part = Part(np.zeros((3, 1)), np.array([0, 1, 2]))
    data = Dataset("t", part, part, classes=("5", "7", "1"))
    two = one_against_rest(data, 1)  # the class called "1", which has index 2
    assert two.test is not None
    assert two.train.y.tolist() == two.test.y.tolist() == [0, 0, 1]


def test_one_against_rest_refuses_unknown_classes_and_regression() -> None:
    with pytest.raises(ValueError, match=r"No class is called 'setossa'. Did you mean 'setosa'"):
        load("iris", positive="setossa")
    with pytest.raises(ValueError, match="No class is called '7'"):
        load("iris", positive=7)
    numbers = Dataset("t", Part(np.zeros((2, 1)), np.array([0.5, 1.5])), task="regression")
    with pytest.raises(ValueError, match="regression set"):
        one_against_rest(numbers, "a")
