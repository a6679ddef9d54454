"""Schedules and phases: the shapes of the curves, worked out by hand, and what is refused."""

from __future__ import annotations

import json
import math

import pytest

from glassnet.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Phase,
    Plateau,
    Position,
    Schedule,
    Step,
    as_phases,
    phase_at,
)


def factors(schedule, epochs, steps_per_epoch=1):
    """The factor of every step of a run."""
    return [
        schedule.factor(Position(step // steps_per_epoch, step, steps_per_epoch, epochs))
        for step in range(epochs * steps_per_epoch)
    ]


def factors_while_observing(schedule, records):
    """The factor of every epoch, each epoch followed by its record; and the one after the last."""
    seen = []
    for epoch, record in enumerate(records):
        seen.append(schedule.factor(Position(epoch, epoch, 1, len(records))))
        schedule.observe(record)
    return [*seen, schedule.factor(Position(len(records), len(records), 1, len(records)))]


HALF = math.sqrt(0.5)

EXAMPLES = {
    # name: (schedule, epochs, steps an epoch, factor of each step)
    "constant": (Constant(), 3, 1, [1, 1, 1]),
    "step": (Step(2, factor=0.5), 3, 2, [1, 1, 1, 1, 0.5, 0.5]),
    "exponential": (Exponential(0.5), 3, 2, [1, 1, 0.5, 0.5, 0.25, 0.25]),
    # 2 of 6 steps up: ½, 1; then (1 + cos(π k/4)) / 2 for k = 0 … 3
    "cosine": (Cosine(warmup=1), 3, 2, [0.5, 1, 1, (1 + HALF) / 2, 0.5, (1 - HALF) / 2]),
    # 4 of 8 steps up, ½ → 1 in steps k = 0 … 3 of cos(π k/3) = 1, ½, −½, −1;
    # then 1 → ⅛ along cos(π k/4), k = 1 … 4 = √½, 0, −√½, −1
    "one_cycle": (
        OneCycle(0.5, start_divisor=2, end_divisor=4),
        1,
        8,
        [
            *(0.5, 0.625, 0.875, 1),
            *(0.125 + 0.875 * (1 + HALF) / 2, 0.5625, 0.125 + 0.875 * (1 - HALF) / 2, 0.125),
        ],
    ),
    "plateau": (Plateau(), 3, 1, [1, 1, 1]),  # nothing observed; see below
}


def test_every_schedule_has_an_example():
    assert set(EXAMPLES) == set(SCHEDULES.names())


@pytest.mark.parametrize("name", EXAMPLES)
def test_curve_by_hand(name):
    schedule, epochs, steps_per_epoch, expected = EXAMPLES[name]
    assert schedule.name == name
    assert factors(schedule, epochs, steps_per_epoch) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("name", EXAMPLES)
def test_options_round_trip(name):
    schedule, *_ = EXAMPLES[name]
    config = json.loads(json.dumps(schedule.config()))
    again = SCHEDULES.create(config)
    assert type(again) is type(schedule)
    assert again.config() == config
    assert repr(again) == repr(schedule)


@pytest.mark.parametrize("name", EXAMPLES)
def test_state_is_json_and_round_trips(name):
    schedule, *_ = EXAMPLES[name]
    schedule.prepare()
    schedule.observe({"loss": 1.0, "val_loss": 2.0})
    state = json.loads(json.dumps(schedule.state, allow_nan=False))
    again = SCHEDULES.create(schedule.config())
    again.load_state(state)
    assert again.state == schedule.state
    with pytest.raises(ValueError, match=r"Received: .*'?phase_of_moon"):
        again.load_state(state | {"phase_of_moon": 1})
    schedule.prepare()


# Cosine.


def test_cosine_ends_just_above_its_minimum():
    curve = factors(Cosine(minimum=0.1), 10, 10)
    assert curve[0] == 1.0
    assert curve[50] == pytest.approx(0.55)
    assert 0.1 < curve[-1] < 0.101
    assert curve == sorted(curve, reverse=True)


def test_cosine_warms_up_by_fractions_of_an_epoch():
    assert factors(Cosine(warmup=0.5), 2, 8)[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_cosine_may_be_warm_up_only():
    assert factors(Cosine(warmup=1), 1, 4) == [0.25, 0.5, 0.75, 1.0]


def test_cosine_refuses_a_warm_up_longer_than_the_run():
    with pytest.raises(ValueError, match="warm-up of 5 epochs does not fit into 3 epochs"):
        factors(Cosine(warmup=5), 3)


@pytest.mark.parametrize("schedule", [Cosine(minimum=0.2), OneCycle(0.5, 2.0, 2.5)])
def test_after_the_planned_end_the_last_rate_holds(schedule):
    assert schedule.factor(Position(7, 70, 10, 5)) == pytest.approx(0.2)


# One cycle.


def test_one_cycle_from_start_over_the_base_rate_to_the_end():
    curve = factors(OneCycle(), 10, 10)
    assert curve[0] == pytest.approx(1 / 25)
    assert max(curve) == curve[29] == pytest.approx(1.0)
    assert curve[-1] == pytest.approx(1 / 25 / 1e4)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, [0.5, 0]), (0.5, [1, 0]), (1.0, [1 / 25, 1])]
)
def test_one_cycle_of_two_steps(share, expected):
    assert factors(OneCycle(share), 1, 2) == pytest.approx(expected, abs=1e-5)


