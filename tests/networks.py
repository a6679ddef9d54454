"""Whole networks of random layers, with inputs and targets that suit them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import glassnet as gn
from glassnet.layers import rectifiers

ACTIVATIONS: list[Callable[[], gn.Layer]] = [
    gn.Identity,
    gn.Sigmoid,
    gn.Tanh,
    gn.Softplus,
    gn.ReLU,
    lambda: gn.LeakyReLU(0.2),
    gn.PReLU,
    lambda: gn.PReLU(per_feature=True),
    gn.ELU,
    gn.SELU,
    gn.GELU,
    lambda: gn.GELU("tanh"),
    gn.SiLU,
    gn.Softmax,
]
NORMS: list[Callable[[], gn.Layer] | None] = [None, gn.BatchNorm, gn.LayerNorm]
RECTIFIERS = tuple(
    kind
    for kind in vars(rectifiers).values()
    if isinstance(kind, type) and kind.__module__ == rectifiers.__name__
)
CODES = {1: 3}  # column 1 holds codes of three categories where there is a OneHot

ENTRIES: list[tuple[tuple[int, ...], Callable[[], list[gn.Layer]]]] = [
    ((4,), list),
    ((4,), lambda: [gn.Standardize()]),
    ((4,), lambda: [gn.OneHot(CODES), gn.Standardize(columns=[0])]),
    ((4,), lambda: [gn.Impute("mean"), gn.Standardize()]),
    ((4,), lambda: [gn.Reshape((2, 2)), gn.LayerNorm(), gn.Flatten()]),
    ((2, 3), lambda: [gn.Flatten()]),
    ((2, 2, 2), lambda: [gn.Rescale(0.5, 0.1), gn.Flatten()]),
    ((2, 2, 2), lambda: [gn.Rescale(0.5), gn.BatchNorm(), gn.Tanh(), gn.Flatten()]),
    ((2, 2, 2), lambda: [gn.PReLU(per_feature=True), gn.Reshape([8])]),
]
"""Input shapes, and layers that make one axis of features of them."""


def random_layers(seed: int, outputs: int = 3, rate: float = 0.0) -> tuple[Any, list[gn.Layer]]:
    """An input shape, and layers from there to `outputs` numbers; `rate` is dropout's.

    Entries and activations take turns, so that a dozen seeds see all of them.
    """
    rng = np.random.default_rng([seed, 7])
    shape, entry = ENTRIES[seed % len(ENTRIES)]
    layers = entry()
    for depth in range(rng.integers(1, 4)):
        layers.append(gn.Dense(int(rng.integers(3, 6))))
        norm = NORMS[int(rng.integers(len(NORMS)))]
        layers += [] if norm is None else [norm()]
        layers.append(ACTIVATIONS[(seed + 5 * depth) % len(ACTIVATIONS)]())
        layers += [gn.Dropout(rate)] if rng.random() < 0.5 else []
    return shape, [*layers, gn.Dense(outputs)]


def random_network(
    seed: int, outputs: int = 3, dtype: str = "float64", rate: float = 0.0
) -> gn.Network:
    """A network of random layers, with random parameters and statistics."""
    shape, layers = random_layers(seed, outputs, rate)
    network = gn.Network(layers, shape, seed=seed, dtype=dtype)
    draw_numbers(network, np.random.default_rng([seed, 8]))
    return network


def draw_numbers(network: gn.Network, rng: np.random.Generator) -> None:
    """Give a network random parameters and statistics."""
    network.theta[:] += rng.normal(0, 0.4, network.theta.shape)
    for name, buffer in network.buffers.items():
        if name.endswith(("running_mean", "mean", "fill")):
            buffer[...] = rng.normal(0, 0.5, buffer.shape)
        if name.endswith(("running_var", "std")):
            buffer[...] = rng.uniform(0.5, 2.0, buffer.shape)


def random_inputs(network: gn.Network, rows: int = 4, seed: int = 0) -> Any:
    """Rows that the network's first layers can take."""
    rng = np.random.default_rng([seed, 9])
    x = rng.normal(size=(rows, *network.input_shape))
    if any(isinstance(layer, gn.OneHot) for layer in network.layers):
        x[:, 1] = rng.integers(3, size=rows)
    if any(isinstance(layer, gn.Impute) for layer in network.layers):
        x[0, 2] = np.nan
    return x


def smooth_inputs(network: gn.Network, rows: int = 4, seed: int = 0) -> Any:
    """Rows at which no rectifier stands near its kink, where central differences mean nothing."""
    for attempt in range(500):
        x = random_inputs(network, rows, seed + 1000 * attempt)
        if all(far_from_kinks(network, x, training) for training in (False, True)):
            return x
    raise ValueError(f"No inputs found at which {network!r} is smooth.")


def far_from_kinks(network: gn.Network, x: Any, training: bool, margin: float = 0.01) -> bool:
    """Whether every rectifier's inputs are away from 0; buffers are left as they were."""
    before = {name: buffer.copy() for name, buffer in network.buffers.items()}
    y, distance = network.entry(x), np.inf
    for layer in network.layers:
        if isinstance(layer, RECTIFIERS):
            distance = min(distance, np.abs(y).min())
        y = layer.forward(y, training)
    restore(network, before)
    return bool(distance > margin)


def differentiable(network: gn.Network, x: Any) -> Any:
    """A mask of the inputs that J depends on smoothly: no codes, no missing values."""
    mask = ~np.isnan(x)
    if any(isinstance(layer, gn.OneHot) for layer in network.layers):
        mask[:, list(CODES)] = False
    return mask


def restore(network: gn.Network, buffers: dict[str, Any]) -> None:
    """Set running statistics and dropout's counters back."""
    for name, values in buffers.items():
        network.buffers[name][...] = values


def targets_for(loss: str, rows: int, outputs: int = 3, seed: int = 0) -> Any:
    """Targets as a user would write them for this loss."""
    rng = np.random.default_rng([seed, 10])
    if loss == "cross_entropy":
        return rng.integers(outputs, size=rows)
    if loss == "binary_cross_entropy":
        return rng.integers(2, size=(rows, outputs))
    return rng.normal(0, 2, (rows, outputs))
