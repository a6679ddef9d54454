"""A network out of an ONNX file: a chain of nodes, each a layer that we have.

The chain is followed from the graph's input to its first output. A node that is no layer of ours,
or a value that goes two ways, is refused by name: half a network would be worse than none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from glassnet import layers as gn
from glassnet.accelerate import Array
from glassnet.exchange import extra
from glassnet.exchange.onnx_export import METADATA
from glassnet.layers.rectifiers import SELU_ALPHA, SELU_SCALE
from glassnet.losses import LOSSES
from glassnet.network import Network
from glassnet.targets import Task

if TYPE_CHECKING:
    from glassnet.layers.base import Layer


@dataclass
class Part:
    """A layer that was read, with the numbers that belong into it.

    Attributes:
        layer: the layer, not yet built.
        numbers: its parameters and buffers, by their names within the layer.
        axes: how many axes a row must have for the layer to be the same as the node.
    """

    layer: Layer
    numbers: dict[str, Array] = field(default_factory=dict)
    axes: int | None = None


FLOATS = (1, 10, 11)
"""ONNX's numbers for float32, float16 and float64."""


class Node:
    """A node of the graph, with its attributes and the constants among its inputs.

    Attributes:
        operator: `"Gemm"`. name: what it is called in the file.
        inputs, output: names of values. options: its attributes, by name.
        opset: the version of the operators.
    """

    def __init__(
        self, node: Any, constants: Mapping[str, Array], options: dict[str, Any], opset: int
    ) -> None:
        self.operator = node.op_type
        if node.domain not in ("", "ai.onnx"):
            self.operator = f"{node.domain}.{node.op_type}"
        self.name = node.name or node.output[0]
        self.inputs, self.output = list(node.input), node.output[0]
        self.options, self.opset = options, opset
        self._constants = constants

    def constant(self, place: int) -> Array | None:
        """The constant at this place among the inputs; None if nothing stands there."""
        if place >= len(self.inputs) or not self.inputs[place]:
            return None
        if self.inputs[place] not in self._constants:
            raise self.refused(f"its input {self.inputs[place]!r} is not a constant of the file")
        return self._constants[self.inputs[place]]

    def needed(self, place: int) -> Array:
        """The constant at this place, which must be there."""
        array = self.constant(place)
        if array is None:
            raise self.refused(f"its input {place} is missing")
        return array

    def operand(self) -> tuple[Array, bool]:
        """The constant of an operator with two operands, and whether it comes second."""
        if not any(name in self._constants for name in self.inputs):
            raise self.refused("neither of its inputs is a constant of the file")
        second = self.inputs[1] in self._constants
        return self.needed(1 if second else 0), second

    def expect(self, option: str, wanted: Any, default: Any) -> None:
        """Refuse an option that our layer has not got."""
        given = self.options.get(option, default)
        if given != wanted:
            raise self.refused(f"its {option} is {given!r}, and only {wanted!r} is supported")

    def refused(self, reason: str) -> ValueError:
        """The error for a node that has no layer."""
        return ValueError(f"the node {self.name!r} ({self.operator}) cannot be read: {reason}.")


def _dense(weight: Array, bias: Array | None) -> Part:
    """A dense layer with this weight (fan_in, units)."""
    units = weight.shape[-1]
    numbers = {"weight": weight}
    if bias is not None:
        numbers["bias"] = np.broadcast_to(bias.reshape(-1), (units,))
    return Part(gn.Dense(units, use_bias=bias is not None), numbers)


def _gemm(node: Node) -> Part:
    for option, wanted in (("transA", 0), ("alpha", 1.0), ("beta", 1.0)):
        node.expect(option, wanted, default=wanted)
    weight, bias = node.needed(1), node.constant(2)
    weight = weight.T if node.options.get("transB", 0) else weight
    if bias is not None and not _is_bias(bias, weight):
        raise node.refused(f"its bias has shape {bias.shape}, and only one number a unit is known")
    return _dense(weight, bias)


def _is_bias(array: Array, weight: Array) -> bool:
    """Whether an array is one number a unit, or one for all."""
    units = weight.shape[-1]
    return array.shape in ((), (1,), (units,), (1, 1), (1, units))


