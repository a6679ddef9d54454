"""Experiments: grids of trainings described in TOML, run, kept, judged and reported.

specification.py  what a paper and its experiments are; tables.py, checks.py, drawing.py are
                  the closed lists of what may stand in them
references.py     what targets name, looked up before anything is trained
cells.py          the grid, and seeds that are derived from names
rows.py           exactly which rows
work.py           one cell, trained and measured (observers.py) into a record
runner.py         many cells at a time, each kept on disk, none of them twice
results.py        records as numbers;  judging.py  claims and verdicts
reproduce.py      all of it for a paper;  pages.py  its report
twins.py          the same training in other frameworks
sweep.py          the same engine for a search over one's own run
"""

from __future__ import annotations

from glassnet.experiments.reproduce import Reproduction, reproduce, run

__all__ = ["Reproduction", "reproduce", "run"]
