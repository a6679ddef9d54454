"""Files: a network, or a network in the middle of its training, as one safetensors file.

A safetensors file is a JSON header (names, dtypes, shapes, and one string of our own) followed by
the bare numbers. Nothing in it can run when it is opened. The string of our own is a JSON document:

    {"format": 1, "glassnet": version, "network": {layers, input_shape, dtype, seed, loss, task,
     metadata, epochs_trained}, "training": {…} or absent, "sha256": of all the rest}

Tensors are called as in `network.parameters` and `network.buffers` (`layers.0.weight`); what
belongs to a training in progress is called `training.…`. Layers are looked up by name in the closed
registry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.files import write_atomically
from glassnet.layers.base import LAYERS
from glassnet.losses import LOSSES
from glassnet.network import Network
from glassnet.registry import Registry

if TYPE_CHECKING:
    from glassnet.trainer import Trainer

FORMAT = 1
TRAINING = "training."


def save_network(network: Network, path: Path, overwrite: bool = False) -> Path:
    """Write a network; see `Network.save`."""
    return write_tensors(path, _tensors(network), {"network": describe(network)}, overwrite)


def load(path: str | Path) -> Network:
    """Read a network back: the same outputs to the last bit.

    Raises:
        ValueError: if the file is missing, is no model of ours, was cut or edited, was written by a
            newer format, or holds a layer that this program does not know (`glassnet.register`).

    Example:
        >>> import tempfile, glassnet as gn
        >>> net = gn.Network([gn.Dense(2)], input_shape=(3,), seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = net.save(Path(folder) / "net.safetensors")
        ...     bool((gn.load(path).theta == net.theta).all())
        True
    """
    tensors, document = read_tensors(Path(path))
    try:
        network = rebuild(document["network"])
        fill(network, tensors, document["network"]["fitted"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not describe a network that can be built: {error}."
        ) from None
    return network


def save_checkpoint(trainer: Trainer, path: Path) -> Path:
    """Write network and training state, replacing the checkpoint before it."""
    numbers, arrays = trainer.state()
    tensors = _tensors(trainer.network)
    tensors |= {TRAINING + name: array for name, array in arrays.items()}
    document = {"network": describe(trainer.network), "training": numbers}
    return write_tensors(path, tensors, document, overwrite=True)


@dataclass(frozen=True)
class ReadCheckpoint:
    """What a checkpoint file holds.

    Attributes:
        numbers, arrays: the training state, see `Trainer.state`.
        network: the description of the network. tensors: its parameters and buffers.
    """

    numbers: dict[str, Any]
    arrays: dict[str, Array]
    network: dict[str, Any]
    tensors: dict[str, Array]

    def fill(self, network: Network) -> None:
        """Give a network the parameters, buffers and counters of this checkpoint."""
        fill(network, self.tensors, self.network["fitted"])
        network.epochs_trained = self.network["epochs_trained"]


def read_checkpoint(path: Path, network: Network) -> ReadCheckpoint:
    """Read a checkpoint that belongs to this network, without changing the network.

    Raises:
        ValueError: if the file holds no training state, or is of another network.
    """
    tensors, document = read_tensors(path)
    if "training" not in document:
        raise ValueError(
            f"{path} is a finished model without training state, so training cannot be resumed "
            "from it. Use a file written by the Checkpoint callback."
        )
    theirs, ours = document["network"], describe(network)
    for key in ("input_shape", "layers", "dtype", "seed"):
        if theirs[key] != ours[key]:
            raise ValueError(
                f"{path} holds a network with {key} = {theirs[key]}, but this one has {ours[key]}. "
                "Resume with a network made by the same code."
            )
    own = {name: array for name, array in tensors.items() if not name.startswith(TRAINING)}
    arrays = {n.removeprefix(TRAINING): a for n, a in tensors.items() if n.startswith(TRAINING)}
    return ReadCheckpoint(document["training"], arrays, theirs, own)


def describe(network: Network) -> dict[str, Any]:
    """All of a network but its numbers, as JSON-able data.

    Raises:
        ValueError: if a layer or the loss is of an unregistered class, which could not be read
            back.
    """
    for layer in network.layers:
        _refuse_unregistered(layer, LAYERS)
    if network.loss is not None:
        _refuse_unregistered(network.loss, LOSSES)
    return {
        "input_shape": list(network.input_shape),
        "dtype": network.dtype.name,
        "seed": network.seed,
        "layers": [layer.config() for layer in network.layers],
        "loss": None if network.loss is None else network.loss.config(),
        "task": network.task,
        "metadata": network.metadata,
        "epochs_trained": network.epochs_trained,
        "fitted": [layer.fitted for layer in network.layers],
    }


def _refuse_unregistered(part: Any, registry: Registry[Any]) -> None:
    if not registry.knows(part):
        raise ValueError(
            f"{type(part).__name__} is not registered, so a file could name it but nobody could "
            "read it back. Put @glassnet.register above the class."
        )


def rebuild(document: Mapping[str, Any]) -> Network:
    """A network as `describe` described it, with fresh numbers."""
    network = Network(
        [LAYERS.create(layer) for layer in document["layers"]],
        document["input_shape"],
        document["seed"],
        document["dtype"],
    )
    network.loss = None if document["loss"] is None else LOSSES.create(document["loss"])
    network.task = document["task"]
    network.metadata = dict(document["metadata"])
    network.epochs_trained = document["epochs_trained"]
    return network


def fill(network: Network, tensors: Mapping[str, Array], fitted: Sequence[bool]) -> None:
    """Copy tensors into a network's parameters and buffers, and say which layers were fitted.

    Raises:
        ValueError: if a tensor is missing or has another shape.
    """
    targets = {name: parameter.value for name, parameter in network.parameters.items()}
    targets |= network.buffers
    for name, target in targets.items():
        if name not in tensors:
            raise ValueError(f"tensor {name!r} is missing.")
        if tensors[name].shape != target.shape:
            raise ValueError(
                f"tensor {name!r} has shape {tensors[name].shape}, "
                f"the network needs {target.shape}."
            )
        target[...] = tensors[name]
    for layer, was_fitted in zip(network.layers, fitted, strict=True):
        layer.fitted = was_fitted


def _tensors(network: Network) -> dict[str, Array]:
    tensors = {name: parameter.value for name, parameter in network.parameters.items()}
    return tensors | network.buffers


# The file itself.


def write_tensors(
    path: Path, tensors: Mapping[str, Array], document: Mapping[str, Any], overwrite: bool = False
) -> Path:
    """Write tensors and a JSON document as one safetensors file, atomically."""
    import safetensors.numpy

    from glassnet import __version__

    whole = _as_json({"format": FORMAT, "glassnet": __version__, **document})
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    whole["sha256"] = _digest(contiguous, whole)
    data = safetensors.numpy.save(contiguous, {"glassnet": json.dumps(whole)})
    return write_atomically(path, data, overwrite)


def _as_json(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it will be read back: keys as text, tuples as lists."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(document))
    except TypeError as error:
        raise ValueError(
            f"The model's metadata can't be written as JSON ({error}). Put only text, numbers, "
            "lists and mappings into network.metadata."
        ) from None
    return plain


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read what `write_tensors` wrote.

    Raises:
        ValueError: with the file's name and what is wrong with it.
    """
    import safetensors
    import safetensors.numpy

    if path.is_dir():
        raise ValueError(f"{path} is a folder. Name the file: {path / 'model.safetensors'}.")
    if not path.is_file():
        raise ValueError(f"There is no model file {path}. Check the path.")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(
            f"{path} is not a whole safetensors file ({error}). It may have been cut while it was "
            "copied; copy it again or train anew."
        ) from None
    if "glassnet" not in header:
        raise ValueError(f"{path} is a safetensors file, but not one that glassnet wrote.")
    try:
        document: dict[str, Any] = json.loads(header["glassnet"])
        written, found = document.pop("sha256"), int(document["format"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} has a header that cannot be read ({error}).") from None
    if found > FORMAT:
        raise ValueError(
            f"{path} has format {found}; this version of glassnet reads formats up to {FORMAT}. "
            "Upgrade glassnet."
        )
    if _digest(tensors, document) != written:
        raise ValueError(
            f"{path} was changed after glassnet wrote it: its checksum does not fit. "
            "Use an intact copy."
        )
    return tensors, document


def _digest(tensors: Mapping[str, Array], document: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name}{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
