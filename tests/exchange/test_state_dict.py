"""PyTorch's names and layouts, without PyTorch; and what is said where an extra is missing."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

import glassnet as gn


def small():
    return gn.Network(
        [gn.Standardize(), gn.Dense(3), gn.BatchNorm(), gn.PReLU(), gn.Dropout(), gn.Dense(2)],
        input_shape=(4,),
        seed=0,
    )


def test_names_and_layouts():
    network = small()
    tensors = network.state_dict()
    assert {name: array.shape for name, array in tensors.items()} == {
        "0.mean": (4,),
        "0.std": (4,),
        "1.weight": (3, 4),
        "2.weight": (3,),
        "2.bias": (3,),
        "2.running_mean": (3,),
        "2.running_var": (3,),
        "2.num_batches_tracked": (),
        "3.weight": (1,),
        "5.weight": (2, 3),
        "5.bias": (2,),
    }
    weight = network.parameters["layers.1.weight"].value
    assert tensors["1.weight"][2, 0] == weight[0, 2]
    assert tensors["1.weight"].flags.c_contiguous
    assert not np.shares_memory(tensors["5.bias"], network.theta)


@pytest.mark.parametrize("prefix", ["", "layers."])
def test_in_and_out(prefix):
    rng = np.random.default_rng(0)
    given = {
        name: rng.uniform(0.1, 1, array.shape).astype(array.dtype)
        for name, array in small().state_dict().items()
    }
    network = small()
    theta = network.theta
    network.load_state_dict({prefix + name: array for name, array in given.items()})
    for name, array in network.state_dict().items():
        np.testing.assert_array_equal(array, given[name], err_msg=name)
    assert network.theta is theta
    assert network.layers[0].fitted


def test_old_files_without_counts():
    tensors = small().state_dict()
    del tensors["2.num_batches_tracked"]
    small().load_state_dict(tensors)


def without(name):
    return {n: a for n, a in small().state_dict().items() if n != name}


BAD = {
    "missing": (
        without("1.weight"),
        r"'1.weight' is missing. The network needs: 0.mean",
    ),
    "nothing": ({}, r"'0.mean' is missing.*Received: nothing"),
    "unknown": (
        small().state_dict() | {"1.wieght": np.zeros(3)},
        r"no tensor '1.wieght'. Did you mean '1.weight'\? It has: 0.mean",
    ),
    "transposed": (
        small().state_dict() | {"1.weight": np.zeros((4, 3))},
        r"'1.weight' has shape \(4, 3\), but layers.1 \(Dense\(units=3\)\) needs \(3, 4\)",
    ),
    "text": (small().state_dict() | {"5.bias": ["a", "b"]}, r"'5.bias' must hold numbers"),
    "uneven": (small().state_dict() | {"5.bias": [[1], [1, 2]]}, r"'5.bias' cannot be read by"),
    "a path": ("digits.safetensors", r"tensors by name, as a model's.*Received: str"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tensors_change_nothing(case):
    tensors, message = BAD[case]
    network = small()
    before = network.theta.copy()
    with pytest.raises(ValueError, match=message) as caught:
        network.load_state_dict(tensors)
    assert "\n" not in str(caught.value)
    np.testing.assert_array_equal(network.theta, before)


def test_safetensors(tmp_path):
    network = small()
    path = network.to_safetensors(tmp_path / "net.safetensors")
    tensors = load_file(path)
    for name, array in network.state_dict().items():
        np.testing.assert_array_equal(tensors[f"layers.{name}"], array)
    other = small()
    other.theta[:] = 0
    other.load_state_dict(tensors)
    np.testing.assert_array_equal(other.theta, network.theta)
    with pytest.raises(ValueError, match="exists already"):
        network.to_safetensors(path)
    with pytest.raises(ValueError, match="not one that glassnet wrote"):
        gn.load(path)


@pytest.mark.parametrize(
    ("module", "use"),
    [
        ("onnx", lambda folder: small().to_onnx(folder / "net.onnx")),
        ("torch", lambda folder: small().to_torch()),
    ],
)
def test_a_missing_extra_is_named(module, use, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=rf"pip install 'glassnet\[{module}\]'"):
        use(tmp_path)


def test_no_such_file(tmp_path):
    with pytest.raises(ValueError, match=r"There is no ONNX file .*net.onnx"):
        gn.from_onnx(tmp_path / "net.onnx")
