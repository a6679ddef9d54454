"""ONNX files against ONNX Runtime and PyTorch's own exporter, and what is refused."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
from networks import random_inputs, random_network
from onnx import TensorProto, helper, numpy_helper
from single_layers import ROWS, single_layer

import glassnet as gn
from glassnet.accelerate import references
from glassnet.exchange import onnx_export, onnx_import
from glassnet.layers import LAYERS

pytestmark = pytest.mark.peers

OURS = {n for n in LAYERS.names() if LAYERS[n].__module__.startswith("glassnet.")}


def run(path, x, *names):
    """What ONNX Runtime makes of these rows."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    kind = session.get_inputs()[0].type
    dtype = {"tensor(float)": "f4", "tensor(double)": "f8", "tensor(uint8)": "u1"}[kind]
    results = session.run(list(names) or None, {"x": x.astype(dtype)})
    return results[0] if len(names) == 1 else results


def close(received, expected, tolerance=1e-5):
    np.testing.assert_allclose(received, expected, rtol=tolerance, atol=tolerance)


def test_300_random_networks(tmp_path):
    """Raw rows to outputs, batches of any size, standard operators only."""
    seen = set()
    for seed in range(300):
        network = random_network(seed, dtype="float32", rate=0.3)
        seen |= {type(layer).__name__ for layer in network.layers}
        path = network.to_onnx(tmp_path / "net.onnx", overwrite=True)
        assert {node.domain for node in onnx.load(path).graph.node} == {""}
        x = random_inputs(network, rows=1 + seed % 9, seed=seed)
        with references():
            close(run(path, x, "outputs"), network.forward(x.astype(np.float32)))
    assert seen >= OURS


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_option_of_every_layer(row, tmp_path):
    network = single_layer(row)
    path = network.to_onnx(tmp_path / "net.onnx")
    x = row.draw(6)
    expected = network.forward(x.astype(np.float32))
    close(run(path, x, "outputs"), expected)
    if network.layers[0].name not in ("OneHot", "Impute"):
        again = gn.from_onnx(path)
        close(again.forward(x.astype(np.float32)), expected, 2e-6)


def test_every_layer_has_a_writer():
    assert {layer.name for layer in onnx_export.WRITERS} == OURS


@pytest.mark.parametrize("seed", range(40))
def test_read_again(seed, tmp_path):
    """What can be read gives the same outputs; the rest is refused by the operator's name."""
    network = random_network(seed, dtype="float32", rate=0.3)
    path = network.to_onnx(tmp_path / "net.onnx")
    unread = {"OneHot", "Impute"} & {layer.name for layer in network.layers}
    if unread:
        with pytest.raises(ValueError, match=r"IsNaN|Gather"):
            gn.from_onnx(path)
        return
    again = gn.from_onnx(path)
    x = random_inputs(network, seed=seed).astype(np.float32)
    close(again.forward(x), network.forward(x), 2e-6)
    assert again.dtype == np.float32
    kinds = [layer.config() for layer in network.layers if layer.name in ("Dropout", "BatchNorm")]
    assert kinds == [
        layer.config() for layer in again.layers if layer.name in ("Dropout", "BatchNorm")
    ]


def test_what_the_outputs_mean_travels_along(tmp_path):
    x, y = np.eye(4), np.array([0, 1, 2, 1])
    network = gn.Network([gn.Dense(3)], input_shape=(4,), seed=0)
    network.metadata["classes"] = ["a", "b", "c"]
    network.fit(x, y, loss=gn.CrossEntropy(0.1), epochs=2)
    path = network.to_onnx(tmp_path / "net.onnx")
    outputs, probabilities = run(path, x)
    close(outputs, network.forward(x))
    close(probabilities, network.predict_proba(x))
    again = gn.from_onnx(path)
    np.testing.assert_array_equal(again.predict(x), network.predict(x))
    assert again.metadata == network.metadata
    assert again.loss.config() == network.loss.config()


def test_probabilities_of_two_classes(tmp_path):
    network = gn.Network([gn.Dense(1)], input_shape=(4,), seed=0)
    network.fit(np.eye(4), [0, 1, 1, 0], loss="binary_cross_entropy", epochs=2)
    probability = run(network.to_onnx(tmp_path / "net.onnx"), np.eye(4), "probabilities")
    close(probability[:, 0], network.predict_proba(np.eye(4))[:, 1])


