"""The doctor: what goes wrong in a training, with the evidence, and what to change.

measuring.py    activations, gradients and steps at one moment, on a copy
record.py       what is kept of a training: all that the rules see
rules/          one function a rule; thresholds.py has their numbers and sources
breakdown.py    the kernel that made the first number that is not finite
callback.py     `gn.Doctor`
report.py       findings for terminals, as Markdown and as HTML
suite/          sick and healthy trainings, by which the rules are judged
"""

from __future__ import annotations

from glassnet.doctor.callback import Doctor
from glassnet.doctor.finding import Curve, Finding
from glassnet.doctor.record import Record, read_record
from glassnet.doctor.rules import Thresholds, diagnose

__all__ = ["Curve", "Doctor", "Finding", "Record", "Thresholds", "diagnose", "read_record"]
