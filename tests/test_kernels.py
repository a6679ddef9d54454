"""Every kernel has a compiled twin that computes what its NumPy reference computes.

What to call them with stands in `kernel_cases/`; a kernel of the package without a row there fails.
"""

import inspect

import kernel_cases.estimators
import kernel_cases.fused
import kernel_cases.layers
import kernel_cases.nonzeros
import kernel_cases.rest
import numpy as np
import pytest
import scipy.special
from kernel_cases.case import Case
from numba.core.runtime import _nrt_python, rtsys

import glassnet.trainer
from glassnet.accelerate import KERNELS, Kernel, references
from glassnet.kernels import mathematics, philox
from glassnet.kernels.compile import compiled

# By the kernel's name; after a comma, what is special where a kernel has several rows.
CASES: dict[str, Case] = (
    kernel_cases.layers.CASES
    | kernel_cases.rest.CASES
    | kernel_cases.fused.CASES
    | kernel_cases.nonzeros.CASES
    | kernel_cases.estimators.CASES
)

every_kernel = pytest.mark.parametrize("name", CASES)
pointwise_kernels = pytest.mark.parametrize("name", [n for n in CASES if CASES[n].pointwise])
both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

# No row, one row, one column, one of each, and more than a vector holds but not a multiple.
SHAPES = [(0, 4), (1, 4), (5, 1), (1, 1), (33, 70)]
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
EXTREMES = [-np.inf, -1e4, -80.0, -1.0, -1e-30, -0.0, 0.0, 1e-30, 1.0, 80.0, 1e4, np.inf, np.nan]


def kernel_of(name: str) -> Kernel:
    return KERNELS[name.split(",")[0]]


def arguments_of(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def drawn(name: str, shape, dtype: str):
    return CASES[name].draw(np.random.default_rng([1, *shape]), shape, np.dtype(dtype))


def after(function, arrays):
    """The arguments after the call, on copies."""
    copies = [array.copy() for array in arrays]
    with np.errstate(all="ignore"):
        function(*copies)
    return copies


def assert_twins_agree(name: str, arrays, dtype: str, floor: float | None = None) -> None:
    """Compare all arguments after the call: inputs must stay as they are; `work` may differ.

    Without a floor, differences are seen beside the largest number of an array: what is small
    beside it may be a difference of large terms.
    """
    kernel = kernel_of(name)
    pairs = zip(after(kernel.reference, arrays), after(kernel.twin, arrays), strict=True)
    for argument, (expected, received) in zip(arguments_of(kernel.reference), pairs, strict=True):
        message = f"{name}: {argument}"
        if argument == "work":
            continue
        if CASES[name].exact or expected.dtype.kind != "f":
            np.testing.assert_array_equal(received, expected, message)
            continue
        scale = max(1.0, np.abs(expected[np.isfinite(expected)]).max(initial=0))
        atol = TOLERANCE[dtype] * scale if floor is None else floor
        np.testing.assert_allclose(received, expected, TOLERANCE[dtype], atol, err_msg=message)


FENCE = 4096


def fenced(array):
    """A copy with known bytes before and behind it, and those bytes."""
    memory = np.full(FENCE + array.nbytes + FENCE, 0xA5, np.uint8)
    copy = np.ndarray(array.shape, array.dtype, memory.data, FENCE)
    copy[...] = array
    return copy, (memory[:FENCE], memory[FENCE + array.nbytes :])


@every_kernel
@both_dtypes
@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (2, 9), (3, 7), (5, 1), (33, 70)])
def test_twins_write_nothing_outside_of_their_arrays(name, shape, dtype):
    if shape[0] < CASES[name].rows:
        pytest.skip("takes more rows")
    arrays, fences = zip(*map(fenced, drawn(name, shape, dtype)), strict=True)
    with np.errstate(all="ignore"):
        kernel_of(name).twin(*arrays)
    for argument, sides in zip(arguments_of(kernel_of(name).reference), fences, strict=True):
        assert all((side == 0xA5).all() for side in sides), argument


