"""Runs cells: two at a time, each kept on disk when it is done, none of them twice.

Training runs natively, without Python's lock, so a thread a core trains at the full speed of both;
the matrix products get one thread each, so that the bits don't depend on what runs beside them.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from glassnet.bench.contender import available_cores
from glassnet.experiments.cells import Cell
from glassnet.experiments.results import Record
from glassnet.experiments.rows import Rows, data_key, load_rows
from glassnet.experiments.work import digest, run_cell
from glassnet.files import write_atomically

if TYPE_CHECKING:
    from rich.console import Console

WAIT = 0.2
"""Seconds between two looks at whether Ctrl-C was pressed."""
LINE_EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal."""


class Told(Protocol):
    """Told of a run's cells."""

    def begin(self, total: float, kept: int, cells: int) -> None:
        """How much is to be done, how many cells are kept from before, and how many there are."""

    def done(self, cell: Cell, cost: float) -> None:
        """A cell is done."""

    def say(self, text: str) -> None:
        """A line for the user."""


@dataclass
class Store:
    """Finished cells on disk, a file each, named by the digest of everything that decides them.

    Attributes:
        folder: where.
    """

    folder: Path

    def path(self, cell: Cell, key: str) -> Path:
        """Where a cell's record is."""
        return self.folder / cell.paper / cell.experiment / f"{key[:24]}.json"

    def get(self, cell: Cell, key: str) -> Record | None:
        """A record that is kept, or None; one that can't be read counts as none."""
        try:
            record = json.loads(self.path(cell, key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) and record.get("digest") == key else None

    def put(self, cell: Cell, key: str, record: Record) -> None:
        """Keep a record, which holds its digest, whole or not at all."""
        write_atomically(self.path(cell, key), json.dumps(record), overwrite=True)


@dataclass
class Runner:
    """Trains what is not kept yet.

    Attributes:
        store: where finished cells are.
        told: told of progress, or None.
        parts: by paper, the source of its own parts, which counts in the digests.
        fresh: train again even what is kept.
        threads: cells at a time; the number of cores by default.
        trained: how many cells were trained by this runner.
    """

    store: Store
    told: Told | None = None
    parts: dict[str, str] = field(default_factory=dict)
    fresh: bool = False
    threads: int = 0
    trained: int = 0
    _rows: dict[str, Rows] = field(default_factory=dict)

    def rows(self, cell: Cell) -> Rows:
        """The rows of a cell; equal ones are loaded once."""
        key = data_key(cell.setup.data)
        if key not in self._rows:
            self._rows[key] = load_rows(cell.setup)
        return self._rows[key]

    def key(self, cell: Cell) -> str:
        """The digest that a cell is kept under."""
        return digest(cell, self.rows(cell), self.parts.get(cell.paper, ""))

    def run(self, cells: Sequence[Cell]) -> list[Record]:
        """The records of all cells, in their order.

        Raises:
            ValueError: if data or set-up can't be used.
            KeyboardInterrupt: after Ctrl-C; finished cells are kept.
        """
        keys = [self.key(cell) for cell in cells]
        records = [
            None if self.fresh else self.store.get(cell, key)
            for cell, key in zip(cells, keys, strict=True)
        ]
        missing = [index for index, record in enumerate(records) if record is None]
        costs = {index: self._cost(cells[index]) for index in missing}
        if self.told is not None and missing:
            self.told.begin(sum(costs.values()), len(cells) - len(missing), len(cells))
        together = [index for index in missing if not cells[index].alone]
        alone = [index for index in missing if cells[index].alone]
        for indices, threads in ((together, self.threads or available_cores()), (alone, 1)):
            for index, record in self._train(cells, keys, indices, threads):
                records[index] = record
                self.trained += 1
                if self.told is not None:
                    self.told.done(cells[index], costs[index])
        return [record for record in records if record is not None]

    def _cost(self, cell: Cell) -> float:
        """About how long a cell takes, in no unit: rows that are gone over."""
        return float(len(self.rows(cell).dataset.train) * (cell.setup.training.epochs or 1))

    def _train(
        self, cells: Sequence[Cell], keys: Sequence[str], indices: Sequence[int], threads: int
    ) -> Iterator[tuple[int, Record]]:
        """Train these cells; each is kept before it is handed out."""

        def work(index: int) -> tuple[int, Record | None]:
            cell, path = cells[index], self.store.path(cells[index], keys[index])
            record = run_cell(cell, self.rows(cell), halt, path.with_suffix(".safetensors"))
            if record is not None:
                record["digest"] = keys[index]
                self.store.put(cell, keys[index], record)
            return index, record

        halt = threading.Event()
        with one_thread_products(), ThreadPoolExecutor(threads) as pool:
            try:
                yield from _results([pool.submit(work, index) for index in indices])
            except BaseException:
                halt.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _results(futures: list[Future[Any]]) -> Iterator[Any]:
    """Results as they come, while Ctrl-C is answered at once."""
    running = set(futures)
    while running:
        done, running = wait(running, timeout=WAIT, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


@contextmanager
def one_thread_products() -> Iterator[None]:
    """One BLAS thread for every product, whatever the number of trainings."""
    import scipy.linalg  # noqa: F401  (a limit reaches only libraries that are loaded)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


class CellProgress:
    """A bar over all cells with the time left; a line every few seconds where there is no terminal.

    Arguments:
        console: where to write; stderr by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console

        self.console = console or Console(stderr=True)
        self._bar: Any = None

    def __enter__(self) -> CellProgress:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    def begin(self, total: float, kept: int, cells: int) -> None:
        """Start the clock."""
        self._stop()
        self.total, self.finished, self.count = total, 0.0, kept
        self.cells, self.began, self._said = cells, time.monotonic(), time.monotonic()
        if kept:
            self.say(f"{kept} of {cells} trainings are kept from before")
        if self.console.is_terminal:
            from rich import progress

            self._bar = progress.Progress(
                progress.BarColumn(bar_width=24),
                progress.TextColumn("{task.fields[left]} left"),
                progress.TextColumn("{task.description}", markup=False),
                console=self.console,
                transient=True,
            )
            self._bar.add_task("", total=total, left="–:––")
            self._bar.start()

    def done(self, cell: Cell, cost: float) -> None:
        """Count a cell."""
        from glassnet.callbacks.progress import clock

        self.finished += cost
        self.count += 1
        seconds = time.monotonic() - self.began
        left = clock(seconds * (self.total - self.finished) / self.finished)
        words = f"{self.count}/{self.cells} · {cell.title}"
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=self.finished, left=left, description=words)
        elif time.monotonic() - self._said >= LINE_EVERY or self.count == self.cells:
            self._said = time.monotonic()
            self.say(f"{words} · {left} left")
        if self.count == self.cells:
            self._stop()

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
