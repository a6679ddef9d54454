"""exp, expm1, tanh, sigmoid and log1p, to be called in the loops of the other files; no twins.

Numba's own go through the C library, one element at a time. These are series without branches, so
that a loop over them becomes vector instructions: exp takes 0.4 ns an element in float32, 1 in
float64. They take and return a float32 or a float64, with ±inf and NaN as in NumPy.

    eˣ = 2ⁿ eʳ                           n = round(x / ln 2),  r = x − n ln 2,  so |r| ≤ ½ ln 2
    eʳ = 1 + r + r²/2! + … + rᵏ/k!       what is left out: 5e-9 for float32, 5e-18 for float64
    log1p(u) = 2 (s + s³/3 + s⁵/5 + …)   s = u / (2 + u), at most ⅓ for 0 ≤ u ≤ 1

Rounding is done by adding a number so large that no bits are left for a fraction: the last bits of
the sum are n. Moved to where a float keeps its exponent, they are 2ⁿ.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic, overload

from glassnet.kernels.compile import compiled


class Constants(NamedTuple):
    """The numbers that the functions need, in one dtype."""

    zero: Any
    one: Any
    two: Any
    half: Any
    log2_e: Any
    ln2_high: Any  # ln 2 in two parts; the first has so few digits that n · ln2_high is exact
    ln2_low: Any
    rounder: Any  # the large number; it holds the exponent of 2⁰ besides
    exp_zero: Any  # below this eˣ is 0,
    exp_infinite: Any  # above this infinite,
    exp_flat: Any  # below this eˣ − 1 is −1,
    tanh_flat: Any  # above this tanh is 1
    factorials: tuple[Any, ...]  # 1/k!, …, 1/3!, 1/2!
    odd: tuple[Any, ...]  # 1/(2j + 1), …, 1/5, 1/3


def _constants(
    number: Any, terms: int, odd_terms: int, ln2_high: float, ln2_low: float, **others: float
) -> Constants:
    return Constants(
        zero=number(0),
        one=number(1),
        two=number(2),
        half=number(0.5),
        log2_e=number(1 / math.log(2)),
        ln2_high=number(ln2_high),
        ln2_low=number(ln2_low),
        factorials=tuple(number(1 / math.factorial(k)) for k in range(terms, 1, -1)),
        odd=tuple(number(1 / (2 * j + 1)) for j in range(odd_terms, 0, -1)),
        **{name: number(value) for name, value in others.items()},
    )


SINGLE = _constants(
    np.float32,
    terms=7,
    odd_terms=7,
    ln2_high=0.693359375,
    ln2_low=-2.1219444005469057e-4,
    rounder=1.5 * 2**23 + 127,
    exp_zero=-104,
    exp_infinite=89,
    exp_flat=-20,
    tanh_flat=10,
)
DOUBLE = _constants(
    np.float64,
    terms=13,
    odd_terms=16,
    ln2_high=0.6931471803691238,
    ln2_low=1.9082149292705877e-10,
    rounder=1.5 * 2**52 + 1023,
    exp_zero=-746,
    exp_infinite=710,
    exp_flat=-40,
    tanh_flat=20,
)


def constants(x: float) -> Constants:
    """The constants in the dtype of x, while compiling."""
    raise NotImplementedError("constants is for compiled functions only")


@overload(constants)
def _choose_constants(x):
    chosen = SINGLE if x.name == "float32" else DOUBLE
    return lambda x: chosen


@intrinsic
def power_of_two(typing_context, sum_with_rounder):
    """2ⁿ, from rounder + n; 2ⁿ must be a normal number."""
    bits, digits = (32, 23) if sum_with_rounder.name == "float32" else (64, 52)

    def generate(context, builder, signature, arguments):
        word = ir.IntType(bits)
        exponent = builder.shl(builder.bitcast(arguments[0], word), ir.Constant(word, digits))
        return builder.bitcast(exponent, arguments[0].type)

    return sum_with_rounder(sum_with_rounder), generate


@compiled(inline=True)
def split_exponent(x):
    """n and eʳ − 1, for x = n ln 2 + r."""
    c = constants(x)
    n = (x * c.log2_e + c.rounder) - c.rounder
    r = (x - n * c.ln2_high) - n * c.ln2_low
    series = c.factorials[0]
    for factor in c.factorials[1:]:
        series = series * r + factor
    return n, series * r * r + r


@compiled(inline=True)
def exp(x):
    """eˣ, with relative errors up to 1e-7 (float32) and 3e-16 (float64)."""
    c = constants(x)
    x = c.exp_zero if x < c.exp_zero else x
    x = c.exp_infinite if x > c.exp_infinite else x
    n, e = split_exponent(x)
    first = n * c.half + c.rounder  # 2ⁿ may be too large or small for a float, so in two factors
    second = (n - (first - c.rounder)) + c.rounder
    return (e + c.one) * power_of_two(first) * power_of_two(second)


@compiled(inline=True)
def expm1(x):
    """eˣ − 1 for x ≤ 40, without loss of digits around 0: 2ⁿ (eʳ − 1) + (2ⁿ − 1)."""
    c = constants(x)
    x = c.exp_flat if x < c.exp_flat else x
    n, e = split_exponent(x)
    power = power_of_two(n + c.rounder)
    return power * e + (power - c.one)


@compiled(inline=True)
def sigmoid(x):
    """σ(x) = 1 / (1 + e⁻ˣ); where e⁻ˣ is infinite it is 0."""
    c = constants(x)
    return c.one / (c.one + exp(-x))


@compiled(inline=True)
def tanh(x):
    """tanh(x) = (e²ˣ − 1) / (e²ˣ + 1)."""
    c = constants(x)
    x = c.tanh_flat if x > c.tanh_flat else x
    e = expm1(c.two * x)
    return e / (e + c.two)


@compiled(inline=True)
def log1p(u):
    """ln(1 + u) for 0 ≤ u ≤ 1."""
    c = constants(u)
    s = u / (c.two + u)
    square = s * s
    series = c.odd[0]
    for factor in c.odd[1:]:
        series = series * square + factor
    return c.two * (series * square * s + s)


@compiled(inline=True)
def softplus(x):
    """ln(1 + eˣ) = max(x, 0) + ln(1 + e⁻ˡˣˡ)."""
    c = constants(x)
    small = log1p(exp(-abs(x)))
    return x + small if x > c.zero else small
