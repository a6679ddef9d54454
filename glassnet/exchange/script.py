"""The program that we run, written down: a network as one Python file that needs NumPy alone.

The file holds the recorded forward pass (see `glassnet.recording`) as calls of equations, and the
equations as they stand beside their layers. With training it holds a whole training step and the
loop around it too. The numbers lie in an .npz file of the same name beside it. It computes the bits
that our NumPy references compute.
"""

from __future__ import annotations

import copy
import io
import itertools
import keyword
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array, Kernel, capture, is_ours
from glassnet.exchange.equations import Equations, wrapped
from glassnet.exchange.listing import SIZES, Listing, Recorded
from glassnet.files import write_atomically
from glassnet.layers.base import Layer, separate_buffers
from glassnet.losses import Loss

if TYPE_CHECKING:
    from glassnet.exchange.training_script import TrainingText
    from glassnet.network import Network


def to_script(
    network: Network, path: Path, training: Mapping[str, Any] | None, overwrite: bool = False
) -> Path:
    """See `Network.to_script`."""
    if path.suffix != ".py" or not _can_be_imported(path.stem):
        raise ValueError(
            "A script's name ends with .py and can be imported, as in digits.py, and is no module "
            f"of Python's own or NumPy's. Received: {path.name!r}."
        )
    numbers_path = path.with_suffix(".npz")
    for file in (path, numbers_path):
        if file.exists() and not overwrite:
            raise ValueError(
                f"{file} exists already. Choose another name, or allow overwriting it "
                "(overwrite=True)."
            )
    refuse_own(network.layers)
    with network.lock:
        text, numbers = Script(network, path.stem, training).written()
    packed = io.BytesIO()
    np.savez(packed, **numbers)  # type: ignore[arg-type]
    write_atomically(numbers_path, packed.getvalue(), overwrite)
    return write_atomically(path, text, overwrite)


def _can_be_imported(name: str) -> bool:
    """Whether `import name` reads the script, which itself must still find NumPy."""
    taken = keyword.iskeyword(name) or name == "numpy" or name in sys.stdlib_module_names
    return name.isidentifier() and not taken


def refuse_own(parts: Iterable[object]) -> None:
    """Refuse parts whose equations are not ours to write down."""
    for part in parts:
        if not is_ours(part):
            raise ValueError(
                f"{type(part).__name__} is a part of your own, which a script cannot hold: it is "
                "written from glassnet's kernels."
            )


def name_parts(recorded: Recorded, network: Network) -> None:
    """Name what a network holds: parameters, buffers, and the constants of its layers."""
    for full, parameter in network.parameters.items():
        _, index, name = full.split(".")
        recorded.name(f"{name}_{index}", parameter.value, int(index))
        recorded.name(f"d_{name}_{index}", parameter.gradient, int(index))
    for full, buffer in network.buffers.items():
        _, index, name = full.split(".")
        recorded.name(f"{name}_{index}", buffer, int(index))
    for place, layer in enumerate(network.layers):
        for name, array in layer_constants(layer).items():
            recorded.name(f"{name}_{place}", array, place)


def layer_constants(layer: Layer) -> dict[str, Array]:
    """The arrays that follow from a layer's options, by name; numbers without axes left out."""
    return {
        name.strip("_"): value
        for name, value in vars(layer).items()
        if isinstance(value, np.ndarray) and value.ndim
    }


def name_work(recorded: Recorded, layers: Sequence[Layer]) -> None:
    """Name the work arrays that layers have just made."""
    for index, layer in enumerate(layers):
        for name, array in layer.__dict__.get("_buffers", {}).items():
            recorded.name(f"{name}_{index}", array, index, made="empty")


