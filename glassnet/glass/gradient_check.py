"""Gradients checked against central differences: is what `backward` returns the slope of J?

    ∂J/∂θᵢ ≈ (J(θ + h eᵢ) − J(θ − h eᵢ)) / 2h                    off by a multiple of h²

in float64, for every parameter and every input, one number at a time. J must be the same function
at every evaluation: dropout keeps its mask, and batch norm in training takes the statistics of the
batch, through which every row reaches every other.

Where a rectifier bends, J has a slope on either side, and a backward pass may return any number
between the two. Such places are recognised by their one-sided differences.

Source: Bishop, "Pattern Recognition and Machine Learning", 2006, section 5.3.3, eq. 5.69.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.inputs import checked_weights
from glassnet.losses import Loss

if TYPE_CHECKING:
    from glassnet.network import Network

STEPS = (1e-5, 1e-6, 1e-7)
"""h, in units of max(1, |number|). Smaller ones are tried where the first comes across a bend."""

TOLERANCE = 1e-6
"""The largest relative error of a gradient that passes."""

FLOOR = 1e-4
"""Gradients below this share of max(1, |J|) are compared as if they were so large: rounding."""


@dataclass(frozen=True)
class Checked:
    """A gradient beside its central differences.

    Attributes:
        name: `"layers.0.weight"`, `"inputs"`, or `"outputs"` for what the loss itself returns.
        shape: of the array. checked: how many of its numbers were looked at.
        skipped: how many of those have no slope: bends, category codes, missing values.
        error: largest |received − expected| / largest |gradient| of the array.
        index: where that is; None if nothing was checked.
        received, expected: there, what `backward` gave and what the differences give.
        tolerance: the largest error that passes.
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    skipped: int
    error: float
    index: tuple[int, ...] | None
    received: float
    expected: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class GradientCheck:
    """What `gradient_check` found.

    Attributes:
        loss: J.
        rows: one for each gradient.
        suspicions: where something is wrong, what it looks like and which equation to look at.
    """

    loss: float
    rows: tuple[Checked, ...]
    suspicions: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all gradients are right, and no suspicion is left."""
        return all(row.passed for row in self.rows) and not self.suspicions

    @property
    def worst(self) -> Checked:
        """The gradient with the largest error."""
        return max(self.rows, key=lambda row: row.error)

    def __str__(self) -> str:
        lines = [
            f"{'gradient of':<24} {'checked':>17} {'error':>8}  worst index: received, expected"
        ]
        for row in self.rows:
            size = int(np.prod(row.shape, dtype=np.int64))
            count = f"{row.checked:,} of {size:,}"
            where = (
                "" if row.index is None else f"{row.index}: {row.received:.6g}, {row.expected:.6g}"
            )
            mark = "" if row.passed else "  WRONG"
            lines.append(f"{row.name:<24} {count:>17} {row.error:>8.1e}  {where}{mark}")
        skipped = sum(row.skipped for row in self.rows)
        if skipped:
            lines.append(f"{skipped} numbers have no slope there (bends, codes, missing values).")
        return "\n".join([*lines, *self.suspicions])


def gradient_check(
    network: Network,
    loss: str | Mapping[str, Any] | Loss | None,
    x: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    training: bool = True,
    most: int = 1000,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> GradientCheck:
    """Compare all gradients of a network and a loss with central differences, in float64.

    The network is left as it is; a copy is checked. Where a gradient is wrong, each layer and the
    loss are checked by themselves, to say in which equation the mistake is.

    Arguments:
        network: any, with layers of your own too.
        loss: a loss or its name; None is the one that the network was fitted with.
        x, y, sample_weight: a few rows and their targets, as for `fit`. A handful is enough, and
            random ones find more than zeros and ones.
        training: whether dropout drops (always with the same mask) and batch norm takes the
            statistics of these rows.
        most: of larger arrays, so many numbers are checked, drawn at random.
        tolerance: see `Checked.error`.
        seed: of that draw.

    Returns:
        A report to print; `passed` says whether all is well.

    Raises:
        ValueError: for input that does not fit, a J that is not finite, or one that is not the same
            twice.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.Dense(3), gn.Tanh(), gn.Dense(1)], input_shape=(2,), seed=0)
        >>> x, y = np.random.default_rng(0).normal(size=(4, 2)), np.arange(4.0)
        >>> gn.gradient_check(net, "mse", x, y).passed
        True
    """
    from glassnet.glass.diagnosis import suspicions

    chosen, targets = network.prepared_targets(y, len(network.checked_inputs(x)), loss)
    with network.lock:
        network = in_float64(network)
    rows = np.array(network.checked_inputs(x), np.float64)
    truth = np.empty((len(rows), targets.outputs))
    targets.take(slice(None), truth)
    weights = checked_weights(sample_weight, len(rows))
    j = Objective(network, chosen, rows, truth, weights, training)
    value = j.checked_value()
    outputs, d_outputs, analytic, d_inputs = j.gradients()
    again = j.gradients()[2]
    look = _Comparison(most, tolerance, FLOOR * max(1.0, abs(value)), np.random.default_rng(seed))
    checked = [look("outputs", lambda: j.loss_of(outputs), outputs, d_outputs)]
    for name, parameter in network.parameters.items():
        checked.append(look(name, j, parameter.value, analytic[name]))
    checked.append(look("inputs", j, rows, d_inputs))
    found = [
        f"{name}: its gradient changes when backward runs again on the same numbers. A backward "
        "pass writes its gradients (gradient[...] = …); this one seems to add to them."
        for name in analytic
        if not np.array_equal(analytic[name], again[name], equal_nan=True)
    ]
    if not all(row.passed for row in checked):
        found += suspicions(j, look)
    return GradientCheck(value, tuple(checked), tuple(found))


def in_float64(network: Network) -> Network:
    """A copy of a network that computes in float64, whatever its layers are."""
    network = copy.deepcopy(network)
    old, new = network.dtype, np.dtype(np.float64)
    store = network.store
    for name, buffer in store.buffers.items():
        if buffer.dtype == old and old != new:
            store.buffers[name] = buffer.astype(new)
            for layer in network.layers:  # a layer keeps the same array as an attribute
                for key, value in vars(layer).items():
                    if value is buffer:
                        setattr(layer, key, store.buffers[name])
    store.theta, store.gradient = store.theta.astype(new), store.gradient.astype(new)
    for parameter in store.parameters.values():
        parameter.bind(store.theta, store.gradient)
    network.dtype = new
    for layer in network.layers:
        layer.dtype = new
    return network


class Objective:
    """J as a function of arrays that may be changed in place: `rows` and the parameters.

    Every evaluation starts from the same buffers: the same dropout mask, the same statistics.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        rows: Array,
        truth: Array,
        weights: Array | None,
        training: bool,
    ) -> None:
        self.network, self.loss = network, loss
        self.rows, self.truth, self.weights = rows, truth, weights
        self.training = training
        self.buffers = {name: buffer.copy() for name, buffer in network.buffers.items()}

    def forward(self) -> Array:
        """The outputs, (n, K)."""
        self.restore()
        return self.network.run_forward(self.rows, self.training)

    def restore(self) -> None:
        """Set running statistics and dropout's counters back."""
        for name, buffer in self.buffers.items():
            self.network.buffers[name][...] = buffer

    def loss_of(self, outputs: Array) -> float:
        """J of these outputs."""
        return self.loss(outputs, self.truth, self.weights)[0]

    def __call__(self) -> float:
        return self.loss_of(self.forward())

    def checked_value(self) -> float:
        """J.

        Raises:
            ValueError: if it is not finite, or not the same twice.
        """
        value, again = self(), self()
        if not np.isfinite(value):
            raise ValueError(f"J is {value} on these rows: there is no gradient to check.")
        if value != again:
            raise ValueError(
                f"J is {value} and then {again} on the same rows, so it has no slope. A layer "
                "draws new random numbers in every pass: let them depend on a buffer, as Dropout's "
                "do."
            )
        return value

    def gradients(self) -> tuple[Array, Array, dict[str, Array], Array]:
        """The outputs, ∂J/∂outputs, that of each parameter by name, and ∂J/∂inputs, as copies."""
        outputs = self.forward().copy()
        d_outputs = self.loss(outputs, self.truth, self.weights)[1]
        d_inputs = self.network.run_backward(d_outputs.copy(), need_dx=True).copy()
        parameters = self.network.parameters.items()
        return outputs, d_outputs, {name: p.gradient.copy() for name, p in parameters}, d_inputs


