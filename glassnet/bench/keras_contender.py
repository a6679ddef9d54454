"""Keras: `fit` with many steps an execution and with one, the default, on all backends."""

from __future__ import annotations

import importlib.util
from typing import Any

from glassnet.bench import inputs
from glassnet.bench.contender import Contender, Variant, batches_in_order, steps_of
from glassnet.bench.workloads import Workload

BACKENDS = ("tensorflow", "jax", "torch")
STEPS_PER_EXECUTION = {"tensorflow": 1_000, "jax": 50, "torch": 1}
"""What is fastest: TensorFlow loops in its graph, JAX unrolls the loop, PyTorch has none."""


class Keras(Contender):
    """`compile` and `fit` as the guide shows them, without metrics or output."""

    title = "Keras"
    packages = ("keras",)
    optional = BACKENDS

    @classmethod
    def variants(cls, workload: Workload, cores: int) -> list[Variant]:
        installed = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
        if not installed:
            raise ValueError(f"Keras needs a backend: install one of {', '.join(BACKENDS)}.")
        ways = [(backend, STEPS_PER_EXECUTION[backend]) for backend in installed]
        ways += [(backend, 1) for backend, steps in ways if steps > 1]
        return [
            Variant(
                f"fit, {backend}, {steps} step{'s' * (steps > 1)} an execution",
                options={"steps_per_execution": steps},
                environment={
                    "KERAS_BACKEND": backend,
                    "JAX_PLATFORMS": "cpu",
                    "TF_CPP_MIN_LOG_LEVEL": "2",
                },
            )
            for backend, steps in ways
        ]

    def __init__(self, workload: Workload, variant: Variant) -> None:
        super().__init__(workload, variant)
        self.model = build(workload, int(variant.options["steps_per_execution"]))

    def train(self) -> int:
        work, steps = self.workload, steps_of(self.workload, "keras")
        per_epoch = min(steps, work.rows // work.batch)
        x, y = self._arrays
        rows = per_epoch * work.batch
        epochs = steps // per_epoch
        self.model.fit(x[:rows], y[:rows], work.batch, epochs, verbose=0, shuffle=work.shuffle)
        return per_epoch * epochs

    def losses(self, workload: Workload) -> list[float]:
        model = build(workload, 1)
        x, y = self._arrays
        seen = []
        for rows in batches_in_order(workload):
            model.reset_metrics()  # the loss that comes back is a mean since the last reset
            seen.append(float(model.train_on_batch(x[rows], y[rows])))
        return seen

    @property
    def _arrays(self) -> tuple[Any, Any]:
        if not hasattr(self, "_made"):
            one_hot = self.workload.loss == "squared_error"
            y = self.rows.one_hot(self.workload.network.sizes[-1]) if one_hot else self.rows.y
            self._made = self.rows.x, y
        return self._made


def build(workload: Workload, steps_per_execution: int) -> Any:
    """The network with its initial weights, compiled."""
    import keras

    network, optimizer = workload.network, workload.optimizers[-1]
    weights = inputs.initial_weights(network)
    chain: list[Any] = [keras.Input((network.sizes[0],))]
    dense = []
    for index, (weight, bias) in enumerate(weights):
        dense.append(keras.layers.Dense(weight.shape[1], use_bias=bias is not None))
        chain.append(dense[-1])
        if index < len(weights) - 1:
            if network.batch_norm:
                chain.append(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
            chain.append(keras.layers.Activation(network.activation))
            if network.dropout:
                chain.append(keras.layers.Dropout(network.dropout))
    if network.output_activation:
        chain.append(keras.layers.Activation(network.activation))
    model = keras.Sequential(chain)
    for layer, arrays in zip(dense, weights, strict=True):
        layer.set_weights([array for array in arrays if array is not None])

    def squared_error(y: Any, a: Any) -> Any:
        return 0.5 * keras.ops.sum(keras.ops.square(a - y), axis=-1)

    crossed = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if optimizer.name == "adam":
        moving = keras.optimizers.Adam(optimizer.learning_rate, epsilon=optimizer.epsilon)
    else:
        moving = keras.optimizers.SGD(optimizer.learning_rate, momentum=optimizer.momentum)
    model.compile(
        moving,
        squared_error if workload.loss == "squared_error" else crossed,
        steps_per_execution=steps_per_execution,
    )
    return model


CONTENDER = Keras
