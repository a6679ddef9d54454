"""ONNX Runtime: what a model is often exported to when single predictions have to be fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from glassnet.accelerate import Array
from glassnet.bench import inputs
from glassnet.bench.contender import Contender, Variant
from glassnet.bench.workloads import Architecture, Workload

OPSET, IR = 17, 8
EPSILON = 1e-5


class OnnxRuntime(Contender):
    """One session; its optimizer folds batch norm into the products."""

    title = "ONNX Runtime"
    packages = ("onnx", "onnxruntime")

    @classmethod
    def variants(cls, workload: Workload, cores: int) -> list[Variant]:
        counts = [1] if cores == 1 else [1, cores]
        return [Variant(f"{n} core{'s' * (n > 1)}", n) for n in counts]

    def __init__(self, workload: Workload, variant: Variant) -> None:
        super().__init__(workload, variant)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = variant.cores or 1
        path = self.folder / "model.onnx"
        write(workload.network, path)
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def predict(self) -> Array:
        return self.probabilities(self.rows.x[: self.workload.batch])

    def probabilities(self, x: Array) -> Array:
        found: Array = self.session.run(None, {"x": x})[0]
        return found


def write(network: Architecture, path: Path) -> None:
    """Write the initial network as an ONNX graph."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    operators = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}
    nodes: list[Any] = []
    constants: list[Any] = []
    value = "x"

    def constant(name: str, array: Array) -> str:
        constants.append(numpy_helper.from_array(array, name))
        return name

    def node(operator: str, *operands: str, **options: Any) -> str:
        result = f"{operator}_{len(nodes)}"
        nodes.append(helper.make_node(operator, [value, *operands], [result], **options))
        return result

    layers = inputs.initial_weights(network)
    for index, (weight, bias) in enumerate(layers):
        units = weight.shape[1]
        operands = [constant(f"weight_{index}", weight)]
        operands += [] if bias is None else [constant(f"bias_{index}", bias)]
        value = node("Gemm", *operands)
        if index == len(layers) - 1:
            break
        if network.batch_norm:
            ones, zeros = np.ones(units, np.float32), np.zeros(units, np.float32)
            starts = {"scale": ones, "shift": zeros, "mean": zeros, "variance": ones}
            named = [constant(f"{name}_{index}", array) for name, array in starts.items()]
            value = node("BatchNormalization", *named, epsilon=EPSILON)
        value = node(operators[network.activation])
    value = node("Softmax", axis=1)
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", network.sizes[0]])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["n", network.sizes[-1]])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.save(model, path)


CONTENDER = OnnxRuntime
