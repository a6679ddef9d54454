"""A network as an ONNX graph: standard operators only, preprocessing included.

Weights and arithmetic are float32 whatever the network's dtype: runtimes have no float64 form of
half of the activations. The exception is `Standardize`, which subtracts and divides in float64, as
it does here, so that large numbers that differ little keep their digits.

    x               raw rows, (n, *input_shape); n is free
    outputs         what `Network.forward` returns, (n, *output_shape)
    probabilities   what `Network.predict_proba` returns, if the loss gives outputs that meaning

What the loss, the task and the classes are called travels in the model's metadata, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import layers as gn
from glassnet.exchange import extra
from glassnet.files import write_atomically
from glassnet.losses import BinaryCrossEntropy, CrossEntropy

if TYPE_CHECKING:
    from glassnet.layers.base import Layer
    from glassnet.network import Network

OPSET, IR = 20, 9
"""The versions of the operators and of the file: Gelu is an operator since 20 (2023)."""

METADATA = "glassnet"
"""The key of our own JSON in a model's metadata."""


class Graph:
    """A graph in the making: nodes one after the other, from the value called `x` on.

    Attributes:
        value: the name of the last node's result, which the next one takes.
        dtype: its dtype.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.onnx = extra("onnx", "onnx")
        self.value, self.dtype = "x", dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.scope = ""

    def constant(self, name: str, array: Any) -> str:
        """Add an array, and return its full name."""
        full = f"{self.scope}{name}"
        whole = np.ascontiguousarray(array).reshape(np.shape(array))
        self.constants.append(self.onnx.numpy_helper.from_array(whole, full))
        return full

    def single(self, name: str, array: Any) -> str:
        """Add an array as float32."""
        return self.constant(name, np.asarray(array, np.float32))

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node that takes these inputs, and return the name of its result."""
        name = f"{self.scope}{operator.lower()}_{len(self.nodes)}"
        make = self.onnx.helper.make_node
        self.nodes.append(make(operator, list(inputs), [name], name, **attributes))
        return name

    def then(self, operator: str, *operands: str, **attributes: Any) -> None:
        """Add a node that takes the last value and these operands."""
        self.value = self.node(operator, self.value, *operands, **attributes)

    def cast(self, dtype: type) -> None:
        """Bring the last value into another dtype, if it has not got it."""
        wanted = np.dtype(dtype)
        if wanted != self.dtype:
            self.then("Cast", to=self.onnx.helper.np_dtype_to_tensor_dtype(wanted))
            self.dtype = wanted


def _dense(graph: Graph, layer: Any) -> None:
    operands = [graph.single("weight", layer.weight.value)]
    operands += [] if layer.bias is None else [graph.single("bias", layer.bias.value)]
    graph.then("Gemm", *operands)


def _batch_norm(graph: Graph, layer: Any) -> None:
    operands = [
        graph.single("gamma", layer.gamma.value),
        graph.single("beta", layer.beta.value),
        graph.single("running_mean", layer.running_mean),
        graph.single("running_var", layer.running_var),
    ]
    kept = 1 - layer.momentum  # ONNX writes the share that is kept
    graph.then("BatchNormalization", *operands, epsilon=layer.epsilon, momentum=kept)


def _layer_norm(graph: Graph, layer: Any) -> None:
    operands = graph.single("gamma", layer.gamma.value), graph.single("beta", layer.beta.value)
    graph.then("LayerNormalization", *operands, axis=1, epsilon=layer.epsilon)


def _prelu(graph: Graph, layer: Any) -> None:
    behind = (1,) * (len(layer.input_shape) - 1)  # a slope a channel, the same at all positions
    graph.then("PRelu", graph.single("slope", layer.slope.value.reshape(-1, *behind)))


def _silu(graph: Graph, layer: Any) -> None:
    graph.then("Mul", graph.node("Sigmoid", graph.value))


def _dropout(graph: Graph, layer: Any) -> None:
    graph.then("Dropout", graph.single("rate", layer.rate))


def _reshape(graph: Graph, layer: Any) -> None:
    graph.then("Reshape", graph.constant("shape", np.array([-1, *layer.output_shape], np.int64)))


def _rescale(graph: Graph, layer: Any) -> None:
    graph.cast(np.float32)
    graph.then("Mul", graph.single("scale", layer.scale))
    graph.then("Add", graph.single("offset", layer.offset))


def _standardize(graph: Graph, layer: Any) -> None:
    graph.cast(np.float64)
    graph.then("Sub", graph.constant("mean", layer.mean))
    graph.then("Div", graph.constant("std", layer.std))
    graph.cast(np.float32)


def _impute(graph: Graph, layer: Any) -> None:
    graph.cast(np.float32)
    missing = graph.node("IsNaN", graph.value)
    filled = graph.node("And", missing, graph.constant("chosen", layer.chosen))
    graph.value = graph.node("Where", filled, graph.single("fill", layer.fill), graph.value)


