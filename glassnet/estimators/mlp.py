"""`MLPClassifier` and `MLPRegressor`: scikit-learn's, on glassnet."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.optimize import _check_optimize_result

from glassnet.accelerate import Array
from glassnet.callbacks import Callback
from glassnet.estimators.base import Estimator, Rows, drawn_seed
from glassnet.estimators.constraints import (
    ACTIVATIONS,
    CLASS_WEIGHT,
    Constraints,
    each,
    losses,
)
from glassnet.estimators.constraints import (
    MLP as MLP_CONSTRAINTS,
)
from glassnet.estimators.lbfgs import FullBatch, minimise
from glassnet.estimators.parts import Classifier, Regressor
from glassnet.estimators.watching import Rate
from glassnet.initializers import INITIALIZERS, Initializer
from glassnet.layers import BatchNorm, Dense, Dropout, Layer, LayerNorm
from glassnet.losses import Loss
from glassnet.network import Network
from glassnet.optimizers import Adam, Momentum, Nesterov, Optimizer
from glassnet.registry import did_you_mean
from glassnet.schedules import Schedule

LARGEST_MOMENTUM = float(np.nextafter(1, 0))
"""scikit-learn allows a momentum of 1, our optimizers everything below."""

Part = str | Mapping[str, Any]


class MLP(Estimator):
    """What both multi-layer perceptrons share: layers and solvers from scikit-learn's arguments."""

    @property
    def _in_epochs(self) -> bool:  # type: ignore[override]
        return self.optimizer is not None or self.solver != "lbfgs"

    @property
    def _alpha(self) -> float:  # type: ignore[override]
        return float(self.alpha)

    @property
    def _adapts(self) -> bool:  # type: ignore[override]
        is_sgd = self.optimizer is None and self.solver == "sgd"
        return is_sgd and self.learning_rate == "adaptive"

    # The network.

    def _hidden(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        hidden = list(sizes) if np.iterable(sizes) else [sizes]
        if not all(isinstance(size, Real) and float(size) > 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return hidden

    def _make_network(
        self, features: int, dtype: np.dtype[Any], rng: np.random.RandomState
    ) -> Network:
        objective = self._objective()
        layers = [*self._hidden_layers(), Dense(objective.outputs, self._initializer)]
        # scikit-learn's weights are the first numbers of the generator: the seed must not be.
        seed = drawn_seed(copy.deepcopy(rng) if self.initializer is None else rng)
        network = Network(layers, (features,), seed, dtype)
        if self.initializer is None:
            self._draw(network, rng)
        self.n_layers_ = len(self._hidden()) + 2
        links = {"classification": "softmax", "binary": "logistic", "multilabel": "logistic"}
        regression = "exp" if objective.loss.name == "poisson" else "identity"
        self.out_activation_ = links.get(objective.task, regression)
        return network

    @property
    def _initializer(self) -> Initializer:
        return INITIALIZERS.create(self.initializer or "xavier_uniform")

    def _hidden_layers(self) -> list[Layer]:
        hidden = self._hidden()
        activations = each(self.activation, len(hidden), "activation")
        dropouts = each(self.dropout, len(hidden), "dropout")
        layers: list[Layer] = []
        for units, activation, dropout in zip(hidden, activations, dropouts, strict=True):
            layers.append(Dense(units, self._initializer))
            if self.batch_norm:
                layers.append(BatchNorm())
            if self.layer_norm:
                layers.append(LayerNorm())
            if activation != "identity":
                layers.append(_activation(activation))
            if dropout:
                layers.append(Dropout(dropout))
        return layers

    def _draw(self, network: Network, rng: np.random.RandomState) -> None:
        """scikit-learn's initial weights and biases, and for an int as random_state the very same.

        U(−a, a) with a = √(6 / (fan_in + fan_out)), as Glorot and Bengio have it, and √(2 / …) for
        the logistic activation.
        """
        factor = 2.0 if self.activation == "logistic" else 6.0
        for layer in _dense_layers(network):
            fan_in, fan_out = layer.weight.shape
            bound = np.sqrt(factor / (fan_in + fan_out))
            layer.weight.value = rng.uniform(-bound, bound, (fan_in, fan_out))
            bias = rng.uniform(-bound, bound, fan_out)
            if layer.bias is not None:
                layer.bias.value = bias

    def _publish(self) -> None:
        layers = _dense_layers(self.network_)
        self.coefs_ = [layer.weight.value for layer in layers]
        self.intercepts_ = [_bias(layer, self.network_.dtype) for layer in layers]

    def _has_weights(self) -> bool:
        return "coefs_" in vars(self)

    def _take_back(self, features: int, dtype: np.dtype[Any]) -> None:
        if not hasattr(self, "network_"):
            rng = check_random_state(self.random_state)
            self.network_ = self._make_network(features, dtype, rng)
            self._forget()
        for index, layer in enumerate(_dense_layers(self.network_)):
            if self.coefs_[index] is not layer.weight.value:
                layer.weight.value = self.coefs_[index]
            if layer.bias is not None and self.intercepts_[index] is not layer.bias.value:
                layer.bias.value = self.intercepts_[index]
        self._publish()

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        if "network_" in state:  # their arrays are views into the network, and made anew
            state = {k: v for k, v in state.items() if k not in ("coefs_", "intercepts_")}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "network_" in state:
            self._publish()

    # The solvers.

    def _make_optimizer(self, rows: int, batch: int) -> tuple[Optimizer, Rate]:
        if self.optimizer is not None:
            return super()._make_optimizer(rows, batch)
        start = self.learning_rate_init
        if self.solver == "adam":
            betas = self.beta_1, self.beta_2
            optimizer = Adam(start, *betas, self.epsilon, bias_correction=False)
            return optimizer, self._rate(rows, betas=betas)
        power = self.power_t if self.learning_rate == "invscaling" else None
        rate = self._rate(rows, power=power)
        kind = Nesterov if self.nesterovs_momentum else Momentum
        return kind(start, min(self.momentum, LARGEST_MOMENTUM), form="step"), rate

    def _train(self, rows: Rows, held_out: Rows | None, incremental: bool) -> None:
        if self._in_epochs:
            self._train_in_epochs(rows, held_out, incremental)
        else:
            self._train_at_once(rows)

    def _train_at_once(self, rows: Rows) -> None:
        if np.any(each(self.dropout, len(self._hidden()), "dropout")):
            raise ValueError(
                "solver='lbfgs' needs the same loss for the same weights, which dropout does not "
                "give. Use solver='adam', or dropout=0."
            )
        x, y, weights = rows
        network, objective = self.network_, self._objective()
        network.loss, network.task = objective.loss, objective.task
        loss, targets = network.prepared_targets(y, len(x), objective.loss)
        function = FullBatch(network, loss, network.entry(x), targets, weights, self._alpha)
        found = minimise(function, max_iter=self.max_iter, max_fun=self.max_fun, tol=self.tol)
        network.loss = objective.kept or objective.loss
        self.loss_ = found.fun / objective.scale
        self.n_iter_ = _check_optimize_result("lbfgs", found, self.max_iter)
        if self.verbose:
            print(f"L-BFGS-B: {self.n_iter_} iterations, loss = {self.loss_:.8f}")


def _activation(name: Any) -> Layer:
    """A new layer for this name."""
    if isinstance(name, str) and name in ACTIVATIONS:
        return ACTIVATIONS[name]()
    raise ValueError(
        f"Unknown activation {name!r}.{did_you_mean(str(name), ACTIVATIONS)} "
        f"Known: {', '.join(ACTIVATIONS)}."
    )


def _dense_layers(network: Network) -> list[Dense]:
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def _bias(layer: Dense, dtype: np.dtype[Any]) -> Array:
    """Zeros where batch norm makes a bias of no use."""
    return np.zeros(layer.units, dtype) if layer.bias is None else layer.bias.value


class MLPClassifier(Classifier, MLP):
    """A multi-layer perceptron that classifies: scikit-learn's arguments and attributes, and more.

    All arguments of `sklearn.neural_network.MLPClassifier` are taken, with the same meaning; with
    an int as `random_state` training starts from the same weights and holds out the same rows. What
    differs is the order of the batches, and the time.

    Wider than scikit-learn's:
        activation: also `leaky_relu`, `prelu`, `elu`, `selu`, `gelu`, `silu`, `softplus`, and a
            list with one name for each hidden layer.
        warm_start: `"optimizer"` keeps the optimizer's state as well as the weights.
        partial_fit: takes labels (n, K) without `classes`, and stops early on `validation_data`.

    Further arguments, all by name:
        dropout: share of each hidden layer's outputs that is dropped in training, [0, 1): a number,
            or one for each hidden layer.
        batch_norm, layer_norm: whether the activation of every hidden layer is normalised before.
        initializer: of the weights, see `glassnet.initializers`; biases then start at 0. None is
            scikit-learn's.
        optimizer: instead of `solver` and all that belongs to it, see `glassnet.optimizers`.
        schedule: of the learning rate, on top of what the solver does, see `glassnet.schedules`.
        callbacks: see `glassnet.callbacks`; `[glassnet.callbacks.Progress()]` shows a bar.
        loss: `"log_loss"`, or one of `glassnet.losses`.
        class_weight: `{class: weight}` or `"balanced"`, multiplied into the sample weights.

    Attributes:
        network_: the trained `glassnet.Network`, to be saved, looked into, exported.
        classes_, coefs_, intercepts_, loss_, best_loss_, loss_curve_, n_iter_, t_, n_layers_,
        n_outputs_, out_activation_, n_features_in_, feature_names_in_, validation_scores_,
        best_validation_score_: scikit-learn's. `coefs_` and `intercepts_` are views into the
            network: arrays (fan_in, fan_out) and (fan_out,) in the dtype of the rows.
        validation_loss_curve_: the loss of the held-out rows after every epoch, or None.
        stopped_: why training ended before its last epoch, or None.

    Differs from scikit-learn: with sample weights, `loss_curve_` is the weighted mean over the
    epoch; `solver="lbfgs"` takes no dropout, and has no epochs for `schedule` and `callbacks`.

    Example:
        >>> from glassnet.estimators import MLPClassifier
        >>> from sklearn.datasets import load_iris
        >>> x, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier(random_state=0, max_iter=500, learning_rate_init=0.01).fit(x, y)
        >>> model.predict(x[:2]).tolist(), model.score(x, y) > 0.95
        ([0, 0], True)

    Source: the interface is that of Pedregosa et al., "Scikit-learn: machine learning in Python",
    JMLR 12, 2011.
    """

    _parameter_constraints: ClassVar[Constraints] = {
        **MLP_CONSTRAINTS,
        **losses("log_loss"),
        **CLASS_WEIGHT,
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: Literal["lbfgs", "sgd", "adam"] = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool | Literal["optimizer"] = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
        layer_norm: bool = False,
        initializer: Part | Initializer | None = None,
        optimizer: Part | Optimizer | None = None,
        schedule: Part | Schedule | None = None,
        callbacks: Sequence[Callback] | None = None,
        loss: Part | Loss = "log_loss",
        class_weight: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.layer_norm = layer_norm
        self.initializer = initializer
        self.optimizer = optimizer
        self.schedule = schedule
        self.callbacks = callbacks
        self.loss = loss
        self.class_weight = class_weight


class MLPRegressor(Regressor, MLP):
    """A multi-layer perceptron that predicts numbers: scikit-learn's arguments, and more.

    All arguments of `sklearn.neural_network.MLPRegressor` are taken, with the same meaning; see
    `MLPClassifier` for what is wider, for what is added and for the attributes.

    Further arguments, all by name:
        dropout: share of each hidden layer's outputs that is dropped in training, [0, 1): a number,
            or one for each hidden layer.
        batch_norm, layer_norm: whether the activation of every hidden layer is normalised before.
        initializer: of the weights, see `glassnet.initializers`; biases then start at 0. None is
            scikit-learn's.
        optimizer: instead of `solver` and all that belongs to it, see `glassnet.optimizers`.
        schedule: of the learning rate, on top of what the solver does, see `glassnet.schedules`.
        callbacks: see `glassnet.callbacks`; `[glassnet.callbacks.Progress()]` shows a bar.

    Differs from scikit-learn: `loss` may also be one of `glassnet.losses` (`"huber"`, `"mae"`);
    with sample weights, `loss_curve_` is the weighted mean over the epoch; with several columns of
    y, `solver="lbfgs"` minimises the loss whose gradient it follows (scikit-learn divides the one
    by the number of columns, and not the other).

    Example:
        >>> import numpy as np
        >>> from glassnet.estimators import MLPRegressor
        >>> x = np.linspace(-1, 1, 80)[:, None]
        >>> model = MLPRegressor(hidden_layer_sizes=20, activation="tanh", solver="lbfgs",
        ...                      random_state=0)
        >>> bool(model.fit(x, np.sin(3 * x[:, 0])).score(x, np.sin(3 * x[:, 0])) > 0.999)
        True
    """

    _parameter_constraints: ClassVar[Constraints] = {
        **MLP_CONSTRAINTS,
        **losses("squared_error", "poisson"),
    }

    def __init__(
        self,
        loss: Part | Loss = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: Literal["lbfgs", "sgd", "adam"] = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool | Literal["optimizer"] = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
        layer_norm: bool = False,
        initializer: Part | Initializer | None = None,
        optimizer: Part | Optimizer | None = None,
        schedule: Part | Schedule | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.layer_norm = layer_norm
        self.initializer = initializer
        self.optimizer = optimizer
        self.schedule = schedule
        self.callbacks = callbacks
