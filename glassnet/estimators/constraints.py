"""What the estimators' parameters may be, declared as scikit-learn declares it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)

from glassnet.initializers import INITIALIZERS, Initializer
from glassnet.layers import (
    ELU,
    GELU,
    SELU,
    Identity,
    Layer,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from glassnet.losses import LOSSES, Loss
from glassnet.network import Network
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.registry import did_you_mean
from glassnet.schedules import SCHEDULES, Schedule

ACTIVATIONS: dict[str, type[Layer]] = {
    "identity": Identity,
    "logistic": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "prelu": PReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "softplus": Softplus,
}
"""Activations by name: scikit-learn's four, and ours."""

Constraints = dict[str, list[Any]]

BOTH: Constraints = {
    "optimizer": [StrOptions(set(OPTIMIZERS.names())), Optimizer, Mapping, None],
    "schedule": [StrOptions(set(SCHEDULES.names())), Schedule, Mapping, None],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean", StrOptions({"optimizer"})],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "callbacks": ["array-like", None],
}
"""Of all estimators."""

MLP: Constraints = {
    **BOTH,
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS)), list, tuple],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
    "batch_norm": ["boolean"],
    "layer_norm": ["boolean"],
    "initializer": [StrOptions(set(INITIALIZERS.names())), Initializer, Mapping, None],
}
"""Of the multi-layer perceptrons."""

NETWORK: Constraints = {
    **BOTH,
    "network": [Network, list, tuple, callable, None],
}
"""Of the estimators around a network of one's own."""


def losses(*own: str) -> Constraints:
    """What a loss may be: one of these names, or one of the library's."""
    return {"loss": [StrOptions({*own, *LOSSES.names()}), Loss, Mapping]}


CLASS_WEIGHT: Constraints = {"class_weight": [dict, list, StrOptions({"balanced"}), None]}


def with_suggestion(error: InvalidParameterError) -> InvalidParameterError:
    """scikit-learn's sentence, and what was probably meant.

    >>> sentence = "The 'solver' parameter of MLPClassifier must be a str among {'adam', 'sgd'}."
    >>> print(with_suggestion(InvalidParameterError(sentence + " Got 'adm' instead.")))
    The 'solver' parameter of ... Got 'adm' instead. Did you mean 'adam'?
    """
    words = str(error)
    allowed, _, got = words.rpartition(" Got ")
    received = re.match(r"'(.*)' instead", got)
    if received is None:
        return error
    options = re.findall(r"'([^']*)'", allowed.partition(" must be ")[2])
    return InvalidParameterError(words + did_you_mean(received[1], options))


def each(value: Any, count: int, name: str) -> list[Any]:
    """One value for each of `count` hidden layers: the same for all, or a list of as many.

    Raises:
        ValueError: if the list is of another length.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} needs one value, or one for each of the {count} hidden layers. Received "
            f"{len(value)}: {value!r}."
        )
    return list(value)


def check_names(received: Iterable[str], known: Iterable[str]) -> None:
    """Refuse parameters that an estimator does not have.

    Raises:
        ValueError: with what was probably meant.
    """
    known = sorted(known)
    for name in received:
        if name.partition("__")[0] not in known:
            raise ValueError(
                f"Invalid parameter {name!r}.{did_you_mean(name, known)} "
                f"Valid parameters are: {known}."
            )
