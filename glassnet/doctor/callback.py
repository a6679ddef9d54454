"""The doctor as a callback: it looks at a training now and then, and says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.callbacks import Callback
from glassnet.doctor.breakdown import LastGood, find_breakdown
from glassnet.doctor.facts import chosen_rows, read_setting, recall
from glassnet.doctor.finding import Finding
from glassnet.doctor.measuring import Copy, Probe, make_probe, measure
from glassnet.doctor.record import Moment, Record
from glassnet.doctor.rules import Thresholds, diagnose
from glassnet.files import write_atomically
from glassnet.targets import predictions

if TYPE_CHECKING:
    from glassnet.trainer import Trainer


INITIAL = ("initial_loss", "initial_error")
"""Of the setting, what a resumed training can no longer measure: its weights are not the first."""


def is_due(epoch: int) -> bool:
    """Whether the doctor looks after this epoch: 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, …

    So a training of E epochs is looked at about 2 log₂ E times, however long it is, and most often
    at the beginning, where most goes wrong.

    >>> [epoch for epoch in range(1, 50) if is_due(epoch)]
    [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
    """
    odd = epoch // (epoch & -epoch) if epoch else 0
    return odd == 1 or odd == 3


class Doctor(Callback):
    """Watch a training and say what goes wrong in it, with the evidence, and what to change.

    It looks before the first step, after epochs 1, 2, 3, 4, 6, 8, 12, 16, … and at the end, always
    at the same rows and on a copy, so that the training's bits stay as they are.

    Arguments:
        thresholds: of the rules; see `Thresholds`.
        file: where the record is kept, as JSON, for `glassnet doctor`; nowhere by default.

    Attributes:
        findings: what is wrong, worst first.
        record: all that was measured.

    Raises:
        ValueError: if the file cannot be written.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> x = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = (x[:, 0] > 0).astype(int)
        >>> layers = [gn.Dense(8, bias_initializer=gn.initializers.Constant(-50.0)), gn.ReLU()]
        >>> net = gn.Network([*layers, gn.Dense(2)], input_shape=(3,), seed=0)
        >>> doctor = gn.Doctor()
        >>> history = net.fit(x, y, loss="cross_entropy", epochs=5, callbacks=[doctor])
        >>> print(doctor.findings[0])
        error: dead-relu in layers.1 (ReLU): 100 % of its units answer 0 to every row ...
    """

    def __init__(self, thresholds: Thresholds | None = None, file: Path | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self.file = file
        self.findings: list[Finding] = []
        self._resumed: tuple[dict[str, Any], Array] | None = None

    @property
    def remark(self) -> str:
        """The worst finding, in a few words, for the progress line."""
        worst = [finding for finding in self.findings if finding.severity != "note"]
        if not worst:
            return ""
        more = f" and {len(worst) - 1} more" if len(worst) > 1 else ""
        return f"doctor: {worst[0].rule} ({worst[0].where}){more}"

    def on_fit_begin(self, trainer: Trainer) -> None:
        steps, network = trainer.steps, trainer.network
        self._probe: Probe = make_probe(
            steps.x, steps.targets, steps.weights, steps.largest_batch, network
        )
        self._good = LastGood(trainer)
        self.record = Record(read_setting(trainer, self._probe))
        self.findings = []
        if self._resumed is not None:
            kept, self._start = self._resumed
            initial = {name: kept[name] for name in INITIAL}
            self.record.setting = replace(self.record.setting, **initial)
            self.record.moments = [Moment.read(moment) for moment in kept["moments"]]
            self._resumed = None
            return
        self._start = network.theta.copy()
        self._look(trainer)

    def on_epoch_begin(self, trainer: Trainer) -> None:
        self._good.keep(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        if not np.isfinite(trainer.network.theta).all():
            self._break_down(trainer)
        if is_due(trainer.epoch):
            self._look(trainer)

    def on_fit_end(self, trainer: Trainer) -> None:
        if not self.record.moments or self.record.moments[-1].step != trainer.step:
            self._measure(trainer)
        self.record.finished = True
        self._call_the_roll(trainer)
        self._conclude(trainer)

    def on_fit_abort(self, trainer: Trainer) -> None:
        is_finite = np.isfinite(trainer.network.theta).all() and np.isfinite(trainer.batch_loss)
        if trainer.steps.batch_inputs.size and not is_finite:
            self._break_down(trainer)
            self.record.finished = True
            self._conclude(trainer)

    def _look(self, trainer: Trainer) -> None:
        self._measure(trainer)
        self._conclude(trainer)

    def _measure(self, trainer: Trainer) -> None:
        if self.record.breakdown is None:
            args = trainer.network, trainer.optimizer, trainer.loss, self._probe, self._start
            self.record.moments.append(measure(*args, trainer.epoch, trainer.step))

    def _conclude(self, trainer: Trainer) -> None:
        """Judge what is known so far; before the first step there is nothing to keep."""
        self.record.history = [dict(record) for record in trainer.history]
        self._judge(keep=trainer.step > 0)

    def _judge(self, keep: bool = True) -> None:
        self.findings = diagnose(self.record, self.thresholds)
        if self.file is not None and keep:
            write_atomically(self.file, json.dumps(self.record.to_dict()) + "\n", overwrite=True)

    def _break_down(self, trainer: Trainer) -> None:
        if self.record.breakdown is None:
            self.record.breakdown = find_breakdown(trainer, self._good)

    def _call_the_roll(self, trainer: Trainer) -> None:
        """How many rows of each class are recognised, where some are rare."""
        counts = [count for count in self.record.setting.counts if count]
        if not counts or max(counts) < self.thresholds.class_ratio * min(counts):
            return
        if self.record.breakdown is not None:
            return
        targets, classes = trainer.steps.targets, len(self.record.setting.counts)
        rows = chosen_rows(targets.classes, classes)
        twin = Copy(trainer.network, trainer.optimizer, trainer.loss)
        outputs = twin.forward(trainer.steps.x[rows], training=False)[-1]
        said = predictions(outputs, targets.task, trainer.loss.threshold)
        self.record.recall = recall(said, targets.classes[rows], classes)

    def hold_out(self, accuracy: float, rows: int) -> None:
        """Judge again, with the share of right answers on a test part, once training has ended."""
        self.record.held_out = {"accuracy": accuracy, "rows": rows}
        self._judge()

    def state(self) -> dict[str, Any]:
        initial = {name: getattr(self.record.setting, name) for name in INITIAL}
        return initial | {"moments": [asdict(moment) for moment in self.record.moments]}

    def arrays(self) -> dict[str, Array]:
        return {"start": self._start}

    def load_state(self, state: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        # A checkpoint of an earlier version lacks some of it: the record then begins at the resume.
        if all(name in state for name in ("moments", *INITIAL)):
            self._resumed = dict(state), arrays["start"].copy()
