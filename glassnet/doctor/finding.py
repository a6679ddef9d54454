"""A finding: one thing that is wrong with a training, with its evidence."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""Worst first. Error: the training has failed. Warning: it costs accuracy or time. Note: it is
worth knowing, and harmless so far."""

PAGE = "docs/doctor.md"

BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Curve:
    """A small plot: one quantity, at the epochs at which it is known.

    Attributes:
        label: what it is, with its unit. epochs, values: the points.
        limit: the threshold that it was compared with, if that is on the same axis.
        log: whether it spans orders of magnitude.
    """

    label: str
    epochs: list[float]
    values: list[float]
    limit: float | None = None
    log: bool = False

    @property
    def sparkline(self) -> str:
        """The values as blocks of eight heights.

        >>> Curve("loss", [1, 2, 3, 4], [0.0, 1.0, 3.5, 7.0]).sparkline
        '▁▂▅█'
        """
        values = [math.log10(max(v, 1e-30)) if self.log else v for v in self.values]
        finite = [v for v in values if math.isfinite(v)]
        if not finite:
            return ""
        low, high = min(finite), max(finite)
        scale = (len(BLOCKS) - 1) / ((high - low) or 1.0)
        return "".join(
            BLOCKS[int((v - low) * scale + 0.5)] if math.isfinite(v) else "×" for v in values
        )


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        severity: see `SEVERITIES`.
        where: the layer, or the part of the training, in words.
        evidence: what was seen, with the figures. why: how it comes about. change: what to do.
        curve: a small plot, if there is something to see.
        rule: which rule found it, `"dead-relu"`.
    """

    severity: Severity
    where: str
    evidence: str
    why: str
    change: str
    curve: Curve | None = None
    rule: str = ""

    @property
    def link(self) -> str:
        """Where the rule is described."""
        return f"{PAGE}#{self.rule}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self) | {"link": self.link}

    def __str__(self) -> str:
        return f"{self.severity}: {self.rule} in {self.where}: {self.evidence}"
