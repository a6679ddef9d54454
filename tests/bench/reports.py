"""A small made-up report, and made-up points of scaling."""

from glassnet.bench.results import Check, Comparison, Report, ScalingPoint, Timing, WorkloadResult


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
