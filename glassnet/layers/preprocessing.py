"""Preprocessing as layers: it is saved, loaded and traced with the network, and takes raw data.

Those that need statistics learn them from the training rows (`fit`), before training; they are
buffers, kept in float64. Input may be integers, booleans or any float; output has the network's
dtype. A column is a position in a row of features, counted from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.layers.base import LAYERS, Layer, Shape
from glassnet.parameters import ParameterStore
from glassnet.registry import did_you_mean


@accelerated
def rescale_forward(x: Array, scale: Array, offset: Array, y: Array) -> None:
    """y = scale · x + offset, computed in y's dtype."""
    np.multiply(x, scale.item(), out=y, dtype=y.dtype, casting="unsafe")
    np.add(y, offset.item(), out=y)


@accelerated
def rescale_backward(dy: Array, scale: Array, dx: Array) -> None:
    """dx = scale · dy."""
    np.multiply(dy, scale.item(), out=dx)


@LAYERS.register
class Rescale(Layer):
    """y = scale · x + offset: with the defaults, bytes 0…255 become 0…1.

    Arguments:
        scale, offset: finite numbers.

    Raises:
        ValueError: if one of them is not finite.

    Example:
        >>> import numpy as np
        >>> Rescale().forward(np.array([[0, 51, 255]], np.uint8)).round(3).tolist()
        [[0.0, 0.20000000298023224, 1.0]]

    Source: why inputs should be about as large as 1, LeCun et al., "Efficient BackProp", 1998,
    section 4.3.
    """

    name = "Rescale"
    accepts_raw = True

    def __init__(self, scale: float = 1 / 255, offset: float = 0.0) -> None:
        if not (np.isfinite(scale) and np.isfinite(offset)):
            raise ValueError(
                f"Rescale needs finite numbers. Received: scale={scale!r}, offset={offset!r}."
            )
        self.scale = float(scale)
        self.offset = float(offset)
        self._scale = np.array(self.scale)
        self._offset = np.array(self.offset)

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Nothing to declare: the output has the shape of the input."""
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return scale · x + offset in the network's dtype."""
        y = self.scratch("y", x.shape)
        rescale_forward(x, self._scale, self._offset, y)
        self.remember(x=x)
        return y

    def backward(self, dy: Array) -> Array:
        """Return scale · dy."""
        self.recall("x")
        dx = self.scratch("dx", dy.shape)
        rescale_backward(dy, self._scale, dx)
        return dx

    def flops(self) -> int:
        """Floating-point operations of one forward pass over one row."""
        return 2 * int(np.prod(self.input_shape, dtype=np.int64))


@accelerated
def standardize_forward(x: Array, mean: Array, std: Array, work: Array, y: Array) -> None:
    """y = (x − mean) / std, in float64: large numbers that differ little keep their digits."""
    np.subtract(x, mean, out=work)
    np.divide(work, std, out=y, casting="same_kind")


@accelerated
def standardize_backward(dy: Array, std: Array, dx: Array) -> None:
    """dx = dy / std."""
    np.divide(dy, std, out=dx, casting="same_kind")


