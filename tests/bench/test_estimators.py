"""The comparison of scikit-learn's estimators with ours."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from glassnet.bench import estimators
from glassnet.cli.bench import app


def result(name, theirs, ours, seconds):
    found = estimators.Result(name, 100, 4, "3 classes")
    found.scores = {"theirs": theirs, "ours": ours}
    found.seconds = dict(zip(estimators.NAMES, seconds, strict=True))
    found.epochs = {"theirs": [5] * len(theirs), "ours": [5] * len(ours)}
    return found


def large(name, *arguments):
    found = result(name, *arguments)
    found.rows, found.products = 50_000, {"one": 5e-5, "all": 4e-5}
    return found


@pytest.fixture
def comparison():
    return estimators.Comparison(
        results=[
            result("load_iris", [0.9, 1.0, 0.9], [0.9, 0.9, 1.0], ([1.0] * 3, [0.1] * 3)),
            result("load_wine", [0.9, 0.9, 0.9], [0.8, 0.8, 0.81], ([1.0] * 3, [0.5] * 3)),
        ],
        large=[large("128-100-10", [0.5], [0.5], ([9.384], [2.346]))],
        first={"iris": {"theirs": 0.1, "ours": 0.02}, "nothing compiled": {"ours": 9.0}},
        machine={"processor": "some", "cores": 2, "instructions": ["AVX2"]},
        packages={"glassnet": "0.1.0", "torch": "2"},
        date="2026-01-01",
    )


def test_verdict(comparison):
    words = estimators.verdict(comparison)
    assert "take 3.3 times as long" in words  # 2 s and 0.6 s
    assert "4.0 (128-100-10)" in words
    assert "two standard errors: load_wine." in words


def test_files_go_round(comparison, tmp_path):
    file = tmp_path / "comparison.json"
    estimators.write_json(comparison, file, overwrite=False)
    assert estimators.read_json(file) == comparison
    run = CliRunner().invoke(app, ["estimators", "--from", str(file), "--docs", str(tmp_path)])
    assert run.exit_code == 0, run.output
    text = (tmp_path / "estimators-comparison.md").read_text()
    line = "| `load_iris` | 100 × 4 | 3 classes | 0.933 | 0.933 | +0.000 ± 0.058 | 1.000 | 0.100 |"
    assert f"{line} 10.0 |" in text
    assert "| iris | 0.10 | 0.02 |" in text
    assert "| nothing compiled |  | 9.00 |" in text
    assert "| `128-100-10` | 4,000 | 500 | 1,000 | 50 | 40 |" in text  # 3 · 782 steps
    assert "torch" not in text
    file.write_text("{}")
    run = CliRunner().invoke(app, ["estimators", "--from", str(file)])
    assert run.exit_code != 0


def test_both_sides_get_the_same_rows_and_start_alike():
    each = estimators.SETS[0]
    x, y, held_x, _ = estimators._split(each, 3)
    assert len(x) == 112
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    models = estimators._models(True, 3, 1)
    seconds = estimators._fit_pair(models, x, y)
    assert seconds.keys() == {*estimators.NAMES, estimators.ONE_THREAD}
    probabilities = [model.predict_proba(held_x) for model in models.values()]
    np.testing.assert_allclose(*probabilities, atol=1e-9)  # one batch: the order does not matter


@pytest.mark.parametrize("each", estimators.SETS, ids=lambda each: each.name)
def test_sets_can_be_split(each):
    x, y, held_x, held_y = estimators._split(each, 0)
    assert len(x) == len(y) > len(held_x) == len(held_y)
    assert np.issubdtype(y.dtype, np.integer) == each.classifies


def test_the_page_is_that_of_the_figures():
    docs = Path(__file__).parents[2] / "docs"
    found = estimators.read_json(docs / f"{estimators.PAGE}.json")
    assert (docs / f"{estimators.PAGE}.md").read_text() == estimators.page(found)