def _batch_norm(node: Node) -> Part:
    node.expect("training_mode", 0, default=0)
    kept = node.options.get("momentum", 0.9)  # ONNX writes the share that is kept
    layer = gn.BatchNorm(_short(node.options.get("epsilon", 1e-5)), round(1 - kept, 6))
    names = "gamma", "beta", "running_mean", "running_var"
    return Part(layer, {name: node.needed(place) for place, name in enumerate(names, start=1)})


def _layer_norm(node: Node) -> Part:
    gamma, beta = node.needed(1), node.constant(2)
    beta = np.zeros_like(gamma) if beta is None else beta
    epsilon, axis = _short(node.options.get("epsilon", 1e-5)), node.options.get("axis", -1)
    axes = None if axis == 1 else -axis  # it normalises over the axes from here to the last
    return Part(gn.LayerNorm(epsilon), {"gamma": gamma, "beta": beta}, axes=axes)


def _prelu(node: Node) -> Part:
    slope = node.needed(1)
    if slope.size > 1 and slope.size != slope.shape[0]:
        raise node.refused(f"its slope has shape {slope.shape}, only one a channel is supported")
    per_feature = slope.size > 1
    axes = slope.ndim if per_feature else None
    return Part(gn.PReLU(per_feature=per_feature), {"slope": slope.reshape(-1)}, axes=axes)


def _selu(node: Node) -> Part:
    for option, usual in (("alpha", SELU_ALPHA), ("gamma", SELU_SCALE)):
        if abs(node.options.get(option, usual) - usual) > 1e-6:
            raise node.refused(f"its {option} is not {usual:.6f}, and no other is supported")
    return Part(gn.SELU())


def _dropout(node: Node) -> Part:
    rate = node.constant(1)
    return Part(gn.Dropout(_short(node.options.get("ratio", 0.5)) if rate is None else _one(rate)))


def _softmax(node: Node) -> Part:
    axis = node.options.get("axis", -1 if node.opset >= 13 else 1)
    return Part(gn.Softmax(), axes=None if axis == -1 else axis)


def _flatten(node: Node) -> Part:
    node.expect("axis", 1, default=1)
    return Part(gn.Flatten())


def _reshape(node: Node) -> Part:
    rows, *shape = node.needed(1).tolist()
    if rows not in (0, -1) or 0 in shape or not shape:
        raise node.refused(
            f"its shape is {[rows, *shape]}, and only [0 or -1, …] keeps the rows apart"
        )
    return Part(gn.Flatten() if shape == [-1] else gn.Reshape(shape))


def _arithmetic(node: Node) -> Part:
    """A product or sum with one number, or a mean or standard deviation a feature."""
    array, second = node.operand()
    if array.size == 1:
        number = _one(array)
        if node.operator == "Mul":
            return Part(gn.Rescale(number, 0.0))
        if node.operator == "Add":
            return Part(gn.Rescale(1.0, number))
        if node.operator == "Sub":
            return Part(gn.Rescale(1.0, -number) if second else gn.Rescale(-1.0, number))
        if second and number != 0:
            return Part(gn.Rescale(1 / number, 0.0))
    elif second and node.operator in ("Sub", "Div"):
        return Part(gn.Standardize(), {"mean" if node.operator == "Sub" else "std": array})
    raise node.refused(
        f"its constant has shape {array.shape}; only x·c, x±c, x/c with one number, and x−mean, "
        "x/std with one a feature, are supported"
    )


def _cast(node: Node) -> None:
    """Nothing: layers convert what they are given. But whole numbers would be another thing."""
    if node.options.get("to") not in FLOATS:
        raise node.refused("it casts to a type that is not a float")


def _swish(node: Node) -> Part:
    node.expect("alpha", 1.0, default=1.0)
    return Part(gn.SiLU())


