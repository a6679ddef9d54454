"""Dropout: its masks are fair, belong to a step, and can be had again."""

import numpy as np
import pytest
from layers.harness import Alone

from glassnet.layers import Dropout


def masks(rate=0.3, steps=1, shape=(200, 500), seed=0, start=0):
    """The masks of the first training steps, 1 where a value was kept."""
    alone = Alone(Dropout(rate), shape[1:], "float32", seed)
    alone.layer.step[...] = start
    ones = np.ones(shape, np.float32)
    return np.stack([alone.forward(ones, True) > 0 for _ in range(steps)])


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.3, 0.5, 0.9])
def test_rate_is_the_share_that_is_dropped(rate):
    dropped = 1 - masks(rate).mean()
    assert abs(dropped - rate) <= 5 * np.sqrt(rate * (1 - rate) / 100_000)


def test_survivors_are_enlarged():
    alone = Alone(Dropout(0.75), (1000,))
    y = alone.forward(np.full((2, 1000), 3.0), True)
    assert set(np.unique(y)) == {0.0, 12.0}


def test_elements_and_steps_are_independent():
    m = masks(0.5, steps=4).reshape(4, -1) * 2.0 - 1  # ±1
    bound = 5 / np.sqrt(m.shape[1])
    between_steps = m @ m.T / m.shape[1] - np.eye(4)
    assert np.abs(between_steps).max() < bound
    for lag in (1, 2, 3, 4, 500):
        assert abs(np.mean(m[0, lag:] * m[0, :-lag])) < bound


def test_the_mask_is_a_function_of_key_step_and_position():
    all_steps = masks(steps=5)
    np.testing.assert_array_equal(masks(steps=2, start=3), all_steps[3:])
    np.testing.assert_array_equal(masks(steps=5, shape=(3, 500)), all_steps[:, :3])
    assert (masks(seed=1)[0] != all_steps[0]).mean() > 0.3


def test_step_counts_training_passes_only():
    alone = Alone(Dropout(0.5), (4,))
    x = np.ones((3, 4))
    assert alone.forward(x) is x
    assert alone.backward(x) is x
    assert alone.layer.step.tolist() == [0]
    alone.forward(x, True)
    alone.forward(x)
    alone.forward(x, True)
    assert alone.store.buffers["layers.0.step"].tolist() == [2]
    assert alone.store.buffers["layers.0.key"].dtype == np.uint32


def test_backward_uses_the_mask_of_the_forward_pass():
    alone = Alone(Dropout(0.5), (50,))
    y = alone.forward(np.ones((4, 50)), True).copy()
    np.testing.assert_array_equal(alone.backward(np.ones((4, 50))), y)


def test_a_rate_just_below_one_drops_everything():
    assert not masks(1 - 1e-12, shape=(10, 10)).any()


@pytest.mark.parametrize("rate", [1.0, -0.1, float("nan"), 50])
def test_bad_rate(rate):
    with pytest.raises(ValueError, match=r"0 ≤ rate < 1\. Received: "):
        Dropout(rate)
