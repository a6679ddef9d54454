"""PyTorch: the same `nn.Sequential`, and its `state_dict` in and out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import random_inputs, random_network
from safetensors.torch import load_file
from single_layers import ROWS, single_layer
from torch import nn

import glassnet as gn
from glassnet.exchange import torch_modules
from glassnet.layers import LAYERS

pytestmark = pytest.mark.peers

OURS = {n for n in LAYERS.names() if LAYERS[n].__module__.startswith("glassnet.")}


def same(received, expected):
    """The same names, dtypes, shapes and bits."""
    assert received.keys() == expected.keys()
    for name, tensor in expected.items():
        array = np.asarray(tensor)
        assert received[name].dtype == array.dtype, name
        np.testing.assert_array_equal(received[name], array, err_msg=name)


def test_every_layer_has_a_module():
    assert {layer.name for layer in torch_modules.MODULES} == OURS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(40))
def test_the_model_computes_the_same(seed, dtype):
    network = random_network(seed, dtype=dtype, rate=0.3)
    model = network.to_torch()
    assert isinstance(model, nn.Sequential)
    assert len(model) == len(network.layers)
    x = random_inputs(network, rows=5, seed=seed).astype(dtype)
    tolerance = 1e-6 if dtype == "float32" else 1e-12
    with torch.no_grad():
        received = model(torch.from_numpy(x)).numpy()
    assert received.dtype == network.dtype
    np.testing.assert_allclose(received, network.forward(x), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_option_of_every_layer(row):
    network = single_layer(row, "float64")
    x = row.draw(6)
    with torch.no_grad():
        received = network.to_torch()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(received, network.forward(x), rtol=1e-12, atol=1e-12)
    same(network.state_dict(), network.to_torch().state_dict())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(20))
def test_state_dicts_are_the_same_bits_both_ways(seed, dtype):
    network = random_network(seed, dtype=dtype)
    model = network.to_torch()
    same(network.state_dict(), model.state_dict())
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.1)
    network.load_state_dict(model.state_dict())
    same(network.state_dict(), model.state_dict())
    x = random_inputs(network, seed=seed).astype(dtype)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(network.forward(x), expected, rtol=1e-5, atol=1e-5)


def test_training_goes_on_in_pytorch_and_back():
    """A model that PyTorch has trained: its running statistics and its weights come over."""
    network = gn.Network(
        [gn.Dense(8), gn.BatchNorm(), gn.ReLU(), gn.Dense(3)], input_shape=(4,), seed=0
    )
    model = network.to_torch().train()
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
        optimizer.step()
    assert model.state_dict()["1.num_batches_tracked"] == 20
    network.load_state_dict(model.state_dict())
    with torch.no_grad():
        expected = model.eval()(x).numpy()
    np.testing.assert_allclose(network.forward(x.numpy()), expected, rtol=1e-5, atol=1e-5)


def test_raw_bytes_and_codes_go_in():
    images = gn.Network([gn.Rescale(), gn.Flatten(), gn.Dense(2)], input_shape=(3, 3), seed=0)
    x = np.random.default_rng(0).integers(256, size=(4, 3, 3)).astype(np.uint8)
    with torch.no_grad():
        received = images.to_torch()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(received, images.forward(x), rtol=1e-6, atol=1e-6)


def test_safetensors_that_pytorch_reads(tmp_path):
    """Our export, loaded by the safetensors package, fits PyTorch's modules as it is."""
    network = random_network(1, dtype="float32")
    path = network.to_safetensors(tmp_path / "net.safetensors")
    holder = nn.Module()
    holder.layers = network.to_torch()
    for tensor in holder.parameters():
        nn.init.zeros_(tensor)
    holder.load_state_dict(load_file(path))
    same(network.state_dict(), holder.layers.state_dict())


def test_half_precision_is_refused_or_widened():
    network = gn.Network([gn.Dense(1)], input_shape=(1,), seed=0)
    half = {name: torch.from_numpy(a).bfloat16() for name, a in network.state_dict().items()}
    with pytest.raises(ValueError, match=r"'0.weight' cannot be read by NumPy .*tensor.float"):
        network.load_state_dict(half)


def test_what_has_no_module():
    class Own(gn.ReLU):
        name = "TestOwnOfTorch"

    with pytest.raises(ValueError, match=r"layers.0 is a Own, which has no counterpart in PyTorch"):
        gn.Network([Own()], input_shape=(1,)).to_torch()
    with pytest.raises(ValueError, match=r"batch norm takes rows of 1 to 4 axes"):
        gn.Network([gn.BatchNorm()], input_shape=(1, 1, 1, 1, 1)).to_torch()
