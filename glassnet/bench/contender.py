"""What a contender is: somebody who trains, predicts, starts, and can be timed at it.

Each is written as its own users would write it if they wanted speed: data ready as its own arrays,
the fastest optimizer that it offers, no bookkeeping that nobody asked for.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

from glassnet.accelerate import Array
from glassnet.bench import inputs
from glassnet.bench.workloads import Workload

CHECKED_ROWS = 8
"""Rows whose probabilities are compared, where there is no training."""

CONTENDERS = {
    "ours": "glassnet.bench.ours",
    "torch": "glassnet.bench.torch_contender",
    "jax": "glassnet.bench.jax_contender",
    "keras": "glassnet.bench.keras_contender",
    "sklearn": "glassnet.bench.sklearn_contender",
    "onnxruntime": "glassnet.bench.onnx_contender",
    "products": "glassnet.bench.products",
}
"""Every contender and its module: a closed list."""


@dataclass(frozen=True)
class Variant:
    """One way of running a contender; the best of them counts.

    Arguments:
        name: for the table.
        cores: how many it may use; None for all that there are.
        options: what the contender's own code looks at.
        environment: variables that its process starts with.
    """

    name: str
    cores: int | None = None
    options: Mapping[str, str | int | bool] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


class Contender(ABC):
    """A workload as one framework does it.

    A subclass gives what its workloads need of `train`, `losses`, `train_networks`, `predict`,
    `probabilities` and the scripts of fresh processes.

    Arguments:
        workload: what to do.
        variant: how.
    """

    title: ClassVar[str]
    """As people call it."""
    packages: ClassVar[tuple[str, ...]] = ()
    """What has to be installed, as import names."""
    optional: ClassVar[tuple[str, ...]] = ()
    """What is used as well where it is installed."""
    plain_only: ClassVar[bool] = False
    """Whether it has neither batch norm nor dropout."""
    checked: ClassVar[bool] = True
    """Whether it computes losses that can be compared."""
    start_script: ClassVar[Path | None] = None
    memory_script: ClassVar[Path | None] = None

    def __init__(self, workload: Workload, variant: Variant) -> None:
        self.workload = workload.plain() if self.plain_only else workload
        self.variant = variant

    @classmethod
    @abstractmethod
    def variants(cls, workload: Workload, cores: int) -> list[Variant]:
        """The ways that are tried on a machine of so many cores."""

    @cached_property
    def rows(self) -> inputs.Rows:
        """The workload's rows."""
        return inputs.load_rows(self.workload)

    @cached_property
    def folder(self) -> Path:
        """A folder for what fresh processes read; it goes when this process ends."""
        folder = tempfile.mkdtemp(prefix="glassnet-bench-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    # What is timed.

    def train(self) -> int:
        """Train through one timed run and return how many steps it took."""
        raise NotImplementedError

    def train_networks(self) -> float:
        """Train all networks and return the share of the work that was done, usually 1."""
        raise NotImplementedError

    def predict(self) -> Any:
        """Probabilities of one batch, in the contender's own kind of array."""
        raise NotImplementedError

    # What is compared.

    def losses(self, workload: Workload) -> list[float]:
        """Losses of the first `check_steps` steps, each before its update, rows in their order."""
        raise NotImplementedError

    def probabilities(self, x: Array) -> Array:
        """Class probabilities of rows x by the initial network."""
        raise NotImplementedError

    def write_model(self, path: Path) -> None:
        """Save the initial network for `start_script`."""
        raise NotImplementedError

    # The same for all.

    def check(self, plain: bool = False) -> list[float]:
        """Numbers that every contender must agree on; `plain` leaves batch norm out as well."""
        workload = (self.workload.plain() if plain else self.workload).for_check()
        if workload.measure == "predict":
            return [float(p) for p in self.probabilities(self.rows.x[:CHECKED_ROWS]).ravel()]
        if workload.measure in ("start", "memory"):
            return self._fresh()[1]
        return self.losses(workload)

    def measure(self) -> float:
        """One timed run, in the workload's unit."""
        if self.workload.measure in ("start", "memory"):
            return self._fresh()[0]
        started = time.perf_counter()
        if self.workload.measure == "train":
            steps = self.train()
            return (time.perf_counter() - started) / steps
        if self.workload.measure == "networks":
            share = self.train_networks()
            return (time.perf_counter() - started) / share
        for _ in range(self.workload.calls):
            self.predict()
        return (time.perf_counter() - started) / self.workload.calls

    def _fresh(self) -> tuple[float, list[float]]:
        """Run a script in a process of its own: its seconds or peak of bytes, and its numbers."""
        script, arguments = self._script
        command = [sys.executable, str(script), *arguments]
        started = time.perf_counter()
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        if run.returncode != 0:
            raise RuntimeError(f"{script.name} failed: {run.stderr.strip()[-500:]}")
        answer = json.loads(run.stdout.splitlines()[-1])
        value = answer["peak"] if self.workload.measure == "memory" else seconds
        return float(value), [float(number) for number in answer["numbers"]]

    @cached_property
    def _script(self) -> tuple[Path, list[str]]:
        """The script of a fresh process and its arguments; writes the files that it reads."""
        if self.workload.measure == "start":
            if self.start_script is None:
                raise NotImplementedError(f"{self.title} has no start_script")
            model = self.folder / "model"
            self.write_model(model)
            return self.start_script, [str(model)]
        if self.memory_script is None:
            raise NotImplementedError(f"{self.title} has no memory_script")
        import numpy as np

        data = inputs.mnist_folder()
        if data is None:
            inputs.write_stand_in(self.folder)
        weights = inputs.initial_weights(self.workload.network)
        arrays = [array for layer in weights for array in layer if array is not None]
        np.savez(self.folder / "weights.npz", *arrays)
        kind = "stand-in" if data is None else "mnist"
        return self.memory_script, [str(data or self.folder), str(self.folder), kind]


def contender_class(name: str) -> type[Contender]:
    """The class of a contender.

    Raises:
        ValueError: for a name that is none, with the names there are.
    """
    if name not in CONTENDERS:
        known = ", ".join(CONTENDERS)
        raise ValueError(f"There is no contender {name!r}. Choose from: {known}.")
    found: type[Contender] = importlib.import_module(CONTENDERS[name]).CONTENDER
    return found


def missing_packages(contender: type[Contender]) -> list[str]:
    """Which of a contender's packages are not installed."""
    return [name for name in contender.packages if importlib.util.find_spec(name) is None]


def versions(contender: type[Contender]) -> dict[str, str]:
    """Versions of a contender's packages, of the optional ones where they are installed."""
    there = [name for name in contender.optional if importlib.util.find_spec(name) is not None]
    distributions = _distributions()
    return {
        package: importlib.metadata.version(distributions.get(package, [package])[0])
        for package in (*contender.packages, *there)
    }


@cache
def _distributions() -> Mapping[str, list[str]]:
    """By what name each import is installed: sklearn comes with scikit-learn."""
    return importlib.metadata.packages_distributions()


def available_cores() -> int:
    """Cores that this process may use.

    >>> available_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_to_cores(cores: int | None) -> None:
    """Keep this process on its last `cores` cores, where the system can do that."""
    if cores is not None and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, set(allowed[-cores:]))


def steps_of(workload: Workload, contender: str) -> int:
    """Steps of one timed run: all epochs, or as many as the contender is given time for.

    >>> from glassnet.bench.workloads import workload
    >>> steps_of(workload("per-sample"), "jax"), steps_of(workload("per-sample"), "torch")
    (60000, 5000)
    """
    all_steps = workload.epochs * (workload.rows // workload.batch)
    return min(all_steps, workload.steps.get(contender, all_steps))


def batches_in_order(workload: Workload) -> list[slice]:
    """Rows of the first `check_steps` steps, not shuffled, beginning anew after the last row.

    >>> from glassnet.bench.workloads import workload
    >>> batches_in_order(workload("tiny"))[8:10]
    [slice(128, 144, None), slice(0, 16, None)]
    """
    per_epoch = workload.rows // workload.batch
    starts = (step % per_epoch * workload.batch for step in range(workload.check_steps))
    return [slice(start, start + workload.batch) for start in starts]
