"""What the estimators minimise: losses in scikit-learn's convention, with its penalty.

    J = Σᵢ wᵢ ℓᵢ / Σw + ½ (α / Σw) ‖W‖²        over the rows of a batch, W: weights without biases

The penalty is shared by the rows of the batch, so α means the same for batches of any size as long
as an epoch sees every row once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.batches import Batch
from glassnet.losses import BinaryCrossEntropy, Loss
from glassnet.optimizers import Optimizer
from glassnet.parameters import ParameterStore


@accelerated
def poisson(log_rates: Array, targets: Array, losses: Array, gradient: Array) -> None:
    """With μ = e^z: ℓ = Σₖ [y log(y / μ) − y + μ],   ∂ℓ/∂z = μ − y."""
    mu = np.exp(log_rates, out=gradient)
    y_log_y = targets * np.log(np.where(targets > 0, targets, 1))
    np.sum(y_log_y - targets * log_rates - targets + mu, axis=1, out=losses)
    np.subtract(mu, targets, out=gradient)


@accelerated
def add_penalty(
    weights: Array, alpha: Array, terms: Array, scale: Array, total: Array, l2: Array
) -> None:
    """λ = α / Σw, with Σw = N / terms, and what the penalty adds: total[0] += scale · ½ α ‖W‖².

    ‖W‖² is summed in float64. Rows that all weigh nothing have no penalty either.

    >>> total, l2 = np.array([10.0, 4.0]), np.array(0.0)
    >>> add_penalty(np.array([1.0, 2.0]), *map(np.array, (0.8, 1.0, 1.0)), total, l2)
    >>> total, l2                                          # 10 + ½ · 0.8 · 5, and 0.8 / 4
    (array([12.,  4.]), array(0.2))
    """
    rows = total[1] / terms.item()
    l2[...] = alpha.item() / rows if rows else 0.0
    squares = np.sum(np.square(weights, dtype=np.float64))
    total[0] += 0.5 * scale.item() * alpha.item() * squares


class SummedBinaryCrossEntropy(BinaryCrossEntropy):
    """Binary cross-entropy summed over the labels of a row, where `BinaryCrossEntropy` averages."""

    mean_over_outputs = False


class Poisson(Loss):
    """Half of the Poisson deviance, for counts: the outputs are the logarithms of expected counts.

    Source: McCullagh and Nelder, "Generalized linear models", 1989, section 2.3.

    >>> value, gradient = Poisson()(np.array([[0.0]]), np.array([[3.0]]))
    >>> round(value, 4), gradient.tolist()                 # 3 log 3 − 3 + 1, and 1 − 3
    (1.2958, [[-2.0]])
    """

    name = "poisson"

    def rows(self, outputs: Array, targets: Array, losses: Array, gradient: Array) -> None:
        poisson(outputs, targets, losses, gradient)

    def link(self, outputs: Array) -> Array:
        """e^z, the expected counts."""
        expected: Array = np.exp(outputs)
        return expected


class Penalised(Loss):
    """A loss with the penalty, which it hands to the optimizer as λ of `l2` for every batch.

    Arguments:
        loss: with the reduction "mean".
        alpha: α > 0.
        store: of the network, whose weights are penalised.
        optimizer: whose `l2` is set.
        scale: what the loss's mean will be divided by before people see it: the penalty is
            multiplied by it here.

    Raises:
        ValueError: for a loss with the reduction "sum", or an optimizer with a penalty of its own.
    """

    name = "penalised"
    row_wise = False  # the penalty is the batch's

    def __init__(
        self, loss: Loss, alpha: float, store: ParameterStore, optimizer: Optimizer, scale: float
    ) -> None:
        if loss.reduction != "mean" or optimizer.l2:
            raise ValueError(
                f"alpha={alpha} is a penalty beside a mean loss. Set alpha=0 to use "
                f"reduction='sum' or the optimizer's l2. Received: {loss!r}, {optimizer!r}."
            )
        super().__init__()
        self.loss, self.parts = loss, (loss,)
        self.needs_classes, self.threshold = loss.needs_classes, loss.threshold  # type: ignore[misc]
        self.mean_over_outputs = loss.mean_over_outputs  # type: ignore[misc]
        self.class_weight = loss.class_weight
        self._weights = store.theta[: store.decaying]
        self._alpha, self._scale = np.array(float(alpha)), float(scale)
        optimizer.l2 = alpha  # of every batch anew, but above zero, so that it is recorded
        self._l2 = optimizer.scalars["l2"]

    def options(self) -> dict[str, Any]:
        """What callbacks write down of it."""
        return {"loss": self.loss.config(), "alpha": self._alpha.item()}

    def into(self, outputs: Array, batch: Batch, undivided: bool = False) -> None:
        self.loss.into(outputs, batch, undivided)
        terms = float(outputs.shape[1] if self.mean_over_outputs else 1)
        numbers = self._alpha, np.array(terms), np.array(terms * self._scale)
        add_penalty(self._weights, *numbers, batch.total, self._l2)

    def link(self, outputs: Array) -> Array:
        return self.loss.link(outputs)