def test_large_numbers_that_differ_little_keep_their_digits(tmp_path):
    """Seconds since 1970: float32 knows them to two minutes only."""
    x = 1.7e9 + np.random.default_rng(0).normal(size=(50, 1))
    network = gn.Network([gn.Standardize(), gn.Dense(1)], input_shape=(1,), seed=0)
    network.fit(x, x[:, 0] - 1.7e9, loss="mse", epochs=1)
    close(run(network.to_onnx(tmp_path / "net.onnx"), x, "outputs"), network.forward(x))


def test_images_as_bytes(tmp_path):
    x = np.random.default_rng(0).integers(256, size=(5, 4, 4)).astype(np.uint8)
    network = gn.Network([gn.Rescale(), gn.Flatten(), gn.Dense(2)], input_shape=(4, 4), seed=0)
    path = network.to_onnx(tmp_path / "net.onnx", input_dtype="uint8")
    close(run(path, x, "outputs"), network.forward(x))


def test_a_float64_network_is_written_as_float32(tmp_path):
    network = random_network(3, dtype="float64")
    x = random_inputs(network)
    close(run(network.to_onnx(tmp_path / "net.onnx"), x, "outputs"), network.forward(x))


@pytest.mark.parametrize("dtype", ["text", "complex64", object])
def test_impossible_input_dtypes(dtype, tmp_path):
    network = gn.Network([gn.Dense(1)], input_shape=(1,))
    with pytest.raises(ValueError, match="input_dtype is the dtype of the rows"):
        network.to_onnx(tmp_path / "net.onnx", input_dtype=dtype)


def test_nothing_is_overwritten_unasked(tmp_path):
    network = gn.Network([gn.Dense(1)], input_shape=(1,))
    network.to_onnx(tmp_path / "net.onnx")
    with pytest.raises(ValueError, match="exists already"):
        network.to_onnx(tmp_path / "net.onnx")


def test_a_layer_of_ones_own_is_refused(tmp_path):
    class Own(gn.ReLU):
        name = "TestOwnOfOnnx"

    with pytest.raises(ValueError, match=r"layers.0 is a Own, which cannot be written"):
        gn.Network([Own()], input_shape=(1,)).to_onnx(tmp_path / "net.onnx")


# Files that others wrote.


def exported_by_torch(model, *shape):
    import torch

    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its exporter warns of itself
        torch.onnx.export(
            model.eval(), torch.zeros(2, *shape), written, dynamo=False, opset_version=20,
            dynamic_axes={"x": {0: "n"}}, input_names=["x"],
        )  # fmt: skip
    return written.getvalue()


def torch_models():
    from torch import nn

    yield [nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(-1)], (6,)
    yield [nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8, 1e-3, 0.2), nn.Tanh(), nn.Dropout()], (6,)
    yield [nn.Flatten(), nn.Linear(6, 4), nn.LayerNorm(4, 1e-2), nn.GELU(), nn.SELU()], (2, 3)
    yield [nn.BatchNorm2d(2), nn.PReLU(2), nn.Flatten(), nn.Linear(12, 2)], (2, 3, 2)
    yield [nn.Linear(6, 4), nn.ELU(0.5), nn.LeakyReLU(0.2), nn.SiLU(), nn.Softplus()], (6,)
    yield [nn.Sigmoid(), nn.Flatten(), nn.GELU("tanh"), nn.Identity()], (2, 3)


