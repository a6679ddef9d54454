"""Finding a trained network on disk: in a run's folder, or in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from glassnet.checkpoint import load
from glassnet.network import Network


def load_model(path: Path) -> Network:
    """The network of a run folder or of a model file.

    Raises:
        ValueError: if there is none, if it is damaged, or if its training has not ended.
    """
    if path.is_dir():
        from glassnet.runs.folder import open_run

        folder = open_run(path)
        if not folder.model.is_file():
            raise ValueError(
                f"{path} has no model yet, its training has not ended: go on with "
                f"`glassnet train --resume {path}`."
            )
        path = folder.model
    elif not path.exists():
        raise ValueError(f"There is no run folder and no model file {path}: check the path.")
    network = load(path)
    if "target_units" in network.metadata:
        raise ValueError(
            f"{path} is the checkpoint of a training, in other units than its target's: "
            "use model.safetensors from the same folder."
        )
    if network.task is None:
        raise ValueError(f"{path} holds a network that has not been trained: train it first.")
    return network


def missing_rule(network: Network) -> Literal["refuse", "impute"]:
    """Whether missing values are refused or left for the network to fill in."""
    return "impute" if any(layer.accepts_nan for layer in network.layers) else "refuse"
