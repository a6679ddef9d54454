"""scikit-learn's multi-layer perceptrons and ours on the same rows: scores, times, abilities.

Both get the same arguments, the same standardised rows and, for each of five seeds, the same split
into rows to learn from and rows to be scored on. Their fits alternate, A B A B, in one process, and
scikit-learn's are made twice, with one BLAS thread and with all: the faster way counts. What a
process pays once, for loading compiled kernels, is measured apart, in fresh processes.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.bench.products import products_of
from glassnet.files import write_atomically

PAGE = "estimators-comparison"
SEEDS = 5
MOST_EPOCHS = 500
LARGE_ROWS, LARGE_FEATURES, LARGE_CLASSES = 50_000, 128, 10
LARGE_BATCH, LARGE_EPOCHS, LARGE_RUNS = 64, 3, 3
PRODUCT_STEPS = 1000
REST = 0.3
"""Seconds between two fits: BLAS threads go on spinning for 0.1 s after their last product, and
could take the next fit's core."""

FRESH_RUNS = 3
NAMES = "theirs", "ours"
ONE_THREAD = "theirs, one thread"

Rows = tuple[Array, Array]


@dataclass(frozen=True)
class Set:
    """A data set.

    Attributes:
        name: what scikit-learn calls its function.
        classifies: whether targets are classes.
        load: gives x and y for a seed; sets that are not drawn ignore it.
    """

    name: str
    classifies: bool
    load: Callable[[int], Rows]


@dataclass
class Result:
    """Scores (accuracy or R²), epochs and seconds of a set, by seed, theirs and ours.

    `products` has the seconds that the matrix products of a step take alone, by BLAS threads.
    """

    name: str
    rows: int
    features: int
    targets: str
    scores: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in NAMES})
    seconds: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in (*NAMES, ONE_THREAD)}
    )
    epochs: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in NAMES})
    products: dict[str, float] = field(default_factory=dict)

    @property
    def difference(self) -> tuple[float, float]:
        """Mean of ours − theirs, and its standard error, over seeds."""
        differences = np.subtract(self.scores["ours"], self.scores["theirs"])
        error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else 0.0
        return float(differences.mean()), float(error)

    @property
    def median(self) -> dict[str, float]:
        """Seconds of a fit, theirs in the faster of their two ways."""
        medians = {side: statistics.median(times) for side, times in self.seconds.items() if times}
        theirs = min(medians[side] for side in ("theirs", ONE_THREAD) if side in medians)
        return {"theirs": theirs, "ours": medians["ours"]}

    @property
    def ratio(self) -> float:
        """Their time over ours."""
        return self.median["theirs"] / self.median["ours"]


@dataclass
class Comparison:
    """Everything that the page shows.

    Attributes:
        results: of the ten sets.
        large: of the large table, by its network; scores on the rows learned from.
        first: seconds of the first fit in a fresh process, by what is fitted and by side; medians.
        machine, packages, date: what the figures belong to.
    """

    results: list[Result]
    large: list[Result]
    first: dict[str, dict[str, float]]
    machine: dict[str, Any]
    packages: dict[str, str]
    date: str


def _loaded(name: str) -> Callable[[int], Rows]:
    def load(seed: int) -> Rows:
        import sklearn.datasets

        x, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
        return x, y

    return load


def _drawn(name: str, **options: Any) -> Callable[[int], Rows]:
    def draw(seed: int) -> Rows:
        import sklearn.datasets

        x, y = getattr(sklearn.datasets, name)(**options, random_state=seed)
        return x, y

    return draw


SETS = (
    *(
        Set(f"load_{name}", True, _loaded(name))
        for name in ("iris", "wine", "breast_cancer", "digits")
    ),
    *(Set(f"load_{name}", False, _loaded(name)) for name in ("diabetes", "linnerud")),
    Set("make_moons", True, _drawn("make_moons", n_samples=1000, noise=0.25)),
    Set(
        "make_classification",
        True,
        _drawn("make_classification", n_samples=2000, n_informative=6, n_classes=4),
    ),
    Set("make_regression", False, _drawn("make_regression", n_samples=1000, noise=5.0)),
    Set("make_friedman1", False, _drawn("make_friedman1", n_samples=1000, noise=0.5)),
)
"""Ten of scikit-learn's sets that need no download."""


