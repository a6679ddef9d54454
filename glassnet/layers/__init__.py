"""Layers: each in the file of its concept, with its kernels, its forward and its backward pass."""

from glassnet.layers.activations import Identity, Sigmoid, Softplus, Tanh
from glassnet.layers.base import LAYERS, Layer
from glassnet.layers.batch_norm import BatchNorm
from glassnet.layers.dense import Dense
from glassnet.layers.dropout import Dropout
from glassnet.layers.gated import GELU, SiLU
from glassnet.layers.layer_norm import LayerNorm
from glassnet.layers.preprocessing import Impute, OneHot, Rescale, Standardize
from glassnet.layers.rectifiers import ELU, SELU, LeakyReLU, PReLU, ReLU
from glassnet.layers.reshape import Flatten, Reshape
from glassnet.layers.softmax import Softmax

__all__ = [
    "ELU",
    "GELU",
    "LAYERS",
    "SELU",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Flatten",
    "Identity",
    "Impute",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "OneHot",
    "PReLU",
    "ReLU",
    "Rescale",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Standardize",
    "Tanh",
]
