"""Raw files for a saved model: columns by name, rows by shape, labels by class name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from glassnet.data import load, read_features, read_labelled, read_rows

Write = Callable[..., Path]

NAMES = ("age", "city")
CITIES = {"city": ("Paris", "Rome")}


def test_columns_are_found_by_name(table: Write) -> None:
    x = read_features(table("extra,city,age\nz,Rome,3\nz,Paris,4.5\n"), NAMES, CITIES)
    assert x.tolist() == [[3, 1], [4.5, 0]]


def test_categories_that_look_like_numbers(table: Write) -> None:
    known = {"code": ("1", "2", "B", "true")}
    assert read_features(table("code\n2\n1\n"), ["code"], known).tolist() == [[1], [0]]
    assert read_features(table("code\n2.0\n"), ["code"], known).tolist() == [[1]]
    assert read_features(table("code\ntrue\n"), ["code"], known).tolist() == [[3]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ages,city\n3,Rome\n", r"lacks column 'age' of the 2.*Did you mean 'ages'"),
        ("other\n3\n", "lacks column 'age' and 1 more"),
        ("age,city\n3,Rome\n4,Romee\n", r"column 'city', row 2: 'Romee'.*Did you mean 'Rome'"),
        ("age,city\n3,Rome\nold,Rome\n", r"column 'age', row 2: 'old' is not a number"),
        ("age,city\n3,Rome\n,Rome\n", "column 'age' has 1 missing value, the first in row 2"),
        ("age,city\n3,Rome\n4,\n", "column 'city' has 1 missing value, the first in row 2"),
        ("age,city\n3,Rome\ninf,Rome\n", "column 'age', row 2 is inf"),
    ],
)
def test_features_that_do_not_fit(table: Write, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_features(table(content), NAMES, CITIES)


def test_features_with_gaps_for_the_model_to_fill(table: Write) -> None:
    x = read_features(table("age,city\n3,\n,Rome\n"), NAMES, CITIES, missing="impute")
    np.testing.assert_array_equal(x, [[3, np.nan], [np.nan, 1]])


def test_labels_by_class_name(table: Write) -> None:
    path = table("city,age,y\nRome,3,1\nParis,4,0\n")
    part = read_labelled(path, NAMES, CITIES, "y", ("0", "1"))
    assert part.y.tolist() == [1, 0]
    assert part.x.tolist() == [[3, 1], [4, 0]]
    with pytest.raises(ValueError, match=r"row 1 of target 'y' holds the label '1'.*classes: a, b"):
        read_labelled(path, NAMES, CITIES, "y", ("a", "b"))
    with pytest.raises(ValueError, match="has no column 'z'"):
        read_labelled(path, NAMES, CITIES, "z", ("a", "b"))


def test_labels_one_against_rest(table: Write) -> None:
    path = table("age,y\n1,3\n2,7\n3,0\n")
    part = read_labelled(path, ("age",), {}, "y", ("not 7", "7"))
    assert part.y.tolist() == [0, 1, 0]


def test_regression_targets(table: Write) -> None:
    path = table("age,y,z\n1,3,2.5\n2,3,1\n")
    assert read_labelled(path, ("age",), {}, "y").y.tolist() == [3, 3]
    assert read_labelled(path, ("age",), {}, ("y", "z")).y.tolist() == [[3, 2.5], [3, 1]]
    with pytest.raises(ValueError, match="holds text such as 'u'"):
        read_labelled(table("age,y\n1,u\n"), ("age",), {}, "y")


def test_a_set_and_its_file_read_back_agree(table: Write) -> None:
    path = table("age,city,y\n1,Rome,b\n2,Paris,a\n3,Rome,b\n")
    data = load(path, target="y")
    part = read_labelled(path, data.feature_names, data.categories, data.target, data.classes)
    np.testing.assert_array_equal(part.x, data.train.x)
    np.testing.assert_array_equal(part.y, data.train.y)


IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)


def test_rows_from_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    np.savez(tmp_path / "x.npz", x=IMAGES.reshape(3, 4), y=[0, 1, 0])
    np.savez(tmp_path / "one.npz", images=IMAGES)
    for name in ("a.npy", "x.npz", "one.npz"):
        x = read_rows(tmp_path / name, (2, 2))
        np.testing.assert_array_equal(x, IMAGES)
        assert x.dtype == np.uint8
    part = read_labelled(tmp_path / "x.npz", (), {}, "y", ("0", "1"), input_shape=(2, 2))
    assert part.y.tolist() == [0, 1, 0]


def test_rows_from_csv(table: Write) -> None:
    plain = table("0,1,2,3\n4,5,6,7\n8,9,10,11\n", "plain.csv")
    headed = table("a,b,c,d\n0,1,2,3\n4,5,6,7\n8,9,10,11\n", "headed.csv")
    labelled = table("label,a,b,c,d\n1,0,1,2,3\n0,4,5,6,7\n1,8,9,10,11\n", "labelled.csv")
    for path in (plain, headed):
        np.testing.assert_array_equal(read_rows(path, (2, 2)), IMAGES)
    np.testing.assert_array_equal(read_rows(labelled, (2, 2), target="label"), IMAGES)
    part = read_labelled(labelled, (), {}, "label", ("0", "1"), input_shape=(2, 2))
    np.testing.assert_array_equal(part.x, IMAGES)
    assert part.y.tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match=r"5 columns of values.*2×2 = 4: if one of them is the"):
        read_rows(labelled, (2, 2))


def test_rows_that_do_not_fit(tmp_path: Path, table: Write) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    with pytest.raises(ValueError, match=r"rows of shape \(2, 2\), but the model takes \(3, 3\)"):
        read_rows(tmp_path / "a.npy", (3, 3))
    np.save(tmp_path / "nan.npy", np.array([[0.0, 1.0], [2.0, np.nan]]))
    with pytest.raises(ValueError, match="row 2, column 2 is nan"):
        read_rows(tmp_path / "nan.npy", (2,))
    assert np.isnan(read_rows(tmp_path / "nan.npy", (2,), missing="impute")[1, 1])
    np.save(tmp_path / "text.npy", np.array([["a", "b"]]))
    with pytest.raises(ValueError, match="expected numbers"):
        read_rows(tmp_path / "text.npy", (2,))
    np.savez(tmp_path / "two.npz", a=IMAGES, b=IMAGES)
    with pytest.raises(ValueError, match=r"arrays a, b: expected one called x"):
        read_rows(tmp_path / "two.npz", (2, 2))
    with pytest.raises(ValueError, match="not a NumPy file or is cut"):
        read_rows(table(b"no array at all", "bad.npy"), (2,))
    with pytest.raises(ValueError, match="give input_shape"):
        read_labelled(table("a,y\n1,2\n"), (), {}, "y")


def test_digit_recognizer_format(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (200, 784), dtype=np.uint8)
    labels = np.arange(200) % 10
    columns = {f"pixel{j}": pixels[:, j] for j in range(784)}
    pl.DataFrame({"label": labels, **columns}).write_csv(tmp_path / "train.csv")
    pl.DataFrame(columns).write_csv(tmp_path / "test.csv")
    data = load(tmp_path / "train.csv", target="label")
    assert data.train.x.dtype == np.uint8
    np.testing.assert_array_equal(data.train.x, pixels)
    assert data.classes == tuple("0123456789")
    x = read_features(tmp_path / "test.csv", data.feature_names)
    np.testing.assert_array_equal(x, pixels)
    np.testing.assert_array_equal(read_rows(tmp_path / "test.csv", (28, 28)).reshape(200, -1), x)
