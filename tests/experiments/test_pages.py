"""Pages from facts: what stands in them, escaped, and nothing that is fetched from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glassnet.experiments import run
from glassnet.experiments.checks import Outcome
from glassnet.experiments.drawing import style
from glassnet.experiments.judging import Judged, judge
from glassnet.experiments.pages import (
    index_html,
    index_markdown,
    paper_html,
    paper_markdown,
    write_index,
)
from glassnet.experiments.results import Results
from glassnet.experiments.specification import Claim, Experiment, Target, read_section

CLAIM = {
    "kind": "exact",
    "text": "a < b",
    "where": "p. 2",
    "published": "1",
    "found": "2",
    "detail": "1 instead of 2",
    "verdict": "does not hold",
    "counts": True,
    "ok": False,
    "explained": "",
}
TARGET = {
    "id": "table-1",
    "title": "T & U",
    "where": "Table 1",
    "text": "",
    "experiment": "e",
    "quick": False,
    "setup": [["data", "iris"]],
    "seconds": 61.0,
    "trainings": 3,
    "table": {
        "row_title": "rate",
        "columns": ["c"],
        "rows": [{"label": "0.1", "entries": [{"published": "899.1", "found": "99.10 ± 0.02"}]}],
    },
    "claims": [CLAIM],
    "figures": [],
    "twins": [
        {
            "cell": {"rate": "0.1"},
            "framework": "PyTorch",
            "largest_difference": 1.5e-7,
            "at_epoch": 3,
            "relative_difference": 1e-7,
        }
    ],
}
PAPER: dict[str, Any] = {
    "id": "p",
    "title": "A <paper>",
    "authors": "A",
    "year": "2023",
    "text": "",
    "inferred": ["This & that"],
    "unknown": [],
    "remarks": [],
    "quick": False,
    "versions": {"glassnet": "0"},
    "targets": [TARGET],
}


def test_a_page_shows_published_beside_reproduced(tmp_path: Path) -> None:
    page = paper_html(PAPER, tmp_path)
    for text in ("A &lt;paper&gt;", "a &lt; b", "T &amp; U", "899.1", "99.10 ± 0.02", "1.5e-07"):
        assert text in page
    assert "<paper>" not in page
    assert "✗ does not hold" in page
    assert "quick" not in page.lower().replace("quick run, not", "")
    markdown = paper_markdown(PAPER)
    assert "| 0.1 | 899.1 | 99.10 ± 0.02 |" in markdown
    assert "3 trainings · 1:01 of training time" in markdown
    assert (
        "| [p](p/README.md) | table-1 | a < b | exact | 1 | 2 | ✗ does not hold |"
        in index_markdown([PAPER])
    )


def test_a_quick_run_says_so_everywhere(tmp_path: Path) -> None:
    quick = {**PAPER, "quick": True}
    assert "A quick run" in paper_html(quick, tmp_path)
    assert "A quick run" in paper_markdown(quick)
    assert "A quick run" in index_markdown([quick])


@pytest.mark.parametrize(
    ("verdict", "kind", "counts", "explained", "words", "ok"),
    [
        ("held", "exact", True, None, "holds", True),
        ("failed", "close", True, None, "does not hold", False),
        ("failed", "close", True, "because", "does not hold, explained", True),
        ("refuted", "pattern", True, None, "refuted", False),
        ("not distinguishable", "pattern", True, None, "not distinguishable", True),
        ("failed", "pattern", False, None, "quick run, not judged (does not hold)", True),
        ("failed", "report", False, None, "shown", True),
    ],
)
def test_verdicts_in_words(
    verdict: Any, kind: Any, counts: bool, explained: str | None, words: str, ok: bool
) -> None:
    check = {"name": "diverges"}
    claim = Claim(kind=kind, text="t", check=check, explained=explained)  # type: ignore[arg-type]
    judged = Judged(claim, Outcome(verdict, "", ""), counts)
    assert (judged.verdict, judged.ok) == (words, ok)


def test_a_claim_about_a_package_that_is_not_there_is_skipped(
    load: Callable[..., Experiment],
) -> None:
    check = {"name": "number", "of": "speed.epoch.none", "at_least": 0.0}
    claim = {"kind": "pattern", "text": "t", "check": check, "needs": ["no_such_package"]}
    target = read_section(Target, {"id": "t", "title": "T", "claims": [claim]})
    (judged,) = judge(target, Results(load(), []))
    assert judged.verdict == "skipped: no_such_package not installed"
    assert judged.ok
    assert not judged.counts
    claim["needs"] = ["numpy"]
    target = read_section(Target, {"id": "t", "title": "T", "claims": [claim]})
    with pytest.raises(ValueError, match="claim 't'"):
        judge(target, Results(load(), []))


def test_no_two_of_many_lines_look_alike() -> None:
    looks = [tuple(map(str, style(number).values())) for number in range(64)]
    assert len(set(looks)) == 64


def test_the_index_leaves_out_what_is_no_papers(tmp_path: Path) -> None:
    facts = {"p": PAPER, "sweep": {"metric": "accuracy"}, "list": []}
    for name, values in facts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps(values))
    (tmp_path / "spoiled").mkdir()
    (tmp_path / "spoiled" / "results.json").write_text('{"tit')
    write_index(tmp_path)
    assert (tmp_path / "index.html").read_text().count("<h2>") == 1


def test_a_folder_of_any_name_is_linked() -> None:
    page = index_html([{**PAPER, "id": "mine's <b>?"}])
    assert "href='mine%27s%20%3Cb%3E%3F/index.html'" in page


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ('draw = "confusion_matrix"\ncell = { rate = 0.1 }', "There are no scores of"),
        ('draw = "gallery"\ncell = { rate = 0.1 }', "There are no mistakes of"),
        ('draw = "steps"\nlines = "rate"', "There are no steps of"),
        ('draw = "curves"\nof = ["val_los"]\nlines = "rate"', "Did you mean 'val_loss'?"),
        ('draw = "samples"', "There are no images to show: a row has the shape (4,)."),
        (
            'draw = "gallery"\ncell = { rate = 0.1 }\nrepetition = 2',
            "There is no repetition 2: there are 2, from 0.",
        ),
    ],
)
def test_a_figure_says_what_it_lacks(
    write: Callable[..., Path], tmp_path: Path, figure: str, expected: str
) -> None:
    path = write(f'[[targets]]\nid = "t"\ntitle = ""\n[[targets.figures]]\n{figure}\n')
    with pytest.raises(ValueError, match="small/t, figures: ") as caught:
        run(path, tmp_path / "out")
    assert expected in str(caught.value)


def test_trainings_that_broke_down_at_once_are_still_drawn(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    path = write(
        'training.optimizer = "sgd"\n'
        '[quick]\nset = { "training.learning_rate" = 1e30 }\n'
        '[[targets]]\nid = "t"\ntitle = ""\n'
        '[[targets.figures]]\ndraw = "training"\ncell = { rate = 0.1 }\n'
        '[[targets.figures]]\ndraw = "curves"\nlines = "rate"\n'
    )
    done = run(path, tmp_path / "out", quick=True)
    assert len(done.facts["targets"][0]["figures"]) == 2