def _one_hot(graph: Graph, layer: Any) -> None:
    graph.cast(np.float32)
    graph.then("Gather", graph.constant("source", layer.source), axis=1)
    is_code = graph.node("Equal", graph.value, graph.single("code", layer.code))
    hot = graph.node("Cast", is_code, to=graph.onnx.TensorProto.FLOAT)
    passes = graph.constant("passes", layer.code < 0)
    graph.value = graph.node("Where", passes, graph.value, hot)


def _operator(name: str, **attributes: Any) -> Callable[[Graph, Any], None]:
    return lambda graph, layer: graph.then(name, **attributes)


WRITERS: Mapping[type[Layer], Callable[[Graph, Any], None]] = {
    gn.Dense: _dense,
    gn.Identity: _operator("Identity"),
    gn.Sigmoid: _operator("Sigmoid"),
    gn.Tanh: _operator("Tanh"),
    gn.Softplus: _operator("Softplus"),
    gn.ReLU: _operator("Relu"),
    gn.LeakyReLU: lambda graph, layer: graph.then("LeakyRelu", alpha=layer.slope),
    gn.PReLU: _prelu,
    gn.ELU: lambda graph, layer: graph.then("Elu", alpha=layer.alpha),
    gn.SELU: _operator("Selu"),
    gn.GELU: lambda graph, layer: graph.then(
        "Gelu", approximate="none" if layer.form == "exact" else "tanh"
    ),
    gn.SiLU: _silu,
    gn.Softmax: _operator("Softmax", axis=-1),
    gn.Dropout: _dropout,
    gn.BatchNorm: _batch_norm,
    gn.LayerNorm: _layer_norm,
    gn.Flatten: _operator("Flatten", axis=1),
    gn.Reshape: _reshape,
    gn.Rescale: _rescale,
    gn.Standardize: _standardize,
    gn.Impute: _impute,
    gn.OneHot: _one_hot,
}
"""What adds each layer to a graph."""


def to_onnx(network: Network, path: Path, input_dtype: Any = None, overwrite: bool = False) -> Path:
    """See `Network.to_onnx`."""
    onnx = extra("onnx", "onnx")
    with network.lock:
        model = _model(network, _input_dtype(network, input_dtype))
    onnx.checker.check_model(model, full_check=True)
    return write_atomically(path, model.SerializeToString(), overwrite)


def _input_dtype(network: Network, given: Any) -> np.dtype[Any]:
    """The dtype of x: as given; by default float32, or float64 where it is standardised first."""
    default = np.float64 if isinstance(network.layers[0], gn.Standardize) else np.float32
    try:
        dtype = np.dtype(default if given is None else given)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise ValueError(
            f"input_dtype is the dtype of the rows that the model will be given, such as "
            f"'float32', 'float64' or 'uint8'. Received: {given!r}."
        )
    return dtype


def _model(network: Network, dtype: np.dtype[Any]) -> Any:
    graph = Graph(dtype)
    for index, layer in enumerate(network.layers):
        if type(layer) not in WRITERS:
            known = ", ".join(kind.__name__ for kind in WRITERS)
            raise ValueError(
                f"layers.{index} is a {type(layer).__name__}, which cannot be written with ONNX's "
                f"standard operators. Supported: {known}."
            )
        if not layer.accepts_raw:
            graph.cast(np.float32)
        graph.scope = f"layers.{index}."
        WRITERS[type(layer)](graph, layer)
    graph.scope = ""
    return _assembled(network, graph, dtype)


def _assembled(network: Network, graph: Graph, dtype: np.dtype[Any]) -> Any:
    """The graph with its inputs, its outputs and what they mean."""
    onnx = graph.onnx
    helper, number = onnx.helper, onnx.TensorProto.FLOAT

    def described(name: str, kind: int, shape: tuple[int, ...]) -> Any:
        return helper.make_tensor_value_info(name, kind, ["n", *shape])

    graph.nodes[-1].output[0] = "outputs"
    outputs = [described("outputs", number, network.output_shape)]
    link = _link(network)
    if link is not None:
        graph.nodes.append(link(helper))
        outputs.append(described("probabilities", number, network.output_shape))
    x = described("x", helper.np_dtype_to_tensor_dtype(dtype), network.input_shape)
    made = helper.make_graph(graph.nodes, "network", [x], outputs, graph.constants)
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(made, opset_imports=[opset], ir_version=IR, producer_name="glassnet")
    helper.set_model_props(model, {METADATA: json.dumps(_meaning(network))})
    return model


def _link(network: Network) -> Callable[[Any], Any] | None:
    """What turns outputs into probabilities, as a node; None where they are none."""
    if isinstance(network.loss, CrossEntropy):
        return lambda helper: helper.make_node("Softmax", ["outputs"], ["probabilities"], axis=-1)
    if isinstance(network.loss, BinaryCrossEntropy):
        return lambda helper: helper.make_node("Sigmoid", ["outputs"], ["probabilities"])
    return None


def _meaning(network: Network) -> dict[str, Any]:
    """What the outputs mean, as JSON-able data."""
    loss = None if network.loss is None else network.loss.config()
    return {"loss": loss, "task": network.task, "metadata": network.metadata}
