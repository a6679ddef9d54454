"""The harness, with sides that only pretend: the order of runs, the check, ratios, failures."""

from dataclasses import replace

import pytest
from bench import fakes

from glassnet.bench import runner
from glassnet.bench.contender import Contender, Variant
from glassnet.bench.worker import ContenderFailed
from glassnet.bench.workloads import Target, workload

WORK = replace(workload("tiny"), targets=(Target("torch", 2.0), Target("sklearn", 2.0)))


class Pretended(Contender):
    """Stands for a framework; its side is a fake, so nothing of it ever runs."""

    title = "Framework"
    ways = ("a", "b")

    @classmethod
    def variants(cls, workload, cores):
        return [Variant(way) for way in cls.ways]


class Single(Pretended):
    title = "Single"
    ways = ("only",)


class Plain(Single):
    plain_only = True


class Absent(Single):
    packages = ("a_package_that_nobody_has",)


@pytest.fixture
def contenders(monkeypatch):
    table = {"ours": Single, "torch": Pretended, "sklearn": Absent}
    monkeypatch.setattr(runner, "contender_class", table.__getitem__)
    return table


def run(sides, runs=3, against=None, work=WORK):
    """`sides` by contender and variant: arguments of the fakes."""
    log, made = [], []

    def start(job):
        arguments = sides.get((job.contender, job.variant.name), {})
        if isinstance(arguments, Exception):
            raise arguments
        made.append(fakes.Fake(f"{job.contender} {job.variant.name}", log, **arguments))
        return made[-1]

    result = runner.run_workload(work, runs, against, start, rest=0.0)
    assert all(side.closed for side in made)
    return result, log


def test_runs_alternate_after_a_warm_up(contenders):
    _, log = run({}, runs=2)
    measured = [name for name, command in log if command == "measure"]
    assert measured == ["ours only", "torch a", "torch b"] * 3
    assert [command for _, command in log[:3]] == ["check"] * 3


def test_the_warm_up_does_not_count(contenders):
    result, _ = run({("ours", "only"): {"seconds": [100.0, 1.0, 2.0, 3.0]}})
    assert result.timings[0].values == [1.0, 2.0, 3.0]


def test_ratio_is_that_of_medians_against_the_best_variant(contenders):
    sides = {
        ("ours", "only"): {"seconds": [0, 1.0, 4.0, 2.0]},
        ("torch", "a"): {"seconds": [0, 7.0, 7.0, 7.0]},
        ("torch", "b"): {"seconds": [0, 5.0, 6.0, 8.0]},
    }
    (comparison,) = run(sides)[0].comparisons
    assert (comparison.variant, comparison.ratio) == ("b", 3.0)
    assert (comparison.low, comparison.high) == (1.5, 5.0)
    assert comparison.met


def test_at_most_turns_the_ratio_round(contenders):
    work = replace(WORK, targets=(Target("torch", 1.3, at_most=True),))
    sides = {("ours", "only"): {"seconds": [6.0]}, ("torch", "a"): {"seconds": [4.0]}}
    (comparison,) = run(sides, work=work)[0].comparisons
    assert comparison.ratio == 1.5
    assert comparison.met is False


def test_a_hopeless_variant_is_not_run_to_the_end(contenders):
    sides = {("torch", "a"): {"seconds": [1.0]}, ("torch", "b"): {"seconds": [0, 2.5, 0.1, 0.1]}}
    result, log = run(sides)
    assert log.count(("torch b", "measure")) == 2
    assert result.comparisons[0].variant == "a"


def test_what_is_not_installed_is_named(contenders):
    result, _ = run({})
    assert result.skipped == {"sklearn": "not installed: a_package_that_nobody_has"}


def test_only_those_asked_for_are_run(contenders):
    result, log = run({}, against={"sklearn"})
    assert {name for name, _ in log} == {"ours only"}
    assert result.comparisons == []


@pytest.mark.parametrize("losses", [(1.0, 0.5003), (1.0, float("nan")), (1.0,)])
def test_the_check_catches_other_losses(contenders, losses):
    result, log = run({("torch", "b"): {"losses": losses}})
    assert result.check.disagreeing == ["Framework (b)"]
    assert ("torch b", "measure") not in log
    assert any("Framework (b) computes other numbers" in note for note in result.notes)
    assert result.comparisons[0].variant == "a"


def test_the_check_allows_rounding(contenders):
    result, _ = run({("torch", "a"): {"losses": (1.00005, 0.5)}})
    assert result.check.disagreeing == []


def test_losses_of_a_plain_contender_are_compared_with_our_plain_network(contenders):
    contenders["torch"] = Plain
    _, log = run({})
    assert [entry for entry in log if entry[1] == "check plain"] == [
        ("ours only", "check plain"),
        ("torch only", "check plain"),
    ]


def test_a_failure_of_theirs_is_noted(contenders):
    result, _ = run({("torch", "a"): {"fails_at": "measure"}, ("torch", "b"): {"seconds": [9.0]}})
    assert "Framework (a) failed: no compiler" in result.notes
    assert result.comparisons[0].variant == "b"


def test_one_that_cannot_begin_is_noted(contenders):
    result, _ = run({("torch", "a"): ContenderFailed("no memory")})
    assert "Framework (a) failed: no memory" in result.notes


def test_a_failure_of_ours_ends_the_workload(contenders):
    with pytest.raises(ContenderFailed, match="tiny: Single \\(only\\) failed: no compiler"):
        run({("ours", "only"): {"fails_at": "check"}})
