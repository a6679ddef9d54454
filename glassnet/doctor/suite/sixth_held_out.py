"""The sixth held-out part of the suite: drawn by lot as the fifth, with other numbers.

Here stand the numbers, from 100 on, of the first trainings of each defect, and of the first sixty
healthy ones, of which `outcomes` says that they are what they ought to be. Two names stand where
both are so: a rate that is too high and breaks the training down, and one so low that nothing
moves. The doctor saw none of these before. Whoever changes a rule because of what happened here
draws with other numbers, moves these to the tuning part, and says so in
`docs/doctor-suite-notes.md`.
"""

from __future__ import annotations

from functools import partial

from glassnet.doctor.suite.drawing import healthy, sick
from glassnet.doctor.suite.training import Case

NUMBERS: dict[tuple[str, ...], tuple[int, ...]] = {
    ("not-finite",): (100, 101, 102, 103),
    ("unscaled-inputs",): (100, 101, 102, 103),
    ("poor-initial-weights",): (100, 101, 102, 103),
    ("dead-relu",): (100, 101, 102, 103),
    ("saturated",): (100, 101, 102, 103),
    ("vanishing-gradient",): (102, 103, 104, 105),
    ("exploding-gradient",): (100, 101, 102, 104),
    ("learning-rate-too-high",): (100, 102),
    ("learning-rate-too-high", "not-finite"): (101, 104),
    ("learning-rate-too-low",): (100, 101, 102, 103),
    ("update-too-large",): (100, 104, 106, 107),
    ("update-too-small", "learning-rate-too-low"): (100, 101, 102, 103),
    ("class-imbalance",): (100, 101, 102, 103),
    ("one-class",): (101, 102, 103, 104),
    ("tiny-batches",): (100, 102, 104, 106),
    ("dropout-too-high",): (100, 102, 105, 106),
    ("overfitting",): (101, 107, 111, 113),
    ("overtraining",): (100, 103, 106, 107),
    ("constant-features",): (100, 101, 102, 103),
    ("loss-not-decreasing",): (101, 102, 103, 104),
}

UNFIT = (108, 113, 121, 131, 153, 159)
"""Trainings without a drawn defect that one would not be content with."""

SICK = [
    Case(f"{rules[0]}, number {number}", partial(sick, rules[0], number), rules)
    for rules, numbers in NUMBERS.items()
    for number in numbers
]

HEALTHY = [
    Case(f"healthy, number {number}", partial(healthy, number))
    for number in range(100, 166)
    if number not in UNFIT
]
