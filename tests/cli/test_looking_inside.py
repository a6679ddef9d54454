"""`glassnet trace`, `check`, `plot` and `predict --explain`, on runs of a user's own table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest


@pytest.fixture
def run(cli, table, without_figures) -> Path:
    ran = cli(
        "train", table, "--target", "kind", "--missing", "impute", "--layers", "6",
        "--activation", "tanh", "--epochs", 3, "--out", "run", "--histograms",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    return Path("run")


def test_trace_of_the_example(cli):
    ran = cli("trace")
    assert ran.code == 0, ran.err
    assert "∂J/∂z₀ = ∂J/∂a₁ ⊙ a₁ ⊙ (1 − a₁)" in ran.out
    step = cli("trace", "--json").json
    assert step["loss"] == pytest.approx(2)
    assert step["calls"][-1]["writes"][0]["values"] == [[2.5, 0.25], [0.0, -2.5]]


def test_trace_of_a_run_and_of_its_configuration(cli, run, refused):
    for source in (run, run / "config.toml"):
        step = cli("trace", source, "--rows", 3, "--json").json
        assert step["rows"] == 3
        kernels = [call["kernel"] for call in step["calls"]]
        assert kernels[0] == "layers.preprocessing.standardize_forward"
        assert kernels[-1] == "optimizers.adam"
    assert cli("trace", run, "--out", "step.html").out == "trace: step.html\n"
    assert "<math" in Path("step.html").read_text()
    assert "step.html exists already" in refused("trace", run, "--out", "step.html")
    assert "check the path" in refused("trace", "nowhere")


def test_json_of_a_trace_has_null_where_a_value_was_missing(cli, run):
    step = cli("trace", run, "--rows", 48, "--json")
    assert "NaN" not in step.out
    assert step.json["calls"][0]["reads"][0]["mean"] is None


def test_check_of_a_run_and_of_its_configuration(cli, run):
    for source in (run, run / "config.toml"):
        ran = cli("check", source, "--rows", 4)
        assert ran.code == 0, ran.out + ran.err
        assert ran.out.endswith("all gradients are right\n")
    facts = cli("check", run, "--json").json
    assert facts["passed"]
    assert {row["name"] for row in facts["gradients"]} >= {"outputs", "inputs"}


def test_check_of_a_wrong_gradient_ends_with_status_1(cli, run, monkeypatch):
    from glassnet.layers.activations import Tanh

    monkeypatch.setattr(Tanh, "backward", lambda self, dy: dy)
    ran = cli("check", run)
    assert ran.code == 1
    assert "a gradient is WRONG" in ran.out
    assert "Tanh(), ∂J/∂x" in ran.out


def test_plot(cli, run, refused):
    kinds = ["diagram", "activations", "histograms", "weights", "curves", "regions"]
    drawn = cli("plot", run, *kinds, "--format", "svg", "--json").json
    assert list(drawn) == kinds
    for path in drawn.values():
        assert "<svg" in Path(path).read_text()
    assert "exists already" in refused("plot", run, "diagram", "--format", "svg")
    assert "Did you mean 'diagram'?" in refused("plot", run, "diagramm")
    assert "png or svg" in refused("plot", run, "diagram", "--format", "bmp")
    named = refused("plot", run, "regions", "--features", "size,color")
    assert "Did you mean 'colour'?" in named
    Path("run/histograms.npz").unlink()
    assert cli("plot", run, "histograms").code == 0
    Path("run/model.safetensors").unlink()  # a run that broke down has its curves still
    assert cli("plot", run, "curves").code == 0


def test_predict_explain(cli, run, table, refused):
    ran = cli("predict", run, table, "--explain", "--figure", "why.png", "--json")
    assert ran.code == 0, ran.err
    because = ran.json["because"]
    assert len(because) == 60
    assert all(re.fullmatch(r"((size|colour|always) [+-][\d.e+-]+(, |$)){3}", r) for r in because)
    assert Path("why.png").read_bytes().startswith(b"\x89PNG")
    assert "why.png exists already" in refused("predict", run, table, "--figure", "why.png")


def test_histograms_go_on_with_a_resumed_run(cli, run):
    ran = cli("train", "--resume", run, "--epochs", 5)
    assert ran.code == 0, ran.err
    assert json.loads(Path("run/report.json").read_text())["epochs"] == 5
