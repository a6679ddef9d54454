"""The same network in PyTorch: our layers as modules of `torch.nn`, preprocessing as our own.

This file imports PyTorch, so it is imported only by `Network.to_torch`. The four modules of
preprocessing take raw data, as the layers of the same names do, so that the model can be called
with what the network was trained on. They are plain classes of this file: a model that is pickled
whole needs glassnet where it is read, its `state_dict` does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from glassnet import layers as gn
from glassnet.exchange.pytorch import state_dict

if TYPE_CHECKING:
    from glassnet.layers.base import Layer
    from glassnet.network import Network

EXACT_SOFTPLUS = 40.0
"""From here ln(1 + eˣ) is x to the last bit of float64; PyTorch would take x from 20 on."""


class Rescale(nn.Module):  # type: ignore[misc]
    """y = scale · x + offset."""

    def __init__(self, scale: float, offset: float, dtype: Any) -> None:
        super().__init__()
        self.scale, self.offset, self.dtype = scale, offset, dtype

    def forward(self, x: Any) -> Any:
        return self.scale * x.to(self.dtype) + self.offset


class Standardize(nn.Module):  # type: ignore[misc]
    """y = (x − mean) / std, in float64 as in glassnet."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype
        self.register_buffer("mean", torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("std", torch.ones(shape, dtype=torch.float64))

    def forward(self, x: Any) -> Any:
        return ((x.to(torch.float64) - self.mean) / self.std).to(self.dtype)


class Impute(nn.Module):  # type: ignore[misc]
    """y = fill where x is missing in a chosen column, else x."""

    def __init__(self, chosen: Any, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype
        self.register_buffer("fill", torch.zeros(chosen.shape, dtype=torch.float64))
        self.register_buffer("chosen", torch.from_numpy(chosen.copy()), persistent=False)

    def forward(self, x: Any) -> Any:
        x = x.to(self.dtype)
        return torch.where(x.isnan() & self.chosen, self.fill.to(self.dtype), x)


class OneHot(nn.Module):  # type: ignore[misc]
    """y[:, k] = [x[:, sourceₖ] = codeₖ], or x[:, sourceₖ] itself where codeₖ < 0.

    Unlike the layer it does not refuse unknown codes: they become a row of zeros.
    """

    def __init__(self, source: Any, code: Any, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype
        self.register_buffer("source", torch.from_numpy(source.copy()), persistent=False)
        self.register_buffer("code", torch.from_numpy(code.copy()), persistent=False)

    def forward(self, x: Any) -> Any:
        taken = x[:, self.source]
        hot = (taken == self.code).to(self.dtype)
        return torch.where(self.code < 0, taken.to(self.dtype), hot)


def _batch_norm(layer: Any, dtype: Any) -> Any:
    kinds = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}
    axes = len(layer.input_shape)
    if axes not in kinds:
        raise ValueError(
            f"PyTorch's batch norm takes rows of 1 to 4 axes, this one has rows of shape "
            f"{layer.input_shape}. Put a Flatten() or Reshape(…) before it."
        )
    return kinds[axes](layer.features, layer.epsilon, layer.momentum, dtype=dtype)


def _reshape(layer: Any, dtype: Any) -> Any:
    if len(layer.output_shape) == 1:
        return nn.Flatten()
    if len(layer.input_shape) == 1:
        return nn.Unflatten(1, layer.output_shape)
    return nn.Sequential(nn.Flatten(), nn.Unflatten(1, layer.output_shape))


def _dense(layer: Any, dtype: Any) -> Any:
    has_bias = layer.bias is not None
    return nn.Linear(layer.input_shape[0], layer.units, bias=has_bias, dtype=dtype)


def _gelu(layer: Any, dtype: Any) -> Any:
    return nn.GELU("none" if layer.form == "exact" else "tanh")


MODULES: Mapping[type[Layer], Callable[[Any, Any], Any]] = {
    gn.Dense: _dense,
    gn.Identity: lambda layer, dtype: nn.Identity(),
    gn.Sigmoid: lambda layer, dtype: nn.Sigmoid(),
    gn.Tanh: lambda layer, dtype: nn.Tanh(),
    gn.Softplus: lambda layer, dtype: nn.Softplus(threshold=EXACT_SOFTPLUS),
    gn.ReLU: lambda layer, dtype: nn.ReLU(),
    gn.LeakyReLU: lambda layer, dtype: nn.LeakyReLU(layer.slope),
    gn.PReLU: lambda layer, dtype: nn.PReLU(layer.slope.size, dtype=dtype),
    gn.ELU: lambda layer, dtype: nn.ELU(layer.alpha),
    gn.SELU: lambda layer, dtype: nn.SELU(),
    gn.GELU: _gelu,
    gn.SiLU: lambda layer, dtype: nn.SiLU(),
    gn.Softmax: lambda layer, dtype: nn.Softmax(dim=-1),
    gn.Dropout: lambda layer, dtype: nn.Dropout(layer.rate),
    gn.BatchNorm: _batch_norm,
    gn.LayerNorm: lambda layer, dtype: nn.LayerNorm(layer.input_shape, layer.epsilon, dtype=dtype),
    gn.Flatten: lambda layer, dtype: nn.Flatten(),
    gn.Reshape: _reshape,
    gn.Rescale: lambda layer, dtype: Rescale(layer.scale, layer.offset, dtype),
    gn.Standardize: lambda layer, dtype: Standardize(layer.input_shape, dtype),
    gn.Impute: lambda layer, dtype: Impute(layer.chosen, dtype),
    gn.OneHot: lambda layer, dtype: OneHot(layer.source, layer.code, dtype),
}
"""Each layer's module, from the layer and the network's dtype."""


def sequential(network: Network) -> Any:
    """See `Network.to_torch`."""
    dtype = getattr(torch, network.dtype.name)
    modules = []
    for index, layer in enumerate(network.layers):
        if type(layer) not in MODULES:
            known = ", ".join(kind.__name__ for kind in MODULES)
            raise ValueError(
                f"layers.{index} is a {type(layer).__name__}, which has no counterpart in PyTorch. "
                f"Supported: {known}."
            )
        modules.append(MODULES[type(layer)](layer, dtype))
    model = nn.Sequential(*modules)
    tensors = {name: torch.from_numpy(array) for name, array in state_dict(network).items()}
    model.load_state_dict(tensors)
    return model.eval()