# Plateau.


def test_plateau_waits_longer_than_its_patience():
    losses = [3.0, 2.0, 2.0, 2.1, 1.0, 1.5, 1.5, 1.5]
    schedule = Plateau(factor=0.5, patience=1)
    #             better ↑    ↑ bad 1, bad 2: drop   better, bad 1, bad 2: drop, bad 1
    expected = [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert factors_while_observing(schedule, [{"loss": loss} for loss in losses]) == expected


def test_plateau_ignores_progress_below_its_threshold():
    losses = [{"loss": loss} for loss in (1.0, 0.995, 0.991, 0.98)]
    assert factors_while_observing(Plateau(0.5, 0, threshold=0.01), losses) == [
        *(1, 1, 0.5, 0.25, 0.25)
    ]


def test_plateau_stops_at_its_minimum():
    losses = [{"loss": 1.0}] * 5
    schedule = Plateau(factor=0.1, patience=0, minimum=0.05)
    assert factors_while_observing(schedule, losses) == [1, 1, 0.1, 0.05, 0.05, 0.05]


def test_plateau_prefers_the_validation_loss():
    records = [{"loss": 1.0, "val_loss": 1.0}, {"loss": 0.5, "val_loss": 1.5}]
    assert factors_while_observing(Plateau(0.5, 0), records)[-1] == 0.5
    assert factors_while_observing(Plateau(0.5, 0, monitor="loss"), records)[-1] == 1.0
    records = [{"loss": 1.0}, {"loss": 1.5}]
    assert factors_while_observing(Plateau(0.5, 0), records)[-1] == 0.5


def test_plateau_knows_that_more_accuracy_is_better():
    rising = [{"val_accuracy": accuracy} for accuracy in (0.5, 0.6, 0.7)]
    assert factors_while_observing(Plateau(0.5, 0, monitor="val_accuracy"), rising)[-1] == 1.0
    assert (
        factors_while_observing(Plateau(0.5, 0, monitor="val_accuracy"), rising[::-1])[-1] == 0.25
    )


def test_plateau_takes_nan_for_no_progress():
    losses = [{"loss": math.nan}, {"loss": 1.0}, {"loss": math.nan}]
    schedule = Plateau(0.5, patience=0)
    assert factors_while_observing(schedule, losses) == [1, 0.5, 0.5, 0.25]
    assert schedule.best == 1.0


def test_plateau_resumes_from_its_state():
    records = [{"loss": loss} for loss in (3.0, 2.0, 2.0, 2.1, 1.0, 1.5, 1.5, 1.5)]
    whole = factors_while_observing(Plateau(0.5, 1), records)
    first, second = Plateau(0.5, 1), Plateau(0.5, 1)
    factors_while_observing(first, records[:3])
    second.load_state(json.loads(json.dumps(first.state)))
    assert factors_while_observing(second, records[3:]) == whole[3:]


def test_plateau_begins_anew_when_prepared():
    schedule = Plateau(0.5, 0)
    factors_while_observing(schedule, [{"loss": 1.0}] * 3)
    schedule.prepare()
    assert schedule.state == Plateau(0.5, 0).state


def test_plateau_needs_what_it_monitors():
    with pytest.raises(ValueError, match=r"'val_acuracy'.*Did you mean 'val_accuracy'.*columns"):
        Plateau(monitor="val_acuracy").observe({"loss": 1.0, "val_accuracy": 0.5})


# One's own, and bad input.


def test_a_schedule_of_ones_own():
    class InverseRoot(Schedule):
        name = "inverse_root"

        def factor(self, position):
            return (1 + position.step) ** -0.5

    schedule = SCHEDULES.create(InverseRoot())
    assert factors(schedule, 2, 2) == pytest.approx([1, HALF, 3**-0.5, 0.5])
    schedule.observe({"loss": 1.0})
    assert schedule.state == {}
    with pytest.raises(NotImplementedError, match="Schedule has no factor"):
        factors(Schedule(), 1)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (Step, {"every": 0}),
        (Step, {"every": 1.5}),
        (Step, {"every": 1, "factor": 0}),
        (Exponential, {"decay": 0.0}),
        (Exponential, {"decay": 1.1}),
        (Cosine, {"warmup": -1}),
        (Cosine, {"minimum": 1.5}),
        (Cosine, {"minimum": math.nan}),
        (OneCycle, {"warmup_share": 1.1}),
        (OneCycle, {"start_divisor": 0}),
        (OneCycle, {"end_divisor": math.inf}),
        (Plateau, {"factor": 1.0}),
        (Plateau, {"patience": -1}),
        (Plateau, {"minimum": -0.1}),
        (Plateau, {"threshold": "none"}),
    ],
)
def test_bad_options_are_refused(make, options):
    option = list(options)[-1]
    with pytest.raises(ValueError, match=rf"{option} must be .*Received: {options[option]!r}"):
        make(**options)


