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
    """A paper by name, or from a folder of your own, with its own parts registered.

    Arguments:
        name: one of `PAPERS`; or the path of a folder with a paper.toml, or of the TOML file of a
            single experiment.

    Raises:
        ValueError: for an unknown name, or a mistake in the files.

    >>> load("nasuti2023").title
    'Developing Artificial Neural Networks on Your Own'
    """
    from glassnet.experiments.specification import load_paper, load_single

    if name in PAPERS:
        _import_parts(name)
        return load_paper(FOLDER / name)
    path = Path(name)
    own = path.stem if path.suffix == ".toml" else path.resolve().name
    if path.exists() and own in PAPERS:
        raise ValueError(
            f"{name}: {own} is the name of a paper, whose report would be overwritten. Rename it."
        )
    if path.suffix == ".toml" and path.is_file():
        return load_single(path)
    if not is_paper(name):
        raise ValueError(
            f"There is no paper {name!r}.{did_you_mean(name, PAPERS)} There are: "
            f"{', '.join(PAPERS)}; or a folder with a paper.toml, or an experiment's TOML file."
        )
    original = _original(path)
    if original:
        _import_parts(original)
    return load_paper(path.resolve())


def is_paper(name: str) -> bool:
    """Whether this is a paper's name, or the path of a folder with a paper.toml."""
    return name in PAPERS or (Path(name) / "paper.toml").is_file()


def copy(name: str, folder: Path) -> None:
    """Copy a paper's files into a new folder, to change them.

    What stays as it was is not trained again: the copy has the seeds and the kept trainings of its
    original, and its optimizers and figures.

    Arguments:
        name: one of `PAPERS`.
        folder: a new one; its name is that of the variation.

    Raises:
        ValueError: for an unknown paper, a folder that exists, or one with a paper's name.
    """
    if name not in PAPERS:
        raise ValueError(
            f"There is no paper {name!r} to copy.{did_you_mean(name, PAPERS)} "
            f"There are: {', '.join(PAPERS)}."
        )
    if folder.exists():
        raise ValueError(f"{folder} exists. Name a new folder for the copy of {name}.")
    if folder.name in PAPERS:
        raise ValueError(
            f"{folder.name} is the name of a paper, and its report would be overwritten. "
            "Give the copy another name."
        )
    folder.mkdir(parents=True)
    for path in sorted((FOLDER / name).glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        if path.name == "paper.toml":
            text = f'copy_of = "{name}"\n{text}'
        (folder / path.name).write_text(text, encoding="utf-8")


def _original(folder: Path) -> str:
    """The paper that a folder is a copy of; empty if of none."""
    from glassnet.runs.toml import read_toml

    path = folder / "paper.toml"
    original = read_toml(path).get("copy_of", "")
    if original and original not in PAPERS:
        raise ValueError(
            f"{path}: copy_of is {original!r}.{did_you_mean(str(original), PAPERS)} "
            f"Expected one of: {', '.join(PAPERS)}."
        )
    return str(original)


def _import_parts(name: str) -> None:
    for module in PAPERS[name]:
        importlib.import_module(f"glassnet.papers.{name}.{module}")


def parts_source(name: str) -> str:
    """The source of a paper's own parts, which decide its results; empty if it has none."""
    if "parts" not in PAPERS.get(name, ()):
        return ""
    return (FOLDER / name / "parts.py").read_text(encoding="utf-8")
