"""Initial weights: what a network knows before it has seen anything.

A signal that passes through a layer y = xW of fan_in inputs has variance
Var[y] = fan_in · Var[W] · E[x²]. The named initialisers choose Var[W] so that the signal (and,
going back, the gradient) neither dies out nor explodes from layer to layer; they differ in what
they assume of the activation in between.

Those with a normal and a uniform form draw with the same variance: U(−a, a) has variance a²/3.

Source: He et al., "Delving deep into rectifiers", ICCV 2015, eq. 7.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from glassnet.accelerate import Array
from glassnet.registry import Configurable, Registry

INITIALIZERS: Registry[Initializer] = Registry("initializer")


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs feed one output (fan_in), and how many outputs one input feeds (fan_out).

    A dense weight is (fan_in, fan_out). A convolution's is (channels out, channels in, height,
    width), where every output sees `channels in · height · width` inputs.

    >>> fans((784, 32)), fans((16, 3, 5, 5)), fans((7,))
    ((784, 32), (75, 400), (7, 7))
    """
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) == 4:
        window = shape[2] * shape[3]
        return shape[1] * window, shape[0] * window
    size = int(np.prod(shape, dtype=np.int64))
    return size, size


class Initializer(Configurable):
    """Base of all initialisers: a call draws an array of a shape with a random generator.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> Uniform(-0.05, 0.05)((784, 64), rng).shape
        (784, 64)
    """

    name: ClassVar[str]

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw float64 values of this shape."""
        raise NotImplementedError(f"{type(self).__name__} does not draw")


@INITIALIZERS.register
class Zeros(Initializer):
    """All zeros: right for biases and for a single layer; hidden units of a deeper one stay equal.

    >>> Zeros()((2,), np.random.default_rng(0))
    array([0., 0.])
    """

    name = "zeros"

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.zeros(shape)


@INITIALIZERS.register
class Constant(Initializer):
    """The same number everywhere.

    >>> Constant(0.1)((2,), np.random.default_rng(0))
    array([0.1, 0.1])
    """

    name = "constant"

    def __init__(self, value: float) -> None:
        try:
            float(value)
        except (TypeError, ValueError):
            raise ValueError(f"constant needs a number. Received: {value!r}.") from None
        self.value = value

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.full(shape, float(self.value))


@INITIALIZERS.register
class Normal(Initializer):
    """W ~ N(0, σ²).

    Arguments:
        sigma: the standard deviation σ, > 0.

    >>> bool(abs(Normal(2.0)((10_000,), np.random.default_rng(0)).std() - 2.0) < 0.05)
    True
    """

    name = "normal"

    def __init__(self, sigma: float = 1.0) -> None:
        if not sigma > 0:
            raise ValueError(f"sigma must be > 0. Received: {sigma}.")
        self.sigma = sigma

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.normal(0.0, self.sigma, shape)


@INITIALIZERS.register
class Uniform(Initializer):
    """W ~ U(a, b).

    Arguments:
        a, b: the bounds, a < b.

    >>> w = Uniform(-0.5, 0.5)((1000,), np.random.default_rng(0))
    >>> bool(w.min() >= -0.5), bool(w.max() < 0.5)
    (True, True)
    """

    name = "uniform"

    def __init__(self, a: float = -0.05, b: float = 0.05) -> None:
        if not a < b:
            raise ValueError(f"uniform needs a < b. Received: a={a}, b={b}.")
        self.a = a
        self.b = b

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.uniform(self.a, self.b, shape)


def _normal(variance: float, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    return rng.normal(0.0, math.sqrt(variance), shape)


def _uniform(variance: float, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    limit = math.sqrt(3.0 * variance)
    return rng.uniform(-limit, limit, shape)


def xavier_variance(shape: tuple[int, ...]) -> float:
    """Var[W] = 2 / (fan_in + fan_out): keeps signal and gradient, for activations linear around 0.

    Keeping the one takes 1 / fan_in and the other 1 / fan_out; this is a compromise.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010, eq. 12; as the uniform U(−a, a), eq. 16.

    >>> xavier_variance((300, 100))
    0.005
    """
    return 2.0 / sum(fans(shape))


def he_variance(shape: tuple[int, ...]) -> float:
    """Var[W] = 2 / fan_in: ReLU passes half of the signal's energy, so twice is sent.

    Source: He et al., "Delving deep into rectifiers", ICCV 2015, eq. 10.

    >>> he_variance((200, 100))
    0.01
    """
    return 2.0 / fans(shape)[0]


def lecun_variance(shape: tuple[int, ...]) -> float:
    """Var[W] = 1 / fan_in: keeps the signal's variance; what SELU was derived for.

    Source: LeCun et al., "Efficient BackProp", 1998, section 4.6, eq. 16; SELU, Klambauer et al.,
    "Self-normalizing neural networks", NIPS 2017.

    >>> lecun_variance((200, 100))
    0.005
    """
    return 1.0 / fans(shape)[0]


@INITIALIZERS.register
class XavierNormal(Initializer):
    """W ~ N(0, 2 / (fan_in + fan_out)); see `xavier_variance`. Also known as Glorot."""

    name = "xavier_normal"

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return _normal(xavier_variance(shape), shape, rng)


@INITIALIZERS.register
class XavierUniform(Initializer):
    """W ~ U(−a, a), a = √(6 / (fan_in + fan_out)); see `xavier_variance`. Also known as Glorot."""

    name = "xavier_uniform"

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return _uniform(xavier_variance(shape), shape, rng)


@INITIALIZERS.register
class HeNormal(Initializer):
    """W ~ N(0, 2 / fan_in); see `he_variance`. Also known as Kaiming."""

    name = "he_normal"

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return _normal(he_variance(shape), shape, rng)


@INITIALIZERS.register
class HeUniform(Initializer):
    """W ~ U(−a, a), a = √(6 / fan_in); see `he_variance`. Also known as Kaiming."""

    name = "he_uniform"

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return _uniform(he_variance(shape), shape, rng)


@INITIALIZERS.register
class LeCunNormal(Initializer):
    """W ~ N(0, 1 / fan_in); see `lecun_variance`."""

    name = "lecun_normal"

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return _normal(lecun_variance(shape), shape, rng)


@INITIALIZERS.register
class LeCunUniform(Initializer):
    """W ~ U(−a, a), a = √(3 / fan_in); see `lecun_variance`."""

    name = "lecun_uniform"

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return _uniform(lecun_variance(shape), shape, rng)


@INITIALIZERS.register
class FanInUniform(Initializer):
    """W ~ U(−1/√fan_in, 1/√fan_in): a third of LeCun's variance, PyTorch's default.

    It suits layers whose scale nothing depends on, or should not: before a normalisation, which
    divides the scale out again (there smaller weights mean that a step turns them further), and
    before the loss, where small logits mean that a network begins undecided.

    Source: Glorot and Bengio, AISTATS 2010, eq. 1, as what was usual before theirs.

    >>> w = FanInUniform()((100, 3), np.random.default_rng(0))
    >>> bool(abs(w).max() <= 0.1)
    True
    """

    name = "fan_in_uniform"

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw float64 values of this shape."""
        return _uniform(lecun_variance(shape) / 3.0, shape, rng)


@INITIALIZERS.register
class Orthogonal(Initializer):
    """W with orthonormal rows or columns (whichever are fewer), times a gain.

    Q of the QR decomposition of a Gaussian matrix, with the signs of R's diagonal moved into Q, is
    uniformly distributed over the orthogonal matrices. Lengths pass through a layer with as many
    outputs as inputs or more unchanged (at gain 1); fewer outputs take a part of each input.

    Arguments:
        gain: a factor on the result, > 0.

    Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks", ICLR 2014; the signs, Mezzadri, "How to generate random matrices from the
    classical compact groups", Notices of the AMS 54, 2007.

    >>> w = Orthogonal()((3, 5), np.random.default_rng(0))
    >>> bool(np.allclose(w @ w.T, np.eye(3)))
    True
    """

    name = "orthogonal"

    def __init__(self, gain: float = 1.0) -> None:
        if not gain > 0:
            raise ValueError(f"gain must be > 0. Received: {gain}.")
        self.gain = gain

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        rows, columns = shape[0], int(np.prod(shape[1:], dtype=np.int64))
        gaussian = rng.normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(gaussian)
        q = q * np.sign(np.diag(r))
        return self.gain * (q if rows >= columns else q.T).reshape(shape)
