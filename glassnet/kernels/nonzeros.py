"""Twins of `nonzeros.py`. Places of a list are taken in order, four at a time."""

import numpy as np

from glassnet.kernels.compile import compiled

ONE, FOUR = np.uint64(1), np.uint64(4)


@compiled
def sparse_product(starts, places, values, index, matrix, initial, product):
    width, bounds = np.uint64(matrix.shape[1]), starts[index[()]]
    for r in range(np.uint64(len(product))):
        for j in range(width):
            product[r, j] = initial[j]
        start, end = np.uint64(bounds[r]), np.uint64(bounds[r + ONE])
        fours = (end - start) // FOUR
        for four in range(fours):
            p = start + FOUR * four
            p1, p2, p3 = p + ONE, p + np.uint64(2), p + np.uint64(3)
            k0, k1 = np.uint64(places[p]), np.uint64(places[p1])
            k2, k3 = np.uint64(places[p2]), np.uint64(places[p3])
            x0, x1, x2, x3 = values[p], values[p1], values[p2], values[p3]
            for j in range(width):
                total = product[r, j] + x0 * matrix[k0, j] + x1 * matrix[k1, j]
                product[r, j] = total + x2 * matrix[k2, j] + x3 * matrix[k3, j]
        for p in range(start + FOUR * fours, end):
            k, x = np.uint64(places[p]), values[p]
            for j in range(width):
                product[r, j] += x * matrix[k, j]


# Whether a number is zero is added, not asked: guessing wrong costs more than writing it down in
# vain, to be written over by the next one. The lists have room for one number more.


@compiled
def list_rows(x, starts, columns, values):
    place, zero = np.uint64(starts[0]), x.dtype.type(0)
    for i in range(np.uint64(x.shape[0])):
        for k in range(np.uint64(x.shape[1])):
            columns[place] = k
            values[place] = x[i, k]
            place += np.uint64(x[i, k] != zero)
        starts[i + ONE] = place


@compiled
def list_columns(row_starts, columns, row_values, starts, rows, values):
    first, width = row_starts[0], np.uint64(len(starts)) - ONE
    n = np.uint64(len(row_starts)) - ONE
    for k in range(width + ONE):
        starts[k] = 0
    for p in range(np.uint64(first), np.uint64(row_starts[n])):
        starts[columns[p]] += 1
    end = first
    for k in range(width):  # where each column begins; `starts` then moves on to where it ends
        starts[k], end = end, end + starts[k]
    for i in range(n):
        for p in range(np.uint64(row_starts[i]), np.uint64(row_starts[i + ONE])):
            k = columns[p]
            place = starts[k]
            rows[place], values[place] = i, row_values[p]
            starts[k] = place + 1
    for back in range(width):
        k = width - back
        starts[k] = starts[k - ONE]
    starts[0] = first
