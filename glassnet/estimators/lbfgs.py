"""Solver `lbfgs`: SciPy's L-BFGS-B on the flat vector of parameters, all rows at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.accelerate import Array, capture, flushed_denormals, is_ours
from glassnet.batches import Batch
from glassnet.layers.base import separate_buffers
from glassnet.losses import Loss
from glassnet.network import Network
from glassnet.recording import Recording
from glassnet.targets import Targets
from glassnet.threads import blas_threads, training


class FullBatch:
    """J and its gradient over all rows, as a function of θ.

    Arguments:
        network, loss: what is trained; the loss has the reduction "mean".
        x, targets, weights: all rows, in the network's dtype; weights (n,) or None.
        alpha: α of the penalty ½ (α / Σw) ‖W‖².
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        x: Array,
        targets: Targets,
        weights: Array | None,
        alpha: float,
    ) -> None:
        self.network, self.loss = network, loss
        self.batch = Batch(len(x), network.input_shape, targets.outputs, x.dtype, network.dtype)
        self.batch.x[...] = x
        targets.take(slice(None), self.batch.truth)
        if weights is not None:
            self.batch.weights[:] = weights
        self.penalty = alpha / float(self.batch.weights.sum(dtype=np.float64))
        ours = all(map(is_ours, [*network.layers, loss]))
        with separate_buffers(network.layers) as work, capture(run=not ours) as calls:
            outputs = network.run_forward(self.batch.x, training=True)
            loss.into(outputs, self.batch)
            network.run_backward(self.batch.gradient, need_dx=False)
        self._recording = Recording(calls, keep_gradient=True, work=work if ours else [])
        self._is_native = self._recording.obstacle() is None

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """J, and ∂J/∂θ as float64."""
        network = self.network
        network.theta[:] = theta
        if self._is_native:
            self._recording.run(1)
        else:
            self._recording.replay()
        gradient = network.gradient.astype(np.float64)
        weights = theta[: network.store.decaying]
        gradient[: len(weights)] += self.penalty * weights
        value = self.loss.value(self.batch.total) + 0.5 * self.penalty * float(weights @ weights)
        return value, gradient


def minimise(function: FullBatch, *, max_iter: int, max_fun: int, tol: float) -> Any:
    """Move the network to a minimum; returns SciPy's `OptimizeResult`.

    Arguments:
        function: what is minimised.
        max_iter, max_fun: most iterations, and most calls of the function.
        tol: largest element of the gradient at which it counts as zero.
    """
    from scipy.optimize import minimize

    network = function.network
    largest = network.largest_product * len(function.batch.x)
    quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
    with network.lock, quiet, blas_threads(largest), training(), flushed_denormals():
        result = minimize(
            function,
            network.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
        )
    network.theta[:] = result.x
    return result
