"""Twins of `glassnet/epochs.py`."""

import numpy as np

from glassnet.kernels.compile import compiled

HALF = np.uint64(32)


@compiled
def shuffle(words, order):
    for i in range(np.uint64(len(order))):
        high, low = (
            np.uint64(words[np.uint64(2) * i]),
            np.uint64(words[np.uint64(2) * i + np.uint64(1)]),
        )
        places = i + np.uint64(1)
        j = (high * places + (low * places >> HALF)) >> HALF
        order[i] = order[j]
        order[j] = i


@compiled
def begin_epoch(all_rates, done, rates, sums):
    for i in range(np.uint64(len(rates))):
        rates[i] = all_rates[done[()], i]
    for i in range(np.uint64(len(sums))):
        sums[i] = 0


@compiled
def end_epoch(sums, all_sums, done, number, index):
    for i in range(np.uint64(len(sums))):
        all_sums[done[()], i] = sums[i]
    done[()] += 1
    number[0] += 1
    index[()] = 0


@compiled
def keep(array, kept):
    array, kept = array.flat, kept.flat
    for i in range(np.uint64(len(array))):
        kept[i] = array[i]


@compiled
def stop_unless_all_finite(theta):
    zero, wrong = theta.dtype.type(0), False
    for i in range(np.uint64(theta.size)):
        wrong |= theta[i] * zero != zero  # NaN for what is infinite or NaN
    if wrong:
        raise FloatingPointError