READERS: Mapping[str, Callable[[Node], Part | None]] = {
    "Gemm": _gemm,
    "MatMul": lambda node: _dense(node.needed(1), None),
    "Add": _arithmetic,
    "Sub": _arithmetic,
    "Mul": _arithmetic,
    "Div": _arithmetic,
    "Identity": lambda node: Part(gn.Identity()),
    "Cast": _cast,
    "Sigmoid": lambda node: Part(gn.Sigmoid()),
    "Tanh": lambda node: Part(gn.Tanh()),
    "Softplus": lambda node: Part(gn.Softplus()),
    "Relu": lambda node: Part(gn.ReLU()),
    "LeakyRelu": lambda node: Part(gn.LeakyReLU(_short(node.options.get("alpha", 0.01)))),
    "PRelu": _prelu,
    "Elu": lambda node: Part(gn.ELU(_short(node.options.get("alpha", 1.0)))),
    "Selu": _selu,
    "Gelu": lambda node: Part(
        gn.GELU("tanh" if node.options.get("approximate") == "tanh" else "exact")
    ),
    "Swish": _swish,
    "Softmax": _softmax,
    "Dropout": _dropout,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Flatten": _flatten,
    "Reshape": _reshape,
}
"""What makes a layer of each operator; None leaves the node out."""


SUPPORTED = ", ".join(sorted(READERS))


def _short(number: float) -> float:
    """A number that the file holds as float32, with the digits that it was written with.

    >>> _short(float(np.float32(0.01)))
    0.01
    """
    return float(str(np.float32(number)))


def _one(array: Array) -> float:
    """The only number of an array, with the digits that its dtype holds.

    >>> _one(np.array([0.01], np.float32)), _one(np.array(0.012345678901234))
    (0.01, 0.012345678901234)
    """
    return float(str(array.reshape(-1)[0]))


def from_onnx(path: str | Path) -> Network:
    """Read a network from an ONNX file: a chain of operators that are layers here.

    Arguments:
        path: the file.

    Returns:
        A network that gives the same outputs as the graph's first output. If glassnet wrote the
        file, it also knows its loss, its task and its classes.

    Raises:
        ValueError: if the file is no valid ONNX file, or if it holds an operator, an option or a
            branch that layers here have not got; the message names it and what is supported.

    Example:
        >>> import tempfile, glassnet as gn
        >>> net = gn.Network([gn.Dense(3), gn.Tanh(), gn.Dense(2)], input_shape=(4,), seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:                  # doctest: +SKIP
        ...     gn.from_onnx(net.to_onnx(f"{folder}/net.onnx"))
        Network([Dense(units=3), Tanh(), Dense(units=2)], input_shape=(4,), dtype='float32')
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no ONNX file {path}. Check the path.")
    try:
        model = _read(path)
        return _network(model)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _read(path: Path) -> Any:
    """The model, checked by onnx's own checker."""
    onnx = extra("onnx", "onnx")
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise ValueError(f"this is not a valid ONNX file ({reason})") from None
    return model


def _network(model: Any) -> Network:
    constants = _constants(model.graph)
    nodes = _nodes(model, constants)
    name, input_shape = _input(model.graph, constants)
    parts = _parts(_chain(nodes, name, model.graph.output[0].name))
    floats = {array.dtype for array in constants.values() if array.dtype.kind == "f"}
    dtype = "float64" if floats == {np.dtype(np.float64)} else "float32"
    network = Network([part.layer for part in parts], input_shape, dtype=dtype)
    for index, part in enumerate(parts):
        _fill(network, index, part)
    _understand(network, model)
    return network


def _constants(graph: Any) -> dict[str, Array]:
    """The arrays of a graph: its initializers, and what its Constant nodes give."""
    to_array = extra("onnx", "onnx").numpy_helper.to_array
    arrays = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            arrays[node.output[0]] = to_array(node.attribute[0].t)
    return arrays


def _nodes(model: Any, constants: Mapping[str, Array]) -> list[Node]:
    """The nodes of a graph, in the file's order."""
    read = extra("onnx", "onnx").helper.get_attribute_value
    opset = max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    nodes = []
    for node in model.graph.node:
        options = {attribute.name: read(attribute) for attribute in node.attribute}
        options = {n: v.decode() if isinstance(v, bytes) else v for n, v in options.items()}
        nodes.append(Node(node, constants, options, opset))
    return nodes


