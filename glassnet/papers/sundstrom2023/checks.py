"""What the paper asks and no check of the framework answers: why accuracy jumps between epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glassnet.accelerate import Array
from glassnet.experiments.checks import Check, Outcome
from glassnet.experiments.measures import Quantity
from glassnet.experiments.results import Record, Results, column
from glassnet.runs.sections import Share, Whole

PREFIX = "recall."


@dataclass(frozen=True)
class Jump:
    """The largest rise of accuracy from one epoch to the next.

    Attributes:
        epoch: after which it is there, from 1.
        gain: in accuracy.
        name: of the class whose recall rose most.
        before, after: that recall.
        share: of the class in the rise of all recalls together.
    """

    epoch: int
    gain: float
    name: str
    before: float
    after: float
    share: float


def recalls(record: Record) -> dict[str, Array]:
    """Recall by epoch, (epochs,), of every class; needs `recall_by_class`."""
    names = [key for key in record["history"][0] if key.startswith(PREFIX)]
    return {name.removeprefix(PREFIX): column(record, name) for name in names}


def largest_jump(record: Record, from_epoch: int = 1) -> Jump:
    """The largest rise of test accuracy after an epoch, and the class that rose most in it.

    In a training that ends before, the last rise.
    """
    rises = np.diff(column(record, "val_accuracy"))
    first = min(from_epoch, len(rises)) - 1
    at = int(first + np.argmax(rises[first:]))
    curves = recalls(record)
    changes = {name: float(curve[at + 1] - curve[at]) for name, curve in curves.items()}
    name = max(changes, key=lambda key: changes[key])
    before, after = curves[name][at : at + 2]
    share = changes[name] / sum(changes.values())
    return Jump(at + 2, float(rises[at]), name, float(before), float(after), share)


def sudden_jumps(records: Sequence[Record], from_epoch: int, gain: float) -> list[Jump]:
    """The largest rise of each training, where it is at least so large."""
    jumps = [largest_jump(record, from_epoch) for record in records]
    return [jump for jump in jumps if jump.gain >= gain]


class OneClass(Quantity, Check):
    """Where accuracy jumps from one epoch to the next, it is one class that is learned.

    Looked at is the largest rise of each repetition, if it is a jump at all.

    Keys besides `cell` and `experiment`: `from_epoch`, after which it is looked for; `gain`, the
    least rise of accuracy that is a jump; `share`, what the class must have of the rise of all
    classes' recalls.
    """

    name = "one_class"
    from_epoch: Whole = 1
    gain: Share = 0.02
    share: Share = 0.5

    def judge(self, results: Results) -> Outcome:
        where = results.of(self.experiment)
        records = where.repetitions(where.only_cell(self.cell))
        jumps = sudden_jumps(records, self.from_epoch, self.gain)
        texts = [
            f"epoch {j.epoch}: {100 * j.gain:+.1f} points, recall of class {j.name} from "
            f"{j.before:.0%} to {j.after:.0%}"
            for j in jumps
        ]
        explained = sum(jump.share >= self.share for jump in jumps)
        found = f"{explained} of {len(jumps)} jumps"
        detail = "; ".join([f"in {len(jumps)} of {len(records)} trainings", *texts])
        return Outcome("held" if jumps and explained == len(jumps) else "failed", found, detail)
