"""The benchmark's PyTorch does the same work as ours: equal losses, equal probabilities."""

from dataclasses import replace

import pytest

from glassnet.bench.check import TOLERANCE, worst_difference
from glassnet.bench.contender import Variant
from glassnet.bench.ours import Ours
from glassnet.bench.torch_contender import Torch
from glassnet.bench.workloads import WORKLOADS

COMPARED = [
    work.quick()
    for work in WORKLOADS
    if work.data != "mnist" and any(target.against == "torch" for target in work.targets)
]

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("work", COMPARED, ids=lambda work: work.name)
def test_same_numbers(work):
    ours, theirs = (side(work, Variant("")).check() for side in (Ours, Torch))
    assert len(ours) >= min(work.check_steps, 8)
    assert worst_difference(theirs, ours) <= TOLERANCE


@pytest.mark.parametrize("name", ["tiny", "tabular-sweep", "predict-one"])
def test_it_can_be_timed(name):
    (work,) = (replace(work, seeds=(0,)) for work in COMPARED if work.name == name)
    assert Torch(work, Variant("")).measure() > 0
