"""Initial weights: their variances and bounds, the fans they are made from, what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from registries import our_names

from glassnet.initializers import (
    INITIALIZERS,
    Constant,
    Initializer,
    Normal,
    Orthogonal,
    Uniform,
    fans,
)

DENSE, CONV = (300, 100), (32, 16, 5, 5)  # (fan_in, fan_out); (out, in, height, width)

# Every initialiser, with its mean, and its variance for DENSE: fan_in 300, fan_out 100.
TABLE = {
    "zeros": ({}, 0.0, 0.0),
    "constant": ({"value": 0.25}, 0.25, 0.0),
    "normal": ({"sigma": 0.3}, 0.0, 0.09),
    "uniform": ({"a": -1.0, "b": 2.0}, 0.5, 0.75),  # (b − a)² / 12
    "xavier_normal": ({}, 0.0, 0.005),  # 2 / 400
    "xavier_uniform": ({}, 0.0, 0.005),
    "he_normal": ({}, 0.0, 1 / 150),  # 2 / 300
    "he_uniform": ({}, 0.0, 1 / 150),
    "lecun_normal": ({}, 0.0, 1 / 300),
    "lecun_uniform": ({}, 0.0, 1 / 300),
    "fan_in_uniform": ({}, 0.0, 1 / 900),  # (2 / √300)² / 12
    "orthogonal": ({"gain": 2.0}, 0.0, 4 / 300),  # columns of length 2 in 300 dimensions
}

# For CONV: fan_in 16·25 = 400, fan_out 32·25 = 800.
CONV_VARIANCES = {
    "xavier_normal": 2 / 1200,
    "xavier_uniform": 2 / 1200,
    "he_normal": 2 / 400,
    "he_uniform": 2 / 400,
    "lecun_normal": 1 / 400,
    "lecun_uniform": 1 / 400,
    "fan_in_uniform": 1 / 1200,
}

# The half-widths of the uniform ones for DENSE, as their papers print them: √(6 / …), √(3 / …).
LIMITS = {
    "xavier_uniform": math.sqrt(6 / 400),
    "he_uniform": math.sqrt(6 / 300),
    "lecun_uniform": math.sqrt(3 / 300),
    "fan_in_uniform": math.sqrt(1 / 300),
}


def make(name):
    return INITIALIZERS.create({"name": name, **TABLE[name][0]})


def draw(name, shape, seed=0):
    return make(name)(shape, np.random.default_rng(seed))


def test_every_initializer_has_a_row():
    assert sorted(TABLE) == our_names(INITIALIZERS)


@pytest.mark.parametrize("name", TABLE)
def test_mean_and_variance(name):
    """30,000 draws: the mean within 4 standard errors, the variance within 4 % (5 of its own)."""
    _, mean, variance = TABLE[name]
    w = draw(name, DENSE)
    assert w.shape == DENSE
    assert w.dtype == np.float64
    assert abs(w.mean() - mean) <= 4 * math.sqrt(variance / w.size)
    assert w.var() == pytest.approx(variance, rel=0.04)


@pytest.mark.parametrize("name", CONV_VARIANCES)
def test_variance_of_a_convolutions_weights(name):
    w = draw(name, CONV)
    assert w.shape == CONV
    assert w.var() == pytest.approx(CONV_VARIANCES[name], rel=0.05)


@pytest.mark.parametrize("name", LIMITS)
def test_uniform_ones_fill_their_bounds(name):
    largest = np.abs(draw(name, DENSE)).max()
    assert 0.999 * LIMITS[name] < largest <= LIMITS[name]


@pytest.mark.parametrize("name", [name for name in TABLE if name.endswith("normal")])
def test_normal_ones_have_normal_tails(name):
    """4.55 % lie beyond two standard deviations; a uniform distribution has none there."""
    w = draw(name, DENSE)
    assert np.mean(np.abs(w) > 2 * math.sqrt(TABLE[name][2])) == pytest.approx(0.0455, abs=0.006)


def test_uniform_covers_its_interval():
    w = Uniform(-0.05, 0.05)((10_000,), np.random.default_rng(0))
    assert -0.05 <= w.min() < -0.0499
    assert 0.0499 < w.max() < 0.05


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_orthogonal_has_orthonormal_rows_or_columns(shape, gain):
    w = Orthogonal(gain)(shape, np.random.default_rng(1))
    assert w.shape == shape
    product = w @ w.T if shape[0] < shape[1] else w.T @ w
    np.testing.assert_allclose(product, gain**2 * np.eye(min(shape)), atol=1e-14)


def test_orthogonal_filters_are_orthonormal_rows():
    w = Orthogonal()((4, 3, 2, 2), np.random.default_rng(0)).reshape(4, 12)
    np.testing.assert_allclose(w @ w.T, np.eye(4), atol=1e-14)


def test_orthogonal_has_no_preferred_sign():
    """QR alone fixes signs by its own convention; uniformly distributed ones have mean zero."""
    rng = np.random.default_rng(0)
    corners = [Orthogonal()((2, 2), rng)[0, 0] for _ in range(400)]
    assert abs(np.mean(corners)) < 4 * math.sqrt(0.5 / 400)  # variance of an entry: 1/2


@pytest.mark.parametrize("name", TABLE)
def test_the_generator_decides(name):
    np.testing.assert_array_equal(draw(name, (4, 3), seed=5), draw(name, (4, 3), seed=5))
    if TABLE[name][2] > 0:
        assert (draw(name, (4, 3), seed=5) != draw(name, (4, 3), seed=6)).all()


@pytest.mark.parametrize("name", TABLE)
def test_options_round_trip(name):
    initializer = make(name)
    again = INITIALIZERS.create(json.loads(json.dumps(initializer.config())))
    assert type(again) is type(initializer)
    assert again.config() == initializer.config()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((784, 32), (784, 32)),
        ((16, 3, 5, 5), (75, 400)),
        ((8, 4, 1, 1), (4, 8)),
        ((7,), (7, 7)),
    ],
)
def test_fans(shape, expected):
    assert fans(shape) == expected


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: Normal(0.0), "sigma must be > 0. Received: 0.0"),
        (lambda: Normal(float("nan")), "sigma must be > 0. Received: nan"),
        (lambda: Uniform(1.0, 1.0), "a < b. Received: a=1.0, b=1.0"),
        (lambda: Uniform(0.5), "a < b. Received: a=0.5, b=0.05"),
        (lambda: Orthogonal(-1.0), "gain must be > 0. Received: -1.0"),
        (lambda: INITIALIZERS.create("he_norma"), "Did you mean 'he_normal'"),
        (lambda: INITIALIZERS.create("constant"), "needs the option 'value'"),
        (lambda: INITIALIZERS.create({"name": "normal", "sigm": 1}), "Did you mean 'sigma'"),
    ],
)
def test_bad_input_is_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        bad()


def test_an_initializer_of_ones_own():
    class Identity(Initializer):
        name = "identity"

        def __call__(self, shape, rng):
            return np.eye(*shape)

    own = INITIALIZERS.create(Identity())
    np.testing.assert_array_equal(own((2, 2), np.random.default_rng(0)), [[1, 0], [0, 1]])
    with pytest.raises(NotImplementedError, match="does not draw"):
        Initializer()((2,), np.random.default_rng(0))
    assert repr(Constant(0.1)) == "Constant(value=0.1)"
