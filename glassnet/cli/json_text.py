"""JSON on standard output that every program can read."""

from __future__ import annotations

import json
import math
from typing import Any


def json_text(facts: Any) -> str:
    r"""Facts as JSON; numbers that are infinite or NaN, which JSON does not have, become null.

    >>> json_text({"loss": float("nan"), "rate": 0.5})
    '{\n  "loss": null,\n  "rate": 0.5\n}'
    """
    return json.dumps(_finite(facts), indent=2, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