def _input(graph: Any, constants: Mapping[str, Array]) -> tuple[str, tuple[int, ...]]:
    """The name of the one input, and the shape of its rows."""
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(repr(value.name) for value in inputs) or "none"
        raise ValueError(f"a network has one input, the graph has {len(inputs)} ({names}).")
    axes = inputs[0].type.tensor_type.shape.dim
    shape = [axis.dim_value if axis.HasField("dim_value") else axis.dim_param for axis in axes]
    if len(shape) < 2 or not all(isinstance(size, int) and size > 0 for size in shape[1:]):
        raise ValueError(
            f"the input {inputs[0].name!r} has shape {shape}; expected rows of a fixed shape, "
            "as in ['n', 784]."
        )
    return inputs[0].name, tuple(shape[1:])


def _chain(nodes: Sequence[Node], value: str, output: str) -> Iterator[Node]:
    """The nodes from a value on, each taking what the one before it gave, up to the output."""
    while value != output:
        takers = [node for node in nodes if value in node.inputs]
        node = _silu(takers, value) or (takers[0] if len(takers) == 1 else None)
        if node is None:
            kinds = ", ".join(taker.operator for taker in takers) or "none"
            raise ValueError(
                f"the value {value!r} goes into {len(takers)} nodes ({kinds}); only chains, where "
                f"each node takes what the one before it gave, are supported, of: {SUPPORTED}."
            )
        if node.operator not in READERS:
            raise ValueError(
                f"the operator {node.operator} (node {node.name!r}) is no layer here. Supported: "
                f"{SUPPORTED}."
            )
        yield node
        value = node.output


def _silu(takers: Sequence[Node], value: str) -> Node | None:
    """The product x · σ(x), if that is what two nodes make of a value x, as one node."""
    by_operator = {node.operator: node for node in takers}
    if len(takers) != 2 or by_operator.keys() != {"Sigmoid", "Mul"}:
        return None
    product = by_operator["Mul"]
    if set(product.inputs) != {value, by_operator["Sigmoid"].output}:
        return None
    product.operator = "Swish"
    return product


def _parts(chain: Iterator[Node]) -> list[Part]:
    """The layers of a chain of nodes."""
    parts: list[Part] = []
    before: Node | None = None
    for node in chain:
        whole = None if before is None else _sum_of_two(before, node)
        if whole is not None:
            parts[-1] = whole
        else:
            part = READERS[node.operator](node)
            parts += [] if part is None else [part]
        before = node
    return parts


def _sum_of_two(before: Node, node: Node) -> Part | None:
    """The layer x W + b or c x + d, if a product and a sum make one."""
    if node.operator != "Add" or before.operator not in ("MatMul", "Mul"):
        return None
    added, _ = node.operand()
    if before.operator == "MatMul":
        weight = before.needed(1)
        return _dense(weight, added) if _is_bias(added, weight) else None
    factor, _ = before.operand()
    if factor.size == added.size == 1:
        return Part(gn.Rescale(_one(factor), _one(added)))
    return None


def _fill(network: Network, index: int, part: Part) -> None:
    """Give a layer its numbers."""
    layer = network.layers[index]
    if part.axes is not None and part.axes != len(layer.input_shape):
        raise ValueError(
            f"layers.{index} ({layer!r}) works along other axes than the node does, whose input "
            f"has shape {('n', *layer.input_shape)}. Supported: softmax along the last axis, layer "
            "norm over all axes of a row, one slope of PRelu a channel."
        )
    for name, array in part.numbers.items():
        full = f"layers.{index}.{name}"
        if full in network.parameters:
            network.parameters[full].value = array
            continue
        buffer = network.buffers[full]
        if array.shape not in (buffer.shape, (1, *buffer.shape)):
            raise ValueError(f"{full} needs the shape {buffer.shape}. Received: {array.shape}.")
        buffer[...] = array
    layer.fitted = layer.needs_fit


def _understand(network: Network, model: Any) -> None:
    """Take over what the outputs mean, where glassnet wrote it down."""
    written = {entry.key: entry.value for entry in model.metadata_props}.get(METADATA)
    if written is None:
        return
    try:
        meaning = json.loads(written)
        network.loss = None if meaning["loss"] is None else LOSSES.create(meaning["loss"])
        network.task = meaning["task"]
        network.metadata = dict(meaning["metadata"])
        if network.task not in (None, *get_args(Task)):
            raise ValueError(f"unknown task {network.task!r}")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"its metadata {METADATA!r} cannot be read ({error}).") from None