def compare(
    seeds: int = SEEDS, quick: bool = False, say: Callable[[str], None] = print
) -> Comparison:
    """Measure everything.

    Arguments:
        seeds: how many splits and starts for each set.
        quick: a little of everything, to see that it runs.
        say: told what is going on.
    """
    import datetime

    from glassnet.bench import machine

    results = []
    for each in SETS[:2] if quick else SETS:
        say(f"{each.name}: {seeds} seeds")
        results.append(_on_set(each, seeds, 5 if quick else MOST_EPOCHS))
    say("the large table")
    rows = 2_000 if quick else LARGE_ROWS
    large = [_on_large(hidden, rows) for hidden in ((100,), (256, 256, 256))]
    say("first fits in fresh processes")
    runs = 1 if quick else FRESH_RUNS
    return Comparison(
        results=results,
        large=large,
        first={
            "iris": {side: _first_fit(side, "iris", 200, runs) for side in NAMES},
            "digits": {side: _first_fit(side, "digits", 100, runs) for side in NAMES},
            "digits, nothing compiled": {"ours": _first_compiled()},
        },
        machine=machine.describe_machine(),
        packages=machine.describe_packages(),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _models(classifies: bool, seed: int, epochs: int, **options: Any) -> dict[str, Any]:
    import sklearn.neural_network

    from glassnet import estimators

    name = "MLPClassifier" if classifies else "MLPRegressor"
    modules = dict(zip(NAMES, (sklearn.neural_network, estimators), strict=True))
    return {
        side: getattr(module, name)(max_iter=epochs, random_state=seed, **options)
        for side, module in modules.items()
    }


def _split(each: Set, seed: int) -> tuple[Array, Array, Array, Array]:
    """Standardised rows: x and y to learn from, x and y to be scored on."""
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = each.load(seed)
    strata = y if each.classifies else None
    x, held_x, y, held_y = train_test_split(x, y, random_state=seed, stratify=strata)
    inputs = StandardScaler().fit(x)
    if not each.classifies:
        y, held_y = y.reshape(len(y), -1), held_y.reshape(len(held_y), -1)
        numbers = StandardScaler().fit(y)
        y, held_y = (np.squeeze(numbers.transform(part)) for part in (y, held_y))
    return inputs.transform(x), y, inputs.transform(held_x), held_y


def _fit_pair(models: dict[str, Any], x: Array, y: Array) -> dict[str, float]:
    """Fit both, and scikit-learn's once more on one BLAS thread; seconds."""
    from sklearn.base import clone
    from threadpoolctl import threadpool_limits

    seconds = {side: _seconds(model, x, y) for side, model in models.items()}
    with threadpool_limits(1):
        seconds[ONE_THREAD] = _seconds(clone(models["theirs"]), x, y)
    return seconds


def _seconds(model: Any, x: Array, y: Array) -> float:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        time.sleep(REST)
        started = time.perf_counter()
        model.fit(x, y)
        return time.perf_counter() - started


def _on_set(each: Set, seeds: int, epochs: int) -> Result:
    x, y = each.load(0)
    kind = f"{len(np.unique(y))} classes" if each.classifies else f"{y.size // len(y)} numbers"
    rows, features = x.shape
    result = Result(each.name, rows, features, kind.replace("1 numbers", "1 number"))
    x, y, *_ = _split(each, 0)
    _fit_pair(_models(each.classifies, 0, epochs), x, y)  # loads kernels; does not count
    for seed in range(seeds):
        x, y, held_x, held_y = _split(each, seed)
        models = _models(each.classifies, seed, epochs)
        _note(result, models, _fit_pair(models, x, y), held_x, held_y)
    return result


def _on_large(hidden: tuple[int, ...], rows: int) -> Result:
    from sklearn.datasets import make_classification

    x, y = make_classification(
        rows, LARGE_FEATURES, n_informative=32, n_classes=LARGE_CLASSES, random_state=0
    )
    x = x.astype(np.float32)
    sizes = LARGE_FEATURES, *hidden, LARGE_CLASSES
    result = Result("-".join(map(str, sizes)), rows, LARGE_FEATURES, f"{LARGE_CLASSES} classes")
    options = {"hidden_layer_sizes": hidden, "batch_size": LARGE_BATCH, "tol": 0.0}
    _fit_pair(_models(True, 0, 1, **options), x, y)  # does not count
    for seed in range(LARGE_RUNS):
        models = _models(True, seed, LARGE_EPOCHS, **options)
        _note(result, models, _fit_pair(models, x, y), x, y)
    result.products = _seconds_of_products(sizes)
    return result


def _seconds_of_products(sizes: tuple[int, ...]) -> dict[str, float]:
    """What the matrix products of a step take by NumPy, on one BLAS thread and on all; medians."""
    from threadpoolctl import threadpool_limits

    products = products_of(sizes, LARGE_BATCH)

    def seconds() -> float:
        started = time.perf_counter()
        for left, right, out in products:
            np.matmul(left, right, out=out)
        return time.perf_counter() - started

    def median() -> float:
        return statistics.median([seconds() for _ in range(PRODUCT_STEPS)])

    with threadpool_limits(1):
        one = median()
    return {"one": one, "all": median()}


def _note(
    result: Result, models: dict[str, Any], seconds: dict[str, float], x: Array, y: Array
) -> None:
    for side, duration in seconds.items():
        result.seconds[side].append(duration)
    for side, model in models.items():
        result.scores[side].append(float(model.score(x, y)))
        result.epochs[side].append(int(model.n_iter_))


FIRST = """
import sys, time, warnings
from sklearn.datasets import load_{name} as load
from {module} import MLPClassifier
warnings.simplefilter("ignore")
x, y = load(return_X_y=True)
started = time.perf_counter()
MLPClassifier(random_state=0, max_iter={epochs}).fit(x, y)
print(time.perf_counter() - started)
"""


def _first_fit(side: str, name: str, epochs: int, runs: int, cache: str | None = None) -> float:
    """The median time of the first fit in a fresh process, imports before it not counted."""
    module = {"theirs": "sklearn.neural_network", "ours": "glassnet.estimators"}[side]
    script = FIRST.format(name=name, module=module, epochs=epochs)
    environment = os.environ if cache is None else os.environ | {"GLASSNET_CACHE": cache}
    times = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        ).stdout
        for _ in range(runs)
    ]
    return statistics.median(map(float, times))


