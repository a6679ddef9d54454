"""`python -m glassnet.doctor.suite`: judge the rules, and write the page."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from glassnet.doctor.suite import first_held_out, held_out, tuning
from glassnet.doctor.suite.page import page, summary
from glassnet.doctor.suite.training import Case, Outcome, examine
from glassnet.files import write_atomically

PARTS: dict[str, Sequence[Case]] = {
    "tuning": [
        *tuning.SICK,
        *first_held_out.SICK,
        *tuning.HEALTHY,
        *first_held_out.HEALTHY,
    ],
    "held-out": [*held_out.SICK, *held_out.HEALTHY],
}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m glassnet.doctor.suite")
    parser.add_argument("--only", choices=list(PARTS), help="one part")
    parser.add_argument("--docs", type=Path, help="write doctor-suite.md into this folder")
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)  # of the slips that some trainings make
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


if __name__ == "__main__":
    main()
