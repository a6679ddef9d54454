"""The kernels of `glassnet/layers/` but for the dense layer: a table for each file."""

from __future__ import annotations

import numpy as np
from kernel_cases.case import Case, blank

EPSILON = np.array(1e-5)


def normal(rng, shape, dtype):
    return rng.normal(size=shape).astype(dtype)


def positive(rng, shape, dtype):
    return rng.uniform(0.5, 2.0, shape).astype(dtype)


def forward(*constants: float, **options) -> Case:
    """f(x, *constants, y), for each element by itself unless told otherwise."""

    def draw(rng, shape, dtype):
        return [3 * normal(rng, shape, dtype), *map(np.array, constants), blank(shape, dtype)]

    return Case(draw, **{"pointwise": True, **options})


def backward(*constants: float, **options) -> Case:
    """f(dy, x or y, *constants, dx), for each element by itself unless told otherwise."""

    def draw(rng, shape, dtype):
        dy, x = normal(rng, shape, dtype), 3 * normal(rng, shape, dtype)
        return [dy, x, *map(np.array, constants), blank(shape, dtype)]

    return Case(draw, **{"pointwise": True, **options})


# activations, gates and softmax


ACTIVATIONS = {
    "sigmoid_forward": forward(),
    "sigmoid_backward": backward(),
    "tanh_forward": forward(),
    "tanh_backward": backward(),
    "softplus_forward": forward(),
    "softplus_backward": backward(),
}

GATED = {
    "gelu_forward": forward(),
    "gelu_backward": backward(),
    "gelu_tanh_forward": forward(),
    "gelu_tanh_backward": backward(),
    "silu_forward": forward(),
    "silu_backward": backward(),
}

SOFTMAX = {
    "softmax_forward": forward(pointwise=False),
    "softmax_backward": backward(pointwise=False),
}


# rectifiers; in PReLU each column has a slope, which three elements share


def prelu_forward(rng, shape, dtype):
    x = normal(rng, (*shape, 3), dtype)
    return [x, normal(rng, shape[1], dtype), blank(x.shape, dtype)]


def prelu_backward(rng, shape, dtype):
    dy = normal(rng, (*shape, 3), dtype)
    return [dy, *prelu_forward(rng, shape, dtype), blank(shape[1], dtype)]


RECTIFIERS = {
    "relu_forward": forward(exact=True),
    "relu_backward": backward(exact=True),
    "leaky_relu_forward": forward(0.3, exact=True),
    "leaky_relu_backward": backward(0.3, exact=True),
    "prelu_forward": Case(prelu_forward, exact=True),
    "prelu_backward": Case(prelu_backward),
    "elu_forward": forward(1.7, 1.05),
    "elu_backward": backward(1.7, 1.05),
}


# batch norm and layer norm


def columns(rng, shape, dtype):
    """x, and for each column γ, β, the running mean and the running variance."""
    x = 2 * normal(rng, shape, dtype) + normal(rng, shape[1], dtype)
    return [x, *normal(rng, (3, shape[1]), dtype), positive(rng, shape[1], dtype)]


def batch_norm_forward(rng, shape, dtype):
    blanks = blank(shape, dtype), blank(shape[1], dtype), blank(shape, dtype)
    return [*columns(rng, shape, dtype), np.array(0.1), EPSILON, *blanks]


def batch_norm_backward(rng, shape, dtype):
    inputs = *normal(rng, (2, *shape), dtype), *positive(rng, (2, shape[1]), dtype)
    return [*inputs, blank(shape, dtype), *blank((2, shape[1]), dtype)]


def batch_norm_inference(rng, shape, dtype):
    return [*columns(rng, shape, dtype), EPSILON, blank(shape, dtype)]


def batch_norm_inference_backward(rng, shape, dtype):
    x, gamma, _, mean, var = columns(rng, shape, dtype)
    blanks = blank(shape, dtype), *blank((2, shape[1]), dtype)
    return [normal(rng, shape, dtype), x, gamma, mean, var, EPSILON, *blanks]


def channels_to_rows(rng, shape, dtype):
    n, channels = shape
    return [normal(rng, (n, channels, 5), dtype), blank((n * 5, channels), dtype)]


def rows_to_channels(rng, shape, dtype):
    n, channels = shape
    return [normal(rng, (n * 5, channels), dtype), blank((n, channels, 5), dtype)]


BATCH_NORM = {
    "batch_norm_forward": Case(batch_norm_forward, rows=2),
    "batch_norm_backward": Case(batch_norm_backward, rows=1),
    "batch_norm_inference": Case(batch_norm_inference),
    "batch_norm_inference_backward": Case(batch_norm_inference_backward),
    "channels_to_rows": Case(channels_to_rows, exact=True),
    "rows_to_channels": Case(rows_to_channels, exact=True),
}


