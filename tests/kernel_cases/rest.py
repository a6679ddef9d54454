"""What to call kernels with: dense layer, losses, optimizers, targets, batches.

`ARGUMENTS[name](draw, n, k)` gives a kernel's arguments for n rows of k numbers, in `draw`'s dtype.
Arrays that a kernel only writes hold NaN before, so that a forgotten element shows.
"""

import numpy as np
from kernel_cases.case import Case


class Draw:
    """Random arrays of one dtype."""

    def __init__(self, rng, dtype):
        self.rng, self.dtype = rng, np.dtype(dtype)

    def normal(self, *shape):
        return self.rng.standard_normal(shape).astype(self.dtype)

    def positive(self, *shape):
        return self.rng.uniform(0.1, 2.0, shape).astype(self.dtype)

    def nothing(self, *shape):
        return np.full(shape, np.nan, self.dtype)

    def labels(self, n, k):
        return self.rng.integers(0, k, n)

    def one_hot(self, n, k):
        return np.eye(k, dtype=self.dtype)[self.labels(n, k)]


def number(value):
    """A hyperparameter, as kernels get it: float64 without axes."""
    return np.array(float(value))


UNITS = 5


def dense_forward(draw, n, k):
    return draw.normal(n, k), draw.normal(k, UNITS), draw.normal(UNITS), draw.nothing(n, UNITS)


def dense_forward_without_bias(draw, n, k):
    return draw.normal(n, k), draw.normal(k, UNITS), draw.nothing(n, UNITS)


def dense_weight_gradient(draw, n, k):
    return draw.normal(n, k), draw.normal(n, UNITS), draw.nothing(k, UNITS)


def dense_bias_gradient(draw, n, k):
    return draw.normal(n, k), draw.nothing(k)


def dense_input_gradient(draw, n, k):
    return draw.normal(n, UNITS), draw.normal(k, UNITS), draw.nothing(n, k)


def many_inputs(case):
    """The same with more weights than loops over a single row are for."""
    return lambda draw, n, k: case(draw, n, k + 2000)


def few_rows(case):
    """Up to four rows of inputs that mostly are zero, with as many units as loops are for."""

    def arguments(draw, n, k):
        x, weight, *others = case(draw, min(n, 4), k)
        x[draw.rng.random(x.shape) < 0.85] = 0
        return x, *(np.repeat(array, 26, axis=-1) for array in (weight, *others))

    return arguments


def loss_of_numbers(draw, n, k):
    return draw.normal(n, k), draw.normal(n, k), draw.nothing(n), draw.nothing(n, k)


def equal_here_and_there(draw, n, k):
    outputs, targets, losses, gradient = loss_of_numbers(draw, n, k)
    outputs[::2] = targets[::2]
    return outputs, targets, losses, gradient


def huber(draw, n, k):
    outputs, targets, losses, gradient = loss_of_numbers(draw, n, k)
    return outputs, targets, number(0.7), losses, gradient


def binary_cross_entropy(draw, n, k):
    logits = 5 * draw.normal(n, k)
    return logits, draw.positive(n, k) / 2, draw.nothing(n), draw.nothing(n, k)


def softmax_cross_entropy(draw, n, k):
    logits, targets = 5 * draw.normal(n, k), draw.one_hot(n, k)
    return logits, targets, number(0.1), draw.nothing(n), draw.nothing(n, k)


def weigh_by_class(draw, n, k):
    by_class = draw.rng.uniform(0.1, 2.0, max(2, k))
    return draw.one_hot(n, k), by_class, draw.positive(n), draw.nothing(n)


def one_output_of_two_classes(draw, n, k):
    return weigh_by_class(draw, n, 1)


def reduction(draw, n, k):
    losses, gradient = draw.positive(n), draw.normal(n, k)
    return draw.positive(n), number(k), losses, gradient, np.full(2, np.nan)


def without_weight(draw, n, k):
    weights, *others = reduction(draw, n, k)
    return np.zeros_like(weights), *others


def optimizer(remembered, *numbers):
    """θ, its gradient, what is remembered (≥ 0, as squares are), and hyperparameters."""

    def arguments(draw, n, k):
        state = [draw.positive(n * k) for _ in range(remembered)]
        return draw.normal(n * k), draw.normal(n * k), *state, *map(number, numbers)

    return arguments


def clip(limit):
    return lambda draw, n, k: (draw.normal(n * k), number(limit))


def one_hot(draw, n, k):
    return draw.labels(n, k), draw.nothing(n, k)


def scores(*options):
    def arguments(draw, n, k):
        outputs, truth = draw.normal(n, k), draw.one_hot(n, k)
        return outputs, truth, *map(number, options), draw.positive(n), draw.rng.random(4)

    return arguments


def batch_of(values):
    """The second of two batches of n rows."""

    def arguments(draw, n, k):
        order = draw.rng.permutation(2 * n)
        return values(draw, 2 * n, k), order, np.array([0, n]), np.array(1), draw.nothing(n, k)

    return arguments


