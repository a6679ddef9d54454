"""Rules on the data, and on what batches are made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from glassnet.doctor.finding import Finding
from glassnet.doctor.record import Column, Record
from glassnet.doctor.rules.thresholds import Thresholds


def unscaled_inputs(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """An input of the first dense layer is much larger than 1, or all are much smaller."""
    column, dense = record.setting.largest, record.moments[0].weights
    scale = math.hypot(column.mean, column.std)
    after = record.setting.layers[dense[0].layer + 1]["name"] if len(dense) > 1 else ""
    if not dense or after in ("BatchNorm", "LayerNorm"):
        return
    if 0 < scale < limits.input_tiny:
        yield Finding(
            "warning",
            record.setting.layer(dense[0].layer),
            f"the largest of its inputs, {_column(column)}, has mean {column.mean:.4g} and "
            f"standard deviation {column.std:.4g} (at least {limits.input_tiny:g} is wanted for "
            "√(mean² + std²))",
            "A weight's gradient is proportional to its input. So the first weights hardly move, "
            "and what tells rows apart is lost beside the biases.",
            "Put gn.Standardize() first; in glassnet train leave --scale out.",
        )
    if scale <= limits.input_scale:
        return
    yield Finding(
        "warning",
        record.setting.layer(dense[0].layer),
        f"{_column(column)} reaches it with mean {column.mean:.4g} and standard deviation "
        f"{column.std:.4g} (limit: {limits.input_scale:g} for √(mean² + std²))",
        "A weight's gradient is proportional to its input. One rate then is too high for large "
        "inputs and too low for small ones, and units begin saturated or dead.",
        "Put gn.Standardize() first, or for images gn.Rescale(1 / 255); in glassnet train leave "
        "--scale out.",
    )


def constant_features(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """A column has the same value in every row."""
    setting = record.setting
    if not setting.constants:
        return
    named = ", ".join(_column(column) for column in setting.constant[:5])
    more = ", …" if setting.constants > 5 else ""
    yield Finding(
        "note",
        "the inputs",
        f"{setting.constants} of {setting.features} features have one value in all rows: "
        f"{named}{more}",
        "Such a feature cannot tell rows apart; its weights only add to the bias. Often a column "
        "was read or joined wrongly.",
        "Check where the column comes from, or leave it out (--drop).",
    )


def class_imbalance(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """Some classes are rare, and the network has given them up."""
    setting = record.setting
    present = [count for count in setting.counts if count]
    if len(present) < 2 or max(present) < limits.class_ratio * min(present):
        return
    ratio = max(present) / min(present)
    rare = [
        (share, k)
        for k, share in enumerate(record.recall)
        if share is not None and max(present) >= limits.class_ratio * setting.counts[k]
    ]
    if not rare or min(rare)[0] >= limits.class_recall:
        return
    share, k = min(rare)
    name = setting.classes[k] if k < len(setting.classes) else str(k)
    yield Finding(
        "warning",
        f"class {name}",
        f"{setting.counts[k]:,} of {sum(setting.counts):,} training rows are of it (the largest "
        f"class has {ratio:.3g} times as many), and {100 * share:.0f} % of those are recognised "
        f"(limit: {100 * limits.class_recall:g} %)",
        "The loss is a mean over rows. Where one class has nearly all of them, always saying that "
        "class is nearly right.",
        "Weigh the classes: class_weight='balanced' in the loss (--class-weight balanced), and "
        "judge by balanced accuracy.",
    )


def tiny_batches(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """Batch norm with so few rows that mean and variance are mostly chance."""
    setting = record.setting
    norms = [k for k, layer in enumerate(setting.layers) if layer["name"] == "BatchNorm"]
    if not norms or setting.batch_size >= min(limits.norm_batch, setting.rows):
        return
    yield Finding(
        "warning",
        setting.layer(norms[0]),
        f"it normalises by the mean and variance of {setting.batch_size} rows (limit: "
        f"{limits.norm_batch})",
        "From so few rows both are mostly chance, another one in every batch, and far from the "
        "running averages that predictions use.",
        f"Take batches of 32 or more (batch_size, it is {setting.batch_size}), or LayerNorm(), "
        "which looks at one row at a time.",
    )


def _column(column: Column) -> str:
    return f"column {column.name!r}" if column.name else f"input {column.index}"
