"""The equations that a trace shows, computed as they stand, give what the kernels give.

Left out are the fused kernels with dropout or for some columns: their equations are those of the
parts, which are here.
"""

from __future__ import annotations

import kernel_cases.estimators
import kernel_cases.fused
import kernel_cases.layers
import kernel_cases.rest
import numpy as np
import pytest
from equation_values import results

from glassnet.accelerate import KERNELS
from glassnet.fusing import arguments_of
from glassnet.glass.equations import equations

CASES = (
    kernel_cases.layers.CASES
    | kernel_cases.rest.CASES
    | kernel_cases.fused.CASES
    | kernel_cases.estimators.CASES
)

OTHERWISE = {
    "layers.batch_norm.channels_to_rows",
    "layers.batch_norm.rows_to_channels",
    "layers.philox.philox_words",
    "layers.preprocessing.one_hot_backward",
    "layers.preprocessing.refuse_unknown_codes",
    "losses.stop_unless_finite",
    "losses.weigh_by_class, one output",  # where the equation says what the product means there
    "fused.list_inputs",
}
"""Told in words: tests of their own say what they do."""

CHOSEN = [
    name
    for name in CASES
    if name.startswith(("layers.", "losses.", "optimizers.", "fused.", "estimators.objectives."))
    and name not in OTHERWISE
    and not name.endswith((", no weight", "_columns"))
    and "_drop" not in name
]


def as_written(name: str, array: np.ndarray, drawn: dict[str, np.ndarray]) -> np.ndarray:
    """An argument in the shape that it has in the equations: what belongs to a row is a column."""
    if name in ("weights", "losses", "row_weights", "by_class") and array.ndim == 1:
        return array[:, np.newaxis]
    if name == "slope" and array.ndim == 1:
        return array[:, np.newaxis]
    return array[: drawn["x"].size].reshape(drawn["x"].shape) if name == "words" else array


@pytest.mark.parametrize("name", CHOSEN)
def test_equation_computed_as_it_stands_gives_what_the_kernel_gives(name):
    kernel = KERNELS[name.split(",")[0]]
    drawn = CASES[name].draw(np.random.default_rng(5), (6, 8), np.dtype("float64"))
    by_name = dict(zip(arguments_of(kernel), drawn, strict=True))
    values = {key: as_written(key, array.copy(), by_name) for key, array in by_name.items()}
    n, k = next((a.shape[:2] for a in drawn if a.ndim > 1), (1, 1))
    values |= {"n": n, "d": k, "K": k, "π": np.pi, "g": values.get("gradient")}
    kernel.reference(*drawn)
    computed = results(equations()[kernel.name], values, by_name)
    assert computed, "no result was computed"
    for result, value in computed.items():
        written = by_name[result].reshape(-1)
        flat = np.broadcast_to(np.reshape(value, -1), written.shape)
        close = {"rtol": 1e-9, "atol": 1e-12} if written.dtype.kind == "f" else {"rtol": 0}
        np.testing.assert_allclose(flat, written, **close, err_msg=result)
