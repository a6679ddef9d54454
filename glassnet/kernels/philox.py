"""Twin of `layers/philox.py`, equal to the reference bit for bit.

Each counter goes through its ten rounds in registers, eight counters side by side, so that `work`
is not needed. The loop over the rounds has to stand in the kernel itself: in a function of its own
it would keep the outer loop from becoming vector instructions (4 times slower).
"""

import numpy as np

from glassnet.kernels.compile import compiled

ROUNDS = 10
MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@compiled(inline=True)
def one_round(c0, c1, c2, c3, k0, k1):
    """The counter after a round; all numbers are uint64 below 2³²."""
    product_0, product_1 = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
    return (
        (product_1 >> HALF) ^ c1 ^ k0,
        product_1 & LOW,
        (product_0 >> HALF) ^ c3 ^ k1,
        product_0 & LOW,
    )


@compiled(inline=True)
def next_key(k0, k1):
    """The key of the next round."""
    return (k0 + WEYL_0) & LOW, (k1 + WEYL_1) & LOW


@compiled
def philox_words(key, step, work, words):
    key_0, key_1, t = np.uint64(key[0]), np.uint64(key[1]), np.uint64(step[0])
    for block in range(np.uint64(words.size) // np.uint64(4)):
        c0, c1, c2, c3 = block & LOW, block >> HALF, t & LOW, t >> HALF
        k0, k1 = key_0, key_1
        for _ in range(ROUNDS):
            c0, c1, c2, c3 = one_round(c0, c1, c2, c3, k0, k1)
            k0, k1 = next_key(k0, k1)
        first = np.uint64(4) * block
        words[first] = c0
        words[first + np.uint64(1)] = c1
        words[first + np.uint64(2)] = c2
        words[first + np.uint64(3)] = c3
