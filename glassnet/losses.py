"""Losses: how far the outputs are from the targets, and in which direction they should move.

A loss looks at each row i of outputs on its own and gives a row loss ℓᵢ and its gradient
∂ℓᵢ/∂outputs. Weights and reduction are the same for all losses and written once, in `Loss.into`:

    J = Σᵢ wᵢ ℓᵢ / N        N = Σᵢ wᵢ  (reduction "mean"; times K where ℓ is a mean over K)
                            N = 1      (reduction "sum")

so that the gradient that comes back is already divided by the batch size. K is the number of
outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from glassnet.accelerate import Array, accelerated, run_part
from glassnet.batches import Batch
from glassnet.layers.activations import sigmoid_forward
from glassnet.layers.softmax import softmax_forward
from glassnet.registry import Configurable, Registry

LOSSES: Registry[Loss] = Registry(
    "loss", elsewhere={"poisson": "glassnet.estimators.objectives:Poisson"}
)

Reduction = Literal["mean", "sum"]
ClassWeight = Mapping[int, float] | Sequence[float] | Literal["balanced"] | None


# Kernels: row losses (n,) and row gradients (n, K) from outputs and targets (n, K).


@accelerated
def squared_error(outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
    """ℓ = ½ Σₖ (aₖ − yₖ)²,   ∂ℓ/∂aₖ = aₖ − yₖ."""
    np.subtract(outputs, targets, out=gradient)
    np.einsum("ik,ik->i", gradient, gradient, out=losses)
    np.multiply(losses, 0.5, out=losses)


@accelerated
def summed_squares(outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
    """ℓ = Σₖ (aₖ − yₖ)²,   ∂ℓ/∂aₖ = 2 (aₖ − yₖ)."""
    np.subtract(outputs, targets, out=gradient)
    np.einsum("ik,ik->i", gradient, gradient, out=losses)
    np.multiply(gradient, 2.0, out=gradient)


@accelerated
def absolute_error(outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
    """ℓ = Σₖ |aₖ − yₖ|,   ∂ℓ/∂aₖ = sign(aₖ − yₖ), and 0 where they are equal."""
    np.subtract(outputs, targets, out=gradient)
    np.sum(np.abs(gradient), axis=1, out=losses)
    np.sign(gradient, out=gradient)


@accelerated
def huber(outputs: Array, targets: Array, delta: Array, losses: Array, gradient: Array) -> None:
    """With d = a − y: ℓ = Σₖ ½ d² where |d| ≤ δ, else δ (|d| − ½ δ);   ∂ℓ/∂a = d cut at ±δ."""
    d = outputs - targets
    np.clip(d, -delta.item(), delta.item(), out=gradient)
    # Both branches at once: with c the cut difference, c (d − ½ c) is ½ d² or δ (|d| − ½ δ).
    np.sum(gradient * (d - 0.5 * gradient), axis=1, out=losses)


@accelerated
def binary_cross_entropy(logits: Array, targets: Array, losses: Array, gradient: Array) -> None:
    """ℓ = −Σₖ [y log σ(z) + (1 − y) log(1 − σ(z))],   ∂ℓ/∂z = σ(z) − y.

    Written as max(z, 0) − z y + log(1 + e^(−|z|)), which neither overflows nor takes log 0.
    """
    row_terms = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    np.sum(row_terms, axis=1, out=losses)
    sigmoid_forward.reference(logits, gradient)
    np.subtract(gradient, targets, out=gradient)


@accelerated
def softmax_cross_entropy(
    logits: Array, targets: Array, smoothing: Array, losses: Array, gradient: Array
) -> None:
    """Softmax and cross-entropy at once: ℓ = −Σₖ qₖ log pₖ,   ∂ℓ/∂zₖ = pₖ − qₖ.

    p = softmax(z), and q = (1 − ε) y + ε / K smooths the targets y, which sum to one. The gradient
    follows from the *whole* Jacobian of softmax, ∂pⱼ/∂zₖ = pⱼ (δⱼₖ − pₖ):

        ∂ℓ/∂zₖ = −Σⱼ (qⱼ / pⱼ) pⱼ (δⱼₖ − pₖ) = −qₖ + pₖ Σⱼ qⱼ = pₖ − qₖ.

    log pₖ = zₖ − log Σⱼ e^(zⱼ) is computed with the row's largest logit subtracted: it is finite.
    """
    epsilon = smoothing.item()
    q = (1.0 - epsilon) * targets + epsilon / targets.shape[1]
    z = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(z, out=gradient)
    total = p.sum(axis=1, keepdims=True)
    np.sum(q * (np.log(total) - z), axis=1, out=losses)
    np.divide(p, total, out=p)
    np.subtract(p, q, out=gradient)


@accelerated
def weigh_by_class(targets: Array, by_class: Array, weights: Array, row_weights: Array) -> None:
    """wᵢ = sample weight × weight of the row's class (for soft targets their expected weight)."""
    if targets.shape[1] == 1:
        of_row = by_class[0] + targets[:, 0] * (by_class[1] - by_class[0])
    else:
        of_row = targets @ by_class
    np.multiply(weights, of_row, out=row_weights)


