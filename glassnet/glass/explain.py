"""Which inputs moved a prediction: gradient × input.

For the output f that is explained, and u, the inputs as they leave the preprocessing,

    cⱼ = uⱼ ∂f/∂uⱼ

is what f would lose if it were linear and uⱼ went to zero. Preprocessing is left out of it, so that
zero means something: for standardised columns the mean of the training rows, for images black, for
a category not being in it.

Source: Shrikumar et al., "Not just a black box: learning important features through propagating
activation differences", arXiv:1605.01713, 2016; its properties in Ancona et al., "Towards better
understanding of gradient-based attribution methods for deep neural networks", ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array, run_layer
from glassnet.layers import preprocessing, reshape
from glassnet.layers.base import Layer, separate_buffers
from glassnet.layers.preprocessing import OneHot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from glassnet.network import Network


@dataclass(frozen=True)
class Explanation:
    """Why a network said what it said of n rows.

    Attributes:
        x: the rows, (n, *input_shape).
        outputs: what the network gave, (n, K).
        output: which of the K is explained, for each row (n,).
        inputs: u, what the first layer after the preprocessing takes, (n, …).
        gradient: ∂f/∂u, of the same shape.
        contributions: u ∂f/∂u, (n, *input_shape); those of a category's columns are added up.
        activations: what every layer gave, by `"layers.1 ReLU()"`, in order.
        feature_names, classes: as the model knows them, or empty.
    """

    x: Array
    outputs: Array
    output: Array
    inputs: Array
    gradient: Array
    contributions: Array
    activations: dict[str, Array]
    feature_names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def remainder(self) -> Array:
        """f minus the sum of its contributions, (n,): what biases and bends add."""
        f = self.outputs[np.arange(len(self.outputs)), self.output]
        rest: Array = f - self.contributions.reshape(len(f), -1).sum(axis=1)
        return rest

    def largest(self, row: int, most: int = 5) -> list[tuple[str, float, float]]:
        """The inputs that moved a row most: name, value and contribution, largest first."""
        flat, values = self.contributions[row].ravel(), self.x[row].ravel()
        places = np.argsort(-np.abs(flat), kind="stable")[:most]
        return [
            (self._name(int(place)), float(values[place]), float(flat[place])) for place in places
        ]

    def _name(self, place: int) -> str:
        if len(self.feature_names) == self.contributions[0].size:
            return self.feature_names[place]
        index = np.unravel_index(place, self.contributions.shape[1:])
        return "x[" + ", ".join(str(int(i)) for i in index) + "]"

    def of(self, row: int) -> str:
        """What is explained in a row: the name of its class, or the number of its output.

        A single output that tells two classes apart speaks for the second, whichever is predicted.
        """
        output = int(self.output[row])
        if len(self.classes) == self.outputs.shape[1] > 1:
            return self.classes[output]
        if len(self.classes) == 2 and self.outputs.shape[1] == 1:
            return self.classes[1]
        return "output" if self.outputs.shape[1] == 1 else f"output {output}"

    def plot(self, rows: Sequence[int] | None = None) -> Figure:
        """The contributions of some rows, by default the first eight: over images, or as bars."""
        from glassnet.glass.pictures import contributions

        return contributions(self, range(min(8, len(self.x))) if rows is None else rows)

    def __str__(self) -> str:
        lines = []
        for row in range(min(8, len(self.x))):
            f = self.outputs[row, self.output[row]]
            lines.append(f"row {row}: {self.of(row)} = {f:.4g}")
            largest = self.largest(row)
            lines += [f"  {c:+10.4g}  {name} = {v:.4g}" for name, v, c in largest]
            rest = f - sum(c for _, _, c in largest)
            others = " and all other inputs" if self.contributions[row].size > len(largest) else ""
            lines.append(f"  {rest:+10.4g}  biases, bends{others}")
        if len(self.x) > 8:
            lines.append(f"… and {len(self.x) - 8} more rows")
        return "\n".join(lines)


def explain(network: Network, x: Any, output: int | Sequence[int] | None = None) -> Explanation:
    """`Network.explain`."""
    rows = network.checked_inputs(x)
    if len(network.output_shape) != 1:
        raise ValueError(
            f"Only outputs in a row can be explained, but these have shape {network.output_shape}."
        )
    first = _first_learning(network.layers)
    activations: dict[str, Array] = {}
    elsewhere = np.zeros_like(network.gradient)
    with (
        network.lock,
        separate_buffers(network.layers),
        network.store.other_gradient(elsewhere),
    ):
        y = u = np.array(network.entry(rows))
        for index, layer in enumerate(network.layers):
            u = y.copy() if index == first else u
            y = run_layer(layer, partial(layer.forward, training=False), y, network.dtype)
            activations[f"layers.{index} {layer!r}"] = y.copy()
        outputs = y.copy()
        chosen = _chosen(network, outputs, output)
        dy = np.zeros_like(outputs)
        dy[np.arange(len(rows)), chosen] = 1
        for layer in reversed(network.layers[first:]):
            dy = run_layer(layer, layer.backward, dy, network.dtype)
        gradient = dy.copy()
    back = u * gradient
    for layer in reversed(network.layers[:first]):
        back = _back(layer, back)
    names = network.metadata
    return Explanation(
        x=rows,
        outputs=outputs,
        output=chosen,
        inputs=u,
        gradient=gradient,
        contributions=back,
        activations=activations,
        feature_names=tuple(names.get("feature_names", ())),
        classes=tuple(names.get("classes", ())),
    )


def _first_learning(layers: Sequence[Layer]) -> int:
    """The number of the first layer that is neither preprocessing nor a change of shape."""
    before = (preprocessing.__name__, reshape.__name__)
    places = (k for k, layer in enumerate(layers) if type(layer).__module__ not in before)
    return next(places, len(layers))


def _back(layer: Layer, contributions: Array) -> Array:
    """Contributions to a preprocessing layer's outputs as contributions of its inputs."""
    rows = len(contributions)
    if not isinstance(layer, OneHot):
        return contributions.reshape(rows, *layer.input_shape)
    summed = np.zeros((rows, *layer.input_shape), contributions.dtype)
    for column, source in enumerate(layer.source):
        summed[:, source] += contributions[:, column]
    return summed


def _chosen(network: Network, outputs: Array, output: int | Sequence[int] | None) -> Array:
    """Which output is explained in each row."""
    rows, count = outputs.shape
    if output is None:
        if network.task == "regression":
            return np.zeros(rows, np.int64)
        best: Array = outputs.argmax(axis=1)
        return best
    chosen = np.broadcast_to(np.asarray(output), rows)
    if chosen.dtype.kind not in "iu" or chosen.min(initial=0) < 0 or chosen.max(initial=0) >= count:
        raise ValueError(
            f"output names one of the {count} outputs, 0 to {count - 1}, or one for each row. "
            f"Received: {output!r}."
        )
    return chosen.astype(np.int64)
