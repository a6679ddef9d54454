"""Explanations beside PyTorch's autograd."""

from __future__ import annotations

import numpy as np
import pytest

import glassnet as gn

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.peers


def test_like_pytorch():
    net = gn.Network([gn.Dense(6), gn.Tanh(), gn.Dense(5), gn.SiLU(), gn.Dense(3)], (4,), seed=3)
    x = np.random.default_rng(1).normal(size=(7, 4)).astype("float32")
    value = {name: torch.tensor(p.value) for name, p in net.parameters.items()}
    t = torch.tensor(x, requires_grad=True)
    hidden = torch.tanh(t @ value["layers.0.weight"] + value["layers.0.bias"])
    hidden = hidden @ value["layers.2.weight"] + value["layers.2.bias"]
    outputs = torch.nn.functional.silu(hidden) @ value["layers.4.weight"] + value["layers.4.bias"]
    outputs.max(dim=1).values.sum().backward()
    why = net.explain(x)
    np.testing.assert_allclose(why.contributions, (t.grad * t).detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(
        why.activations["layers.3 SiLU()"],
        torch.nn.functional.silu(hidden).detach().numpy(),
        atol=1e-6,
    )
