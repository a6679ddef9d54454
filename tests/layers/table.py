"""The one table of all layers: a row for each configuration worth testing.

`test_every_layer.py` sends every row through every generic test; a registered layer without a row
fails there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import layers as gn


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return rng.normal(size=shape)


def off_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Not near 0, where rectifiers have a kink that central differences would step over."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.05, 2.0, shape)


def with_codes(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Columns 1 and 3 hold codes of 3 and 2 categories."""
    x = rng.normal(size=shape)
    x[:, 1] = rng.integers(3, size=shape[0])
    x[:, 3] = rng.integers(2, size=shape[0])
    return x


def with_missing(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    x = rng.normal(size=shape)
    x[rng.random(shape) < 0.3] = np.nan
    x[:1] = np.nan_to_num(x[:1])
    return x


@dataclass(frozen=True)
class Row:
    """How one configuration of a layer is tested.

    Attributes:
        make: returns a new layer.
        input_shape: without the batch axis.
        inputs: draws x, from a generator and a shape.
        constant_columns: columns in which y jumps (codes), where dx must be 0.
    """

    make: Callable[[], gn.Layer]
    input_shape: tuple[int, ...] = (4,)
    inputs: Callable[[np.random.Generator, tuple[int, ...]], Any] = normal
    constant_columns: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.make()!r}-{'x'.join(map(str, self.input_shape))}".replace(" ", "")

    def draw(self, rows: int, seed: int = 0) -> Any:
        return self.inputs(np.random.default_rng([seed, 1]), (rows, *self.input_shape))

    def differentiable(self, x: Any) -> Any:
        """Where central differences mean something: not in codes, not where a value is missing."""
        mask = ~np.isnan(x)
        mask[:, self.constant_columns] = False
        return mask


ROWS = [
    Row(lambda: gn.Dense(3)),
    Row(lambda: gn.Dense(2, initializer="he_uniform", use_bias=False), (5,)),
    Row(lambda: gn.Dense(1, initializer={"name": "normal", "sigma": 0.1}), (1,)),
    Row(gn.Identity),
    Row(gn.Identity, (2, 3)),
    Row(gn.Sigmoid),
    Row(gn.Sigmoid, (2, 3, 2)),
    Row(gn.Tanh),
    Row(gn.Tanh, (1,)),
    Row(gn.Softplus),
    Row(gn.ReLU, inputs=off_zero),
    Row(gn.ReLU, (2, 3, 2), inputs=off_zero),
    Row(gn.LeakyReLU, inputs=off_zero),
    Row(lambda: gn.LeakyReLU(0.3), (2, 2), inputs=off_zero),
    Row(lambda: gn.LeakyReLU(1.5), inputs=off_zero),
    Row(gn.PReLU, inputs=off_zero),
    Row(lambda: gn.PReLU(0.1, per_feature=True), inputs=off_zero),
    Row(gn.PReLU, (3, 2, 2), inputs=off_zero),
    Row(lambda: gn.PReLU(per_feature=True), (3, 2, 2), inputs=off_zero),
    Row(gn.ELU, inputs=off_zero),
    Row(lambda: gn.ELU(0.5), (2, 3), inputs=off_zero),
    Row(gn.SELU, inputs=off_zero),
    Row(gn.GELU),
    Row(lambda: gn.GELU("tanh")),
    Row(gn.SiLU),
    Row(gn.SiLU, (2, 3)),
    Row(gn.Softmax),
    Row(gn.Softmax, (2, 3)),
    Row(gn.Softmax, (1,)),
    Row(gn.Dropout),
    Row(lambda: gn.Dropout(0.2), (2, 3, 3)),
    Row(lambda: gn.Dropout(0.0)),
    Row(gn.BatchNorm),
    Row(lambda: gn.BatchNorm(epsilon=1e-3, momentum=0.01), (1,)),
    Row(gn.BatchNorm, (3, 2, 2)),
    Row(gn.BatchNorm, (2, 3)),
    Row(gn.LayerNorm),
    Row(lambda: gn.LayerNorm(epsilon=0.1), (2, 3, 2)),
    Row(gn.Flatten),
    Row(gn.Flatten, (2, 3, 2)),
    Row(lambda: gn.Reshape((2, -1)), (6,)),
    Row(lambda: gn.Reshape([6]), (3, 2)),
    Row(gn.Rescale),
    Row(lambda: gn.Rescale(scale=-2.0, offset=0.5), (2, 3)),
    Row(gn.Standardize),
    Row(gn.Standardize, (2, 3)),
    Row(lambda: gn.Standardize(columns=[0, 2])),
    Row(gn.Impute, inputs=with_missing),
    Row(lambda: gn.Impute("mean", columns=[0, 1, 2, 3]), inputs=with_missing),
    Row(lambda: gn.Impute("most_frequent"), (2, 3), inputs=with_missing),
    Row(lambda: gn.OneHot({1: 3, 3: 2}), (5,), with_codes, constant_columns=(1, 3)),
    Row(lambda: gn.OneHot([None, 3, 0, 2]), (4,), with_codes, constant_columns=(1, 3)),
]
