"""What is compared with PyTorch: our layers, each beside the `torch.nn` module it should equal.

`tests/fixtures/make_torch_layers.py` writes PyTorch's answers to a file, so that they are checked
where PyTorch is not installed; `tests/peers/test_layers_torch.py` asks PyTorch itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from layers.harness import Alone

from glassnet import layers as gn

# Both flanks, both tails, the kink at 0, and far beyond where a naive exponential overflows.
EXTREMES = [-1e4, -1e3, -90.0, -40.0, -20.5, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 20.5, 40.0, 90.0, 1e4]


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        make: our layer.
        module, options: the class in `torch.nn` and its arguments.
        names: our parameter or buffer name → the module's.
        extreme: whether rows of extreme inputs are added.
    """

    make: Callable[[], gn.Layer]
    module: str
    options: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (7,)
    names: dict[str, str] = field(default_factory=dict)
    extreme: bool = True

    def draw(self, seed: int) -> dict[str, Any]:
        """Random x, dy, parameters and buffers, all float64, under our names."""
        rng = np.random.default_rng(seed)
        alone = Alone(self.make(), self.shape, seed=seed)
        x = rng.normal(size=(6, *self.shape)) * 2 + 0.5
        if self.extreme:
            x = np.concatenate([x, np.reshape(EXTREMES, (2, *self.shape))])
        drawn = {"x": x, "dy": rng.normal(size=x.shape)}
        drawn |= {name: p.value.copy() for name, p in alone.store.parameters.items()}
        return drawn | alone.buffers()


AFFINE = {"gamma": "weight", "beta": "bias"}
RUNNING = {"running_mean": "running_mean", "running_var": "running_var"}

CASES = {
    "sigmoid": Case(gn.Sigmoid, "Sigmoid"),
    "tanh": Case(gn.Tanh, "Tanh"),
    # PyTorch's softplus is x itself above a threshold; at 100 that is exact.
    "softplus": Case(gn.Softplus, "Softplus", {"threshold": 100}),
    "relu": Case(gn.ReLU, "ReLU"),
    "leaky_relu": Case(gn.LeakyReLU, "LeakyReLU"),
    "leaky_relu_0.3": Case(lambda: gn.LeakyReLU(0.3), "LeakyReLU", {"negative_slope": 0.3}),
    "prelu": Case(gn.PReLU, "PReLU", names={"slope": "weight"}),
    "prelu_per_feature": Case(
        lambda: gn.PReLU(per_feature=True),
        "PReLU",
        {"num_parameters": 7},
        names={"slope": "weight"},
    ),
    "prelu_per_channel": Case(
        lambda: gn.PReLU(per_feature=True),
        "PReLU",
        {"num_parameters": 3},
        (3, 2, 2),
        {"slope": "weight"},
        extreme=False,
    ),
    "elu": Case(gn.ELU, "ELU"),
    "elu_0.5": Case(lambda: gn.ELU(0.5), "ELU", {"alpha": 0.5}),
    "selu": Case(gn.SELU, "SELU"),
    "gelu": Case(gn.GELU, "GELU"),
    "gelu_tanh": Case(lambda: gn.GELU("tanh"), "GELU", {"approximate": "tanh"}),
    "silu": Case(gn.SiLU, "SiLU"),
    "softmax": Case(gn.Softmax, "Softmax", {"dim": -1}),
    "batch_norm": Case(
        gn.BatchNorm, "BatchNorm1d", {"num_features": 7}, names=AFFINE | RUNNING, extreme=False
    ),
    "batch_norm_options": Case(
        lambda: gn.BatchNorm(epsilon=1e-2, momentum=0.3),
        "BatchNorm1d",
        {"num_features": 7, "eps": 1e-2, "momentum": 0.3},
        names=AFFINE | RUNNING,
        extreme=False,
    ),
    "batch_norm_images": Case(
        gn.BatchNorm, "BatchNorm2d", {"num_features": 3}, (3, 2, 4), AFFINE | RUNNING, extreme=False
    ),
    "layer_norm": Case(gn.LayerNorm, "LayerNorm", {"normalized_shape": [7]}, names=AFFINE),
    "layer_norm_images": Case(
        lambda: gn.LayerNorm(1e-3),
        "LayerNorm",
        {"normalized_shape": [3, 2, 2], "eps": 1e-3},
        (3, 2, 2),
        AFFINE,
        extreme=False,
    ),
}


def ours(case: Case, drawn: dict[str, Any], training: bool) -> dict[str, Any]:
    """y, dx, parameter gradients (`d_…`) and buffers after one pass, by our names."""
    alone = Alone(case.make(), case.shape)
    alone.restore({name: drawn[name] for name in alone.store.buffers})
    for name, parameter in alone.store.parameters.items():
        parameter.value = drawn[name]
    y, dx = alone.forward(drawn["x"], training).copy(), alone.backward(drawn["dy"]).copy()
    gradients = {f"d_{n}": p.gradient.copy() for n, p in alone.store.parameters.items()}
    return {"y": y, "dx": dx} | gradients | alone.buffers()


def assert_equal_to_torch(received: dict[str, Any], expected: dict[str, Any]) -> None:
    """All arrays equal to 1e-10 of their size."""
    assert received.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(received[name], values, rtol=1e-10, atol=1e-10, err_msg=name)
