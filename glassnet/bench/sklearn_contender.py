"""scikit-learn: MLPClassifier and GridSearchCV with the same batches, solver and epochs."""

from __future__ import annotations

import warnings
from typing import Any

from glassnet.bench import inputs
from glassnet.bench.contender import (
    Contender,
    Variant,
    available_cores,
    batches_in_order,
    steps_of,
)
from glassnet.bench.workloads import Workload

NEVER = 1_000_000


class ScikitLearn(Contender):
    """No weight penalty, no early stopping, float32; it has neither batch norm nor dropout."""

    title = "scikit-learn"
    packages = ("sklearn",)
    plain_only = True

    @classmethod
    def variants(cls, workload: Workload, cores: int) -> list[Variant]:
        if workload.measure == "networks":
            return [Variant(f"GridSearchCV, {cores} jobs")]
        counts = [1] if cores == 1 else [1, cores]
        return [Variant(f"fit, {n} core{'s' * (n > 1)}", n) for n in counts]

    def train(self) -> int:
        from sklearn.exceptions import ConvergenceWarning

        work, steps = self.workload, steps_of(self.workload, "sklearn")
        per_epoch = min(steps, work.rows // work.batch)
        rows = per_epoch * work.batch
        model = classifier(work, epochs=steps // per_epoch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is told when to stop
            model.fit(self.rows.x[:rows], self.rows.y[:rows])
        return per_epoch * (steps // per_epoch)

    def train_networks(self) -> float:
        import numpy as np
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.model_selection import GridSearchCV

        work, rows = self.workload, self.rows
        x = np.concatenate([rows.x, rows.held_x])
        y = np.concatenate([rows.y, rows.held_y])
        split = (np.arange(work.rows), np.arange(work.rows, len(x)))
        grid = {"learning_rate_init": work.learning_rates, "momentum": work.momenta}
        search = GridSearchCV(
            classifier(work, work.epochs), grid, cv=[split], refit=False, n_jobs=available_cores()
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            search.fit(x, y)
        self.scores = list(search.cv_results_["mean_test_score"])
        return 1.0

    def losses(self, workload: Workload) -> list[float]:
        x, y = self.rows.x, self.rows.y
        model = classifier(workload, epochs=1)
        batches = batches_in_order(workload)
        classes = range(workload.network.sizes[-1])
        model.partial_fit(x[batches[0]], y[batches[0]], classes=classes)  # makes the arrays
        layers = inputs.initial_weights(workload.network)
        for index, (weight, bias) in enumerate(layers):
            model.coefs_[index][...] = weight
            model.intercepts_[index][...] = bias
        del model._optimizer  # there is no public way to begin again with given weights
        seen = []
        for rows in batches:
            model.partial_fit(x[rows], y[rows])
            seen.append(float(model.loss_))
        return seen


def classifier(workload: Workload, epochs: int) -> Any:
    """The classifier with all that would stop or penalise it turned off."""
    from sklearn.neural_network import MLPClassifier

    network, optimizer = workload.network, workload.optimizers[-1]
    return MLPClassifier(
        network.sizes[1:-1],
        activation="logistic" if network.activation == "sigmoid" else network.activation,
        solver="adam" if optimizer.name == "adam" else "sgd",
        alpha=0.0,
        batch_size=workload.batch,
        learning_rate_init=optimizer.learning_rate,
        momentum=optimizer.momentum,
        nesterovs_momentum=False,
        epsilon=optimizer.epsilon,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=NEVER,
        shuffle=workload.shuffle,
        random_state=0,
    )


CONTENDER = ScikitLearn
