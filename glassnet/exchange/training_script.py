"""A training written down: one step, as it was recorded, and the loop over batches and epochs."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array, Call, Kernel, capture
from glassnet.batches import Batch
from glassnet.epochs import keep
from glassnet.exchange.equations import Equations
from glassnet.exchange.listing import SIZES, Listing, Recorded, number_text
from glassnet.exchange.script import function, name_parts, name_work, refuse_own
from glassnet.layers.base import separate_buffers
from glassnet.schedules import Schedule
from glassnet.trainer import Trainer

if TYPE_CHECKING:
    from glassnet.network import Network

ARGUMENTS = (
    "x",
    "y",
    "loss",
    "optimizer",
    "batch_size",
    "epochs",
    "validation",
    "schedule",
    "phases",
    "sample_weight",
    "shuffle",
)
"""The arguments of `Network.fit` that a script can follow."""

PARTS = ["The next batch.", "Forward.", "The loss.", "Back.", "The step."]
"""What a training step is made of, in order; the second and the fourth are the layers'."""


class TrainingText:
    """The text of a training.

    Arguments:
        network: what is trained, as it is before the first step; it becomes this object's own.
        training: the arguments of `fit`.

    Attributes:
        network: with fitted preprocessing, its loss and its task.
        numbers: the rows and whatever else the loop reads, by name.
    """

    def __init__(self, network: Network, training: Mapping[str, Any]) -> None:
        for name in training:
            if name not in ARGUMENTS:
                raise ValueError(
                    f"A script cannot follow the argument {name!r} of fit. It takes: "
                    f"{', '.join(ARGUMENTS)}."
                )
        for name in ("x", "y", "loss"):
            if name not in training:
                raise ValueError(
                    f"A script's training needs {name!r}, as fit does. Received: "
                    f"{', '.join(training) or 'nothing'}."
                )
        chosen = dict(training) | {"optimizer": copy.deepcopy(training.get("optimizer", "adam"))}
        self.trainer = trainer = Trainer(network, **chosen)
        self._refuse_what_needs_more()
        self.network, self.numbers = network, dict[str, Array]()
        network.loss, network.task = trainer.loss, trainer.task
        trainer._fit_preprocessing()
        trainer.optimizer.prepare(network.store)
        self.steps, self.epochs = trainer.steps, trainer._epochs
        self.epochs.rates = self._rates()
        self.epochs.sums = np.zeros((trainer.epochs, 4))

    def _refuse_what_needs_more(self) -> None:
        trainer = self.trainer
        refuse_own([trainer.loss, trainer.optimizer])
        if trainer.phases:
            raise ValueError("A script has one batch size and no phases: leave phases out.")
        if type(trainer.schedule).observe is not Schedule.observe:
            raise ValueError(
                f"The schedule {trainer.schedule.name!r} listens to the scores of a training, "
                "which a script does not follow. Take another, such as cosine."
            )
        if trainer.steps.is_blocked:
            raise ValueError(
                f"A batch of all {len(trainer.steps.x)} rows is trained on in blocks, which a "
                "script does not hold. Give a batch_size."
            )

    # Variables of the module: what a step reads and writes, and goes on to the next one.

    def _variables(self) -> dict[str, Array]:
        """The arrays that outlive a step, by name; those of the network left out."""
        steps, epochs, optimizer = self.steps, self.epochs, self.trainer.optimizer
        rows, targets = steps.rows, steps.targets
        variables = {
            "x_train": steps.x,
            "y_train": targets.labels if targets.values is None else targets.values,
            "weights_train": steps.weights,
            "order": rows.order,
            "starts": rows.starts,
            "rates": rows.rates,
            "index": rows.index,
            "step": rows.step,
            "sums": steps.sums,
            "all_rates": epochs.rates,
            "all_sums": epochs.sums,
            "done": epochs.done,
            "epoch": epochs.number,
            "shuffle_key": epochs._key,
            "shuffle_words": epochs._words,
            "shuffle_work": epochs._work,
            "theta": self.network.theta,
            "gradient": self.network.gradient,
            **optimizer.state,
            **optimizer.scalars,
        }
        return {name: array for name, array in variables.items() if array is not None}

    def parameter_lines(self) -> list[str]:
        """θ and its gradient as flat vectors, and every parameter as a view."""
        theta = self.network.theta
        lines = [
            "# All that is learned, and its slopes, as two vectors. Every parameter is a view.",
            f"theta = np.zeros({theta.size}, np.{theta.dtype.name})",
            "gradient = np.zeros_like(theta)",
        ]
        for full, parameter in self.network.parameters.items():
            _, index, name = full.split(".")
            span = f"[{parameter.span.start}:{parameter.span.stop}]"
            if len(parameter.shape) > 1:
                span += f".reshape{parameter.shape}"
            lines.append(f"{name}_{index} = theta{span}")
            lines.append(f"d_{name}_{index} = gradient{span}")
            lines.append(f'{name}_{index}[...] = numbers["{full}"]')
        return [*lines, ""]

    def variable_lines(self) -> list[str]:
        """A line for each variable: counters, the optimizer's memory, the rows."""
        epochs, starts = self.trainer.epochs, self.steps.rows.starts
        self.numbers["rates"] = self.epochs.rates
        self.numbers["shuffle_key"] = self.epochs._key
        variables = self._variables()
        for name in ("x_train", "y_train", "weights_train"):
            if name in variables:
                self.numbers[name] = variables[name]
        lines = ["", "# The rows that are learned from."]
        lines += [
            f'{name} = numbers["{name}"]  # {variables[name].shape}, {variables[name].dtype}'
            for name in ("x_train", "y_train", "weights_train")
            if name in variables
        ]
        size = int(starts[1]) if len(starts) > 1 else len(self.steps.x)
        lines += [
            "",
            "# Where batches begin in the order of an epoch's rows, and what is counted.",
            f"EPOCHS = {epochs}",
            "order = np.arange(len(x_train))",
            f"starts = np.arange({len(starts)}) * {size}",
            "stops = np.append(starts[1:], len(x_train))",
            f"rates = np.zeros({len(starts)})  # the learning rates of an epoch's batches",
            'all_rates = numbers["rates"]  # (epochs, batches)',
            "sums = np.zeros(4)  # Σ wℓ, N, Σ w·score, Σ w of an epoch so far",
            f"all_sums = np.zeros(({epochs}, 4))",
            "index, step, done = np.array(0), np.array(0), np.array(0)",
            f"epoch = np.array([{self.epochs.number.item()}])",
            'shuffle_key = numbers["shuffle_key"]',
            f"shuffle_words = np.empty({self.epochs._words.size}, np.uint32)",
            f"shuffle_work = np.empty({self.epochs._work.size}, np.uint64)",
            "",
            f"# {self.trainer.optimizer!r}",
        ]
        return [*lines, *self._optimizer_lines()]

    def _optimizer_lines(self) -> list[str]:
        optimizer = self.trainer.optimizer
        lines = [f"{name} = {number_text(array)}" for name, array in optimizer.scalars.items()]
        for name, array in optimizer.state.items():
            if name in optimizer.scalars:
                continue
            start = float(array.reshape(-1)[0])
            whole = f"np.full_like(theta, {start})" if array.ndim else f"np.array({start})"
            lines.append(f"{name} = {whole}")
        return lines

    def _rates(self) -> Array:
        """The learning rate of every step, (epochs, batches)."""
        trainer = self.trainer
        rates = np.ones((trainer.epochs, trainer.batches))
        for epoch, row in enumerate(rates):
            row[:] = trainer._factors(epoch)
        rates *= trainer.optimizer.base_learning_rate
        return rates

    # Functions.

    def functions(self, equations: Equations, titles: Sequence[str]) -> list[str]:
        """`begin_this_epoch`, `one_step`, `end_this_epoch` and `train`."""
        batches = len(self.steps.rows.starts)
        beginning = [call for call in self.epochs._beginning(batches) if call[0] is not keep]
        return [
            self._of_epoch(
                "begin",
                "A new order of the rows, and the rates of the batches.",
                beginning,
                equations,
            ),
            self._one_step(equations, titles),
            self._of_epoch("end", "Put the epoch's sums away.", self.epochs._ending(), equations),
            self._train(),
        ]

    def _recorded(self, calls: list[Call]) -> Recorded:
        recorded = Recorded(calls)
        name_parts(recorded, self.network)
        for name, array in self._variables().items():
            recorded.name(name, array)
        return recorded

    def _of_epoch(self, name: str, what: str, calls: Sequence[Call], equations: Equations) -> str:
        listing = Listing([self._recorded(list(calls)) for _ in SIZES], [])
        lines = listing.lines(range(len(calls)))
        _need(equations, listing.kernels)
        return function(f"{name}_this_epoch", "", [f'"""{what}"""', *lines])

    def _one_step(self, equations: Equations, titles: Sequence[str]) -> str:
        listing = Listing([self._record_step(rows) for rows in SIZES], titles)
        numbers = range(len(listing.recorded[0].calls))
        groups = itertools.groupby(numbers, key=lambda k: listing.layers[k] is not None)
        lines = ['"""One step: the next batch, forward, the loss, back, the update."""']
        lines.append("n = stops[index] - starts[index]")
        for what, (_, part) in zip(PARTS, groups, strict=True):
            lines += ["", f"# {what}", *listing.lines(part)]
        _need(equations, listing.kernels)
        for name, array in listing.constants.items():
            self.numbers[name] = array
            lines.insert(2, f'{name} = numbers["{name}"]  # {array.shape}')
        return function("one_step", "", lines)

    def _record_step(self, rows: int) -> Recorded:
        network, steps = self.network, self.steps
        raw = steps.x.dtype if network.layers[0].accepts_raw else network.dtype
        batch = Batch(rows, network.input_shape, steps.targets.outputs, raw, network.dtype)
        with separate_buffers(network.layers), capture(run=False) as calls:
            steps._step(batch)
            recorded = self._recorded(calls)
            name_work(recorded, network.layers)
        made = {"weights": "ones", "row_weights": "ones", "total": "zeros"}
        for name, array in vars(batch).items():
            shown = {"gradient": "d_outputs", "x": "x"}.get(name, name)
            recorded.name(shown, array, made=made.get(name, "empty"))
        return recorded

    def _train(self) -> str:
        lines = [
            '"""Train, and return the mean loss of each epoch."""',
            "for _ in range(epochs):",
            "    begin_this_epoch()",
            "    while index < len(starts):",
            "        one_step()",
            "    end_this_epoch()",
            '    print(f"epoch {epoch.item()}: loss {sums[0] / sums[1]:.6g}")',
            "return (all_sums[:done, 0] / all_sums[:done, 1]).tolist()",
        ]
        main = 'if __name__ == "__main__":\n    train()'
        return function("train", "epochs=EPOCHS", lines) + "\n\n\n" + main


def _need(equations: Equations, kernels: Sequence[Kernel]) -> None:
    for kernel in kernels:
        equations.add(kernel)
