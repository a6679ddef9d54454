"""A run, or a configuration, opened to be looked into: its network, its parts and some rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from glassnet.accelerate import Array
from glassnet.losses import Loss
from glassnet.network import Network
from glassnet.optimizers import Optimizer


@dataclass(frozen=True)
class Opened:
    """What a look inside needs.

    Attributes:
        network: trained, or fresh from its configuration with preprocessing fitted.
        loss, optimizer: of the configuration; the optimizer is at its start.
        x, y: training rows, at least as many as asked for if there are so many.
        batch_size: of the run.
    """

    network: Network
    loss: Loss
    optimizer: Optimizer
    x: Array
    y: Array
    batch_size: int


def opened(source: Path) -> Opened:
    """Open a run's folder, or a .toml file as `glassnet train` takes it.

    Raises:
        ValueError: if it is neither, or if the run's data have changed.
    """
    from glassnet.cli.models import load_model
    from glassnet.runs.config import load_config
    from glassnet.runs.folder import open_run
    from glassnet.runs.recipe import load_data, make_loss, make_optimizer, prepare
    from glassnet.runs.training import data_of

    if source.suffix.lower() == ".toml":
        config = load_config(source)
        recipe = prepare(config, load_data(config))
        config, dataset, network = recipe.config, recipe.dataset, recipe.network
        x, y = recipe.train.x, recipe.train.y
        y = y if recipe.units is None else recipe.units.standardized(y)
        _fit_preprocessing(network, x)
    else:
        folder = open_run(source)
        network, config, dataset = load_model(source), load_config(folder.config), data_of(folder)
        x, y = dataset.train.x, dataset.train.y
    size = config.training.batch_size
    rows = len(x) if not isinstance(size, int) else min(size, len(x))
    return Opened(network, make_loss(config, dataset), make_optimizer(config), x, y, rows)


def _fit_preprocessing(network: Network, x: Array) -> None:
    """Let layers such as `Standardize` learn from the rows, as a training begins."""
    y = x
    for layer in network.layers:
        if layer.needs_fit:
            layer.fit(y)
            layer.fitted = True
        y = layer.forward(network.entry(y) if layer is network.layers[0] else y).copy()
