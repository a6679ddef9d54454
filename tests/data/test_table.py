"""Tables to learn from: what is read, and what is refused with its place."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes

from glassnet.data import load, read_table

Write = Callable[..., Path]

PASSENGERS = """age,city,member,fare,survived
31,Rome,true,7.25,yes
42,Paris,false,12.5,no
19,Rome,true,8.0,yes
"""


def test_numbers_text_and_booleans(table: Write) -> None:
    data = read_table(table(PASSENGERS), "survived")
    assert data.feature_names == ("age", "city", "member", "fare")
    assert data.categories == {"city": ("Paris", "Rome")}
    assert data.classes == ("no", "yes")
    assert data.train.y.tolist() == [1, 0, 1]
    assert data.train.x.tolist() == [[31, 1, 1, 7.25], [42, 0, 0, 12.5], [19, 1, 1, 8]]
    assert data.task == "classification"
    assert data.target == ("survived",)


def test_parquet_and_tsv_give_the_same(tmp_path: Path, table: Write) -> None:
    frame = pl.read_csv(table(PASSENGERS))
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.tsv", separator="\t")
    expected = read_table(tmp_path / "table.csv", "survived")
    for name in ("t.parquet", "t.tsv"):
        data = load(tmp_path / name, target="survived")
        np.testing.assert_array_equal(data.train.x, expected.train.x)
        assert data.categories == expected.categories
        assert data.classes == expected.classes


def test_spaces_semicolons_byte_order_mark_and_blank_lines(table: Write) -> None:
    spaced = read_table(table("a, b, y\n1, 2.5, u\n 3 , 4, v\n\n\n"), "y")
    assert spaced.train.x.tolist() == [[1, 2.5], [3, 4]]
    assert spaced.classes == ("u", "v")
    excel = read_table(table("\ufeffa;b;y\n1,5;2;u\n3;4;v\n"), "y")
    assert excel.feature_names == ("a", "b")
    assert excel.train.x.tolist() == [[1.5, 2], [3, 4]]


def test_whole_numbers_beyond_64_bits_are_floats(table: Write) -> None:
    data = read_table(table(f"a,y\n{10**20},u\n{10**25},v\n"), "y")
    assert data.train.x.tolist() == [[1e20], [1e25]]


def test_pixels_stay_bytes_until_a_value_does_not_fit(table: Write) -> None:
    rows = "".join(f"{i % 3},{i % 256},0\n" for i in range(1500))
    data = read_table(table("label,p0,p1\n" + rows), "label")
    assert data.train.x.dtype == np.uint8
    assert data.train.x[1499].tolist() == [1499 % 256, 0]
    assert data.classes == ("0", "1", "2")
    late = read_table(table("label,p0,p1\n" + rows + "1,0.5,300\n"), "label")
    assert late.train.x.dtype == np.float64
    assert late.train.x[-1].tolist() == [0.5, 300]


def test_float32_parquet_stays_float32(tmp_path: Path) -> None:
    values = pl.Series("a", [0.5, 1.5], pl.Float32)
    pl.DataFrame([values, pl.Series("y", ["u", "v"])]).write_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", "y").train.x.dtype == np.float32


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["b", "a", "b"], "classification", ("a", "b")),
        ([True, False, True], "classification", ("false", "true")),
        ([10, 9, 10], "classification", ("9", "10")),
        ([1.5, 2.0, 1.5], "regression", ()),
        (list(range(21)), "regression", ()),
        ([i % 21 for i in range(1000)], "classification", tuple(map(str, range(21)))),
    ],
)
def test_what_a_target_means(
    tmp_path: Path, values: list[object], task: str, classes: tuple[str, ...]
) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"x": [0.5] * len(values), "y": values}).write_parquet(path)
    data = read_table(path, "y")
    assert (data.task, data.classes) == (task, classes)
    assert data.train.y.dtype == (np.int64 if classes else np.float64)


def test_the_rule_can_be_overruled(table: Write) -> None:
    path = table("x,y\n0.5,1.0\n1.5,2.0\n2.5,1.0\n")
    assert read_table(path, "y").task == "regression"
    data = read_table(path, "y", task="classification")
    assert data.classes == ("1", "2")
    assert data.train.y.tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match="holds text such as 'u'"):
        read_table(table("x,y\n1,u\n2,v\n"), "y", task="regression")
    with pytest.raises(ValueError, match=r"task is 'regresion'.*Did you mean 'regression'"):
        read_table(path, "y", task="regresion")  # type: ignore[arg-type]


def test_several_targets_are_regression(table: Write) -> None:
    data = read_table(table("x,a,b\n1,0,1\n2,1,0\n3,1,0\n"), ("a", "b"))
    assert data.task == "regression"
    assert data.train.y.tolist() == [[0, 1], [1, 0], [1, 0]]
    assert data.target == ("a", "b")
    with pytest.raises(ValueError, match="target 'b' holds text"):
        read_table(table("x,a,b\n1,0,u\n2,1,v\n"), ("a", "b"))


def test_missing_values(table: Write) -> None:
    path = table("a,b,c,y\n1,,u,0\n2,NA,,1\n3,5,v,1\n")
    with pytest.raises(
        ValueError, match=r"column 'b' has 2 missing values, the first in row 1; also missing in c"
    ):
        read_table(path, "y")
    data = read_table(path, "y", missing="impute")
    expected = [[1, np.nan, 0], [2, np.nan, np.nan], [3, 5, 1]]
    np.testing.assert_array_equal(data.train.x, expected)
    with pytest.raises(ValueError, match=r"missing is 'imput'.*Did you mean 'impute'"):
        read_table(path, "y", missing="imput")  # type: ignore[arg-type]


def test_nan_in_parquet_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": [1.0, float("nan"), None], "y": [0, 1, 1]}).write_parquet(path)
    with pytest.raises(ValueError, match="column 'a' has 2 missing values, the first in row 2"):
        read_table(path, "y")


FAULTS = {
    "empty": ("", "is empty"),
    "blank": ("\n\n", "is empty"),
    "header only": ("a,y\n", "column names but no rows"),
    "blank rows only": ("a,y\n\n\n", "column names but no rows"),
    "target absent": ("a,labl\n1,2\n", r"no column 'label'. Did you mean 'labl'.*columns: a, labl"),
    "no header": ("5.1,3.5,7\n4.9,3.0,6\n", "first line holds numbers only"),
    "constant target": ("a,label\n1,u\n2,u\n", "'u' in all 2 rows"),
    "duplicate names": ("a,a,label\n1,2,u\n", "2 columns called 'a'"),
    "nameless column": (",a,label\n0,1,u\n", "column 1 of 3 has no name"),
    "not UTF-8": (b"a,label\n1,u\n2,\xe9t\xe9\n", r"line 3: byte 0xe9 is not UTF-8"),
    "header not UTF-8": (b"\xe9,label\n1,u\n", "line 1: byte 0xe9 is not UTF-8"),
    "ragged": ("a,label\n1,u\n2,v,9\n", r"line 3: 3 fields, but the first line has 2"),
    "open quote": ('a,label\n1,"u\n2,v\n', "can't be read as a table|missing"),
    "infinite": ("a,label\n1,u\n-inf,v\n", r"column 'a', row 2 is -inf"),
    "missing label": ("a,label\n1,u\n2,\n3,v\n", r"target 'label' is missing in row 2 \(1 such"),
    "infinite target": ("a,label\n1,0.5\n2,inf\n", "target 'label' is inf in row 2"),
    "only the target": ("label\nu\nv\n", "no column besides label"),
    "empty column": ("a,b,label\n1,,u\n2,,v\n", "column 'b' is empty in every row"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_in_one_sentence(table: Write, fault: str) -> None:
    content, message = FAULTS[fault]
    path = table(content)
    with pytest.raises(ValueError, match=message) as raised:
        load(path, target="label")
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_slip_among_numbers(table: Write) -> None:
    rows = "".join(f"{i}.5,{i % 2}\n" for i in range(20))
    with pytest.raises(ValueError, match=r"holds numbers except for '12,O' in row 21"):
        read_table(table("a,y\n" + rows + '"12,O",1\n'), "y")


def test_identifiers_are_refused_or_dropped(table: Write) -> None:
    path = table("name,a,y\n" + "".join(f"person {i},{i},{i % 2}\n" for i in range(1001)))
    with pytest.raises(ValueError, match="text column 'name' has 1,001 different values"):
        read_table(path, "y")
    assert read_table(path, "y", drop=["name"]).feature_names == ("a",)


def test_the_target_is_not_dropped(table: Write) -> None:
    with pytest.raises(ValueError, match="'y' is the target and can't be dropped"):
        read_table(table("a,y\n1,b\n2,c\n"), "y", drop="y")


def test_dates_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    days = pl.Series("day", ["2020-01-01", "2020-01-02"]).str.to_date()
    pl.DataFrame([days, pl.Series("y", [0, 1])]).write_parquet(path)
    with pytest.raises(ValueError, match="column 'day' has type Date"):
        read_table(path, "y")


def test_files_that_are_not_there_or_not_tables(tmp_path: Path, table: Write) -> None:
    with pytest.raises(ValueError, match="There is no file"):
        load(tmp_path / "absent.csv", target="y")
    with pytest.raises(ValueError, match="is a folder"):
        read_table(tmp_path, "y")
    with pytest.raises(ValueError, match="not a whole Parquet file"):
        load(table(b"PAR1 and then nothing", "t.parquet"), target="y")
    with pytest.raises(ValueError, match=r"say which column.*columns: age, city"):
        load(table(PASSENGERS))


texts = st.text(st.characters(codec="utf-8", categories=("L", "P")), min_size=1, max_size=5)
rows_of_a_frame = st.lists(
    st.tuples(
        st.floats(-1e9, 1e9),
        st.integers(-(2**40), 2**40),
        st.booleans(),
        texts.map(lambda word: f"_{word}"),  # never a number, never a word for "missing"
        st.sampled_from(["no", "yes"]),
    ),
    min_size=1,
    max_size=20,
)


@settings(deadline=None, max_examples=40)
@given(rows_of_a_frame)
def test_csv_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, ...]]
) -> None:
    rows = [*rows, (*rows[0][:4], "no"), (*rows[0][:4], "yes")]  # two classes at least
    frame = pl.DataFrame(rows, schema=["f", "i", "b", "t", "y"], orient="row")
    path = tmp_path_factory.mktemp("round") / "t.csv"
    frame.write_csv(path)
    data = read_table(path, "y")
    f, i, b, t, y = zip(*rows, strict=True)
    np.testing.assert_array_equal(data.train.x[:, 0], f)
    np.testing.assert_array_equal(data.train.x[:, 1], i)
    np.testing.assert_array_equal(data.train.x[:, 2], b)
    assert [data.categories["t"][int(code)] for code in data.train.x[:, 3]] == list(t)
    assert [data.classes[label] for label in data.train.y] == list(y)


def test_breast_cancer_and_diabetes(tmp_path: Path) -> None:
    for bunch, task in ((load_breast_cancer(), "classification"), (load_diabetes(), "regression")):
        columns = {str(name): bunch.data[:, j] for j, name in enumerate(bunch.feature_names)}
        pl.DataFrame({**columns, "target": bunch.target}).write_csv(tmp_path / "t.csv")
        data = load(tmp_path / "t.csv", target="target")
        assert data.task == task
        np.testing.assert_array_equal(data.train.x, bunch.data)
        np.testing.assert_array_equal(data.train.y, bunch.target)