def test_every_kernel_has_a_row():
    assert glassnet.trainer  # the whole package is imported, and so are all kernels
    own = {name for name, kernel in KERNELS.items() if kernel.__module__.startswith("glassnet.")}
    assert own == {name.split(",")[0] for name in CASES}


@every_kernel
def test_twins_have_the_name_and_arguments_of_the_reference(name: str):
    kernel = kernel_of(name)
    assert kernel.twin is not kernel.reference
    assert kernel.twin.__name__ == kernel.reference.__name__
    assert arguments_of(kernel.twin.py_func) == arguments_of(kernel.reference)


@both_dtypes
@every_kernel
def test_twin_and_reference_agree(name: str, dtype: str):
    for shape in [*SHAPES, *np.random.default_rng(0).integers(2, 20, size=(4, 2)).tolist()]:
        if shape[0] >= CASES[name].rows:
            assert_twins_agree(name, drawn(name, tuple(shape), dtype), dtype)


@both_dtypes
@every_kernel
@pytest.mark.parametrize("shape", [(4, 4), (4, 10), (2, 33)])
def test_bits_do_not_depend_on_where_the_arrays_lie(name: str, dtype: str, shape):
    """Compilers look how close arrays are, and turn a loop into vectors, or not."""
    results = []
    for gap in (0, 4096):
        arrays = one_after_the_other(drawn(name, shape, dtype), gap)
        with np.errstate(all="ignore"):
            kernel_of(name).twin(*arrays)
        results.append(arrays)
    arguments = arguments_of(kernel_of(name).reference)
    for argument, close, apart in zip(arguments, *results, strict=True):
        np.testing.assert_array_equal(close, apart, f"{name}: {argument}")


def one_after_the_other(arrays, gap: int):
    """Copies in one stretch of memory, with so many bytes between them."""
    memory = np.zeros(sum(array.nbytes + gap + 64 for array in arrays), np.uint8)
    copies, start = [], -memory.ctypes.data % 64
    for array in arrays:
        part = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        part[...] = array
        copies.append(part)
        start += array.nbytes + gap
        start += -(memory.ctypes.data + start) % 8
    return copies


@pointwise_kernels
def test_any_number_of_axes(name: str):
    assert_twins_agree(name, drawn(name, (2, 3, 4, 5), "float32"), "float32")


@both_dtypes
@pointwise_kernels
def test_extremes(name: str, dtype: str):
    """Where a kernel has two inputs, each extreme of the one beside each of the other."""
    shape = len(EXTREMES), len(EXTREMES)
    arrays = drawn(name, shape, dtype)
    inputs = [array for array in arrays if array.shape == shape and not np.isnan(array).all()]
    for array, values in zip(inputs, np.meshgrid(EXTREMES, EXTREMES), strict=False):
        array[...] = values
    assert_twins_agree(name, arrays, dtype, floor=10 * np.finfo(dtype).smallest_normal)


@every_kernel
def test_twins_allocate_nothing(name: str):
    arrays, twin = drawn(name, (6, 5), "float32"), kernel_of(name).twin
    twin(*arrays)
    _nrt_python.memsys_enable_stats()
    before = rtsys.get_allocation_stats()
    twin(*arrays)
    # Numba notes down each argument for the time of the call.
    assert rtsys.get_allocation_stats().alloc - before.alloc == len(arrays)


@pytest.mark.parametrize("raw", ["uint8", "int64", "bool", "float32", "float64"])
@pytest.mark.parametrize("kernel", ["rescale", "standardize", "impute", "one_hot"])
def test_raw_inputs(kernel: str, raw: str):
    name = f"layers.preprocessing.{kernel}_forward"
    arrays = drawn(name, (6, 4), "float32")
    arrays[0] = np.abs(np.nan_to_num(arrays[0])).astype(raw)
    assert_twins_agree(name, arrays, "float32")


