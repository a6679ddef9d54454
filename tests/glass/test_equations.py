"""Every kernel has its equation, and the equation speaks of what the kernel does."""

from __future__ import annotations

import kernel_cases.estimators
import kernel_cases.fused
import kernel_cases.layers
import kernel_cases.nonzeros
import kernel_cases.rest
import numpy as np
import pytest

import glassnet.epochs
import glassnet.fused
import glassnet.nonzeros
import glassnet.trainer  # noqa: F401  (with it, all modules that declare kernels)
from glassnet.accelerate import KERNELS
from glassnet.fusing import arguments_of
from glassnet.glass import notation
from glassnet.glass.equations import arguments_in, equations

OURS = [name for name, kernel in KERNELS.items() if kernel.__module__.startswith("glassnet.")]
CASES = (
    kernel_cases.layers.CASES
    | kernel_cases.rest.CASES
    | kernel_cases.fused.CASES
    | kernel_cases.nonzeros.CASES
    | kernel_cases.estimators.CASES
)


def test_every_kernel_has_its_equation_and_every_equation_its_kernel():
    assert set(equations()) == set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_equation_can_be_shown_and_names_only_arguments(name):
    equation, arguments = equations()[name], arguments_of(KERNELS[name])
    named = arguments_in(" ".join([*equation.results.values(), equation.where]))
    assert set(named) <= set(arguments)
    assert set(equation.results) | set(equation.work) <= set(arguments)
    for line in [*equation.lines(), *filter(None, [equation.definitions()])]:
        assert notation.text(line).strip()
        assert notation.mathml(line).startswith("<math>")
        assert "$" not in line
    assert equation.source
    assert equation.title


@pytest.mark.parametrize("name", CASES)
def test_equation_says_what_the_kernel_writes(name):
    """Every array that a kernel changes stands on the left of an equation, or is scratch paper."""
    kernel = KERNELS[name.split(",")[0]]
    equation, arguments = equations()[kernel.name], arguments_of(kernel)
    drawn = CASES[name].draw(np.random.default_rng(3), (6, 8), np.dtype("float64"))
    before = [array.copy() for array in drawn]
    with np.errstate(all="ignore"):
        kernel.reference(*drawn)
    changed = {
        argument
        for argument, old, new in zip(arguments, before, drawn, strict=True)
        if not np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
    }
    assert changed <= set(equation.results) | set(equation.work)
