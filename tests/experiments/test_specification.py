"""Experiment files: what is refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glassnet.experiments.cells import expand
from glassnet.experiments.specification import (
    Experiment,
    load_experiment,
    load_paper,
    load_single,
)
from glassnet.papers import PAPERS
from glassnet.papers import load as load_named

TARGET = '[[targets]]\nid = "t"\ntitle = "T"\n'
CLAIM = TARGET + '[[targets.claims]]\nkind = "pattern"\ntext = "c"\n'


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("sedes = 3", "Unknown key sedes (value 3). Did you mean 'seeds'?"),
        ("[record]\nscore = true", "Unknown key record.score (value True). Did you mean 'scores'?"),
        (
            "axes.width = { key = 'network.layers', values = [[0]] }",
            "axes.rate at 0.001, axes.width at 0: network.layers is [0]: a layer needs at least 1",
        ),
        ("axes.none = { key = 'seed', values = [] }", "axes.none: an axis has at least one value"),
        (
            "axes.o.points = [{ label = 1, 'training.optimizer' = 'sgd',"
            " 'training.optimizer.beta1' = 0.8 }]",
            "axes.o.points[0]: optimizer is 'sgd', and optimizer.beta1 is given too",
        ),
        ('[[targets]]\nid = "Table 1"\ntitle = ""', "targets[0].id is 'Table 1': expected lower"),
        (
            TARGET + '[[targets.figures]]\ndraw = "curves"\nlimits = [1]',
            "targets[0].figures[0]: limits is [1]: it has too few values.",
        ),
        ('record.each_epoch = ["trai"]', "record.each_epoch is 'trai': expected train, test,"),
        ("axes.empty = { key = 'seed' }", "axes.empty: an axis has a key and values, or points"),
        (
            "training.optimizer = { name = 'adm' }",
            "training.optimizer: Unknown optimizer 'adm'. Did you mean 'adam'?",
        ),
        ("data.test = 0.2", "data.test = 0.2 depends on the seed"),
        (
            'data.splits = [{ part = "test", share = 0.2, seed = 1 }]',
            "Unknown key data.splits[0].seed (value 1).",
        ),
        (TARGET + 'kind = "close"', "Unknown key targets[0].kind (value 'close')."),
        (CLAIM, "targets[0].claims[0]: a claim of the kind pattern needs a check that can fail"),
        (
            CLAIM + 'check = { name = "bigest" }',
            "targets[0].claims[0].check: Unknown check 'bigest'.",
        ),
        (
            CLAIM + 'check = { name = "largest_at", along = "rate", point = 1, cel = {} }',
            "targets[0].claims[0].check: Unknown key cel (value {}). Did you mean 'cell'?",
        ),
        (CLAIM + 'check = { name = "table", tolerance = 1 }', "the check 'table' needs"),
        (
            TARGET + '[[targets.figures]]\ndraw = "curve"',
            "targets[0].figures[0]: Unknown figure 'curve'. Did you mean 'curves'?",
        ),
        (TARGET + 'measure = { at = "best" }', "targets[0].measure.at is 'best': expected final,"),
        ("[quick]\nkeep = { rate = [5] }", "quick.keep.rate: there is no point '5'."),
        ('id = "other"', "The key id is not for files"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    write: Callable[..., Path], more: str, expected: str
) -> None:
    text = write().read_text()
    if more.startswith("data."):  # the small file's data stand in one line
        text = text.replace(text.splitlines()[3], "data.source = 'iris'")
    path = write(more, text)
    with pytest.raises(ValueError, match=r"small\.toml: ") as caught:
        load_experiment(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('check = { name = "largest_at", along = "rat", point = 0.1 }', "no axis 'rat'. Did you"),
        ('check = { name = "winner", along = "rate", point = 7 }', "there is no point '7'."),
        (
            'check = { name = "largest_at", along = ["rate"], point = [0.1, 1] }',
            "there is no point '0.1-1'.",
        ),
        ('check = { name = "number", at_least = 0, cell = { rate = 7 } }', "cell.rate: there is"),
        (
            'check = { name = "difference", at_least = 0, a = {}, b = { cell = { rat = 0.1 } } }',
            "claim 'c': small has no axis 'rat'.",
        ),
        (
            'check = { name = "ordered", quantities = [{}, { experiment = "smal" }] }',
            "there is no experiment 'smal'. Did you mean 'small'?",
        ),
        ('figures = [{ draw = "heatmap", rows = "rate", columns = "x" }]', "figure 'heatmap': "),
        ('figures = [{ draw = "curves", lines = "x" }]', "small has no axis 'x'."),
        ('figures = [{ draw = "training", cell = { rate = 7 } }]', "cell.rate: there is no point"),
        ('figures = [{ draw = "training", experiment = "other" }]', "no experiment 'other'"),
        ('table = { rows = "rat" }', "table: small has no axis 'rat'."),
        ('table = { rows = "rate", values = [[1]] }', "a table of 2 rows and 1 columns has 1 rows"),
        (
            'table = { rows = [{ label = "a", cell = { rate = 7 } }] }',
            "table: cell.rate: there is no point '7'.",
        ),
    ],
)
def test_what_targets_name_is_looked_up_before_training(
    write: Callable[..., Path], more: str, expected: str
) -> None:
    with pytest.raises(ValueError, match=r"small\.toml: targets t: ") as caught:
        load_single(write((CLAIM if more.startswith("check") else TARGET) + more))
    assert expected in str(caught.value)


def test_a_single_file_is_checked_as_a_paper_is(write: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="another target has this id already"):
        load_single(write(TARGET + TARGET))
    borrowed = 'borrowed = [{ cell = { rate = 0.1 }, experiment = "other" }]'
    with pytest.raises(ValueError, match="there is no experiment 'other'"):
        load_single(write(borrowed))


def test_points_change_several_keys_together(load: Callable[..., Experiment]) -> None:
    from glassnet.experiments.cells import expand

    experiment = load(
        "axes.batch.points = [\n"
        "  { label = 1, training.batch_size = 1, training.optimizer = 'sgd' },\n"
        "  { label = 10, 'training.batch_size' = 10, training.optimizer = 'momentum',"
        " phases = [{ start = 1, momentum = 0.5 }] },\n"
        "]\n"
    )
    cells = {c.labels["batch"]: c.setup for c in expand(experiment) if c.labels["rate"] == "0.1"}
    assert (cells["1"].training.batch_size, cells["10"].training.batch_size) == (1, 10)
    assert (cells["1"].phases, cells["10"].phases) == ([], [{"start": 1, "momentum": 0.5}])
    assert cells["10"].training.optimizer["name"] == "momentum"
    assert {setup.training.learning_rate for setup in cells.values()} == {0.1}


def test_what_trains_nothing_still_has_data_to_show(write: Callable[..., Path]) -> None:
    path = write("", "title = 'Images'\ntrain = false\n")
    experiment = load_experiment(path, "p", {"data": {"source": "digits"}})
    assert experiment.setup["data"] == {"source": "digits"}
    assert expand(experiment) == []


def test_a_paper_is_checked_as_a_whole(tmp_path: Path, write: Callable[..., Path]) -> None:
    write(TARGET)
    (tmp_path / "other.toml").write_text((tmp_path / "small.toml").read_text())
    paper = tmp_path / "paper.toml"
    paper.write_text('title = "P"\nauthors = "A"\nexperiments = ["small", "other"]\n')
    with pytest.raises(ValueError, match="another target has this id already"):
        load_paper(tmp_path)
    paper.write_text('title = "P"\nauthors = "A"\nexperiments = ["missing"]\n')
    with pytest.raises(ValueError, match=r"There is no file .*missing\.toml"):
        load_paper(tmp_path)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('experiments = ["small", "small"]', "each file is named once"),
        ("experiments = [3]", "experiments names the experiments' files"),
        ('base = 3\nexperiments = ["small"]', "base is 3: expected a table of keys and values."),
    ],
)
def test_a_papers_own_file_is_checked(
    tmp_path: Path, write: Callable[..., Path], more: str, expected: str
) -> None:
    write()
    (tmp_path / "paper.toml").write_text(f'title = "P"\nauthors = "A"\n{more}\n')
    with pytest.raises(ValueError, match=r"paper\.toml: ") as caught:
        load_paper(tmp_path)
    assert expected in str(caught.value)


@pytest.mark.parametrize("name", PAPERS)
def test_the_papers_of_the_package_can_be_read(name: str) -> None:
    paper = load_named(name)
    assert paper.targets()
    judged = [c for _, t in paper.targets() for c in t.claims if c.kind in ("exact", "pattern")]
    assert all(claim.check is not None for claim in judged)
