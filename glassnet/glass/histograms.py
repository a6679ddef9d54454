"""Histograms of weights and gradients, by layer and epoch.

A layer that learns shows a gradient that is neither zero nor much wider than its weights; weights
that pile up at one value, or spread from epoch to epoch, are seen before the loss says so.
"""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.batches import Batch
from glassnet.callbacks.base import Callback
from glassnet.files import write_atomically
from glassnet.layers.base import separate_buffers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glassnet.losses import Loss
    from glassnet.network import Network
    from glassnet.targets import Targets
    from glassnet.trainer import Trainer

MOST_BINS = 50
"""An array of n numbers is counted in 2 ∛n bins (the Rice rule), up to so many."""

ROWS = 256
"""The gradient that is drawn is that of the first so many training rows, without dropout."""

MOST_RIDGES = 9
"""So many epochs are drawn, evenly spaced, with the first and the last among them."""

KINDS = ("weights", "gradients")


@dataclass
class Distributions:
    """Histograms of all parameters at the end of some epochs.

    Attributes:
        epochs: after which epochs; 0 is before training.
        counts, edges: by kind and parameter, such as `("weights", "layers.0.weight")`: for every
            epoch (bins,) and (bins + 1,).
    """

    epochs: list[int] = field(default_factory=list)
    counts: dict[tuple[str, str], list[Array]] = field(default_factory=dict)
    edges: dict[tuple[str, str], list[Array]] = field(default_factory=dict)

    def add(self, epoch: int, network: Network, gradient: dict[str, Array]) -> None:
        """Take the weights as they are now, and this gradient."""
        self.epochs.append(epoch)
        for name, parameter in network.parameters.items():
            for kind, array in zip(KINDS, (parameter.value, gradient[name]), strict=True):
                bins = min(MOST_BINS, math.ceil(2 * array.size ** (1 / 3)))
                counts, edges = _histogram(array, bins)
                self.counts.setdefault((kind, name), []).append(counts)
                self.edges.setdefault((kind, name), []).append(edges)

    def save(self, path: Path, overwrite: bool = False) -> Path:
        """Write an .npz file."""
        arrays: dict[str, Any] = {"epochs": np.array(self.epochs)}
        for (kind, name), counts in self.counts.items():
            arrays[f"counts/{kind}/{name}"] = np.array(counts)
            arrays[f"edges/{kind}/{name}"] = np.array(self.edges[kind, name])
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        return write_atomically(path, content.getvalue(), overwrite)

    @classmethod
    def load(cls, path: Path) -> Distributions:
        """Read what `save` wrote.

        Raises:
            ValueError: if the file is no such file.
        """
        distributions = cls()
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                distributions.epochs = file["epochs"].tolist()
                for key in file.files:
                    what, _, rest = key.partition("/")
                    if rest:
                        kind, _, name = rest.partition("/")
                        target = distributions.counts if what == "counts" else distributions.edges
                        target[kind, name] = list(file[key])
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
            raise ValueError(f"{path} is no file of histograms, or it is damaged.") from None
        return distributions

    def plot(self, most: int = 6) -> Figure:
        """Weights left, gradients right, a row for each weight matrix; epochs go upwards.

        Arguments:
            most: so many parameters, the first and the last ones if there are more.

        Raises:
            ValueError: if nothing was taken.
        """
        from glassnet.plots import empty_figure

        if not self.epochs:
            raise ValueError("No epoch was recorded, so there is no histogram to draw.")
        names = [name for kind, name in self.counts if kind == "weights"]
        matrices = [name for name in names if name.endswith("weight")] or names
        if len(matrices) > most:
            matrices = [*matrices[: most - most // 2], *matrices[-(most // 2) :]]
        places = np.unique(np.linspace(0, len(self.epochs) - 1, MOST_RIDGES).astype(int))
        height = 0.9 + 0.17 * len(places)
        figure = empty_figure(8.4, height * len(matrices) + 0.5)
        grid = figure.subplots(len(matrices), 2, squeeze=False)
        for row, name in zip(grid, matrices, strict=True):
            for axes, kind in zip(row, KINDS, strict=True):
                self._draw(axes, (kind, name), places.tolist())
                axes.set_title(f"{name}: {kind}", fontsize=9)
        return figure

    def _draw(self, axes: Axes, key: tuple[str, str], places: list[int]) -> None:
        """One ridge for each epoch, the first one at the bottom and lightest."""
        from matplotlib.ticker import MaxNLocator

        for line, place in reversed(list(enumerate(places))):
            counts, edges = self.counts[key][place], self.edges[key][place]
            density = counts / (np.diff(edges) + 1e-300)
            tall = 1.7 * density / (density.max() or 1.0)
            shade = str(0.92 - 0.55 * line / max(1, len(places) - 1))
            axes.stairs(line + tall, edges, baseline=line, fill=True, color=shade, zorder=-line)
            axes.stairs(line + tall, edges, baseline=line, color="black", linewidth=0.7,
                        zorder=-line)  # fmt: skip
        axes.set_yticks(range(len(places)), [str(self.epochs[k]) for k in places], fontsize=7)
        axes.set_ylabel("epoch", fontsize=8)
        axes.tick_params(axis="x", labelsize=7)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.spines[["top", "right", "left"]].set_visible(False)


def _histogram(array: Array, bins: int) -> tuple[Array, Array]:
    """How many numbers are in each bin, and the edges of the bins; only finite ones count.

    In float64, and never over less than a millionth of the largest number: NumPy refuses bins that
    are too narrow to be told apart, as it finds them in a training that is breaking down.
    """
    numbers = array[np.isfinite(array)].astype(np.float64)
    low, high = (numbers.min(), numbers.max()) if numbers.size else (0.0, 0.0)
    least = 1e-6 * max(abs(low), abs(high))
    if high - low <= least:
        margin = max(0.5, least)
        low, high = low - margin, high + margin
    return np.histogram(numbers, bins, (low, high))


class Histograms(Callback):
    """Takes histograms of all weights and gradients before training and after every epoch.

    The gradient is that of the first 256 training rows, without dropout; training itself is left
    as it is, bit for bit.

    Arguments:
        path: an .npz file to write them to when training ends, for `glassnet plot`; or None.

    Attributes:
        distributions: what was taken; `distributions.plot()` draws it.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.Dense(3), gn.Tanh(), gn.Dense(2)], input_shape=(2,), seed=0)
        >>> seen = gn.callbacks.Histograms()
        >>> x, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
        >>> history = net.fit(x, y, loss="cross_entropy", epochs=3, callbacks=[seen])
        >>> seen.distributions.epochs
        [0, 1, 2, 3]
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.distributions = Distributions()

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Take the initial weights, or those that a resumed training goes on from."""
        self.distributions = Distributions()
        self._take(trainer, trainer.epoch)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Take the weights of this epoch."""
        self._take(trainer, trainer.epoch)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Write the file."""
        if self.path is not None:
            self.distributions.save(self.path, overwrite=True)

    def _take(self, trainer: Trainer, epoch: int) -> None:
        steps, network = trainer.steps, trainer.network
        gradient = gradient_of(network, trainer.loss, steps.x[:ROWS], steps.targets)
        self.distributions.add(epoch, network, gradient)


def gradient_of(network: Network, loss: Loss, x: Array, targets: Targets) -> dict[str, Array]:
    """∂J/∂ of each parameter over these rows, the first ones of `targets`, without dropout.

    The network's own gradient and work arrays stay as they are.
    """
    batch = Batch(len(x), (), targets.outputs, network.dtype, network.dtype)
    targets.take(slice(len(x)), batch.truth)
    elsewhere = np.zeros_like(network.gradient)
    with (
        network.lock,
        separate_buffers(network.layers),
        network.store.other_gradient(elsewhere),
    ):
        outputs = network.run_forward(x, training=False)
        loss.into(outputs, batch)
        network.run_backward(batch.gradient, need_dx=False)
        return {name: p.gradient.copy() for name, p in network.parameters.items()}
