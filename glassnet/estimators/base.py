"""What all estimators share: from scikit-learn's `fit` to `Network.fit`, and back."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from glassnet.accelerate import Array, references, twins_are_on
from glassnet.callbacks import Callback, Checkpoint, StopOnNonFinite
from glassnet.estimators.constraints import Constraints, check_names, with_suggestion
from glassnet.estimators.inputs import dense, dense_parts, read
from glassnet.estimators.objectives import Penalised
from glassnet.estimators.watching import (
    Continue,
    HeldOut,
    ListeningRate,
    Patience,
    Rate,
    Report,
    ScorePatience,
    copied,
)
from glassnet.history import History, TrainingDiverged
from glassnet.inputs import chunks
from glassnet.losses import LOSSES, Loss
from glassnet.network import Network
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.schedules import SCHEDULES
from glassnet.targets import Task

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)

FEW_STEPS, FEW_OPERATIONS = 200, 20_000_000_000
"""Up to so many steps, of so many floating-point operations in all, NumPy alone trains.

That is the default `max_iter` on up to 200 rows. Compiled kernels save 80 to 220 µs a step (4 to
100 features, 20 and 100 hidden units, batches of 150 and 200, float64), and loading them takes half
a second, once a process, which some 4,000 steps earn back: a dozen fits of 300 steps, as many as a
search over four values with three folds has.
"""

Rows = tuple[Array, Array, Array | None]
"""Inputs, targets as a network takes them, and weights."""


@dataclass(frozen=True)
class Objective:
    """What is minimised.

    Attributes:
        loss: its mean over the rows is minimised.
        task, outputs: what the network's outputs mean, and how many there are.
        scale: what the loss is divided by before people see it.
        kept: the loss that the network has afterwards; the same if None.
    """

    loss: Loss
    task: Task
    outputs: int
    scale: float = 1.0
    kept: Loss | None = None


class Estimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the estimators: rows in, a trained `Network` inside.

    A subclass says how targets are read (`_read_targets`, `_objective`, `_score`) and what the
    network and its optimizer are (`_make_network`, `_make_optimizer`).
    """

    _parameter_constraints: ClassVar[Constraints]

    # Fitting.

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, validation_data: Any, incremental: bool
    ) -> Self:
        fresh = not self._has_weights() or not (self.warm_start or incremental)
        rows = self._read_rows(X, y, sample_weight, fresh, incremental)
        # Seeding a generator takes as long as a step, and a further partial_fit draws nothing.
        draws = fresh or not incremental
        rng: Any = check_random_state(self.random_state) if draws else None
        if fresh:
            self._start(rows[0].shape[1], rows[0].dtype, rng)
        else:
            self._take_back(rows[0].shape[1], rows[0].dtype)
        held_out = self._read_held_out(validation_data)
        if self.early_stopping and self._in_epochs:
            if incremental and held_out is None:
                raise ValueError(
                    "partial_fit does not support early_stopping=True without validation_data."
                )
            if held_out is None:
                rows, held_out = self._split(rows, rng)
        with references(self._is_short(len(rows[0]), 1 if incremental else self.max_iter)):
            self._train(rows, held_out, incremental)
        if not np.isfinite(self.network_.theta).all():
            raise ValueError(NOT_FINITE)
        self._publish()
        return self

    def _has_weights(self) -> bool:
        return hasattr(self, "network_")

    def _start(self, features: int, dtype: np.dtype[Any], rng: np.random.RandomState) -> None:
        """A new network, and nothing learned yet."""
        self.network_ = self._make_network(features, dtype, rng)
        self.n_outputs_ = self.network_.output_shape[0]
        self.t_ = 0
        if self._in_epochs:
            self._forget()

    def _forget(self) -> None:
        """Empty curves, and nothing that could be improved on."""
        self.t_ = 0
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] | None = None
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_ = -np.inf if self.early_stopping else None
        self.best_loss_ = None if self.early_stopping else np.inf
        self._no_improvement_count = 0
        self._rate_share = 1.0
        self._optimizer: Optimizer | None = None
        self._best = copied(self.network_)

    def _read_rows(
        self, X: Any, y: Any, sample_weight: Any, fresh: bool, incremental: bool
    ) -> Rows:
        X, y = read(self, X, y=y, reset=fresh, **self._target_options)
        x = dense(X)
        targets = self._read_targets(y, fresh, incremental)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        return x, targets, self._weighed(targets, sample_weight, incremental)

    def _read_held_out(self, validation_data: Any) -> Rows | None:
        if validation_data is None:
            return None
        if not self._in_epochs:
            raise ValueError("solver='lbfgs' has no epochs to score validation_data after.")
        if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
            raise ValueError("validation_data must be (X, y) or (X, y, sample_weight).")
        X, y, *rest = validation_data
        X, y = read(self, X, y=y, reset=False, **self._target_options)
        weights = _check_sample_weight(rest[0], X, dtype=np.float64) if rest else None
        return dense(X), self._read_targets(y, fresh=False, incremental=True), weights

    def _split(self, rows: Rows, rng: np.random.RandomState) -> tuple[Rows, Rows]:
        """Hold out `validation_fraction` of the rows: those that scikit-learn's MLP holds out."""
        x, y, weights = rows
        kept, held = train_test_split(
            np.arange(len(x)),
            random_state=rng,
            test_size=self.validation_fraction,
            stratify=self._strata(y),
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        if weights is None:
            return (x[kept], y[kept], None), (x[held], y[held], None)
        return (x[kept], y[kept], weights[kept]), (x[held], y[held], weights[held])

    def _is_short(self, rows: int, epochs: int) -> bool:
        """The fixed rule: whether NumPy alone trains, without the compiled kernels.

        A process spends half a second on loading those, in which scikit-learn fits a small network
        a few times. Rows, layers and parameters decide, and nothing that happened before, so that
        equal calls give equal bits.
        """
        steps = -(-rows // self._batch_rows(rows)) if self._in_epochs else 1
        of_a_row = 3 * sum(layer.flops() for layer in self.network_.layers)
        few = epochs * steps <= FEW_STEPS
        return few and epochs * rows * of_a_row <= FEW_OPERATIONS

    def _train(self, rows: Rows, held_out: Rows | None, incremental: bool) -> None:
        self._train_in_epochs(rows, held_out, incremental)

    def _train_in_epochs(self, rows: Rows, held_out: Rows | None, incremental: bool) -> None:
        x, y, weights = rows
        network, objective = self.network_, self._objective()
        batch = self._checked_batch_rows(len(x))
        if not hasattr(self, "loss_curve_"):  # the weights are from somewhere else
            self._forget()
        optimizer, rate = self._make_optimizer(len(x), batch)
        before = self._optimizer if incremental or self.warm_start == "optimizer" else None
        earlier = {} if before is None else before.state
        rate.steps = int(earlier.get("t", 0))
        loss = objective.loss
        if self._alpha:
            loss = Penalised(loss, self._alpha, network.store, optimizer, objective.scale)
        scored = None if held_out is None else HeldOut(self._measure(held_out, objective))
        self._refuse_checkpoints(loss)
        patience = self._patience(scored, rate, objective.scale, not incremental)
        # A single step by the references is over before it could be written down.
        is_once = incremental and batch == len(x) and not twins_are_on()
        network.loss, network.task = loss, objective.task
        try:
            history = network.fit(
                x,
                y,
                loss=loss,
                optimizer=optimizer,
                batch_size=batch,
                epochs=1 if incremental else self.max_iter,
                schedule=rate,
                callbacks=[Continue(earlier), *self._callbacks(scored, patience, objective.scale)],
                sample_weight=weights,
                shuffle=self.shuffle,
                compile=False if is_once else "auto",
            )
        except TrainingDiverged as error:
            raise ValueError(f"{NOT_FINITE} {error}") from None
        finally:
            network.loss = objective.kept or objective.loss
        self._optimizer = optimizer
        self._remember(history, scored, patience, rate, objective.scale)
        self.t_ += len(x) * len(history)
        self._warn(history, incremental)

    def _refuse_checkpoints(self, loss: Loss) -> None:
        """A file names losses that can be made anew from it, which a penalised one cannot."""
        if LOSSES.knows(loss):
            return
        if any(isinstance(callback, Checkpoint) for callback in self.callbacks or ()):
            raise ValueError(
                f"A Checkpoint cannot hold the loss that {type(self).__name__} minimises. Pickle "
                "the estimator instead, between calls of partial_fit, or train by Network.fit."
            )

    def _callbacks(
        self, scored: HeldOut | None, patience: Patience, scale: float
    ) -> list[Callback]:
        """What watches the training, in the order in which it must be told."""
        callbacks: list[Callback] = []
        if scored is not None:  # a score that is not a number is a score: training goes on
            callbacks += [scored, StopOnNonFinite(ignore=True)]
        callbacks.append(patience)
        if self.verbose:
            callbacks.append(Report(scale, scored))
        return [*callbacks, *(self.callbacks or ())]

    def _patience(
        self, scored: HeldOut | None, rate: Rate, scale: float, restores: bool
    ) -> Patience:
        waited = self._no_improvement_count
        adaptive = rate if self._adapts else None
        numbers = float(self.tol), float(self.n_iter_no_change)
        if scored is not None and self.early_stopping:
            best = self.best_validation_score_
            best = -np.inf if best is None else best  # an earlier training looked at the loss
            return ScorePatience(scored, self._best, restores, *numbers, best, waited, adaptive)
        best = np.inf if self.best_loss_ is None else self.best_loss_
        return Patience(*numbers, best, waited, scale, adaptive)

    def _measure(self, held_out: Rows, objective: Objective) -> Any:
        """A function that scores the held-out rows: their score, and their loss."""
        x, y, weights = held_out
        network = self.network_
        network.loss, network.task = objective.loss, objective.task
        _, targets = network.prepared_targets(y, len(x), objective.loss)
        truth = np.empty((len(x), targets.outputs), network.dtype)
        targets.take(slice(None), truth)

        def measure() -> tuple[float, float]:
            outputs = network.outputs(x)
            loss, _ = objective.loss(outputs, truth, weights)
            if not np.isfinite(outputs).all():
                return float("nan"), loss / objective.scale
            return float(self._score(outputs, y, weights)), loss / objective.scale

        return measure

    def _remember(
        self,
        history: History,
        scored: HeldOut | None,
        patience: Patience,
        rate: Rate,
        scale: float,
    ) -> None:
        self.n_iter_ = len(history)
        self.stopped_ = history.stopped
        self.loss_curve_ += [record["loss"] / scale for record in history]
        if self.loss_curve_:  # there is none yet if the first epoch was interrupted
            self.loss_ = self.loss_curve_[-1]
        self._no_improvement_count = patience.waited
        self._rate_share = rate.share
        if scored is not None:
            self.validation_scores_ = (self.validation_scores_ or []) + scored.scores
            self.validation_loss_curve_ = (self.validation_loss_curve_ or []) + scored.losses
        if isinstance(patience, ScorePatience):
            self.best_validation_score_ = patience.best
        else:
            self.best_loss_ = patience.best

    def _warn(self, history: History, incremental: bool) -> None:
        if history.interrupted:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        elif len(history) == self.max_iter and not (incremental or history.stopped):
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )

    # What subclasses say.

    _target_options: ClassVar[dict[str, Any]] = {"multi_output": True}
    _in_epochs = True
    _alpha = 0.0
    _adapts = False

    def _make_network(
        self, features: int, dtype: np.dtype[Any], rng: np.random.RandomState
    ) -> Network:
        raise NotImplementedError(f"{type(self).__name__} has no network")

    def _make_optimizer(self, rows: int, batch: int) -> tuple[Optimizer, Rate]:
        """The optimizer, and the schedule of its rate; here the user's own."""
        optimizer = OPTIMIZERS.create(copy.deepcopy(self.optimizer))
        return optimizer, self._rate(rows)

    def _rate(self, rows: int, **options: Any) -> Rate:
        """The schedule: the user's, if there is one, times what these options ask for."""
        if self.schedule is None:
            return Rate(rows, self.t_, share=self._rate_share, **options)
        inner = SCHEDULES.create(copy.deepcopy(self.schedule))
        return ListeningRate(rows, self.t_, inner=inner, share=self._rate_share, **options)

    def _objective(self) -> Objective:
        raise NotImplementedError(f"{type(self).__name__} has no objective")

    def _read_targets(self, y: Any, fresh: bool, incremental: bool) -> Array:
        raise NotImplementedError(f"{type(self).__name__} reads no targets")

    def _weighed(self, targets: Array, weights: Array | None, incremental: bool) -> Array | None:
        return weights

    def _strata(self, targets: Array) -> Array | None:
        return None

    def _score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        raise NotImplementedError(f"{type(self).__name__} has no score")

    def _publish(self) -> None:
        """Set the attributes that show the weights."""

    def _take_back(self, features: int, dtype: np.dtype[Any]) -> None:
        """Let the network have the weights that somebody has assigned to those attributes."""

    # Parameters.

    def _batch_rows(self, rows: int) -> int:
        wanted = 200 if self.batch_size == "auto" else int(self.batch_size)
        return min(wanted, rows)

    def _checked_batch_rows(self, rows: int) -> int:
        if self.batch_size != "auto" and self.batch_size > rows:
            warnings.warn(
                f"batch_size={self.batch_size} is larger than the number of rows, {rows}, which "
                "is taken instead.",
                stacklevel=2,
            )
        return self._batch_rows(rows)

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            raise with_suggestion(error) from None

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, as in every scikit-learn estimator.

        Raises:
            ValueError: for a name that the estimator does not have, with what was probably meant.
        """
        check_names(params, self.get_params(deep=False))
        super().set_params(**params)
        return self

    # Using what was learned.

    def _read_new(self, X: Any) -> Any:
        """Rows for a network that has been fitted, and has the weights that it was assigned."""
        check_is_fitted(self)
        self._take_back(self.n_features_in_, np.dtype(float))
        return read(self, X, reset=False)

    def _outputs(self, X: Any) -> Array:
        """The network's outputs for these rows, as the loss takes them."""
        parts = [self.network_.outputs(part) for part in dense_parts(self._read_new(X))]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _linked(self, outputs: Array) -> Array:
        """What the loss makes of outputs, computed as the network computes its predictions."""
        with references(self.network_.by_references(len(outputs))):
            return self._objective().loss.link(outputs)

    def activations(self, X: Any) -> list[Array]:
        """What every layer makes of these rows.

        Arguments:
            X: rows, (n, features).

        Returns:
            An array for each layer of `network_`, in their order: (n, *its output_shape). The last
            one holds the network's outputs: logits, for a classifier.

        Example:
            >>> import numpy as np
            >>> from glassnet.estimators import MLPRegressor
            >>> x = np.linspace(0, 1, 20)[:, None]
            >>> model = MLPRegressor(hidden_layer_sizes=3, max_iter=300, tol=0.1).fit(x, x[:, 0])
            >>> [array.shape for array in model.activations(x)]
            [(20, 3), (20, 3), (20, 1)]
        """
        x = dense(self._read_new(X))
        return _activations(self.network_, x, len(self.network_.layers))

    def transform(self, X: Any) -> Array:
        """What the layers before the last one make of these rows: the features it decides by.

        Arguments:
            X: rows, (n, features).

        Returns:
            An array (n, units of the last hidden layer).

        Example:
            >>> import numpy as np
            >>> from glassnet.estimators import MLPRegressor
            >>> x = np.linspace(0, 1, 20)[:, None]
            >>> model = MLPRegressor(hidden_layer_sizes=3, max_iter=300, tol=0.1).fit(x, x[:, 0])
            >>> model.transform(x).shape, model.get_feature_names_out().tolist()
            ((20, 3), ['mlpregressor0', 'mlpregressor1', 'mlpregressor2'])
        """
        x = dense(self._read_new(X))
        last = len(self.network_.layers) - 1
        if last == 0:
            return x.astype(self.network_.dtype)
        y = _activations(self.network_, x, last)[-1]
        return y.reshape(len(y), -1)

    @property
    def _n_features_out(self) -> int:
        layers = self.network_.layers
        shape = layers[-2].output_shape if len(layers) > 1 else self.network_.input_shape
        return int(np.prod(shape))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def drawn_seed(rng: np.random.RandomState) -> int:
    """A seed for a network."""
    return int(rng.randint(np.iinfo(np.int32).max))


def _activations(network: Network, x: Array, layers: int) -> list[Array]:
    """The outputs of the first so many layers, computed in chunks of rows."""
    parts: list[list[Array]] = [[] for _ in range(layers)]
    with network.lock, references():
        for chunk in chunks(len(x)):
            y = network.entry(x[chunk])
            for layer, arrays in zip(network.layers, parts, strict=False):
                y = layer.forward(y, False)
                arrays.append(y.copy())
    return [np.concatenate(arrays) for arrays in parts]


__all__ = ["Estimator", "Objective", "Rows", "drawn_seed"]
