"""The one table of all losses: a row for each combination of options worth testing.

Central differences, PyTorch's values and the fixtures all walk over it; a registered loss or an
option of one that no row sets fails in `test_losses.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from glassnet.losses import LOSSES, Loss
from glassnet.targets import Targets, read_targets

ROWS = 6
DICT = {0: 0.5, 2: 3.0}  # class 1 is left out and weighs 1
LIST = [0.5, 1.0, 3.0]


@dataclass(frozen=True)
class Case:
    """How one loss is tested.

    Attributes:
        name: the loss's.
        options: of the loss.
        form: how the targets are written: numbers, labels, one-hot, soft, one-label (one output
            with 0 and 1), one-soft (one output, shares), multilabel.
        weighted: whether there are sample weights.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    form: str = "numbers"
    weighted: bool = False

    def __str__(self) -> str:
        options = json.dumps(self.options).replace(" ", "").replace('"', "")
        return f"{self.name}-{options}-{self.form}" + ("-weighted" if self.weighted else "")

    @property
    def outputs(self) -> int:
        return 1 if self.form.startswith("one-") and self.form != "one-hot" else 3

    @property
    def reduction(self) -> str:
        return str(self.options.get("reduction", "mean"))

    def draw(self, seed: int = 0) -> tuple[Any, Any, Any]:
        """Outputs (n, K), targets as a user writes them, and sample weights or None."""
        rng = np.random.default_rng([seed, self.outputs])
        outputs = rng.normal(0, 2, (ROWS, self.outputs))
        y = self._targets(rng)
        if self.form == "numbers":  # not where the absolute error and Huber's loss have their kinks
            distance = rng.choice([0.2, 0.7, 1.4, 3.5], outputs.shape)
            y = outputs + rng.choice([-1, 1], outputs.shape) * distance
        return outputs, y, rng.uniform(0, 2, ROWS) if self.weighted else None

    def _targets(self, rng: np.random.Generator) -> Any:
        labels = rng.permutation(np.arange(ROWS) % 3)  # every class occurs
        labels[0] = labels[1]  # not equally often
        match self.form:
            case "labels":
                return labels
            case "one-hot":
                return np.eye(3)[labels]
            case "soft":
                return rng.dirichlet([1.0, 1.0, 1.0], ROWS)
            case "one-label":
                return labels % 2
            case "one-soft":
                return rng.uniform(0.05, 0.95, ROWS)
            case "multilabel":
                return rng.integers(2, size=(ROWS, 3))
        return None

    def targets(self, y: Any) -> Targets:
        """What the loss sees of `y`."""
        return read_targets(y, self.outputs, self.make(), np.dtype("float64"))

    def make(self) -> Loss:
        return LOSSES.create({"name": self.name, **self.options})

    def ready(self, y: Any) -> Loss:
        """The loss, with `class_weight="balanced"` counted on these targets."""
        loss = self.make()
        if loss.class_weight != "balanced":
            return loss
        return loss.balanced(self.targets(y).classes, max(2, self.outputs))


def _cases() -> list[Case]:
    cases = []
    plain = [("mse", {}), ("squared_error", {}), ("mae", {}), ("huber", {})]
    plain += [("huber", {"delta": 0.5}), ("huber", {"delta": 2.5})]
    for (name, own), reduction in product(plain, ("mean", "sum")):
        options = {**own, "reduction": reduction}
        cases += [Case(name, options), Case(name, options, weighted=True)]
    of_three, of_two = (DICT, LIST, "balanced"), ({1: 3.0}, [0.5, 2.0], "balanced")
    for (name, own), (weight, by_two) in product(plain[:4], zip(of_three, of_two, strict=True)):
        cases.append(Case(name, {**own, "class_weight": weight}, "labels"))
        cases.append(Case(name, {**own, "class_weight": weight}, "one-hot", weighted=True))
        cases.append(Case(name, {**own, "class_weight": by_two}, "one-label"))
    name = "binary_cross_entropy"
    for form, reduction, weighted in product(
        ("one-label", "one-soft", "multilabel"), ("mean", "sum"), (False, True)
    ):
        cases.append(Case(name, {"reduction": reduction}, form, weighted))
    for weight, weighted in product(of_two, (False, True)):
        cases.append(Case(name, {"class_weight": weight}, "one-label", weighted))
    name = "cross_entropy"
    for form, reduction, smoothing, weighted in product(
        ("labels", "one-hot", "soft"), ("mean", "sum"), (0.0, 0.1), (False, True)
    ):
        options = {"reduction": reduction, "label_smoothing": smoothing}
        cases.append(Case(name, options, form, weighted))
    for weight, reduction, smoothing in product(of_three, ("mean", "sum"), (0.0, 0.3)):
        options = {"class_weight": weight, "reduction": reduction, "label_smoothing": smoothing}
        cases.append(Case(name, options, "labels", weighted=smoothing > 0))
    return cases


CASES = _cases()