@LAYERS.register
class Standardize(Layer):
    """y = (x − mean) / std for each feature, with mean and std of the training rows.

    Missing values (NaN) are left out of the statistics. A feature that is the same in all rows gets
    std 1, and so becomes 0. std is the square root of the mean squared deviation (divided by n, not
    n − 1). Before it was fitted the layer changes nothing: mean 0, std 1.

    Arguments:
        columns: which columns to standardise; the others pass through untouched (category codes,
            say). All by default.

    Buffers: `mean` and `std`, float64 of the input's shape.

    Raises:
        ValueError: if a column does not exist.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.Standardize()], input_shape=(2,), seed=0)
        >>> net.layers[0].fit(np.array([[1.0, 5.0], [3.0, 5.0]]))
        >>> net.forward(np.array([[4.0, 6.0]])).tolist()
        [[2.0, 1.0]]

    Source: LeCun et al., "Efficient BackProp", 1998, section 4.3.
    """

    name = "Standardize"
    accepts_raw = True
    needs_fit = True

    def __init__(self, columns: Sequence[int] | None = None) -> None:
        self.columns = _whole_numbers(columns)

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Declare mean and std."""
        self.chosen = _chosen(self.columns, input_shape, self.name)
        self.mean = store.buffer("mean", np.zeros(input_shape))
        self.std = store.buffer("std", np.ones(input_shape))
        return input_shape

    def fit(self, x: Array) -> None:
        """Learn mean and std, in two passes over blocks of the rows.

        Arguments:
            x: (n, *input_shape), n ≥ 1.
        """
        count = np.zeros(x.shape[1:])
        total = np.zeros(x.shape[1:])
        low, high = np.full(x.shape[1:], np.inf), np.full(x.shape[1:], -np.inf)
        for rows in _blocks(x):
            count += np.sum(~np.isnan(rows), axis=0)
            total += np.nansum(rows, axis=0)
            np.fmin(low, np.fmin.reduce(rows, axis=0), out=low)
            np.fmax(high, np.fmax.reduce(rows, axis=0), out=high)
        mean = total / np.maximum(count, 1)
        squares = np.zeros(x.shape[1:])
        for rows in _blocks(x):
            squares += np.nansum((rows - mean) ** 2, axis=0)
        std = np.sqrt(squares / np.maximum(count, 1))
        self.mean[...] = np.where(self.chosen, mean, 0)
        self.std[...] = np.where(self.chosen & (low < high) & (std > 0), std, 1)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (x − mean) / std in the network's dtype."""
        work = self.scratch("work", x.shape, np.float64)
        y = self.scratch("y", x.shape)
        standardize_forward(x, self.mean, self.std, work, y)
        self.remember(x=x)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dy / std."""
        self.recall("x")
        dx = self.scratch("dx", dy.shape)
        standardize_backward(dy, self.std, dx)
        return dx

    def flops(self) -> int:
        """Floating-point operations of one forward pass over one row."""
        return 2 * int(np.prod(self.input_shape, dtype=np.int64))


@accelerated
def impute_forward(x: Array, fill: Array, chosen: Array, missing: Array, y: Array) -> None:
    """y = fill where x is missing in a chosen column, else x."""
    np.isnan(x, out=missing)
    np.logical_and(missing, chosen, out=missing)
    np.copyto(y, x, casting="unsafe")
    np.copyto(y, fill, where=missing, casting="same_kind")


@accelerated
def impute_backward(dy: Array, missing: Array, dx: Array) -> None:
    """dx = 0 where x was missing, else dy."""
    np.copyto(dx, dy)
    np.copyto(dx, 0, where=missing)


def _most_frequent(values: Array) -> float:
    """The value that occurs most often; the smallest of several such."""
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[counts.argmax()])


STRATEGIES: dict[str, Callable[[Array], Any]] = {
    "median": np.median,
    "mean": np.mean,
    "most_frequent": _most_frequent,
}


@LAYERS.register
class Impute(Layer):
    """Puts a typical value of the column where a value is missing (NaN).

    Arguments:
        strategy: "median", "mean" or "most_frequent" (of equally frequent values the smallest), of
            the training rows in which the column has a value.
        columns: in which columns; all by default. In the others missing values stay.

    Buffers: `fill`, float64 of the input's shape; zeros before the layer was fitted.

    Raises:
        ValueError: for an unknown strategy or a column that does not exist; in `fit`, if a column
            has no value at all.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.Impute()], input_shape=(1,), seed=0)
        >>> net.layers[0].fit(np.array([[1.0], [2.0], [9.0], [np.nan]]))
        >>> net.layers[0].forward(np.array([[np.nan], [7.0]])).tolist()
        [[2.0], [7.0]]

    Source: Little and Rubin, "Statistical Analysis with Missing Data", 2nd edition, 2002, ch. 4.
    """

    name = "Impute"
    accepts_raw = True
    accepts_nan = True
    needs_fit = True

    def __init__(self, strategy: str = "median", columns: Sequence[int] | None = None) -> None:
        if strategy not in STRATEGIES:
            raise ValueError(
                f"Unknown strategy {strategy!r} for Impute.{did_you_mean(strategy, STRATEGIES)} "
                f"Known: {', '.join(STRATEGIES)}."
            )
        self.strategy = strategy
        self.columns = _whole_numbers(columns)

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Declare the values to fill in."""
        self.chosen = _chosen(self.columns, input_shape, self.name)
        self.fill = store.buffer("fill", np.zeros(input_shape))
        return input_shape

    def fit(self, x: Array) -> None:
        """Learn the typical value of each column, one column at a time.

        Arguments:
            x: (n, *input_shape), n ≥ 1.
        """
        typical = STRATEGIES[self.strategy]
        columns, fill = x.reshape(len(x), self.fill.size), self.fill.reshape(-1)
        for column in np.flatnonzero(self.chosen):
            values = columns[:, column].astype(np.float64)
            values = values[~np.isnan(values)]
            if not len(values):
                raise ValueError(
                    f"Impute found no value at all in column {column} of the {len(x)} training "
                    "rows. Leave that column out of the data."
                )
            fill[column] = typical(values)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x without missing values, in the network's dtype."""
        missing = self.scratch("missing", x.shape, np.bool_)
        y = self.scratch("y", x.shape)
        impute_forward(x, self.fill, self.chosen, missing, y)
        self.remember(missing=missing)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dy, with 0 where a value was missing."""
        missing = self.recall("missing")
        dx = self.scratch("dx", dy.shape)
        impute_backward(dy, missing, dx)
        return dx


@accelerated
def refuse_unknown_codes(x: Array, columns: Array, sizes: Array) -> None:
    """Raise a ValueError unless every x[:, columnₖ] is a whole number from 0 to sizeₖ − 1."""
    for column, size in zip(columns.tolist(), sizes.tolist(), strict=True):
        codes = x[:, column]
        known = (codes >= 0) & (codes < size) & (codes == np.floor(codes))
        if not known.all():
            row = int(known.argmin())
            raise ValueError(
                f"Column {column}, row {row} of a batch holds the code {codes[row].item()!r}, but "
                f"OneHot was told of {size} categories there: codes are whole numbers 0 to "
                f"{size - 1}."
            )


@accelerated
def one_hot_forward(x: Array, source: Array, code: Array, y: Array) -> None:
    """y[:, k] = [x[:, sourceₖ] = codeₖ], or x[:, sourceₖ] itself where codeₖ < 0."""
    taken = x[:, source]
    np.copyto(y, np.where(code < 0, taken, taken == code), casting="unsafe")


@accelerated
def one_hot_backward(dy: Array, source: Array, code: Array, dx: Array) -> None:
    """dx = dy for columns that passed through, 0 for codes."""
    passed = code < 0
    dx[...] = 0
    dx[:, source[passed]] = dy[:, passed]


@LAYERS.register
class OneHot(Layer):
    """A column of category codes 0 … k−1 becomes k columns of zeros, with one 1 at the code.

    The k columns stand where the code column stood; other columns pass through. Codes have no
    derivative: their part of dx is zero.

    Arguments:
        sizes: how many categories k each code column has: a mapping {column: k}, or a list with an
            entry for each column from 0 on, None or 0 for those that are not codes.

    Raises:
        ValueError: if a size is below 1 or a column does not exist; in `forward`, for a code that
            is not one of 0 … k−1.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> net = gn.Network([gn.OneHot({1: 3})], input_shape=(3,), seed=0)
        >>> net.forward(np.array([[0.5, 2, 7.0]])).tolist()
        [[0.5, 0.0, 0.0, 1.0, 7.0]]

    Source: Suits, "Use of dummy variables in regression equations", JASA 52, 1957.
    """

    name = "OneHot"
    accepts_raw = True

    def __init__(self, sizes: Mapping[int, int] | Sequence[int | None]) -> None:
        pairs = sizes.items() if isinstance(sizes, Mapping) else enumerate(sizes)
        # Keys come back from JSON as strings.
        self.sizes = {int(column): int(size) for column, size in pairs if size}
        if not self.sizes or min(self.sizes.values()) < 1:
            raise ValueError(
                "OneHot needs the number of categories, ≥ 1, of at least one column. "
                f"Received: {sizes!r}."
            )

    def build(self, input_shape: Shape, store: ParameterStore, rng: np.random.Generator) -> Shape:
        """Work out from which column, and for which code, each output column is made."""
        _chosen(list(self.sizes), input_shape, self.name)
        pairs = [
            (column, code)
            for column in range(input_shape[0])
            for code in (range(self.sizes[column]) if column in self.sizes else [-1])
        ]
        self.source, self.code = np.array(pairs, np.int64).T.copy()
        self._columns = np.array(list(self.sizes), np.int64)
        self._sizes = np.array(list(self.sizes.values()), np.int64)
        return (len(pairs),)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the expanded columns in the network's dtype."""
        refuse_unknown_codes(x, self._columns, self._sizes)
        y = self.scratch("y", (len(x), len(self.source)))
        one_hot_forward(x, self.source, self.code, y)
        self.remember(shape=x.shape)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dy of the columns that passed through, zeros for codes."""
        dx = self.scratch("dx", self.recall("shape"))
        one_hot_backward(dy, self.source, self.code, dx)
        return dx


def _whole_numbers(columns: Sequence[int] | None) -> list[int] | None:
    return None if columns is None else [int(column) for column in columns]


def _chosen(columns: list[int] | None, input_shape: Shape, layer: str) -> Array:
    """A mask of the input's shape, true for the columns that a layer works on."""
    if columns is None:
        return np.ones(input_shape, np.bool_)
    if len(input_shape) != 1:
        raise ValueError(
            f"{layer} can choose columns only among features in one axis, but its input has shape "
            f"{input_shape} (batch axis left out). Put a Flatten() before it."
        )
    for column in columns:
        if not 0 <= column < input_shape[0]:
            raise ValueError(
                f"{layer} was told of column {column}, but its input has the columns 0 to "
                f"{input_shape[0] - 1}."
            )
    mask = np.zeros(input_shape, np.bool_)
    mask[columns] = True
    return mask


BLOCK = 1 << 20
"""How many numbers are converted to float64 at a time while fitting (8 MB)."""


def _blocks(x: Array) -> Iterator[Array]:
    """The rows of x as float64, a block at a time."""
    step = max(1, BLOCK // max(1, x[:1].size))
    for start in range(0, len(x), step):
        yield x[start : start + step].astype(np.float64)
