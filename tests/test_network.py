"""The network: backpropagation as a whole, what users hand in, and what they get back."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from gradients import assert_same_gradient, numerical_gradient
from networks import (
    differentiable,
    random_inputs,
    random_layers,
    random_network,
    restore,
    targets_for,
)
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error

import glassnet as gn
from glassnet.checkpoint import rebuild
from glassnet.layers import LAYERS
from glassnet.losses import LOSSES
from glassnet.network import CHUNK

LOSS_NAMES = [n for n in LOSSES.names() if LOSSES[n].__module__.startswith("glassnet.")]
SEEDS = range(28)
KEPT = json.loads((Path(__file__).parent / "fixtures/torch_networks.json").read_text("utf-8"))


# Backpropagation.


def test_random_networks_have_every_layer():
    drawn = {layer.name for seed in SEEDS for layer in random_layers(seed, rate=0.3)[1]}
    known = {n for n in LAYERS.names() if LAYERS[n].__module__.startswith("glassnet.")}
    assert drawn == known


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_of_random_networks_are_central_differences(seed, training):
    """Every parameter and every input, dropout's mask held fixed; the loss takes turns as well."""
    network = random_network(seed, rate=0.3)
    x = random_inputs(network, seed=seed)
    loss = LOSS_NAMES[seed % len(LOSS_NAMES)]
    y, weights = targets_for(loss, len(x)), np.random.default_rng(seed).uniform(0.5, 2, len(x))
    before = {name: buffer.copy() for name, buffer in network.buffers.items()}
    chosen, targets = network.prepared_targets(y, len(x), loss)

    def value():
        restore(network, before)
        return chosen(network.forward(x, training), targets.rows, weights)[0]

    restore(network, before)
    network.gradient[:] = np.nan
    received = network.loss_and_gradient(x, y, loss, training, weights)
    assert received == pytest.approx(value(), rel=1e-14)
    gradient = network.gradient.copy()
    dx = network.backward(chosen(network.forward(x, training), targets.rows, weights)[1])

    if training:
        restore(network, before)
        network.forward(x, training)
        dx = network.backward(chosen(value_outputs(network, x, before), targets.rows, weights)[1])
    expected = numerical_gradient(value, network.theta, epsilon=2e-4)
    assert_same_gradient(gradient, expected, what=f"{network!r}, {loss}: theta")
    smooth = differentiable(network, x)
    expected = numerical_gradient(value, x, epsilon=2e-4, where=smooth)
    assert_same_gradient(dx, expected, what=f"{network!r}, {loss}: x")
