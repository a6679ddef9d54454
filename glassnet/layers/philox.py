"""Philox4x32-10: random numbers as a function of a key and a counter.

There is no state that moves on: word i of step t is a scrambling of (i, t) under a key. So the
random numbers of any training step can be had again at once, in any order, on any machine.

A counter of four 32-bit words c₀ c₁ c₂ c₃ goes through ten rounds. Each multiplies the two even
words by constants to 64 bits, and swaps high and low halves across:

    h₀ l₀ = M₀ c₀          c₀ ← h₁ ⊕ c₁ ⊕ k₀        c₁ ← l₁
    h₁ l₁ = M₁ c₂          c₂ ← h₀ ⊕ c₃ ⊕ k₁        c₃ ← l₀

and between rounds the key moves on by k ← k + W (mod 2³²).

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import numpy as np

from glassnet.accelerate import Array, accelerated

ROUNDS = 10
MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)  # M
WEYL = np.array([[0x9E3779B9], [0xBB67AE85]], np.uint64)  # W: the golden ratio and √3 − 1
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox_rounds(even: Array, odd: Array, product: Array, key: Array) -> None:
    """Scramble counters in place.

    Arguments:
        even: (2, blocks) uint64, the words c₀ and c₂ of each counter, each below 2³².
        odd: (2, blocks) uint64, the words c₁ and c₃.
        product: (2, blocks) uint64, a work array.
        key: (2,) uint32.
    """
    round_key = key.astype(np.uint64)[:, np.newaxis]
    crossed = product[::-1]
    for _ in range(ROUNDS):
        np.multiply(even, MULTIPLIERS, out=product)
        np.right_shift(crossed, HALF, out=even)
        np.bitwise_xor(even, odd, out=even)
        np.bitwise_xor(even, round_key, out=even)
        np.bitwise_and(crossed, LOW, out=odd)
        round_key = (round_key + WEYL) & LOW


@accelerated
def philox_words(key: Array, step: Array, work: Array, words: Array) -> None:
    """Random words: words[4b + j] = word j of the scrambled counter (b, step).

    Arguments:
        key: (2,) uint32.
        step: (1,) int64, ≥ 0.
        work: (6 · blocks,) uint64, a work array.
        words: (4 · blocks,) uint32, the result.
    """
    blocks = len(words) // 4
    even, odd, product = work.reshape(3, 2, blocks)
    even[0] = np.arange(blocks, dtype=np.uint64)
    odd[0] = even[0] >> HALF
    even[0] &= LOW
    even[1] = step.item() & 0xFFFFFFFF
    odd[1] = step.item() >> 32
    philox_rounds(even, odd, product, key)
    by_block = words.reshape(blocks, 4)
    by_block[:, 0::2] = even.T
    by_block[:, 1::2] = odd.T
