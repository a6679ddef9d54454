"""Every rule on a sick network that it must find, and on healthy ones that it must leave alone."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
from glassnet.doctor import Thresholds, diagnose
from glassnet.doctor.finding import Curve
from glassnet.doctor.report import draw, to_html, to_markdown
from glassnet.doctor.rules import RULES, name_of
from glassnet.doctor.suite import (
    fifth_held_out,
    fourth_held_out,
    second_held_out,
    sixth_held_out,
    third_held_out,
    tuning,
)
from glassnet.doctor.suite.training import examine

DOCS = Path(__file__).parents[2] / "docs"
NAMES = [name_of(rule) for rule in RULES]


def sick(rule):
    """The first training of the tuning part that has this defect before all others."""
    return next(case for case in tuning.SICK if case.expects[0] == rule)


@pytest.mark.parametrize("rule", sorted({case.expects[0] for case in tuning.SICK}))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_sick_network_is_recognised(rule):
    outcome = examine(sick(rule))
    assert outcome.is_right, outcome


@pytest.mark.parametrize("case", tuning.HEALTHY, ids=lambda case: case.name)
def test_a_healthy_network_is_left_alone(case):
    outcome = examine(case)
    assert outcome.is_right, outcome


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("display, AdaGrad at 0.0001", {"one-class", "learning-rate-too-low"}),
        ("diabetes, a decay of 3 that takes all weights away", {"loss-not-decreasing"}),
        (
            "peaks, inputs divided by 10,000",
            {"loss-not-decreasing", "unscaled-inputs", "dead-relu"},
        ),
        ("checkers, a schedule that takes a tenth every epoch", {"learning-rate-too-low"}),
        ("sensors, weights decayed away", {"loss-not-decreasing", "one-class"}),
        ("strokes, AdamW at 0.4 with a decay of 0.8", {"update-too-large"}),
        ("learning-rate-too-high, number 0", {"not-finite", "learning-rate-too-high"}),
        ("learning-rate-too-low, number 0", {"learning-rate-too-low"}),
        ("healthy, number 24", set()),
    ],
)
def test_what_hid_the_cause_is_told_from_it(name, first):
    parts = third_held_out, fourth_held_out, fifth_held_out
    cases = [case for part in parts for case in (*part.SICK, *part.HEALTHY)]
    outcome = examine(next(case for case in cases if case.name == name))
    assert set(outcome.found) == first


def test_the_suite_knows_every_rule_and_no_others():
    earlier = tuning, second_held_out, third_held_out, fourth_held_out, fifth_held_out
    for part in (*earlier, sixth_held_out):
        expected = {rule for case in part.SICK for rule in case.expects}
        assert expected == set(NAMES)
        assert len(part.SICK) >= 30
        assert len(part.HEALTHY) >= 30
        assert not any(case.expects for case in part.HEALTHY)


def test_every_rule_and_threshold_is_documented():
    page = (DOCS / "doctor.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^### (.*)$", page, re.MULTILINE)) == sorted(NAMES)
    for field in dataclasses.fields(Thresholds):
        if field.name != "enough_epochs":
            stated = re.search(rf"`{field.name}` = ([0-9.e-]*[0-9])", page)
            assert stated, field.name
            assert float(stated[1]) == field.default, field.name
    for section in page.split("\n### ")[1:]:
        assert all(f"**{word}" in section for word in ("Seen", "Why", "Change", "Threshold"))


@pytest.fixture(scope="module")
def dead():
    doctor = gn.Doctor()
    x = np.random.default_rng(0).normal(size=(100, 3))
    layers = [gn.Dense(8, bias_initializer=gn.initializers.Constant(-50.0)), gn.ReLU()]
    net = gn.Network([*layers, gn.Dense(2)], (3,), seed=0)
    net.fit(x, (x[:, 0] > 0).astype(int), loss="cross_entropy", epochs=4, callbacks=[doctor])
    return doctor


def test_a_threshold_that_is_set_decides(dead):
    assert "dead-relu" in {finding.rule for finding in dead.findings}
    lenient = diagnose(dead.record, Thresholds(dead_share=1.5))
    assert "dead-relu" not in {finding.rule for finding in lenient}
    with pytest.raises(ValueError, match=r"no threshold 'dead_shere'\. Did you mean 'dead_share'"):
        Thresholds().changed({"dead_shere": 1})


def test_a_finding_says_what_where_why_and_what_to_do(dead):
    finding = next(f for f in dead.findings if f.rule == "dead-relu")
    assert finding.severity == "error"
    assert finding.where == "layers.1 (ReLU)"
    assert "100 %" in finding.evidence
    assert "dead before the first step" in finding.change
    assert finding.link == "docs/doctor.md#dead-relu"
    assert finding.curve.values == [1.0] * 5
    assert dead.remark.startswith("doctor: dead-relu (layers.1 (ReLU))")


def test_pages(dead):
    markdown = to_markdown(dead.findings, dead.record)
    assert "### error: dead-relu in layers.1 (ReLU)" in markdown
    assert "layers.0.weight" in markdown
    page = to_html(dead.findings, dead.record, "a < b")
    assert "a &lt; b" in page
    assert page.count("<svg") == sum(finding.curve is not None for finding in dead.findings)
    assert not re.search(r"(src|href)=.?http|<script|@import", page)  # it needs no network
    assert page == to_html(dead.findings, dead.record, "a < b")


def test_sparklines_stand_numbers_that_are_not_finite():
    assert Curve("loss", [0, 1, 2], [1.0, np.nan, 3.0]).sparkline == "▁×█"
    assert Curve("loss", [0], [np.inf]).sparkline == ""
    assert Curve("loss", [0, 1], [1.0, 1.0]).sparkline == "▁▁"


def test_consequences_are_not_told_beside_their_cause(dead):
    assert not {"learning-rate-too-low", "loss-not-decreasing"} & {f.rule for f in dead.findings}


def test_losses_of_zero():
    x, doctor = np.random.default_rng(0).normal(size=(60, 3)), gn.Doctor()
    net = gn.Network([gn.Dense(1, initializer="zeros")], (3,), seed=0)
    net.fit(x, np.zeros(60), loss="mse", epochs=8, validation=0.2, callbacks=[doctor])
    assert {"overfitting", "overtraining"}.isdisjoint(f.rule for f in doctor.findings)
    setting = dataclasses.replace(doctor.record.setting, baseline=1.0)
    history = [{**e, "val_loss": float(e["epoch"] > 2)} for e in doctor.record.history]
    found = diagnose(dataclasses.replace(doctor.record, setting=setting, history=history))
    assert "overtraining" in {f.rule for f in found}


def test_a_curve_of_one_epoch_has_no_fractions_of_epochs():
    figure = draw(Curve("loss", [0.0], [1.5]))
    assert re.findall(r"<!-- (0[.\d]*) -->", figure) == ["0"]
