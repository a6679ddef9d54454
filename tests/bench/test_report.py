"""From results to JSON, tables, pages and figures; and how cost grows."""

import pytest

from glassnet.bench import figures, machine, report, scaling
from glassnet.bench.results import (
    Check,
    Comparison,
    Report,
    ScalingPoint,
    Timing,
    WorkloadResult,
    read_report,
)


def timing(contender, *values, variant="best"):
    title = {"ours": "glassnet", "torch": "PyTorch", "products": "its own products"}[contender]
    return Timing(contender, title, variant, list(values))


def a_report(**options):
    found = Report({"cores": 2}, {"numpy": "2.0"}, 3, False, "2026-01-01", {"MNIST": "the files"})
    tiny = WorkloadResult(
        "tiny",
        "4-16-3 tanh",
        "time a step",
        [timing("ours", 1e-6, 2e-6, 3e-6), timing("torch", 2e-4, 1e-4, 3e-4)],
        [Comparison("torch", "PyTorch", "best", 100.0, 50.0, 200.0, 60.0)],
        Check("the losses of 20 steps", 1e-4, {"PyTorch (best)": 2e-7}),
        {"jax": "not installed: jax"},
        ["A note."],
    )
    floor = WorkloadResult(
        "tabular-floor",
        "128-10",
        "time a step",
        [timing("ours", 3e-3), timing("products", 2e-3)],
        [Comparison("products", "its own products", "best", 1.5, 1.5, 1.5, 1.3, at_most=True)],
    )
    found.workloads = [tiny, floor]
    for name, value in options.items():
        setattr(found, name, value)
    return found


def points(axis, *pairs):
    return [
        ScalingPoint(axis, value, [timing("ours", ours), timing("torch", theirs)])
        for value, ours, theirs in pairs
    ]


def test_a_report_comes_back_from_its_file(tmp_path):
    found = a_report(scaling=points("rows", (1_000, 1.0, 2.0)))
    found.write(tmp_path / "bench.json")
    assert read_report(tmp_path / "bench.json") == found


@pytest.mark.parametrize("content", ["", "[]", '{"runs": 3}', "{"])
def test_a_file_that_is_no_report_is_refused(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ValueError, match=r"x\.json is no benchmark report"):
        read_report(tmp_path / "x.json")


def test_an_update_replaces_what_was_measured_again():
    earlier, newer = a_report(), a_report(date="2026-02-02")
    newer.workloads = [WorkloadResult("tiny", "new", "time a step")]
    earlier.merge(newer)
    assert [(r.name, r.what) for r in earlier.workloads] == [
        ("tiny", "new"),
        ("tabular-floor", "128-10"),
    ]
    assert earlier.date == "2026-02-02"


def test_an_update_from_another_machine_is_refused():
    with pytest.raises(ValueError, match="has other machine"):
        a_report().merge(a_report(machine={"cores": 64}))


def test_the_page_says_what_was_found():
    page = report.markdown(a_report(), notes="By hand.")
    assert "1 of 2 targets met" in page
    line = "| tiny | PyTorch | 100× | 50.0× to 200× | ≥ 60× | yes | 2.00 µs | 200 µs | best |"
    assert line in page
    assert "| ≤ 1.3× | no | 3.00 ms | 2.00 ms |" in page
    assert "agree within 2e-07" in page
    assert "jax skipped: not installed: jax" in page
    assert "By hand." in page


def test_a_quick_page_says_so():
    assert "A quick run" in report.markdown(a_report(quick=True))


def test_docs_are_not_replaced_unasked(tmp_path):
    found = a_report(scaling=points("rows", (1_000, 1.0, 2.0), (2_000, 2.0, 4.0)))
    (tmp_path / report.NOTES).write_text("By hand.")
    written = report.write_docs(found, tmp_path)
    assert {path.name for path in written} == {report.PAGE, report.RATIOS, report.SCALING}
    assert "By hand." in (tmp_path / report.PAGE).read_text()
    with pytest.raises(ValueError, match="exists already"):
        report.write_docs(found, tmp_path)
    report.write_docs(found, tmp_path, overwrite=True)


def test_a_missed_target_is_hollow():
    (axes,) = figures.ratios(a_report()).axes
    faces = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "o"]
    assert faces[:2] == [figures.BLUE, "white"]


def test_exponents_are_the_slopes_of_the_log_log_plot():
    found = points("rows", (10, 1.0, 5.0), (100, 10.0, 5.0), (1_000, 1_000.0, 50.0))
    exponents = scaling.growth(found)
    assert [growth.ours for growth in exponents] == pytest.approx([1, 2])
    assert [growth.theirs for growth in exponents] == pytest.approx([0, 1])
    assert scaling.knees(exponents) == [
        "rows 100: our exponent goes from 1.00 to 2.00; PyTorch's from 0.00 to 1.00"
    ]


def test_points_hold_everything_else():
    deep, wide = scaling.point("depth", 32), scaling.point("width", 16)
    assert deep.network.sizes == (64, *[128] * 32, 10)
    assert wide.network.sizes == (64, 16, 16, 10)
    assert scaling.point("rows", 1_000).rows == 960
    assert scaling.point("batch", 4_096).rows == 8_192


def test_the_machine_is_described_without_a_name(monkeypatch):
    import socket

    described = machine.describe_machine()
    assert described["cores"] >= 1
    assert socket.gethostname() not in str(described)
    assert machine.describe_packages()["numpy"]


def test_a_busy_machine_is_warned_about(monkeypatch):
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (50.0, 0, 0), raising=False)
    assert "busy (load 50.0" in machine.busy()
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (0.0, 0, 0), raising=False)
    assert machine.busy() is None
