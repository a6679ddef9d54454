"""Twins in Keras, on whichever backend is installed (or the one that KERAS_BACKEND names)."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from glassnet.accelerate import Array
from glassnet.experiments.twins import Lesson

if "KERAS_BACKEND" not in os.environ:
    for backend in ("torch", "tensorflow", "jax"):  # JAX comes last: it has no float64 unasked
        if importlib.util.find_spec(backend) is not None:
            os.environ["KERAS_BACKEND"] = backend
            break

import keras

ACTIVATIONS = {
    "Identity": "linear",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "ReLU": "relu",
    "Softplus": "softplus",
    "SiLU": "silu",
    "ELU": "elu",
    "SELU": "selu",
}


class KerasTwin:
    """A `Sequential`, compiled, that is trained batch by batch."""

    framework = "Keras"

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.model = keras.Sequential(self._layers())
        for index, layer in enumerate(self.model.layers):
            if lesson.layers[index]["name"] == "Dense":
                names = (f"{index}.weight", f"{index}.bias")
                layer.set_weights([lesson.arrays[n] for n in names if n in lesson.arrays])
        self.model.compile(self._optimizer(), self._loss, jit_compile=False)

    def _layers(self) -> list[Any]:
        dtype = self.lesson.dtype
        layers: list[Any] = [keras.Input((self.lesson.inputs,), dtype=dtype)]
        for index, config in enumerate(self.lesson.layers):
            if config["name"] == "Dense":
                has_bias = f"{index}.bias" in self.lesson.arrays
                layers.append(keras.layers.Dense(config["units"], use_bias=has_bias, dtype=dtype))
            elif config["name"] == "BatchNorm":
                layers.append(
                    keras.layers.BatchNormalization(
                        momentum=1 - config["momentum"], epsilon=config["epsilon"], dtype=dtype
                    )
                )
            elif config["name"] == "Dropout":
                layers.append(keras.layers.Dropout(config["rate"], seed=index, dtype=dtype))
            else:
                name = ACTIVATIONS[config["name"]]
                layers.append(keras.layers.Activation(name, dtype=dtype))
        return layers

    def _optimizer(self) -> Any:
        options = self.lesson.optimizer
        rate = options["learning_rate"]
        if options["name"] == "adam":
            # Its ε stands beside the root of the uncorrected v, where ours counts for less.
            betas = options["beta1"], options["beta2"]
            return keras.optimizers.Adam(rate, *betas, epsilon=options["epsilon"])
        return keras.optimizers.SGD(rate, momentum=options.get("momentum", 0.0))

    def _loss(self, y: Any, outputs: Any) -> Any:
        """A scalar: what is descended."""
        name, ops = self.lesson.loss["name"], keras.ops
        if name == "cross_entropy":
            rows = keras.losses.categorical_crossentropy(y, outputs, from_logits=True)
        elif name == "binary_cross_entropy":
            rows = ops.sum(ops.softplus(outputs) - y * outputs, axis=-1)
        else:
            rows = ops.sum(ops.square(outputs - y), axis=-1)
            rows = 0.5 * rows if name == "squared_error" else rows
        return rows if self._sums else rows / self.lesson.divisor

    @property
    def _sums(self) -> bool:
        return bool(self.lesson.loss["reduction"] == "sum")

    def step(self, x: Array, y: Array, rate: float) -> float:
        """`train_on_batch`; Keras means over rows, of which a weight makes a sum."""
        self.model.optimizer.learning_rate = rate
        self.model.reset_metrics()  # the loss that comes back is a mean since the last reset
        weights = None
        if self._sums:
            import numpy as np

            weights = np.full(len(x), float(len(x)), self.lesson.dtype)
        loss = float(self.model.train_on_batch(x, y, sample_weight=weights))
        return loss / (len(x) * self.lesson.divisor) if self._sums else loss

    def outputs(self, x: Array) -> Array:
        """At inference: running statistics."""
        found: Array = keras.ops.convert_to_numpy(self.model(x, training=False))
        return found


TWIN = KerasTwin