@accelerated
def mean_of_rows(
    weights: Array, terms: Array, losses: Array, gradient: Array, total: Array
) -> None:
    """total = Σ wᵢ ℓᵢ and N = terms · Σ wᵢ;   ∂ℓᵢ/∂a ← wᵢ ∂ℓᵢ/∂a / N.

    Rows that all weigh nothing have N = 0, and neither a loss nor a gradient.
    """
    total[0] = np.sum(losses * weights, dtype=np.float64)
    total[1] = terms.item() * np.sum(weights, dtype=np.float64)
    shares = weights / np.float64(total[1] or 1.0)
    np.multiply(gradient, shares[:, None], out=gradient, casting="same_kind")


@accelerated
def sum_of_rows(weights: Array, terms: Array, losses: Array, gradient: Array, total: Array) -> None:
    """total as for the mean;   ∂ℓᵢ/∂a ← wᵢ ∂ℓᵢ/∂a."""
    total[0] = np.sum(losses * weights, dtype=np.float64)
    total[1] = terms.item() * np.sum(weights, dtype=np.float64)
    np.multiply(gradient, weights[:, None], out=gradient)


@accelerated
def stop_unless_finite(total: Array) -> None:
    """Raise FloatingPointError if the loss is infinite or not a number."""
    if not np.isfinite(total[0]):
        raise FloatingPointError


