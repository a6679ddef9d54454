"""Batch norm: worked examples, running statistics, batches of one row."""

import numpy as np
import pytest
from layers.harness import Alone

from glassnet.layers import BatchNorm


def plain(input_shape=(2,), **options):
    """A batch norm as it starts: γ = 1, β = 0, running mean 0 and variance 1."""
    alone = Alone(BatchNorm(**options), input_shape)
    alone.layer.gamma.value = np.ones(input_shape[:1])
    alone.layer.beta.value = np.zeros(input_shape[:1])
    alone.layer.running_mean[...] = 0
    alone.layer.running_var[...] = 1
    return alone


def test_worked_by_hand():
    # Columns 0, 2, 4 (mean 2, variance 8/3, unbiased 4) and 1, 1, 4 (mean 2, variance 2, 3).
    alone = plain(epsilon=1e-12, momentum=0.5)
    y = alone.forward(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 4.0]]), True)
    a, b = np.sqrt(1.5), np.sqrt(0.5)
    np.testing.assert_allclose(y, [[-a, -b], [0, -b], [a, 2 * b]], atol=1e-11)
    np.testing.assert_allclose(alone.layer.running_mean, [1.0, 1.0])
    np.testing.assert_allclose(alone.layer.running_var, [2.5, 2.0])


def test_what_only_shifts_or_stretches_has_no_gradient():
    alone = plain(epsilon=1e-12)
    x = np.random.default_rng(0).normal(size=(8, 2))
    alone.forward(x, True)
    np.testing.assert_allclose(alone.backward(np.full((8, 2), 3.0)), 0, atol=1e-12)
    np.testing.assert_allclose(alone.backward(2 * x), 0, atol=1e-10)


def test_running_statistics_converge_and_serve_inference():
    alone = plain()
    rng = np.random.default_rng(0)
    for _ in range(300):
        alone.forward(rng.normal([3.0, -1.0], [2.0, 0.5], (256, 2)), True)
    np.testing.assert_allclose(alone.layer.running_mean, [3.0, -1.0], atol=0.1)
    np.testing.assert_allclose(alone.layer.running_var, [4.0, 0.25], rtol=0.1)
    before = alone.buffers()
    y = alone.forward(rng.normal([3.0, -1.0], [2.0, 0.5], (4000, 2)))
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=0.1)
    np.testing.assert_allclose(y.std(axis=0), 1, atol=0.1)
    for name, values in alone.buffers().items():
        np.testing.assert_array_equal(values, before[name])  # inference moves nothing


def test_large_offsets_do_not_destroy_the_variance():
    alone = Alone(BatchNorm(), (1,), "float32")
    alone.layer.gamma.value, alone.layer.beta.value = [1.0], [0.0]
    x = (np.array([[-1.0], [1.0], [-1.0], [1.0]]) + 4096).astype(np.float32)
    np.testing.assert_allclose(alone.forward(x, True)[:, 0], [-1, 1, -1, 1], rtol=1e-4)


def test_a_constant_feature_becomes_beta():
    alone = plain()
    np.testing.assert_array_equal(alone.forward(np.full((4, 2), 7.0), True), 0)


def test_one_row_is_refused_in_training_only():
    alone = plain()
    with pytest.raises(
        ValueError, match=r"BatchNorm \(layers\.0\) cannot be trained on a batch of one"
    ):
        alone.forward(np.ones((1, 2)), True)
    with pytest.raises(ValueError, match="a batch of no row"):
        alone.forward(np.ones((0, 2)), True)
    assert alone.forward(np.ones((1, 2))).shape == (1, 2)
    assert BatchNorm.minimum_training_rows == 2


def test_one_image_of_several_pixels_is_a_batch():
    assert plain((2, 3, 3)).forward(np.ones((1, 2, 3, 3)), True).shape == (1, 2, 3, 3)


def test_gamma_and_beta_do_not_decay():
    alone = plain()
    assert alone.store.decaying == 0
    assert list(alone.store.parameters) == ["layers.0.gamma", "layers.0.beta"]
    assert list(alone.store.buffers) == ["layers.0.running_mean", "layers.0.running_var"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0.0}, "epsilon > 0. Received: 0.0"),
        ({"momentum": 1.5}, r"from 0 to 1 .* Received: 1\.5"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        BatchNorm(**options)
