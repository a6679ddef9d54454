"""Gated activations: y = x g(x), where the gate g rises smoothly from 0 to 1.

By the product rule  y′ = g + x g′.

    GELU, exact       g = Φ(x), the normal distribution         g′ = φ(x) = exp(−x²/2) / √(2π)
    GELU, tanh form   g = ½ (1 + tanh u) = σ(2u)                g′ = 2 u′ g (1 − g)
                      u = √(2/π) (x + 0.044715 x³)
    SiLU              g = σ(x)                                  g′ = g (1 − g)
"""

from __future__ import annotations

import math

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.layers.activations import Activation, sigmoid
from glassnet.layers.base import LAYERS
from glassnet.registry import did_you_mean

# Beyond |x| = 40 each gate is 0 or 1 and its slope 0 to the last bit of float64. The powers of x in
# a gate are taken of x clipped to that, so that they cannot overflow.
FLAT = 40.0


def normal_distribution(x: Array) -> Array:
    """Φ(x) = ½ erfc(−x/√2), the share of a standard normal distribution below x.

    Element by element through Python's own erfc: 50 to 90 ns each.
    """
    z = -math.sqrt(0.5) * x.astype(np.float64)
    shares = 0.5 * np.fromiter(map(math.erfc, z.ravel().tolist()), np.float64, z.size)
    return shares.reshape(x.shape).astype(x.dtype)


@accelerated
def gelu_forward(x: Array, y: Array) -> None:
    """y = x Φ(x)."""
    np.multiply(x, normal_distribution(x), out=y)


@accelerated
def gelu_backward(dy: Array, x: Array, dx: Array) -> None:
    """dx = dy · (Φ(x) + x φ(x))."""
    z = np.clip(x, -FLAT, FLAT)
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    np.multiply(dy, normal_distribution(x) + z * density, out=dx)


@accelerated
def gelu_tanh_forward(x: Array, y: Array) -> None:
    """y = x σ(2u),  u = √(2/π) (x + 0.044715 x³)."""
    z = np.clip(x, -FLAT, FLAT)
    u = math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)
    sigmoid(2 * u, out=y)
    np.multiply(y, x, out=y)


@accelerated
def gelu_tanh_backward(dy: Array, x: Array, dx: Array) -> None:
    """dx = dy · (g + x · 2u′ g (1 − g)),  g = σ(2u)."""
    z = np.clip(x, -FLAT, FLAT)
    u = math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)
    du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z * z)
    sigmoid(2 * u, out=dx)
    np.multiply(dy, dx + z * 2 * du * dx * (1 - dx), out=dx)


@LAYERS.register
class GELU(Activation):
    """y = x Φ(x): each input weighted by how many normal inputs lie below it.

    Arguments:
        form: "exact", or "tanh" for the approximation that many published networks were trained
            with (it differs by up to 5e-4).

    Raises:
        ValueError: for another form.

    Example:
        >>> import numpy as np
        >>> GELU().forward(np.array([[-1e4, 0.0, 1.0]])).round(4).tolist()
        [[-0.0, 0.0, 0.8413000106811523]]

    Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415,
    section 2.
    """

    name = "GELU"
    default_initializer = "he_normal"
    flops_each = 10

    def __init__(self, form: str = "exact") -> None:
        if form not in ("exact", "tanh"):
            raise ValueError(
                f"GELU has the forms 'exact' and 'tanh'. Received: {form!r}."
                f"{did_you_mean(form, ('exact', 'tanh'))}"
            )
        self.form = form
        self.forward_kernel = gelu_forward if form == "exact" else gelu_tanh_forward
        self.backward_kernel = gelu_backward if form == "exact" else gelu_tanh_backward


@accelerated
def silu_forward(x: Array, y: Array) -> None:
    """y = x σ(x)."""
    sigmoid(x, out=y)
    np.multiply(y, x, out=y)


@accelerated
def silu_backward(dy: Array, x: Array, dx: Array) -> None:
    """dx = dy · (g + x g (1 − g)),  g = σ(x)."""
    sigmoid(x, out=dx)
    np.multiply(dy, dx + x * dx * (1 - dx), out=dx)


@LAYERS.register
class SiLU(Activation):
    """y = x σ(x), also known as Swish.

    Example:
        >>> import numpy as np
        >>> SiLU().forward(np.array([[-1e4, 0.0, 1e4]])).tolist()
        [[-0.0, 0.0, 10000.0]]

    Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", Neural Networks 107, 2018; as Swish, Ramachandran,
    Zoph and Le, "Searching for activation functions", 2017.
    """

    name = "SiLU"
    default_initializer = "he_normal"
    forward_kernel = silu_forward
    backward_kernel = silu_backward
    flops_each = 5
