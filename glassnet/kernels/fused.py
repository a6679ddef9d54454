"""Twins of `fused.py`: several kernels in one pass, with the numbers that they have one by one.

Each number goes through the same operations in the same order as in the kernels that are replaced.
What only stands between two of them stays in a register; a product that was stored before something
was added to it is rounded here too (`product`), and not made part of a multiply-add.
"""

import numpy as np

from glassnet.kernels.batch_norm import column_statistics, running_scale, standardise_row
from glassnet.kernels.compile import compiled
from glassnet.kernels.dense import (
    ONE,
    TWO,
    column,
    four_rows,
    of_four_rows,
    of_two_rows,
    product,
    two_rows,
)
from glassnet.kernels.philox import HALF, LOW, ROUNDS, next_key, one_round

FOUR = np.uint64(4)


# Batch norm and ReLU, on all columns or on those of one of two threads (`glassnet.owners`).


@compiled(inline=True)
def rectify_row(x_hat, i, first, last, gamma, beta, y):
    """y = max(γ x̂ + β, 0) in columns of row i."""
    zero = y.dtype.type(0)
    for j in range(first, last):
        z = x_hat[i, j] * gamma[j] + beta[j]
        y[i, j] = zero if z <= zero else z


@compiled(inline=True)
def rectify_drop_row(x_hat, i, first, last, gamma, beta, words, start, threshold, enlarged, y):
    """y = m max(γ x̂ + β, 0) in columns of row i, whose words begin at `start`."""
    zero = y.dtype.type(0)
    for j in range(first, last):
        z = x_hat[i, j] * gamma[j] + beta[j]
        z = zero if z <= zero else z
        y[i, j] = z * (enlarged if words[start + j] >= threshold else zero)


@compiled(inline=True)
def open_forward(
    x, first, last, gamma, beta, running_mean, running_var, momentum, epsilon, x_hat, inv_std, y
):
    """Batch norm and ReLU of columns."""
    n = np.uint64(x.shape[0])
    if n < 2:
        return
    mean = y[0]
    column_statistics(x, first, last, running_mean, running_var, momentum, epsilon, mean, inv_std)
    for back in range(n):
        i = n - np.uint64(1) - back
        standardise_row(x, i, first, last, mean, inv_std, x_hat)
        rectify_row(x_hat, i, first, last, gamma, beta, y)


@compiled
def normalise_rectify(
    x, gamma, beta, running_mean, running_var, momentum, epsilon, x_hat, inv_std, y
):
    first, last = np.uint64(0), np.uint64(x.shape[1])
    running = running_mean, running_var
    open_forward(x, first, last, gamma, beta, *running, momentum, epsilon, x_hat, inv_std, y)


@compiled
def normalise_rectify_columns(
    columns, x, gamma, beta, running_mean, running_var, momentum, epsilon, x_hat, inv_std, y
):
    first, last = np.uint64(columns[0]), np.uint64(columns[1])
    running = running_mean, running_var
    open_forward(x, first, last, gamma, beta, *running, momentum, epsilon, x_hat, inv_std, y)


# Dropout's random words are made for four rows at a time, for which whole counters give them: they
# are had where those of all rows were, but so few do not leave the nearest cache.


@compiled(inline=True)
def words_of_four_rows(key, step, before, first, last, words):
    """Words 4·first to 4·last of four rows, before which come the words of `before` counters."""
    key_0, key_1, t = np.uint64(key[0]), np.uint64(key[1]), np.uint64(step[0])
    for b in range(first, last):
        block = before + b
        c0, c1, c2, c3 = block & LOW, block >> HALF, t & LOW, t >> HALF
        k0, k1 = key_0, key_1
        for _ in range(ROUNDS):
            c0, c1, c2, c3 = one_round(c0, c1, c2, c3, k0, k1)
            k0, k1 = next_key(k0, k1)
        words[FOUR * b] = c0
        words[FOUR * b + np.uint64(1)] = c1
        words[FOUR * b + np.uint64(2)] = c2
        words[FOUR * b + np.uint64(3)] = c3


