"""`glassnet bench` on the command line, with ours alone."""

import json

import pytest
from typer.testing import CliRunner

from glassnet.cli.bench import app


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_list_names_workloads_and_targets():
    result = run("--list")
    assert result.exit_code == 0
    assert "per-sample" in result.output
    assert "scaling" in result.output


def test_quick_run_of_ours_writes_json_and_docs(tmp_path):
    file, docs = tmp_path / "bench.json", tmp_path / "docs"
    options = ("--quick", "--runs", 1, "--against", "sklearn")  # which tiny has not
    result = run("tiny", *options, "--json", file, "--docs", docs)
    assert result.exit_code == 0, result.output
    found = json.loads(file.read_text())
    assert [entry["name"] for entry in found["workloads"]] == ["tiny"]
    assert found["workloads"][0]["timings"][0]["contender"] == "ours"
    assert (docs / "benchmarks.md").exists()

    refused = run("tiny", *options, "--json", file)
    assert refused.exit_code == 1
    assert "exists already" in refused.stderr

    shown = run("--from", file)
    assert shown.exit_code == 0
    assert "tiny" in shown.output


def test_scaling_runs_an_axis_at_a_time_and_keeps_the_others(tmp_path):
    file = tmp_path / "bench.json"
    options = ("--quick", "--runs", 1, "--against", "sklearn", "--json", file)
    for axis in ("batch", "depth"):
        result = run(f"scaling-{axis}", *options, "--update")
        assert result.exit_code == 0, result.output
        assert "our exponent" in " ".join(result.output.split())
    found = json.loads(file.read_text())["scaling"]
    assert [(point["axis"], point["value"]) for point in found] == [
        ("depth", 1),
        ("depth", 8),
        ("batch", 1),
        ("batch", 64),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "There is no workload 'nothing'"),
        (("tiny", "--against", "theano"), "There is no contender 'theano'"),
        (("tiny", "--update"), "--update needs --json FILE"),
        (("--from", "nowhere.json"), "nowhere.json cannot be read"),
    ],
)
def test_bad_input_is_one_clear_sentence(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