class _Comparison:
    """Compares gradients with differences.

    Attributes:
        most: how many numbers of an array are looked at.
        tolerance: the largest relative error that passes; `floor`: see `FLOOR`.
    """

    def __init__(self, most: int, tolerance: float, floor: float, rng: np.random.Generator) -> None:
        self.most, self.tolerance, self.floor, self.rng = most, tolerance, floor, rng

    def __call__(self, name: str, f: Callable[[], float], array: Array, received: Array) -> Checked:
        """Check ∂f/∂array, where f reads `array`, which is changed and set back."""
        return self.row(name, received, self.differences(f, array, received))

    def differences(self, f: Callable[[], float], array: Array, received: Array) -> Array:
        """∂f/∂array by central differences; NaN where it was not looked at, ∞ where there is none.

        What was received decides only how hard it is looked: where it agrees, once is enough.
        """
        expected = np.full(array.shape, np.nan)
        chosen = np.arange(array.size)
        if array.size > self.most:
            chosen = np.sort(self.rng.choice(array.size, self.most, replace=False))
        scale = max(self.floor, float(np.abs(received).max(initial=0)))
        for place in chosen:
            index = np.unravel_index(place, array.shape)
            near = (float(received[index]), self.tolerance * scale)
            expected[index] = _slope(f, array, index, near, self.floor)
        return expected

    def row(self, name: str, received: Array, expected: Array) -> Checked:
        """The comparison in figures."""
        looked = ~np.isnan(expected)
        smooth = np.isfinite(expected)
        apart = np.where(smooth, np.abs(received - np.where(smooth, expected, 0)), 0)
        apart = np.nan_to_num(apart, nan=np.inf)
        sizes = np.abs([received[smooth], expected[smooth]])
        scale = max(self.floor, float(np.nan_to_num(sizes).max(initial=0)))
        index = None
        if smooth.any():
            worst = int(np.where(smooth, apart, -1).argmax())
            index = tuple(int(i) for i in np.unravel_index(worst, apart.shape))
        return Checked(
            name=name,
            shape=received.shape,
            checked=int(looked.sum()),
            skipped=int((looked & ~smooth).sum()),
            error=float(apart.max(initial=0)) / scale,
            index=index,
            received=np.nan if index is None else float(received[index]),
            expected=np.nan if index is None else float(expected[index]),
            tolerance=self.tolerance,
        )


