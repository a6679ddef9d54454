"""Activations, rectifiers, gates and softmax where formulas typed naively go wrong."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glassnet import layers as gn

INF = math.inf

# (layer, f(−1e4), f(1e4), f′(−1e4), f′(1e4)), worked out by hand
LIMITS = [
    (gn.Identity(), -1e4, 1e4, 1, 1),
    (gn.Sigmoid(), 0, 1, 0, 0),
    (gn.Tanh(), -1, 1, 0, 0),
    (gn.Softplus(), 0, 1e4, 0, 1),
    (gn.ReLU(), 0, 1e4, 0, 1),
    (gn.LeakyReLU(0.25), -2500, 1e4, 0.25, 1),
    (gn.ELU(), -1, 1e4, 0, 1),
    (gn.SELU(), -1.7580993408473766, 10507.009873554805, 0, 1.0507009873554805),
    (gn.GELU(), 0, 1e4, 0, 1),
    (gn.GELU("tanh"), 0, 1e4, 0, 1),
    (gn.SiLU(), 0, 1e4, 0, 1),
]
POINTWISE = pytest.mark.parametrize("layer", [row[0] for row in LIMITS], ids=repr)


def in_dtype(layer, dtype):
    """A copy of the layer, without its buffers, in this dtype."""
    layer = copy.deepcopy(layer)
    layer.dtype = np.dtype(dtype)
    return layer


def apply(layer, *values, dtype="float64"):
    layer = in_dtype(layer, dtype)
    x = np.array([values], dtype)
    y = layer.forward(x)[0].copy()
    return y, layer.backward(np.ones_like(x))[0].copy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layer", "low", "high", "d_low", "d_high"), LIMITS, ids=lambda v: str(v))
def test_far_out(layer, low, high, d_low, d_high, dtype):
    y, dx = apply(layer, -1e4, 1e4, dtype=dtype)
    rounding = 2 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, [low, high], rtol=rounding, atol=0)
    np.testing.assert_allclose(dx, [d_low, d_high], rtol=rounding, atol=0)


@pytest.mark.parametrize(
    ("layer", "low", "high"),
    [
        (gn.Sigmoid(), 0, 1),
        (gn.Tanh(), -1, 1),
        (gn.Softplus(), 0, INF),
        (gn.ReLU(), 0, INF),
        (gn.ELU(), -1, INF),
        (gn.Identity(), -INF, INF),
        (gn.LeakyReLU(), -INF, INF),
    ],
    ids=repr,
)
def test_at_infinity(layer, low, high):
    assert apply(layer, -INF, INF)[0].tolist() == [low, high]


@POINTWISE
@given(
    x=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    )
)
def test_finite_stays_finite(layer, x):
    layer = in_dtype(layer, x.dtype)
    with np.errstate(all="raise", under="ignore"):
        y = layer.forward(x)
        dx = layer.backward(np.ones_like(x))
    assert y.dtype == dx.dtype == x.dtype
    assert y.shape == dx.shape == x.shape
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


def test_digits_of_small_results_are_kept():
    # e⁻⁵⁰ to 17 digits; 1/(1 + e⁵⁰) differs from it by a relative e⁻⁵⁰.
    assert apply(gn.Sigmoid(), -50.0)[0][0] == pytest.approx(1.9287498479639178e-22, rel=1e-14)
    assert apply(gn.Softplus(), -50.0)[0][0] == pytest.approx(1.9287498479639178e-22, rel=1e-14)
    # Φ(−10) = 7.61985302416052606597e−24 (tables of the normal distribution)
    assert apply(gn.GELU(), -10.0)[0][0] == pytest.approx(-7.619853024160526e-23, rel=1e-12)


def test_known_values():
    assert apply(gn.Sigmoid(), math.log(3))[0][0] == pytest.approx(0.75, rel=1e-15)
    assert apply(gn.Softplus(), 0.0)[0][0] == pytest.approx(math.log(2), rel=1e-15)
    # Φ(1.96) = 0.9750021048517795
    assert apply(gn.GELU(), 1.96)[0][0] == pytest.approx(1.96 * 0.9750021048517795, rel=1e-14)
    assert apply(gn.SiLU(), math.log(3))[0][0] == pytest.approx(0.75 * math.log(3), rel=1e-15)


def test_at_the_kink_the_slope_is_that_of_the_left():
    for layer, slope in [(gn.ReLU(), 0), (gn.LeakyReLU(0.25), 0.25), (gn.ELU(0.5), 0.5)]:
        assert apply(layer, 0.0)[1][0] == slope


def test_selu_keeps_mean_0_and_variance_1():
    z = np.random.default_rng(0).normal(size=(1, 1_000_000))
    y = in_dtype(gn.SELU(), z.dtype).forward(z)
    assert abs(y.mean()) < 0.005
    assert abs(y.var() - 1) < 0.01


@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=3, max_side=6),
        elements=st.floats(-1e4, 1e4),
    ),
    shift=st.floats(-1e4, 1e4),
)
def test_softmax_is_a_distribution_that_shifts_do_not_change(x, shift):
    layer = in_dtype(gn.Softmax(), x.dtype)
    with np.errstate(all="raise", under="ignore"):
        y = layer.forward(x).copy()
        shifted = layer.forward(x + shift)
    np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=1e-14)
    np.testing.assert_allclose(shifted, y, rtol=1e-10, atol=1e-11)


def test_softmax_of_extreme_scores():
    y, _ = apply(gn.Softmax(), 1e4, 1e4, -1e4, -INF)
    assert y.tolist() == [0.5, 0.5, 0.0, 0.0]
    y, _ = apply(gn.Softmax(), math.log(1), math.log(2), math.log(5))
    np.testing.assert_allclose(y, [1 / 8, 2 / 8, 5 / 8], rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: gn.GELU("tang"),
            r"forms 'exact' and 'tanh'\. Received: 'tang'\. Did you mean 'tanh'",
        ),
        (lambda: gn.ELU(0), "alpha > 0. Received: 0"),
        (lambda: gn.LeakyReLU(INF), "finite slope. Received: inf"),
        (lambda: gn.PReLU(math.nan), "finite initial_slope. Received: nan"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()
