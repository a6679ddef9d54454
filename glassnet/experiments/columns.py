"""Columns that a paper's own module adds to the history, named in `record.each_epoch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glassnet.experiments.rows import Rows
    from glassnet.network import Network

Columns = Callable[["Network", "Rows", int], Mapping[str, float]]

OWN: dict[str, Columns] = {}
"""All of them."""


def own_columns(name: str) -> Callable[[Columns], Columns]:
    """Decorator for a paper's module: what `record.each_epoch` finds by this name.

    The function is given network, rows and the number of the epoch that has ended (0 before the
    first). It may leave epochs out where looking costs too much.
    """

    def register(columns: Columns) -> Columns:
        OWN[name] = columns
        return columns

    return register
