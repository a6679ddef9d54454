"""Whole networks against PyTorch, live: outputs, gradients, and training with every optimizer."""

import numpy as np
import pytest
from fixtures.make_torch_networks import LOSSES, OPTIMIZERS, torch_pass, torch_training
from networks import differentiable, random_inputs, random_network, targets_for

from glassnet import losses, optimizers

pytestmark = pytest.mark.peers

BATCH = 8
ROWS = 32

every_network = pytest.mark.parametrize("seed", range(28))
every_mode = pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])


def test_every_loss_and_optimizer_has_a_counterpart():
    for registry, table in ((losses.LOSSES, LOSSES), (optimizers.OPTIMIZERS, OPTIMIZERS)):
        ours = [n for n in registry.names() if registry[n].__module__.startswith("glassnet.")]
        assert sorted(table) == sorted(ours)


def close(received, expected, tolerance):
    """To within a share of the largest number in the array."""
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(received, expected, rtol=0, atol=tolerance * scale)


@every_mode
@every_network
def test_outputs_and_gradients(seed, training):
    network = random_network(seed)
    x = random_inputs(network, seed=seed)
    for loss in LOSSES:
        y = targets_for(loss, len(x), seed=seed)
        outputs, value, dx, gradients, _ = torch_pass(network, x, y, loss, training)
        close(network.forward(x, training), outputs, 1e-10)
        assert network.loss_and_gradient(x, y, loss, training) == pytest.approx(value, rel=1e-10)
        for name, expected in gradients.items():
            close(network.parameters[name].gradient, expected, 1e-10)
        chosen, targets = network.prepared_targets(y, len(x), loss)
        dx_received = network.backward(chosen(network.forward(x, training), targets.rows)[1])
        smooth = differentiable(network, x)
        close(dx_received[smooth], dx[smooth], 1e-10)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("seed", [0, 1, 4, 6, 7, 8, 12, 16])
def test_200_steps_of_training(seed, optimizer):
    network, expected, statistics = trained(seed, optimizer, "float64", steps=200)
    for name, value in expected.items():
        close(network.parameters[name].value, value, 1e-10)
    for name, value in statistics.items():
        close(network.buffers[name], value, 1e-10)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@every_network
def test_one_step_in_float32(seed, optimizer):
    network, expected, statistics = trained(seed, optimizer, "float32", steps=1)
    for name, value in expected.items():
        close(network.parameters[name].value, value, 1e-5)
    for name, value in statistics.items():
        close(network.buffers[name], value, 1e-5)


def trained(seed, optimizer, dtype, steps):
    """A network that `fit` took so many steps, and where PyTorch takes the same network."""
    network = random_network(seed, dtype=dtype)
    for layer in network.layers:
        layer.fitted = layer.needs_fit  # its statistics are given
    loss = list(LOSSES)[seed % len(LOSSES)]
    rows = BATCH if steps == 1 else ROWS
    x = random_inputs(network, rows, seed)
    y = targets_for(loss, rows, seed=seed)
    values, statistics = torch_training(network, x, y, loss, optimizer, steps, BATCH)
    options = {"name": optimizer, **OPTIMIZERS[optimizer][0]}
    network.fit(
        x,
        y,
        loss=loss,
        optimizer=options,
        batch_size=BATCH,
        epochs=steps * BATCH // rows,
        shuffle=False,
    )
    return network, values, statistics
