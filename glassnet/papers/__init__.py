"""Papers and what they claim, as data: `glassnet reproduce` runs them again.

Each is a folder of TOML files (`FORMAT.md` describes them). What a paper needs beyond those, an
optimizer of its own or a special figure, stands beside them in modules that the table here names.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from glassnet.registry import did_you_mean

if TYPE_CHECKING:
    from glassnet.experiments.specification import Paper

FOLDER = Path(__file__).parent

PAPERS: Mapping[str, tuple[str, ...]] = {
    "nasuti2023": ("parts", "figures"),
    "sundstrom2023": ("checks", "figures"),
    "gebreamlak": ("parts",),
    "chen2022": (),
    "khadka2023": ("parts", "figures"),
}
"""The papers, and the modules beside their files: `parts` are optimizers, layers or data of their
own and decide results; `figures` only draw them."""


def load(name: str) -> Paper:
    """A paper by name, with its own parts registered.

    Raises:
        ValueError: for an unknown name, or a mistake in its files.

    >>> load("nasuti2023").title
    'Developing Artificial Neural Networks on Your Own'
    """
    from glassnet.experiments.specification import load_paper

    if name not in PAPERS:
        raise ValueError(
            f"There is no paper {name!r}.{did_you_mean(name, PAPERS)} "
            f"There are: {', '.join(PAPERS)}."
        )
    for module in PAPERS[name]:
        importlib.import_module(f"glassnet.papers.{name}.{module}")
    return load_paper(FOLDER / name)


def parts_source(name: str) -> str:
    """The source of a paper's own parts, which decide its results; empty if it has none."""
    if "parts" not in PAPERS.get(name, ()):
        return ""
    return (FOLDER / name / "parts.py").read_text(encoding="utf-8")
