"""`NetworkClassifier` and `NetworkRegressor`: any network behind scikit-learn's interface."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from glassnet.callbacks import Callback
from glassnet.estimators.base import Estimator, drawn_seed
from glassnet.estimators.constraints import CLASS_WEIGHT, NETWORK, Constraints, losses
from glassnet.estimators.parts import Classifier, Regressor
from glassnet.layers import Dense, Layer, ReLU
from glassnet.losses import Loss
from glassnet.network import Network
from glassnet.optimizers import Optimizer
from glassnet.schedules import Schedule

Part = str | Mapping[str, Any]
Layers = Sequence[Layer | Mapping[str, Any]]
NetworkLike = Network | Layers | Callable[[int, int], Layers] | None

HIDDEN = 100
"""Units of the hidden layer of the network that is taken when none is given."""


class Wrapped(Estimator):
    """What both estimators around a network share."""

    def _make_network(
        self, features: int, dtype: np.dtype[Any], rng: np.random.RandomState
    ) -> Network:
        outputs, seed = self._objective().outputs, drawn_seed(rng)
        if isinstance(self.network, Network):
            network = copy.deepcopy(self.network)
            network.seed = seed
        else:
            network = Network(self._layers(features, outputs), (features,), seed, dtype)
        if network.output_shape != (outputs,):
            raise ValueError(
                f"The network's outputs have shape {network.output_shape}, but these targets need "
                f"({outputs},). End it with Dense({outputs}), or pass a function of the numbers of "
                "features and outputs that returns the layers."
            )
        return network

    def _layers(self, features: int, outputs: int) -> list[Any]:
        if self.network is None:
            return [Dense(HIDDEN), ReLU(), Dense(outputs)]
        layers = self.network(features, outputs) if callable(self.network) else self.network
        if not isinstance(layers, Sequence):
            raise ValueError(
                "network must be a list of layers, a Network, or a function of the numbers of "
                f"features and outputs that returns a list of layers. It returned {layers!r}."
            )
        return copy.deepcopy(list(layers))  # they belong to one network for good


class NetworkClassifier(Classifier, Wrapped):
    """Any network as a scikit-learn classifier.

    Arguments:
        network: what is trained, one of
            a list of layers, from the rows to the outputs, with new weights in every `fit`;
            a function of the numbers of features and outputs that returns such a list;
            a `Network`, of which every `fit` trains a copy, from the weights that it has;
            None, for a hidden layer of 100 units with ReLU.
            Two classes, and one label, need one output under `"log_loss"`; K classes need K.
        optimizer, schedule, loss: see `glassnet.optimizers`, `schedules`, `losses`; the loss
            `"log_loss"` is the cross-entropy that suits the targets.
        batch_size, max_iter, shuffle, random_state, tol, verbose, warm_start, early_stopping,
        validation_fraction, n_iter_no_change, callbacks, class_weight: as in `MLPClassifier`.

    Attributes:
        network_: the trained network. The others are those of `MLPClassifier` that do not depend on
            dense layers.

    Rows are read as float32 or float64; a `Network` computes in its own dtype. Networks on images
    take the rows of a table by a `Reshape` layer.

    Example:
        >>> import glassnet as gn
        >>> from glassnet.estimators import NetworkClassifier
        >>> from sklearn.datasets import load_iris
        >>> x, y = load_iris(return_X_y=True)
        >>> layers = [gn.Standardize(), gn.Dense(16), gn.LayerNorm(), gn.GELU(), gn.Dense(3)]
        >>> model = NetworkClassifier(layers, optimizer=gn.Adam(0.01), max_iter=1000,
        ...                           random_state=0)
        >>> model.fit(x, y).score(x, y) > 0.95
        True
    """

    _parameter_constraints: ClassVar[Constraints] = {
        **NETWORK,
        **losses("log_loss"),
        **CLASS_WEIGHT,
    }

    def __init__(
        self,
        network: NetworkLike = None,
        *,
        optimizer: Part | Optimizer = "adam",
        schedule: Part | Schedule | None = None,
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool | Literal["optimizer"] = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        callbacks: Sequence[Callback] | None = None,
        loss: Part | Loss = "log_loss",
        class_weight: Any = None,
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.schedule = schedule
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.loss = loss
        self.class_weight = class_weight


class NetworkRegressor(Regressor, Wrapped):
    """Any network as a scikit-learn regressor.

    Arguments:
        network, optimizer, schedule: as in `NetworkClassifier`.
        loss: `"squared_error"`, `"poisson"` or one of `glassnet.losses`.
        The others: as in `MLPRegressor`.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> from glassnet.estimators import NetworkRegressor
        >>> x = np.linspace(-1, 1, 80)[:, None]
        >>> y = np.sin(3 * x[:, 0])
        >>> model = NetworkRegressor([gn.Dense(20), gn.Tanh(), gn.Dense(1)], random_state=0,
        ...                          optimizer=gn.Adam(0.03), n_iter_no_change=20, max_iter=1000)
        >>> bool(model.fit(x, y).score(x, y) > 0.97)
        True
    """

    _parameter_constraints: ClassVar[Constraints] = {
        **NETWORK,
        **losses("squared_error", "poisson"),
    }

    def __init__(
        self,
        network: NetworkLike = None,
        *,
        optimizer: Part | Optimizer = "adam",
        schedule: Part | Schedule | None = None,
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool | Literal["optimizer"] = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        callbacks: Sequence[Callback] | None = None,
        loss: Part | Loss = "squared_error",
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.schedule = schedule
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.loss = loss
