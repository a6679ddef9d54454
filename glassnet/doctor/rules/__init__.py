"""The rules: each looks at a record for one thing, and says what it found.

A rule is a function of the record and the thresholds that yields findings. Its name, with dashes,
is that of its section in `docs/doctor.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from glassnet.doctor.finding import SEVERITIES, Finding
from glassnet.doctor.record import Record
from glassnet.doctor.rules.data import (
    class_imbalance,
    constant_features,
    tiny_batches,
    unscaled_inputs,
)
from glassnet.doctor.rules.results import dropout_too_high, one_class, overfitting, overtraining
from glassnet.doctor.rules.signals import (
    dead_relu,
    exploding_gradient,
    poor_initial_weights,
    saturated,
    vanishing_gradient,
)
from glassnet.doctor.rules.steps import (
    learning_rate_too_high,
    learning_rate_too_low,
    loss_not_decreasing,
    not_finite,
    update_too_large,
    update_too_small,
)
from glassnet.doctor.rules.thresholds import Thresholds

Rule = Callable[[Record, Thresholds], Iterator[Finding]]

CAUSES: tuple[Rule, ...] = (
    not_finite,
    unscaled_inputs,
    poor_initial_weights,
    dead_relu,
    saturated,
    vanishing_gradient,
    exploding_gradient,
    learning_rate_too_high,
    update_too_large,
    class_imbalance,
    tiny_batches,
    dropout_too_high,
    overfitting,
    overtraining,
    constant_features,
)
"""In the order in which they are told: what comes first often is the cause of what follows."""

STANDSTILL: tuple[Rule, ...] = (learning_rate_too_low, update_too_small, loss_not_decreasing)
"""Ways of getting nowhere. Any of the causes may bring them about, so they are told only where none
was found, and only the first of them; but the last also beside mere warnings."""

RULES: tuple[Rule, ...] = (*CAUSES, one_class, *STANDSTILL)


def name_of(rule: Rule) -> str:
    """A rule's name, as its section in the documentation is called.

    >>> name_of(dead_relu)
    'dead-relu'
    """
    return getattr(rule, "__name__", "").replace("_", "-")


def diagnose(record: Record, thresholds: Thresholds | None = None) -> list[Finding]:
    """All findings in a record, worst first."""
    limits = thresholds or Thresholds()
    if not record.moments:
        return []
    found = _apply(CAUSES, record, limits)
    severities = {finding.severity for finding in found}
    if severities <= {"note"}:
        found += _apply(STANDSTILL, record, limits)[:1]
    elif "error" not in severities:  # a warning does not explain that nothing at all is learned
        found += _apply((loss_not_decreasing,), record, limits)
    found += _apply((one_class,), record, limits)
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _apply(rules: tuple[Rule, ...], record: Record, limits: Thresholds) -> list[Finding]:
    return [
        replace(finding, rule=name_of(rule)) for rule in rules for finding in rule(record, limits)
    ]


__all__ = ["CAUSES", "RULES", "STANDSTILL", "Rule", "Thresholds", "diagnose", "name_of"]