def _slope(
    f: Callable[[], float],
    array: Array,
    index: tuple[Any, ...],
    near: tuple[float, float],
    floor: float,
) -> float:
    """The slope of f along one number; ∞ where there is none.

    Arguments:
        f: reads `array`.
        array, index: which number is moved.
        near: what the slope is thought to be, and how far off that may be.
        floor: differences between the two sides that count as rounding.
    """
    kept = float(array[index])
    if np.isnan(kept):
        return np.inf
    received, allowed = near
    size = max(1.0, abs(kept))

    def at(step: float) -> float:
        array[index] = kept + step
        try:
            return f()
        finally:
            array[index] = kept

    try:
        slopes = [(at(h * size) - at(-h * size)) / (2 * h * size) for h in STEPS[:1]]
        if abs(slopes[0] - received) <= allowed:
            return slopes[0]
        slopes += [(at(h * size) - at(-h * size)) / (2 * h * size) for h in STEPS[1:]]
        here, step = f(), STEPS[-1] * size
        right, left = (at(step) - here) / step, (here - at(-step)) / step
    except ValueError:  # a category code that is none
        return np.inf
    is_bent = abs(right - left) > 1e-3 * max(abs(right), abs(left)) + floor
    if is_bent and min(right, left) - allowed <= received <= max(right, left) + allowed:
        return np.inf
    return min(slopes, key=lambda slope: abs(slope - received))
