"""The grid, and seeds that belong to names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from glassnet.experiments.cells import Cell, expand
from glassnet.experiments.rows import load_rows
from glassnet.experiments.specification import Experiment
from glassnet.experiments.work import digest, prepared

ONE_MORE = "axes.rate = { key = 'training.learning_rate', values = [0.001, 0.01, 0.1] }\n"


def by_name(cells: list[Cell]) -> dict[tuple[str, int], Cell]:
    return {(cell.labels["rate"], cell.repetition): cell for cell in cells}


def test_a_new_point_or_repetition_changes_no_other_cell(
    write: Callable[..., Path], load: Callable[..., Experiment]
) -> None:
    small = by_name(expand(load()))
    lines = write().read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("axes."))
    more = by_name(expand(load(ONE_MORE, text.replace("seeds = 2", "seeds = 3") + "\n")))
    assert (len(small), len(more)) == (4, 9)
    rows = load_rows(next(iter(small.values())).setup)
    for name, cell in small.items():
        assert more[name].setup.seed == cell.setup.seed
        assert digest(more[name], rows) == digest(cell, rows)
    seeds = [cell.setup.seed for cell in more.values()]
    assert len(set(seeds)) == 9


def test_the_digest_changes_with_all_that_decides(load: Callable[..., Experiment]) -> None:
    cell = expand(load())[0]
    rows = load_rows(cell.setup)
    before = digest(cell, rows)
    for more in ("training.batch_size = 8\n", "record.scores = true\n", 'start = "s"\n'):
        assert digest(expand(load(more))[0], rows) != before, more
    assert digest(cell, rows, parts="class Own") != before
    assert digest(expand(load('text = "only words"\n'))[0], rows) == before


def test_a_shared_start_gives_the_same_weights_but_other_orders(
    load: Callable[..., Experiment],
) -> None:
    cells = by_name(expand(load('start = "iris"\n')))
    rows = load_rows(cells["0.1", 0].setup)
    theta = {name: prepared(cell, rows).network.theta for name, cell in cells.items()}
    np.testing.assert_array_equal(theta["0.001", 0], theta["0.1", 0])
    assert (theta["0.1", 0] != theta["0.1", 1]).any()
    assert cells["0.001", 0].setup.seed != cells["0.1", 0].setup.seed


def test_quick_changes_what_it_says(load: Callable[..., Experiment]) -> None:
    quick = "[quick]\nseeds = 1\nset = { 'training.epochs' = 1 }\nkeep = { rate = [0.1] }\n"
    cells = expand(load(quick), quick=True)
    assert [(cell.labels["rate"], cell.setup.training.epochs) for cell in cells] == [("0.1", 1)]
    assert len(expand(load(quick))) == 4