class Loss(Configurable):
    """Base of all losses. A loss of one's own defines `rows`, in plain NumPy if you like.

    Arguments:
        reduction: `"mean"` divides by the sum of the row weights (the batch size when there are
            none), as PyTorch's cross-entropy does for class indices; `"sum"` does not divide, not
            even by K.
        class_weight: a weight for each class, multiplied into the weight of its rows:
            `{class: weight}` (others weigh 1), one number a class, or `"balanced"` for n / (K ·
            rows of the class), counted on the training set. Needs classes as targets.

    Attributes:
        needs_classes: whether targets must be classes (cross-entropy) or may be any numbers.
        mean_over_outputs: whether ℓ is a mean over the outputs as well, so that N has a factor K.
        threshold: where a single output changes from saying "no" to saying "yes".
        row_wise: whether the loss of a batch is a sum over its rows and nothing else.

    Source: the mean over the rows, Goodfellow, Bengio and Courville, "Deep Learning", 2016, eq.
    8.3; class weights, King and Zeng, "Logistic regression in rare events data", 2001, with the
    "balanced" ones of scikit-learn.

    Example, a loss of one's own (log-cosh):
        >>> import glassnet as gn
        >>> class LogCosh(gn.Loss):
        ...     name = "log_cosh"
        ...     def rows(self, outputs, targets, losses, gradient):
        ...         d = outputs - targets
        ...         losses[:] = np.log(np.cosh(d)).sum(axis=1)
        ...         gradient[:] = np.tanh(d)
        >>> value, gradient = LogCosh()(np.array([[1.0], [0.0]]), np.array([[0.0], [0.0]]))
        >>> round(value, 4), gradient.round(4).tolist()
        (0.2169, [[0.3808], [0.0]])
    """

    name: ClassVar[str]
    needs_classes: ClassVar[bool] = False
    mean_over_outputs: ClassVar[bool] = False
    threshold: ClassVar[float] = 0.5
    row_wise: ClassVar[bool] = True

    def __init__(self, reduction: Reduction = "mean", class_weight: ClassWeight = None) -> None:
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction must be 'mean' or 'sum'. Received: {reduction!r}.")
        self.reduction = reduction
        self.class_weight = _checked_class_weight(class_weight)

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        """Write ℓᵢ into losses (n,) and ∂ℓᵢ/∂outputs into gradient (n, K); targets are (n, K)."""
        raise NotImplementedError(f"{type(self).__name__} has no rows")

    def __call__(
        self, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Array]:
        """Return J and ∂J/∂outputs.

        Arguments:
            outputs: what the network gave (logits for the cross-entropies), (n, K).
            targets: what it should give, (n, K): numbers, one-hot rows or probabilities.
            weights: one weight ≥ 0 a row, (n,).

        Returns:
            The reduced loss as a float, and a new array (n, K).

        Example:
            >>> MSE()(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]]))
            (2.5, array([[1., 2.]]))
        """
        if outputs.ndim != 2 or targets.shape != outputs.shape or outputs.dtype.kind != "f":
            raise ValueError(
                f"{type(self).__name__} compares outputs (n, K), as floats, with targets of the "
                f"same shape. Received outputs {outputs.shape} of {outputs.dtype}, targets "
                f"{targets.shape}."
            )
        batch = Batch(len(outputs), (), outputs.shape[1], outputs.dtype, outputs.dtype)
        batch.truth[:] = targets
        if weights is not None:
            batch.weights[:] = weights
        self.into(outputs, batch)
        return self.value(batch.total), batch.gradient

    def into(self, outputs: Array, batch: Batch, undivided: bool = False) -> None:
        """`__call__` as nothing but kernel calls, from and into the arrays of a batch.

        With `undivided` the gradient is not divided by N, whatever the reduction: the batch is only
        a part of one.
        """
        run_part(self, self.rows, outputs, batch.truth, batch.losses, batch.gradient)
        weights = batch.weights
        if self.class_weight is not None:
            by_class = self._by_class(outputs.shape[1])
            weigh_by_class(batch.truth, by_class, weights, batch.row_weights)
            weights = batch.row_weights
        terms = np.array(float(outputs.shape[1] if self.mean_over_outputs else 1))
        divides = self.reduction == "mean" and not undivided
        reduce_rows = mean_of_rows if divides else sum_of_rows
        reduce_rows(weights, terms, batch.losses, batch.gradient, batch.total)

    def value(self, total: Array) -> float:
        """J from the sums that `into` leaves: Σ wᵢ ℓᵢ, divided by N if the reduction is a mean."""
        weighted, norm = float(total[0]), float(total[1])
        return weighted / (norm or 1.0) if self.reduction == "mean" else weighted

    def _by_class(self, outputs: int) -> Array:
        if isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' counts the classes of a training set: use it in fit or "
                "loss_and_gradient, or give one number a class."
            )
        return class_weight_array(self.class_weight or [], max(2, outputs))

    def balanced(self, labels: Array, classes: int) -> Loss:
        """This loss, with class_weight="balanced" replaced by numbers counted on these labels."""
        if self.class_weight != "balanced":
            return self
        counts = np.bincount(labels, minlength=classes)
        weights = len(labels) / (classes * np.maximum(counts, 1))
        return type(self)(**{**self.options(), "class_weight": weights.tolist()})

    def link(self, outputs: Array) -> Array:
        """Turn outputs into what they predict: probabilities for the cross-entropies."""
        return outputs


