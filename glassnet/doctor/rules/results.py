"""Rules on what has been learned: answers, and the distance between training and validation."""

from __future__ import annotations

import math
from collections.abc import Iterator

from glassnet.doctor.finding import Curve, Finding
from glassnet.doctor.record import Record
from glassnet.doctor.rules.thresholds import Thresholds


def one_class(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """Every row is said to be of the same class."""
    said, probed = record.moments[-1].predicted, record.setting.probed
    if not said or record.moments[-1].epoch < 2 or max(probed) >= 0.9 * sum(probed):
        return
    share = max(said) / sum(said)
    if share < limits.one_class:
        return
    k = said.index(max(said))
    yield Finding(
        "error",
        "the outputs",
        f"{100 * share:.0f} % of the rows of the probe are said to be of class "
        f"{_name(record, k)}; {100 * probed[k] / sum(probed):.0f} % are",
        "The outputs no longer depend on the inputs: only the last bias has learned something. "
        "Usually units before it are dead or saturated, steps were too large, or the inputs are "
        "not scaled.",
        "See the other findings first. If there are none: lower the learning rate, and check that "
        "the inputs of different rows do differ.",
    )


def overfitting(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """Training rows are known much better than others."""
    epoch = _kept_epoch(record)
    if epoch is None:
        return
    held = {key.removeprefix("val_"): v for key, v in epoch.items() if key.startswith("val_")}
    what = "validation" if held else "test"
    rows = record.setting.validation_rows if held else record.held_out.get("rows", 0)
    held = held or record.held_out
    if "accuracy" in epoch and "accuracy" in held:
        gap = epoch["accuracy"] - held["accuracy"]
        if gap < max(limits.accuracy_gap, 3 * _standard_error(held["accuracy"], rows)):
            return
        evidence = (
            f"{100 * epoch['accuracy']:.1f} % of the training rows are right, and "
            f"{100 * held['accuracy']:.1f} % of the {what} rows (limit: "
            f"{100 * limits.accuracy_gap:g} points between them)"
        )
    elif record.setting.task == "regression" and "loss" in held:
        scale = record.setting.baseline or record.setting.initial_loss
        gap = held["loss"] - epoch["loss"]
        if held["loss"] < limits.loss_ratio * epoch["loss"] or gap <= limits.accuracy_gap * scale:
            return
        evidence = (
            f"the training loss is {epoch['loss']:.3g}, the {what} loss {held['loss']:.3g} "
            f"(limit: {limits.loss_ratio:g} times, and {100 * limits.accuracy_gap:g} % of what "
            "a constant answer would have)"
        )
    else:
        return
    yield Finding(
        "warning",
        "the network",
        evidence,
        "The network has learned the training rows by heart, their noise too: it has more "
        "parameters than the rows can decide on.",
        "Get more rows, or hold the network back: Dropout(0.3) after hidden layers, l2=1e-3 or "
        "weight_decay in the optimizer, fewer units, EarlyStopping.",
        _gap_curve(record),
    )


def overtraining(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """The validation loss was better long ago."""
    held = [e["val_loss"] for e in record.history if math.isfinite(e.get("val_loss", math.nan))]
    if len(held) < 5 or record.setting.restores_best or record.breakdown is not None:
        return
    best = min(held)
    at = held.index(best) + 1
    late = sum(held[-3:]) / 3
    if at > 2 / 3 * len(held) or late <= (1 + limits.overtraining) * best:
        return
    start = record.setting.baseline or record.setting.initial_loss
    if late - best < 0.02 * start:  # 5 % of next to nothing
        return
    yield Finding(
        "warning",
        "the training",
        f"the validation loss was lowest in epoch {at} of {len(held)}, {best:.4g}, and is "
        f"{late:.4g} in the last three (limit: {100 * limits.overtraining:g} % more)",
        "From some epoch on, what is still learned from the training rows is their noise.",
        f"End near epoch {at}: callbacks=[gn.EarlyStopping(10)] (--patience 10) goes back to the "
        "best weights.",
        Curve("validation loss", [float(k) for k in range(1, len(held) + 1)], held),
    )


def dropout_too_high(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """So much is dropped that not even the training rows are learned."""
    rates = {k: layer["rate"] for k, layer in enumerate(record.setting.layers) if "rate" in layer}
    dropping = {k: r for k, r in rates.items() if record.setting.layers[k]["name"] == "Dropout"}
    if not dropping or not record.history:
        return
    layer, rate = max(dropping.items(), key=lambda item: item[1])
    if rate <= limits.dropout or not (
        record.finished or len(record.history) >= limits.enough_epochs
    ):
        return
    reference = record.setting.baseline or record.setting.initial_loss
    loss = record.history[-1]["loss"]
    if not loss > limits.dropout_loss * reference:
        return
    yield Finding(
        "warning",
        record.setting.layer(layer),
        f"it drops {100 * rate:g} % (limit: {100 * limits.dropout:g} %), and after "
        f"{len(record.history)} epochs the training loss is {loss:.3g}, "
        f"{100 * loss / reference:.0f} % of a constant answer's",
        "The units that are left cannot carry what there is to learn, so the network underfits: "
        "training and validation are both poor.",
        "Drop less: 0.2 to 0.5 after hidden layers, 0 to 0.2 of the inputs; or take more units.",
        Curve(
            "training loss",
            [epoch["epoch"] for epoch in record.history],
            [epoch["loss"] for epoch in record.history],
        ),
    )


def _standard_error(share: float, rows: float) -> float:
    """√(p (1 − p) / n): how far a share of n rows is off by chance."""
    return math.sqrt(share * (1 - share) / rows) if rows else 0.0


def _kept_epoch(record: Record) -> dict[str, float] | None:
    """The epoch whose weights are kept: the last one, or the best after early stopping.

    None before the first, and for a training that broke down: what it had learned is no matter.
    """
    if not record.history or record.breakdown is not None:
        return None
    held = [epoch.get("val_loss", math.nan) for epoch in record.history]
    if record.setting.restores_best and not any(map(math.isnan, held)):
        return record.history[held.index(min(held))]
    return record.history[-1]


def _gap_curve(record: Record) -> Curve | None:
    key = "loss" if record.setting.task == "regression" else "accuracy"
    both = [e for e in record.history if f"val_{key}" in e and key in e]
    if not both:
        return None
    gaps = [abs(epoch[key] - epoch[f"val_{key}"]) for epoch in both]
    return Curve(f"{key}, between training and validation", [e["epoch"] for e in both], gaps)


def _name(record: Record, k: int) -> str:
    names = record.setting.classes
    return names[k] if k < len(names) else str(k)
