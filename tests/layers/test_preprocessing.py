"""Preprocessing layers against scikit-learn's transformers, and on raw data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from layers.harness import Alone
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from glassnet.layers import Impute, OneHot, Rescale, Standardize

RNG = np.random.default_rng(0)
TABLE = RNG.normal([0, 100, -5], [1, 30, 0.01], (50, 3))
HOLES = np.where(RNG.random((50, 3)) < 0.3, np.nan, np.round(TABLE, 1))


def fitted(layer, x, dtype="float64"):
    alone = Alone(layer, x.shape[1:], dtype)
    layer.fit(x)
    return alone


# Rescale


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.int64, np.bool_, np.float32, np.float64]),
        hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=5),
        elements=st.integers(0, 1),
    )
)
def test_rescale_takes_any_dtype(x):
    y = Alone(Rescale(0.5, -0.25), x.shape[1:], "float32").forward(x)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, np.where(x == 1, 0.25, -0.25))


def test_bytes_become_zero_to_one():
    y = Alone(Rescale(), (3,), "float32").forward(np.array([[0, 51, 255]], np.uint8))
    np.testing.assert_allclose(y, [[0, 0.2, 1]], rtol=1e-6)


def test_rescale_refuses_infinite_numbers():
    with pytest.raises(ValueError, match=r"finite numbers\. Received: scale=inf"):
        Rescale(float("inf"))


# Standardize


def test_standardize_is_sklearns_scaler():
    alone = fitted(Standardize(), TABLE)
    np.testing.assert_allclose(
        alone.forward(TABLE), StandardScaler().fit_transform(TABLE), rtol=1e-10, atol=1e-12
    )


def test_missing_values_do_not_count():
    scaler = StandardScaler().fit(HOLES)
    alone = fitted(Standardize(), HOLES)
    np.testing.assert_allclose(alone.layer.mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(alone.layer.std, scaler.scale_, rtol=1e-12)


@pytest.mark.parametrize("block", [1, 100, 10**6])
def test_images_are_fitted_in_blocks(monkeypatch, block):
    monkeypatch.setattr("glassnet.layers.preprocessing.BLOCK", block)
    images = RNG.integers(0, 256, (30, 4, 5), np.uint8)
    alone = fitted(Standardize(), images, "float32")
    np.testing.assert_allclose(alone.layer.mean, images.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(alone.layer.std, images.std(axis=0), rtol=1e-13)
    assert alone.forward(images).dtype == np.float32


def test_raw_numbers_keep_their_digits():
    # Seconds since 1970, seconds apart: float32 alone cannot tell them from one another.
    seconds = 1.7e9 + np.arange(5.0)[:, None]
    y = fitted(Standardize(), seconds, "float32").forward(seconds)
    np.testing.assert_allclose(y[:, 0], np.array([-2, -1, 0, 1, 2]) / np.sqrt(2), rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 / 3])
def test_constant_columns_become_zero(value):
    alone = fitted(Standardize(), np.full((7, 1), value))
    assert alone.layer.std.tolist() == [1.0]
    np.testing.assert_allclose(alone.forward(np.full((2, 1), value)), 0, atol=1e-6)


def test_columns_without_any_value_stay():
    alone = fitted(Standardize(), np.full((3, 1), np.nan))
    assert (alone.layer.mean.tolist(), alone.layer.std.tolist()) == ([0.0], [1.0])


def test_only_chosen_columns():
    alone = fitted(Standardize(columns=[0, 2]), TABLE)
    y = alone.forward(TABLE)
    np.testing.assert_array_equal(y[:, 1], TABLE[:, 1])
    np.testing.assert_allclose(y[:, [0, 2]].std(axis=0), 1)


def test_before_fit_nothing_changes():
    np.testing.assert_array_equal(Alone(Standardize(), (3,)).forward(TABLE), TABLE)


# Impute


@pytest.mark.parametrize("strategy", ["median", "mean", "most_frequent"])
def test_impute_is_sklearns_imputer(strategy):
    expected = SimpleImputer(strategy=strategy).fit_transform(HOLES)
    alone = fitted(Impute(strategy), HOLES)
    np.testing.assert_allclose(alone.forward(HOLES), expected, rtol=1e-14)
    assert Impute.accepts_nan


def test_impute_leaves_other_columns_alone():
    y = fitted(Impute(columns=[1]), HOLES).forward(HOLES)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(HOLES) & [True, False, True])


def test_impute_takes_integers():
    x = np.array([[1], [2], [6]])
    alone = fitted(Impute("mean"), x, "float32")
    assert alone.layer.fill.tolist() == [3.0]
    assert alone.forward(x).tolist() == [[1.0], [2.0], [6.0]]


def test_impute_says_which_column_is_empty():
    with pytest.raises(ValueError, match="no value at all in column 1 of the 2 training rows"):
        fitted(Impute(), np.array([[1.0, np.nan], [2.0, np.nan]]))


# OneHot


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8])
def test_one_hot_is_sklearns_encoder(dtype):
    codes = np.stack([RNG.integers(4, size=20), RNG.integers(2, size=20)], axis=1)
    expected = OneHotEncoder(categories=[range(4), range(2)], sparse_output=False)
    y = Alone(OneHot([4, 2]), (2,), "float32").forward(codes.astype(dtype))
    np.testing.assert_array_equal(y, expected.fit_transform(codes))


def test_codes_expand_where_they_stand():
    alone = Alone(OneHot({"2": 2, "0": 3}), (4,))  # JSON makes strings of keys
    assert alone.layer.output_shape == (7,)
    y = alone.forward(np.array([[1, 0.5, 0, -0.5]]))
    assert y.tolist() == [[0, 1, 0, 0.5, 1, 0, -0.5]]
    assert alone.layer.sizes == {2: 2, 0: 3}


@pytest.mark.parametrize("code", [3, -1, 0.5, np.nan])
def test_unknown_codes_are_named(code):
    x = np.zeros((4, 2))
    x[2, 1] = code
    with pytest.raises(
        ValueError, match=rf"Column 1, row 2 of a batch holds the code {float(code)}.*0 to 2"
    ):
        Alone(OneHot({1: 3}), (2,)).forward(x)


# Options


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Impute("medain"), "Unknown strategy 'medain'.* Did you mean 'median'"),
        (lambda: OneHot({}), "number of categories"),
        (lambda: OneHot({0: -2}), "number of categories"),
        (lambda: Alone(OneHot({4: 2}), (3,)), "OneHot was told of column 4, .* columns 0 to 2"),
        (lambda: Alone(Standardize([-1]), (3,)), "Standardize was told of column -1"),
        (lambda: Alone(Impute(columns=[0]), (3, 3)), r"shape \(3, 3\).*Put a Flatten\(\) before"),
    ],
)
def test_bad_options(build, message):
    with pytest.raises(ValueError, match=message):
        build()
