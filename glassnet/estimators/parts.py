"""What makes an estimator a classifier or a regressor: its targets, its losses, its answers."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
)

from glassnet.accelerate import Array
from glassnet.estimators.base import Estimator, Objective
from glassnet.estimators.objectives import Poisson, SummedBinaryCrossEntropy
from glassnet.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from glassnet.targets import predictions


def _goes_in_epochs(estimator: Estimator) -> bool:
    if estimator._in_epochs:
        return True
    raise AttributeError("partial_fit is only available for solvers that go in epochs.")


class Classifier(ClassifierMixin, Estimator):
    """An estimator that tells classes apart, or says yes or no to several labels."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> Self:
        """Learn from these rows; with `warm_start`, go on from what was learned before.

        Arguments:
            X: rows, (n, features): an array, a frame of pandas or polars, or a sparse matrix.
            y: classes (n,) of any kind, or labels (n, K) of 0 and 1.
            sample_weight: one weight ≥ 0 a row, (n,).
            validation_data: `(X, y)` or `(X, y, sample_weight)` to be scored after every epoch,
                with `early_stopping` instead of rows that are held out of X.

        Raises:
            ValueError: for input that cannot be learned from.
        """
        return self._fit(X, y, sample_weight, validation_data, incremental=False)

    @available_if(_goes_in_epochs)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        *,
        validation_data: Any = None,
    ) -> Self:
        """Go over these rows once, with the optimizer as the last call left it.

        With `early_stopping` and `validation_data`, the best weights so far are put back as soon as
        patience runs out; `stopped_` tells.

        Arguments:
            X, y, sample_weight, validation_data: as in `fit`.
            classes: all classes that will ever come; needed in the first call, unless y holds
                labels (n, K).
        """
        if _is_multilabel(y):
            columns = y.shape[1] if issparse(y) else np.shape(y)[1]
            classes = np.arange(columns) if classes is None else classes
        _check_partial_fit_first_call(self, classes)
        return self._fit(X, y, sample_weight, validation_data, incremental=True)

    def _read_targets(self, y: Any, fresh: bool, incremental: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        labels = _is_multilabel(y)
        if y.ndim == 2 and not labels:
            raise ValueError(
                f"y has {y.shape[1]} columns of classes; one column is expected, or labels (n, K) "
                "of 0 and 1. For several columns put the classifier into "
                "sklearn.multioutput.MultiOutputClassifier."
            )
        if fresh or not hasattr(self, "_labels"):
            self._labels, self._sparse_labels = labels, issparse(y)
        elif labels != self._labels:
            kinds = "one class a row", "labels (n, K)"
            raise ValueError(
                f"y must hold {kinds[self._labels]}, as in the first call. Received "
                f"{kinds[labels]}: y has shape {y.shape}."
            )
        found = np.arange(y.shape[1]) if labels else np.unique(y)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self.classes_ = found
        elif fresh or incremental:
            self._refuse_new(found)
        elif not np.array_equal(found, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {found}"
            )
        if labels:
            rows: Array = (y.toarray() if issparse(y) else y).astype(np.float64)
            return rows
        numbers: Array = np.searchsorted(self.classes_, y)
        return numbers

    def _refuse_new(self, found: Array) -> None:
        if len(np.setdiff1d(found, self.classes_)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {found}."
            )

    def _objective(self) -> Objective:
        classes = len(self.classes_)
        if self.loss == "log_loss":
            if self._labels:
                loss: Loss = SummedBinaryCrossEntropy()
                return Objective(loss, "multilabel", classes, kept=BinaryCrossEntropy())
            if classes <= 2:
                return Objective(BinaryCrossEntropy(), "binary", 1)
            return Objective(CrossEntropy(), "classification", classes)
        loss = LOSSES.create(self.loss)
        is_binary = isinstance(loss, BinaryCrossEntropy)
        if self._labels:
            if not is_binary:
                raise ValueError(
                    f"Several labels a row need the loss 'binary_cross_entropy'. Received: "
                    f"{self.loss!r}."
                )
            return Objective(loss, "multilabel", classes)
        if is_binary and classes <= 2:
            return Objective(loss, "binary", 1)
        return Objective(loss, "classification", max(2, classes))

    def _weighed(self, targets: Array, weights: Array | None, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return weights
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' counts the classes of all rows, and partial_fit sees only "
                "some of them. Pass a dict, for example from "
                "sklearn.utils.class_weight.compute_class_weight."
            )
        own = targets if self._labels else self.classes_[targets]
        by_class: Array = compute_sample_weight(self.class_weight, own)
        return by_class if weights is None else weights * by_class

    def _strata(self, targets: Array) -> Array | None:
        """As in scikit-learn: two classes keep their shares, more are left to chance."""
        two_classes = targets.ndim == 1 and len(self.classes_) <= 2
        return targets.astype(bool)[:, None] if two_classes else None

    def _indices(self, outputs: Array) -> Array:
        """Class numbers (n,), or label rows (n, K)."""
        objective = self._objective()
        found = predictions(outputs, objective.task, objective.loss.threshold)
        return np.minimum(found, len(self.classes_) - 1) if found.ndim == 1 else found

    def _score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        """The share of rows that are right; accuracy_score takes longer to check its arguments."""
        right = targets == self._indices(outputs)
        return float(np.average(right if right.ndim == 1 else right.all(axis=1), weights=weights))

    def predict(self, X: Any) -> Array:
        """The most probable class of each row, (n,), or label rows (n, K) of 0 and 1."""
        found = self._indices(self._outputs(X))
        if self._labels:
            return csr_matrix(found) if self._sparse_labels else found
        classes: Array = self.classes_[found]
        return classes

    def predict_proba(self, X: Any) -> Array:
        """Probabilities (n, classes), in the order of `classes_`; of several labels each its own.

        Losses other than the cross-entropies give the network's outputs as they are.
        """
        probabilities = self._linked(self._outputs(X))
        if self._labels or probabilities.shape[1] > 1:
            return probabilities[:, : len(self.classes_)]
        if len(self.classes_) == 1:
            return np.ones_like(probabilities)
        return np.hstack([1 - probabilities, probabilities])

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of `predict_proba`; −∞ for a probability that has rounded to 0."""
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(self.predict_proba(X))
        return logarithms

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _is_multilabel(y: Any) -> bool:
    """Whether y holds labels (n, K); type_of_target takes its time over vectors, which never do."""
    return getattr(y, "ndim", 2) == 2 and bool(type_of_target(y).startswith("multilabel"))


class Regressor(MultiOutputMixin, RegressorMixin, Estimator):
    """An estimator that predicts numbers."""

    _target_options: ClassVar[dict[str, Any]] = {"multi_output": True, "y_numeric": True}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> Self:
        """Learn from these rows; with `warm_start`, go on from what was learned before.

        Arguments:
            X: rows, (n, features): an array, a frame of pandas or polars, or a sparse matrix.
            y: numbers, (n,) or (n, K).
            sample_weight: one weight ≥ 0 a row, (n,).
            validation_data: `(X, y)` or `(X, y, sample_weight)` to be scored after every epoch,
                with `early_stopping` instead of rows that are held out of X.

        Raises:
            ValueError: for input that cannot be learned from.
        """
        return self._fit(X, y, sample_weight, validation_data, incremental=False)

    @available_if(_goes_in_epochs)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> Self:
        """Go over these rows once, with the optimizer as the last call left it.

        With `early_stopping` and `validation_data`, the best weights so far are put back as soon as
        patience runs out; `stopped_` tells.

        Arguments:
            X, y, sample_weight, validation_data: as in `fit`.
        """
        return self._fit(X, y, sample_weight, validation_data, incremental=True)

    def _read_targets(self, y: Any, fresh: bool, incremental: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._columns = 1 if y.ndim == 1 else y.shape[1]
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(
                f"loss='poisson' is for counts ≥ 0. Received: {y.min()} in row "
                f"{int(y.argmin()) // self._columns}."
            )
        numbers: Array = y.astype(np.float64, copy=False)
        return numbers

    def _objective(self) -> Objective:
        if self.loss == "squared_error":
            return Objective(SquaredError(), "regression", self._columns, scale=self._columns)
        loss = Poisson() if self.loss == "poisson" else LOSSES.create(self.loss)
        if loss.needs_classes:
            raise ValueError(f"{self.loss!r} compares classes; a regressor predicts numbers.")
        return Objective(loss, "regression", self._columns)

    def _predictions(self, outputs: Array) -> Array:
        numbers = self._linked(outputs)
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def _score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        predicted = self._predictions(outputs)
        score: float = r2_score(targets, predicted, sample_weight=weights)
        return score

    def predict(self, X: Any) -> Array:
        """Numbers of the network's dtype, (n,) or (n, K)."""
        return self._predictions(self._outputs(X))


__all__ = ["Classifier", "Regressor"]