def _checked_class_weight(class_weight: ClassWeight) -> dict[int, float] | list[float] | str | None:
    """Plain numbers out of what the user gave; keys may be text, as they are in JSON."""
    if class_weight is None:
        return None
    if isinstance(class_weight, str) and class_weight == "balanced":
        return class_weight
    plain: dict[int, float] | list[float]
    try:
        if isinstance(class_weight, Mapping):
            plain = {int(str(label)): float(weight) for label, weight in class_weight.items()}
            values = list(plain.values())
        else:
            values = plain = [float(weight) for weight in class_weight]
    except (TypeError, ValueError):
        raise ValueError(
            "class_weight must be 'balanced', {class: weight} or one number a class. "
            f"Received: {class_weight!r}."
        ) from None
    if not all(np.isfinite(weight) and weight >= 0 for weight in values):
        raise ValueError(f"Class weights must be finite and ≥ 0. Received: {class_weight!r}.")
    return plain


def class_weight_array(class_weight: dict[int, float] | list[float], classes: int) -> Array:
    """One weight a class, (classes,); classes that a mapping leaves out weigh 1.

    >>> class_weight_array({1: 3.0}, 2)
    array([1., 3.])
    """
    if isinstance(class_weight, dict):
        unknown = [label for label in class_weight if not 0 <= label < classes]
        if unknown:
            raise ValueError(
                f"class_weight names class {unknown[0]}, but the classes are 0 to {classes - 1}."
            )
        return np.array([class_weight.get(label, 1.0) for label in range(classes)])
    if len(class_weight) != classes:
        raise ValueError(
            f"class_weight needs one number for each of {classes} classes. "
            f"Received {len(class_weight)}: {class_weight}."
        )
    return np.array(class_weight)


@LOSSES.register
class MSE(Loss):
    """Mean squared error: the mean over all elements of (a − y)², gradient 2 (a − y) / (n K).

    Arguments:
        reduction, class_weight: see `Loss`. With "sum" the gradient is 2 (a − y).

    Example:
        >>> MSE()(np.array([[3.0]]), np.array([[1.0]]))
        (4.0, array([[4.]]))

    Source: Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes", 1805
    (there summed: least squares).
    """

    name = "mse"
    mean_over_outputs = True

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        summed_squares(outputs, targets, losses, gradient)


@LOSSES.register
class SquaredError(Loss):
    """J = ½ Σₖ (aₖ − yₖ)² a row, averaged over rows: the textbook form, with gradient (a − y) / n.

    Arguments:
        reduction, class_weight: see `Loss`.

    Example:
        >>> SquaredError()(np.array([[3.0]]), np.array([[1.0]]))
        (2.0, array([[2.]]))

    Source: Rumelhart, Hinton and Williams, Nature 323, 1986, eqs. 3 and 4 (there summed over the
    rows, as with the reduction "sum").
    """

    name = "squared_error"

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        squared_error(outputs, targets, losses, gradient)


@LOSSES.register
class MAE(Loss):
    """Mean absolute error: the mean over all elements of |a − y|, gradient sign(a − y) / (n K).

    Arguments:
        reduction, class_weight: see `Loss`.

    Example:
        >>> MAE()(np.array([[3.0]]), np.array([[1.0]]))
        (2.0, array([[1.]]))

    Source: Bishop, "Pattern Recognition and Machine Learning", 2006, eq. 1.91 with q = 1.
    """

    name = "mae"
    mean_over_outputs = True

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        absolute_error(outputs, targets, losses, gradient)


