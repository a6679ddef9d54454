"""Rules on the steps: how long they are, and what the loss does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from glassnet.doctor.finding import Curve, Finding
from glassnet.doctor.record import Breakdown, Moment, Record
from glassnet.doctor.rules.thresholds import Thresholds


def not_finite(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """A number became infinite or NaN."""
    found = record.breakdown
    if found is not None:
        yield Finding(
            "error",
            found.layer,
            f"in epoch {found.epoch}, step {found.step}, {found.kernel} ({found.pass_}) made the "
            "first number that is infinite or not a number; the largest finite one among its "
            f"arrays is {found.largest:.3g}",
            "From then on everything that depends on it is not a number either.",
            _mend(record, found),
            loss_curve(record),
        )
    elif any(not math.isfinite(epoch["loss"]) for epoch in record.history):
        first = next(e for e in record.history if not math.isfinite(e["loss"]))
        yield Finding(
            "error",
            "the loss",
            f"it was {first['loss']} in epoch {first['epoch']:.0f}",
            "Numbers have grown beyond what their type can hold.",
            "Lower the learning rate, clip the gradient (clip_norm=1.0), or scale the inputs.",
            loss_curve(record),
        )


def _mend(record: Record, found: Breakdown) -> str:
    rate = record.setting.optimizer["learning_rate"]
    if found.pass_ == "update" and found.step == 1:
        return (
            "The very first update broke, of a finite gradient: look at what the optimizer divides "
            "by. Adam's 1 − βᵗ is 0 for t = 0: count t before it is used, or take gn.Adam."
        )
    if found.pass_ == "loss" and found.largest < 1e3:
        return (
            "The loss broke on ordinary numbers: look for the logarithm of 0 or a division by 0 "
            "(the built-in losses take logits and have none)."
        )
    return (
        f"Lower the learning rate (it is {rate:g}, try a tenth), clip the gradient "
        "(clip_norm=1.0), and scale the inputs (Standardize())."
    )


def update_too_large(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """A step changes weights by a good part of themselves."""
    courses = {name: course for name, course in _long_steps(record).items() if course}
    if not courses:
        return
    by_size = sorted(courses, key=lambda name: median(courses[name]))
    name = by_size[(len(by_size) - 1) // 2]  # the rate is one for all: most move too far
    course = courses[name]
    if median(course) <= limits.update_large:
        return
    layer = next(w.layer for w in record.moments[-1].weights if w.name == name)
    yield Finding(
        "warning",
        record.setting.layer(layer),
        f"a step changes {name} by {median(course):.2g} of its length (median; limit: "
        f"{limits.update_large:g}, about 0.001 is healthy)",
        "Steps of that size throw away what the weights have learned, and jump over minima.",
        f"Lower the learning rate (it is {record.setting.optimizer['learning_rate']:g}, try a "
        "tenth), or clip the gradient (clip_norm=1.0).",
        Curve("‖ΔW‖ / ‖W‖ of a step", _epochs(record), course, limits.update_large, log=True),
    )


def update_too_small(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """No weight matrix moves, and the loss is where it was."""
    courses = [course for course in _update_ratios(record).values() if course]
    if not courses or not _judged(record, limits):
        return
    largest = max(median(course) for course in courses)
    if largest >= limits.update_small or _drop(record) > limits.loss_drop:
        return
    yield Finding(
        "warning",
        "the optimizer",
        f"a step changes no weight matrix by more than {largest:.2g} of its length (median; limit: "
        f"{limits.update_small:g}, about 0.001 is healthy)",
        "Thousands of such steps leave the weights where they were.",
        f"Raise the learning rate (it is {record.setting.optimizer['learning_rate']:g}, try ten "
        "times that), unless another finding says why the gradient is so small.",
        Curve("‖ΔW‖ / ‖W‖ of a step", _epochs(record), max(courses, key=median), log=True),
    )


def learning_rate_too_high(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """The loss is above where it began, goes up and down, or rises with every step."""
    if evidence := _too_high(record, limits):
        yield Finding(
            "error",
            "the optimizer",
            evidence,
            "A step goes down the slope only as far as the slope stays what it is. Longer steps "
            "land on the other side of the valley, higher than they began.",
            f"Lower the learning rate (it is {record.setting.optimizer['learning_rate']:g}, try a "
            "tenth); a warm-up (schedule=gn.schedules.Cosine(warmup=2)) or clip_norm=1.0 help too.",
            loss_curve(record),
        )


def _too_high(record: Record, limits: Thresholds) -> str:
    """What shows that steps are too long, or nothing."""
    losses, start = _losses(record), record.setting.initial_loss
    first = record.moments[0]
    if record.breakdown is not None and first.after > limits.loss_burst * first.before + start:
        return (
            f"a first step on a batch raises the loss of that very batch from {first.before:.3g} "
            f"to {first.after:.3g}, and the training broke down"
        )
    if not losses or not math.isfinite(start) or record.left_of_weights < limits.withered:
        return ""
    rise, chance = limits.loss_rise * start, 3 * record.setting.initial_error
    late = losses[len(losses) * 2 // 3 :]
    if sum(late) / len(late) > start + rise + chance and len(losses) >= 2:
        return (
            f"the training loss is {sum(late) / len(late):.3g} in the last epochs, above the "
            f"{start:.3g} before the first step"
        )
    if max(losses) > limits.loss_burst * start + rise:
        return (
            f"the training loss was {max(losses):.3g} in one epoch, and {start:.3g} before the "
            "first step"
        )
    rises = sum(b > a + rise for a, b in pairwise(losses))
    if len(losses) >= 5 and rises > limits.rising_epochs * (len(losses) - 1):
        return (
            f"the training loss rose in {rises} of {len(losses) - 1} epochs by more than "
            f"{100 * limits.loss_rise:g} % of what it was before training"
        )
    later = [m for m in record.moments if m.epoch > 0 and math.isfinite(m.after)]
    jumps = sum(moment.after > moment.before + rise for moment in later)
    if len(later) >= 3 and jumps * 2 > len(later):
        return (
            f"at {jumps} of {len(later)} moments, a step on a batch raised the loss of that very "
            f"batch, last from {later[-1].before:.3g} to {later[-1].after:.3g}"
        )
    return ""


def learning_rate_too_low(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """The loss goes down steadily, and hardly at all."""
    losses = _losses(record)
    if len(losses) < 3 or not _judged(record, limits) or not record.moments[-1].weights:
        return
    drop = _drop(record)
    if not 0 < drop < limits.loss_drop:
        return
    if (cut := _cut_short(record, limits)) is not None:
        yield Finding(
            "warning",
            "the schedule",
            f"it had taken the learning rate from {record.moments[0].learning_rate:.2g} to "
            f"{cut.learning_rate:.2g} by epoch {cut.epoch} of {len(losses)}, and the loss, "
            f"{_start(record):.4g} at first, has stayed at {losses[-1]:.4g}",
            "The rate was gone before the network had learned.",
            "Let the rate fall more slowly, or over all epochs (schedule=gn.schedules.Cosine()).",
            loss_curve(record),
        )
        return
    falls = sum(b < a for a, b in pairwise(losses))
    moved = max(w.distance / w.norm for w in record.moments[-1].weights if w.norm)
    if falls < 0.7 * (len(losses) - 1) or moved > limits.moved:
        return
    yield Finding(
        "warning",
        "the optimizer",
        f"in {len(losses)} epochs the training loss went from {_start(record):.4g} to "
        f"{losses[-1]:.4g} ({100 * drop:.1f} %; limit: {100 * limits.loss_drop:g} %), and no "
        f"weight matrix has moved by more than {100 * moved:.2g} % of its length",
        "Every step goes in the right direction, and is too short to get anywhere.",
        f"Raise the learning rate (it is {record.setting.optimizer['learning_rate']:g}, try ten "
        "times that, or gn.Adam(1e-3)).",
        loss_curve(record),
    )


def _cut_short(record: Record, limits: Thresholds) -> Moment | None:
    """The moment in the first half of a training at which next to nothing of the rate was left."""
    first = record.moments[0].learning_rate
    early = [m for m in record.moments if 2 * m.epoch <= len(record.history)]
    return next((m for m in early if m.learning_rate < limits.rate_left * first), None)


def loss_not_decreasing(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """Nothing is learned, and no other rule found an error that says why."""
    losses = _losses(record)
    if len(losses) < 3 or not _judged(record, limits):
        return
    start, constant = record.setting.initial_loss, record.setting.baseline
    reference = start if constant is None else min(start, constant)
    best = min(losses[len(losses) // 2 :])
    if not best > (1 - limits.loss_gain) * reference:
        return
    beside = "" if constant is None else f"; the best constant answer would have {constant:.4g}"
    if record.left_of_weights < limits.withered:
        yield Finding(
            "error",
            "the optimizer",
            f"in {len(losses)} epochs the loss went from {start:.4g} to {losses[-1]:.4g}{beside}, "
            f"and of a weight matrix {100 * record.left_of_weights:.1g} % is left",
            "The decay pulls the weights to 0 faster than the gradient builds them up.",
            "Take a hundredth of l2 or weight_decay.",
            loss_curve(record),
        )
        return
    yield Finding(
        "error",
        "the loss",
        f"in {len(losses)} epochs it went from {start:.4g} to {losses[-1]:.4g}{beside}",
        "The network has found nothing in the inputs that tells of the targets: perhaps there is "
        "nothing (rows and targets in different orders, targets at random), perhaps it cannot "
        "express it, perhaps the gradient does not reach it.",
        "Check that x[i] belongs to y[i] on a few rows by eye. Then let the network learn 20 rows "
        "by heart: if it cannot, take more units or another learning rate.",
        loss_curve(record),
    )


def loss_curve(record: Record) -> Curve:
    """The training loss: before the first step, then by epoch."""
    epochs = [0.0, *(epoch["epoch"] for epoch in record.history)]
    values = [record.setting.initial_loss, *(epoch["loss"] for epoch in record.history)]
    return Curve("training loss", epochs, values)


def _losses(record: Record) -> list[float]:
    return [epoch["loss"] for epoch in record.history if math.isfinite(epoch["loss"])]


def _drop(record: Record) -> float:
    """By how much the loss fell, relative to what it was before training."""
    losses, start = _losses(record), _start(record)
    return (start - losses[-1]) / start if losses and start else 0.0


def _start(record: Record) -> float:
    """The loss from which it falls.

    That before training was taken of some rows. Where it differs from the mean of the first epoch
    only as chance has it, the latter is the better figure: it is of all rows.
    """
    initial, losses = record.setting.initial_loss, _losses(record)
    chance = 3 * record.setting.initial_error
    return losses[0] if losses and initial <= losses[0] + chance else initial


def _judged(record: Record, limits: Thresholds) -> bool:
    """Whether there has been enough training to say that it does not get on."""
    return record.finished or len(record.history) >= limits.enough_epochs


def _later(record: Record) -> list[Moment]:
    return [moment for moment in record.moments if moment.epoch > 0]


def _epochs(record: Record) -> list[float]:
    return [float(moment.epoch) for moment in _later(record)]


def _update_ratios(record: Record) -> dict[str, list[float]]:
    """‖ΔW‖ / ‖W‖ by weight matrix, at all moments but the first."""
    names = [weight.name for weight in record.moments[0].weights]
    return {
        name: [moment.weights[k].update_ratio for moment in _later(record)]
        for k, name in enumerate(names)
    }


def _long_steps(record: Record) -> dict[str, list[float]]:
    """The same, of ‖W‖ at the beginning where less is left: beside nothing any step is long."""
    return {
        start.name: [
            moment.weights[k].update / (max(moment.weights[k].norm, start.norm) or math.inf)
            for moment in _later(record)
        ]
        for k, start in enumerate(record.moments[0].weights)
    }
