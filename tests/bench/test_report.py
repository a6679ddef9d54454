"""Results: to JSON and back, updated, drawn; and the machine that they come from."""

import pytest
from bench.reports import a_report, points

from glassnet.bench import figures, machine
from glassnet.bench.results import WorkloadResult, read_report


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


def test_an_update_of_one_axis_keeps_the_others():
    rows, batch = points("rows", (1_000, 1.0, 2.0)), points("batch", (1, 1.0, 2.0))
    earlier = a_report(scaling=rows + batch)
    newer = points("rows", (1_000, 3.0, 4.0))
    earlier.merge(a_report(scaling=newer))
    assert earlier.scaling == batch + newer


def test_an_update_from_another_machine_is_refused():
    with pytest.raises(ValueError, match="has other machine"):
        a_report().merge(a_report(machine={"cores": 64}))


def test_a_missed_target_is_hollow():
    (axes,) = figures.ratios(a_report()).axes
    faces = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "o"]
    assert faces[:2] == [figures.BLUE, "white"]


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