class Script:
    """The text of a script and the numbers that belong to it.

    Arguments:
        network: what is written down.
        name: of the module.
        training: the arguments of `fit`, or None for predictions alone.
    """

    def __init__(self, network: Network, name: str, training: Mapping[str, Any] | None) -> None:
        self.name = name
        self.training: TrainingText | None = None
        if training is not None:
            from glassnet.exchange.training_script import TrainingText

            self.training = TrainingText(copy.deepcopy(network), training)
            network = self.training.network
        self.network = network
        self.titles = [f"layers.{k}  {layer!r}" for k, layer in enumerate(network.layers)]
        self.equations = Equations()
        self.numbers: dict[str, Array] = {}

    def written(self) -> tuple[str, dict[str, Array]]:
        """The text, and the arrays of the .npz file by name."""
        functions = [self._forward(), *self._meaning()]
        if self.training is not None:
            functions += self.training.functions(self.equations, self.titles)
        what_is_learned = self._learned()
        if self.training is not None:
            self.numbers |= self.training.numbers
        imports = sorted(self.equations.imports.values())  # NumPy comes after what is Python's own
        parts = [
            "\n\n".join([self._docstring(), *imports]),
            "\n".join(self.equations.constants.values()),
            "# The equations, in the order in which they are needed.",
            *self.equations.functions.values(),
            f"# What was learned.\n\n{what_is_learned}",
            "# The program.",
            *functions,
        ]
        return "\n\n\n".join(part for part in parts if part) + "\n", self.numbers

    def _docstring(self) -> str:
        from glassnet import __version__

        chain = " → ".join([_rows_of(self.network.input_shape), *map(repr, self.network.layers)])
        what = "A network" if self.training is None else "A network and its training"
        use = [f"import {self.name}", f"{self.name}.{self._entry}(x)"]
        if self.training is not None:
            use.append(f"python {self.name}.py                  trains, from the first step on")
        return "\n".join(
            [
                f'"""{what}, written down by glassnet {__version__}.',
                "",
                textwrap.indent(textwrap.fill(chain, 92, break_long_words=False), "    "),
                "",
                "Every equation that computes something stands here; the file needs NumPy, and the",
                f"numbers in {self.name}.npz beside it. n is the number of rows of a batch.",
                "",
                *(f"    {line}" for line in use),
                '"""',
            ]
        )

    @property
    def _entry(self) -> str:
        """The function that a user will want first."""
        loss, task = self.network.loss, self.network.task
        if loss is None or task is None or not is_ours(loss):
            return "forward"
        # A link of numbers, which only the estimators' Poisson loss has, is no kernel.
        is_bare = task != "regression" or type(loss).link is Loss.link
        return "predict" if is_bare else "forward"

    # What was learned.

    def _learned(self) -> str:
        """Reading the .npz file, a line for each array."""
        self.equations.imports["np"] = "import numpy as np"
        network = self.network
        lines = [
            'with np.load(__file__.removesuffix(".py") + ".npz") as file:',
            "    numbers = {name: file[name] for name in file}",
            "",
        ]
        if self.training is None:
            arrays = {name: parameter.value for name, parameter in network.parameters.items()}
        else:
            lines += self.training.parameter_lines()
            arrays = {}
            self.numbers |= {n: p.value.copy() for n, p in network.parameters.items()}
        arrays |= network.buffers
        for place, layer in enumerate(network.layers):
            for name, constant in layer_constants(layer).items():
                arrays.setdefault(f"layers.{place}.{name}", constant)
        for full in sorted(arrays, key=lambda full: int(full.split(".")[1])):
            _, index, name = full.split(".")
            if self.training is None and network.layers[int(index)].name == "Dropout":
                continue  # its masks belong to training
            self.numbers[full] = arrays[full].copy()
            lines.append(f'{name}_{index} = numbers["{full}"]  # {arrays[full].shape}')
        lines += self.training.variable_lines() if self.training is not None else []
        classes = network.metadata.get("classes")
        lines += ["", wrapped("CLASSES = [", [repr(c) for c in classes], "]")] if classes else []
        return "\n".join(lines)

    # Going forward.

    def _forward(self) -> str:
        captured = [self._record_forward(rows) for rows in SIZES]
        recorded = [first for first, _ in captured]
        listing = Listing(recorded, self.titles)
        lines = listing.lines(range(len(recorded[0].calls)))
        self._need(listing.kernels)
        result = listing.expression([outputs for _, outputs in captured])
        raw = self.network.layers[0].accepts_raw
        dtype = "" if raw else f", np.{self.network.dtype.name}"
        head = [
            f'"""The outputs {_rows_of(self.network.output_shape)} for rows x '
            f'{_rows_of(self.network.input_shape)}."""',
            f"x = np.ascontiguousarray(x{dtype})",
            "n = len(x)",
            f"x = x.reshape{_rows_of(self.network.input_shape)}",
        ]
        return function("forward", "x", [*head, *lines, "", f"return {result}"])

    def _record_forward(self, rows: int) -> tuple[Recorded, Array]:
        network, recorded = self.network, Recorded()
        name_parts(recorded, network)
        x = np.empty((rows, *network.input_shape), network.dtype)
        recorded.name("x", x)
        with separate_buffers(network.layers), capture(run=False) as calls:
            outputs = network.run_forward(x, training=False)
            name_work(recorded, network.layers)
        recorded.calls = calls
        return recorded, outputs

    def _need(self, kernels: Iterable[Kernel]) -> None:
        for kernel in kernels:
            self.equations.add(kernel)

    # What the outputs mean.

    def _meaning(self) -> list[str]:
        """`predict_proba` and `predict`, for a network that was fitted."""
        network = self.network
        loss, task = network.loss, network.task
        if loss is None or task is None or self._entry == "forward":
            return []
        functions = [] if task == "regression" else [self._probabilities()]
        columns = network.output_shape[0]
        by_threshold = f"forward(x){'[:, 0]' if task == 'binary' else ''} > {loss.threshold}"
        says = {
            "classification": ("Class numbers (n,)", "forward(x).argmax(axis=1)"),
            "binary": ("Class numbers (n,)", f"({by_threshold}).astype(np.int64)"),
            "multilabel": (f"Labels (n, {columns})", f"({by_threshold}).astype(np.int64)"),
            "regression": ("Predictions", "forward(x)" + ("[:, 0]" if columns == 1 else "")),
        }
        what, result = says[task]
        rows = _rows_of(network.input_shape)
        head = f'"""{what} for rows x {rows}."""'
        return [*functions, function("predict", "x", [head, f"return {result}"])]

    def _probabilities(self) -> str:
        network = self.network
        recorded = []
        for rows in SIZES:
            recorded.append(Recorded())
            outputs = np.empty((rows, *network.output_shape), network.dtype)
            with capture(run=False) as recorded[-1].calls:
                linked = network.loss.link(outputs)  # type: ignore[union-attr]
            recorded[-1].name("outputs", outputs)
            if linked is not outputs:
                recorded[-1].name("probabilities", linked, made="empty")
        listing = Listing(recorded, [])
        lines = listing.lines(range(len(recorded[0].calls)))
        self._need(listing.kernels)
        result = "probabilities" if lines else "outputs"
        if network.task == "binary":
            result = f"np.hstack([1 - {result}, {result}])"
        head = [
            f'"""Probabilities of the classes for rows x {_rows_of(network.input_shape)}."""',
            "outputs = forward(x)",
            *(["n = len(outputs)"] if lines else []),
        ]
        return function("predict_proba", "x", [*head, *lines, f"return {result}"])


def _rows_of(shape: tuple[int, ...]) -> str:
    return f"({', '.join(['n', *map(str, shape)])})"


def function(name: str, arguments: str, lines: Iterable[str]) -> str:
    """A function's text."""
    body = itertools.chain.from_iterable(line.split("\n") for line in lines)
    return "\n".join([f"def {name}({arguments}):", *(f"    {line}".rstrip() for line in body)])
