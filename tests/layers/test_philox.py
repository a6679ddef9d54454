"""Philox4x32-10 against the known answers of its authors' library, Random123."""

import numpy as np
import pytest

from glassnet.layers.philox import philox_rounds, philox_words

# (counter, key, result) for philox4x32, 10 rounds, of Random123's file of known answers: all zeros,
# all ones, and the digits of π.
KNOWN_ANSWERS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def numbers(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def words_of(count: int, key=(1, 2), step: int = 0):
    blocks = -(-count // 4)
    words = np.empty(4 * blocks, np.uint32)
    work = np.empty(6 * blocks, np.uint64)
    philox_words(np.array(key, np.uint32), np.array([step]), work, words)
    return words[:count]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_known_answers(counter, key, answer):
    words = np.array(numbers(counter), np.uint64)
    even, odd = words[0::2, None].copy(), words[1::2, None].copy()
    philox_rounds(even, odd, np.empty_like(even), np.array(numbers(key), np.uint32))
    assert [*even[0], *odd[0], *even[1], *odd[1]] == numbers(answer)


def test_counters_are_block_and_step():
    # The answer for the counter of zeros, reached as step 0 with the key of zeros.
    assert words_of(4, key=(0, 0)).tolist() == numbers(KNOWN_ANSWERS[0][2])
    # Block 5 of step 3 · 2³² + 7 is the counter (5, 0, 7, 3).
    key = np.array([11, 12], np.uint32)
    even, odd = np.array([[5], [7]], np.uint64), np.array([[0], [3]], np.uint64)
    philox_rounds(even, odd, np.empty_like(even), key)
    words = words_of(24, key=key, step=3 * 2**32 + 7)
    assert words[20:].tolist() == [*even[0], *odd[0], *even[1], *odd[1]]


def test_a_word_does_not_depend_on_how_many_are_made():
    np.testing.assert_array_equal(words_of(13), words_of(1000)[:13])
    assert words_of(0).shape == (0,)


def test_keys_and_steps_give_other_words():
    base = words_of(64)
    for other in (words_of(64, key=(1, 3)), words_of(64, key=(2, 2)), words_of(64, step=1)):
        assert not np.any(other == base)


def test_every_bit_is_fair():
    bits = np.unpackbits(words_of(100_000).view(np.uint8).reshape(-1, 4), axis=1)
    # Standard deviation of a share of 100,000 fair bits: 0.0016.
    np.testing.assert_allclose(bits.mean(axis=0), 0.5, atol=0.008)
    correlations = np.corrcoef(bits.T) - np.eye(32)
    assert np.abs(correlations).max() < 0.016
