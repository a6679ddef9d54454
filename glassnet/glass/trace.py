"""A training step, opened: every kernel call of it as an equation with its numbers.

A step is a list of kernel calls on arrays (`glassnet.recording`). Here the list is captured on a
copy of the network and of the optimizer, and run call by call; what each call reads is kept before
it, what it writes after it. Arrays get the names that they have in a derivation:

    x               the inputs             W₀, b₀       parameters of layer 0
    z₀, a₁, …       outputs of layers      ∂J/∂z₀, …    what goes back to them
    y               the targets            ℓ, J         row losses and their mean or sum

Layers are numbered as in the names of the parameters: W₀ is `layers.0.weight`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glassnet.accelerate import Array
from glassnet.batches import Batch
from glassnet.inputs import checked_weights
from glassnet.losses import Loss
from glassnet.optimizers import OPTIMIZERS, Optimizer

if TYPE_CHECKING:
    from glassnet.network import Network

Phase = Literal["forward", "loss", "backward", "update"]

WHOLE = 24
"""Arrays of up to so many numbers are shown whole."""


@dataclass(frozen=True)
class Summary:
    """What an array is like: `zeros` is the share of its elements that are 0, `norm` is ‖·‖₂."""

    low: float
    mean: float
    high: float
    zeros: float
    norm: float

    @classmethod
    def of(cls, array: Array) -> Summary:
        """The summary of an array; of an empty one, zeros."""
        if not array.size:
            return cls(0.0, 0.0, 0.0, 0.0, 0.0)
        numbers = array.astype(np.float64, copy=False).ravel()
        return cls(
            float(numbers.min()),
            float(numbers.mean()),
            float(numbers.max()),
            float(np.mean(numbers == 0)),
            float(np.sqrt(numbers @ numbers)),
        )


@dataclass(frozen=True)
class Quantity:
    """An array that an equation reads or writes.

    Attributes:
        symbol: in the notation of `glassnet.glass.notation`.
        argument: what the kernel calls it.
        shape, dtype: of the array.
        summary: of the numbers.
        values: a copy of the numbers, if they are few; else None.
    """

    symbol: str
    argument: str
    shape: tuple[int, ...]
    dtype: str
    summary: Summary
    values: Array | None


@dataclass(frozen=True)
class Line:
    """An equation of a step.

    Attributes:
        symbol: what is computed.
        sign: "=", or an arrow where it replaces what was there.
        formula: from what; all three in the notation.
        worked: the formula with the numbers put in, and what comes out; None if they are many.
    """

    symbol: str
    sign: str
    formula: str
    worked: str | None

    @property
    def equation(self) -> str:
        """The whole equation."""
        return f"{self.symbol} {self.sign} {self.formula}"


@dataclass(frozen=True)
class TracedCall:
    """A call of a kernel, or of a method of a user's own part.

    Attributes:
        number: its place in the step, from 1.
        phase: forward, loss, backward or update.
        part: whose it is, such as `"layers.0 Dense(units=2)"`.
        kernel: its name, such as `"layers.dense.dense_forward"`.
        title, source: of the equation.
        lines: the equations, one for each array that is written.
        where: what they need besides, or "".
        reads, writes: arrays before and after.
        flops: floating-point operations, by the count in `glassnet.glass.equations`; None for a
            part of the user's own.
        bytes: of all arrays that the call reads or writes, each counted once.
        seconds: the fastest of several calls from Python.
    """

    number: int
    phase: Phase
    part: str
    kernel: str
    title: str
    source: str
    lines: tuple[Line, ...]
    where: str
    reads: tuple[Quantity, ...]
    writes: tuple[Quantity, ...]
    flops: int | None
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Trace:
    """A training step as the sequence of its equations.

    Attributes:
        title: the network, the loss and the optimizer.
        rows: of the batch.
        loss: J before the step.
        calls: what was computed, in order.
    """

    title: str
    rows: int
    loss: float
    calls: tuple[TracedCall, ...]

    def __getitem__(self, symbol: str) -> Array:
        """The last value of a quantity, by its symbol as text: `trace["∂J/∂W₀"]`.

        Raises:
            ValueError: if no such quantity was written, or if it has too many numbers to be kept.
        """
        from glassnet.glass.notation import text

        known: dict[str, Quantity] = {}
        for call in self.calls:
            for quantity in (*call.reads, *call.writes):
                known[text(quantity.symbol)] = quantity
        if symbol not in known:
            raise ValueError(f"The step has no quantity {symbol!r}. It has: {', '.join(known)}.")
        values = known[symbol].values
        if values is None:
            raise ValueError(
                f"{symbol} has shape {known[symbol].shape}: only its summary was kept. Trace with "
                "a larger `whole`."
            )
        return values

    def text(self, width: int | None = None) -> str:
        """As plain text of so many columns."""
        from glassnet.glass.trace_pages import as_text

        return as_text(self, width)

    def markdown(self) -> str:
        """As Markdown, with the equations in LaTeX between dollar signs."""
        from glassnet.glass.trace_pages import as_markdown

        return as_markdown(self)

    def html(self) -> str:
        """As one HTML page that needs nothing else: mathematics in MathML, no script."""
        from glassnet.glass.trace_pages import as_html

        return as_html(self)

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write it as `.html`, `.md` or `.txt`.

        Raises:
            ValueError: for another ending, or a file that exists.
        """
        from glassnet.files import write_atomically

        path = Path(path)
        forms: dict[str, Callable[[], str]] = {
            ".html": self.html,
            ".md": self.markdown,
            ".txt": self.text,
        }
        if path.suffix.lower() not in forms:
            raise ValueError(f"A trace is written as .html, .md or .txt. Received: {path.name!r}.")
        return write_atomically(path, forms[path.suffix.lower()](), overwrite)

    def __str__(self) -> str:
        return self.text()


def trace(
    network: Network,
    x: Any,
    y: Any,
    loss: str | Mapping[str, Any] | Loss | None,
    optimizer: str | Mapping[str, Any] | Optimizer,
    sample_weight: Any = None,
    whole: int = WHOLE,
) -> Trace:
    """`Network.trace`."""
    rows = network.checked_inputs(x)
    chosen, targets = network.prepared_targets(y, len(rows), loss)
    maker = OPTIMIZERS.create(optimizer)
    if len(rows) < network.minimum_training_rows:
        raise ValueError(
            f"The network has batch norm and needs at least {network.minimum_training_rows} rows. "
            f"Received: {len(rows)}."
        )
    weights = checked_weights(sample_weight, len(rows))
    with network.lock:
        network, chosen, maker = copy.deepcopy((network, chosen, maker))
    if maker.store is not network.store:  # else its memory of the network's steps is carried on
        maker.prepare(network.store)
    raw = rows.dtype if network.layers[0].accepts_raw else network.dtype
    batch = Batch(len(rows), network.input_shape, targets.outputs, raw, network.dtype)
    batch.x[...] = rows
    targets.take(slice(None), batch.truth)
    if weights is not None:
        batch.weights[:] = weights
    from glassnet.glass.tracer import Tracer

    return Tracer(network, chosen, maker, batch, whole).run()