def _first_compiled() -> float:
    """The first fit on a machine that has compiled nothing yet."""
    with tempfile.TemporaryDirectory() as cache:
        return _first_fit("ours", "digits", 100, 1, cache)


# The page.

ABILITIES = (
    ("solvers", "sgd, adam, lbfgs", "the same, and any of `glassnet.optimizers`"),
    ("learning rate", "constant, invscaling, adaptive", "the same, and any schedule"),
    (
        "activations",
        "4, one for all layers",
        "11, one for all layers or one for each",
    ),
    ("losses", "log loss; squared error, Poisson", "the same, and any of `glassnet.losses`"),
    ("dropout, batch norm, layer norm", "no", "yes"),
    ("initial weights", "Glorot", "Glorot, or any of `glassnet.initializers`"),
    ("sample weights", "yes", "yes"),
    ("class weights", "no", "yes"),
    ("own validation set", "no", "`validation_data`"),
    ("validation curves", "score", "score and loss"),
    ("early stopping with `partial_fit`", "no", "with `validation_data`"),
    ("warm start", "weights", "weights, or weights and the optimizer's state"),
    ("`partial_fit` of labels (n, K)", "needs `classes`", "yes"),
    ("activations of the layers", "no", "`transform`, `activations`"),
    ("callbacks, progress bar", "no", "yes"),
    ("any other network", "no", "`NetworkClassifier`, `NetworkRegressor`"),
    ("sparse rows", "sparse products", "yes, made dense while training"),
    ("float32 in, float32 out", "yes", "yes"),
)
"""What each can express: (what, scikit-learn, glassnet)."""


def verdict(comparison: Comparison) -> str:
    """Where we stand beside the targets, in a few sentences."""
    times = {side: sum(r.median[side] for r in comparison.results) for side in NAMES}
    behind = [r.name for r in comparison.results if _is_behind(r)]
    large = ", ".join(f"{r.ratio:.1f} ({r.name})" for r in comparison.large)
    return (
        f"Over the {len(comparison.results)} sets, scikit-learn's fits take "
        f"{times['theirs'] / times['ours']:.1f} times as long as ours (target: 4), on the large "
        f"table {large} times (target: 8). Scores that are worse than scikit-learn's by more than "
        f"two standard errors: {', '.join(behind) or 'none'}."
    )


def _is_behind(result: Result) -> bool:
    difference, error = result.difference
    return difference < -2 * error - 1e-12


