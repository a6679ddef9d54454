"""Verdicts on made-up results: each check holds, and fails when the figures say the opposite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from glassnet.experiments.checks import CHECKS, Outcome
from glassnet.experiments.judging import table_facts
from glassnet.experiments.measures import Quantity
from glassnet.experiments.results import Results
from glassnet.experiments.specification import Claim, Experiment, Target, read_section
from glassnet.experiments.tables import PublishedTable

LOW, HIGH = {"cell": {"rate": 0.001}}, {"cell": {"rate": 0.1}}
RISING, FALLING = [0.1, 0.5, 0.9], [0.1, 0.9, 0.5]


def judge(results: Results, name: str, **options: Any) -> Outcome:
    check: Any = read_section(CHECKS[name], options)
    outcome: Outcome = check.judge(results)
    return outcome


CASES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # name, options, curves that hold, curves that fail
    (
        "number",
        {**HIGH, "value": 0.9, "tolerance": 0.05, "over": "each"},
        {"high": [[0.94], [0.86]]},
        {"high": [[0.9], [0.8]]},
    ),
    ("number", {**HIGH, "at_least": 0.5}, {"high": [[0.4], [0.6]]}, {"high": [[0.4], [0.5]]}),
    ("number", {**HIGH, "at_most": 0.5, "at": 1}, {"high": [FALLING]}, {"high": [[0.6]]}),
    (
        "largest_at",
        {"along": "rate", "point": 0.1, "at": "max"},
        {"low": [[0.5]], "high": [[0.6, 0.1]]},
        {"low": [[0.5]], "high": [[0.4, 0.1]]},
    ),
    (
        "largest_at",
        {"along": "rate", "point": 0.1, "smallest": True},
        {"low": [[0.5]], "high": [[0.4]]},
        {"low": [[0.5]], "high": [[0.6]]},
    ),
    (
        "ordered",
        {"quantities": [HIGH, LOW], "by": 0.1},
        {"low": [[0.5]], "high": [[0.7]]},
        {"low": [[0.5]], "high": [[0.55]]},
    ),
    (
        "difference",
        {"a": HIGH, "b": LOW, "at_most": 0.1, "at_least": 0.0},
        {"low": [[0.5]], "high": [[0.55]]},
        {"low": [[0.5]], "high": [[0.7]]},
    ),
    (
        "ratio",
        {"a": HIGH, "b": LOW, "at_least": 2.0},
        {"low": [[0.2]], "high": [[0.5]]},
        {"low": [[0.5]], "high": [[0.9]]},
    ),
    (
        "rises_by",
        {**HIGH, "from_epoch": 2, "to_epoch": 3, "at_least": 0.2},
        {"high": [RISING]},
        {"high": [FALLING]},
    ),
    (
        "falls_after",
        {**HIGH, "by_epoch": 2, "at_least": 0.1},
        {"high": [FALLING]},
        {"high": [RISING]},
    ),
    (
        "falls_after",
        {**HIGH, "by_epoch": 2, "rising": True},
        {"high": [[3.0, 1.0, 2.0]]},
        {"high": [[3.0, 2.0, 1.0]]},
    ),
    (
        "reaches_before",
        {"a": HIGH, "b": LOW, "value": 0.9},
        {"low": [RISING], "high": [FALLING]},
        {"low": [FALLING], "high": [RISING]},
    ),
    (
        "reaches_before",
        {"a": HIGH, "value": 0.9, "by_epoch": 2},
        {"high": [FALLING]},
        {"high": [RISING]},
    ),
    (
        "reaches_before",
        {"a": HIGH, "b": LOW, "value": 0.2, "falling": True},
        {"low": [[0.9, 0.5, 0.1]], "high": [[0.9, 0.1]]},
        {"low": [[0.9, 0.1, 0.1]], "high": [[0.9, 0.5]]},
    ),
    (
        "smoother_than",
        {"a": HIGH, "b": LOW},
        {"low": [FALLING], "high": [RISING]},
        {"low": [RISING], "high": [FALLING]},
    ),
]


@pytest.mark.parametrize(("name", "options", "hold", "fail"), CASES)
def test_a_check_holds_and_fails(
    made_up: Callable[..., Results],
    name: str,
    options: dict[str, Any],
    hold: dict[str, Any],
    fail: dict[str, Any],
) -> None:
    assert judge(made_up(**hold), name, **options).verdict == "held"
    assert judge(made_up(**fail), name, **options).verdict == "failed"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        ([0.5, 0.51, 0.52], [0.9, 0.91, 0.92], "confirmed"),
        ([0.9, 0.91, 0.92], [0.5, 0.51, 0.52], "refuted"),
        ([0.1, 0.9, 0.5], [0.2, 0.8, 0.6], "not distinguishable"),
        ([0.5], [0.9], "not distinguishable"),
    ],
)
def test_a_winner_is_confirmed_refuted_or_neither(
    made_up: Callable[..., Results], low: list[float], high: list[float], verdict: str
) -> None:
    results = made_up(low=[[v] for v in low], high=[[v] for v in high])
    outcome = judge(results, "winner", along="rate", point=0.1)
    assert outcome.verdict == verdict
    assert outcome.ok == (verdict != "refuted")


def test_a_winner_along_two_axes(load: Callable[..., Experiment]) -> None:
    experiment = load("axes.optimizer = { key = 'training.optimizer', values = ['sgd', 'adam'] }\n")
    means = {("0.1", "adam"): 0.9, ("0.1", "sgd"): 0.5, ("0.001", "adam"): 0.4}
    records = [
        {
            "cell": {"rate": rate, "optimizer": optimizer},
            "repetition": repetition,
            "history": [{"val_accuracy": mean + 0.01 * repetition}],
            "diverged": None,
            "measured": {},
        }
        for (rate, optimizer), mean in means.items()
        for repetition in range(3)
    ]
    results = Results(experiment, records)
    both = {"along": ["rate", "optimizer"]}
    won = judge(results, "winner", **both, point=[0.1, "adam"])
    assert (won.verdict, won.found) == ("confirmed", "0.1-adam")
    assert "0.001-adam: 0.4100 ± 0.0100" in won.detail
    assert judge(results, "winner", **both, point=[0.1, "sgd"]).verdict == "refuted"
    assert judge(results, "largest_at", **both, point=[0.1, "adam"]).verdict == "held"
    with pytest.raises(ValueError, match=r"no point '0.1-adma'. Did you mean '0.1-adam'"):
        judge(results, "winner", **both, point=[0.1, "adma"])


@pytest.mark.parametrize(
    ("largest", "smallest", "verdict"),
    [
        ([2, 0], [1], "held"),
        ([2], [], "held"),
        ([], [1, 0], "held"),
        ([0], [], "failed"),
        ([2], [0], "failed"),
    ],
)
def test_the_best_and_the_worst_class(
    made_up: Callable[..., Results], largest: list[int], smallest: list[int], verdict: str
) -> None:
    results = made_up(high=[[0.1], [0.1]])
    for record, scores in zip(results.records, ([0.5, 0.2, 0.6], [0.4, 0.3, 0.8]), strict=True):
        rows = [{"class": name, "f1": f1} for name, f1 in zip("abc", scores, strict=True)]
        record["measured"] = {"scores": {"per_class": rows}}
    options = {**HIGH, "of": "f1", "largest": largest, "smallest": smallest}
    assert judge(results, "class_extremes", **options).verdict == verdict


def test_a_training_that_broke_down_satisfies_no_number(made_up: Callable[..., Results]) -> None:
    results = made_up(high=[[0.9]])
    results.records[0]["diverged"] = "The loss became nan"
    assert judge(results, "diverges", **HIGH).verdict == "held"
    assert judge(results, "diverges", **HIGH, expected=False).verdict == "failed"
    assert judge(results, "number", **HIGH, at_least=0.0).verdict == "failed"
    assert judge(results, "number", **HIGH, at_least=0.0, at="max").verdict == "held"


@pytest.mark.parametrize(
    ("counts", "said", "verdict"),
    [([1, 1], [0, 0], "held"), ([2, 1], [0, 0], "failed"), ([1, 1], [0, 3], "failed")],
)
def test_a_constant_class(
    made_up: Callable[..., Results], counts: list[int], said: list[int], verdict: str
) -> None:
    results = made_up(high=[[0.1, 0.1]])
    for epoch, count, answer in zip(results.records[0]["history"], counts, said, strict=True):
        epoch |= {"classes_predicted": count, "said_class": answer}
    outcome = judge(results, "constant_class", **HIGH, always=True, which=0)
    assert outcome.verdict == verdict


def test_a_table_is_compared_entry_by_entry(made_up: Callable[..., Results]) -> None:
    results = made_up(low=[[0.5]], high=[[0.9]])
    table = {
        "rows": "rate",
        "columns": [{"label": "end"}],
        "values": [[{"printed": "55", "value": 0.55}], ["–"]],
    }
    target = Target(id="t", title="T", table=table)  # type: ignore[arg-type]
    assert target.table is not None
    for tolerance, verdict in ((0.06, "held"), (0.04, "failed")):
        check = PublishedTable(tolerance=tolerance)
        assert check.judge_table(target.table, results).verdict == verdict
    other_row = PublishedTable(tolerance=1.0, rows=[0.1])  # nothing is printed there
    assert other_row.judge_table(target.table, results).verdict == "failed"


def test_every_check_has_a_case() -> None:
    tested = {name for name, *_ in CASES}
    alone = {"winner", "diverges", "constant_class", "class_extremes", "table"}
    ours = {n for n, check in CHECKS.items() if check.__module__.startswith("glassnet.experiments")}
    assert tested | alone == ours  # papers' own checks are tested with their papers


def test_a_quantity_names_what_it_misses(made_up: Callable[..., Results]) -> None:
    results = made_up(low=[[0.5]], high=[[0.9]])
    with pytest.raises(ValueError, match="is 2 cells of small, expected one"):
        judge(results, "number", at_least=0.0)
    with pytest.raises(
        ValueError, match=r"Nothing called 'val_acuracy' was recorded.*Did you mean"
    ):
        judge(results, "number", of="val_acuracy", **HIGH, at_least=0.0)
    assert judge(results, "number", across="max", at_least=0.9).verdict == "held"


def test_a_score_of_a_class_where_training_broke_down_is_not_a_number(
    made_up: Callable[..., Results],
) -> None:
    results = made_up(low=[[0.5]], high=[[0.5]])
    results.records[0]["diverged"] = "the loss is not a number"
    asked = Quantity(**{"of": "precision", "class": 0, "cell": {"rate": 0.001}})
    assert math.isnan(results.sample(asked).mean)


@pytest.mark.parametrize(
    ("name", "options", "missing"),
    [
        ("number", {"of": "precision", "class": 0, "at_least": 0}, "scores"),
        ("class_extremes", {"of": "f1", "largest": [0]}, "scores"),
        ("smoother_than", {"a": {"of": "steps"}, "b": {"of": "steps"}}, "steps"),
    ],
)
def test_a_check_says_what_was_not_recorded(
    made_up: Callable[..., Results], name: str, options: dict[str, Any], missing: str
) -> None:
    results = made_up(low=[[0.5]], high=[[0.5]])
    one = {"cell": {"rate": 0.1}}
    nested = {k: v | one if isinstance(v, dict) else v for k, v in options.items()}
    check = CHECKS[name](**nested, **({} if name == "smoother_than" else one))
    with pytest.raises(ValueError, match=rf"There are no {missing} of .*\[record\] does not ask"):
        check.judge(results)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("number", {}),
        ("difference", {"a": {}, "b": {}}),
        ("ratio", {"a": {}, "b": {}}),
        ("ordered", {"quantities": [{}]}),
        ("reaches_before", {"a": {}, "value": 1.0}),
        ("class_extremes", {}),
    ],
)
def test_a_claim_that_compares_with_nothing_is_refused(name: str, options: dict[str, Any]) -> None:
    check = {"name": name, **options}
    with pytest.raises(ValueError, match=f"but the check {name} compares with nothing"):
        read_section(Claim, {"kind": "pattern", "text": "c", "check": check})
    assert read_section(Claim, {"kind": "report", "text": "c", "check": check}).check is not None


def test_a_table_names_what_it_misses(made_up: Callable[..., Results]) -> None:
    target = Target(id="t", title="", table={"rows": "rate"}, measure={"of": "val_los"})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="p/t, table: Nothing called 'val_los' was recorded"):
        table_facts(target, made_up(low=[[0.5]], high=[[0.5]]))