@compiled(inline=True)
def rows_of_four(n, four):
    """How many rows the four have: fewer than four at the end."""
    return min(FOUR, n - FOUR * four)


@compiled(inline=True)
def normalise_rectify_row(x, i, running_mean, scale, beta, y):
    """y = max(γ x̂ + β, 0) in row i, with γ/√(v + ε) in `scale`."""
    zero = y.dtype.type(0)
    for j in range(np.uint64(y.shape[1])):
        z = (x[i, j] - running_mean[j]) * scale[j] + beta[j]
        y[i, j] = zero if z <= zero else z


@compiled
def normalise_rectify_inference(x, gamma, beta, running_mean, running_var, epsilon, y):
    n = np.uint64(x.shape[0])
    if n == 0:
        return
    scale = y[0]  # until its turn comes, last
    running_scale(x, gamma, running_var, epsilon, scale)
    for back in range(n):
        normalise_rectify_row(x, n - np.uint64(1) - back, running_mean, scale, beta, y)


@compiled
def normalise_rectify_drop(
    x,
    gamma,
    beta,
    running_mean,
    running_var,
    momentum,
    epsilon,
    key,
    step,
    rate,
    work,
    x_hat,
    inv_std,
    y,
):
    n, d, zero = np.uint64(x.shape[0]), np.uint64(x.shape[1]), np.uint64(0)
    enlarged, threshold = x.dtype.type(1 / (1 - rate[()])), word_threshold(rate)
    step[0] += 1
    if n < 2:
        return
    mean = y[0]
    column_statistics(x, zero, d, running_mean, running_var, momentum, epsilon, mean, inv_std)
    fours = (n + FOUR - np.uint64(1)) // FOUR
    for back in range(fours):
        four = fours - np.uint64(1) - back
        blocks = (rows_of_four(n, four) * d + FOUR - np.uint64(1)) // FOUR  # as many as `work` has
        words_of_four_rows(key, step, four * d, zero, blocks, work)
        for of_four in range(rows_of_four(n, four)):
            row = rows_of_four(n, four) - np.uint64(1) - of_four
            i = FOUR * four + row
            standardise_row(x, i, zero, d, mean, inv_std, x_hat)
            rectify_drop_row(x_hat, i, zero, d, gamma, beta, work, row * d, threshold, enlarged, y)


@compiled
def normalise_rectify_drop_columns(
    columns,
    x,
    gamma,
    beta,
    running_mean,
    running_var,
    momentum,
    epsilon,
    key,
    step,
    rate,
    work,
    x_hat,
    inv_std,
    y,
):
    n, d = np.uint64(x.shape[0]), np.uint64(x.shape[1])
    first, last = np.uint64(columns[0]), np.uint64(columns[1])
    enlarged, threshold = x.dtype.type(1 / (1 - rate[()])), word_threshold(rate)
    if n < 2:
        return
    mean = y[0]
    column_statistics(x, first, last, running_mean, running_var, momentum, epsilon, mean, inv_std)
    fours = (n + FOUR - np.uint64(1)) // FOUR
    for back in range(fours):
        four = fours - np.uint64(1) - back
        for of_four in range(rows_of_four(n, four)):
            row = rows_of_four(n, four) - np.uint64(1) - of_four
            i, start = FOUR * four + row, row * d
            first_block, last_block = (start + first) // FOUR, (start + last) // FOUR
            words_of_four_rows(key, step, four * d, first_block, last_block, work)
            standardise_row(x, i, first, last, mean, inv_std, x_hat)
            rectify_drop_row(
                x_hat, i, first, last, gamma, beta, work, start, threshold, enlarged, y
            )


