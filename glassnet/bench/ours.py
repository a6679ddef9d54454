"""glassnet itself, as its users write it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import glassnet as gn
from glassnet.accelerate import Array
from glassnet.bench import inputs
from glassnet.bench.contender import Contender, Variant, available_cores
from glassnet.bench.workloads import Architecture, Descent, Workload

ACTIVATIONS = {"sigmoid": gn.Sigmoid, "tanh": gn.Tanh, "relu": gn.ReLU}
LOSSES = {"cross_entropy": gn.CrossEntropy, "squared_error": gn.SquaredError}


class Ours(Contender):
    """glassnet with its defaults: how steps are run, and on how many cores, is its own choice."""

    title = "glassnet"
    start_script = Path(__file__).parent / "fresh" / "ours_start.py"
    memory_script = Path(__file__).parent / "fresh" / "ours_memory.py"

    @classmethod
    def variants(cls, workload: Workload, cores: int) -> list[Variant]:
        if workload.one_thread:
            return [Variant("1 core", cores=1)]
        return [Variant("defaults")]

    def __init__(self, workload: Workload, variant: Variant) -> None:
        super().__init__(workload, variant)
        self.network = build(workload.network, workload)

    def train(self) -> int:
        work = self.workload
        self._fit(self.network, work, work.optimizer, epochs=work.epochs, shuffle=work.shuffle)
        return work.epochs * (work.rows // work.batch)

    def train_networks(self) -> float:
        from threadpoolctl import threadpool_limits

        work = self.workload
        cells = [(seed, optimizer) for seed in work.seeds for optimizer in work.optimizers]

        def run(cell: tuple[int, Descent]) -> float:
            seed, optimizer = cell
            network = build(work.network, work, seed)
            self._fit(network, work, optimizer, epochs=work.epochs)
            if not len(self.rows.held_x):
                return 0.0
            return float((network.predict(self.rows.held_x) == self.rows.held_y).mean())

        # One network a core, so one thread for the products of each.
        with threadpool_limits(1), ThreadPoolExecutor(available_cores()) as pool:
            self.scores = list(pool.map(run, cells))
        return 1.0

    def predict(self) -> Array:
        return self.network.predict_proba(self.rows.x[: self.workload.batch])

    def losses(self, workload: Workload) -> list[float]:
        seen = StepLosses()
        steps = workload.check_steps
        epochs = max(1, -(-steps * workload.batch // workload.rows))
        network = build(workload.network, workload)
        optimizer = workload.optimizers[-1]
        rows = steps * workload.batch
        self._fit(
            network, workload, optimizer, epochs=epochs, shuffle=False, callbacks=[seen], rows=rows
        )
        return seen.values[:steps]

    def probabilities(self, x: Array) -> Array:
        return self.network.predict_proba(x)

    def write_model(self, path: Path) -> None:
        self.network.save(path)

    def _fit(
        self,
        network: gn.Network,
        workload: Workload,
        optimizer: Descent,
        rows: int | None = None,
        **options: Any,
    ) -> gn.History:
        return network.fit(
            self.rows.x[:rows],
            self.rows.y[:rows],
            loss=workload.loss,
            optimizer=descent(optimizer),
            batch_size=workload.batch,
            **options,
        )


class StepLosses(gn.Callback):
    """Keeps the loss of every step."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_step_end(self, trainer: Any) -> None:
        self.values.append(float(trainer.batch_loss))


def build(architecture: Architecture, workload: Workload, seed: int = 0) -> gn.Network:
    """The network with its initial weights, ready to train and to predict."""
    network = gn.Network(layers(architecture), (architecture.sizes[0],), seed=seed)
    dense = [i for i, layer in enumerate(network.layers) if isinstance(layer, gn.Dense)]
    weights = inputs.initial_weights(architecture, seed)
    for index, (weight, bias) in zip(dense, weights, strict=True):
        network.parameters[f"layers.{index}.weight"].value[...] = weight
        if bias is not None:
            network.parameters[f"layers.{index}.bias"].value[...] = bias
    network.loss, network.task = LOSSES[workload.loss](), "classification"
    return network


def layers(architecture: Architecture) -> list[gn.Layer]:
    """Dense, batch norm, activation and dropout of every hidden layer, and the outputs."""
    activation = ACTIVATIONS[architecture.activation]
    chain: list[gn.Layer] = []
    for units in architecture.sizes[1:-1]:
        chain.append(gn.Dense(units))
        if architecture.batch_norm:
            chain.append(gn.BatchNorm())
        chain.append(activation())
        if architecture.dropout:
            chain.append(gn.Dropout(architecture.dropout))
    chain.append(gn.Dense(architecture.sizes[-1]))
    if architecture.output_activation:
        chain.append(activation())
    return chain


def descent(optimizer: Descent) -> gn.Optimizer:
    """The optimizer; momentum 0 is plain gradient descent in a grid as well."""
    if optimizer.name == "adam":
        return gn.Adam(optimizer.learning_rate, epsilon=optimizer.epsilon)
    if optimizer.momentum == 0:
        return gn.SGD(optimizer.learning_rate)
    return gn.Momentum(optimizer.learning_rate, optimizer.momentum)


CONTENDER = Ours