@LOSSES.register
class Huber(Loss):
    """Squared for small differences, absolute for large ones: outliers pull with force δ only.

    With d = a − y: the mean over all elements of ½ d² where |d| ≤ δ, else δ (|d| − ½ δ).

    Arguments:
        delta: δ > 0, in units of the target.
        reduction, class_weight: see `Loss`.

    Example:
        >>> Huber(delta=1.0)(np.array([[0.5], [3.0]]), np.array([[0.0], [0.0]]))
        (1.3125, array([[0.25],
               [0.5 ]]))

    Source: Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics
    35, 1964 (k there is δ here).
    """

    name = "huber"
    mean_over_outputs = True

    def __init__(
        self, delta: float = 1.0, reduction: Reduction = "mean", class_weight: ClassWeight = None
    ) -> None:
        super().__init__(reduction, class_weight)
        if not 0 < delta < np.inf:
            raise ValueError(f"huber needs a finite delta > 0. Received: {delta}.")
        self.delta = float(delta)
        self._delta = np.array(self.delta)

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        huber(outputs, targets, self._delta, losses, gradient)


@LOSSES.register
class BinaryCrossEntropy(Loss):
    """−[y log σ(z) + (1 − y) log(1 − σ(z))], the mean over all elements, on logits z.

    One output decides between two classes; several outputs are several independent labels.

    Arguments:
        reduction, class_weight: see `Loss`; `class_weight` needs a single output.

    Example:
        >>> value, gradient = BinaryCrossEntropy()(np.array([[0.0]]), np.array([[1.0]]))
        >>> round(value, 4), gradient.tolist()      # log 2, σ(0) − 1
        (0.6931, [[-0.5]])

    Source: Bishop, "Pattern Recognition and Machine Learning", 2006, eqs. 5.23 and 5.18.
    """

    name = "binary_cross_entropy"
    mean_over_outputs = True
    threshold = 0.0

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        binary_cross_entropy(outputs, targets, losses, gradient)

    def link(self, outputs: Array) -> Array:
        """σ(z)."""
        probabilities = np.empty_like(outputs)
        sigmoid_forward(outputs, probabilities)
        return probabilities


@LOSSES.register
class CrossEntropy(Loss):
    """−Σₖ qₖ log softmax(z)ₖ on logits z; the softmax and its gradient are part of the loss.

    Arguments:
        label_smoothing: ε in [0, 1): targets become q = (1 − ε) y + ε / K.
        reduction, class_weight: see `Loss`. A class weight multiplies the whole row loss, as in
            Keras and scikit-learn. PyTorch weighs each term of the row by its own class instead,
            which is the same for class indices, but not with `label_smoothing` or for probabilities
            (there its mean also divides by n, not by the weights).

    Example:
        >>> value, gradient = CrossEntropy()(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
        >>> round(value, 4), gradient.tolist()      # log 2, p − y
        (0.6931, [[-0.5, 0.5]])

    Source: Bridle, "Probabilistic interpretation of feedforward classification network outputs",
    1990; the gradient, Bishop, "Pattern Recognition and Machine Learning", 2006, eqs. 5.24 and
    5.18; label smoothing, Szegedy et al., "Rethinking the Inception architecture for computer
    vision", CVPR 2016, section 7.
    """

    name = "cross_entropy"
    needs_classes = True

    def __init__(
        self,
        label_smoothing: float = 0.0,
        reduction: Reduction = "mean",
        class_weight: ClassWeight = None,
    ) -> None:
        super().__init__(reduction, class_weight)
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(
                f"label_smoothing must be at least 0 and below 1. Received: {label_smoothing}."
            )
        self.label_smoothing = float(label_smoothing)
        self._smoothing = np.array(self.label_smoothing)

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        softmax_cross_entropy(outputs, targets, self._smoothing, losses, gradient)

    def link(self, outputs: Array) -> Array:
        """softmax(z)."""
        probabilities = np.empty_like(outputs)
        softmax_forward(outputs, probabilities)
        return probabilities


__all__ = [
    "LOSSES",
    "MAE",
    "MSE",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Huber",
    "Loss",
    "SquaredError",
]
