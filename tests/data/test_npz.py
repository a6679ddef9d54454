from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glassnet.data import load


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def write(**arrays: object) -> Path:
        np.savez(tmp_path / "d.npz", **arrays)  # type: ignore[arg-type]
        return tmp_path / "d.npz"

    return write


X = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)


def test_rows_with_labels(save: Callable[..., Path]) -> None:
    data = load(save(x=X, y=["b", "a", "b"]))
    assert data.classes == ("a", "b")
    assert data.train.y.tolist() == [1, 0, 1]
    assert data.train.x.dtype == np.uint8
    assert data.input_shape == (2, 2)
    assert data.test is None


def test_both_parts_share_their_classes(save: Callable[..., Path]) -> None:
    data = load(save(x_train=X, y_train=[5, 7, 5], x_test=X[:2], y_test=[7, 9]))
    assert data.test is not None
    assert data.classes == ("5", "7", "9")
    assert data.train.y.tolist() == [0, 1, 0]
    assert data.test.y.tolist() == [1, 2]


def test_targets_of_other_shapes(save: Callable[..., Path]) -> None:
    one_hot = load(save(x=X, y=np.eye(4)[[2, 0, 2]]))
    assert one_hot.train.y.tolist() == [2, 0, 2]
    assert one_hot.classes == ("0", "1", "2", "3")
    several = load(save(x=X, y=[[0.5, 1], [1, 2], [2, 3]]))
    assert several.task == "regression"
    assert several.train.y.shape == (3, 2)
    column = load(save(x=X, y=[[0.5], [1], [2]]))
    assert column.train.y.shape == (3,)
    assert load(save(x=X, y=[0, 1, 1]), task="regression").task == "regression"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": X}, "holds the arrays a: expected x and y"),
        ({"x": X, "y": [0, 1]}, r"x has 3 rows, but y has shape \(2,\)"),
        ({"x": X[:, 0, 0], "y": [0, 1, 0]}, r"x has shape \(3,\), expected rows"),
        ({"x": X[:0], "y": []}, "has no rows"),
        ({"x": X, "y": [1, 1, 1]}, "'1' in all 3 rows"),
        ({"x": X, "y": [0.5, np.nan, 1]}, "target 'y' is missing in row 2"),
        ({"x": X.astype(complex), "y": [0, 1, 0]}, "type complex128, expected numbers"),
        ({"x": np.array([[1.0], [np.inf]]), "y": [0, 1]}, "x: row 2, column 1 is inf"),
        ({"x": np.array([[1.0], [np.nan]]), "y": [0, 1]}, "row 2, column 1 is nan.*impute"),
    ],
)
def test_faults(save: Callable[..., Path], arrays: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        load(save(**arrays))
    assert "d.npz" in str(raised.value)


def test_missing_values_may_stay(save: Callable[..., Path]) -> None:
    data = load(save(x=np.array([[1.0], [np.nan]]), y=[0, 1]), missing="impute")
    assert np.isnan(data.train.x[1, 0])


def test_objects_are_never_unpickled(save: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="Python objects, which are not read"):
        load(save(x=X, y=np.array([{}, {}, {}], object)))


def test_files_that_are_cut_or_something_else(save: Callable[..., Path], tmp_path: Path) -> None:
    path = save(x=X, y=[0, 1, 0])
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"text", whole[:100] + bytes(60) + whole[160:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"d.npz"):
            load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="is empty"):
        load(path)
    np.save(tmp_path / "one.npy", X)
    path.write_bytes((tmp_path / "one.npy").read_bytes())
    with pytest.raises(ValueError, match="single array"):
        load(path)


def test_both_parts_have_rows_of_one_shape(tmp_path: Path) -> None:
    x, y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 0, 1])
    np.savez(tmp_path / "n.npz", x_train=x, y_train=y, x_test=x[:, :2], y_test=y)
    with pytest.raises(ValueError, match=r"x_test has rows of shape \(2,\), but x_train of \(3,\)"):
        load(tmp_path / "n.npz")