def layer_norm_forward(rng, shape, dtype):
    n, d = shape
    x = 2 * normal(rng, shape, dtype) + normal(rng, (n, 1), dtype)
    blanks = blank(shape, dtype), blank((n, 1), dtype), blank(shape, dtype)
    return [x, *normal(rng, (2, d), dtype), EPSILON, *blanks]


def layer_norm_backward(rng, shape, dtype):
    n, d = shape
    inputs = *normal(rng, (2, *shape), dtype), positive(rng, (n, 1), dtype), normal(rng, d, dtype)
    return [*inputs, blank(shape, dtype), *blank((2, d), dtype)]


LAYER_NORM = {
    "layer_norm_forward": Case(layer_norm_forward),
    "layer_norm_backward": Case(layer_norm_backward),
}


# dropout and its random words


def step(rng):
    return rng.integers(2**40, size=1)


def dropout_forward(rng, shape, dtype):
    x = normal(rng, shape, dtype)
    words = rng.integers(2**32, size=x.size + 3, dtype=np.uint32)
    return [x, words, np.array(0.3), blank(shape, dtype), blank(shape, dtype)]


def philox_words(rng, shape, dtype):
    blocks = int(np.prod(shape))
    key = rng.integers(2**32, size=2, dtype=np.uint32)
    return [key, step(rng), blank(6 * blocks, np.uint64), blank(4 * blocks, np.uint32)]


DROPOUT = {
    "dropout_next_step": Case(lambda rng, shape, dtype: [step(rng)], exact=True),
    "dropout_forward": Case(dropout_forward, pointwise=True, exact=True),
    "dropout_backward": backward(exact=True),
}

PHILOX = {"philox_words": Case(philox_words, exact=True)}


# preprocessing: the statistics are float64


def standardize_forward(rng, shape, dtype):
    statistics = rng.normal(size=shape[1]), rng.uniform(1, 50, shape[1])
    x = 30 * normal(rng, shape, dtype)
    return [x, *statistics, blank(shape, np.float64), blank(shape, dtype)]


def standardize_backward(rng, shape, dtype):
    return [normal(rng, shape, dtype), rng.uniform(1, 50, shape[1]), blank(shape, dtype)]


def impute_forward(rng, shape, dtype):
    x = normal(rng, shape, dtype)
    x[rng.random(shape) < 0.3] = np.nan
    fill, chosen = rng.normal(size=shape[1]), rng.random(shape[1]) < 0.7
    return [x, fill, chosen, blank(shape, np.bool_), blank(shape, dtype)]


def impute_backward(rng, shape, dtype):
    return [normal(rng, shape, dtype), rng.random(shape) < 0.3, blank(shape, dtype)]


def categories(rng, shape, dtype):
    """x, source and code: column 0 holds codes of three categories, the others pass through."""
    passed = np.arange(1, shape[1])
    x = normal(rng, shape, dtype)
    x[:, 0] = rng.integers(3, size=shape[0])
    source, code = np.r_[0, 0, 0, passed], np.r_[0, 1, 2, np.full(len(passed), -1)]
    return [x, source, code]


def refuse_unknown_codes(rng, shape, dtype):
    x = rng.integers(3, size=shape).astype(dtype)
    return [x, np.arange(min(1, shape[1])), np.full(min(1, shape[1]), 3)]


def one_hot_forward(rng, shape, dtype):
    x, source, code = categories(rng, shape, dtype)
    return [x, source, code, blank((shape[0], len(source)), dtype)]


def one_hot_backward(rng, shape, dtype):
    _, source, code = categories(rng, shape, dtype)
    dy = normal(rng, (shape[0], len(source)), dtype)
    return [dy, source, code, blank(shape, dtype)]


PREPROCESSING = {
    "rescale_forward": forward(1 / 255, -0.5),
    "rescale_backward": forward(1 / 255, exact=True),
    "standardize_forward": Case(standardize_forward),
    "standardize_backward": Case(standardize_backward),
    "impute_forward": Case(impute_forward, exact=True),
    "impute_backward": Case(impute_backward, exact=True),
    "refuse_unknown_codes": Case(refuse_unknown_codes, exact=True),
    "one_hot_forward": Case(one_hot_forward, exact=True),
    "one_hot_backward": Case(one_hot_backward, exact=True),
}

TABLES = {
    "layers.activations": ACTIVATIONS,
    "layers.batch_norm": BATCH_NORM,
    "layers.dropout": DROPOUT,
    "layers.gated": GATED,
    "layers.layer_norm": LAYER_NORM,
    "layers.philox": PHILOX,
    "layers.preprocessing": PREPROCESSING,
    "layers.rectifiers": RECTIFIERS,
    "layers.softmax": SOFTMAX,
}

CASES = {
    f"{file}.{kernel}": case for file, table in TABLES.items() for kernel, case in table.items()
}
