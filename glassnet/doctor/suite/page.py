"""The page with the suite's figures, `docs/doctor-suite.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glassnet.doctor.suite.training import Outcome
from glassnet.metrics import Table, markdown_table

HEAD = """# How often the doctor is right

Written by `make doctor-suite`, not by hand.

A *sick* training counts as recognised if one of the rules that describe its defect finds
something; a *healthy* one as a false alarm if any rule finds an error or a warning. (Notes, such as
a pixel that is 0 in every image, are true and harmless.) The thresholds were set on the tuning
part, and rules were changed because of it. The held-out part was drawn by lot, with other rows,
networks and seeds, and was run once, after the last change; the history below has the figures of
all held-out parts before it.
"""


def rates(outcomes: Sequence[Outcome]) -> tuple[int, int, int, int]:
    """Recognised, sick, false alarms, healthy."""
    sick = [outcome for outcome in outcomes if outcome.case.expects]
    healthy = [outcome for outcome in outcomes if not outcome.case.expects]
    recognised = sum(outcome.is_right for outcome in sick)
    return recognised, len(sick), sum(not o.is_right for o in healthy), len(healthy)


def summary(outcomes: Sequence[Outcome]) -> str:
    """The rates in a sentence."""
    recognised, sick, alarms, healthy = rates(outcomes)
    return (
        f"{recognised} of {sick} sick trainings recognised ({100 * recognised / sick:.0f} %), "
        f"{alarms} false alarm{'s' * (alarms != 1)} in {healthy} healthy ones "
        f"({100 * alarms / healthy:.0f} %)."
    )


def page(parts: Mapping[str, Sequence[Outcome]], history: str) -> str:
    """The whole page."""
    sections = [HEAD.strip()]
    sections += [f"- **{name}:** {summary(outcomes)}" for name, outcomes in parts.items()]
    sections.append(history.strip())
    for name, outcomes in parts.items():
        rows = [_row(outcome) for outcome in outcomes]
        header = ["training", "expected", "found (errors and warnings)", ""]
        sections.append(f"## {name}")
        sections.append(markdown_table(Table("", header, rows)).strip())
    return "\n\n".join(section for section in sections if section) + "\n"


def _row(outcome: Outcome) -> list[str]:
    notes = [f"{rule} (note)" for rule in outcome.notes if rule in outcome.case.expects]
    return [
        outcome.case.name,
        " or ".join(outcome.case.expects) or "nothing",
        ", ".join([*outcome.found, *notes]) or "nothing",
        "" if outcome.is_right else "wrong",
    ]