@compiled(inline=True)
def word_threshold(rate):
    """The smallest random word for which a number is kept."""
    return np.uint32(min(np.rint(rate[()] * 2.0**32), 2.0**32 - 1.0))


@compiled(inline=True)
def open_backward(dy, y, first, last, slope, x_hat, inv_std, gamma, dx, d_gamma, d_beta):
    """Back through what made y zero in places and is linear elsewhere, then through batch norm."""
    n = np.uint64(dy.shape[0])
    zero, share = dy.dtype.type(0), dy.dtype.type(1 / n)
    for j in range(first, last):
        d_gamma[j] = zero
        d_beta[j] = zero
    for four in range(n // FOUR):  # four rows at a time, with a quarter of the traffic to the sums
        i0 = FOUR * four
        i1, i2, i3 = i0 + np.uint64(1), i0 + np.uint64(2), i0 + np.uint64(3)
        for j in range(first, last):
            z0 = product(dy[i0, j], slope if y[i0, j] > zero else zero)
            z1 = product(dy[i1, j], slope if y[i1, j] > zero else zero)
            z2 = product(dy[i2, j], slope if y[i2, j] > zero else zero)
            z3 = product(dy[i3, j], slope if y[i3, j] > zero else zero)
            two_rows = d_gamma[j] + z0 * x_hat[i0, j] + z1 * x_hat[i1, j]
            d_gamma[j] = two_rows + z2 * x_hat[i2, j] + z3 * x_hat[i3, j]
            d_beta[j] = d_beta[j] + z0 + z1 + z2 + z3
    for i in range(n // FOUR * FOUR, n):
        for j in range(first, last):
            dz = product(dy[i, j], slope if y[i, j] > zero else zero)
            d_gamma[j] += dz * x_hat[i, j]
            d_beta[j] += dz
    for i in range(n):
        for j in range(first, last):
            dz = product(dy[i, j], slope if y[i, j] > zero else zero)
            undone = share * (d_beta[j] + x_hat[i, j] * d_gamma[j])
            dx[i, j] = gamma[j] * inv_std[j] * (dz - undone)


@compiled
def normalise_rectify_backward(dy, y, x_hat, inv_std, gamma, dx, d_gamma, d_beta):
    first, last, one = np.uint64(0), np.uint64(dy.shape[1]), dy.dtype.type(1)
    open_backward(dy, y, first, last, one, x_hat, inv_std, gamma, dx, d_gamma, d_beta)


@compiled
def normalise_rectify_backward_columns(columns, dy, y, x_hat, inv_std, gamma, dx, d_gamma, d_beta):
    first, last, one = np.uint64(columns[0]), np.uint64(columns[1]), dy.dtype.type(1)
    open_backward(dy, y, first, last, one, x_hat, inv_std, gamma, dx, d_gamma, d_beta)


@compiled
def normalise_rectify_drop_backward(dy, y, rate, x_hat, inv_std, gamma, dx, d_gamma, d_beta):
    first, last = np.uint64(0), np.uint64(dy.shape[1])
    enlarged = dy.dtype.type(1 / (1 - rate[()]))
    open_backward(dy, y, first, last, enlarged, x_hat, inv_std, gamma, dx, d_gamma, d_beta)


@compiled
def normalise_rectify_drop_backward_columns(
    columns, dy, y, rate, x_hat, inv_std, gamma, dx, d_gamma, d_beta
):
    first, last = np.uint64(columns[0]), np.uint64(columns[1])
    enlarged = dy.dtype.type(1 / (1 - rate[()]))
    open_backward(dy, y, first, last, enlarged, x_hat, inv_std, gamma, dx, d_gamma, d_beta)


# Batches of few rows: two rows of W at a time, as in `dense_weight_gradient`. In plain descent a
# row of W stays as it is where its input is zero in the whole batch.


@compiled(inline=True)
def are_zero(xk, xq):
    """Whether no input of two columns differs from zero."""
    sizes = abs(xk[0]) + abs(xk[1]) + abs(xk[2]) + abs(xk[3])
    return sizes + abs(xq[0]) + abs(xq[1]) + abs(xq[2]) + abs(xq[3]) == 0


@compiled
def descend_by_rows(x, dy, weight, learning_rate):
    rate = weight.dtype.type(learning_rate[()])
    n, fan_in, units = len(x), np.uint64(len(weight)), np.uint64(weight.shape[1])
    if n == 1:
        for k in range(fan_in):
            xk = x[0, k]
            for j in range(units):
                weight[k, j] -= rate * product(xk, dy[0, j])
        return
    for pair in range(fan_in // TWO):
        k = TWO * pair
        q = k + ONE
        xk, xq = column(x, k), column(x, q)
        if are_zero(xk, xq):
            continue
        if n == 2:
            for j in range(units):
                d = two_rows(dy, j)
                weight[k, j] -= rate * of_two_rows(xk, d)
                weight[q, j] -= rate * of_two_rows(xq, d)
        else:
            for j in range(units):
                d = four_rows(dy, j)
                weight[k, j] -= rate * of_four_rows(xk, d)
                weight[q, j] -= rate * of_four_rows(xq, d)
    for k in range(fan_in // TWO * TWO, fan_in):
        xk = column(x, k)
        for j in range(units):
            weight[k, j] -= rate * of_four_rows(xk, four_rows(dy, j))


@compiled
def momentum_by_rows(x, dy, weight, velocity, learning_rate, momentum):
    rate, beta = weight.dtype.type(learning_rate[()]), weight.dtype.type(momentum[()])
    for k in range(np.uint64(weight.shape[0])):
        xk = column(x, k)
        if len(x) == 1:
            for j in range(np.uint64(weight.shape[1])):
                velocity[k, j] = beta * velocity[k, j] + product(xk[0], dy[0, j])
                weight[k, j] -= rate * velocity[k, j]
        else:
            for j in range(np.uint64(weight.shape[1])):
                velocity[k, j] = beta * velocity[k, j] + of_two_rows(xk, two_rows(dy, j))
                weight[k, j] -= rate * velocity[k, j]


# With a list, the processor need not guess at every input whether it is zero: guessing wrong some
# forty times a digit costs as much as the arithmetic.


@compiled
def list_inputs(x, places):
    count, zero = np.uint64(0), x.dtype.type(0)
    for k in range(np.uint64(x.shape[1])):
        places[count + np.uint64(1)] = k
        count += np.uint64(x[0, k] != zero)
    places[0] = count


@compiled
def dense_forward_listed(x, places, weight, bias, y):
    units, count = np.uint64(weight.shape[1]), np.uint64(places[0])
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    for j in range(units):
        y[0, j] = bias[j]
    for four in range(count // FOUR):
        p = FOUR * four + one
        k0, k1 = np.uint64(places[p]), np.uint64(places[p + one])
        k2, k3 = np.uint64(places[p + two]), np.uint64(places[p + three])
        x0, x1, x2, x3 = x[0, k0], x[0, k1], x[0, k2], x[0, k3]
        for j in range(units):
            total = y[0, j] + x0 * weight[k0, j] + x1 * weight[k1, j]
            y[0, j] = total + x2 * weight[k2, j] + x3 * weight[k3, j]
    for p in range(count // FOUR * FOUR + one, count + one):
        k = np.uint64(places[p])
        xk = x[0, k]
        for j in range(units):
            y[0, j] += xk * weight[k, j]


@compiled
def descend_listed(x, places, dy, weight, learning_rate):
    rate = weight.dtype.type(learning_rate[()])
    for p in range(np.uint64(1), np.uint64(places[0]) + np.uint64(1)):
        k = np.uint64(places[p])
        xk = x[0, k]
        for j in range(np.uint64(weight.shape[1])):
            weight[k, j] -= rate * product(xk, dy[0, j])