@pytest.mark.parametrize("case", range(6))
def test_what_pytorch_wrote(case, tmp_path):
    import torch
    from torch import nn

    torch.manual_seed(case)
    layers, shape = list(torch_models())[case]
    model = nn.Sequential(*layers)
    for module in model:
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):  # not 0 and 1
            nn.init.uniform_(module.running_mean, -1, 1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    (tmp_path / "net.onnx").write_bytes(exported_by_torch(model, *shape))
    network = gn.from_onnx(tmp_path / "net.onnx")
    x = np.random.default_rng(case).normal(size=(7, *shape)).astype(np.float32)
    with torch.no_grad():
        close(network.forward(x), model(torch.from_numpy(x)).numpy(), 2e-6)


def graph(nodes, constants=(), shape=("n", 4), outputs=("y",), kind=TensorProto.FLOAT, **options):
    """A graph of these nodes from x to y, as bytes."""
    arrays = [
        numpy_helper.from_array(a if isinstance(a, np.ndarray) else np.asarray(a, np.float32), name)
        for name, a in dict(constants).items()
    ]
    made = helper.make_graph(
        [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes],
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(name, kind, ["n", "k"]) for name in outputs],
        arrays,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("my.ops", 1)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=9)
    helper.set_model_props(model, options)
    return model.SerializeToString()


