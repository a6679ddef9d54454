"""What is timed: networks, data, batches, and the targets. Nothing here computes.

A target says how many times faster than a contender we mean to be, `ratio = their median / ours`;
for the physical floor, within which multiple of it we mean to stay, `ratio = our median / theirs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Measure = Literal["train", "networks", "predict", "start", "memory"]
Data = Literal["mnist", "digits", "iris", "gaussian"]


@dataclass(frozen=True)
class Architecture:
    """A chain of dense layers.

    Arguments:
        sizes: inputs, hidden units of each layer, outputs.
        activation: of the hidden layers.
        output_activation: whether the outputs go through the activation too (squared error).
        batch_norm: between every hidden layer and its activation; that layer then has no bias.
        dropout: share that is dropped after every hidden activation.
    """

    sizes: tuple[int, ...]
    activation: Literal["sigmoid", "tanh", "relu"] = "relu"
    output_activation: bool = False
    batch_norm: bool = False
    dropout: float = 0.0

    def __str__(self) -> str:
        extras: list[str] = [self.activation]
        extras += ["batch norm"] if self.batch_norm else []
        extras += [f"dropout {self.dropout}"] if self.dropout else []
        return f"{'-'.join(map(str, self.sizes))} {', '.join(extras)}"


@dataclass(frozen=True)
class Descent:
    """The optimizer: plain gradient descent, with momentum v ← μv + g, or Adam."""

    name: Literal["sgd", "momentum", "adam"]
    learning_rate: float
    momentum: float = 0.0
    epsilon: float = 1e-8

    def __str__(self) -> str:
        label = {"sgd": "SGD", "momentum": f"momentum {self.momentum}", "adam": "Adam"}[self.name]
        return f"{label}, rate {self.learning_rate}"


@dataclass(frozen=True)
class Target:
    """What we mean to reach against one contender.

    Arguments:
        against: the contender's name.
        ratio: how many times faster (smaller, for memory) at least; None only reports.
        stretch: what would be better still.
        at_most: turns it round: our median may be at most `ratio` times theirs.
    """

    against: str
    ratio: float | None = None
    stretch: float | None = None
    at_most: bool = False


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Arguments:
        name: as on the command line.
        title: for people who read a table.
        measure: "train" times steps of one network, "networks" those of several, "predict" calls,
            "start" a fresh process, "memory" the peak of a fresh process.
        network, loss, optimizer: what is trained.
        data: where rows come from, see `glassnet.bench.inputs`.
        rows: how many; cut to whole batches, so that contenders with fixed shapes do the same work.
        batch: rows a step, or rows a call.
        epochs: in one timed run.
        calls: in one timed run of "predict".
        steps: by contender, at most so many steps a timed run, for those that would take minutes.
        learning_rates, momenta, seeds: the networks of "networks" are all combinations.
        one_thread: whether everybody gets a single core.
        compiled: whether PyTorch is tried compiled as well, which takes it half a minute a network.
        check_steps: how many losses are compared before anything is timed. Once a rounding has
            carried a number over the kink of a ReLU, differences grow tenfold every few steps, the
            faster the fewer rows there are: they tell equal work from other work only before that.
        targets: whom we compare with; nobody else is run.
        note: what a reader of the table should know.
    """

    name: str
    title: str
    measure: Measure
    network: Architecture
    data: Data
    rows: int
    batch: int
    targets: tuple[Target, ...]
    loss: Literal["cross_entropy", "squared_error"] = "cross_entropy"
    optimizer: Descent = Descent("adam", 1e-3)
    epochs: int = 1
    calls: int = 1
    steps: Mapping[str, int] = field(default_factory=dict)
    learning_rates: tuple[float, ...] = ()
    momenta: tuple[float, ...] = ()
    seeds: tuple[int, ...] = (0,)
    one_thread: bool = False
    compiled: bool = True
    check_steps: int = 20
    note: str = ""

    @property
    def shuffle(self) -> bool:
        """Whether the order of the rows matters: not if they are all in one batch."""
        return self.batch < self.rows

    @property
    def unit(self) -> str:
        """What a measured value means: seconds, or bytes, of what."""
        units = {
            "train": "time a step",
            "networks": f"time for {len(self.optimizers) * len(self.seeds)} networks",
            "predict": "time a call",
            "start": "time a process",
            "memory": "memory at the peak",
        }
        return units[self.measure]

    @property
    def optimizers(self) -> tuple[Descent, ...]:
        """One for each cell of the grid, or the only one."""
        if not self.learning_rates:
            return (self.optimizer,)
        return tuple(
            replace(self.optimizer, learning_rate=rate, momentum=momentum)
            for rate in self.learning_rates
            for momentum in self.momenta
        )

    def __str__(self) -> str:
        what = str(self.network)
        if self.measure != "predict":
            loss = self.loss.replace("_", "-")
            optimizer = "16 cells rate × momentum" if self.learning_rates else str(self.optimizer)
            what += f", {loss}, {optimizer}"
        return f"{what}, batch {self.batch:,}, {self.rows:,} rows ({self.data})"

    def for_check(self) -> Workload:
        """The same without anything random, for comparing losses.

        Adam's ε becomes so small that it does not matter whether it is added before or after the
        bias correction: Keras and scikit-learn do other than the paper's algorithm there, and the
        losses would part by 1e-3 within 20 steps.
        """
        optimizer = replace(self.optimizer, epsilon=1e-12)
        return replace(self, network=replace(self.network, dropout=0.0), optimizer=optimizer)

    def plain(self) -> Workload:
        """The same without batch norm and dropout, for those who have neither."""
        return replace(self, network=replace(self.network, dropout=0.0, batch_norm=False))

    def quick(self) -> Workload:
        """A hundredth of the work: shows that everything runs, not how fast."""
        few = max(20 * self.batch, 256) // self.batch * self.batch
        rows = self.rows if self.measure == "memory" else min(self.rows, few)
        return replace(
            self,
            rows=rows,
            epochs=max(1, self.epochs // 50),
            calls=max(1, self.calls // 50),
            steps={name: min(steps, 200) for name, steps in self.steps.items()},
            check_steps=min(self.check_steps, 8),
        )


TABULAR = Architecture((128, 256, 256, 256, 10), "relu", batch_norm=True, dropout=0.3)
TABULAR_ROWS = 781 * 64  # 50,000 in whole batches

WORKLOADS = (
    Workload(
        name="per-sample",
        title="train on MNIST one row at a time, 784-32-10",
        measure="train",
        network=Architecture((784, 32, 10), "sigmoid", output_activation=True),
        loss="squared_error",
        optimizer=Descent("sgd", 0.1),
        data="mnist",
        rows=60_000,
        batch=1,
        steps={"torch": 5_000, "keras": 3_000},
        check_steps=100,
        targets=(Target("torch", 80), Target("jax", 2), Target("keras", 300)),
    ),
    Workload(
        name="tabular",
        title="train 128-256-256-256-10 with batch norm and dropout, batch 64",
        measure="train",
        network=TABULAR,
        data="gaussian",
        rows=TABULAR_ROWS,
        batch=64,
        steps={"sklearn": 200},
        targets=(
            Target("torch", 2.6, stretch=3),
            Target("jax", 2.3),
            Target("keras", 4),
            Target("sklearn", 9),
        ),
        note="scikit-learn trains without batch norm and dropout, which it does not have; "
        "ours trains with both.",
    ),
    Workload(
        name="tabular-sweep",
        title="train 8 such networks, on all cores",
        measure="networks",
        network=TABULAR,
        data="gaussian",
        rows=TABULAR_ROWS,
        batch=64,
        seeds=tuple(range(8)),
        targets=(Target("torch", 4.5),),
        note="Ours trains a network on each core; PyTorch one after the other.",
    ),
    Workload(
        name="tabular-floor",
        title="train such a network on one core",
        measure="train",
        network=TABULAR,
        data="gaussian",
        rows=TABULAR_ROWS,
        batch=64,
        one_thread=True,
        targets=(Target("products", 1.3, at_most=True),),
        note="The floor is the matrix products of a step and nothing else, one core for each side.",
    ),
    Workload(
        name="full-batch",
        title="train on MNIST, all 60,000 rows a step, 784-64-10",
        measure="train",
        network=Architecture((784, 64, 10), "relu"),
        optimizer=Descent("sgd", 0.1),
        data="mnist",
        rows=60_000,
        batch=60_000,
        epochs=10,
        check_steps=4,
        targets=(Target("torch", 1.05), Target("jax", 1.1)),
    ),
    Workload(
        name="wide",
        title="train 3072-200-10 with momentum, batch 50",
        measure="train",
        network=Architecture((3072, 200, 10), "sigmoid", output_activation=True),
        loss="squared_error",
        optimizer=Descent("momentum", 0.1, 0.9),
        data="gaussian",
        rows=10_000,
        batch=50,
        targets=(Target("torch", 1.3), Target("jax", 1.1)),
    ),
    Workload(
        name="tiny",
        title="train 4-16-3 on iris, batch 16",
        measure="train",
        network=Architecture((4, 16, 3), "tanh"),
        optimizer=Descent("adam", 1e-3),
        data="iris",
        rows=144,
        batch=16,
        epochs=1_000,
        steps={"torch": 3_000},
        targets=(Target("torch", 60), Target("jax", 1.5)),
    ),
    Workload(
        name="grid",
        title="grid search on digits, 16 networks 64-64-10",
        measure="networks",
        network=Architecture((64, 64, 10), "relu"),
        optimizer=Descent("momentum", 0.01, 0.9),
        data="digits",
        rows=44 * 32,
        batch=32,
        epochs=100,
        learning_rates=(0.003, 0.01, 0.03, 0.1),
        momenta=(0.0, 0.5, 0.8, 0.9),
        targets=(Target("torch", 15), Target("sklearn", 6)),
        note="scikit-learn is GridSearchCV(n_jobs=cores) with one split and no refit; all score "
        "the held-out rows of every cell.",
    ),
    Workload(
        name="predict-one",
        title="predict one row",
        measure="predict",
        network=TABULAR,
        data="gaussian",
        rows=64,
        batch=1,
        calls=2_000,
        targets=(Target("torch", 3), Target("onnxruntime")),
    ),
    Workload(
        name="predict-bulk",
        title="predict 10,000 rows",
        measure="predict",
        network=TABULAR,
        data="gaussian",
        rows=10_000,
        batch=10_000,
        calls=20,
        targets=(Target("torch", 1.1), Target("onnxruntime")),
    ),
    Workload(
        name="start",
        title="import, load a model, predict a row, end",
        measure="start",
        network=TABULAR,
        data="gaussian",
        rows=64,
        batch=1,
        targets=(Target("torch", 3),),
        note="A fresh process imports, loads a model, predicts one row and ends.",
    ),
    Workload(
        name="memory",
        title="memory at its peak in an epoch of MNIST",
        measure="memory",
        network=Architecture((784, 256, 10), "relu"),
        optimizer=Descent("sgd", 0.1),
        data="mnist",
        rows=60_000,
        batch=64,
        targets=(Target("torch", 2),),
        note="Peak memory of a fresh process that reads the raw files and trains for an epoch. "
        "Both keep the images as bytes and turn a batch into floats when its turn comes.",
    ),
)


def workload(name: str) -> Workload:
    """Look a workload up.

    Raises:
        ValueError: for a name that is none, with the names there are.

    >>> workload("tiny").network.sizes
    (4, 16, 3)
    """
    for entry in WORKLOADS:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in WORKLOADS)
    raise ValueError(f"There is no workload {name!r}. Choose from: {known}, scaling.")
