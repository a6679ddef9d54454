"""Whether contenders do the same work: equal losses from equal weights and batches."""

from __future__ import annotations

import math
from collections.abc import Sequence

TOLERANCE = 1e-4


def worst_difference(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """The largest |a − b| / max(1, |b|); infinite if the numbers cannot be compared.

    >>> worst_difference([1.0, 2.0], [1.0, 2.5])
    0.2
    >>> worst_difference([1.0], [1.0, 2.0])
    inf
    """
    if len(theirs) != len(ours):
        return math.inf
    differences = [abs(a - b) / max(1.0, abs(b)) for a, b in zip(theirs, ours, strict=True)]
    if not all(map(math.isfinite, differences)):
        return math.inf
    return max(differences, default=0.0)
