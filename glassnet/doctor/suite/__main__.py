"""`python -m glassnet.doctor.suite`: judge the rules, and write the page."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from glassnet.doctor.suite import (
    fifth_held_out,
    first_held_out,
    fourth_held_out,
    second_held_out,
    sixth_held_out,
    third_held_out,
    tuning,
)
from glassnet.doctor.suite.outcomes import verify
from glassnet.doctor.suite.page import page, summary
from glassnet.doctor.suite.training import Case, Outcome, examine
from glassnet.files import write_atomically

LOOKED_AT = (
    tuning,
    first_held_out,
    second_held_out,
    third_held_out,
    fourth_held_out,
    fifth_held_out,
)
"""Rules were changed because of what happened here."""

PARTS: dict[str, Sequence[Case]] = {
    "tuning": [case for part in LOOKED_AT for case in (*part.SICK, *part.HEALTHY)],
    "held-out": [*sixth_held_out.SICK, *sixth_held_out.HEALTHY],
}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m glassnet.doctor.suite")
    parser.add_argument("--only", choices=list(PARTS), help="one part")
    parser.add_argument("--docs", type=Path, help="write doctor-suite.md into this folder")
    parser.add_argument(
        "--verify", action="store_true", help="check the held-out part's labels, without the doctor"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)  # of the slips that some trainings make
    if options.verify:
        sys.exit(sum(not _verified(case) for case in PARTS["held-out"]) > 0)
    found = {
        name: [_examined(case) for case in cases]
        for name, cases in PARTS.items()
        if options.only in (None, name)
    }
    for name, outcomes in found.items():
        print(f"{name}: {summary(outcomes)}")
    if options.docs is not None:
        notes = options.docs / "doctor-suite-notes.md"
        history = notes.read_text(encoding="utf-8") if notes.is_file() else ""
        write_atomically(options.docs / "doctor-suite.md", page(found, history), overwrite=True)


def _examined(case: Case) -> Outcome:
    outcome = examine(case)
    verdict = "ok   " if outcome.is_right else "WRONG"
    said = ", ".join([*outcome.found, *(f"({note})" for note in outcome.notes)]) or "nothing"
    print(f"{verdict} {outcome.seconds:5.2f} s  {case.name}: {said}", file=sys.stderr)
    return outcome


def _verified(case: Case) -> bool:
    evidence = verify(case)
    holds = all(fact for fact, _ in evidence.values())
    figures = "; ".join(f"{name}: {words}" for name, (_, words) in evidence.items() if words)
    print("ok   " if holds else "WRONG", f"{case.name}: {figures}")
    return holds


if __name__ == "__main__":
    main()