def page(comparison: Comparison) -> str:
    """The comparison as Markdown."""
    from glassnet.bench.pages import _table

    scores = ("set", "rows × features", "targets", "scikit-learn", "glassnet", "difference")
    header = (*scores, "s, scikit-learn", "s, glassnet", "times as fast")
    parts = [
        "# scikit-learn's multi-layer perceptrons beside ours",
        f"Measured on {comparison.date}. {verdict(comparison)}",
        f"Both get `max_iter={MOST_EPOCHS}`, a `random_state` and otherwise their defaults, which "
        "are the same. Rows are standardised, and so are numbers to be predicted; a quarter of the "
        "rows is held out. Scores are accuracy for classes and R² for numbers on the held-out "
        f"rows, means over {len(comparison.results[0].scores['ours'])} seeds, each with its own "
        "split; the difference has the standard error of its mean. Times are those of the median "
        "fit; fits alternate in one process, after one of each that is not counted and that loads "
        "compiled kernels, and after a rest, so that no fit meets the threads of the one before. "
        "scikit-learn is timed with one BLAS thread and with all, and the faster way counts.",
        _table(header, [_line(result) for result in comparison.results], numbers=6),
        "## A large table",
        f"{LARGE_ROWS:,} rows of {LARGE_FEATURES} float32 numbers in {LARGE_CLASSES} classes, "
        f"batches of {LARGE_BATCH}, {LARGE_EPOCHS} epochs, Adam, {LARGE_RUNS} fits. Scores are on "
        "the rows learned from.",
        _table(header, [_line(result) for result in comparison.large], numbers=6),
        "Both compute the same matrix products, which bound what can be gained. Microseconds of a "
        "step, and of its products alone, by NumPy:",
        _table(STEP_HEADER, [_step_line(result) for result in comparison.large], numbers=5),
        "## The first fit of a process",
        "In a fresh process the first longer fit loads compiled kernels, and on a new machine it "
        "compiles them first, once. Trainings of few steps, as on iris, do without (see "
        "[estimators](estimators.md)). Seconds, imports not counted; iris with `max_iter=200`, "
        "digits with 100.",
        _table(("fit", "scikit-learn", "glassnet"), _first_lines(comparison), numbers=2),
        "## What each can express",
        _table(("", "scikit-learn", "glassnet"), list(ABILITIES)),
        "## Machine and versions",
        _table(("what", "value"), _facts(comparison)),
        f"This page is written by `glassnet bench estimators --json docs/{PAGE}.json --docs docs "
        "--force`: change nothing here by hand.",
    ]
    return "\n\n".join(parts) + "\n"


def _line(result: Result) -> tuple[str, ...]:
    theirs, ours = (statistics.fmean(result.scores[side]) for side in NAMES)
    difference, error = result.difference
    return (
        f"`{result.name}`",
        f"{result.rows:,} × {result.features}",
        result.targets,
        f"{theirs:.3f}",
        f"{ours:.3f}",
        f"{difference:+.3f} ± {error:.3f}" if len(result.scores["ours"]) > 1 else "",
        *(f"{result.median[side]:.3f}" for side in NAMES),
        f"{result.ratio:.1f}",
    )


STEP_HEADER = (
    "set",
    "scikit-learn",
    "an eighth of it",
    "glassnet",
    "products, one thread",
    "products, all threads",
)


def _step_line(result: Result) -> tuple[str, ...]:
    """Microseconds of a step, and of its products alone."""
    steps = LARGE_EPOCHS * math.ceil(result.rows / LARGE_BATCH)
    theirs, ours = (result.median[side] / steps for side in NAMES)
    seconds = theirs, theirs / 8, ours, result.products["one"], result.products["all"]
    return (f"`{result.name}`", *(f"{1e6 * each:,.0f}" for each in seconds))


def _first_lines(comparison: Comparison) -> list[tuple[str, ...]]:
    return [
        (what, *(f"{seconds[side]:.2f}" if side in seconds else "" for side in NAMES))
        for what, seconds in comparison.first.items()
    ]


def _facts(comparison: Comparison) -> list[tuple[str, ...]]:
    machine = {
        name.replace("_", " "): ", ".join(value) if isinstance(value, list) else str(value)
        for name, value in comparison.machine.items()
    }
    wanted = ("glassnet", "numpy", "numba", "scipy", "sklearn", "scikit-learn")
    packages = {k: v for k, v in comparison.packages.items() if k in wanted}
    return [*machine.items(), *packages.items()]


def write_json(comparison: Comparison, path: Path, overwrite: bool) -> None:
    """Everything that was measured."""
    write_atomically(path, json.dumps(asdict(comparison), indent=1) + "\n", overwrite)


def read_json(path: Path) -> Comparison:
    """What `write_json` wrote.

    Raises:
        ValueError: if the file is not such a one.
    """
    try:
        data = json.loads(path.read_text())
        lists = {name: [Result(**each) for each in data[name]] for name in ("results", "large")}
        return Comparison(**data | lists)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no comparison of estimators: {error}.") from None


def write_page(comparison: Comparison, folder: Path, overwrite: bool) -> Path:
    """Write the page into this folder."""
    path = folder / f"{PAGE}.md"
    write_atomically(path, page(comparison), overwrite)
    return path
