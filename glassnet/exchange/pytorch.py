"""PyTorch's names and layouts for what a network has learned.

PyTorch names the tensors of an `nn.Sequential` by the number of the module, `0.weight`. They hold
the same numbers as ours, bit for bit, but

    Dense        weight (fan_in, fan_out)          weight (fan_out, fan_in): y = x Wᵀ + b
    BatchNorm    gamma, beta, running values       weight, bias, and a count of batches
    LayerNorm    gamma, beta                       weight, bias
    PReLU        slope                             weight

The count, `num_batches_tracked`, is read by PyTorch only where its momentum is None. Nothing here
counts batches, so it is written as 0 and passed over when read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.files import write_atomically
from glassnet.registry import did_you_mean

if TYPE_CHECKING:
    from glassnet.network import Network

RENAMED = {
    "BatchNorm": {"gamma": "weight", "beta": "bias"},
    "LayerNorm": {"gamma": "weight", "beta": "bias"},
    "PReLU": {"slope": "weight"},
}
"""By layer, what our parameters are called there; all others have the same name."""

PREFIX = "layers."
"""What names in a file begin with, and may begin with where they are read."""

COUNT = "num_batches_tracked"


def torch_views(network: Network) -> dict[str, Array]:
    """The network's own numbers under PyTorch's names: views in PyTorch's layouts.

    The key and the counter of dropout masks are left out: PyTorch has no place for them.
    """
    arrays = {name: parameter.value for name, parameter in network.parameters.items()}
    arrays |= network.buffers
    views: dict[str, Array] = {}
    for index, layer in enumerate(network.layers):
        if layer.name == "Dropout":
            continue
        renamed = RENAMED.get(layer.name, {})
        for full, array in arrays.items():
            _, number, name = full.split(".", 2)
            if int(number) == index:
                transposed = layer.name == "Dense" and name == "weight"
                views[f"{index}.{renamed.get(name, name)}"] = array.T if transposed else array
        if layer.name == "BatchNorm":
            views[f"{index}.{COUNT}"] = np.zeros((), np.int64)
    return views


def state_dict(network: Network) -> dict[str, Array]:
    """See `Network.state_dict`."""
    with network.lock:
        return {name: np.array(view, order="C") for name, view in torch_views(network).items()}


def to_safetensors(network: Network, path: Path, overwrite: bool = False) -> Path:
    """See `Network.to_safetensors`."""
    from safetensors.numpy import save

    tensors = {f"{PREFIX}{name}": array for name, array in state_dict(network).items()}
    return write_atomically(path, save(tensors), overwrite)


def load_state_dict(network: Network, tensors: Mapping[str, Any]) -> None:
    """See `Network.load_state_dict`."""
    if not isinstance(tensors, Mapping):
        raise ValueError(
            "load_state_dict takes tensors by name, as a model's state_dict() or the safetensors "
            f"package's load_file(path) gives. Received: {type(tensors).__name__}."
        )
    views = torch_views(network)
    arrays = {str(name).removeprefix(PREFIX): _as_array(t, name) for name, t in tensors.items()}
    _check_names(views, arrays)
    for name, view in views.items():
        if name in arrays and arrays[name].shape != view.shape:
            raise ValueError(
                f"The tensor {name!r} has shape {arrays[name].shape}, but {_owner(network, name)} "
                f"needs {view.shape}; PyTorch's weights are (outputs, inputs). Load it into a "
                "network of the same layers."
            )
    with network.lock:
        for name, array in arrays.items():
            views[name][...] = array
        for layer in network.layers:
            layer.fitted = layer.fitted or layer.needs_fit


def _as_array(tensor: Any, name: str) -> Array:
    """A PyTorch tensor on any device, or whatever NumPy understands, as an array of numbers."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
    try:
        array = np.asarray(tensor)
    except (TypeError, ValueError) as error:  # bfloat16, which NumPy lacks; lists of unequal length
        raise ValueError(
            f"The tensor {name!r} cannot be read by NumPy ({error}). Convert it first, for example "
            "by tensor.float()."
        ) from None
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"The tensor {name!r} must hold numbers. Received {type(tensor).__name__} of dtype "
            f"{array.dtype}."
        )
    return array


def _check_names(views: Mapping[str, Array], arrays: Mapping[str, Array]) -> None:
    for name in arrays:
        if name not in views:
            raise ValueError(
                f"The network has no tensor {name!r}.{did_you_mean(name, views)} "
                f"It has: {', '.join(views)}."
            )
    for name in views:
        if name not in arrays and not name.endswith(f".{COUNT}"):  # old files have no counts
            raise ValueError(
                f"The tensor {name!r} is missing. The network needs: {', '.join(views)}. "
                f"Received: {', '.join(arrays) or 'nothing'}."
            )


def _owner(network: Network, name: str) -> str:
    """The layer that a tensor belongs to, in words."""
    index = int(name.split(".")[0])
    return f"layers.{index} ({network.layers[index]!r})"
