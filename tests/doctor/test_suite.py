"""The held-out parts: their trainings can be built, and their labels can be found wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import glassnet as gn
from glassnet.doctor.suite import (
    fifth_held_out,
    fourth_held_out,
    sixth_held_out,
    third_held_out,
)
from glassnet.doctor.suite.outcomes import PROOFS, Suspect, content, verify
from glassnet.doctor.suite.third_rows import flipped, twonorm
from glassnet.doctor.suite.training import Case, Training, mlp
from glassnet.initializers import Constant

PARTS = (third_held_out, fourth_held_out, fifth_held_out, sixth_held_out)
CASES = [case for part in PARTS for case in (*part.SICK, *part.HEALTHY)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_training_can_be_built(case):
    training = case.make()
    rows = training.rows
    network = gn.Network(training.layers, rows.x.shape[1:], training.seed)
    assert network.output_shape == (rows.outputs,)
    assert (rows.held is None) != (rows.kept is None) or case.expects


def test_no_name_and_no_seed_comes_twice():
    assert len({case.name for case in CASES}) == len(CASES) >= 80
    assert len({case.make().seed for case in CASES}) == len(CASES)


def test_a_number_always_gives_the_same_training():
    case = sixth_held_out.SICK[0]
    first, second = case.make(), case.make()
    assert np.array_equal(first.rows.x, second.rows.x)
    assert first.optimizer.options() == second.optimizer.options()


def healthy(**changes):
    """A training that one is content with, or with changes not."""

    def make():
        training = Training(twonorm(600), mlp([16], 2), gn.Adam(2e-3), 8, 30, 1)
        return replace(training, **changes)

    return Case("twonorm", make)


def wrong(case):
    """What the label says and is not so."""
    return {name for name, (holds, _) in verify(case).items() if not holds}


def test_a_healthy_training_passes():
    assert wrong(healthy()) == set()


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"optimizer": gn.SGD(1e-9)}, "it learns what is there"),
        ({"layers": mlp([16], 2, bias=Constant(-5.0)), "epochs": 3}, "its units are alive"),
        ({"rows": flipped(twonorm(100), 0.2), "epochs": 150}, "it knows other rows as well"),
        ({"rows": twonorm(600, rare=0.02), "optimizer": gn.SGD(0.01)}, "it knows every class"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_sick_training_is_not_taken_for_healthy(changes, missed):
    assert missed in wrong(healthy(**changes))


@pytest.mark.parametrize("rule", sorted(PROOFS))
def test_a_healthy_training_proves_no_defect(rule):
    holds, _ = PROOFS[rule](Suspect(healthy()))
    assert not holds


def test_what_a_healthy_training_is_contains_all_it_should():
    assert np.array([holds for holds, _ in content(Suspect(healthy())).values()]).sum() == 7
