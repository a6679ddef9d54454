"""The fifth held-out part of the suite: trainings drawn by lot (`drawing`), not chosen by anyone.

Here stand the numbers of the first four of each defect, and of the first fifty healthy ones, of
which `outcomes` said that they are what they ought to be; those between them are not. It was
run once; what was missed was looked at then, so it is spent, and `sixth_held_out` replaces it.
"""

from __future__ import annotations

from functools import partial

from glassnet.doctor.suite.drawing import healthy, sick
from glassnet.doctor.suite.training import Case

NUMBERS: dict[str, tuple[int, ...]] = {
    "not-finite": (0, 2, 3, 4),
    "unscaled-inputs": (0, 1, 2, 3),
    "poor-initial-weights": (0, 2, 3, 5),
    "dead-relu": (0, 1, 2, 3),
    "saturated": (0, 1, 2, 3),
    "vanishing-gradient": (1, 2, 3, 5),
    "exploding-gradient": (0, 2, 3, 6),
    "learning-rate-too-high": (0, 1, 2, 3),
    "learning-rate-too-low": (0, 1, 2, 4),
    "update-too-large": (0, 1, 2, 3),
    "update-too-small": (0, 1, 2, 3),
    "class-imbalance": (0, 1, 2, 3),
    "one-class": (0, 1, 3, 4),
    "tiny-batches": (0, 2, 3, 4),
    "dropout-too-high": (2, 4, 5, 8),
    "overfitting": (2, 3, 4, 5),
    "overtraining": (0, 2, 3, 5),
    "constant-features": (0, 1, 2, 3),
    "loss-not-decreasing": (0, 1, 2, 3),
}

UNFIT = (0, 5, 6, 11, 13, 19, 33, 34, 35, 37, 41, 58, 61)
"""Trainings without a drawn defect that one would not be content with."""

SICK = [
    Case(f"{rule}, number {number}", partial(sick, rule, number), (rule,))
    for rule, numbers in NUMBERS.items()
    for number in numbers
]

HEALTHY = [
    Case(f"healthy, number {number}", partial(healthy, number))
    for number in range(63)
    if number not in UNFIT
]
