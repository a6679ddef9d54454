"""How cost grows: what a point is, exponents, knees."""

import pytest
from bench import fakes
from bench.reports import points

from glassnet.bench import figures, scaling
from glassnet.bench.results import ScalingPoint

EVERY_POINT = [(axis, value) for axis, values in scaling.AXES.items() for value in values]


def test_points_hold_everything_else():
    deep, wide = scaling.point("depth", 32), scaling.point("width", 16)
    assert deep.network.sizes == (64, *[128] * 32, 10)
    assert wide.network.sizes == (64, 16, 16, 10)
    assert scaling.point("rows", 1_024).rows == 1_024
    assert scaling.point("batch", 4_096).batch == 4_096


@pytest.mark.parametrize(("axis", "value"), EVERY_POINT)
def test_a_run_is_neither_too_short_nor_too_long(axis, value):
    work = scaling.point(axis, value)
    steps = work.rows // work.batch
    seconds = work.epochs * steps * scaling.rough_step(work.network, work.batch)
    assert work.rows == steps * work.batch
    assert seconds > scaling.SHORTEST / 2
    if axis == "rows":
        assert work.rows == value
    else:
        assert seconds <= scaling.LONGEST


def test_an_epoch_that_was_cut_is_scaled_up():
    log = []

    def start(job):
        assert job.workload.rows < scaling.ROWS
        return fakes.Fake(job.contender, log, seconds=[0.5])

    found = scaling.run_axis("width", 2, against=(), quick=True, start=start)[-1]
    assert (found.axis, found.value) == ("width", 256)
    assert found.share == pytest.approx(20 / 256)
    assert found.timings[0].values == [0.5 * 256] * 2


def test_exponents_are_the_slopes_of_the_log_log_plot():
    found = points("rows", (10, 1.0, 5.0), (100, 10.0, 5.0), (1_000, 1_000.0, 50.0))
    exponents = scaling.growth(found)
    assert [growth.ours for growth in exponents] == pytest.approx([1, 2])
    assert [growth.theirs for growth in exponents] == pytest.approx([0, 1])


def test_exponents_are_not_disturbed_by_a_long_run():
    found = points("rows", (10, 1.0, 1.0), (100, 10.0, 1.0))
    found[1].timings[0].values += [90.0, 90.0]
    assert scaling.growth(found)[0].ours == pytest.approx(1)


def test_a_knee_is_ours_alone():
    shared = points("rows", (10, 1.0, 5.0), (100, 10.0, 5.0), (1_000, 1_000.0, 50.0))
    assert scaling.knees(shared) == []
    alone = points("rows", (10, 1.0, 5.0), (100, 10.0, 50.0), (1_000, 1_000.0, 500.0))
    (knee,) = scaling.knees(alone)
    assert str(knee) == (
        "rows 100: our exponent goes from 1.00 to 2.00; PyTorch's from 1.00 to 1.00"
    )


def test_a_curve_that_turns_down_or_a_new_axis_is_no_knee():
    down = points("rows", (10, 1.0, 1.0), (100, 100.0, 1.0), (1_000, 200.0, 1.0))
    other = points("batch", (1, 1.0, 1.0), (10, 1_000.0, 1.0))
    assert scaling.knees(down + other) == []


def test_knees_without_pytorch_are_found():
    found = points("depth", (1, 1.0, 0), (2, 1.0, 0), (4, 4.0, 0))
    ours = [ScalingPoint(p.axis, p.value, p.timings[:1]) for p in found]
    (knee,) = scaling.knees(ours)
    assert str(knee) == "depth 2: our exponent goes from 0.00 to 2.00"


def test_knees_are_ringed(tmp_path):
    from bench.reports import a_report

    alone = points("rows", (10, 1.0, 5.0), (100, 10.0, 50.0), (1_000, 1_000.0, 500.0))
    rows = figures.scaling(a_report(scaling=alone)).axes[0]
    (ring,) = [line for line in rows.lines if line.get_markersize() == figures.RING["markersize"]]
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([100], [10.0])