# Phases.


def test_phases_hold_until_they_are_changed():
    phases = as_phases(
        [
            {"start": 0, "batch_size": 1, "momentum": 0.8},
            Phase(25, batch_size=50, learning_rate=0.71),
            Phase(30, batch_size="full", momentum=0.0),
        ]
    )
    assert phase_at(phases, 0).settings() == {"batch_size": 1, "momentum": 0.8}
    assert phase_at(phases, 24).settings() == phase_at(phases, 0).settings()
    assert phase_at(phases, 25).settings() == {
        "batch_size": 50,
        "learning_rate": 0.71,
        "momentum": 0.8,
    }
    assert phase_at(phases, 99).settings() == {
        "batch_size": "full",
        "learning_rate": 0.71,
        "momentum": 0.0,
    }
    assert [phase_at(phases, epoch).start for epoch in (0, 24, 25, 31)] == [0, 0, 25, 30]


def test_before_the_first_phase_nothing_is_set():
    assert phase_at([Phase(3, batch_size=8)], 2).settings() == {}
    assert phase_at([], 0).settings() == {}


def test_phases_survive_json():
    phase = Phase(25, batch_size=50, momentum=0.5)
    (again,) = as_phases([json.loads(json.dumps(phase.config()))])
    assert again.options() == phase.options()


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([{"start": -1, "batch_size": 1}], "start must be .*Received: -1"),
        ([{"start": 0, "batch_size": 0}], "batch_size must be .*Received: 0"),
        ([{"start": 0, "batch_size": "all"}], "batch_size must be .*Received: 'all'"),
        ([{"start": 0, "learning_rate": 0.0}], "learning_rate must be .*Received: 0.0"),
        ([{"start": 0, "momentum": 1.0}], "momentum must be .*Received: 1.0"),
        ([{"start": 0, "batchsize": 5}], "no option 'batchsize'. Did you mean 'batch_size'"),
        ([{"batch_size": 5}], "needs the option 'start'"),
        ([{"start": 4}], "starts at epoch 4 sets nothing"),
        ([Phase(5, 1), Phase(2, 1)], r"Received starts: \[5, 2\]"),
        ([Phase(5, 1), Phase(5, 2)], r"Received starts: \[5, 5\]"),
        ([7], "Expected a phase.*Received: 7"),
    ],
)
def test_bad_phases_are_refused(specs, message):
    with pytest.raises(ValueError, match=message):
        as_phases(specs)
