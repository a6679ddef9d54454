"""Exchange: networks as other programs know them.

    onnx_export.py    an ONNX graph, for runtimes on any machine
    onnx_import.py    a chain of layers out of an ONNX graph
    pytorch.py        parameters under PyTorch's names and in its layouts, in and out
    torch_modules.py  the same network as PyTorch's `nn.Sequential`
    script.py         the program that we run, written down: one file that needs NumPy alone

Each is reached through a method of `Network` (`to_onnx`, `state_dict`, `to_torch`, `to_script`) or
a function of the package (`gn.from_onnx`), and imported there.
"""

from __future__ import annotations

import importlib
from typing import Any


def extra(module: str, name: str) -> Any:
    """Import a module that an extra of this package installs.

    Arguments:
        module: what to import, `"onnx"`.
        name: the extra, and what its package is called.

    Raises:
        ValueError: if it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ValueError(
            f"This needs the package {module}, which is not installed: "
            f"pip install 'glassnet[{name}]'."
        ) from None
