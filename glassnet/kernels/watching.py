"""Twins of `estimators/watching.py`."""

from glassnet.kernels.compile import compiled


@compiled
def wait_for_progress(sums, scale, tolerance, patience, best, waited, seen):
    loss = sums[0] / sums[1] / scale[()]
    seen[()] += 1
    if loss > best[()] - tolerance[()]:
        waited[()] += 1
    else:
        waited[()] = 0
    if loss < best[()]:
        best[()] = loss
    if waited[()] > patience[()]:
        raise FloatingPointError