@pytest.mark.parametrize("raw", ["float16", "longdouble", ">f4", ">i2"])
def test_networks_convert_numbers_that_twins_do_not_take(raw: str):
    net = glassnet.Network([glassnet.Rescale(0.5)], input_shape=(2,), seed=0)
    assert net.forward(np.array([[1, 0], [0, 1]], raw)).tolist() == [[0.5, 0], [0, 0.5]]


@pytest.mark.parametrize("kernel", ["batch_norm", "layer_norm"])
def test_the_variance_is_had_in_two_passes(kernel: str):
    name = f"layers.{kernel}.{kernel}_forward"
    arrays = drawn(name, (4, 4), "float32")
    arrays[0] = np.float32(4096) + np.array([[-1, 1], [1, -1]] * 2, np.float32).repeat(2, axis=1)
    *_, x_hat, _, _ = after(KERNELS[name].twin, arrays)
    np.testing.assert_allclose(x_hat, arrays[0] - 4096, rtol=1e-4)  # Σx²/n − μ² has no digits left


# Counter, key and words of philox4x32 with 10 rounds, from Random123's file of known answers.
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000",
         "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
         "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
         "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)  # fmt: skip
def test_known_answers_of_philox(counter: str, key: str, words: str):
    c, k = ([np.uint64(int(word, 16)) for word in text.split()] for text in (counter, key))
    for _ in range(philox.ROUNDS):
        c, k = np.uint64(philox.one_round(*c, *k)), np.uint64(philox.next_key(*k))
    assert [f"{int(word):08x}" for word in c] == words.split()


# The functions inside the loops, against SciPy in more digits: float64, or long double.

FUNCTIONS = {
    "exp": (np.exp, -745, 709),
    "expm1": (np.expm1, -745, 1),
    "log1p": (np.log1p, 0, 1),
    "sigmoid": (scipy.special.expit, -80, 80),
    "softplus": (lambda x: np.logaddexp(x * 0, x), -80, 80),
    "tanh": (np.tanh, -30, 30),
}


def apply(name: str, x):
    """A function of `mathematics` in a loop whose own sums may be reordered."""
    function = getattr(mathematics, name)

    @compiled(reassociate=True, inline=True)
    def loop(x, y):
        for i in range(np.uint64(x.size)):
            y[i] = function(x[i])

    y = np.empty_like(x)
    loop(x, y)
    return y


@both_dtypes
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_exact_to_the_last_digits(name: str, dtype: str):
    function, low, high = FUNCTIONS[name]
    low, high = (max(low, -87), min(high, 88)) if dtype == "float32" else (low, high)
    rng = np.random.default_rng(0)
    near_zero = 10.0 ** rng.uniform(-20, 0, 5000) * rng.choice([-1, 1], 5000)
    x = np.concatenate([rng.uniform(low, high, 20_000), near_zero.clip(low, high)]).astype(dtype)
    exact = function(x.astype(np.float64 if dtype == "float32" else np.longdouble))
    error = np.abs(apply(name, x) - exact) / np.maximum(
        np.abs(exact), np.finfo(dtype).smallest_normal
    )
    assert error.max() < {"float32": 2e-7, "float64": 1e-15}[dtype]


@both_dtypes
@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("exp", [0, 0, np.inf, np.inf]),
        ("sigmoid", [0, 0, 1, 1]),
        ("softplus", [0, 0, 1e4, np.inf]),
        ("tanh", [-1, -1, 1, 1]),
    ],
)
def test_limits_of_functions(name: str, limits: list[float], dtype: str):
    x = np.array([-np.inf, -1e4, 1e4, np.inf, np.nan], dtype)
    assert apply(name, x)[:4].tolist() == limits
    assert np.isnan(apply(name, x)[4])


def test_switch_to_references(monkeypatch):
    kernel, calls = KERNELS["layers.rectifiers.relu_forward"], []
    monkeypatch.setattr(kernel, "reference", lambda x, y: calls.append(x))
    with references():
        kernel(np.ones(2), np.zeros(2))
    kernel(np.ones(2), np.zeros(2))
    assert len(calls) == 1