W = np.arange(8, dtype=np.float32).reshape(4, 2)
READ = {
    "matmul and add": (
        [("MatMul", ["x", "w"], ["h"]), ("Add", ["h", "b"], ["y"])],
        {"w": W, "b": [1, 2]},
        lambda x: x @ W + [1, 2],
        ["Dense"],
    ),
    "add before": (
        [("MatMul", ["x", "w"], ["h"]), ("Add", ["b", "h"], ["y"])],
        {"w": W, "b": [[1, 2]]},
        lambda x: x @ W + [1, 2],
        ["Dense"],
    ),
    "transposed": (
        [("Gemm", ["x", "w"], ["y"], {"transB": 1})],
        {"w": W.T.copy()},
        lambda x: x @ W,
        ["Dense"],
    ),
    "scaled and shifted": (
        [("Mul", ["x", "c"], ["h"]), ("Add", ["h", "d"], ["y"])],
        {"c": 0.5, "d": [3]},
        lambda x: 0.5 * x + 3,
        ["Rescale"],
    ),
    "taken from": (
        [("Sub", ["c", "x"], ["h"]), ("Div", ["h", "d"], ["y"])],
        {"c": 1, "d": 4},
        lambda x: (1 - x) / 4,
        ["Rescale", "Rescale"],
    ),
    "standardised": (
        [("Sub", ["x", "c"], ["h"]), ("Div", ["h", "d"], ["y"])],
        {"c": [1, 2, 3, 4], "d": [[4, 3, 2, 1]]},
        lambda x: (x - [1, 2, 3, 4]) / [4, 3, 2, 1],
        ["Standardize", "Standardize"],
    ),
    "silu": (
        [("Sigmoid", ["x"], ["s"]), ("Mul", ["s", "x"], ["y"])],
        {},
        lambda x: x / (1 + np.exp(-x)),
        ["SiLU"],
    ),
    "a constant node": (
        [
            ("Constant", [], ["w"], {"value": numpy_helper.from_array(W)}),
            ("MatMul", ["x", "w"], ["y"]),
        ],
        {},
        lambda x: x @ W,
        ["Dense"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_forms_that_are_read(case, tmp_path):
    nodes, constants, expected, names = READ[case]
    (tmp_path / "net.onnx").write_bytes(graph(nodes, constants))
    network = gn.from_onnx(tmp_path / "net.onnx")
    assert [layer.name for layer in network.layers] == names
    x = np.random.default_rng(0).normal(size=(3, 4))
    close(network.forward(x), expected(x), 1e-6)


def test_float64_numbers_keep_their_digits(tmp_path):
    nodes = [("Mul", ["x", "c"], ["h"]), ("Add", ["h", "d"], ["y"])]
    numbers = {"c": np.array(1e3 * np.pi), "d": np.array(1e3 * np.e)}
    (tmp_path / "net.onnx").write_bytes(graph(nodes, numbers, kind=TensorProto.DOUBLE))
    x = np.random.default_rng(0).normal(size=(3, 4))
    network = gn.from_onnx(tmp_path / "net.onnx")
    assert network.dtype == np.float64
    close(network.forward(x), 1e3 * np.pi * x + 1e3 * np.e, 1e-14)


REFUSED = {
    "an operator": (graph([("Sin", ["x"], ["y"])]), r"operator Sin \(node 'y'\) is no layer here"),
    "lists": (graph([("Sin", ["x"], ["y"])]), r"Supported: Add, BatchNormalization, .*Tanh"),
    "another domain": (
        graph([("Fancy", ["x"], ["y"], {"domain": "my.ops"})]),
        r"operator my.ops.Fancy",
    ),
    "a branch": (
        graph([("Relu", ["x"], ["a"]), ("Tanh", ["x"], ["b"]), ("Add", ["a", "b"], ["y"])]),
        r"'x' goes into 2 nodes \(Relu, Tanh\); only chains",
    ),
    "a computed weight": (
        graph([("Relu", ["x"], ["a"]), ("MatMul", ["w", "a"], ["y"])], {"w": W}),
        r"\(MatMul\) cannot be read: its input 'a' is not a constant",
    ),
    "a factor": (
        graph([("Gemm", ["x", "w"], ["y"], {"alpha": 2.0})], {"w": W}),
        r"\(Gemm\) cannot be read: its alpha is 2.0, and only 1.0",
    ),
    "a transposed input": (
        graph([("Gemm", ["x", "w"], ["y"], {"transA": 1})], {"w": W}),
        r"its transA is 1, and only 0",
    ),
    "a wrong shape": (
        graph([("MatMul", ["x", "w"], ["y"])], {"w": W.T.copy()}),
        r"net.onnx: layers.0.weight has shape \(4, 4\), but was given shape \(2, 4\)",
    ),
    "a vector of factors": (
        graph([("Mul", ["x", "c"], ["y"])], {"c": [1, 2, 3, 4]}),
        r"\(Mul\) cannot be read: its constant has shape \(4,\)",
    ),
    "a bias for each row": (
        graph([("Gemm", ["x", "w", "c"], ["y"])], {"w": W, "c": [[1], [2]]}),
        r"\(Gemm\) cannot be read: its bias has shape \(2, 1\)",
    ),
    "whole numbers": (
        graph([("Cast", ["x"], ["h"], {"to": 7}), ("Relu", ["h"], ["y"])]),
        r"\(Cast\) cannot be read: it casts to a type that is not a float",
    ),
    "another softmax": (
        graph([("Softmax", ["x"], ["y"], {"axis": 1})], shape=("n", 4, 2)),
        r"works along other axes than the node does, whose input has shape \('n', 4, 2\)",
    ),
    "a layer norm of parts of rows": (
        graph(
            [("LayerNormalization", ["x", "w"], ["y"])],
            {"w": np.ones((4, 2), np.float32)},
            shape=("n", 4, 2),
        ),
        "works along other axes than the node does",
    ),
    "rows run together": (
        graph([("Reshape", ["x", "s"], ["y"])], {"s": np.array([-1, 2])}),
        r"Reshape cannot turn 4 numbers of shape \(4,\) into \(2,\)",
    ),
    "a square": (
        graph([("Mul", ["x", "x"], ["y"])]),
        r"\(Mul\) cannot be read: neither of its inputs is a constant",
    ),
    "another selu": (graph([("Selu", ["x"], ["y"], {"alpha": 1.0})]), "its alpha is not 1.67"),
    "a fixed batch": (
        graph([("Reshape", ["x", "s"], ["y"])], {"s": np.array([2, -1])}),
        r"its shape is \[2, -1\], and only \[0 or -1, …\]",
    ),
    "rows of any size": (graph([("Relu", ["x"], ["y"])], shape=("n", "d")), r"\['n', 'd'\]"),
    "no rows": (graph([("Relu", ["x"], ["y"])], shape=(4,)), r"expected rows of a fixed shape"),
    "metadata": (graph([("Relu", ["x"], ["y"])], glassnet="{"), "its metadata 'glassnet' cannot"),
    "a task": (
        graph([("Relu", ["x"], ["y"])], glassnet='{"loss":null,"task":"x","metadata":{}}'),
        "unknown task 'x'",
    ),
    "no onnx file": (b"not onnx at all", "is not a valid ONNX file"),
    "an empty file": (b"", "is not a valid ONNX file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case, tmp_path):
    content, message = REFUSED[case]
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        gn.from_onnx(tmp_path / "net.onnx")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "net.onnx"))


def test_every_reader_is_named_in_the_list():
    assert set(onnx_import.SUPPORTED.split(", ")) == set(onnx_import.READERS)
