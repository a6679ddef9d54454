"""Which equation is wrong: each layer by itself, and what its mistake looks like.

A layer is given a random upstream gradient r, and its backward pass is compared with the central
differences of Σ r·y. So a mistake is seen where it is made, and not in all layers before it. Then
what was received is compared with what mistakes make of what was expected:

    a sign                −1 times as much
    a missing 1/m         m times as much, or the same error in every row of the batch
    a transposed product  the transpose, or dy W where it should be dy Wᵀ
    a forgotten mask      right where the layer lets something through, and not zero elsewhere
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glassnet.accelerate import Array, is_ours
from glassnet.layers.base import Layer

if TYPE_CHECKING:
    from glassnet.glass.gradient_check import Objective, _Comparison

ALIKE = 1e-5
"""The largest relative difference of arrays that are taken for the same."""


def suspicions(j: Objective, look: _Comparison) -> list[str]:
    """What is wrong in the loss and in each layer, in words; for a wrong gradient, at least one."""
    found = _of_loss(j, look)
    rng = np.random.default_rng(0)
    for index, given in enumerate(_given(j)):
        found += _of_layer(j, look, index, given, rng)
    return found or [
        "Each layer and the loss are right by themselves on these rows. A layer may change its "
        "input or its upstream gradient in place, or keep numbers from one pass to the next."
    ]


def _given(j: Objective) -> list[Array]:
    """What each layer takes in, as copies."""
    given: list[Array] = []
    j.restore()
    y = j.network.entry(j.rows)
    for layer in j.network.layers:
        given.append(np.array(y, np.float64))
        y = layer.forward(y, training=j.training)
    return given


def _of_loss(j: Objective, look: _Comparison) -> list[str]:
    outputs, received, _, _ = j.gradients()
    expected = look.differences(lambda: j.loss_of(outputs), outputs, received)
    if look.row("outputs", received, expected).passed:
        return []
    what = mistake(received, expected, rows=len(outputs), terms=outputs.shape[1])
    place = _place(j.loss, "rows")
    return [f"{type(j.loss).__name__}, ∂ℓ/∂outputs: {what} Look at {place}."]


def _of_layer(
    j: Objective, look: _Comparison, index: int, x: Array, rng: np.random.Generator
) -> list[str]:
    """What is wrong with the gradients of one layer, for inputs x (n, *input_shape)."""
    layer = j.network.layers[index]

    def forward() -> Array:
        j.restore()
        return np.asarray(layer.forward(x, training=j.training), np.float64)

    upstream = np.asarray(rng.normal(size=forward().shape))
    dx = np.array(layer.backward(upstream.copy()), np.float64)
    own = f"layers.{index}."
    parameters = {n: p for n, p in j.network.parameters.items() if n.startswith(own)}
    received = {name: p.gradient.copy() for name, p in parameters.items()}
    arrays = {"x": (x, dx)} | {
        name.removeprefix(own): (p.value, received[name]) for name, p in parameters.items()
    }
    found = []
    for name, (array, gradient) in arrays.items():
        expected = look.differences(lambda: float(np.sum(upstream * forward())), array, gradient)
        if look.row(name, gradient, expected).passed:
            continue
        what = None
        if name == "x":
            matrices = {n.removeprefix(own): p.value for n, p in parameters.items()}
            what = _swapped_product(gradient, expected, upstream, matrices)
        what = what or mistake(gradient, expected, len(x), upstream=upstream)
        found.append(f"layers.{index} {layer!r}, ∂J/∂{name}: {what} {_look_at(layer, name)}")
    return found


def mistake(
    received: Array,
    expected: Array,
    rows: int,
    terms: int = 0,
    upstream: Array | None = None,
) -> str:
    """What a wrong gradient looks like, in a sentence.

    Arguments:
        received, expected: the same shape; where `expected` is not finite nothing is known.
        rows: m, the rows of the batch. terms: K, over which a loss may be a mean; 0 if there are
            none.
        upstream: dy, where the layer may have passed it on.

    Example:
        >>> mistake(np.array([2.0, -4.0]), np.array([-2.0, 4.0]), rows=3)
        'received is −1 times what it should be: a sign is wrong.'
    """
    known = np.isfinite(expected)
    r, e = received[known], expected[known]
    if not np.isfinite(r).all():
        return "received is not finite."
    if not r.any():
        return "received is zero everywhere: it is never written, or the wrong array is."
    ratio = float(r @ e / (e @ e)) if e.any() else 0.0
    if ratio and _alike(r, ratio * e):
        return _factor(ratio, rows, terms)
    if known.all() and received.ndim == 2 and _alike(received, expected.T):
        return "received is the transpose of what it should be: the factors of a product swapped."
    return (
        _mask(r, e)
        or _summed(received, expected, upstream, rows)
        or "received is no simple multiple of what it should be."
    )


def _factor(ratio: float, rows: int, terms: int) -> str:
    """What a constant factor means."""
    if _near(ratio, -1):
        return "received is −1 times what it should be: a sign is wrong."
    sign = " and a sign is wrong" if ratio < 0 else ""
    size = abs(ratio)
    named = {"m, the rows of the batch": rows, "K, the outputs": terms}
    for name, number in named.items():
        said = f"of what it should be, {name}: a 1/{name[0]}"
        if number > 1 and _near(size, number):
            return f"received is {number} times {said.removeprefix('of ')} is missing{sign}."
        if number > 1 and _near(size, 1 / number):
            return f"received is 1/{number} {said} too many{sign}."
    return f"received is {ratio:.6g} times what it should be: look for that factor."


def _mask(r: Array, e: Array) -> str | None:
    """Whether received differs where expected is zero, and is a multiple of it elsewhere."""
    tiny = ALIKE * np.abs(r).max()
    shut = np.abs(e) <= tiny
    if not shut.any() or shut.all():
        return None
    passed = ~shut
    ratio = float(r[passed] @ e[passed] / (e[passed] @ e[passed]))
    leaks = np.abs(r[shut]) > tiny
    if leaks.any() and ratio and _alike(r[passed], ratio * e[passed]):
        factor = "" if _near(ratio, 1) else f", and a factor of {1 / ratio:.4g} with it"
        return (
            f"a mask is forgotten{factor}: at {int(leaks.sum())} places nothing goes forward, but "
            "a gradient comes back."
        )
    return None


def _summed(received: Array, expected: Array, upstream: Array | None, rows: int) -> str | None:
    """Whether the error is the same in every row: that of a term summed over the batch."""
    if received.ndim < 2 or len(received) != rows or rows < 2 or not np.isfinite(expected).all():
        return None
    error = received - expected
    if not _alike(error, np.broadcast_to(error[0], error.shape)):
        return None
    if upstream is not None and upstream.shape == received.shape:
        too_much, right = received - upstream, expected - upstream
        if _alike(too_much, rows * right):
            return (
                f"the part besides dy is {rows} times what it should be, m, the rows of the batch: "
                "a 1/m is missing."
            )
    return "the error is the same in every row: look at the terms summed over the batch, and 1/m."


def _swapped_product(
    received: Array, expected: Array, upstream: Array, matrices: dict[str, Array]
) -> str | None:
    """Whether dx is dy W where it should be dy Wᵀ, or the other way round."""
    if upstream.ndim != 2 or not np.isfinite(expected).all():
        return None
    for name, matrix in matrices.items():
        if matrix.ndim != 2 or matrix.shape != 2 * upstream.shape[1:]:
            continue
        plain, transposed = upstream @ matrix, upstream @ matrix.T
        for wrong, right, said in ((plain, transposed, "ᵀ"), (transposed, plain, "")):
            if _alike(received, wrong) and _alike(expected, right):
                back = "" if said else "ᵀ"
                return f"received is dy {name}{back}, but it should be dy {name}{said}."
    return None


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= ALIKE * abs(b)


def _alike(a: Array, b: Array) -> bool:
    """Whether two arrays are the same, but for differences that rounding explains."""
    scale = max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0)))
    return a.shape == b.shape and scale > 0 and bool(np.abs(a - b).max() <= ALIKE * scale)


def _look_at(layer: Layer, name: str) -> str:
    """Where the equation stands."""
    what = "what backward returns" if name == "x" else f"where the gradient of {name} is written"
    return f"Look at {what}, in {_place(layer, 'backward')}."


def _place(part: object, method: str) -> str:
    """A method with its file and line, for parts of the user's own."""
    name = f"{type(part).__name__}.{method}"
    function = getattr(type(part), method)
    try:
        file = Path(inspect.getsourcefile(function) or "").name
        line = inspect.getsourcelines(function)[1]
    except (OSError, TypeError):  # typed at a prompt
        return name
    return name if is_ours(part) else f"{name} ({file}, line {line})"
