"""What to call the estimators' kernels with; the form is that of `rest.py`."""

import numpy as np
from kernel_cases.rest import Draw, _case, number

import glassnet.estimators.objectives
import glassnet.estimators.watching  # noqa: F401, so that their kernels are known


def poisson(draw: Draw, n, k):
    counts = draw.rng.poisson(1.0, (n, k)).astype(draw.dtype)
    return draw.normal(n, k), counts, draw.nothing(n), draw.nothing(n, k)


def add_penalty(rows):
    def arguments(draw: Draw, n, k):
        total = np.array([3.0, rows])
        return draw.normal(n * k), number(0.5), number(2), number(3), total, number(7)

    return arguments


def wait_for_progress(loss):
    """An epoch of this loss, where the best one was 1."""

    def arguments(draw: Draw, n, k):
        numbers = (number(value) for value in (2, 0.1, 5, 1, 3, 8))
        return np.array([2 * 10 * loss, 10.0, 0, 0]), *numbers

    return arguments


CASES = {
    "estimators.objectives.poisson": _case(poisson),
    "estimators.objectives.add_penalty": _case(add_penalty(8)),
    "estimators.objectives.add_penalty, no weight": _case(add_penalty(0)),
    "estimators.watching.wait_for_progress": _case(wait_for_progress(0.8)),
    "estimators.watching.wait_for_progress, too little": _case(wait_for_progress(0.95)),
    "estimators.watching.wait_for_progress, worse": _case(wait_for_progress(2.0)),
    "estimators.watching.wait_for_progress, not a number": _case(wait_for_progress(np.nan)),
}