def words_and_order(draw, n, k):
    return draw.rng.integers(0, 2**32, 2 * n + n % 2, dtype=np.uint32), np.zeros(n, np.int64)


def begin_epoch(draw, n, k):
    return draw.rng.random((n + 1, k)), np.array(n), np.zeros(k), draw.rng.random(4)


def end_epoch(draw, n, k):
    counters = np.array(n), np.array([7]), np.array(k)
    return draw.rng.random(4), np.zeros((n + 5, 4)), *counters  # every call takes the next row


STEP, SHARE, BETAS, EPSILON = 0.1, 0.9, (0.9, 0.999), 1e-8

ARGUMENTS = {
    "batches.take_rows": batch_of(Draw.normal),
    "batches.take_labels": batch_of(Draw.labels),
    "batches.set_rate": lambda draw, n, k: (draw.rng.random(3), np.array(2), number(0)),
    "batches.add_to": lambda draw, n, k: (draw.normal(n * k), draw.normal(n * k)),
    "batches.divide": lambda draw, n, k: (draw.normal(n * k), number(7)),
    "batches.next_batch": lambda draw, n, k: (np.array(2), np.array(7)),
    "epochs.shuffle": words_and_order,
    "epochs.begin_epoch": begin_epoch,
    "epochs.end_epoch": end_epoch,
    "epochs.keep": lambda draw, n, k: (draw.normal(n, k), draw.nothing(n, k)),
    "epochs.stop_unless_all_finite": lambda draw, n, k: (draw.normal(n * k),),
    "layers.dense.dense_forward": dense_forward,
    "layers.dense.dense_forward, BLAS": many_inputs(dense_forward),
    "layers.dense.dense_forward, few rows": few_rows(dense_forward),
    "layers.dense.dense_forward_without_bias": dense_forward_without_bias,
    "layers.dense.dense_forward_without_bias, BLAS": many_inputs(dense_forward_without_bias),
    "layers.dense.dense_forward_without_bias, few rows": few_rows(dense_forward_without_bias),
    "layers.dense.dense_weight_gradient": dense_weight_gradient,
    "layers.dense.dense_weight_gradient, few rows": few_rows(dense_weight_gradient),
    "layers.dense.dense_bias_gradient": dense_bias_gradient,
    "layers.dense.dense_input_gradient": dense_input_gradient,
    "layers.dense.dense_input_gradient, BLAS": many_inputs(dense_input_gradient),
    "losses.squared_error": loss_of_numbers,
    "losses.summed_squares": loss_of_numbers,
    "losses.absolute_error": equal_here_and_there,
    "losses.huber": huber,
    "losses.binary_cross_entropy": binary_cross_entropy,
    "losses.softmax_cross_entropy": softmax_cross_entropy,
    "losses.weigh_by_class": weigh_by_class,
    "losses.weigh_by_class, one output": one_output_of_two_classes,
    "losses.mean_of_rows": reduction,
    "losses.mean_of_rows, no weight": without_weight,
    "losses.sum_of_rows": reduction,
    "losses.stop_unless_finite": lambda draw, n, k: (np.ones(2),),
    "optimizers.clip_by_value": clip(0.5),
    "optimizers.clip_by_norm": clip(0.5),
    "optimizers.clip_by_norm, short": clip(1e6),
    "optimizers.add_l2_gradient": optimizer(0, 0.1),
    "optimizers.decay_weights": lambda draw, n, k: (draw.normal(n * k), number(0.1), number(0.2)),
    "optimizers.sgd": optimizer(0, STEP),
    "optimizers.momentum_of_gradients": optimizer(1, STEP, SHARE),
    "optimizers.momentum_of_steps": optimizer(1, STEP, SHARE),
    "optimizers.nesterov": optimizer(1, STEP, SHARE),
    "optimizers.nesterov_of_steps": optimizer(1, STEP, SHARE),
    "optimizers.adagrad": optimizer(1, STEP, EPSILON),
    "optimizers.rmsprop": optimizer(1, STEP, SHARE, EPSILON),
    "optimizers.adam": optimizer(2, 3, STEP, *BETAS, EPSILON),
    "optimizers.adam_uncorrected": optimizer(2, STEP, *BETAS, EPSILON),
    "optimizers.count_step": lambda draw, n, k: (np.array(3.0),),
    "targets.one_hot": one_hot,
    "targets.add_loss": lambda draw, n, k: (draw.rng.random(2), draw.rng.random(4)),
    "targets.count_classes": scores(),
    "targets.count_decisions": scores(0.1),
    "targets.count_squares": scores(),
}
"""By the kernel's name; after a comma, what is special where a kernel has several rows."""


def _case(arguments):
    return Case(lambda rng, shape, dtype: list(arguments(Draw(rng, dtype), *shape)))


CASES = {name: _case(arguments) for name, arguments in ARGUMENTS.items()}
