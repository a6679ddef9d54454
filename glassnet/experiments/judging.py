"""Claims and verdicts: what a target's checks found, as facts that JSON can hold."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

from glassnet.experiments.checks import Outcome
from glassnet.experiments.measures import Quantity
from glassnet.experiments.results import Results
from glassnet.experiments.specification import JUDGED, Claim, Target
from glassnet.experiments.tables import Entry, PublishedTable

WORDS = {"held": "holds", "failed": "does not hold"}
"""How a verdict is called in reports; the others by their own names."""


@dataclass(frozen=True)
class Judged:
    """A claim and what became of it.

    Attributes:
        claim: as it was written.
        outcome: of its check; None if it has none.
        counts: whether it decides the exit status: exact, close and pattern claims do, in a quick
            run only those marked `in_quick`.
        missing: packages that it needs and that are not installed.
    """

    claim: Claim
    outcome: Outcome | None
    counts: bool
    missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it stands: no check failed, or why it must fail is explained."""
        return (
            not self.counts
            or self.outcome is None
            or self.outcome.ok
            or self.claim.explained is not None
        )

    @property
    def verdict(self) -> str:
        """In words."""
        if self.missing:
            return f"skipped: {', '.join(self.missing)} not installed"
        if self.outcome is None:
            return "shown"
        word = WORDS.get(self.outcome.verdict, self.outcome.verdict)
        if self.claim.kind not in JUDGED:
            return "shown"
        if not self.counts:
            return f"quick run, not judged ({word})"
        return word if self.outcome.ok or not self.claim.explained else f"{word}, explained"

    def facts(self) -> dict[str, Any]:
        """For the report."""
        return {
            "kind": self.claim.kind,
            "text": self.claim.text,
            "where": self.claim.where,
            "published": "" if self.claim.published is None else f"{self.claim.published}",
            "found": "" if self.outcome is None else self.outcome.found,
            "detail": "" if self.outcome is None else self.outcome.detail,
            "verdict": self.verdict,
            "counts": self.counts,
            "ok": self.ok,
            "explained": self.claim.explained or "",
        }


def judge(target: Target, results: Results) -> list[Judged]:
    """All claims of a target.

    Raises:
        ValueError: if a check asks for what was not trained or recorded; the message names it.
    """
    under = results.under(target.measure)
    return [_judge(claim, target, under) for claim in target.claims]


def _judge(claim: Claim, target: Target, results: Results) -> Judged:
    missing = tuple(name for name in claim.needs if importlib.util.find_spec(name) is None)
    if missing:
        return Judged(claim, None, False, missing)
    counts = claim.kind in JUDGED and (claim.in_quick or not results.quick)
    if claim.check is None:
        return Judged(claim, None, counts)
    try:
        if isinstance(claim.check, PublishedTable) and target.table is not None:
            outcome = claim.check.judge_table(target.table, results)
        else:
            outcome = claim.check.judge(results)
    except (ValueError, KeyError, IndexError) as error:
        if not results.quick or claim.in_quick:
            raise ValueError(
                f"{results.experiment.paper}/{target.id}, claim {claim.text!r}: {error}"
            ) from None
        outcome = Outcome("failed", "–", "the quick run leaves out what this needs")
    return Judged(claim, outcome, counts)


def table_facts(target: Target, results: Results) -> dict[str, Any] | None:
    """The target's table, published beside reproduced.

    Raises:
        ValueError: if an entry asks for what was not recorded.
    """
    if target.table is None:
        return None
    under = results.under(target.measure)
    try:
        entries = list(target.table.entries(under))
    except ValueError as error:
        raise ValueError(f"{results.experiment.paper}/{target.id}, table: {error}") from None
    columns = list(dict.fromkeys(entry.column for entry in entries))
    rows: dict[str, list[dict[str, str]]] = {}
    for entry in entries:
        rows.setdefault(entry.row, []).append(_entry_facts(entry))
    return {
        "row_title": target.table.row_title or _axis_title(target.table.rows, results),
        "columns": columns,
        "rows": [{"label": label, "entries": entries} for label, entries in rows.items()],
    }


def _axis_title(side: Any, results: Results) -> str:
    return (results.experiment.axis(side).title or side) if isinstance(side, str) else ""


def _entry_facts(entry: Entry) -> dict[str, str]:
    return {"published": entry.printed, "found": shown(entry)}


def shown(entry: Entry) -> str:
    """The reproduced number with its spread; a dash where nothing was trained."""
    if entry.sample is None:
        return "–"
    asked: Quantity = entry.quantity
    text = asked.show(entry.sample.value(asked.over))
    if len(entry.sample.values) > 1 and asked.over in ("mean", "each"):
        text += f" ± {asked.show(entry.sample.spread)}"
    return text
