"""Twins in PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from glassnet.accelerate import Array
from glassnet.experiments.twins import Lesson

ACTIVATIONS = {
    "Identity": nn.Identity,
    "Sigmoid": nn.Sigmoid,
    "Tanh": nn.Tanh,
    "ReLU": nn.ReLU,
    "Softplus": nn.Softplus,
    "SiLU": nn.SiLU,
    "ELU": nn.ELU,
    "SELU": nn.SELU,
}


class TorchTwin:
    """A `Sequential` with autograd and PyTorch's own loss and optimizer."""

    framework = "PyTorch"

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.dtype = getattr(torch, lesson.dtype)
        torch.manual_seed(0)  # of dropout's masks
        self.model = nn.Sequential(*self._layers())
        self.optimizer = self._optimizer()

    def _layers(self) -> list[Any]:
        width, layers = self.lesson.inputs, []
        for index, config in enumerate(self.lesson.layers):
            if config["name"] == "Dense":
                layers.append(self._dense(index, width))
                width = config["units"]
            elif config["name"] == "BatchNorm":
                norm = nn.BatchNorm1d(
                    width, config["epsilon"], config["momentum"], dtype=self.dtype
                )
                layers.append(norm)  # its weight and bias begin at 1 and 0, as ours do
            elif config["name"] == "Dropout":
                layers.append(nn.Dropout(config["rate"]))
            else:
                layers.append(ACTIVATIONS[config["name"]]())
        return layers

    def _dense(self, index: int, width: int) -> Any:
        weight = self.lesson.arrays[f"{index}.weight"]
        bias = self.lesson.arrays.get(f"{index}.bias")
        dense = nn.Linear(width, weight.shape[1], bias=bias is not None, dtype=self.dtype)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(weight.T.copy()))
            if bias is not None:
                dense.bias.copy_(torch.from_numpy(bias))
        return dense

    def _optimizer(self) -> Any:
        options, parameters = self.lesson.optimizer, self.model.parameters()
        rate = options["learning_rate"]
        if options["name"] == "adam":
            if not options["bias_correction"]:
                raise ValueError("PyTorch's Adam always corrects its bias: leave the cell out.")
            betas = options["beta1"], options["beta2"]
            return torch.optim.Adam(parameters, rate, betas, options["epsilon"])
        return torch.optim.SGD(parameters, rate, options.get("momentum", 0.0))

    def step(self, x: Array, y: Array, rate: float) -> float:
        """Forward, backward, update."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        loss = self._loss(self.model(torch.from_numpy(x)), torch.from_numpy(y))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.lesson.loss["reduction"] == "sum":
            return float(loss.item()) / (len(x) * self.lesson.divisor)
        return float(loss.item())

    def _loss(self, outputs: Any, y: Any) -> Any:
        name, reduction = self.lesson.loss["name"], self.lesson.loss["reduction"]
        if name == "cross_entropy":
            smoothing = self.lesson.loss["label_smoothing"]
            return functional.cross_entropy(
                outputs, y, reduction=reduction, label_smoothing=smoothing
            )
        if name == "binary_cross_entropy":
            total = functional.binary_cross_entropy_with_logits(outputs, y, reduction="sum")
        else:
            total = functional.mse_loss(outputs, y, reduction="sum")
            total = 0.5 * total if name == "squared_error" else total
        return total if reduction == "sum" else total / (len(y) * self.lesson.divisor)

    def outputs(self, x: Array) -> Array:
        """At inference: running statistics."""
        self.model.eval()
        with torch.no_grad():
            found: Array = self.model(torch.from_numpy(x)).numpy()
        return found


TWIN = TorchTwin
