"""glassnet: neural networks from first principles on NumPy.

Every forward and backward equation is derived by hand and stands where a reader expects it:

    layers/         a file a concept: the equations, forward and backward
    losses.py       losses and their gradients
    optimizers.py   from gradient descent to AdamW, in order of growing complexity
    network.py      the chain of layers: backpropagation itself
    trainer.py      fit → epoch → step
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glassnet import callbacks, data, initializers, layers, losses, optimizers, schedules
from glassnet.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    LearningRateLog,
    StopOnNonFinite,
    TensorBoard,
)
from glassnet.checkpoint import load
from glassnet.history import History, TrainingDiverged
from glassnet.layers import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    Identity,
    Impute,
    Layer,
    LayerNorm,
    LeakyReLU,
    OneHot,
    PReLU,
    ReLU,
    Rescale,
    Reshape,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Standardize,
    Tanh,
)
from glassnet.losses import (
    MAE,
    MSE,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    SquaredError,
)
from glassnet.network import Network
from glassnet.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from glassnet.register import register
from glassnet.schedules import Phase

if TYPE_CHECKING:
    from glassnet import estimators, experiments
    from glassnet.doctor import Doctor
    from glassnet.exchange.onnx_import import from_onnx
    from glassnet.glass.gradient_check import gradient_check

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import on first use what training does not need."""
    if name == "gradient_check":
        return importlib.import_module("glassnet.glass.gradient_check").gradient_check
    if name in ("estimators", "experiments"):
        return importlib.import_module(f"glassnet.{name}")
    if name == "from_onnx":
        return importlib.import_module("glassnet.exchange.onnx_import").from_onnx
    if name == "Doctor":
        return importlib.import_module("glassnet.doctor").Doctor
    raise AttributeError(f"module 'glassnet' has no attribute {name!r}")


__all__ = [
    "ELU",
    "GELU",
    "MAE",
    "MSE",
    "SELU",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "BatchNorm",
    "BinaryCrossEntropy",
    "Callback",
    "Checkpoint",
    "CrossEntropy",
    "Dense",
    "Doctor",
    "Dropout",
    "EarlyStopping",
    "Flatten",
    "History",
    "Huber",
    "Identity",
    "Impute",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LearningRateLog",
    "Loss",
    "Momentum",
    "Nesterov",
    "Network",
    "OneHot",
    "Optimizer",
    "PReLU",
    "Phase",
    "RMSProp",
    "ReLU",
    "Rescale",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SquaredError",
    "Standardize",
    "StopOnNonFinite",
    "Tanh",
    "TensorBoard",
    "TrainingDiverged",
    "callbacks",
    "data",
    "estimators",
    "experiments",
    "from_onnx",
    "gradient_check",
    "initializers",
    "layers",
    "load",
    "losses",
    "optimizers",
    "register",
    "schedules",
]
