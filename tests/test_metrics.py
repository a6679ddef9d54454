"""Scores against examples worked by hand: scikit-learn computes; what it is given is tested."""

import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from glassnet import metrics

#                 said 0  said 1  said 2
# true 0 (3 rows)   2       1       0
# true 1 (2 rows)   0       1       1
# true 2 (1 row)    0       0       1
TRUTH = [0, 0, 0, 1, 1, 2]
SAID = [0, 0, 1, 1, 2, 2]
PROBABILITIES = np.full((6, 3), 0.25) + 0.25 * np.eye(3)[SAID]


def by(key, scores):
    return {row[key]: row for row in scores[f"per_{key}"]}


def terminal(scores):
    console = Console(width=100, file=io.StringIO())
    console.print(metrics.render(scores))
    return console.file.getvalue()


class TestClassification:
    scores = metrics.report("classification", TRUTH, SAID, PROBABILITIES, ["ant", "bee", "cow"])

    def test_overall(self):
        assert self.scores["rows"] == 6
        assert self.scores["accuracy"] == pytest.approx(4 / 6)
        assert self.scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
        assert self.scores["confusion_matrix"] == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
        assert self.scores["notes"] == []

    def test_by_class(self):
        rows = by("class", self.scores)
        assert list(rows) == ["ant", "bee", "cow"]
        assert [rows[c]["precision"] for c in rows] == pytest.approx([1, 1 / 2, 1 / 2])
        assert [rows[c]["recall"] for c in rows] == pytest.approx([2 / 3, 1 / 2, 1])
        assert [rows[c]["f1"] for c in rows] == pytest.approx([4 / 5, 1 / 2, 2 / 3])
        assert [rows[c]["support"] for c in rows] == [3, 2, 1]

    def test_averages(self):
        assert self.scores["macro_average"]["f1"] == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
        assert self.scores["weighted_average"]["precision"] == pytest.approx(
            (3 * 1 + 2 / 2 + 1 / 2) / 6
        )

    def test_log_loss_is_the_mean_of_minus_log_p_of_the_true_class(self):
        # p of the true class is 1/2 in four rows and 1/4 in two.
        assert self.scores["log_loss"] == pytest.approx(
            (4 * math.log(2) + 2 * math.log(4)) / 6, rel=1e-12
        )

    def test_roc_auc_is_the_share_of_pairs_in_order(self):
        # Pairs (one of the class, one of the rest); a tie counts half.
        ant = (6 + 3 / 2) / 9
        bee = (3 + 4 / 2) / 8
        cow = (4 + 1 / 2) / 5
        assert self.scores["roc_auc"] == pytest.approx((ant + bee + cow) / 3, rel=1e-12)

    def test_is_plain_enough_for_json(self):
        assert json.loads(json.dumps(self.scores)) == self.scores

    def test_absent_classes_keep_their_row_and_are_named(self):
        scores = metrics.report(
            "classification", [0, 0, 1], [0, 1, 1], np.eye(4)[[0, 1, 1]], list("abcd")
        )
        assert scores["confusion_matrix"] == [[1, 1, 0, 0], [0, 1, 0, 0], [0] * 4, [0] * 4]
        assert by("class", scores)["d"] == {
            "class": "d",
            "precision": 0.0,
            "recall": 0.0,
            "f1": 0.0,
            "support": 0,
        }
        assert scores["balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
        assert scores["macro_average"]["precision"] == pytest.approx((1 + 1 / 2) / 2)
        assert scores["roc_auc"] is None
        never, absent, auc = scores["notes"]
        assert never == "Never predicted: c, d. The precision is written as 0."
        assert absent == "Absent from the true ones: c, d. The recall is written as 0."
        assert auc.startswith("roc_auc is left out")

    def test_a_single_true_class(self):
        scores = metrics.report("classification", [1, 1], [1, 1], [[0.5, 0.5], [0.25, 0.75]])
        assert scores["accuracy"] == scores["balanced_accuracy"] == 1.0
        assert scores["confusion_matrix"] == [[0, 0], [0, 2]]
        assert scores["log_loss"] == pytest.approx(-(math.log(0.5) + math.log(0.75)) / 2)
        assert scores["roc_auc"] is None

    def test_classes_are_counted_where_nobody_names_them(self):
        assert metrics.report("classification", [0, 0], [0, 0])["classes"] == ["0", "1"]
        assert metrics.report("classification", [0, 4], [0, 0])["classes"] == list("01234")
        assert metrics.report("classification", [0], [0], np.eye(3)[:1])["classes"] == list("012")

    def test_outputs_that_are_no_probabilities_have_no_log_loss(self):
        scores = metrics.report("classification", TRUTH, SAID, 1.5 * PROBABILITIES)
        assert scores["log_loss"] is scores["roc_auc"] is None
        assert "no probabilities" in scores["notes"][0]

    def test_float32_probabilities_count_as_such(self):
        rng = np.random.default_rng(0)
        p = rng.random((200, 7), np.float32)
        p /= p.sum(axis=1, keepdims=True)
        truth = np.arange(200) % 7
        scores = metrics.report("classification", truth, p.argmax(1), p)
        expected = -np.log(p[np.arange(200), truth]).mean()
        assert scores["log_loss"] == pytest.approx(expected, rel=1e-5)

    def test_a_sure_mistake_has_a_finite_log_loss(self):
        scores = metrics.report("classification", [0, 1], [1, 1], np.eye(2)[[1, 1]])
        assert math.isfinite(scores["log_loss"])


class TestBinary:
    truth, said = [0, 0, 1, 1], [0, 1, 1, 1]
    of_one = np.array([0.1, 0.7, 0.6, 0.9])

    @pytest.mark.parametrize("columns", [1, 2], ids=["one column", "two columns"])
    def test_probabilities(self, columns):
        p = self.of_one if columns == 1 else np.stack([1 - self.of_one, self.of_one], axis=1)
        scores = metrics.report("binary", self.truth, self.said, p)
        assert scores["roc_auc"] == pytest.approx(3 / 4)  # of four pairs only (0.7, 0.6) is wrong
        assert scores["log_loss"] == pytest.approx(-np.log([0.9, 0.3, 0.6, 0.9]).mean())

    def test_weights_count_rows_several_times(self):
        weights = [1, 2, 3, 4]
        scores = metrics.report("binary", self.truth, self.said, self.of_one, (), weights)
        assert scores["accuracy"] == pytest.approx(8 / 10)
        assert scores["confusion_matrix"] == [[1, 2], [0, 7]]
        assert scores["balanced_accuracy"] == pytest.approx((1 / 3 + 1) / 2)
        assert by("class", scores)["1"]["precision"] == pytest.approx(7 / 9)
        assert by("class", scores)["0"]["support"] == 3
        assert scores["roc_auc"] == pytest.approx((1 * 3 + 1 * 4 + 2 * 4) / (3 * 7))

        repeated = [np.repeat(a, weights) for a in (self.truth, self.said, self.of_one)]
        again = metrics.report("binary", *repeated)
        for key in ("accuracy", "balanced_accuracy", "log_loss", "roc_auc"):
            assert again[key] == pytest.approx(scores[key])

    def test_a_class_without_weight_is_absent(self):
        scores = metrics.report("binary", self.truth, self.said, self.of_one, (), [0, 0, 1, 1])
        assert scores["balanced_accuracy"] == 1.0
        assert scores["roc_auc"] is None


class TestMultilabel:
    truth = ((1, 0), (1, 1), (0, 1), (0, 0))
    said = ((1, 0), (1, 0), (1, 1), (0, 0))
    probabilities = ((0.9, 0.2), (0.8, 0.4), (0.6, 0.7), (0.1, 0.5))
    scores = metrics.report("multilabel", truth, said, probabilities, ["red", "round"])

    def test_overall(self):
        assert self.scores["subset_accuracy"] == 0.5
        assert self.scores["micro_average"] == pytest.approx(
            {"precision": 0.75, "recall": 0.75, "f1": 0.75}
        )
        assert self.scores["macro_average"]["f1"] == pytest.approx((0.8 + 2 / 3) / 2)
        assert self.scores["roc_auc"] == pytest.approx((1 + 3 / 4) / 2)

    def test_by_label(self):
        red, round_ = self.scores["per_label"]
        assert red == pytest.approx(
            {"label": "red", "precision": 2 / 3, "recall": 1, "f1": 0.8, "support": 2, "roc_auc": 1}
        )
        assert (round_["precision"], round_["recall"]) == (1.0, 0.5)
        assert round_["roc_auc"] == pytest.approx(3 / 4)

    def test_a_label_that_nobody_has(self):
        scores = metrics.report("multilabel", [[1, 0], [0, 0]], [[1, 0], [0, 0]], [[0.9, 0.1]] * 2)
        assert [row["roc_auc"] for row in scores["per_label"]] == [0.5, None]
        assert scores["roc_auc"] is None
        assert len(scores["notes"]) == 3
        json.dumps(scores)

    def test_outputs_that_are_no_probabilities(self):
        scores = metrics.report("multilabel", self.truth, self.said, [[2.0, -1.0]] * 4)
        assert scores["roc_auc"] is None
        assert len(scores["notes"]) == 1


class TestRegression:
    truth = ((1, 10), (2, 20), (3, 30))
    said = ((1, 12), (2, 20), (5, 28))

    def test_several_outputs(self):
        scores = metrics.report("regression", self.truth, self.said, classes=["height", "mass"])
        height, mass = scores["per_output"]
        assert height == pytest.approx(
            {"output": "height", "rmse": math.sqrt(4 / 3), "mae": 2 / 3, "r2": 1 - 4 / 2}
        )
        assert mass == pytest.approx(
            {"output": "mass", "rmse": math.sqrt(8 / 3), "mae": 4 / 3, "r2": 1 - 8 / 200}
        )
        assert scores["rmse"] == pytest.approx(math.sqrt(2))  # 12 over six elements
        assert scores["mae"] == pytest.approx(1.0)
        assert scores["r2"] == pytest.approx((-1 + 0.96) / 2)
        assert scores["outputs"] == ["height", "mass"]

    def test_one_output_in_a_column_or_not(self):
        flat = metrics.report("regression", [1.0, 2.0], [1.0, 2.5])
        assert flat == metrics.report("regression", [[1.0], [2.0]], [1.0, 2.5])
        assert flat["rmse"] == pytest.approx(0.5 / math.sqrt(2))

    def test_weights(self):
        scores = metrics.report("regression", [0, 1, 2], [0, 3, 9], sample_weight=[1, 3, 0])
        assert scores["rmse"] == pytest.approx(math.sqrt(3))
        assert scores["mae"] == pytest.approx(3 * 2 / 4)

    @pytest.mark.parametrize("truth", [[4.0], [4.0, 4.0]], ids=["one row", "constant"])
    def test_truth_without_spread_has_no_r2(self, truth):
        scores = metrics.report("regression", truth, np.ones(len(truth)))
        assert scores["r2"] is None
        assert scores["rmse"] == 3.0
        assert "spread" in scores["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ranking", [0], [0]), "Received: 'ranking'"),
        (("classification", [], []), "at least one row"),
        (("classification", ["a"], ["a"]), "must be numbers"),
        (("classification", [0, 1], [0]), r"shape \(2,\), predicted \(1,\)"),
        (("classification", [[0, 1]], [[0, 1]]), "one class index a row"),
        (("classification", [0, 2], [0, 1], None, ["a", "b"]), "truth holds 2 in row 1"),
        (("classification", [0, 1], [0, -1]), "predicted holds -1 in row 1"),
        (("binary", [0, 1], [0, 1], None, ["a", "b", "c"]), "expected 2. Received 3"),
        (("classification", [0, 1], [0, 1], np.ones((3, 2)) / 2), r"Received shape \(3, 2\)"),
        (("classification", [0], [0], None, (), [0.0]), "All sample weights are 0"),
        (("classification", [0], [0], None, (), [1.0, 1.0]), r"expected shape \(1,\)"),
        (("multilabel", [0, 1], [0, 1]), "a column a label"),
        (("multilabel", [[0, 1]], [[0, 1]], [[0.1]]), r"must have shape \(1, 2\)"),
        (("regression", [0.0, 1.0], [0.0, math.nan]), "predicted is not finite in row 1"),
    ],
)
def test_bad_input_is_refused_with_what_was_received(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.report(*arguments)


class TestForPeople:
    def test_terminal_has_all_three_tables_and_the_notes(self):
        scores = metrics.report("classification", [0, 0], [0, 1], classes=["[red]", "a|b"])
        text = terminal(scores)
        for part in ("accuracy", "0.5000", "[red]", "macro average", "true \\ predicted", "Note: "):
            assert part in text

    def test_markdown(self):
        text = metrics.markdown(TestClassification.scores)
        assert "| ROC-AUC | 0.7861 |" in text
        assert "| bee | 0.5000 | 0.5000 | 0.5000 | 2 |" in text
        assert "| bee | 0 | 1 | 1 |" in text
        assert "## Notes" not in text

    def test_markdown_escapes_what_would_end_a_cell(self):
        text = metrics.markdown(metrics.report("binary", [0, 1], [0, 0], classes=["a|b", "c\nd"]))
        assert "- Never predicted: c d." in text
        assert "| a\\|b | 0.5000" in text
        assert "| c d | 0.0000" in text
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert all(line.endswith("|") for line in rows)

    def test_missing_scores_are_dashes(self):
        text = metrics.markdown(metrics.report("regression", [1.0], [2.0]))
        assert "| R² | – |" in text

    @pytest.mark.parametrize("scores", [TestMultilabel.scores, TestClassification.scores])
    def test_every_task_renders(self, scores):
        assert "By " in terminal(scores)

    def test_large_confusion_matrices_are_left_to_the_figure(self):
        labels = np.arange(21)
        titles = [t.title for t in metrics.tables(metrics.report("classification", labels, labels))]
        assert titles == ["Scores", "By class"]


def test_importing_the_module_is_light():
    code = (
        "import sys, glassnet.metrics, glassnet.plots; "
        "print([m for m in ('sklearn', 'matplotlib', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
