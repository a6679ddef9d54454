"""`glassnet reproduce`: a paper from its files to its report, in a cut-down run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glassnet.experiments import specification

Cli = Callable[..., Any]


@pytest.fixture
def cut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of nasuti2023's quick run, but of one repetition and two epochs a training."""
    read = specification.load_experiment

    def load(*arguments: Any, **options: Any) -> Any:
        experiment = read(*arguments, **options)
        keys = {**experiment.quick.set, "training.epochs": 2}
        quick = experiment.quick.model_copy(update={"seeds": 1, "set": keys})
        return experiment.model_copy(update={"quick": quick})

    monkeypatch.setattr(specification, "load_experiment", load)


def test_list_names_papers_and_targets(cli: Cli) -> None:
    ran = cli("reproduce", "--list")
    assert ran.code == 0
    assert "nasuti2023: Developing Artificial Neural Networks" in ran.out
    assert "  table-1 " in ran.out
    assert cli("reproduce", "--list", "--json").json["nasuti2023"]["adam-t0"]


def test_all_of_nasuti_cut_down(cli: Cli, cut_down: None) -> None:
    ran = cli("reproduce", "nasuti2023", "--quick", "--out", "r", "--json")
    paper = ran.json["papers"][0]
    assert paper["trained"] > 80
    verdicts = {c["text"]: c["verdict"] for t in paper["targets"] for c in t["claims"]}
    assert verdicts["With t = 0 training breaks down in every repetition"] == "holds"
    assert ran.code == (0 if ran.json["ok"] else 2)

    page = Path("r/nasuti2023/index.html").read_text()
    assert "A quick run" in page
    assert "src='data:image/" in page
    assert "src='figures" not in page  # self-contained
    assert "http://" not in page.replace("http://www.w3.org", "")
    markdown = Path("r/nasuti2023/README.md").read_text()
    assert "| learning rate | 0.5: published | 0.5: reproduced |" in markdown
    for figure in ("table-1", "adam-time-2", "dying-relu-1"):
        for kind in ("png", "svg"):
            assert Path(f"r/nasuti2023/figures/{figure}.{kind}").stat().st_size > 1000
    index = Path("r/README.md").read_text()
    assert "| [nasuti2023](nasuti2023/README.md) | table-1 | " in index

    again = cli("reproduce", "nasuti2023", "--quick", "--out", "r", "--json")
    assert again.json["papers"][0]["trained"] == 0


def test_one_target_keeps_the_others_results(cli: Cli, cut_down: None) -> None:
    cli("reproduce", "nasuti2023/adam-t0", "--quick", "--out", "r")
    ran = cli("reproduce", "nasuti2023/figure-3", "--quick", "--out", "r", "--json")
    assert [t["id"] for t in ran.json["papers"][0]["targets"]] == ["figure-3"]
    facts = json.loads(Path("r/nasuti2023/results.json").read_text())
    assert [target["id"] for target in facts["targets"]] == ["figure-3", "adam-t0"]


def test_a_claim_that_fails_decides_the_exit_status(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, cut_down: None
) -> None:
    read = specification.load_paper

    def spoiled(folder: Path) -> Any:
        paper = read(folder)
        claim = next(t for _, t in paper.targets() if t.id == "adam-t0").claims[0]
        assert claim.check is not None
        claim.check = claim.check.model_copy(update={"expected": False})  # type: ignore[call-arg]
        return paper

    monkeypatch.setattr(specification, "load_paper", spoiled)
    ran = cli("reproduce", "nasuti2023/adam-t0", "--quick", "--out", "r")
    assert ran.code == 2
    assert "✗ does not hold" in " ".join(ran.out.split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Name a paper or a target"),
        (["nasuti2032"], "There is no paper 'nasuti2032'. Did you mean 'nasuti2023'?"),
        (["nasuti2023/table1"], "has no target 'table1'. Did you mean 'table-1'?"),
        (["nasuti2023", "--compare", "tork"], "no twins in 'tork'. Did you mean 'torch'?"),
        (["nasuti2023", "--all"], "--all is every paper"),
    ],
)
def test_what_does_not_exist_is_refused(
    refused: Callable[..., str], arguments: list[str], expected: str
) -> None:
    assert expected in refused("reproduce", *arguments)


def test_a_copy_trains_only_what_was_changed(cli: Cli, cut_down: None) -> None:
    assert cli("reproduce", "nasuti2023/adam-t0", "--quick", "--out", "r", "--json").json["papers"]
    assert "copied to mine" in cli("reproduce", "nasuti2023", "--copy", "mine").out
    same = cli("reproduce", "mine/adam-t0", "--quick", "--out", "r", "--json").json["papers"][0]
    assert (same["id"], same["trained"]) == ("mine", 0)

    file = Path("mine/adam-start.toml")
    text = file.read_text()
    assert "learning_rate = 0.01" in text
    file.write_text(text.replace("learning_rate = 0.01", "learning_rate = 0.02"))
    other = cli("reproduce", "mine/adam-t0", "--quick", "--out", "r", "--json").json["papers"][0]
    assert other["trained"] > 0
    index = Path("r/README.md").read_text()
    assert "| [nasuti2023](nasuti2023/README.md) | adam-t0 | " in index
    assert "| [mine](mine/README.md) | adam-t0 | " in index
    assert "mine, a variation of nasuti2023, Robert Nasuti" in Path("r/mine/README.md").read_text()


def test_an_experiments_file(cli: Cli) -> None:
    Path("rates.toml").write_text(
        'title = "Rates on iris"\nseeds = 1\nnetwork.layers = [4]\ntraining.epochs = 2\n'
        'data = { source = "iris", splits = [{ part = "test", share = 0.2 }] }\n'
        'axes.rate = { key = "training.learning_rate", values = [0.001, 0.1] }\n'
        '[[targets]]\nid = "rates"\ntitle = "Which rate is better"\n'
    )
    assert cli("reproduce", "rates.toml", "--json").json["papers"][0]["trained"] == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nasuti2023", "--copy", "old"], "old exists. Name a new folder"),
        (["nasuti2023", "--copy", "x/chen2022"], "chen2022 is the name of a paper"),
        (["nasuti2022", "--copy", "mine"], "no paper 'nasuti2022' to copy. Did you mean"),
        (["--copy", "mine"], "--copy copies one paper. Received: none."),
        (["old"], "copy_of is 'nasuti'. Did you mean 'nasuti2023'?"),
        (["old/x.toml"], "belongs to the paper of its folder"),
        (["missing.toml"], "There is no paper 'missing.toml'."),
        (["a/one.toml", "b/one.toml"], "would both write the report one"),
        (["a/chen2022.toml"], "chen2022 is the name of a paper"),
        (["b/khadka2023"], "khadka2023 is the name of a paper"),
    ],
)
def test_copies_that_cannot_be(
    refused: Callable[..., str], arguments: list[str], expected: str
) -> None:
    Path("old").mkdir()
    Path("old/paper.toml").write_text('copy_of = "nasuti"\nexperiments = ["x"]\n')
    Path("old/x.toml").write_text('title = "x"\n')
    for path in ("a/one", "b/one", "a/chen2022", "b/khadka2023/paper"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(f"{path}.toml").write_text('title = "x"\ntrain = false\n')
    assert expected in refused("reproduce", *arguments)
